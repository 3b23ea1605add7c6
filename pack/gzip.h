/*
 * One gzip member, written in blocks that are compressed side by side, with
 * room for deflate streams that exist already.
 *
 * The bytes depend on what is written and on libdeflate's version only: the
 * input is cut every AP_GZIP_BLOCK bytes (and before and after a splice),
 * each piece is compressed on its own, or stored where a sample says that it
 * will not shrink, and pieces are joined on byte boundaries by empty stored
 * blocks.  Readers see one member.
 *
 * Source: RFC 1951, RFC 1952; DESIGN section 6.
 */
#ifndef AP_PACK_GZIP_H
#define AP_PACK_GZIP_H

#include "base/entry.h"
#include "base/pool.h"

#define AP_GZIP_BLOCK (1u << 20)
#define AP_GZIP_LEVEL 6
/*
 * Of local files, which are compressed anew with each edit while somebody waits: a quarter of
 * level 6's time for a tenth more bytes.
 */
#define AP_GZIP_LEVEL_LOCAL 1

/* Takes bytes, in order. */
typedef int (*ap_gzip_out_fn)(void *ctx, const void *p, size_t n, struct ap_err *err);

/* Takes n bytes, in order, which also stand at offset `at` of a file: p need not be copied. */
typedef int (*ap_gzip_refer_fn)(
	void *ctx, const void *p, size_t n, int file, uint64_t at, struct ap_err *err);

struct ap_gzip;

struct ap_gzip_opts {
	ap_gzip_out_fn out;     /* compressed bytes; on any thread, one at a time */
	ap_gzip_refer_fn refer; /* in place of out, for bytes of a file that the writer named */
	ap_gzip_out_fn raw;     /* the uncompressed bytes, on the writing thread; may be NULL */
	void *ctx;              /* of both */
	struct ap_pool *pool;   /* compresses blocks; NULL: the writing thread does */
	int level;              /* libdeflate's; 0: AP_GZIP_LEVEL */
};

/*
 * *out: owned by the caller, ap_gzip_free().
 * Threads: one writes; it may be a job of the pool, since it never waits for
 * a block that nobody has begun.  No callback runs after ap_gzip_free().
 */
void ap_gzip_new(struct ap_gzip **out, const struct ap_gzip_opts *o);
void ap_gzip_free(struct ap_gzip *g);
void ap_gzip_freep(struct ap_gzip **g);

/* Errors: those of out and raw; a failed writer fails for ever. */
int ap_gzip_write(struct ap_gzip *g, const void *p, size_t n, struct ap_err *err) AP_CHECK;

/*
 * Room for at least one byte inside the writer, to read into: *p, *n.  What
 * was filled is handed over with ap_gzip_filled(), before any other call.
 */
int ap_gzip_room(struct ap_gzip *g, void **p, size_t *n, struct ap_err *err) AP_CHECK;

/* file: a number >= 0 that means something to `refer`, read from offset `at`; -1: of none. */
void ap_gzip_filled(struct ap_gzip *g, size_t n, int file, uint64_t at);

/*
 * Add raw->size bytes whose deflate stream exists (method 8): the stream is
 * inflated to check CRC, size and exact consumption and to feed `raw`; its
 * bytes go out as they are, but for the mark of the last block.  file: the
 * number of raw->fd for `refer`, or -1.
 *
 * Errors: those of ap_splice_scan() and ap_splice_copy().
 */
int ap_gzip_splice(
	struct ap_gzip *g, const struct ap_raw *raw, int file, struct ap_err *err) AP_CHECK;

/* The end of the member: nothing can be written after. */
int ap_gzip_finish(struct ap_gzip *g, struct ap_err *err) AP_CHECK;

#endif
