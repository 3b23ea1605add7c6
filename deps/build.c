#include "deps/build.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fs.h"
#include "deps/build_inside.h"
#include "deps/source_tree.h"
#include "deps/tags.h"
#include "deps/wheel.h"

#define BUILD_FORMAT "autopack.build.v1"
/* 1980-01-01, the first moment that a zip archive can name. */
#define BUILD_EPOCH "SOURCE_DATE_EPOCH=315532800"

enum { MAX_SAID = 1 << 20, MAX_SETUP = 4 << 20 };

/* What helps where no runtime is to be had. */
#define ADVICE                                                                                      \
	"podman, docker, buildah or crun on this machine would build it inside the base, or build " \
	"it there yourself (\"pip wheel\" in a container of it) and give the wheel as an extra package"

/* What is built of a source. */
struct product {
	const char *name, *flag, *ending;
	const char *key; /* in the name of what is kept */
	bool for_base;   /* by the base's Python, and to fit the base */
	bool inside;     /* built there */
};

static const struct product a_wheel = { "wheel", "--wheel", ".whl", "", true, false };
static const struct product a_wheel_inside = { "wheel", NULL, ".whl", "inside ", true, true };
static const struct product an_sdist = { "sdist", "--sdist", ".tar.gz", "sdist", false, false };

/* One source on its way to a product. */
struct work {
	const char *source;
	bool is_dir;
	const struct product *p;
	const struct ap_build_opts *o;
	char *python; /* of the host, that builds; NULL: any */
	bool misfit;  /* it failed because it was not built inside the base */
};

/* The only such file in a directory; NULL when there is not exactly one. */
static char *only_product(const char *dir, const struct product *p)
{
	DIR *d = opendir(dir);
	char *found = NULL;
	size_t n = 0;

	if (!d)
		return NULL;
	for (struct dirent *e; (e = readdir(d));) {
		if (!ap_ends_with(e->d_name, p->ending))
			continue;
		free(found);
		found = ap_fs_join(dir, e->d_name);
		n++;
	}
	closedir(d);
	if (n != 1) {
		free(found);
		found = NULL;
	}
	return found;
}

/* Does the host have the base's Python?  uv knows. */
static int find_python(char **version, const struct ap_build_opts *o, struct ap_err *err)
{
	ap_auto_strv words = { 0 };
	ap_auto_buf said = AP_BUF_MAX(MAX_SAID);
	int status;

	*version = ap_xasprintf("%u.%u", o->inv->py_major, o->inv->py_minor);
	ap_strv_add(&words, "python");
	ap_strv_add(&words, "find");
	ap_strv_add(&words, *version);
	if (ap_uv_run(o->uv, &status, &words, &said, err) < 0) {
		free(AP_STEAL(*version));
		return -1;
	}
	if (status != 0)
		free(AP_STEAL(*version));
	return 0;
}

/* setup.py whose answers can depend on who runs it, when that is not the base's Python. */
static int check_setup(const char *source, const struct ap_build_opts *o, struct ap_err *err)
{
	static const char *const asks[] = { "version_info", "python_version", "hexversion",
		"sys.platform", "platform.system", "platform.machine" };
	ap_auto_free char *path = ap_fs_join(source, "setup.py");
	ap_auto_buf text = AP_BUF_MAX(MAX_SETUP);

	if (!ap_fs_is_file(path))
		return 0;
	if (ap_fs_read(&text, path, err) < 0)
		return -1;
	for (size_t i = 0; i < AP_LEN(asks); i++)
		if (strstr(text.p, asks[i]))
			return ap_err_set(err, AP_E_INPUT,
				"%s asks which Python builds it (%s), and the base's Python %u.%u "
				"is not on this machine: install that; " ADVICE,
				path, asks[i], o->inv->py_major, o->inv->py_minor);
	return 0;
}

/* Did it fail for want of a compiler or of headers, which the base may have? */
static bool lacks_tools(const char *said)
{
	static const char *const words[] = { "gcc", "g++", "clang", "Python.h", "cmake", "CMake",
		"cargo", "rustc" };

	for (size_t i = 0; i < AP_LEN(words); i++)
		if (strstr(said, words[i]))
			return true;
	return false;
}

