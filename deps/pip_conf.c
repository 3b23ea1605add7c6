#include "deps/pip_conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

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

/* What the files say, NAME, VALUE, ..., each name once; [install] comes after [global]. */
struct conf {
	struct ap_strv global, install;
};

/* The text of one file while it is read. */
struct conf_reader {
	struct ap_strv *section; /* NULL: one that is not for us */
	char *key;
	size_t indent; /* of the key's line: lines indented deeper go on */
	struct ap_buf value;
};

/* The later file rules, with an empty value too: that takes away what an earlier one said. */
static void conf_set(struct ap_strv *section, const char *key, const char *value)
{
	for (size_t i = 0; i < section->n; i += 2) {
		if (strcmp(section->v[i], key) == 0) {
			free(section->v[i + 1]);
			section->v[i + 1] = ap_xstrdup(value);
			return;
		}
	}
	ap_strv_add(section, key);
	ap_strv_add(section, value);
}

static void conf_add(struct ap_strv *out, const struct ap_strv *section)
{
	for (size_t i = 0; i < section->n; i += 2) {
		if (*section->v[i + 1]) {
			ap_strv_add(out, section->v[i]);
			ap_strv_add(out, section->v[i + 1]);
		}
	}
}

static void conf_end(struct conf_reader *r)
{
	if (r->key && r->section)
		conf_set(r->section, r->key, r->value.p);
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

/* Sections, `key = value` or `key: value`, deeper lines go on.  Source: configparser's format. */
static void read_conf(struct conf *c, const char *dir, const char *name)
{
	ap_auto_free char *path = dir ? ap_fs_join(dir, name) : NULL;
	ap_auto_buf text = AP_BUF_MAX(MAX_CONF);
	struct conf_reader r = { .value = AP_BUF_INIT };
	struct ap_err err = AP_ERR_INIT;
	struct ap_str rest, line;

	if (!path || ap_fs_read(&text, path, &err) < 0)
		return;
	rest = ap_str_n(text.p, text.len);
	while (ap_str_next(&rest, '\n', &line))
		conf_line(&r, c, line);
	conf_end(&r);
	ap_buf_release(&r.value);
}

static void read_global_confs(struct conf *c, ap_getenv_fn env)
{
	const char *dirs = env("XDG_CONFIG_DIRS");
	struct ap_str rest = ap_str(dirs && *dirs ? dirs : "/etc/xdg");
	struct ap_str dir;

	while (ap_str_next(&rest, ':', &dir)) {
		ap_auto_free char *path = ap_xstrndup(dir.p, dir.n);

		if (dir.n)
			read_conf(c, path, "pip/pip.conf");
	}
	read_conf(c, "/etc", "pip.conf");
}

static void read_user_confs(struct conf *c, ap_getenv_fn env)
{
	const char *home = env("HOME");
	const char *xdg = env("XDG_CONFIG_HOME");
	ap_auto_free char *config = NULL;

	if (xdg && *xdg)
		config = ap_xstrdup(xdg);
	else if (home)
		config = ap_fs_join(home, ".config");
	read_conf(c, home, ".pip/pip.conf");
	read_conf(c, config, "pip/pip.conf");
}

void ap_pip_conf_read(struct ap_strv *out, ap_getenv_fn env)
{
	const char *named = env("PIP_CONFIG_FILE");
	struct conf found = { 0 };

	if (named && strcmp(named, "/dev/null") == 0)
		return;
	read_global_confs(&found, env);
	if (!named || !ap_fs_is_file(named))
		read_user_confs(&found, env);
	read_conf(&found, env("VIRTUAL_ENV"), "pip.conf");
	if (named && *named)
		read_conf(&found, "", named);
	conf_add(out, &found.global);
	conf_add(out, &found.install);
	ap_strv_release(&found.global);
	ap_strv_release(&found.install);
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
		ap_pip_conf_read(&conf, env);
		for (size_t i = 0; i < conf.n; i += 2) {
			if (strcmp(conf.v[i], "constraint") == 0)
				said = conf.v[i + 1];
		}
		where = "constraint of pip.conf";
	}
	add_constraints(out, where, said, env);
	add_constraints(out, "UV_CONSTRAINT", env("UV_CONSTRAINT"), env);
}
