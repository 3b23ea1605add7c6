#include "tests/unit/unit.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/progress.h"
#include "pack/layout.h"
#include "pack/media_type.h"
#include "tests/unit/store.h"

#define HELLO "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

static struct ap_sink *open_sink(const char *dir, const char *tag)
{
	AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
	ap_auto_free char *text = ap_xasprintf("oci:%s%s%s", dir, tag ? ":" : "", tag ? tag : "");
	struct ap_sink *sink = NULL;
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_ref_parse(&ref, text, &err), &err);
	assert_ok(ap_layout_sink(&sink, &ref, &err), &err);
	return sink;
}

static int open_source(
	struct ap_source **out, const char *dir, const char *suffix, struct ap_err *err)
{
	AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
	ap_auto_free char *text = ap_xasprintf("oci:%s%s", dir, suffix);

	assert_ok(ap_ref_parse(&ref, text, err), err);
	return ap_layout_source(out, &ref, err);
}

static struct ap_descriptor hello(void)
{
	return (struct ap_descriptor){
		.media_type = ap_xstrdup(AP_MT_OCI_TAR_GZIP), .digest = { HELLO }, .size = 5
	};
}

static int put(
	struct ap_sink *s, const struct ap_descriptor *d, const char *bytes, struct ap_err *err)
{
	ap_auto_reader r = NULL;

	ap_mem_reader(&r, bytes, strlen(bytes));
	return s->ops->put_blob(s, d, r, err);
}

TEST(layout_refuses_bytes_that_do_not_match_the_digest)
{
	static const char *const wrong[] = { "hellO", "hell", "hello!", "" };
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_sink *sink = open_sink(dir, NULL);
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = hello();
	ap_auto_free char *blobs = ap_fs_join(dir, "blobs/sha256");
	struct ap_err err = AP_ERR_INIT;
	bool present = true;
	DIR *list;

	for (size_t i = 0; i < AP_LEN(wrong); i++)
		assert_fails(put(sink, &d, wrong[i], &err), &err, AP_E_DIGEST, "want");
	assert_ok(sink->ops->has_blob(sink, &d, &present, &err), &err);
	assert_false(present);
	/* and leaves nothing behind */
	list = opendir(blobs);
	for (struct dirent *e = readdir(list); e; e = readdir(list))
		assert_int_equal(e->d_name[0], '.');
	closedir(list);
	ap_sink_free(sink);
}

TEST(layout_gives_back_what_was_put)
{
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_sink *sink = open_sink(dir, "v1");
	AP_CLEANUP(unit_store_release) struct unit_store s;
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = hello();
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor got = { 0 };
	struct ap_descriptor m;
	struct ap_source *src = NULL;
	ap_auto_reader r = NULL;
	ap_auto_buf body = AP_BUF_INIT;
	ap_auto_buf blob = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;
	bool present = false;

	unit_store_init(&s);
	unit_store_image(&s, false);
	m = (struct ap_descriptor){ .media_type = s.v[s.top].media_type,
		.digest = s.v[s.top].digest,
		.size = s.v[s.top].n };
	assert_ok(put(sink, &d, "hello", &err), &err);
	assert_ok(put(sink, &d, "hello", &err), &err);
	assert_ok(sink->ops->has_blob(sink, &d, &present, &err), &err);
	assert_true(present);
	assert_ok(sink->ops->put_manifest(sink, &m, s.v[s.top].p, "v1", &err), &err);
	assert_ok(sink->ops->finish(sink, &err), &err);
	ap_sink_free(sink);

	assert_ok(open_source(&src, dir, ":v1", &err), &err);
	assert_ok(src->ops->get_manifest(src, NULL, &got, &body, &err), &err);
	assert_string_equal(got.digest.s, m.digest.s);
	assert_string_equal(got.media_type, m.media_type);
	assert_int_equal(body.len, m.size);
	assert_ok(src->ops->open_blob(src, &d, &r, &err), &err);
	assert_ok(ap_read_all(r, &blob, &err), &err);
	assert_string_equal(blob.p, "hello");
	ap_source_free(src);
}

static void put_json(struct ap_sink *sink, const char *json, const char *tag)
{
	struct ap_descriptor d = { .size = strlen(json) };
	char type[] = AP_MT_OCI_MANIFEST;
	struct ap_err err = AP_ERR_INIT;

	d.media_type = type;
	ap_sha256_of(&d.digest, json, strlen(json));
	assert_ok(sink->ops->put_manifest(sink, &d, json, tag, &err), &err);
}

#define MANIFEST(x) \
	"{\"schemaVersion\":2,\"config\":{},\"layers\":[],\"annotations\":{\"x\":\"" x "\"}}"

static char *index_of(const char *dir)
{
	ap_auto_free char *path = ap_fs_join(dir, "index.json");
	ap_auto_buf b = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_fs_read(&b, path, &err), &err);
	return ap_buf_steal(&b);
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = strstr(text, part); p; p = strstr(p + 1, part))
		n++;
	return n;
}

