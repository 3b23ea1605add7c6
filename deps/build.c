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
#include "deps/download.h"
#include "deps/source_tree.h"
#include "deps/tags.h"
#include "deps/wheel.h"

#define BUILD_FORMAT "autopack.build.v1"
/* 1980-01-01, the first moment that a zip archive can name. */
#define BUILD_EPOCH "SOURCE_DATE_EPOCH=315532800"

enum { MAX_SAID = 1 << 20, MAX_SHOWN = 600, MAX_SETUP = 4 << 20 };

/* What is built of a source. */
struct product {
	const char *name, *flag, *ending;
	const char *key; /* in the name of what is kept */
	bool for_base;   /* by the base's Python, and to fit the base */
};

static const struct product a_wheel = { "wheel", "--wheel", ".whl", "", true };
static const struct product an_sdist = { "sdist", "--sdist", ".tar.gz", "sdist", false };

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
				"is not on this machine: install that, or build the wheel inside "
				"the base (\"pip wheel\") and give it as an extra package",
				path, asks[i], o->inv->py_major, o->inv->py_minor);
	return 0;
}

/* The last lines of what the backend said, on one line. */
static void last_words(struct ap_buf *out, const struct ap_buf *said)
{
	const char *from = said->p + (said->len > MAX_SHOWN ? said->len - MAX_SHOWN : 0);
	ap_auto_free char *copy = ap_xstrdup(from);

	for (char *p = copy; *p; p++)
		if (*p == '\n' || *p == '\r' || *p == '\t')
			*p = ' ';
	ap_buf_add_printable(out, copy, strlen(copy));
}

static int run_build(const char *source, const char *into, const char *python,
	const struct product *p, const struct ap_build_opts *o, struct ap_err *err)
{
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
	ap_strv_add(&words, p->flag);
	ap_strv_add(&words, "--no-create-gitignore");
	/* Of what builds it, too, only wheels come from an index. */
	if (!o->source_tools)
		ap_strv_add(&words, "--no-build");
	ap_strv_add(&words, "--config-file");
	ap_strv_own(&words, ap_fs_join(o->uv->dir, "uv.toml"));
	ap_strv_add(&words, "--out-dir");
	ap_strv_add(&words, into);
	if (python) {
		ap_strv_add(&words, "--python");
		ap_strv_add(&words, python);
	}
	ap_strv_add(&words, source);
	if (ap_uv_run(&uv, &status, &words, &said, err) < 0)
		return -1;
	if (status == 0)
		return 0;
	last_words(&shown, &said);
	return ap_err_set(err, AP_E_INPUT, "the build fails: %s%s", shown.p,
		strstr(said.p, "from source is disabled")
			? "; --allow-build=:all: lets what builds it be built, too"
			: "");
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
		"%s was built for this machine (%s), not for the base (Python %u.%u, %s %u.%u, %s): "
		"build it inside the base (\"pip wheel .\" in a container of it) and give the wheel "
		"as an extra package",
		filename, host.machine, inv->py_major, inv->py_minor,
		inv->libc ? inv->libc : "libc", inv->libc_major, inv->libc_minor, inv->arch);
}

static int check_built(const char *wheel, const struct ap_build_opts *o, struct ap_err *err)
{
	AP_CLEANUP(ap_wheel_release) struct ap_wheel w = { 0 };
	const char *filename = strrchr(wheel, '/') + 1;

	if (ap_wheel_open(&w, wheel, filename, err) < 0)
		return -1;
	return ap_build_fits(filename, o->inv, err);
}

/* Build below `temp` and move the result to `final`. */
static int build_into(const char *temp, const char *final, const char *source, bool is_dir,
	const char *python, const struct product *p, const struct ap_build_opts *o,
	struct ap_err *err)
{
	ap_auto_free char *copy = ap_fs_join(temp, "source");
	ap_auto_free char *out = ap_fs_join(temp, "out");
	ap_auto_free char *made = NULL;
	struct ap_digest d;

