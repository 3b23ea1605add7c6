#include "pack/gzip.h"

#include <libdeflate.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "pack/splice.h"

enum {
	STORED_MAX = 65535,     /* bytes of one stored block */
	SAMPLE_FROM = 64 << 10, /* shorter blocks are compressed without asking */
	SAMPLE_PIECE = 4 << 10,
	SAMPLE_PIECES = 8,
	SCRATCH = 64 << 10,
	RING_MAX = 6, /* some 3 MiB a block, and every worker may be making a layer */
};

/* What a compressed block can be at most, with its joint. */
#define OUT_MAX (AP_GZIP_BLOCK + 16)

enum block_state { BLOCK_FREE, BLOCK_QUEUED, BLOCK_RUNNING, BLOCK_DONE };

struct block {
	enum block_state state;
	unsigned char *in, *out;
	size_t n, out_n; /* out_n 0: stored */
	int file;        /* the input is a range of it, or -1 */
	uint64_t at;
	uint32_t crc;
	struct libdeflate_compressor *strong, *quick;
};

/*
 * The blocks, shared with the jobs that compress them: the last one to leave
 * frees.  Whoever finds the oldest block done writes it out, so that hashing
 * and storing what is compressed runs beside reading what is not.
 */
struct ring {
	pthread_mutex_t lock; /* of all but what its owner says */
	pthread_cond_t moved; /* some block changed its state */
	unsigned refs;
	struct ap_gzip_opts o;
	bool emitting, closed;
	struct ap_err failed; /* of o.out */
	uint32_t crc;         /* of what was written out */
	uint64_t size;
	size_t n, first, used; /* `used` blocks, from `first` on, are not written out yet */
	struct block v[];
};

struct ap_gzip {
	struct ring *ring;
	size_t next; /* the block being filled; never one of the used ones */
	bool begun;
	struct ap_err failed;
};

static void ring_release(struct ring *r)
{
	unsigned left;

	pthread_mutex_lock(&r->lock);
	left = --r->refs;
	pthread_mutex_unlock(&r->lock);
	if (left)
		return;
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].in);
		free(r->v[i].out);
		libdeflate_free_compressor(r->v[i].strong);
		libdeflate_free_compressor(r->v[i].quick);
	}
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->moved);
	free(r);
}

static struct libdeflate_compressor *compressor(struct libdeflate_compressor **c, int level)
{
	if (!*c)
		*c = libdeflate_alloc_compressor(level);
	if (!*c)
		ap_oom();
	return *c;
}

/* Would compressing these bytes be in vain?  A few pieces of them answer. */
static bool incompressible(struct block *b)
{
	unsigned char sample[SAMPLE_PIECE * SAMPLE_PIECES];
	unsigned char out[sizeof(sample)];
	size_t step = (b->n - SAMPLE_PIECE) / (SAMPLE_PIECES - 1);
	size_t most = sizeof(sample) - sizeof(sample) / 64;

	if (b->n < SAMPLE_FROM)
		return false;
	for (size_t i = 0; i < SAMPLE_PIECES; i++)
		memcpy(sample + i * SAMPLE_PIECE, b->in + i * step, SAMPLE_PIECE);
	return libdeflate_deflate_compress(
		       compressor(&b->quick, 1), sample, sizeof(sample), out, most) == 0;
}

/* Write a block out as it is, in stored blocks; the lock is not held. */
static int emit_stored(const struct ap_gzip_opts *o, const struct block *b, struct ap_err *err)
{
	for (size_t at = 0; at < b->n;) {
		size_t n = AP_MIN(b->n - at, (size_t)STORED_MAX);
		unsigned char head[] = { 0, (unsigned char)(n & 0xff), (unsigned char)(n >> 8),
			(unsigned char)(~n & 0xff), (unsigned char)(~n >> 8 & 0xff) };

		if (o->out(o->ctx, head, sizeof(head), err) < 0)
			return -1;
		if (o->refer && b->file >= 0
				? o->refer(o->ctx, b->in + at, n, b->file, b->at + at, err) < 0
				: o->out(o->ctx, b->in + at, n, err) < 0)
			return -1;
		at += n;
	}
	return 0;
}

