#include "deps/python.h"

#include <stdlib.h>
#include <string.h>

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* Prints a path into *slot. */
#define SET(slot, ...)                              \
	do {                                        \
		free(slot);                         \
		(slot) = ap_xasprintf(__VA_ARGS__); \
	} while (0)

struct finder {
	struct ap_inventory *inv;
	const struct ap_paths *p;
	char *found;  /* as PATH has it: /usr/bin/python3 */
	char *real;   /* links resolved: /usr/bin/python3.11 */
	char *prefix; /* sys.base_prefix */
	char *venv;   /* sys.prefix of a virtual environment, or NULL */
	bool system_site;
	char *os_ids; /* ID and ID_LIKE of os-release, " debian ubuntu " */
};

static void finder_release(struct finder *f)
{
	free(f->found);
	free(f->real);
	free(f->prefix);
	free(f->venv);
	free(f->os_ids);
}

static char *dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash > path ? ap_xstrndup(path, (size_t)(slash - path)) : ap_xstrdup("/");
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_dir(const struct finder *f, const char *fmt, ...) AP_PRINTF(2, 3);

static bool is_dir(const struct finder *f, const char *fmt, ...)
{
	ap_auto_buf b = AP_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	ap_buf_vaddf(&b, fmt, ap);
	va_end(ap);
	return ap_paths_is_dir(f->p, b.p);
}

static const char *content_at(const struct finder *f, const char *path)
{
	return ap_paths_content(f->p, ap_paths_find(f->p, path, AP_FOLLOW), NULL);
}

/* The value of `key = value` or KEY="value" in a file of such lines.  *out: owned, or NULL. */
static char *setting(const char *text, const char *key)
{
	struct ap_str rest = ap_str(text ? text : "");
	struct ap_str line;
	size_t n = strlen(key);

	while (ap_str_next(&rest, '\n', &line)) {
		line = ap_str_trim(line);
		if (line.n < n || memcmp(line.p, key, n) != 0)
			continue;
		line = ap_str_trim(ap_str_n(line.p + n, line.n - n));
		if (!line.n || line.p[0] != '=')
			continue;
		line = ap_str_trim(ap_str_n(line.p + 1, line.n - 1));
		if (line.n >= 2 && (line.p[0] == '"' || line.p[0] == '\'') &&
			line.p[line.n - 1] == line.p[0])
			line = ap_str_n(line.p + 1, line.n - 2);
		return ap_xstrndup(line.p, line.n);
	}
	return NULL;
}

static void read_os_release(struct finder *f)
{
	const char *text = content_at(f, "/etc/os-release");
	ap_auto_free char *id = NULL;
	ap_auto_free char *like = NULL;

	if (!text)
		text = content_at(f, "/usr/lib/os-release");
	id = setting(text, "ID");
	like = setting(text, "ID_LIKE");
	f->os_ids = ap_xasprintf(" %s %s ", id ? id : "", like ? like : "");
}

static bool os_is(const struct finder *f, const char *id)
{
	ap_auto_free char *word = ap_xasprintf(" %s ", id);

	return strstr(f->os_ids, word) != NULL;
}

/* ---- the interpreter ---- */

static char *on_path(const struct finder *f, const char *env_path, const char *name)
{
	struct ap_str rest = ap_str(env_path && *env_path ? env_path : default_path);
	struct ap_str dir;

	while (ap_str_next(&rest, ':', &dir)) {
		ap_auto_free char *path = NULL;
		ap_path_id id;

		if (!dir.n || dir.p[0] != '/')
			continue;
		while (dir.n > 1 && dir.p[dir.n - 1] == '/')
			dir.n--;
		path = ap_xasprintf("%.*s/%s", (int)dir.n, dir.p, name);
		id = ap_paths_find(f->p, path, AP_FOLLOW);
		if (ap_paths_kind(f->p, id) == AP_PATH_FILE && (ap_paths_mode(f->p, id) & 0111))
			return AP_STEAL(path);
	}
	return NULL;
}

static bool find_interpreter(struct finder *f, const char *env_path, const char *word)
{
	ap_auto_free char *python = on_path(f, env_path, "python");
	ap_auto_free char *python3 = on_path(f, env_path, "python3");

	f->inv->has_python = python != NULL;
	f->inv->has_python3 = python3 != NULL;
	f->inv->python_at = python ? ap_xstrdup(python) : NULL;
	f->inv->python3_at = python3 ? ap_xstrdup(python3) : NULL;
	if (word && strcmp(word, "python3") == 0)
		f->found = python3 ? AP_STEAL(python3) : AP_STEAL(python);
	else
		f->found = python ? AP_STEAL(python) : AP_STEAL(python3);
	if (!f->found)
		return false;
	f->real = ap_paths_full(f->p, ap_paths_find(f->p, f->found, AP_FOLLOW));
	return true;
}

