#include "tests/unit/unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "pack/stat_cache.h"

#define HOUR INT64_C(3600000000000)

static struct ap_local_stat made(int64_t mtime)
{
	return (struct ap_local_stat){
		.dev = 1, .ino = 2, .size = 3, .mtime_ns = mtime, .ctime_ns = mtime + 1
	};
}

static void fill(const char *dir, const struct ap_local_stat *st, int64_t began)
{
	struct ap_stat_cache *c;
	struct ap_digest d;

	ap_sha256_of(&d, "x", 1);
	ap_stat_cache_open(&c, dir, "/root");
	ap_stat_cache_put(c, "a/b.py", st, &d, "", began);
	ap_stat_cache_put(c, "a\tb", st, &d, "a private key", began);
	ap_stat_cache_save(c);
	ap_stat_cache_free(c);
}

static bool known(const char *dir, const char *root, const char *path,
	const struct ap_local_stat *st, const char *look)
{
	AP_CLEANUP(ap_stat_cache_freep) struct ap_stat_cache *c = NULL;
	ap_auto_free char *found = NULL;
	struct ap_digest d;
	struct ap_digest want;

	ap_stat_cache_open(&c, dir, root);
	if (!ap_stat_cache_find(&d, &found, c, path, st))
		return false;
	ap_sha256_of(&want, "x", 1);
	assert_true(ap_digest_eq(&d, &want));
	assert_string_equal(found, look);
	return true;
}

static char *file_of(const char *dir)
{
	struct ap_digest d;

	ap_sha256_of(&d, "/root", 5);
	return ap_xasprintf("%s/stat/%s", dir, ap_digest_hex(&d));
}

TEST(stat_cache_knows_a_file_in_exactly_its_state)
{
	ap_auto_free char *dir = unit_tmpdir();
	int64_t now = ap_stat_cache_now();
	struct ap_local_stat st = made(now - HOUR + 7);
	struct ap_local_stat other;

	fill(dir, &st, now);
	assert_true(known(dir, "/root", "a/b.py", &st, ""));
	assert_true(known(dir, "/root", "a\tb", &st, "a private key"));
	assert_false(known(dir, "/root", "a/c.py", &st, ""));
	assert_false(known(dir, "/other", "a/b.py", &st, ""));
	for (int i = 0; i < 5; i++) {
		other = st;
		*(i == 0 ? &other.dev : i == 1 ? &other.ino : &other.size) += i < 3;
		other.mtime_ns += i == 3;
		other.ctime_ns += i == 4;
		print_message("  case: field %d\n", i);
		assert_false(known(dir, "/root", "a/b.py", &other, ""));
	}
}

TEST(stat_cache_does_not_keep_what_could_change_unseen)
{
	static const struct {
		const char *name;
		int64_t age;
		bool whole_seconds, kept;
	} cases[] = {
		{ "an hour old", HOUR, false, true },
		{ "as young as the read", 0, false, false },
		{ "a tick younger", -1000000, false, false },
		{ "older than any tick", 100000000, false, true },
		{ "a file system of whole seconds", 500000000, true, false },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *dir = unit_tmpdir();
		int64_t now = ap_stat_cache_now();
		int64_t then = now - cases[i].age;
		struct ap_local_stat st = made(then - then % 1000 + 5);

		print_message("  case: %s\n", cases[i].name);
		if (cases[i].whole_seconds)
			st.mtime_ns = st.ctime_ns = then - then % 1000000000;
		fill(dir, &st, now);
		assert_int_equal(known(dir, "/root", "a/b.py", &st, ""), cases[i].kept);
	}
}

TEST(stat_cache_that_is_damaged_or_not_ours_counts_as_empty)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *file = file_of(dir);
	int64_t now = ap_stat_cache_now();
	struct ap_local_stat st = made(now - HOUR + 7);
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf good = AP_BUF_INIT;

	fill(dir, &st, now);
	assert_ok(ap_fs_read(&good, file, &err), &err);
	for (size_t i = 0; i < good.len; i += 7) {
		ap_auto_free char *bad = ap_xmemdup(good.p, good.len);

		bad[i] ^= 1;
		assert_ok(ap_fs_write(file, bad, good.len, 0600, &err), &err);
		assert_false(known(dir, "/root", "a/b.py", &st, ""));
	}
	for (size_t n = 0; n < good.len; n += 11) {
		assert_ok(ap_fs_write(file, good.p, n, 0600, &err), &err);
		assert_false(known(dir, "/root", "a/b.py", &st, ""));
	}
	assert_ok(ap_fs_write(file, good.p, good.len, 0600, &err), &err);
	assert_true(known(dir, "/root", "a/b.py", &st, ""));
	assert_int_equal(chmod(file, 0666), 0);
	assert_false(known(dir, "/root", "a/b.py", &st, ""));
}

TEST(stat_cache_without_a_place_to_write_is_no_error)
{
	struct ap_local_stat st = made(5);

	fill("/proc/nowhere", &st, ap_stat_cache_now());
	assert_false(known("/proc/nowhere", "/root", "a/b.py", &st, ""));
}