/* Bit positions of the last block's header and of the end; our own stream, so it cannot be broken. */
static void find_last_block(const unsigned char *p, size_t n, uint64_t *last, uint64_t *end)
{
	unsigned char scratch[SCRATCH];
	z_stream z = { 0 };
	int status = Z_OK;

	if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
		ap_oom();
	z.next_in = (unsigned char *)(uintptr_t)p;
	z.avail_in = (uInt)n;
	*last = *end = 0;
	while (status != Z_STREAM_END) {
		uint64_t bit;

		z.next_out = scratch;
		z.avail_out = sizeof(scratch);
		status = inflate(&z, Z_BLOCK);
		if (status != Z_OK && status != Z_STREAM_END)
			abort();
		if (!(z.data_type & 128))
			continue;
		bit = (uint64_t)(z.next_in - p) * 8 - (unsigned)(z.data_type & 7);
		*(z.data_type & 64 ? end : last) = bit;
	}
	inflateEnd(&z);
}

/* Make the stream one that others can follow: as ap_splice_copy() does, in memory. */
static void join(struct block *b)
{
	uint64_t last;
	uint64_t end;
	unsigned used;

	find_last_block(b->out, b->out_n, &last, &end);
	b->out[last / 8] &= (unsigned char)~(1U << (last % 8));
	used = (unsigned)(end % 8);
	if (!used)
		return;
	b->out[end / 8] &= (unsigned char)((1U << used) - 1);
	if (used > 5)
		b->out[b->out_n++] = 0;
	memcpy(b->out + b->out_n, "\x00\x00\xff\xff", 4);
	b->out_n += 4;
}

static void compress_block(struct block *b, int level)
{
	b->crc = libdeflate_crc32(0, b->in, b->n);
	b->out_n = 0;
	if (!incompressible(b))
		b->out_n = libdeflate_deflate_compress(
			compressor(&b->strong, level), b->in, b->n, b->out, b->n);
	if (b->out_n)
		join(b);
}

/* Write out what is done, oldest first; the caller holds the lock. */
static void emit_done(struct ring *r)
{
	if (r->emitting)
		return;
	r->emitting = true;
	while (r->used && r->v[r->first].state == BLOCK_DONE && !r->closed) {
		struct block *b = &r->v[r->first];

		if (r->failed.code == AP_E_NONE) {
			struct ap_err err = AP_ERR_INIT;
			int rc;

			pthread_mutex_unlock(&r->lock);
			rc = b->out_n ? r->o.out(r->o.ctx, b->out, b->out_n, &err)
				      : emit_stored(&r->o, b, &err);
			pthread_mutex_lock(&r->lock);
			if (rc < 0)
				r->failed = err;
		}
		r->crc = (uint32_t)crc32_combine(r->crc, b->crc, (z_off_t)b->n);
		r->size += b->n;
		b->n = 0;
		b->state = BLOCK_FREE;
		r->first = (r->first + 1) % r->n;
		r->used--;
	}
	r->emitting = false;
	pthread_cond_broadcast(&r->moved);
}

/* Compress the block that waits longest; the caller holds the lock.  False: none waits. */
static bool run_block(struct ring *r)
{
	struct block *b = NULL;

	for (size_t i = 0; i < r->used && !b; i++) {
		b = &r->v[(r->first + i) % r->n];
		if (b->state != BLOCK_QUEUED)
			b = NULL;
	}
	if (!b)
		return false;
	b->state = BLOCK_RUNNING;
	pthread_mutex_unlock(&r->lock);
	compress_block(b, r->o.level);
	pthread_mutex_lock(&r->lock);
	b->state = BLOCK_DONE;
	emit_done(r);
	return true;
}

