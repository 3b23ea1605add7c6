/*
 * Where packages are looked for: what requirements files, UV_*, PIP_* and
 * pip.conf say, as one configuration file for uv, which reads none of pip's.
 */
#ifndef AP_DEPS_INDEX_CONFIG_H
#define AP_DEPS_INDEX_CONFIG_H

#include "deps/reqfile.h"
#include "deps/request.h"

struct ap_index_config {
	char *index_url; /* may hold a password: goes to a 0600 file and to fetch only */
	struct ap_strv extra_index_urls;
	struct ap_strv find_links;
	struct ap_strv trusted_hosts;
	char *cert; /* CA bundle that pip would use, or NULL */
	bool no_index, pre;
	bool keyring; /* passwords that URLs leave out are asked of the program `keyring` */
};

/*
 * Requirements files win over UV_*, those over PIP_*, those over pip.conf.
 * A pip.conf that cannot be read is passed over.  Local paths come out
 * absolute: pip and uv mean them from the current directory.
 */
void ap_index_config_read(
	struct ap_index_config *out, const struct ap_dep_index *from_files, ap_getenv_fn env);

/*
 * The same above NAME, VALUE, ...: options of pip's that count where nothing
 * else says what it is; NULL: none.
 */
void ap_index_config_read_above(struct ap_index_config *out, const struct ap_strv *below,
	const struct ap_dep_index *from_files, ap_getenv_fn env);
void ap_index_config_release(struct ap_index_config *c);

/* A token for this URL, or NULL.  *token: owned. */
typedef int (*ap_index_token_fn)(void *ctx, char **token, const char *url, struct ap_err *err);

/* Put tokens into the URLs that have no user and get one, as Google's indexes take them. */
int ap_index_config_authorize(
	struct ap_index_config *c, ap_index_token_fn token, void *ctx, struct ap_err *err) AP_CHECK;

/* As uv.toml, for `uv pip` and `uv build`.  Source: uv settings reference. */
void ap_index_config_print(struct ap_buf *out, const struct ap_index_config *c);

/* All index URLs, user information stripped: they are inputs of lock and tag. */
void ap_index_config_public(struct ap_strv *out, const struct ap_index_config *c);

#endif
