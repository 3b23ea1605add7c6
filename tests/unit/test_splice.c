#include "tests/unit/unit.h"

#include <fcntl.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/fs.h"
#include "pack/splice.h"
#include "pack/splice_fast.h"

/* Bytes that compress about as source code does, the same at every run. */
static void fill(unsigned char *p, size_t n, unsigned seed)
{
	uint32_t x = seed * 2654435761U + 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525U + 1013904223U;
		p[i] = (x >> 24) < 160 && i > 40 ? p[i - 1 - (x >> 16) % 40]
						 : (unsigned char)(x >> 24);
	}
}

static size_t with_zlib(
	unsigned char *to, size_t room, const unsigned char *p, size_t n, int level, int strategy)
{
	z_stream z = { 0 };
	size_t size;

	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, -15, 8, strategy), Z_OK);
	z.next_in = (unsigned char *)(uintptr_t)p;
	z.avail_in = (uInt)n;
	z.next_out = to;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	size = room - z.avail_out;
	deflateEnd(&z);
	return size;
}

static size_t with_libdeflate(
	unsigned char *to, size_t room, const unsigned char *p, size_t n, int level)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(level);
	size_t size = libdeflate_deflate_compress(c, p, n, to, room);

	libdeflate_free_compressor(c);
	assert_true(size > 0);
	return size;
}

static int to_buf(void *ctx, const void *p, size_t n, struct ap_err *err AP_UNUSED)
{
	ap_buf_add(ctx, p, n);
	return 0;
}

static int copy_to_buf(
	void *ctx, const void *p, size_t n, uint64_t at AP_UNUSED, struct ap_err *err AP_UNUSED)
{
	ap_buf_add(ctx, p, n);
	return 0;
}

static int on_disk(const void *p, size_t n)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(dir, "f");
	struct ap_err err = AP_ERR_INIT;
	int fd;

	assert_ok(ap_fs_write(path, p, n, 0600, &err), &err);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static struct ap_raw raw_of(int fd, size_t csize, const unsigned char *plain, size_t size)
{
	return (struct ap_raw){ .fd = fd,
		.method = 8,
		.offset = 0,
		.csize = csize,
		.size = size,
		.crc = (uint32_t)crc32_z(0, plain, size) };
}

TEST(spliced_members_of_any_encoder_join_to_one_stream)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 100, 40000, 300000, 1500000 };
	size_t room = 1700000;
	ap_auto_free unsigned char *plain = ap_xmalloc(room);
	ap_auto_free unsigned char *packed = ap_xmalloc(room);
	ap_auto_free unsigned char *back = NULL;
	ap_auto_buf all = AP_BUF_INIT, stream = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;
	z_stream z = { 0 };

	for (size_t i = 0; i < AP_LEN(sizes); i++) {
		for (unsigned kind = 0; kind < 8; kind++) {
			size_t n = sizes[i] + kind;
			ap_auto_buf seen = AP_BUF_INIT;
			struct ap_splice s;
			size_t csize;
			struct ap_raw raw;

			fill(plain, n, (unsigned)i * 8 + kind);
			if (kind < 4)
				csize = with_zlib(
					packed, room, plain, n, (int)kind * 3, Z_DEFAULT_STRATEGY);
			else if (kind == 4)
				csize = with_zlib(packed, room, plain, n, 6, Z_FIXED);
			else if (kind == 5)
				csize = with_zlib(packed, room, plain, n, 6, Z_HUFFMAN_ONLY);
			else
				csize = with_libdeflate(packed, room, plain, n, (int)kind);
			raw = raw_of(on_disk(packed, csize), csize, plain, n);
			assert_ok(ap_splice_scan(&s, &raw, to_buf, &seen, &err), &err);
			assert_int_equal(seen.len, n);
			assert_memory_equal(seen.p, plain, n);
			assert_ok(ap_splice_copy(&raw, &s, copy_to_buf, &stream, &err), &err);
			ap_buf_add(&all, plain, n);
			close(raw.fd);
		}
	}
	ap_buf_add(&stream, "\x03\x00", 2);
	back = ap_xmalloc(all.len + 1);
	assert_int_equal(inflateInit2(&z, -15), Z_OK);
	z.next_in = (unsigned char *)stream.p;
	z.avail_in = (uInt)stream.len;
	z.next_out = back;
	z.avail_out = (uInt)all.len + 1;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	assert_int_equal(z.total_out, all.len);
	assert_memory_equal(back, all.p, all.len);
	inflateEnd(&z);
}