/* One job of the pool; that there is nothing to do is fine, the writer was faster. */
static int block_job(void *arg, struct ap_err *err AP_UNUSED)
{
	struct ring *r = arg;

	pthread_mutex_lock(&r->lock);
	if (!r->closed)
		(void)run_block(r);
	pthread_mutex_unlock(&r->lock);
	ring_release(r);
	return 0;
}

static void drop_job(void *arg)
{
	ring_release(arg);
}

void ap_gzip_new(struct ap_gzip **out, const struct ap_gzip_opts *o)
{
	struct ap_gzip *g = ap_xcalloc(1, sizeof(*g));
	size_t n = o->pool ? AP_MIN(ap_pool_threads(o->pool) + 2, (unsigned)RING_MAX) : 2;

	g->ring = ap_xcalloc(1, sizeof(*g->ring) + n * sizeof(g->ring->v[0]));
	g->ring->o = *o;
	if (!o->level)
		g->ring->o.level = AP_GZIP_LEVEL;
	g->ring->n = n;
	g->ring->refs = 1;
	pthread_mutex_init(&g->ring->lock, NULL);
	pthread_cond_init(&g->ring->moved, NULL);
	*out = g;
}

void ap_gzip_free(struct ap_gzip *g)
{
	struct ring *r;

	if (!g)
		return;
	r = g->ring;
	/* The callbacks end here: nobody may be in one, and nobody may begin one. */
	pthread_mutex_lock(&r->lock);
	r->closed = true;
	while (r->emitting)
		pthread_cond_wait(&r->moved, &r->lock);
	pthread_mutex_unlock(&r->lock);
	ring_release(r);
	free(g);
}

void ap_gzip_freep(struct ap_gzip **g)
{
	ap_gzip_free(*g);
	*g = NULL;
}

static int fail(struct ap_gzip *g, const struct ap_err *err)
{
	g->failed = *err;
	return -1;
}

static int check(const struct ap_gzip *g, struct ap_err *err)
{
	if (g->failed.code == AP_E_NONE)
		return 0;
	*err = g->failed;
	return -1;
}

/* Bytes of the writer's own, when no block is on its way. */
static int emit(struct ap_gzip *g, const void *p, size_t n, struct ap_err *err)
{
	if (g->ring->o.out(g->ring->o.ctx, p, n, err) < 0)
		return fail(g, err);
	return 0;
}

static int begin(struct ap_gzip *g, struct ap_err *err)
{
	/* No name, no time, operating system "unknown". */
	static const unsigned char header[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff };

	if (g->begun)
		return 0;
	g->begun = true;
	return emit(g, header, sizeof(header), err);
}

/* Until at most `most` blocks are on their way: compress some, or wait for those who do. */
static int drain(struct ap_gzip *g, size_t most, struct ap_err *err)
{
	struct ring *r = g->ring;
	struct ap_err failed;

	pthread_mutex_lock(&r->lock);
	while (r->used > most) {
		if (!run_block(r))
			pthread_cond_wait(&r->moved, &r->lock);
	}
	failed = r->failed;
	pthread_mutex_unlock(&r->lock);
	if (failed.code == AP_E_NONE)
		return 0;
	*err = failed;
	return fail(g, err);
}

/* The block that is being filled; its memory comes with its first use. */
static struct block *filling(struct ap_gzip *g)
{
	struct block *b = &g->ring->v[g->next];

	if (!b->in) {
		b->in = ap_xmalloc(AP_GZIP_BLOCK);
		b->out = ap_xmalloc(OUT_MAX);
	}
	return b;
}

static int queue_block(struct ap_gzip *g, struct ap_err *err)
{
	struct ring *r = g->ring;
	struct block *b = filling(g);
	size_t n = b->n;

	if (!n)
		return 0;
	if (begin(g, err) < 0)
		return -1;
	pthread_mutex_lock(&r->lock);
	b->state = BLOCK_QUEUED;
	r->used++;
	r->refs += r->o.pool ? 1 : 0;
	pthread_mutex_unlock(&r->lock);
	if (r->o.pool)
		ap_pool_submit_or_drop(r->o.pool, block_job, drop_job, r);
	g->next = (g->next + 1) % r->n;
	/* The input of a queued block does not change any more: reading it here is safe. */
	if (r->o.raw && r->o.raw(r->o.ctx, b->in, n, err) < 0)
		return fail(g, err);
	return drain(g, r->n - 1, err);
}