TEST(layout_tag_moves_and_other_tags_stay)
{
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_sink *sink = open_sink(dir, NULL);
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *index = NULL;

	put_json(sink, MANIFEST("1"), "a");
	put_json(sink, MANIFEST("1"), "b");
	put_json(sink, MANIFEST("2"), "a");
	assert_ok(sink->ops->finish(sink, &err), &err);
	index = index_of(dir);
	assert_int_equal(count(index, "\"digest\""), 2);
	assert_int_equal(count(index, "ref.name\":\"a\""), 1);
	assert_int_equal(count(index, "ref.name\":\"b\""), 1);
	ap_sink_free(sink);
}

TEST(layout_lists_an_image_without_a_tag_once)
{
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *index = NULL;
	struct ap_source *src = NULL;
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	ap_auto_buf body = AP_BUF_INIT;

	for (int i = 0; i < 2; i++) {
		struct ap_sink *sink = open_sink(dir, NULL);

		put_json(sink, MANIFEST("inner"), NULL);
		put_json(sink, MANIFEST("outer"), NULL);
		assert_ok(sink->ops->finish(sink, &err), &err);
		ap_sink_free(sink);
	}
	index = index_of(dir);
	assert_int_equal(count(index, "\"digest\""), 1);
	assert_ok(open_source(&src, dir, "", &err), &err);
	assert_ok(src->ops->get_manifest(src, NULL, &d, &body, &err), &err);
	assert_non_null(strstr(body.p, "outer"));
	ap_source_free(src);
}

struct racer {
	const char *dir;
	int id;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	struct ap_sink *sink = open_sink(r->dir, NULL);

	for (int i = 0; i < 10; i++) {
		ap_auto_free char *tag = ap_xasprintf("t%d-%d", r->id, i);

		put_json(sink, MANIFEST("1"), tag);
	}
	ap_sink_free(sink);
	return NULL;
}

TEST(layout_writers_do_not_lose_each_others_tags)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *index = NULL;
	struct racer racers[3];
	pthread_t threads[3];

	for (int i = 0; i < 3; i++) {
		racers[i] = (struct racer){ dir, i };
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	index = index_of(dir);
	assert_int_equal(count(index, "ref.name"), 30);
}

static void write_in(const char *dir, const char *name, const char *text)
{
	ap_auto_free char *path = ap_fs_join(dir, name);
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_fs_write(path, text, strlen(text), 0644, &err), &err);
}

TEST(layout_source_refuses_what_is_broken)
{
	static const struct {
		const char *name, *version, *index, *suffix, *part;
		enum ap_err_code code;
	} cases[] = {
		{ "other version", "{\"imageLayoutVersion\":\"2.0.0\"}", "{}", "", "want \"1.0.0\"",
			AP_E_PROTO },
		{ "no version", "{}", "{}", "", "want \"1.0.0\"", AP_E_PROTO },
		{ "index is no index", NULL, "{}", "", "want an array", AP_E_PROTO },
		{ "index is no json", NULL, "{", "", "json", AP_E_PROTO },
		{ "empty", NULL, "{\"manifests\":[]}", "", "holds no image", AP_E_NOT_FOUND },
		{ "no such tag", NULL,
			"{\"manifests\":[{\"annotations\":{\"org.opencontainers.image.ref.name\":\"a\"}}]}",
			":b", "no image \"b\", it has a", AP_E_NOT_FOUND },
		{ "several", NULL, "{\"manifests\":[{},{}]}", "", "several images",
			AP_E_NOT_FOUND },
		{ "a path as digest", NULL,
			"{\"manifests\":[{\"mediaType\":\"" AP_MT_OCI_MANIFEST
			"\",\"size\":1,\"digest\":\"sha256:../../../../../../../../etc/passwd\"}]}",
			"", "sha256:<64", AP_E_PROTO },
		{ "blob is missing", NULL,
			"{\"manifests\":[{\"mediaType\":\"" AP_MT_OCI_MANIFEST
			"\",\"size\":1,\"digest\":\"" HELLO "\"}]}",
			"", "no " HELLO, AP_E_NOT_FOUND },
	};
	struct ap_source *none = NULL;
	struct ap_err no_dir = AP_ERR_INIT;

	assert_fails(open_source(&none, "/nonexistent", "", &no_dir), &no_dir, AP_E_INPUT,
		"oci layout /nonexistent: no such directory");

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *dir = unit_tmpdir();
		ap_auto_buf body = AP_BUF_INIT;
		AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
		struct ap_source *src = NULL;
		struct ap_err err = AP_ERR_INIT;

		print_message("  case: %s\n", cases[i].name);
		write_in(dir, "oci-layout",
			cases[i].version ? cases[i].version : "{\"imageLayoutVersion\":\"1.0.0\"}");
		write_in(dir, "index.json", cases[i].index);
		if (cases[i].version) {
			assert_fails(open_source(&src, dir, cases[i].suffix, &err), &err,
				cases[i].code, cases[i].part);
			continue;
		}
		assert_ok(open_source(&src, dir, cases[i].suffix, &err), &err);
		assert_fails(src->ops->get_manifest(src, NULL, &d, &body, &err), &err,
			cases[i].code, cases[i].part);
		ap_source_free(src);
	}
}

