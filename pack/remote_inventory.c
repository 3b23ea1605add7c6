#include "pack/remote_inventory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "deps/unpack.h"
#include "pack/artifact.h"

#define ARTIFACT_TYPE "application/vnd.autopack.inventory.v1+json"
#define BLOB_TYPE     ARTIFACT_TYPE "+zstd"
#define OF            "dev.autopack.inventory.of"
#define SIGNATURE     "dev.autopack.inventory.hmac-sha256"

enum { LEVEL = 3, BLOB_MAX = 64 << 20, TEXT_MAX = 512 << 20 };

/* What it is the inventory of. */
static char *key_of(const struct ap_base *base, const char *word)
{
	return ap_xasprintf("%s %s", base->manifest.digest.s, word);
}

static char *tag_of(const char *key)
{
	struct ap_digest d;

	ap_sha256_of(&d, key, strlen(key));
	return ap_xasprintf("autopack-inventory-%s", ap_digest_hex(&d));
}

static char *text_of(const char *key, const struct ap_descriptor *blob)
{
	return ap_xasprintf(
		"autopack inventory 1\n%s\n%s\n%" PRIu64 "\n", key, blob->digest.s, blob->size);
}

static int unpack(struct ap_inventory **out, const struct ap_buf *packed, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(TEXT_MAX);
	ap_auto_reader plain = NULL;
	ap_auto_json j = NULL;
	struct ap_reader *r;

	ap_mem_reader(&r, packed->p, packed->len);
	if (ap_unpack_reader(&plain, r, TEXT_MAX, err) < 0 || ap_read_all(plain, &text, err) < 0 ||
		ap_json_parse(&j, text.p, text.len, err) < 0)
		return -1;
	return ap_inventory_from_json(out, j, err);
}

static int read_it(struct ap_inventory **out, const struct ap_remote_cache *c, const char *key,
	struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor blob = { 0 };
	ap_auto_buf packed = AP_BUF_MAX(BLOB_MAX);
	ap_auto_free char *tag = tag_of(key);
	ap_auto_free char *text = NULL;
	ap_auto_json notes = NULL;

	if (ap_artifact_get(&blob, &notes, c->sink, tag, ARTIFACT_TYPE, err) < 0)
		return -1;
	text = text_of(key, &blob);
	if (!ap_streq(ap_json_str(notes, OF), key) ||
		!ap_artifact_signed(notes, SIGNATURE, c->secret, text))
		return ap_err_set(err, AP_E_AUTH, "an inventory without our signature");
	if (blob.size > BLOB_MAX)
		return ap_err_set(err, AP_E_LIMIT, "an inventory of %" PRIu64 " bytes", blob.size);
	return c->sink->ops->get_blob(c->sink, &blob, &packed, err) < 0 ? -1
									: unpack(out, &packed, err);
}

bool ap_remote_inventory_get(struct ap_inventory **out, const struct ap_remote_cache *c,
	const struct ap_base *base, const char *word)
{
	ap_auto_free char *key = key_of(base, word);
	struct ap_err ignored = AP_ERR_INIT;

	return ap_artifact_possible(c->sink) && read_it(out, c, key, &ignored) == 0;
}

static int put_blob(struct ap_sink *s, struct ap_descriptor *blob, const struct ap_inventory *inv,
	struct ap_err *err)
{
	ap_auto_json j = ap_inventory_to_json(inv);
	ap_auto_buf text = AP_BUF_MAX(TEXT_MAX);
	ap_auto_reader r = NULL;
	ap_auto_free void *packed = NULL;
	size_t n;

	ap_json_print(&text, j, 0);
	if (ap_buf_check(&text, "inventory", err) < 0)
		return -1;
	packed = ap_xmalloc(ZSTD_compressBound(text.len));
	n = ZSTD_compress(packed, ZSTD_compressBound(text.len), text.p, text.len, LEVEL);
	if (ZSTD_isError(n) || n > BLOB_MAX)
		return ap_err_set(err, AP_E_LIMIT, "an inventory of more than %d bytes", BLOB_MAX);
	ap_sha256_of(&blob->digest, packed, n);
	blob->size = n;
	ap_mem_reader(&r, packed, n);
	return s->ops->put_blob(s, blob, r, err);
}

int ap_remote_inventory_put(const struct ap_remote_cache *c, const struct ap_base *base,
	const char *word, const struct ap_inventory *inv, struct ap_err *err)
{
	char type[] = BLOB_TYPE;
	struct ap_descriptor blob = { .media_type = type };
	ap_auto_free char *key = key_of(base, word);
	ap_auto_free char *tag = tag_of(key);
	ap_auto_free char *text = NULL;
	ap_auto_json notes = ap_json_object();
	bool there = true;

	if (!ap_artifact_possible(c->sink))
		return 0;
	if (ap_artifact_there(&there, c->sink, tag, err) < 0)
		return ap_err_wrap(err, "inventory %s", tag);
	if (there)
		return 0;
	if (put_blob(c->sink, &blob, inv, err) < 0)
		return ap_err_wrap(err, "inventory %s", tag);
	text = text_of(key, &blob);
	ap_json_set_str(notes, OF, key);
	ap_artifact_sign(notes, SIGNATURE, c->secret, text);
	if (ap_artifact_put(c->sink, tag, ARTIFACT_TYPE, &blob, notes, err) < 0)
		return ap_err_wrap(err, "inventory %s", tag);
	return 0;
}