/* "3.11.2" or "3.11"; rest is not looked at.  False: no version. */
static bool parse_version(const char *s, unsigned *major, unsigned *minor, unsigned *micro)
{
	unsigned v[3] = { 0, 0, *micro };
	int n = 0;

	for (; n < 3 && ap_is_digit(*s); n++) {
		char *end;
		unsigned long k = strtoul(s, &end, 10);

		if (k > 999)
			return false;
		v[n] = (unsigned)k;
		s = end;
		if (*s != '.') {
			n++;
			break;
		}
		s++;
	}
	if (n < 2)
		return false;
	*major = v[0];
	*minor = v[1];
	*micro = v[2];
	return true;
}

/* ---- virtual environments ---- */

/* pyvenv.cfg stands beside the interpreter or one directory above, before links are resolved. */
static const char *find_venv(struct finder *f)
{
	ap_auto_free char *dir = dir_of(f->found);
	ap_auto_free char *up = dir_of(dir);
	const char *const where[] = { dir, up };

	for (size_t i = 0; i < AP_LEN(where); i++) {
		ap_auto_free char *cfg = ap_xasprintf("%s/pyvenv.cfg", where[i]);
		const char *text = content_at(f, cfg);
		ap_auto_free char *site = NULL;

		if (!text)
			continue;
		f->venv = ap_xstrdup(where[i]);
		site = setting(text, "include-system-site-packages");
		f->system_site = site && (strcmp(site, "true") == 0 || strcmp(site, "True") == 0);
		return text;
	}
	return NULL;
}

/* ---- version and prefix ---- */

/* The version in the bytes of the interpreter, else of a libpython in its prefix. */
static const char *version_of_binary(const struct finder *f)
{
	const char *v = content_at(f, f->real);
	static const char *const libs[] = { "lib", "lib64", "lib/x86_64-linux-gnu",
		"lib/aarch64-linux-gnu" };

	for (size_t i = 0; i < AP_LEN(libs) && !v; i++) {
		ap_auto_free char *dir = ap_xasprintf("%s/%s", f->prefix, libs[i]);
		ap_path_id id = ap_paths_find(f->p, dir, AP_FOLLOW);

		if (ap_paths_kind(f->p, id) != AP_PATH_DIR)
			continue;
		for (id = ap_paths_first(f->p, id); id && !v; id = ap_paths_next(f->p, id)) {
			const char *name = ap_paths_name(f->p, id);
			unsigned major, minor, micro = 0;

			if (!ap_starts_with(name, "libpython3.") ||
				ap_paths_kind(f->p, id) != AP_PATH_FILE)
				continue;
			if (f->inv->py_major && (!parse_version(name + 9, &major, &minor, &micro) ||
							minor != f->inv->py_minor))
				continue;
			v = ap_paths_content(f->p, id, NULL);
		}
	}
	return v;
}

/* PREFIX/lib/pythonX.Y with os.py in it: the landmark of getpath.py. */
static bool has_stdlib(const struct finder *f, const char *prefix)
{
	static const char *const marks[][2] = { { "lib/python", "os.py" },
		{ "lib/python", "os.pyc" }, { "lib64/python", "os.py" }, { "lib/pypy", "os.py" } };

	for (size_t i = 0; i < AP_LEN(marks); i++) {
		ap_auto_free char *path = ap_xasprintf("%s/%s%u.%u/%s", prefix, marks[i][0],
			f->inv->py_major, f->inv->py_minor, marks[i][1]);

		if (ap_paths_is_file(f->p, path))
			return true;
	}
	return false;
}

/* The newest lib/python3.N of a prefix whose interpreter does not tell. */
static void version_of_lib(const struct finder *f)
{
	ap_auto_free char *lib = ap_xasprintf("%s/lib", f->prefix);
	ap_path_id id = ap_paths_find(f->p, lib, AP_FOLLOW);

	if (ap_paths_kind(f->p, id) != AP_PATH_DIR)
		return;
	for (id = ap_paths_first(f->p, id); id; id = ap_paths_next(f->p, id)) {
		unsigned major = 0, minor = 0, micro = 0;
		const char *name = ap_paths_name(f->p, id);

		if (ap_starts_with(name, "python3.") &&
			parse_version(name + 6, &major, &minor, &micro) &&
			minor > f->inv->py_minor) {
			f->inv->py_major = major;
			f->inv->py_minor = minor;
		}
	}
}

