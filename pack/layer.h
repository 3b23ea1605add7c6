/*
 * One layer: a sorted tree becomes compressed tar bytes with their digests,
 * in one pass, in bounded memory.
 */
#ifndef AP_PACK_LAYER_H
#define AP_PACK_LAYER_H

#include "base/entry.h"
#include "base/pool.h"
#include "base/progress.h"
#include "pack/store.h"

/* A finished layer: what the manifest says, what the config says, how to read its bytes again. */
struct ap_layer {
	struct ap_descriptor desc;
	struct ap_digest diff_id;
	char *title; /* history's created_by */
	struct ap_content
		*blob; /* compressed bytes, readable any number of times; NULL: known to be there */
};
void ap_layer_release(struct ap_layer *l);

struct ap_layer_opts {
	int64_t epoch;
	int compression;       /* AP_GZIP, AP_ZSTD of pack/request.h */
	int level;             /* of gzip; 0: AP_GZIP_LEVEL of pack/gzip.h */
	bool docker;           /* media type family; zstd is always OCI */
	const char *spool_dir; /* where compressed bytes wait: under the cache; NULL: /tmp */
	struct ap_pool *pool;  /* may be NULL: one thread */
	struct ap_progress *progress;
};

/*
 * Write a sorted tree as one tar layer, compressed, hashed in the same pass.
 * The bytes depend on the tree and the options only, never on the machine.
 *
 * Errors: AP_E_CHANGED when a local file changed meanwhile; AP_E_INPUT when
 * two entries have one path, one lies below another that is no directory, or
 * a name begins with ".wh.", which would remove something (a tree of nothing
 * but ap_layer_whiteouts() is meant to).
 * Threads: yes, also on a job of o->pool.
 * Source: image-spec v1.1 layer.md.
 */
int ap_layer_make(struct ap_layer *out, const struct ap_tree *tree, const char *title,
	const struct ap_layer_opts *o, struct ap_err *err) AP_CHECK;

/*
 * The entries that make absolute image paths disappear: one empty ".wh.NAME"
 * each, sorted, never an opaque mark.
 * Errors: AP_E_INPUT for a path that is relative, "/" or has "..".
 */
int ap_layer_whiteouts(
	struct ap_tree *out, const struct ap_strv *paths, struct ap_err *err) AP_CHECK;

/* The media type that ap_layer_make() gives. */
const char *ap_layer_media_type(int compression, bool docker);

#endif
