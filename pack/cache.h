/*
 * What is known about layers already made: key -> {digest, diff_id, size}.
 * The key is a digest of every input of the layer (pack/layer_key.h); the
 * bytes themselves are not kept: wheels and key make them again.
 *
 * A record that cannot be trusted or read counts as absent; a cache that
 * cannot be written is no error of the build.
 */
#ifndef AP_PACK_CACHE_H
#define AP_PACK_CACHE_H

#include "pack/layer.h"

struct ap_cache_record {
	struct ap_digest digest, diff_id; /* of the compressed and of the plain bytes */
	uint64_t size;                    /* compressed */
};

/*
 * Look a key up in DIR/layers.  False when it is absent or damaged, or when
 * the directory belongs to somebody else or can be written by others.
 * dir NULL: no cache.
 */
bool ap_cache_get(struct ap_cache_record *out, const char *dir, const struct ap_digest *key);

/*
 * Keep a record: written aside, synced, renamed, in a directory of mode 0700.
 * Errors: AP_E_IO; AP_E_INPUT when the directory is not ours alone.
 */
int ap_cache_put(const char *dir, const struct ap_digest *key, const struct ap_cache_record *r,
	struct ap_err *err) AP_CHECK;

#define AP_LAYER_TAG "autopack-layer-"

/*
 * Records in a repository, for a second machine: one small artifact per key
 * under the tag AP_LAYER_TAG and hex of the key, which names the layer as
 * its blob, so that the registry keeps both or neither.
 *
 * Whoever may push there may bind a bad layer to a good key; with a secret,
 * records are signed, and others count as absent.
 */
struct ap_remote_cache {
	struct ap_sink *sink; /* borrowed; its repository.  NULL: none */
	const char *secret;   /* AUTOPACK_CACHE_KEY; borrowed; NULL: unsigned */
};

/* False when absent, damaged, not signed with the secret, or when the registry does not say. */
bool ap_remote_cache_get(
	struct ap_cache_record *out, const struct ap_remote_cache *c, const struct ap_digest *key);

/*
 * Publish a record, unless the key has one: that is never overwritten.  A
 * layer that is not in that repository yet is mounted from `from` (where the
 * image was pushed to; NULL: nowhere), or else sent.
 * Errors: those of the sink.
 */
int ap_remote_cache_put(const struct ap_remote_cache *c, const struct ap_digest *key,
	const struct ap_layer *layer, const struct ap_ref *from, struct ap_err *err) AP_CHECK;

/*
 * A layer that need not be made: the cache or the repository knows the key,
 * and the sink has the blob, or can mount it from that repository.  *out:
 * filled, without bytes (blob NULL), ap_layer_release().
 * Errors: those of the sink's has_blob() and mount().
 */
int ap_layer_known(struct ap_layer *out, bool *found, const char *dir,
	const struct ap_remote_cache *c, struct ap_sink *sink, const struct ap_digest *key,
	const char *title, const char *media_type, struct ap_err *err) AP_CHECK;

#endif
