#include "deps/pip_inspect.h"

#include <stdlib.h>
#include <string.h>

#include "deps/dists.h"
#include "deps/inputs.h"
#include "deps/names.h"
#include "deps/paths.h"
#include "deps/python.h"

/* Every distribution of Linux that is still maintained has this one or a newer one. */
#define ASSUMED_LIBC "glibc 2.28"
#define DEBIAN_SITE  "/usr/lib/python3/dist-packages"

/* What pip says as an image of almost nothing: the rest follows as from a real one. */
struct told {
	struct ap_paths *paths;
	const char *version; /* 3.11.2 */
	char *lib;           /* "python3.11" */
	char *prefix;        /* of the site directory that pip is in */
	bool debian;
};

static void told_release(struct told *t)
{
	free(t->lib);
	free(t->prefix);
}

static int apply(struct told *t, enum ap_op_type type, const char *path, const char *content,
	struct ap_err *err)
{
	struct ap_path_op op = { .type = type, .path = path + 1, .mode = 0755 };

	if (type == AP_OP_LINK) {
		op.target = content;
	} else if (content) {
		op.content = content;
		op.content_len = strlen(content);
	}
	return ap_paths_apply(t->paths, &op, err);
}

static int put(
	struct told *t, const char *dir, const char *name, const char *content, struct ap_err *err)
{
	ap_auto_free char *path = ap_xasprintf("%s/%s", dir, name);

	return apply(t, AP_OP_FILE, path, content, err);
}

/* A header field takes one line: nothing of the document may begin another. */
static void add_field(struct ap_buf *b, const char *name, const char *value)
{
	if (value && !strpbrk(value, "\r\n"))
		ap_buf_addf(b, "%s: %s\n", name, value);
}

static int put_metadata(struct told *t, const cJSON *d, const char *at, struct ap_err *err)
{
	const cJSON *m = ap_json_get(d, "metadata");
	const char *installer = ap_json_str(d, "installer");
	ap_auto_buf text = AP_BUF_INIT;
	const cJSON *r;

	add_field(&text, "Name", ap_json_str(m, "name"));
	add_field(&text, "Version", ap_json_str(m, "version"));
	add_field(&text, "Requires-Python", ap_json_str(m, "requires_python"));
	cJSON_ArrayForEach(r, ap_json_get(m, "requires_dist"))
	{
		add_field(&text, "Requires-Dist", cJSON_IsString(r) ? r->valuestring : NULL);
	}
	if (ap_ends_with(at, ".egg-info"))
		return put(t, at, "PKG-INFO", text.p, err);
	if (put(t, at, "METADATA", text.p, err) < 0)
		return -1;
	return installer && *installer ? put(t, at, "INSTALLER", installer, err) : 0;
}

/* PREFIX/lib/python3.11/site-packages -> PREFIX */
static char *prefix_of(const struct told *t, const char *site)
{
	static const char *const libs[] = { "lib", "lib64" };

	for (size_t i = 0; i < AP_LEN(libs); i++) {
		ap_auto_free char *tail = ap_xasprintf("/%s/%s/site-packages", libs[i], t->lib);

		if (ap_ends_with(site, tail))
			return ap_xstrndup(site, strlen(site) - strlen(tail));
	}
	return NULL;
}

static int put_dist(struct told *t, const cJSON *d, struct ap_err *err)
{
	const char *at = ap_json_str(d, "metadata_location");
	const char *name = ap_json_str(ap_json_get(d, "metadata"), "name");
	ap_auto_free char *clean = at && at[0] == '/' ? ap_path_clean(at) : NULL;
	ap_auto_free char *site = NULL;
	ap_auto_free char *prefix = NULL;

	/* pip knows of some that are no directory of an install scheme: an editable project. */
	if (!clean || strcmp(clean, at) != 0 || !name || !strrchr(at + 1, '/') ||
		(!ap_ends_with(at, ".dist-info") && !ap_ends_with(at, ".egg-info")))
		return 0;
	site = ap_xstrndup(at, (size_t)(strrchr(at, '/') - at));
	t->debian = t->debian || ap_ends_with(site, "/dist-packages");
	prefix = prefix_of(t, site);
	if (prefix && (!t->prefix || ap_streq(name, "pip"))) {
		free(t->prefix);
		t->prefix = AP_STEAL(prefix);
	}
	return put_metadata(t, d, at, err);
}