static int run_build(struct work *w, const char *source, const char *into, struct ap_err *err)
{
	const struct ap_build_opts *o = w->o;
	/* A shallow copy: only the environment is another one. */
	struct ap_uv uv = *o->uv;
	ap_auto_strv env = { 0 };
	ap_auto_strv words = { 0 };
	ap_auto_buf said = AP_BUF_MAX(MAX_SAID);
	ap_auto_buf shown = AP_BUF_INIT;
	int status;

	ap_strv_copy(&env, &o->uv->env);
	ap_strv_add(&env, BUILD_EPOCH);
	uv.env = env;
	ap_strv_add(&words, "build");
	ap_strv_add(&words, w->p->flag);
	ap_strv_add(&words, "--no-create-gitignore");
	/* Of what builds it, too, only wheels come from an index. */
	if (!o->source_tools)
		ap_strv_add(&words, "--no-build");
	ap_strv_add(&words, "--config-file");
	ap_strv_own(&words, ap_fs_join(o->uv->dir, "uv.toml"));
	ap_strv_add(&words, "--out-dir");
	ap_strv_add(&words, into);
	if (w->python) {
		ap_strv_add(&words, "--python");
		ap_strv_add(&words, w->python);
	}
	ap_strv_add(&words, source);
	if (ap_uv_run(&uv, &status, &words, &said, err) < 0)
		return -1;
	if (status == 0)
		return 0;
	w->misfit = w->p->for_base && lacks_tools(said.p);
	ap_inside_last_lines(&shown, said.p, said.len);
	return ap_err_set(err, AP_E_BUILD, "the build fails%s:%s",
		strstr(said.p, "from source is disabled")
			? "; --allow-build=:all: lets what builds it be built, too"
			: "",
		shown.p);
}

/*
 * "linux_ARCH" says nothing about the C library that a wheel was linked to,
 * which is this host's: the base's must not be older.
 */
static bool libc_is_old_enough(const struct ap_inventory *inv)
{
	char text[64];
	unsigned major, minor;

	if (!ap_streq(inv->libc, "glibc") || !confstr(_CS_GNU_LIBC_VERSION, text, sizeof(text)) ||
		sscanf(text, "glibc %u.%u", &major, &minor) != 2)
		return false;
	return major < inv->libc_major || (major == inv->libc_major && minor <= inv->libc_minor);
}

int ap_build_fits(const char *filename, const struct ap_inventory *inv, struct ap_err *err)
{
	AP_CLEANUP(ap_wheel_name_release) struct ap_wheel_name name = { 0 };
	AP_CLEANUP(ap_tags_release) struct ap_tags tags = { 0 };
	struct utsname host;

	if (ap_wheel_name_parse(&name, filename, err) < 0 || ap_tags_make(&tags, inv, err) < 0)
		return -1;
	if (ap_tags_rank(&tags, filename) != AP_TAGS_NO_FIT &&
		(!ap_starts_with(name.platform, "linux_") || libc_is_old_enough(inv)))
		return 0;
	if (uname(&host) < 0)
		return ap_err_sys(err, "uname");
	return ap_err_set(err, AP_E_UNSUPPORTED,
		"%s was built for this machine (%s), not for the base (Python %u.%u, %s %u.%u, %s): " ADVICE,
		filename, host.machine, inv->py_major, inv->py_minor,
		inv->libc ? inv->libc : "libc", inv->libc_major, inv->libc_minor, inv->arch);
}

/* A wheel that the base's own Python made is for the base's own libraries. */
static int check_tags(const char *filename, const struct ap_inventory *inv, struct ap_err *err)
{
	AP_CLEANUP(ap_tags_release) struct ap_tags tags = { 0 };

	if (ap_tags_make(&tags, inv, err) < 0)
		return -1;
	if (ap_tags_rank(&tags, filename) == AP_TAGS_NO_FIT)
		return ap_err_set(err, AP_E_INPUT,
			"%s: was built inside the base and does not fit it", filename);
	return 0;
}

static int check_built(struct work *w, const char *wheel, struct ap_err *err)
{
	AP_CLEANUP(ap_wheel_release) struct ap_wheel opened = { 0 };
	const char *filename = strrchr(wheel, '/') + 1;

	if (!w->p->for_base)
		return 0;
	if (ap_wheel_open(&opened, wheel, filename, err) < 0)
		return -1;
	if (w->p->inside)
		return check_tags(filename, w->o->inv, err);
	if (ap_build_fits(filename, w->o->inv, err) == 0)
		return 0;
	w->misfit = err->code == AP_E_UNSUPPORTED;
	return -1;
}

/* Build below `temp` and move the result to `final`. */
static int build_into(struct work *w, const char *temp, const char *final, struct ap_err *err)
{
	ap_auto_free char *copy = ap_fs_join(temp, "source");
	ap_auto_free char *out = ap_fs_join(temp, "out");
	ap_auto_free char *made = NULL;
	const char *from = w->is_dir ? copy : w->source;
	struct ap_digest d;

	if (ap_fs_mkdirs(out, 0700, err) < 0)
		return -1;
	if (w->is_dir && ap_source_tree(&d, w->source, copy, w->o->outputs, err) < 0)
		return -1;
	if (w->p->inside ? ap_build_inside(from, w->is_dir, temp, out, w->o, err) < 0
			 : run_build(w, from, out, err) < 0)
		return -1;
	made = only_product(out, w->p);
	if (!made)
		return ap_err_set(
			err, AP_E_INPUT, "the build did not make exactly one %s", w->p->name);
	if (check_built(w, made, err) < 0)
		return -1;
	if (rename(out, final) < 0)
		return ap_err_sys(err, "keep %s", final);
	return 0;
}

