#include "tests/unit/unit.h"

#include <fcntl.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/fs.h"
#include "pack/gzip.h"

/* n bytes that shrink (kind 0), do not (1), or change between the two every 300 KiB (2). */
static char *sample(size_t n, int kind)
{
	char *p = ap_xmalloc(n + 1);
	uint64_t x = 88172645463325252ULL + (unsigned)kind;

	for (size_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		if (kind == 1 || (kind == 2 && i / (300 << 10) % 2))
			p[i] = (char)x;
		else
			p[i] = i > 64 && x % 8 ? p[i - 1 - x % 60] : (char)('a' + x % 26);
	}
	return p;
}

static int to_buf(void *ctx, const void *p, size_t n, struct ap_err *err AP_UNUSED)
{
	ap_buf_add(ctx, p, n);
	return 0;
}

static void gzip(struct ap_buf *out, struct ap_pool *pool, const char *p, size_t n, size_t step)
{
	AP_CLEANUP(ap_gzip_freep) struct ap_gzip *g = NULL;
	struct ap_err err = AP_ERR_INIT;

	ap_gzip_new(&g, &(struct ap_gzip_opts){ .out = to_buf, .ctx = out, .pool = pool });
	for (size_t at = 0; at < n; at += step)
		assert_ok(ap_gzip_write(g, p + at, AP_MIN(step, n - at), &err), &err);
	assert_ok(ap_gzip_finish(g, &err), &err);
}

/* One call of zlib that stops at the first member's end: what careless readers do. */
static void gunzip_is(const struct ap_buf *b, const char *p, size_t n)
{
	z_stream z = { 0 };
	ap_auto_free char *out = ap_xmalloc(n + 1);

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (unsigned char *)b->p;
	z.avail_in = (uInt)b->len;
	z.next_out = (unsigned char *)out;
	z.avail_out = (uInt)n + 1;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	assert_int_equal(z.total_out, n);
	assert_memory_equal(out, p, n);
	inflateEnd(&z);
}

TEST(gzip_is_one_member_that_inflates_to_what_was_written)
{
	static const size_t sizes[] = { 0, 1, 100, 65535, 65536, AP_GZIP_BLOCK - 1, AP_GZIP_BLOCK,
		AP_GZIP_BLOCK + 1, 3 * AP_GZIP_BLOCK + 77 };

	for (size_t i = 0; i < AP_LEN(sizes); i++) {
		for (int kind = 0; kind < 3; kind++) {
			ap_auto_free char *p = sample(sizes[i], kind);
			ap_auto_buf b = AP_BUF_INIT;

			gzip(&b, NULL, p, sizes[i], sizes[i] + 1);
			gunzip_is(&b, p, sizes[i]);
			if (kind == 0 && sizes[i] > 60000)
				assert_true(b.len < sizes[i]);
			assert_true(b.len <= sizes[i] + 64 + sizes[i] / 4096);
		}
	}
}

TEST(gzip_bytes_do_not_depend_on_threads_or_on_how_they_were_written)
{
	size_t n = 9 * AP_GZIP_BLOCK + 12345;
	ap_auto_free char *p = sample(n, 2);
	ap_auto_buf want = AP_BUF_INIT;

	gzip(&want, NULL, p, n, n);
	for (unsigned threads = 1; threads <= 5; threads += 2) {
		AP_CLEANUP(ap_pool_freep) struct ap_pool *pool = NULL;
		ap_auto_buf b = AP_BUF_INIT;
		struct ap_err err = AP_ERR_INIT;

		ap_pool_new(&pool, threads);
		gzip(&b, pool, p, n, 100003);
		assert_int_equal(b.len, want.len);
		assert_memory_equal(b.p, want.p, want.len);
		assert_ok(ap_pool_wait(pool, &err), &err);
	}
}

TEST(gzip_level_of_local_files_is_one_member_too_and_bytes_of_its_own)
{
	size_t n = 2 * AP_GZIP_BLOCK + 77;
	ap_auto_free char *p = sample(n, 0);
	ap_auto_buf strong = AP_BUF_INIT;
	ap_auto_buf local = AP_BUF_INIT;
	AP_CLEANUP(ap_gzip_freep) struct ap_gzip *g = NULL;
	struct ap_err err = AP_ERR_INIT;

	gzip(&strong, NULL, p, n, n);
	ap_gzip_new(&g, &(struct ap_gzip_opts){
				.out = to_buf, .ctx = &local, .level = AP_GZIP_LEVEL_LOCAL });
	assert_ok(ap_gzip_write(g, p, n, &err), &err);
	assert_ok(ap_gzip_finish(g, &err), &err);
	gunzip_is(&local, p, n);
	assert_true(local.len > strong.len && local.len < n);
}