int ap_gzip_room(struct ap_gzip *g, void **p, size_t *n, struct ap_err *err)
{
	struct block *b;

	if (check(g, err) < 0)
		return -1;
	b = filling(g);
	if (b->n == AP_GZIP_BLOCK) {
		if (queue_block(g, err) < 0)
			return -1;
		b = filling(g);
	}
	*p = b->in + b->n;
	*n = AP_GZIP_BLOCK - b->n;
	return 0;
}

void ap_gzip_filled(struct ap_gzip *g, size_t n, int file, uint64_t at)
{
	struct block *b = filling(g);

	if (!b->n) {
		b->file = file;
		b->at = at;
	} else if (b->file != file || b->at + b->n != at) {
		b->file = -1;
	}
	b->n += n;
}

int ap_gzip_write(struct ap_gzip *g, const void *p, size_t n, struct ap_err *err)
{
	const char *from = p;

	while (n) {
		void *room;
		size_t k;

		if (ap_gzip_room(g, &room, &k, err) < 0)
			return -1;
		k = AP_MIN(k, n);
		memcpy(room, from, k);
		ap_gzip_filled(g, k, -1, 0);
		from += k;
		n -= k;
	}
	return 0;
}

static int splice_raw(void *ctx, const void *p, size_t n, struct ap_err *err)
{
	const struct ap_gzip_opts *o = &((struct ap_gzip *)ctx)->ring->o;

	return o->raw ? o->raw(o->ctx, p, n, err) : 0;
}

/* One member on its way through ap_splice_copy(). */
struct copying {
	struct ap_gzip *g;
	uint64_t offset; /* of the member in its file */
	int file;
};

static int splice_emit(void *ctx, const void *p, size_t n, uint64_t at, struct ap_err *err)
{
	const struct copying *c = ctx;
	const struct ap_gzip_opts *o = &c->g->ring->o;

	if (o->refer && c->file >= 0 && at != AP_SPLICE_OWN)
		return o->refer(o->ctx, p, n, c->file, c->offset + at, err);
	return o->out(o->ctx, p, n, err);
}

int ap_gzip_splice(struct ap_gzip *g, const struct ap_raw *raw, int file, struct ap_err *err)
{
	struct copying c = { g, raw->offset, file };
	struct ring *r = g->ring;
	struct ap_splice s;

	if (check(g, err) < 0)
		return -1;
	if (queue_block(g, err) < 0 || drain(g, 0, err) < 0 || begin(g, err) < 0)
		return -1;
	if (ap_splice_scan(&s, raw, splice_raw, g, err) < 0 ||
		ap_splice_copy(raw, &s, splice_emit, &c, err) < 0)
		return fail(g, err);
	r->crc = (uint32_t)crc32_combine(r->crc, raw->crc, (z_off_t)raw->size);
	r->size += raw->size;
	return 0;
}

static void put_le32(unsigned char *p, uint32_t v)
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

int ap_gzip_finish(struct ap_gzip *g, struct ap_err *err)
{
	unsigned char end[10] = { 0x03, 0x00 };

	if (check(g, err) < 0)
		return -1;
	if (queue_block(g, err) < 0 || drain(g, 0, err) < 0 || begin(g, err) < 0)
		return -1;
	put_le32(end + 2, g->ring->crc);
	put_le32(end + 6, (uint32_t)g->ring->size);
	if (emit(g, end, sizeof(end), err) < 0)
		return -1;
	ap_err_set(&g->failed, AP_E_IO, "gzip: written to after its end");
	return 0;
}
