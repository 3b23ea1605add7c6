/*
 * An image to a sink: what is missing is sent, several blobs at once, the
 * manifest last.  Also copying a whole image, or index, between stores.
 */
#ifndef AP_PACK_PUSH_H
#define AP_PACK_PUSH_H

#include "base/pool.h"
#include "pack/image.h"

struct ap_push_stats {
	uint64_t sent, mounted, skipped; /* blobs */
	uint64_t sent_bytes, total_bytes;
};

struct ap_push;

/*
 * Begin to send an image, in steps, so that uploads begin while layers are
 * still being made; on threads of their own.  Base blobs: has_blob, mount,
 * else streamed from src.  base, src, sink and progress are borrowed until ap_push_free(); the blobs of
 * base (may be NULL) are begun at once.  *out: owned, ap_push_free().
 *
 * there: the manifest of an image that the destination has, or NULL.  Layers
 * that it names are taken to be there, with no request for each; should the
 * manifest then be refused, they are asked for after all.
 */
void ap_push_begin(struct ap_push **out, const struct ap_base *base, struct ap_source *src,
	struct ap_sink *sink, const struct ap_buf *there, struct ap_progress *progress);

/* Queue a finished layer, borrowed until ap_push_free().  Threads: yes.  Handing it in twice is fine. */
void ap_push_layer(struct ap_push *p, const struct ap_layer *l);

/* Were the bytes of this blob sent?  Otherwise they were there, or mounted. */
bool ap_push_has_sent(struct ap_push *p, const struct ap_digest *digest);

/* Has an upload failed?  Whoever makes layers can stop. */
bool ap_push_failed(struct ap_push *p);

/*
 * Queue what the image has and nobody handed in, wait for all, then send the
 * manifest under each tag (none: by its digest) and finish the sink.
 */
int ap_push_finish(struct ap_push_stats *stats, struct ap_push *p, const struct ap_image *i,
	const struct ap_strv *tags, struct ap_err *err) AP_CHECK;

/* Waits for running uploads; those not begun are dropped. */
void ap_push_free(struct ap_push *p);
void ap_push_freep(struct ap_push **p);

/*
 * Copy what `src` was opened for: one image, or an index with all it lists
 * (platform NULL), or the platform's image of an index.  *out: the descriptor
 * of what was published, ap_descriptor_release().
 * Errors: AP_E_UNSUPPORTED for an index to a docker-archive.
 */
int ap_image_copy(struct ap_descriptor *out, struct ap_push_stats *stats, struct ap_source *src,
	struct ap_sink *sink, const char *platform, const struct ap_strv *tags,
	struct ap_progress *progress, struct ap_err *err) AP_CHECK;

/* The blobs that a manifest names; the manifest itself is the caller's to put. */
int ap_blobs_copy(struct ap_source *src, struct ap_sink *sink, const cJSON *manifest,
	struct ap_progress *progress, struct ap_err *err) AP_CHECK;

#endif