/* The interpreter and its library, where the scheme of the site directories has them. */
static int put_python(struct told *t, struct ap_err *err)
{
	const char *prefix = t->debian ? "/usr" : t->prefix;
	ap_auto_free char *exe = ap_xasprintf("%s/bin/%s", prefix, t->lib);
	ap_auto_free char *python3 = ap_xasprintf("%s/bin/python3", prefix);
	ap_auto_free char *python = ap_xasprintf("%s/bin/python", prefix);
	ap_auto_free char *lib = ap_xasprintf("%s/lib/%s", prefix, t->lib);

	if (apply(t, AP_OP_FILE, exe, t->version, err) < 0 ||
		apply(t, AP_OP_LINK, python3, t->lib, err) < 0 || put(t, lib, "os.py", "", err) < 0)
		return -1;
	/* Debian's Python is python3 only; every other has both words. */
	if (t->debian)
		return apply(t, AP_OP_DIR, DEBIAN_SITE, NULL, err);
	return apply(t, AP_OP_LINK, python, t->lib, err);
}

static const char *arch_of(const char *machine)
{
	return ap_streq(machine, "x86_64")    ? "amd64"
	       : ap_streq(machine, "aarch64") ? "arm64"
					      : machine;
}

static int read_environment(struct told *t, const cJSON *j, struct ap_err *err)
{
	const cJSON *env = ap_json_get(j, "environment");
	const char *version = env ? ap_json_str(env, "python_full_version") : NULL;
	const char *dot = version ? strchr(version, '.') : NULL;
	size_t n = dot ? strspn(dot + 1, "0123456789") : 0;

	if (!n || strspn(version, "0123456789") != (size_t)(dot - version))
		return ap_err_set(err, AP_E_INPUT,
			"pip inspect: want environment.python_full_version, found \"%s\"",
			version ? version : "");
	if (!ap_streq(ap_json_str(env, "sys_platform"), "linux"))
		return ap_err_set(err, AP_E_INPUT,
			"pip inspect: run on \"%s\", want it run in the executor image",
			ap_json_str(env, "sys_platform") ? ap_json_str(env, "sys_platform") : "");
	if (!ap_streq(ap_json_str(env, "implementation_name"), "cpython"))
		return ap_err_set(err, AP_E_INPUT, "pip inspect: want CPython, found \"%s\"",
			ap_json_str(env, "implementation_name")
				? ap_json_str(env, "implementation_name")
				: "");
	t->version = version;
	t->lib = ap_xasprintf("python%.*s", (int)(dot + 1 + n - version), version);
	return 0;
}

static int fill(struct told *t, const cJSON *j, const char *arch, struct ap_err *err)
{
	ap_auto_free char *libc = ap_xasprintf(
		"/lib/%s-linux-gnu/libc.so.6", ap_streq(arch, "arm64") ? "aarch64" : "x86_64");
	const cJSON *d;

	cJSON_ArrayForEach(d, ap_json_get(j, "installed"))
	{
		if (put_dist(t, d, err) < 0)
			return -1;
	}
	if (!t->debian && !t->prefix)
		return ap_err_set(err, AP_E_INPUT,
			"pip inspect: nothing is installed in a lib/%s/site-packages or a "
			"dist-packages: where would more go?",
			t->lib);
	if (put_python(t, err) < 0)
		return -1;
	return apply(t, AP_OP_FILE, libc, ASSUMED_LIBC, err);
}

/* All that pip lists is on its path, wherever it lies. */
static void add_sites(struct ap_inventory *inv, const cJSON *j)
{
	const cJSON *d;

	cJSON_ArrayForEach(d, ap_json_get(j, "installed"))
	{
		const char *at = ap_json_str(d, "metadata_location");
		const char *slash = at && at[0] == '/' ? strrchr(at + 1, '/') : NULL;
		ap_auto_free char *site = slash ? ap_xstrndup(at, (size_t)(slash - at)) : NULL;

		if (site && !ap_strv_has(&inv->site_dirs, site))
			ap_strv_add(&inv->site_dirs, site);
	}
}

bool ap_pip_inspect_is(const cJSON *j)
{
	return ap_json_str(j, "pip_version") && cJSON_IsArray(ap_json_get(j, "installed"));
}

int ap_pip_inspect_read(struct ap_inventory *inv, const cJSON *j, struct ap_err *err)
{
	AP_CLEANUP(told_release) struct told t = { .paths = inv->paths };
	const cJSON *env = ap_json_get(j, "environment");
	const char *machine = env ? ap_json_str(env, "platform_machine") : NULL;
	ap_auto_free char *path = NULL;

	if (!ap_streq(ap_json_str(j, "version"), "1"))
		return ap_err_set(err, AP_E_INPUT, "pip inspect: want format version 1");
	if (!machine)
		return ap_err_set(
			err, AP_E_INPUT, "pip inspect: want environment.platform_machine");
	inv->partial = true;
	inv->os = ap_xstrdup("linux");
	inv->arch = ap_xstrdup(arch_of(machine));
	if (read_environment(&t, j, err) < 0 || fill(&t, j, inv->arch, err) < 0)
		return -1;
	path = ap_xasprintf("%s/bin", t.debian ? "/usr" : t.prefix);
	ap_python_find(inv, t.paths, path, "python3");
	add_sites(inv, j);
	ap_dists_find(inv, t.paths);
	return 0;
}
