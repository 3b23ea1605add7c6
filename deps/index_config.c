#include "deps/index_config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fs.h"
#include "base/http.h"
#include "deps/pip_conf.h"

void ap_index_config_release(struct ap_index_config *c)
{
	free(c->index_url);
	free(c->cert);
	ap_strv_release(&c->extra_index_urls);
	ap_strv_release(&c->find_links);
	ap_strv_release(&c->trusted_hosts);
	*c = (struct ap_index_config){ 0 };
}

static bool is_true(const char *s)
{
	static const char *const words[] = { "1", "true", "yes", "on", "t", "y" };

	for (size_t i = 0; s && i < AP_LEN(words); i++) {
		if (strcasecmp(s, words[i]) == 0)
			return true;
	}
	return false;
}

static void replace(char **slot, const char *value)
{
	free(*slot);
	*slot = ap_xstrdup(value);
}

/* One option of pip, from its configuration or environment; the later one replaces. */
static void set_pip_option(struct ap_index_config *c, const char *name, const char *value)
{
	static const char blank[] = " \t\r\n";

	if (strcmp(name, "index-url") == 0) {
		replace(&c->index_url, value);
	} else if (strcmp(name, "extra-index-url") == 0) {
		ap_strv_release(&c->extra_index_urls);
		ap_pip_words(&c->extra_index_urls, value, blank);
	} else if (strcmp(name, "find-links") == 0) {
		ap_strv_release(&c->find_links);
		ap_pip_words(&c->find_links, value, blank);
	} else if (strcmp(name, "trusted-host") == 0) {
		ap_strv_release(&c->trusted_hosts);
		ap_pip_words(&c->trusted_hosts, value, blank);
	} else if (strcmp(name, "cert") == 0) {
		replace(&c->cert, value);
	} else if (strcmp(name, "keyring-provider") == 0) {
		c->keyring = strcmp(value, "subprocess") == 0 || strcmp(value, "import") == 0;
	} else if (strcmp(name, "no-index") == 0) {
		c->no_index = is_true(value);
	} else if (strcmp(name, "pre") == 0) {
		c->pre = is_true(value);
	}
}

static void read_pip_conf(struct ap_index_config *c, ap_getenv_fn env)
{
	ap_auto_strv said = { 0 };

	ap_pip_conf_read(&said, &(struct ap_pip_place){ .env = env, .prefix = env("VIRTUAL_ENV") });
	for (size_t i = 0; i < said.n; i += 3)
		set_pip_option(c, said.v[i + 1], said.v[i + 2]);
}

static void read_pip_env(struct ap_index_config *c, ap_getenv_fn env)
{
	static const char *const names[][2] = {
		{ "PIP_INDEX_URL", "index-url" },
		{ "PIP_EXTRA_INDEX_URL", "extra-index-url" },
		{ "PIP_FIND_LINKS", "find-links" },
		{ "PIP_TRUSTED_HOST", "trusted-host" },
		{ "PIP_CERT", "cert" },
		{ "PIP_KEYRING_PROVIDER", "keyring-provider" },
		{ "PIP_NO_INDEX", "no-index" },
		{ "PIP_PRE", "pre" },
	};

	for (size_t i = 0; i < AP_LEN(names); i++) {
		const char *value = env(names[i][0]);

		if (value && *value)
			set_pip_option(c, names[i][1], value);
	}
}

/* "https://host/x" -> "https://user:password@host/x"; from UV_INDEX_NAME_USERNAME and _PASSWORD. */
static char *with_credentials(const char *url, const char *name, size_t n, ap_getenv_fn env)
{
	ap_auto_buf key = AP_BUF_INIT;
	ap_auto_buf out = AP_BUF_INIT;
	const char *user;
	const char *password;
	const char *host = strstr(url, "://");

	ap_buf_adds(&key, "UV_INDEX_");
	for (size_t i = 0; i < n; i++)
		ap_buf_addc(&key, ap_is_alnum(name[i]) ? ap_upper(name[i]) : '_');
	ap_buf_adds(&key, "_USERNAME");
	user = env(key.p);
	ap_buf_truncate(&key, key.len - strlen("_USERNAME"));
	ap_buf_adds(&key, "_PASSWORD");
	password = env(key.p);
	if (!host || (!user && !password) || strchr(url, '@'))
		return ap_xstrdup(url);
	ap_buf_add(&out, url, (size_t)(host + 3 - url));
	ap_url_escape(&out, user ? user : "");
	ap_buf_addc(&out, ':');
	ap_url_escape(&out, password ? password : "");
	ap_buf_addc(&out, '@');
	ap_buf_adds(&out, host + 3);
	return ap_buf_steal(&out);
}

/* "name=https://..." or just the URL.  *out: owned. */
static char *uv_index(const char *word, ap_getenv_fn env)
{
	const char *eq = strchr(word, '=');
	const char *colon = strchr(word, ':');

	if (eq && (!colon || eq < colon))
		return with_credentials(eq + 1, word, (size_t)(eq - word), env);
	return ap_xstrdup(word);
}