static int build(struct work *w, const char *final, struct ap_err *err)
{
	ap_auto_free char *temp = ap_xasprintf("%s.tmp.XXXXXX", final);
	struct ap_err ignored = AP_ERR_INIT;
	int rc;

	if (w->p->for_base && !w->p->inside && !w->python && w->is_dir &&
		check_setup(w->source, w->o, err) < 0) {
		w->misfit = true;
		return -1;
	}
	if (!mkdtemp(temp))
		return ap_err_sys(err, "make directory %s", temp);
	ap_emit_note(w->o->progress, AP_STEP_RESOLVE, "building %s%s", w->source,
		w->p->inside ? " inside the base" : "");
	rc = build_into(w, temp, final, err);
	/* A directory that stays is only space in our own cache. */
	if (ap_fs_remove_tree(temp, &ignored) < 0)
		ap_err_clear(&ignored);
	return rc;
}

/* What the product depends on: content, Python or base, and how we build. */
static int source_key(struct ap_digest *key, struct work *w, struct ap_err *err)
{
	AP_CLEANUP(ap_sha256_release) struct ap_sha256 h = { 0 };
	struct ap_digest content;
	struct stat st;

	if (stat(w->source, &st) < 0)
		return ap_err_sys(err, "%s", w->source);
	w->is_dir = S_ISDIR(st.st_mode);
	if (w->is_dir ? ap_source_tree(&content, w->source, NULL, w->o->outputs, err) < 0
		      : ap_fs_digest(&content, NULL, w->source, UINT64_MAX, err) < 0)
		return -1;
	ap_sha256_init(&h);
	ap_sha256_update(&h, BUILD_FORMAT, sizeof(BUILD_FORMAT));
	ap_sha256_update(&h, w->is_dir ? "d" : "f", 1);
	ap_sha256_update(&h, content.s, AP_DIGEST_LEN);
	if (w->python)
		ap_sha256_update(&h, w->python, strlen(w->python));
	ap_sha256_update(&h, w->p->key, strlen(w->p->key));
	if (w->p->inside)
		ap_sha256_update(&h, w->o->inside->base, strlen(w->o->inside->base));
	ap_sha256_final(&h, key);
	return 0;
}

/* The product of earlier, or a new one when `build_it`; *out stays NULL when there is none. */
static int make(char **out, struct work *w, bool build_it, struct ap_err *err)
{
	ap_auto_free char *builds = ap_fs_join(w->o->cache_dir, "builds");
	ap_auto_free char *final = NULL;
	ap_auto_free char *lock = NULL;
	ap_auto_free char *found = NULL;
	ap_auto_fd int held = -1;
	struct ap_err ignored = AP_ERR_INIT;
	struct ap_digest key;

	if (source_key(&key, w, err) < 0 || ap_fs_mkdirs(builds, 0700, err) < 0)
		return -1;
	final = ap_fs_join(builds, ap_digest_hex(&key));
	lock = ap_xasprintf("%s.lock", final);
	if (ap_fs_lock(&held, lock, err) < 0)
		return -1;
	found = only_product(final, w->p);
	if (!found && build_it) {
		if (ap_fs_remove_tree(final, &ignored) < 0)
			ap_err_clear(&ignored);
		if (build(w, final, err) < 0)
			return ap_err_wrap(err, "%s", w->source);
		found = only_product(final, w->p);
		if (!found)
			return ap_err_set(err, AP_E_IO, "%s: the %s that was built is gone", final,
				w->p->name);
	} else if (found && check_built(w, found, err) < 0) {
		return ap_err_wrap(err, "%s", w->source);
	}
	*out = AP_STEAL(found);
	return 0;
}

/* What the host cannot build for the base is built there, where a runtime can; else why not. */
static int make_inside(char **out, struct work *w, struct ap_err *err)
{
	struct ap_err why = AP_ERR_INIT;

	if (w->o->inside->ready(w->o->inside, &why) < 0) {
		ap_auto_free char *said = ap_xstrdup(err->msg);
		enum ap_err_code code = why.code == AP_E_CANCELLED ? why.code : err->code;

		ap_err_clear(err);
		return ap_err_set(err, code, "%s; %s", said, why.msg);
	}
	ap_err_clear(err);
	return make(out, w, true, err);
}

int ap_build_wheel(
	char **wheel, const char *source, const struct ap_build_opts *o, struct ap_err *err)
{
	struct work inside = { .source = source, .p = &a_wheel_inside, .o = o };
	struct work here = { .source = source, .p = &a_wheel, .o = o };
	int rc;

	*wheel = NULL;
	if (o->inside && make(wheel, &inside, false, err) < 0)
		return -1;
	if (*wheel)
		return 0;
	rc = find_python(&here.python, o, err);
	if (rc == 0)
		rc = make(wheel, &here, true, err);
	free(here.python);
	return rc < 0 && here.misfit && o->inside ? make_inside(wheel, &inside, err) : rc;
}

int ap_build_sdist(
	char **sdist, const char *source, const struct ap_build_opts *o, struct ap_err *err)
{
	struct work w = { .source = source, .p = &an_sdist, .o = o };

	return make(sdist, &w, true, err);
}
