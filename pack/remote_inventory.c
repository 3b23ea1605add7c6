#include "pack/remote_inventory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <zstd.h>

#include "deps/unpack.h"
#include "pack/artifact.h"

#define ARTIFACT_TYPE "application/vnd.autopack.inventory.v1"
#define BLOB_TYPE     ARTIFACT_TYPE "+zstd"
#define OF            "dev.autopack.inventory.of"
#define SIGNATURE     "dev.autopack.inventory.hmac-sha256"

enum { LEVEL = 3, BLOB_MAX = 64 << 20, RECORD_MAX = 512 << 20 };

static char *tag_of(const struct ap_descriptor *layer)
{
	return ap_xasprintf(AP_INVENTORY_TAG "%s", ap_digest_hex(&layer->digest));
}

/* All that the artifact says; fields of fixed form, so none runs into the next. */
static char *text_of(const struct ap_descriptor *layer, const struct ap_descriptor *blob)
{
	return ap_xasprintf("autopack inventory 1\n%s\n%s\n%" PRIu64 "\n", layer->digest.s,
		blob->digest.s, blob->size);
}

static int unpack(struct ap_buf *record, const struct ap_buf *packed, struct ap_err *err)
{
	ap_auto_reader plain = NULL;
	struct ap_reader *r;

	ap_mem_reader(&r, packed->p, packed->len);
	if (ap_unpack_reader(&plain, r, RECORD_MAX, err) < 0)
		return -1;
	return ap_read_all(plain, record, err);
}

static int bring(const struct ap_remote_cache *c, const char *cache_dir,
	const struct ap_descriptor *layer, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor blob = { 0 };
	ap_auto_buf packed = AP_BUF_MAX(BLOB_MAX);
	ap_auto_buf record = AP_BUF_MAX(RECORD_MAX);
	ap_auto_free char *tag = tag_of(layer);
	ap_auto_free char *text = NULL;
	ap_auto_json notes = NULL;

	if (ap_artifact_get(&blob, &notes, c->sink, tag, ARTIFACT_TYPE, err) < 0)
		return -1;
	text = text_of(layer, &blob);
	if (!ap_streq(ap_json_str(notes, OF), layer->digest.s) ||
		!ap_artifact_signed(notes, SIGNATURE, c->secret, text))
		return ap_err_set(err, AP_E_AUTH, "%s is not of this layer, or not signed", tag);
	if (blob.size > BLOB_MAX)
		return ap_err_set(err, AP_E_LIMIT, "%s: %" PRIu64 " bytes", tag, blob.size);
	if (c->sink->ops->get_blob(c->sink, &blob, &packed, err) < 0 ||
		unpack(&record, &packed, err) < 0)
		return -1;
	return ap_inventory_keep_record(&record, cache_dir, layer->digest.s, err);
}

bool ap_remote_inventory_get(
	const struct ap_remote_cache *c, const char *cache_dir, const struct ap_descriptor *layer)
{
	struct ap_err ignored = AP_ERR_INIT;

	return cache_dir && ap_artifact_possible(c->sink) &&
	       bring(c, cache_dir, layer, &ignored) == 0;
}

/* In small pieces: a record can be large, and is many times smaller then. */
static int pack_record(struct ap_buf *out, const struct ap_buf *record, struct ap_err *err)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();
	ZSTD_inBuffer in = { record->p, record->len, 0 };
	char piece[16384];
	size_t left = 1;

	if (!z)
		ap_oom();
	ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, LEVEL);
	while (left && !ZSTD_isError(left)) {
		ZSTD_outBuffer o = { piece, sizeof(piece), 0 };

		left = ZSTD_compressStream2(z, &o, &in, ZSTD_e_end);
		ap_buf_add(out, piece, o.pos);
	}
	ZSTD_freeCCtx(z);
	if (left)
		return ap_err_set(err, AP_E_IO, "zstd: %s", ZSTD_getErrorName(left));
	return ap_buf_check(out, "record", err);
}

static int put(const struct ap_remote_cache *c, const char *tag, const struct ap_descriptor *layer,
	const struct ap_buf *record, struct ap_err *err)
{
	char type[] = BLOB_TYPE;
	struct ap_descriptor blob = { .media_type = type };
	ap_auto_buf packed = AP_BUF_MAX(BLOB_MAX);
	ap_auto_free char *text = NULL;
	ap_auto_json notes = ap_json_object();
	ap_auto_reader r = NULL;

	if (pack_record(&packed, record, err) < 0)
		return -1;
	ap_sha256_of(&blob.digest, packed.p, packed.len);
	blob.size = packed.len;
	text = text_of(layer, &blob);
	ap_json_set_str(notes, OF, layer->digest.s);
	ap_artifact_sign(notes, SIGNATURE, c->secret, text);
	ap_mem_reader(&r, packed.p, packed.len);
	if (c->sink->ops->put_blob(c->sink, &blob, r, err) < 0)
		return -1;
	return ap_artifact_put(c->sink, tag, ARTIFACT_TYPE, &blob, notes, err);
}

int ap_remote_inventory_put(const struct ap_remote_cache *c, const char *cache_dir,
	const struct ap_descriptor *layer, struct ap_err *err)
{
	ap_auto_buf record = AP_BUF_INIT;
	ap_auto_free char *tag = tag_of(layer);
	bool there = true;

	if (!ap_artifact_possible(c->sink))
		return 0;
	if (ap_artifact_there(&there, c->sink, tag, err) < 0)
		return ap_err_wrap(err, "inventory %s", tag);
	if (there || !ap_inventory_load_record(&record, cache_dir, layer->digest.s))
		return 0;
	return put(c, tag, layer, &record, err) < 0 ? ap_err_wrap(err, "inventory %s", tag) : 0;
}