struct nested {
	struct ap_pool *pool;
	const char *p;
	size_t n;
	struct ap_buf out;
};

static int nested_job(void *arg, struct ap_err *err AP_UNUSED)
{
	struct nested *j = arg;

	gzip(&j->out, j->pool, j->p, j->n, j->n);
	return 0;
}

TEST(gzip_writers_on_every_worker_do_not_wait_for_each_other)
{
	size_t n = 3 * AP_GZIP_BLOCK;
	ap_auto_free char *p = sample(n, 0);
	struct nested jobs[4];
	struct ap_pool *pool;
	struct ap_err err = AP_ERR_INIT;

	ap_pool_new(&pool, 2);
	for (size_t i = 0; i < AP_LEN(jobs); i++) {
		jobs[i] = (struct nested){ pool, p, n, AP_BUF_INIT };
		ap_pool_submit(pool, nested_job, &jobs[i]);
	}
	assert_ok(ap_pool_wait(pool, &err), &err);
	for (size_t i = 0; i < AP_LEN(jobs); i++) {
		gunzip_is(&jobs[i].out, p, n);
		ap_buf_release(&jobs[i].out);
	}
	ap_pool_free(pool);
}

static int always_fails(void *arg AP_UNUSED, struct ap_err *err)
{
	return ap_err_set(err, AP_E_IO, "broken on purpose");
}

TEST(gzip_ends_well_on_a_pool_that_has_failed)
{
	size_t n = 6 * AP_GZIP_BLOCK;
	ap_auto_free char *p = sample(n, 0);
	ap_auto_buf b = AP_BUF_INIT;
	struct ap_pool *pool;
	struct ap_err err = AP_ERR_INIT;

	ap_pool_new(&pool, 2);
	ap_pool_submit(pool, always_fails, NULL);
	assert_fails(ap_pool_wait(pool, &err), &err, AP_E_IO, "on purpose");
	gzip(&b, pool, p, n, n);
	gunzip_is(&b, p, n);
	ap_pool_free(pool);
}

static int out_fails(void *ctx, const void *p AP_UNUSED, size_t n AP_UNUSED, struct ap_err *err)
{
	unsigned *left = ctx;

	if ((*left)-- == 0)
		return ap_err_set(err, AP_E_IO, "disk full");
	return 0;
}

TEST(gzip_that_failed_fails_for_ever)
{
	AP_CLEANUP(ap_pool_freep) struct ap_pool *pool = NULL;
	AP_CLEANUP(ap_gzip_freep) struct ap_gzip *g = NULL;
	ap_auto_free char *p = sample(8 * AP_GZIP_BLOCK, 0);
	struct ap_err err = AP_ERR_INIT;
	unsigned left = 2;

	ap_pool_new(&pool, 2);
	ap_gzip_new(&g, &(struct ap_gzip_opts){ .out = out_fails, .ctx = &left, .pool = pool });
	assert_fails(ap_gzip_write(g, p, 8 * AP_GZIP_BLOCK, &err), &err, AP_E_IO, "disk full");
	assert_fails(ap_gzip_write(g, p, 1, &err), &err, AP_E_IO, "disk full");
	assert_fails(ap_gzip_finish(g, &err), &err, AP_E_IO, "disk full");
}

static int member_on_disk(const char *p, size_t n, struct ap_raw *raw)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(9);
	ap_auto_free char *out = ap_xmalloc(n + 100);
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(dir, "m");
	struct ap_err err = AP_ERR_INIT;

	*raw = (struct ap_raw){ .method = 8, .size = n, .crc = libdeflate_crc32(0, p, n) };
	raw->csize = libdeflate_deflate_compress(c, p, n, out, n + 100);
	libdeflate_free_compressor(c);
	assert_true(raw->csize > 0);
	assert_ok(ap_fs_write(path, out, raw->csize, 0600, &err), &err);
	raw->fd = open(path, O_RDONLY | O_CLOEXEC);
	return raw->fd;
}