	if (ap_fs_mkdirs(out, 0700, err) < 0)
		return -1;
	if (is_dir && ap_source_tree(&d, source, copy, err) < 0)
		return -1;
	if (run_build(is_dir ? copy : source, out, python, p, o, err) < 0)
		return -1;
	made = only_product(out, p);
	if (!made)
		return ap_err_set(
			err, AP_E_INPUT, "the build did not make exactly one %s", p->name);
	if (p->for_base && check_built(made, o, err) < 0)
		return -1;
	if (rename(out, final) < 0)
		return ap_err_sys(err, "keep %s", final);
	return 0;
}

static int build(const char *final, const char *source, bool is_dir, const char *python,
	const struct product *p, const struct ap_build_opts *o, struct ap_err *err)
{
	ap_auto_free char *temp = ap_xasprintf("%s.tmp.XXXXXX", final);
	struct ap_err ignored = AP_ERR_INIT;
	int rc;

	if (p->for_base && !python && is_dir && check_setup(source, o, err) < 0)
		return -1;
	if (!mkdtemp(temp))
		return ap_err_sys(err, "make directory %s", temp);
	ap_emit_note(o->progress, AP_STEP_RESOLVE, "building %s", source);
	rc = build_into(temp, final, source, is_dir, python, p, o, err);
	/* A directory that stays is only space in our own cache. */
	if (ap_fs_remove_tree(temp, &ignored) < 0)
		ap_err_clear(&ignored);
	return rc;
}

/* What the product depends on: content, Python, and how we build. */
static int source_key(struct ap_digest *key, bool *is_dir, const char *source, const char *python,
	const struct product *p, struct ap_err *err)
{
	AP_CLEANUP(ap_sha256_release) struct ap_sha256 h = { 0 };
	struct ap_digest content;
	struct stat st;

	if (stat(source, &st) < 0)
		return ap_err_sys(err, "%s", source);
	*is_dir = S_ISDIR(st.st_mode);
	if (*is_dir ? ap_source_tree(&content, source, NULL, err) < 0
		    : ap_download_digest(&content, source, err) < 0)
		return -1;
	ap_sha256_init(&h);
	ap_sha256_update(&h, BUILD_FORMAT, sizeof(BUILD_FORMAT));
	ap_sha256_update(&h, *is_dir ? "d" : "f", 1);
	ap_sha256_update(&h, content.s, AP_DIGEST_LEN);
	if (python)
		ap_sha256_update(&h, python, strlen(python));
	ap_sha256_update(&h, p->key, strlen(p->key));
	ap_sha256_final(&h, key);
	return 0;
}

static int make(char **out, const char *source, const struct product *p,
	const struct ap_build_opts *o, struct ap_err *err)
{
	ap_auto_free char *builds = ap_fs_join(o->cache_dir, "builds");
	ap_auto_free char *python = NULL;
	ap_auto_free char *final = NULL;
	ap_auto_free char *lock = NULL;
	ap_auto_free char *found = NULL;
	ap_auto_fd int held = -1;
	struct ap_digest key;
	bool is_dir;

	if ((p->for_base && find_python(&python, o, err) < 0) ||
		source_key(&key, &is_dir, source, python, p, err) < 0 ||
		ap_fs_mkdirs(builds, 0700, err) < 0)
		return -1;
	final = ap_fs_join(builds, ap_digest_hex(&key));
	lock = ap_xasprintf("%s.lock", final);
	if (ap_fs_lock(&held, lock, err) < 0)
		return -1;
	found = only_product(final, p);
	if (!found) {
		struct ap_err ignored = AP_ERR_INIT;

		if (ap_fs_remove_tree(final, &ignored) < 0)
			ap_err_clear(&ignored);
		if (build(final, source, is_dir, python, p, o, err) < 0)
			return ap_err_wrap(err, "%s", source);
		found = only_product(final, p);
	} else if (p->for_base && check_built(found, o, err) < 0) {
		return ap_err_wrap(err, "%s", source);
	}
	if (!found)
		return ap_err_set(
			err, AP_E_IO, "%s: the %s that was built is gone", final, p->name);
	*out = AP_STEAL(found);
	return 0;
}

int ap_build_wheel(
	char **wheel, const char *source, const struct ap_build_opts *o, struct ap_err *err)
{
	return make(wheel, source, &a_wheel, o, err);
}

int ap_build_sdist(
	char **sdist, const char *source, const struct ap_build_opts *o, struct ap_err *err)
{
	return make(sdist, source, &an_sdist, o, err);
}