/* One bit beyond the last block's header must not be enough to fool it: compare with zlib bit by bit. */
TEST(splice_fast_scan_finds_the_block_that_zlib_finds)
{
	static const size_t sizes[] = { 524288, 700001, 1500003, 3000017 };
	size_t room = 3300000;
	ap_auto_free unsigned char *plain = ap_xmalloc(room);
	ap_auto_free unsigned char *packed = ap_xmalloc(room);
	struct ap_err err = AP_ERR_INIT;
	unsigned n_located = 0;
	unsigned n_dynamic = 0;

	for (size_t i = 0; i < AP_LEN(sizes); i++) {
		for (int kind = 0; kind < 14; kind++) {
			ap_auto_buf seen = AP_BUF_INIT;
			struct ap_splice fast = { 0, 0, 0 };
			z_stream z = { 0 };
			bool located = false;
			uint64_t last = 0;
			uint64_t end = 0;
			struct ap_raw raw;
			size_t csize;
			int status = Z_OK;

			fill(plain, sizes[i], (unsigned)kind);
			if (kind < 10)
				csize = with_zlib(
					packed, room, plain, sizes[i], kind, Z_DEFAULT_STRATEGY);
			else if (kind == 10)
				csize = with_zlib(packed, room, plain, sizes[i], 6, Z_FIXED);
			else
				csize = with_libdeflate(packed, room, plain, sizes[i], kind - 8);
			raw = raw_of(on_disk(packed, csize), csize, plain, sizes[i]);
			assert_ok(ap_splice_scan_fast(&fast, &located, &raw, to_buf, &seen, &err),
				&err);
			assert_int_equal(seen.len, sizes[i]);
			assert_memory_equal(seen.p, plain, sizes[i]);
			close(raw.fd);
			n_dynamic += kind != 0 && kind != 10;
			n_located += located && kind != 0 && kind != 10;
			if (!located)
				continue;
			assert_int_equal(inflateInit2(&z, -15), Z_OK);
			z.next_in = packed;
			z.avail_in = (uInt)csize;
			while (status == Z_OK) {
				uint64_t bit;

				z.next_out = plain;
				z.avail_out = (uInt)room;
				status = inflate(&z, Z_BLOCK);
				bit = 8 * (uint64_t)(z.next_in - packed) -
				      (unsigned)(z.data_type & 7);
				if (z.data_type & 128)
					*(z.data_type & 64 ? &end : &last) = bit;
			}
			assert_int_equal(status, Z_STREAM_END);
			inflateEnd(&z);
			assert_int_equal(fast.last_bit, last);
			assert_int_equal(fast.end_bit, end);
		}
	}
	print_message("  located %u of %u with dynamic blocks\n", n_located, n_dynamic);
	assert_true(n_located * 10 >= n_dynamic * 9);
}