static void find_version(struct finder *f, const char *venv_cfg)
{
	struct ap_inventory *inv = f->inv;
	ap_auto_free char *dir = dir_of(f->real);
	const char *base = base_of(f->real);
	ap_auto_free char *said = NULL;
	const char *v;

	f->prefix = dir_of(dir);
	if (ap_starts_with(base, "python"))
		parse_version(base + 6, &inv->py_major, &inv->py_minor, &inv->py_micro);
	else if (ap_starts_with(base, "pypy"))
		parse_version(base + 4, &inv->py_major, &inv->py_minor, &inv->py_micro);
	v = version_of_binary(f);
	if (!v && venv_cfg) {
		said = setting(venv_cfg, "version");
		v = said ? said : (said = setting(venv_cfg, "version_info"));
	}
	if (v)
		parse_version(v, &inv->py_major, &inv->py_minor, &inv->py_micro);
	if (!inv->py_major)
		version_of_lib(f);
	inv->implementation = ap_xstrdup(ap_starts_with(base, "pypy") ? "pypy" : "cpython");
}

/* Above the real interpreter, the first directory with a standard library. */
static void find_prefix(struct finder *f, const char *venv_cfg)
{
	ap_auto_free char *home = venv_cfg ? setting(venv_cfg, "home") : NULL;
	ap_auto_free char *at = dir_of(f->real);

	/* A venv of copies: its interpreter is not where the library is. */
	if (home && home[0] == '/' && ap_starts_with(at, f->venv)) {
		free(at);
		at = ap_xstrdup(home);
	}
	while (strcmp(at, "/") != 0) {
		char *up;

		if (has_stdlib(f, at)) {
			SET(f->prefix, "%s", at);
			return;
		}
		up = dir_of(at);
		free(at);
		at = up;
	}
}

/* ---- schemes ---- */

/* posix_prefix: what CPython does where nobody changed it. */
static void plain_scheme(struct finder *f, const char *prefix)
{
	const struct ap_inventory *inv = f->inv;
	struct ap_scheme *s = &f->inv->scheme;
	const char *root = strcmp(prefix, "/") == 0 ? "" : prefix;
	bool lib64 =
		is_dir(f, "%s/lib64/python%u.%u/site-packages", root, inv->py_major, inv->py_minor);

	SET(s->prefix, "%s", prefix);
	SET(s->purelib, "%s/lib/python%u.%u/site-packages", root, inv->py_major, inv->py_minor);
	SET(s->platlib, "%s/%s/python%u.%u/site-packages", root,
		lib64 && !f->venv ? "lib64" : "lib", inv->py_major, inv->py_minor);
	SET(s->scripts, "%s/bin", root);
	SET(s->data, "%s", prefix);
	SET(s->headers, f->venv ? "%s/include/site/python%u.%u" : "%s/include/python%u.%u", root,
		inv->py_major, inv->py_minor);
}

static void add_site(struct finder *f, const char *fmt, ...) AP_PRINTF(2, 3);

static void add_site(struct finder *f, const char *fmt, ...)
{
	ap_auto_buf b = AP_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	ap_buf_vaddf(&b, fmt, ap);
	va_end(ap);
	if (!ap_strv_has(&f->inv->site_dirs, b.p))
		ap_strv_add(&f->inv->site_dirs, b.p);
}

/* Debian and Ubuntu: pip writes below /usr/local, apt below /usr/lib/python3. */
static bool is_debian_python(const struct finder *f)
{
	return strcmp(f->prefix, "/usr") == 0 &&
	       (is_dir(f, "/usr/lib/python3/dist-packages") ||
		       (os_is(f, "debian") && is_dir(f, "/usr/lib/python%u.%u", f->inv->py_major,
						      f->inv->py_minor)));
}

/* Fedora and its kin since 36: without RPM_BUILD_ROOT, /usr becomes /usr/local. */
static bool is_fedora_python(const struct finder *f)
{
	return strcmp(f->prefix, "/usr") == 0 && f->inv->py_minor >= 9 &&
	       (os_is(f, "fedora") || os_is(f, "rhel"));
}

static void debian_sites(struct finder *f)
{
	add_site(f, "/usr/local/lib/python%u.%u/dist-packages", f->inv->py_major, f->inv->py_minor);
	add_site(f, "/usr/lib/python3/dist-packages");
	add_site(f, "/usr/lib/python%u.%u/dist-packages", f->inv->py_major, f->inv->py_minor);
}

static void base_sites(struct finder *f, const char *prefix)
{
	const char *root = strcmp(prefix, "/") == 0 ? "" : prefix;
	unsigned major = f->inv->py_major;
	unsigned minor = f->inv->py_minor;

	if (is_debian_python(f)) {
		debian_sites(f);
		return;
	}
	if (is_fedora_python(f)) {
		add_site(f, "/usr/local/lib64/python%u.%u/site-packages", major, minor);
		add_site(f, "/usr/local/lib/python%u.%u/site-packages", major, minor);
	}
	if (is_dir(f, "%s/lib64/python%u.%u/site-packages", root, major, minor))
		add_site(f, "%s/lib64/python%u.%u/site-packages", root, major, minor);
	add_site(f, "%s/lib/python%u.%u/site-packages", root, major, minor);
}