TEST(gzip_splices_streams_between_its_own_blocks)
{
	size_t n = 2 * AP_GZIP_BLOCK + 999;
	ap_auto_free char *p = sample(n, 0);
	ap_auto_buf plain = AP_BUF_INIT;
	ap_auto_buf seen = AP_BUF_INIT;
	ap_auto_buf b = AP_BUF_INIT;
	AP_CLEANUP(ap_gzip_freep) struct ap_gzip *g = NULL;
	struct ap_err err = AP_ERR_INIT;
	struct ap_raw raw;
	ap_auto_fd int fd = member_on_disk(p, n, &raw);

	ap_gzip_new(&g, &(struct ap_gzip_opts){ .out = to_buf, .ctx = &b });
	(void)seen;
	for (int i = 0; i < 3; i++) {
		assert_ok(ap_gzip_splice(g, &raw, -1, &err), &err);
		ap_buf_add(&plain, p, n);
		assert_ok(ap_gzip_write(g, "between", 7, &err), &err);
		ap_buf_add(&plain, "between", 7);
	}
	assert_ok(ap_gzip_finish(g, &err), &err);
	gunzip_is(&b, plain.p, plain.len);
}

/* What is told of bytes that stand in a file holds: they are read from there. */
struct referred {
	struct ap_buf all;
	const struct ap_raw *raw;
	const char *plain; /* of file 1, the raw member being file 0 */
	uint64_t bytes[2];
};

static int all_to_buf(void *ctx, const void *p, size_t n, struct ap_err *err AP_UNUSED)
{
	ap_buf_add(&((struct referred *)ctx)->all, p, n);
	return 0;
}

static int refer_to_buf(
	void *ctx, const void *p, size_t n, int file, uint64_t at, struct ap_err *err AP_UNUSED)
{
	struct referred *r = ctx;
	ap_auto_free char *found = ap_xmalloc(n);

	assert_true(file == 0 || file == 1);
	r->bytes[file] += n;
	if (file == 0)
		assert_int_equal(pread(r->raw->fd, found, n, (off_t)at), n);
	assert_memory_equal(p, file ? r->plain + at : found, n);
	ap_buf_add(&r->all, p, n);
	return 0;
}

TEST(gzip_tells_which_bytes_stand_in_a_file)
{
	size_t n = 5 * AP_GZIP_BLOCK;
	ap_auto_free char *noise = ap_xmalloc(n);
	ap_auto_free char *p = sample(AP_GZIP_BLOCK, 0);
	AP_CLEANUP(ap_gzip_freep) struct ap_gzip *g = NULL;
	ap_auto_buf plain = AP_BUF_INIT;
	struct referred r = { .all = AP_BUF_INIT, .plain = noise };
	uint32_t noisy = 1;
	struct ap_err err = AP_ERR_INIT;
	struct ap_raw raw;
	ap_auto_fd int fd = member_on_disk(p, AP_GZIP_BLOCK, &raw);

	for (size_t i = 0; i < n; i++) {
		noisy = noisy * 1664525 + 1013904223;
		noise[i] = (char)(noisy >> 24);
	}
	r.raw = &raw;
	ap_gzip_new(
		&g, &(struct ap_gzip_opts){ .out = all_to_buf, .refer = refer_to_buf, .ctx = &r });
	assert_ok(ap_gzip_write(g, "header", 6, &err), &err);
	for (size_t at = 0; at < n;) {
		size_t k;
		void *room;

		assert_ok(ap_gzip_room(g, &room, &k, &err), &err);
		k = AP_MIN(AP_MIN(k, (size_t)300000), n - at);
		memcpy(room, noise + at, k);
		ap_gzip_filled(g, k, 1, at);
		at += k;
	}
	assert_ok(ap_gzip_splice(g, &raw, 0, &err), &err);
	assert_ok(ap_gzip_finish(g, &err), &err);
	ap_buf_add(&plain, "header", 6);
	ap_buf_add(&plain, noise, n);
	ap_buf_add(&plain, p, AP_GZIP_BLOCK);
	gunzip_is(&r.all, plain.p, plain.len);
	/* All but what shares a block with the header, and the ends of the member. */
	assert_true(r.bytes[1] == 4 * (uint64_t)AP_GZIP_BLOCK + 6);
	assert_true(r.bytes[0] > 0 && r.bytes[0] < raw.csize);
	ap_buf_release(&r.all);
}
