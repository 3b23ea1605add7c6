/*
 * The key of a layer: a digest of every input that its bytes depend on.
 */
#ifndef AP_PACK_LAYER_KEY_H
#define AP_PACK_LAYER_KEY_H

#include "deps/inventory.h"
#include "deps/lock.h"
#include "pack/base.h"

/* Goes up with every change of what a layer holds for the same inputs. */
#define AP_LAYOUT_VERSION_LAYERS 1

struct ap_layer_inputs {
	const char *kind; /* "wheels", "removed": what is made of the inputs */
	const struct ap_lock *lock;
	const size_t *members; /* indexes into lock->v in their order; NULL: all of it */
	size_t n;
	const struct ap_inventory *inventory;
	const struct ap_strv *extra; /* more words; NULL: none */
	const struct ap_base *base;  /* its file system decides which directories are new */
	int compression;             /* AP_GZIP, AP_ZSTD */
	int64_t epoch;
};

void ap_layer_key(struct ap_digest *out, const struct ap_layer_inputs *in);

/* Of a layer made of local files; `content` is the digest of their tree (pack/plan.h). */
void ap_layer_key_local(
	struct ap_digest *out, const struct ap_digest *content, int compression, int64_t epoch);

#endif