static void local_scheme(struct finder *f, const char *lib, const char *platlib)
{
	struct ap_scheme *s = &f->inv->scheme;
	unsigned major = f->inv->py_major;
	unsigned minor = f->inv->py_minor;

	SET(s->prefix, "/usr/local");
	SET(s->purelib, "/usr/local/lib/python%u.%u/%s", major, minor, lib);
	SET(s->platlib, "/usr/local/%s/python%u.%u/%s", platlib, major, minor, lib);
	SET(s->scripts, "/usr/local/bin");
	SET(s->data, "/usr/local");
	/* Debian and Fedora move everything below /usr/local but this: installed_base, not base. */
	SET(s->headers, "%s/include/python%u.%u", f->prefix, major, minor);
}

static void find_scheme(struct finder *f)
{
	SET(f->inv->scheme.interpreter, "%s", f->found);
	if (f->venv) {
		plain_scheme(f, f->venv);
		add_site(f, "%s", f->inv->scheme.purelib);
		if (f->system_site)
			base_sites(f, f->prefix);
		return;
	}
	base_sites(f, f->prefix);
	if (is_debian_python(f))
		local_scheme(f, "dist-packages", "lib");
	else if (is_fedora_python(f))
		local_scheme(f, "site-packages", "lib64");
	else
		plain_scheme(f, f->prefix);
}

/* The marker stands in the standard library; a virtual environment is free of it. */
static void find_external(struct finder *f)
{
	ap_auto_free char *mark = ap_xasprintf("%s/lib/python%u.%u/EXTERNALLY-MANAGED", f->prefix,
		f->inv->py_major, f->inv->py_minor);
	ap_auto_free char *mark64 = ap_xasprintf("%s/lib64/python%u.%u/EXTERNALLY-MANAGED",
		f->prefix, f->inv->py_major, f->inv->py_minor);

	f->inv->externally_managed =
		!f->venv && (ap_paths_is_file(f->p, mark) || ap_paths_is_file(f->p, mark64));
}

/* ---- libc ---- */

static bool take_libc(struct finder *f, const char *content)
{
	unsigned major = 0, minor = 0, micro = 0;
	const char *space = content ? strchr(content, ' ') : NULL;

	if (!space || !parse_version(space + 1, &major, &minor, &micro))
		return false;
	free(f->inv->libc);
	f->inv->libc = ap_xstrndup(content, (size_t)(space - content));
	f->inv->libc_major = major;
	f->inv->libc_minor = minor;
	return true;
}

static void find_libc(struct finder *f)
{
	bool arm = ap_streq(f->inv->arch, "arm64");
	const char *triplet = arm ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
	const char *machine = arm ? "aarch64" : "x86_64";
	ap_auto_strv paths = { 0 };

	ap_strv_addf(&paths, "/lib/%s/libc.so.6", triplet);
	ap_strv_addf(&paths, "/usr/lib/%s/libc.so.6", triplet);
	ap_strv_add(&paths, "/lib64/libc.so.6");
	ap_strv_add(&paths, "/usr/lib64/libc.so.6");
	ap_strv_add(&paths, "/usr/lib/libc.so.6");
	ap_strv_add(&paths, "/lib/libc.so.6");
	ap_strv_addf(&paths, "/lib/ld-musl-%s.so.1", machine);
	ap_strv_addf(&paths, "/lib/libc.musl-%s.so.1", machine);
	ap_strv_addf(&paths, "/usr/lib/libc.musl-%s.so.1", machine);
	for (size_t i = 0; i < paths.n; i++) {
		if (take_libc(f, content_at(f, paths.v[i])))
			return;
	}
}

void ap_python_find(
	struct ap_inventory *inv, const struct ap_paths *p, const char *env_path, const char *word)
{
	AP_CLEANUP(finder_release) struct finder f = { .inv = inv, .p = p };
	const char *cfg;

	read_os_release(&f);
	find_libc(&f);
	if (!find_interpreter(&f, env_path, word))
		return;
	inv->python_path = ap_xstrdup(f.real);
	cfg = find_venv(&f);
	inv->venv = cfg != NULL;
	find_version(&f, cfg);
	find_prefix(&f, cfg);
	/* A copied interpreter may have left its library's version to the prefix found now. */
	if (!inv->py_micro) {
		const char *v = version_of_binary(&f);

		if (v)
			parse_version(v, &inv->py_major, &inv->py_minor, &inv->py_micro);
	}
	inv->sys_prefix = ap_xstrdup(f.venv ? f.venv : f.prefix);
	find_scheme(&f);
	find_external(&f);
}