static void read_uv_env(struct ap_index_config *c, ap_getenv_fn env)
{
	static const char *const extras[] = { "UV_INDEX", "UV_EXTRA_INDEX_URL" };
	const char *value = env("UV_DEFAULT_INDEX");
	ap_auto_strv words = { 0 };

	if (!value || !*value)
		value = env("UV_INDEX_URL");
	if (value && *value) {
		free(c->index_url);
		c->index_url = uv_index(value, env);
	}
	for (size_t i = 0; i < AP_LEN(extras); i++) {
		value = env(extras[i]);
		if (value)
			ap_pip_words(&words, value, " \t\n");
	}
	if (words.n) {
		ap_strv_release(&c->extra_index_urls);
		for (size_t i = 0; i < words.n; i++)
			ap_strv_own(&c->extra_index_urls, uv_index(words.v[i], env));
	}
	value = env("UV_FIND_LINKS");
	if (value && *value) {
		ap_strv_release(&c->find_links);
		ap_pip_words(&c->find_links, value, ",");
	}
	value = env("UV_INSECURE_HOST");
	if (value)
		ap_pip_words(&c->trusted_hosts, value, " \t\n");
	value = env("UV_KEYRING_PROVIDER");
	if (value)
		c->keyring = strcmp(value, "subprocess") == 0;
}

void ap_index_config_read_above(struct ap_index_config *out, const struct ap_strv *below,
	const struct ap_dep_index *from_files, ap_getenv_fn env)
{
	struct ap_index_config c = { 0 };

	for (size_t i = 0; below && i + 1 < below->n; i += 2)
		set_pip_option(&c, below->v[i], below->v[i + 1]);
	read_pip_conf(&c, env);
	read_pip_env(&c, env);
	read_uv_env(&c, env);
	ap_pip_path(&c.cert, env);
	for (size_t i = 0; i < c.find_links.n; i++)
		ap_pip_path(&c.find_links.v[i], env);
	if (from_files->index_url)
		replace(&c.index_url, from_files->index_url);
	ap_strv_copy(&c.extra_index_urls, &from_files->extra_index_urls);
	ap_strv_copy(&c.find_links, &from_files->find_links);
	ap_strv_copy(&c.trusted_hosts, &from_files->trusted_hosts);
	c.no_index = c.no_index || from_files->no_index;
	c.pre = c.pre || from_files->pre;
	*out = c;
}

void ap_index_config_read(
	struct ap_index_config *out, const struct ap_dep_index *from_files, ap_getenv_fn env)
{
	ap_index_config_read_above(out, NULL, from_files, env);
}

static int authorize(char **url, ap_index_token_fn fn, void *ctx, struct ap_err *err)
{
	ap_auto_free char *token = NULL;
	const char *host = *url ? strstr(*url, "://") : NULL;
	char *full;

	if (!host || memchr(host + 3, '@', strcspn(host + 3, "/?#")))
		return 0;
	if (fn(ctx, &token, *url, err) < 0)
		return -1;
	if (!token)
		return 0;
	full = ap_xasprintf(
		"%.*soauth2accesstoken:%s@%s", (int)(host + 3 - *url), *url, token, host + 3);
	free(*url);
	*url = full;
	return 0;
}

int ap_index_config_authorize(
	struct ap_index_config *c, ap_index_token_fn token, void *ctx, struct ap_err *err)
{
	int rc = authorize(&c->index_url, token, ctx, err);

	for (size_t i = 0; rc == 0 && i < c->extra_index_urls.n; i++)
		rc = authorize(&c->extra_index_urls.v[i], token, ctx, err);
	for (size_t i = 0; rc == 0 && i < c->find_links.n; i++)
		rc = authorize(&c->find_links.v[i], token, ctx, err);
	return rc;
}

static void print_string(struct ap_buf *out, const char *s)
{
	ap_buf_addc(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			ap_buf_addc(out, '\\');
		if ((unsigned char)*s >= 0x20 && *s != 0x7f)
			ap_buf_addc(out, *s);
	}
	ap_buf_addc(out, '"');
}

static void print_list(struct ap_buf *out, const char *key, const struct ap_strv *l)
{
	if (!l->n)
		return;
	ap_buf_addf(out, "%s = [", key);
	for (size_t i = 0; i < l->n; i++) {
		ap_buf_adds(out, i ? ", " : "");
		print_string(out, l->v[i]);
	}
	ap_buf_adds(out, "]\n");
}

void ap_index_config_print(struct ap_buf *out, const struct ap_index_config *c)
{
	print_list(out, "allow-insecure-host", &c->trusted_hosts);
	if (c->index_url) {
		ap_buf_adds(out, "index-url = ");
		print_string(out, c->index_url);
		ap_buf_addc(out, '\n');
	}
	print_list(out, "extra-index-url", &c->extra_index_urls);
	print_list(out, "find-links", &c->find_links);
	if (c->no_index)
		ap_buf_adds(out, "no-index = true\n");
	if (c->pre)
		ap_buf_adds(out, "prerelease = \"allow\"\n");
}

static void add_public(struct ap_strv *out, const char *url)
{
	ap_strv_own(out, ap_url_public(url));
}

void ap_index_config_public(struct ap_strv *out, const struct ap_index_config *c)
{
	if (c->index_url)
		add_public(out, c->index_url);
	for (size_t i = 0; i < c->extra_index_urls.n; i++)
		add_public(out, c->extra_index_urls.v[i]);
	for (size_t i = 0; i < c->find_links.n; i++) {
		if (strstr(c->find_links.v[i], "://"))
			add_public(out, c->find_links.v[i]);
	}
	if (c->no_index)
		ap_strv_add(out, "no-index");
	if (c->pre)
		ap_strv_add(out, "pre");
}
