#include "tests/unit/unit.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

#include "pack/layer.h"
#include "pack/media_type.h"
#include "pack/request.h"

static void code_tree(struct ap_tree *t)
{
	ap_tree_add_bytes(t, "usr/app/trainer/task.py", 0644, "print(1)\n", 9);
	ap_tree_add_dir(t, "usr/app", 0777);
	ap_tree_add_dir(t, "usr/app/trainer", 0755);
	ap_tree_add_bytes(t, "usr/app/trainer/__init__.py", 0644, "", 0);
	ap_tree_add_link(t, "usr/app/trainer/link", "task.py");
	ap_tree_add_bytes(t, "usr/app/trainer.txt", 0755, "x", 1);
	ap_tree_sort(t);
}

static void make(struct ap_layer *l, const struct ap_tree *t, int compression, struct ap_pool *pool)
{
	struct ap_layer_opts o = { .epoch = 315532800, .compression = compression, .pool = pool };
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_layer_make(l, t, "code", &o, &err), &err);
}

static void bytes_of(struct ap_buf *out, const struct ap_layer *l)
{
	ap_auto_reader r = NULL;
	struct ap_err err = AP_ERR_INIT;

	assert_ok(l->blob->ops->open(l->blob, &r, &err), &err);
	assert_ok(ap_read_all(r, out, &err), &err);
}

/* "path mode type size" of each entry, as libarchive reads the layer; and the digest of the tar. */
static void listing(struct ap_buf *out, const struct ap_buf *blob, struct ap_digest *diff_id)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	struct ap_sha256 h;
	char chunk[4096];
	la_ssize_t k;

	archive_read_support_filter_all(a);
	archive_read_support_format_tar(a);
	assert_int_equal(archive_read_open_memory(a, blob->p, blob->len), ARCHIVE_OK);
	while (archive_read_next_header(a, &e) == ARCHIVE_OK)
		ap_buf_addf(out, "%s %o %o %d:%d %s%s\n", archive_entry_pathname(e),
			(unsigned)archive_entry_perm(e), (unsigned)archive_entry_filetype(e),
			(int)archive_entry_uid(e), (int)archive_entry_gid(e),
			archive_entry_uname(e) ? archive_entry_uname(e) : "",
			archive_entry_symlink(e) ? archive_entry_symlink(e) : "");
	archive_read_free(a);
	a = archive_read_new();
	archive_read_support_filter_all(a);
	archive_read_support_format_raw(a);
	assert_int_equal(archive_read_open_memory(a, blob->p, blob->len), ARCHIVE_OK);
	assert_int_equal(archive_read_next_header(a, &e), ARCHIVE_OK);
	ap_sha256_init(&h);
	while ((k = archive_read_data(a, chunk, sizeof(chunk))) > 0)
		ap_sha256_update(&h, chunk, (size_t)k);
	ap_sha256_final(&h, diff_id);
	ap_sha256_release(&h);
	archive_read_free(a);
}

TEST(layer_holds_the_tree_in_order_and_says_its_digests)
{
	static const int codecs[] = { AP_GZIP, AP_ZSTD };

	for (size_t i = 0; i < AP_LEN(codecs); i++) {
		ap_auto_tree t = { 0 };
		AP_CLEANUP(ap_layer_release) struct ap_layer l = { 0 };
		ap_auto_buf blob = AP_BUF_INIT;
		ap_auto_buf list = AP_BUF_INIT;
		struct ap_digest digest;
		struct ap_digest diff_id;

		code_tree(&t);
		make(&l, &t, codecs[i], NULL);
		bytes_of(&blob, &l);
		ap_sha256_of(&digest, blob.p, blob.len);
		listing(&list, &blob, &diff_id);
		assert_string_equal(l.desc.digest.s, digest.s);
		assert_string_equal(l.diff_id.s, diff_id.s);
		assert_int_equal(l.desc.size, blob.len);
		assert_string_equal(l.desc.media_type,
			codecs[i] == AP_ZSTD ? AP_MT_OCI_TAR_ZSTD : AP_MT_OCI_TAR_GZIP);
		assert_string_equal(list.p, "usr/app/ 777 40000 0:0 \n"
					    "usr/app/trainer/ 755 40000 0:0 \n"
					    "usr/app/trainer/__init__.py 644 100000 0:0 \n"
					    "usr/app/trainer/link 777 120000 0:0 task.py\n"
					    "usr/app/trainer/task.py 644 100000 0:0 \n"
					    "usr/app/trainer.txt 755 100000 0:0 \n");
	}
}