TEST(layout_source_refuses_blobs_that_were_changed)
{
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_sink *sink = open_sink(dir, NULL);
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = hello();
	struct ap_source *src = NULL;
	ap_auto_reader r = NULL;
	ap_auto_buf b = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;

	assert_ok(put(sink, &d, "hello", &err), &err);
	ap_sink_free(sink);
	write_in(dir,
		"blobs/sha256/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
		"hellO");
	assert_ok(open_source(&src, dir, "", &err), &err);
	assert_ok(src->ops->open_blob(src, &d, &r, &err), &err);
	assert_fails(ap_read_all(r, &b, &err), &err, AP_E_DIGEST, "want sha256:2cf24d");
	ap_source_free(src);
}

TEST(layout_has_no_blob_whose_file_was_cut)
{
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_sink *sink = open_sink(dir, NULL);
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = hello();
	struct ap_err err = AP_ERR_INIT;
	bool present = false;

	assert_ok(put(sink, &d, "hello", &err), &err);
	assert_ok(sink->ops->has_blob(sink, &d, &present, &err), &err);
	assert_true(present);
	write_in(dir,
		"blobs/sha256/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
		"hell");
	assert_ok(sink->ops->has_blob(sink, &d, &present, &err), &err);
	assert_false(present);
	ap_sink_free(sink);
}

TEST(layout_sink_stops_at_an_interrupt)
{
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_sink *sink = open_sink(dir, NULL);
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = hello();
	struct ap_err err = AP_ERR_INIT;

	ap_interrupt_set(SIGINT);
	assert_fails(put(sink, &d, "hello", &err), &err, AP_E_CANCELLED, "stopped");
	ap_interrupt_set(0);
	ap_sink_free(sink);
}

TEST(layout_source_refuses_blobs_that_are_no_files)
{
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_sink *sink = open_sink(dir, NULL);
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = hello();
	ap_auto_free char *path = ap_fs_join(dir,
		"blobs/sha256/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
	struct ap_source *src = NULL;
	struct ap_reader *r = NULL;
	struct ap_err err = AP_ERR_INIT;

	ap_sink_free(sink);
	assert_ok(open_source(&src, dir, "", &err), &err);
	assert_fails(src->ops->open_blob(src, &d, &r, &err), &err, AP_E_NOT_FOUND, "no blob");
	/* opening it must not hang either */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_fails(
		src->ops->open_blob(src, &d, &r, &err), &err, AP_E_PROTO, "not a regular file");
	ap_source_free(src);
}

TEST(layout_sink_is_not_named_by_a_digest)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *text = ap_xasprintf("oci:%s@%s", dir, HELLO);
	AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
	struct ap_sink *sink = NULL;
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_ref_parse(&ref, text, &err), &err);
	assert_fails(ap_layout_sink(&sink, &ref, &err), &err, AP_E_INPUT, "named by a tag");
}

TEST(layout_source_refuses_a_manifest_that_was_changed)
{
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_sink *sink = open_sink(dir, NULL);
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	struct ap_digest digest;
	ap_auto_free char *name = NULL;
	ap_auto_buf body = AP_BUF_INIT;
	struct ap_source *src = NULL;
	struct ap_err err = AP_ERR_INIT;

	put_json(sink, MANIFEST("1"), "a");
	ap_sink_free(sink);
	ap_sha256_of(&digest, MANIFEST("1"), strlen(MANIFEST("1")));
	name = ap_xasprintf("blobs/sha256/%s", ap_digest_hex(&digest));
	write_in(dir, name, MANIFEST("2"));
	assert_ok(open_source(&src, dir, ":a", &err), &err);
	assert_fails(
		src->ops->get_manifest(src, NULL, &d, &body, &err), &err, AP_E_DIGEST, digest.s);
	ap_source_free(src);
}

TEST(layout_sink_does_not_touch_a_directory_of_something_else)
{
	ap_auto_free char *dir = unit_tmpdir();
	AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
	ap_auto_free char *text = ap_xasprintf("oci:%s:t", dir);
	ap_auto_free char *blobs = ap_fs_join(dir, "blobs");
	struct ap_sink *sink = NULL;
	struct ap_err err = AP_ERR_INIT;

	write_in(dir, "precious", "x");
	assert_ok(ap_ref_parse(&ref, text, &err), &err);
	assert_fails(ap_layout_sink(&sink, &ref, &err), &err, AP_E_INPUT, "holds something else");
	assert_false(ap_fs_is_dir(blobs));
}

TEST(layout_sink_makes_the_directories_it_needs)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *deep = ap_fs_join(dir, "a/b/c");
	struct ap_sink *sink = open_sink(deep, "t");
	struct ap_source *src = NULL;
	struct ap_err err = AP_ERR_INIT;

	ap_sink_free(sink);
	assert_ok(open_source(&src, deep, "", &err), &err);
	ap_source_free(src);
}
