/*
 * An image to a sink: what is missing is sent, several blobs at once, the
 * manifest last.
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

/* Queue a blob that src has; once for each digest. */
void ap_push_blob(struct ap_push *p, const struct ap_descriptor *desc);

/* Wait for all that is queued.  Errors: the first one's; AP_E_CANCELLED. */
int ap_push_wait(struct ap_push *p, struct ap_err *err) AP_CHECK;

/* Put a document under each tag (none: by its digest).  Order: what it names has been waited for. */
int ap_push_manifest(struct ap_push *p, const struct ap_descriptor *desc, const void *json,
	const struct ap_strv *tags, struct ap_err *err) AP_CHECK;

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

/* Order: nothing is queued any more. */
struct ap_push_stats ap_push_stats(const struct ap_push *p);

/* Waits for running uploads; those not begun are dropped. */
void ap_push_free(struct ap_push *p);
void ap_push_freep(struct ap_push **p);

#endif
