#include "deps/pip_conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "deps/paths.h"

#define MAX_CONF (1 << 20)

/* "--Extra_Index_Url" -> "extra-index-url" */
static char *option_name(struct ap_str key)
{
	bool dashes = key.n > 2 && key.p[0] == '-' && key.p[1] == '-';
	char *name = ap_xstrndup(key.p + (dashes ? 2 : 0), key.n - (dashes ? 2 : 0));

	for (char *p = name; *p; p++)
		*p = *p == '_' ? '-' : ap_lower(*p);
	return name;
}

/* What the files say, FILE, NAME, VALUE, ..., each name once; [install] comes after [global]. */
struct conf {
	const struct ap_pip_place *at;
	struct ap_strv global, install;
};

/* The text of one file while it is read. */
struct conf_reader {
	const char *file;
	struct ap_strv *section; /* NULL: one that is not for us */
	char *key;
	size_t indent; /* of the key's line: lines indented deeper go on */
	struct ap_buf value;
};

/* The later file rules, with an empty value too: that takes away what an earlier one said. */
static void conf_set(struct ap_strv *section, const char *file, const char *key, const char *value)
{
	for (size_t i = 0; i < section->n; i += 3) {
		if (strcmp(section->v[i + 1], key) == 0) {
			free(section->v[i]);
			free(section->v[i + 2]);
			section->v[i] = ap_xstrdup(file);
			section->v[i + 2] = ap_xstrdup(value);
			return;
		}
	}
	ap_strv_add(section, file);
	ap_strv_add(section, key);
	ap_strv_add(section, value);
}

static void conf_add(struct ap_strv *out, const struct ap_strv *section)
{
	for (size_t i = 0; i < section->n; i += 3) {
		for (size_t k = 0; k < 3 && *section->v[i + 2]; k++)
			ap_strv_add(out, section->v[i + k]);
	}
}

static void conf_end(struct conf_reader *r)
{
	if (r->key && r->section)
		conf_set(r->section, r->file, r->key, r->value.p);
	free(AP_STEAL(r->key));
	ap_buf_reset(&r->value);
}

static void conf_line(struct conf_reader *r, struct conf *c, struct ap_str line)
{
	struct ap_str word = ap_str_trim(line);
	size_t indent = (size_t)(word.p - line.p);
	size_t at = 0;

	if (!word.n || word.p[0] == '#' || word.p[0] == ';')
		return;
	if (r->key && indent > r->indent) {
		ap_buf_addc(&r->value, '\n');
		ap_buf_add(&r->value, word.p, word.n);
		return;
	}
	conf_end(r);
	if (word.p[0] == '[' && word.p[word.n - 1] == ']') {
		struct ap_str name = ap_str_n(word.p + 1, word.n - 2);

		r->section = ap_str_eq(name, "global")    ? &c->global
			     : ap_str_eq(name, "install") ? &c->install
							  : NULL;
		return;
	}
	while (at < word.n && word.p[at] != '=' && word.p[at] != ':')
		at++;
	if (at == word.n)
		return;
	r->key = option_name(ap_str_trim(ap_str_n(word.p, at)));
	r->indent = indent;
	word = ap_str_trim(ap_str_n(word.p + at + 1, word.n - at - 1));
	ap_buf_add(&r->value, word.p, word.n);
}

const char *ap_pip_env(const struct ap_pip_place *at, const char *name)
{
	size_t n = strlen(name);

	if (!at->vars)
		return at->env(name);
	for (size_t i = at->vars->n; i-- > 0;) {
		if (strncmp(at->vars->v[i], name, n) == 0 && at->vars->v[i][n] == '=')
			return at->vars->v[i] + n + 1;
	}
	return NULL;
}

static bool image_file(struct ap_buf *out, const struct ap_pip_place *at, const char *path)
{
	ap_path_id id = ap_paths_find(at->paths, path, AP_FOLLOW);
	const char *text;
	size_t n;

	if (ap_paths_kind(at->paths, id) != AP_PATH_FILE)
		return false;
	text = ap_paths_content(at->paths, id, &n);
	if (!text) {
		ap_strv_own(at->lacks, ap_paths_full(at->paths, id));
		return false;
	}
	ap_buf_add(out, text, n);
	return true;
}

bool ap_pip_file(struct ap_buf *out, const struct ap_pip_place *at, const char *path)
{
	struct ap_err err = AP_ERR_INIT;

	return at->paths ? image_file(out, at, path) : ap_fs_read(out, path, &err) == 0;
}

/* Sections, `key = value` or `key: value`, deeper lines go on.  Source: configparser's format. */
static void read_conf(struct conf *c, const char *dir, const char *name)
{
	ap_auto_free char *path = dir ? ap_fs_join(dir, name) : NULL;
	ap_auto_buf text = AP_BUF_MAX(MAX_CONF);
	struct conf_reader r = { .file = path, .value = AP_BUF_INIT };
	struct ap_str rest, line;

	if (!path || !ap_pip_file(&text, c->at, path))
		return;
	rest = ap_str_n(text.p, text.len);
	while (ap_str_next(&rest, '\n', &line))
		conf_line(&r, c, line);
	conf_end(&r);
	ap_buf_release(&r.value);
}

