/*
 * What is known about layers already made: key -> {digest, diff_id, size}.
 * The key is a digest of every input of the layer (DESIGN section 6); the
 * bytes themselves are not kept.
 */
#ifndef AP_PACK_CACHE_H
#define AP_PACK_CACHE_H

#include "pack/layer.h"

struct ap_cache_record {
	struct ap_digest digest, diff_id;
	uint64_t size;
	char *media_type;
};

void ap_cache_record_release(struct ap_cache_record *r);

/*
 * Look a key up in DIR/layers; *found false when absent or damaged.
 * A record that cannot be trusted (wrong owner or mode of the directory,
 * broken JSON) counts as absent.
 */
int ap_cache_get(struct ap_cache_record *out, bool *found, const char *dir,
	const struct ap_digest *key, struct ap_err *err) AP_CHECK;

/* Keep a record: written aside, synced, renamed, in a directory of mode 0700. */
int ap_cache_put(const char *dir, const struct ap_digest *key, const struct ap_cache_record *r,
	struct ap_err *err) AP_CHECK;

#endif