TEST(layer_bytes_are_those_of_the_layout_version)
{
	ap_auto_tree t = { 0 };
	AP_CLEANUP(ap_layer_release) struct ap_layer l = { 0 };

	code_tree(&t);
	make(&l, &t, AP_GZIP, NULL);
	/* The tar is promised for ever, the compressed bytes for one version of libdeflate. */
	assert_string_equal(l.diff_id.s,
		"sha256:e56350a10aeb8825ea3fa4992c7b8bc0161a819e749f83f7a919744b750f258d");
}

TEST(layer_of_an_empty_tree_is_a_legal_archive)
{
	ap_auto_tree t = { 0 };
	AP_CLEANUP(ap_layer_release) struct ap_layer l = { 0 };
	ap_auto_buf blob = AP_BUF_INIT;
	ap_auto_buf list = AP_BUF_INIT;
	struct ap_digest diff_id;

	make(&l, &t, AP_GZIP, NULL);
	bytes_of(&blob, &l);
	listing(&list, &blob, &diff_id);
	assert_string_equal(list.p, "");
	/* 1024 zeros: the digest that every tool gives the empty layer */
	assert_string_equal(l.diff_id.s,
		"sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef");
}

static void big_tree(struct ap_tree *t)
{
	ap_auto_free char *p = ap_xmalloc(5 << 20);
	uint64_t x = 1234567;

	for (size_t i = 0; i < (5 << 20); i++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		p[i] = (char)(i < (2 << 20) ? x >> 56 : 'a' + (x >> 60));
	}
	ap_tree_add_bytes(t, "data/noise", 0644, p, 2 << 20);
	ap_tree_add_bytes(t, "data/text", 0644, p + (2 << 20), 3 << 20);
	for (int i = 0; i < 300; i++) {
		ap_auto_free char *name = ap_xasprintf("data/small/%d", i);

		ap_tree_add_bytes(t, name, 0644, p + i, 1000);
	}
	ap_tree_sort(t);
}

TEST(layer_bytes_do_not_depend_on_threads)
{
	ap_auto_tree t = { 0 };
	AP_CLEANUP(ap_layer_release) struct ap_layer one = { 0 };

	big_tree(&t);
	make(&one, &t, AP_GZIP, NULL);
	for (unsigned threads = 1; threads < 5; threads++) {
		AP_CLEANUP(ap_layer_release) struct ap_layer many = { 0 };
		AP_CLEANUP(ap_pool_freep) struct ap_pool *pool = NULL;

		ap_pool_new(&pool, threads);
		make(&many, &t, AP_GZIP, pool);
		assert_string_equal(many.desc.digest.s, one.desc.digest.s);
		assert_string_equal(many.diff_id.s, one.diff_id.s);
	}
}

TEST(layer_larger_than_memory_allows_is_read_from_its_spool_twice)
{
	ap_auto_tree t = { 0 };
	AP_CLEANUP(ap_layer_release) struct ap_layer l = { 0 };

	big_tree(&t);
	make(&l, &t, AP_GZIP, NULL);
	assert_true(l.desc.size > 1 << 20);
	for (int i = 0; i < 2; i++) {
		ap_auto_buf blob = AP_BUF_INIT;
		struct ap_digest d;

		bytes_of(&blob, &l);
		ap_sha256_of(&d, blob.p, blob.len);
		assert_string_equal(d.s, l.desc.digest.s);
	}
}

TEST(layer_refuses_files_that_changed_size)
{
	static const uint64_t said[] = { 3, 5 };

	for (size_t i = 0; i < AP_LEN(said); i++) {
		ap_auto_tree t = { 0 };
		struct ap_layer l = { 0 };
		struct ap_layer_opts o = { 0 };
		struct ap_err err = AP_ERR_INIT;

		ap_tree_add_bytes(&t, "usr/app/f", 0644, "four", 4);
		t.v[0].size = said[i];
		assert_fails(ap_layer_make(&l, &t, "code", &o, &err), &err, AP_E_CHANGED,
			"layer code: usr/app/f: changed while it was read");
	}
}