TEST(splice_refuses_a_member_that_is_not_what_it_says)
{
	static const struct {
		const char *name;
		int more_in, more_out, flip_crc, cut, flip_byte;
		enum ap_err_code code;
		const char *fails_with;
	} cases[] = {
		{ "bytes behind the stream", 3, 0, 0, 0, 0, AP_E_PROTO, "ends after" },
		{ "says fewer bytes", 0, -1, 0, 0, 0, AP_E_LIMIT, "more than" },
		{ "says more bytes", 0, 1, 0, 0, 0, AP_E_PROTO, "but says" },
		{ "another crc", 0, 0, 1, 0, 0, AP_E_DIGEST, "CRC-32" },
		{ "another hash", 0, 0, 0, 0, 0, AP_E_DIGEST, "hash is not the one" },
		{ "cut short", 0, 0, 0, 5, 0, AP_E_PROTO, "ends too early" },
		{ "bad block type", 0, 0, 0, 0, 1, AP_E_PROTO, "broken deflate stream" },
	};
	static unsigned char plain[800000], packed[900000];
	struct ap_err err = AP_ERR_INIT;

	/* small, by zlib; and large, by ISA-L */
	for (size_t k = 0; k < 2 * AP_LEN(cases); k++) {
		size_t i = k / 2;
		size_t n = k % 2 ? sizeof(plain) : 5000;
		ap_auto_buf seen = AP_BUF_INIT;
		struct ap_splice s;
		struct ap_raw raw;
		size_t csize;

		print_message("  case: %s\n", cases[i].name);
		fill(plain, n, 1);
		memset(packed, 0, sizeof(packed));
		csize = with_zlib(packed, sizeof(packed), plain, n, 6, Z_DEFAULT_STRATEGY);
		if (cases[i].flip_byte)
			packed[0] |= 6;
		raw = raw_of(on_disk(packed, sizeof(packed)), csize, plain, n);
		raw.csize += (uint64_t)cases[i].more_in;
		raw.csize -= (uint64_t)cases[i].cut;
		raw.size += (uint64_t)(int64_t)cases[i].more_out;
		raw.crc ^= (uint32_t)cases[i].flip_crc;
		if (strcmp(cases[i].name, "another hash") == 0) {
			raw.hash_bits = 256;
			raw.hash = plain;
		}
		assert_fails(ap_splice_scan(&s, &raw, to_buf, &seen, &err), &err, cases[i].code,
			cases[i].fails_with);
		close(raw.fd);
	}
}

TEST(splice_refuses_a_member_that_changes_between_check_and_copy)
{
	static unsigned char plain[600000], packed[700000];
	struct ap_err err = AP_ERR_INIT;

	for (int large = 0; large < 2; large++) {
		size_t n = large ? sizeof(plain) : 5000;
		ap_auto_buf seen = AP_BUF_INIT;
		ap_auto_buf copied = AP_BUF_INIT;
		ap_auto_free char *dir = unit_tmpdir();
		ap_auto_free char *path = ap_fs_join(dir, "f");
		struct ap_splice s;
		struct ap_raw raw;
		size_t csize;

		fill(plain, n, 3);
		csize = with_zlib(packed, sizeof(packed), plain, n, 6, Z_DEFAULT_STRATEGY);
		assert_ok(ap_fs_write(path, packed, csize, 0600, &err), &err);
		raw = raw_of(open(path, O_RDWR | O_CLOEXEC), csize, plain, n);
		assert_ok(ap_splice_scan(&s, &raw, to_buf, &seen, &err), &err);
		packed[csize / 2] ^= 1;
		assert_int_equal(pwrite(raw.fd, packed, csize, 0), csize);
		assert_fails(ap_splice_copy(&raw, &s, copy_to_buf, &copied, &err), &err,
			AP_E_CHANGED, "changed while it was read");
		close(raw.fd);
	}
}

TEST(splice_refuses_a_member_that_is_cut_between_check_and_copy)
{
	static unsigned char plain[5000], packed[8000];
	ap_auto_buf seen = AP_BUF_INIT;
	ap_auto_buf copied = AP_BUF_INIT;
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(dir, "f");
	struct ap_err err = AP_ERR_INIT;
	struct ap_splice s;
	struct ap_raw raw;
	size_t csize;

	fill(plain, sizeof(plain), 3);
	csize = with_zlib(packed, sizeof(packed), plain, sizeof(plain), 6, Z_DEFAULT_STRATEGY);
	assert_ok(ap_fs_write(path, packed, csize, 0600, &err), &err);
	raw = raw_of(open(path, O_RDWR | O_CLOEXEC), csize, plain, sizeof(plain));
	assert_ok(ap_splice_scan(&s, &raw, to_buf, &seen, &err), &err);
	assert_int_equal(ftruncate(raw.fd, (off_t)csize / 2), 0);
	assert_fails(ap_splice_copy(&raw, &s, copy_to_buf, &copied, &err), &err, AP_E_CHANGED,
		"the file ends inside a member");
	close(raw.fd);
}