static void read_global_confs(struct conf *c)
{
	const char *dirs = ap_pip_env(c->at, "XDG_CONFIG_DIRS");
	struct ap_str rest = ap_str(dirs && *dirs ? dirs : "/etc/xdg");
	struct ap_str dir;

	while (ap_str_next(&rest, ':', &dir)) {
		ap_auto_free char *path = ap_xstrndup(dir.p, dir.n);

		if (dir.n)
			read_conf(c, path, "pip/pip.conf");
	}
	read_conf(c, "/etc", "pip.conf");
}

static void read_user_confs(struct conf *c)
{
	const char *home = ap_pip_env(c->at, "HOME");
	const char *xdg = ap_pip_env(c->at, "XDG_CONFIG_HOME");
	ap_auto_free char *config = NULL;

	if (xdg && *xdg)
		config = ap_xstrdup(xdg);
	else if (home)
		config = ap_fs_join(home, ".config");
	read_conf(c, home, ".pip/pip.conf");
	read_conf(c, config, "pip/pip.conf");
}

static bool is_file(const struct ap_pip_place *at, const char *path)
{
	return at->paths ? ap_paths_is_file(at->paths, path) : ap_fs_is_file(path);
}

void ap_pip_conf_read(struct ap_strv *out, const struct ap_pip_place *at)
{
	const char *named = ap_pip_env(at, "PIP_CONFIG_FILE");
	struct conf found = { .at = at };

	if (named && strcmp(named, "/dev/null") == 0)
		return;
	read_global_confs(&found);
	if (!named || !is_file(at, named))
		read_user_confs(&found);
	read_conf(&found, at->prefix, "pip.conf");
	if (named && *named)
		read_conf(&found, "", named);
	conf_add(out, &found.global);
	conf_add(out, &found.install);
	ap_strv_release(&found.global);
	ap_strv_release(&found.install);
}

/* What this machine's files say. */
static void read_here(struct ap_strv *out, ap_getenv_fn env)
{
	ap_pip_conf_read(out, &(struct ap_pip_place){ .env = env, .prefix = env("VIRTUAL_ENV") });
}

void ap_pip_words(struct ap_strv *out, const char *s, const char *separators)
{
	while (*s) {
		size_t n = strcspn(s, separators);

		if (n)
			ap_strv_add_n(out, s, n);
		s += n;
		s += strspn(s, separators);
	}
}

void ap_pip_without_users(struct ap_buf *out, const char *p, size_t n)
{
	while (n) {
		const char *at = memmem(p, n, "://", 3);
		size_t head = at ? (size_t)(at + 3 - p) : n;
		size_t host = 0;

		ap_buf_add(out, p, head);
		p += head;
		n -= head;
		while (host < n && p[host] && !strchr("/?# \t\r\n", p[host]))
			host++;
		for (size_t i = host; i-- > 0;) {
			if (p[i] == '@') {
				p += i;
				n -= i;
				break;
			}
		}
	}
}

void ap_pip_path(char **path, ap_getenv_fn env)
{
	const char *home = env("HOME");
	ap_auto_free char *cwd = NULL;
	char *old = *path;

	if (!old || strstr(old, "://") || ap_starts_with(old, "file:") || old[0] == '/')
		return;
	if (home && (strcmp(old, "~") == 0 || ap_starts_with(old, "~/"))) {
		*path = ap_xasprintf("%s%s", home, old + 1);
	} else {
		cwd = realpath(".", NULL);
		*path = ap_fs_join(cwd ? cwd : "/", old);
	}
	free(old);
}

/* Append WHERE, FILE for each word. */
static void add_constraints(
	struct ap_strv *out, const char *where, const char *words, ap_getenv_fn env)
{
	ap_auto_strv files = { 0 };

	ap_pip_words(&files, words ? words : "", " \t\r\n");
	for (size_t i = 0; i < files.n; i++) {
		ap_pip_path(&files.v[i], env);
		ap_strv_add(out, where);
		ap_strv_add(out, files.v[i]);
	}
}

void ap_pip_constraints(struct ap_strv *out, ap_getenv_fn env)
{
	const char *said = env("PIP_CONSTRAINT");
	const char *where = "PIP_CONSTRAINT";
	ap_auto_strv conf = { 0 };

	if (!said || !*said) {
		read_here(&conf, env);
		for (size_t i = 0; i < conf.n; i += 3) {
			if (strcmp(conf.v[i + 1], "constraint") == 0)
				said = conf.v[i + 2];
		}
		where = "constraint of pip.conf";
	}
	add_constraints(out, where, said, env);
	add_constraints(out, "UV_CONSTRAINT", env("UV_CONSTRAINT"), env);
}

char *ap_pip_variable(const char *name)
{
	char *out = ap_xasprintf("PIP_%s", name);

	for (char *p = out; *p; p++)
		*p = *p == '-' ? '_' : ap_upper(*p);
	return out;
}

bool ap_pip_says(const char *name, ap_getenv_fn env)
{
	ap_auto_free char *variable = ap_pip_variable(name);
	ap_auto_strv conf = { 0 };

	if (env(variable))
		return true;
	read_here(&conf, env);
	for (size_t i = 0; i < conf.n; i += 3) {
		if (strcmp(conf.v[i + 1], name) == 0)
			return true;
	}
	return false;
}