static int always_fails(void *arg AP_UNUSED, struct ap_err *err)
{
	return ap_err_set(err, AP_E_IO, "a sibling failed");
}

TEST(layer_stops_when_a_sibling_failed)
{
	AP_CLEANUP(ap_pool_freep) struct ap_pool *pool = NULL;
	ap_auto_tree t = { 0 };
	struct ap_layer l = { 0 };
	struct ap_layer_opts o = { 0 };
	struct ap_err err = AP_ERR_INIT;

	ap_pool_new(&pool, 2);
	ap_pool_submit(pool, always_fails, NULL);
	assert_fails(ap_pool_wait(pool, &err), &err, AP_E_IO, "sibling");
	o.pool = pool;
	big_tree(&t);
	assert_fails(ap_layer_make(&l, &t, "x", &o, &err), &err, AP_E_CANCELLED, "stopped");
}

TEST(layer_refuses_a_size_without_content)
{
	ap_auto_tree t = { 0 };
	struct ap_layer l = { 0 };
	struct ap_layer_opts o = { 0 };
	struct ap_err err = AP_ERR_INIT;

	ap_tree_add_file(&t, "a", 0644, 5, NULL);
	assert_fails(ap_layer_make(&l, &t, "x", &o, &err), &err, AP_E_INPUT, "no content");
}

TEST(layer_refuses_trees_that_readers_disagree_about)
{
	static const struct {
		const char *name, *a, *b, *why;
	} cases[] = {
		{ "twice", "a", "a", "occurs twice" },
		{ "below a file", "a", "a/b", "no directory" },
		{ "whiteout", "a/.wh.b", "c", "would remove" },
		{ "opaque", "a/.wh..wh..opq", "c", "would remove" },
		{ "opaque alone", "a/.wh..wh..opq", "a/.wh.x", "would remove" },
		{ "leaves the root", "../a", "c", "relative path" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_tree t = { 0 };
		struct ap_layer l = { 0 };
		struct ap_layer_opts o = { 0 };
		struct ap_err err = AP_ERR_INIT;

		print_message("  case: %s\n", cases[i].name);
		ap_tree_add_bytes(&t, cases[i].a, 0644, "", 0);
		ap_tree_add_bytes(&t, cases[i].b, 0644, "", 0);
		ap_tree_sort(&t);
		assert_fails(ap_layer_make(&l, &t, "x", &o, &err), &err, AP_E_INPUT, cases[i].why);
	}
}

TEST(layer_whiteouts_are_empty_files_beside_what_goes)
{
	ap_auto_strv paths = { 0 };
	ap_auto_tree t = { 0 };
	AP_CLEANUP(ap_layer_release) struct ap_layer l = { 0 };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf blob = AP_BUF_INIT;
	ap_auto_buf list = AP_BUF_INIT;
	struct ap_digest d;

	ap_strv_add(&paths, "/var/sitecustomize");
	ap_strv_add(&paths, "/etc");
	assert_ok(ap_layer_whiteouts(&t, &paths, &err), &err);
	make(&l, &t, AP_GZIP, NULL);
	bytes_of(&blob, &l);
	listing(&list, &blob, &d);
	assert_string_equal(list.p, ".wh.etc 644 100000 0:0 \n"
				    "var/.wh.sitecustomize 644 100000 0:0 \n");
}

TEST(layer_whiteouts_refuse_paths_that_are_not_absolute)
{
	static const char *const bad[] = { "a", "/", "/a/", "/a/../b", "/..", "/a//b", "" };

	for (size_t i = 0; i < AP_LEN(bad); i++) {
		ap_auto_strv paths = { 0 };
		ap_auto_tree t = { 0 };
		struct ap_err err = AP_ERR_INIT;

		ap_strv_add(&paths, bad[i]);
		assert_fails(ap_layer_whiteouts(&t, &paths, &err), &err, AP_E_INPUT, "absolute");
	}
}
