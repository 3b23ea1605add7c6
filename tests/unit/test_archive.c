#include "tests/unit/unit.h"

#include <archive.h>
#include <archive_entry.h>
#include <signal.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/progress.h"
#include "pack/archive.h"
#include "pack/base.h"
#include "pack/media_type.h"
#include "pack/copy.h"
#include "tests/unit/store.h"

static void parse(struct ap_ref *ref, const char *transport, const char *path, const char *suffix)
{
	ap_auto_free char *text = ap_xasprintf("%s:%s%s", transport, path, suffix);
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_ref_parse(ref, text, &err), &err);
}

static char *write_archive(const char *dir, const char *transport, const char *suffix, bool docker)
{
	char *path = ap_fs_join(dir, "image.tar");
	AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
	AP_CLEANUP(unit_store_release) struct unit_store s;
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	struct ap_push_stats stats = { 0 };
	struct ap_sink *sink = NULL;
	ap_auto_strv tags = { 0 };
	struct ap_err err = AP_ERR_INIT;

	unit_store_init(&s);
	unit_store_image(&s, docker);
	parse(&ref, transport, path, suffix);
	assert_ok(ap_archive_sink(&sink, &ref, &err), &err);
	if (ref.tag)
		ap_strv_add(&tags, ref.tag);
	assert_false(ap_fs_is_file(path));
	assert_ok(ap_image_copy(&d, &stats, &s.source, sink, NULL, &tags, NULL, &err), &err);
	assert_true(ap_fs_is_file(path));
	ap_sink_free(sink);
	return path;
}

TEST(archive_that_was_written_can_be_read)
{
	static const struct {
		const char *transport, *suffix;
		bool docker;
	} cases[] = { { "oci-archive", ":v1", false }, { "oci-archive", "", false },
		{ "docker-archive", ":name:v1", true }, { "docker-archive", "", true },
		{ "docker-archive", ":gcr.io/p/n:v1", false } };

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *dir = unit_tmpdir();
		ap_auto_free char *path =
			write_archive(dir, cases[i].transport, cases[i].suffix, cases[i].docker);
		AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
		AP_CLEANUP(ap_base_release) struct ap_base b = { 0 };
		struct ap_source *src = NULL;
		ap_auto_reader r = NULL;
		ap_auto_buf layer = AP_BUF_INIT;
		struct ap_err err = AP_ERR_INIT;

		print_message("  case: %s%s\n", cases[i].transport, cases[i].suffix);
		parse(&ref, cases[i].transport, path, cases[i].suffix);
		assert_ok(ap_archive_source(&src, &ref, &err), &err);
		assert_ok(ap_base_load(&b, src, "linux/amd64", &err), &err);
		assert_int_equal(b.docker, cases[i].docker);
		assert_ok(src->ops->open_blob(src, &b.layers[1], &r, &err), &err);
		assert_ok(ap_read_all(r, &layer, &err), &err);
		assert_string_equal(layer.p, "layer two");
		assert_ok(ap_rewind(r, &err), &err);
		ap_buf_reset(&layer);
		assert_ok(ap_read_all(r, &layer, &err), &err);
		assert_string_equal(layer.p, "layer two");
		ap_source_free(src);
	}
}

TEST(archive_bytes_are_the_same_every_time)
{
	struct ap_digest first = { "" };

	for (int i = 0; i < 3; i++) {
		ap_auto_free char *dir = unit_tmpdir();
		ap_auto_free char *path = write_archive(dir, "docker-archive", ":n:v1", true);
		ap_auto_buf b = AP_BUF_INIT;
		struct ap_digest d;
		struct ap_err err = AP_ERR_INIT;

		assert_ok(ap_fs_read(&b, path, &err), &err);
		ap_sha256_of(&d, b.p, b.len);
		if (i)
			assert_string_equal(d.s, first.s);
		first = d;
	}
}

TEST(archive_sink_leaves_no_file_when_it_is_not_finished)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(dir, "image.tar");
	AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
	struct ap_sink *sink = NULL;
	ap_auto_reader r = NULL;
	char type[] = AP_MT_OCI_TAR_GZIP;
	struct ap_descriptor d = { .media_type = type, .size = 5 };
	struct ap_err err = AP_ERR_INIT;
	bool present = true;

	parse(&ref, "oci-archive", path, "");
	assert_ok(ap_archive_sink(&sink, &ref, &err), &err);
	ap_sha256_of(&d.digest, "hello", 5);
	ap_mem_reader(&r, "hellO", 5);
	assert_fails(sink->ops->put_blob(sink, &d, r, &err), &err, AP_E_DIGEST, "want");
	assert_ok(sink->ops->has_blob(sink, &d, &present, &err), &err);
	assert_false(present);
	ap_sink_free(sink);
	assert_false(ap_fs_is_file(path));
	assert_ok(ap_fs_remove_tree(dir, &err), &err);
}

TEST(archive_sink_can_be_given_a_blob_again_after_a_failure)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(dir, "image.tar");
	AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
	struct ap_sink *sink = NULL;
	struct ap_source *src = NULL;
	ap_auto_reader bad = NULL;
	ap_auto_reader good = NULL;
	ap_auto_reader r = NULL;
	ap_auto_buf b = AP_BUF_INIT;
	char type[] = AP_MT_OCI_TAR_GZIP;
	struct ap_descriptor d = { .media_type = type, .size = 5 };
	struct ap_err err = AP_ERR_INIT;

	parse(&ref, "oci-archive", path, "");
	assert_ok(ap_archive_sink(&sink, &ref, &err), &err);
	ap_sha256_of(&d.digest, "hello", 5);
	ap_mem_reader(&bad, "hel", 3);
	ap_mem_reader(&good, "hello", 5);
	assert_fails(sink->ops->put_blob(sink, &d, bad, &err), &err, AP_E_DIGEST, "want 5 bytes");
	assert_ok(sink->ops->put_blob(sink, &d, good, &err), &err);
	assert_ok(sink->ops->finish(sink, &err), &err);
	ap_sink_free(sink);
	assert_ok(ap_archive_source(&src, &ref, &err), &err);
	assert_ok(src->ops->open_blob(src, &d, &r, &err), &err);
	assert_ok(ap_read_all(r, &b, &err), &err);
	assert_string_equal(b.p, "hello");
	ap_source_free(src);
}

/* One entry of a hand-made tar. */
static void add(struct archive *a, const char *path, const char *text, const char *link)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, path);
	archive_entry_set_perm(e, 0644);
	if (link) {
		archive_entry_set_filetype(e, AE_IFLNK);
		archive_entry_set_symlink(e, link);
	} else {
		archive_entry_set_filetype(e, AE_IFREG);
		archive_entry_set_size(e, (la_int64_t)strlen(text));
	}
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	if (!link)
		archive_write_data(a, text, strlen(text));
	archive_entry_free(e);
}

#define CONFIG                                                                         \
	"{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":"           \
	"\"layers\",\"diff_ids\":["                                                    \
	"\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"," \
	"\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]}}"

static struct archive *begin(const char *path, bool gzip)
{
	struct archive *a = archive_write_new();

	archive_write_set_format_pax_restricted(a);
	if (gzip)
		archive_write_add_filter_gzip(a);
	assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
	return a;
}

/* What `docker save` wrote before version 25: no index, layers by directory, equal ones as links. */
TEST(archive_of_an_older_docker_is_read_too)
{
	for (int gzip = 0; gzip < 2; gzip++) {
		ap_auto_free char *dir = unit_tmpdir();
		ap_auto_free char *path = ap_fs_join(dir, "old.tar");
		AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
		AP_CLEANUP(ap_base_release) struct ap_base b = { 0 };
		struct archive *a = begin(path, gzip);
		struct ap_source *src = NULL;
		ap_auto_reader r = NULL;
		ap_auto_buf layer = AP_BUF_INIT;
		struct ap_err err = AP_ERR_INIT;

		add(a, "one/layer.tar", "a tar", NULL);
		add(a, "two/layer.tar", NULL, "../one/layer.tar");
		add(a, "c.json", CONFIG, NULL);
		add(a, "manifest.json",
			"[{\"Config\":\"c.json\",\"RepoTags\":[\"n:1\"],"
			"\"Layers\":[\"one/layer.tar\",\"two/layer.tar\"]}]",
			NULL);
		archive_write_free(a);
		parse(&ref, "docker-archive", path, gzip ? ":n:1" : "");
		assert_ok(ap_archive_source(&src, &ref, &err), &err);
		assert_ok(ap_base_load(&b, src, "linux/amd64", &err), &err);
		assert_int_equal(b.n_layers, 2);
		assert_string_equal(b.layers[0].media_type, AP_MT_DOCKER_TAR);
		assert_ok(src->ops->open_blob(src, &b.layers[1], &r, &err), &err);
		assert_ok(ap_read_all(r, &layer, &err), &err);
		assert_string_equal(layer.p, "a tar");
		ap_source_free(src);
	}
}

TEST(archive_source_refuses_what_is_broken)
{
	static const struct {
		const char *name, *transport, *manifest, *index, *suffix, *part;
		enum ap_err_code code;
	} cases[] = {
		{ "no manifest.json", "docker-archive", NULL, NULL, "", "not a docker-archive",
			AP_E_PROTO },
		{ "no index.json", "oci-archive", "[]", NULL, "", "not an oci-archive",
			AP_E_PROTO },
		{ "no images", "docker-archive", "[]", NULL, "", "list of images", AP_E_PROTO },
		{ "layer is not there", "docker-archive",
			"[{\"Config\":\"c.json\",\"Layers\":[\"x\"]}]", NULL, "", "names \"x\"",
			AP_E_PROTO },
		{ "layer outside", "docker-archive",
			"[{\"Config\":\"c.json\",\"Layers\":[\"../x\"]}]", NULL, "",
			"names \"../x\"", AP_E_PROTO },
		{ "more layers than an image can have", "docker-archive",
			"[{\"Config\":\"c.json\",\"Layers\":[" X10(
				X10("\"c.json\",\"c.json\",")) "\"c.json\"]}]",
			NULL, "", "more than 127 layers", AP_E_LIMIT },
		{ "config is a number", "docker-archive", "[{\"Config\":1}]", NULL, "",
			"want a path", AP_E_PROTO },
		{ "links in a circle", "docker-archive", "[{\"Config\":\"loop\"}]", NULL, "",
			"names \"loop\"", AP_E_PROTO },
		{ "another name", "docker-archive",
			"[{\"Config\":\"c.json\",\"RepoTags\":[\"n:1\"]}]", NULL, ":m:1",
			"no image m:1; it has n:1", AP_E_NOT_FOUND },
		{ "several", "docker-archive",
			"[{\"RepoTags\":[\"n:1\"]},{\"RepoTags\":[\"n:2\"]}]", NULL, "",
			"it has n:1, n:2", AP_E_NOT_FOUND },
		{ "broken json", "oci-archive", NULL, "{", "", "json", AP_E_PROTO },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *dir = unit_tmpdir();
		ap_auto_free char *path = ap_fs_join(dir, "x.tar");
		AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
		struct archive *a = begin(path, false);
		struct ap_source *src = NULL;
		struct ap_err err = AP_ERR_INIT;

		print_message("  case: %s\n", cases[i].name);
		add(a, "c.json", CONFIG, NULL);
		add(a, "loop", NULL, "loop");
		if (cases[i].manifest)
			add(a, "manifest.json", cases[i].manifest, NULL);
		if (cases[i].index)
			add(a, "index.json", cases[i].index, NULL);
		archive_write_free(a);
		parse(&ref, cases[i].transport, path, cases[i].suffix);
		assert_fails(
			ap_archive_source(&src, &ref, &err), &err, cases[i].code, cases[i].part);
	}
}

#define BLOB(type)                                           \
	"{\"mediaType\":\"" type "\",\"size\":5,\"digest\":" \
	"\"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"}"

#define INDEX(size)                                                                    \
	"{\"manifests\":[{\"mediaType\":\"" AP_MT_OCI_MANIFEST "\",\"size\":" size "," \
	"\"digest\":\"sha256:"                                                         \
	"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"}]}"

TEST(archive_source_refuses_blobs_with_other_bytes)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(dir, "x.tar");
	AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	struct archive *a = begin(path, false);
	struct ap_source *src = NULL;
	ap_auto_reader r = NULL;
	ap_auto_buf body = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;
	struct ap_descriptor blob = { .size = 5 };

	/* the name is that of "hello" */
	add(a, "blobs/sha256/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
		"hellO", NULL);
	add(a, "index.json", INDEX("5"), NULL);
	archive_write_free(a);
	parse(&ref, "oci-archive", path, "");
	assert_ok(ap_archive_source(&src, &ref, &err), &err);
	assert_fails(src->ops->get_manifest(src, NULL, &d, &body, &err), &err, AP_E_DIGEST,
		"want sha256:2cf24d");
	ap_sha256_of(&blob.digest, "hello", 5);
	assert_ok(src->ops->open_blob(src, &blob, &r, &err), &err);
	assert_fails(ap_read_all(r, &body, &err), &err, AP_E_DIGEST, "want sha256:2cf24d");
	ap_reader_freep(&r);
	blob.size = 6;
	assert_fails(src->ops->open_blob(src, &blob, &r, &err), &err, AP_E_DIGEST, "want 6 bytes");
	ap_source_free(src);
}

TEST(archive_source_refuses_a_file_that_is_no_tar)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(dir, "x.tar");
	AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
	struct ap_source *src = NULL;
	struct ap_err err = AP_ERR_INIT;

	parse(&ref, "oci-archive", path, "");
	assert_fails(ap_archive_source(&src, &ref, &err), &err, AP_E_INPUT, "no such file");
	assert_ok(ap_fs_write(path, "this is no archive", 18, 0644, &err), &err);
	assert_fails(ap_archive_source(&src, &ref, &err), &err, AP_E_PROTO, path);
	ap_ref_release(&ref);
	parse(&ref, "oci-archive", dir, "");
	assert_fails(ap_archive_source(&src, &ref, &err), &err, AP_E_INPUT, "not a regular file");
}

TEST(archive_source_refuses_a_document_that_occurs_twice)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(dir, "x.tar");
	AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
	struct archive *a = begin(path, false);
	struct ap_source *src = NULL;
	struct ap_err err = AP_ERR_INIT;

	add(a, "index.json", INDEX("5"), NULL);
	add(a, "./index.json", INDEX("5"), NULL);
	archive_write_free(a);
	parse(&ref, "oci-archive", path, "");
	assert_fails(
		ap_archive_source(&src, &ref, &err), &err, AP_E_PROTO, "index.json occurs twice");
}

TEST(archive_source_has_a_limit_of_entries)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(dir, "x.tar.gz");
	AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
	struct archive *a = begin(path, true);
	struct ap_source *src = NULL;
	struct ap_err err = AP_ERR_INIT;

	for (int i = 0; i < 100001; i++)
		add(a, "x", "", NULL);
	archive_write_free(a);
	parse(&ref, "oci-archive", path, "");
	assert_fails(
		ap_archive_source(&src, &ref, &err), &err, AP_E_LIMIT, "more than 100000 entries");
}

TEST(archive_that_became_shorter_is_an_error)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = write_archive(dir, "oci-archive", ":t", false);
	AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
	AP_CLEANUP(ap_base_release) struct ap_base b = { 0 };
	struct ap_source *src = NULL;
	ap_auto_reader r = NULL;
	ap_auto_buf body = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;

	parse(&ref, "oci-archive", path, "");
	assert_ok(ap_archive_source(&src, &ref, &err), &err);
	assert_ok(ap_base_load(&b, src, "linux/amd64", &err), &err);
	archive_write_free(begin(path, false));
	assert_ok(src->ops->open_blob(src, &b.layers[0], &r, &err), &err);
	assert_fails(ap_read_all(r, &body, &err), &err, AP_E_CHANGED, "changed while it was read");
	ap_source_free(src);
}

TEST(archive_of_an_older_docker_stops_at_an_interrupt)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(dir, "old.tar");
	AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
	struct archive *a = begin(path, false);
	struct ap_source *src = NULL;
	struct ap_err err = AP_ERR_INIT;

	add(a, "layer.tar", "a tar", NULL);
	add(a, "c.json", CONFIG, NULL);
	add(a, "manifest.json",
		"[{\"Config\":\"c.json\",\"Layers\":[\"layer.tar\",\"layer.tar\"]}]", NULL);
	archive_write_free(a);
	parse(&ref, "docker-archive", path, "");
	ap_interrupt_set(SIGINT);
	assert_fails(ap_archive_source(&src, &ref, &err), &err, AP_E_CANCELLED, "stopped");
	ap_interrupt_set(0);
}

TEST(archive_sink_refuses_what_an_archive_cannot_hold)
{
	static const struct {
		const char *name, *json, *fails_with;
	} cases[] = {
		{ "an index",
			"{\"schemaVersion\":2,\"mediaType\":\"" AP_MT_OCI_INDEX
			"\",\"manifests\":[]}",
			"a docker-archive holds no index" },
		{ "a foreign layer",
			"{\"schemaVersion\":2,\"mediaType\":\"" AP_MT_OCI_MANIFEST
			"\",\"config\":" BLOB("application/vnd.oci.image.config.v1+json") ",\"layers\":[" BLOB(
				"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip") "]}",
			"is not distributable" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *dir = unit_tmpdir();
		ap_auto_free char *path = ap_fs_join(dir, "x.tar");
		AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
		struct ap_descriptor d = { .size = strlen(cases[i].json) };
		struct ap_err err = AP_ERR_INIT;
		struct ap_sink *sink = NULL;
		int rc;

		print_message("  case: %s\n", cases[i].name);
		parse(&ref, "docker-archive", path, ":n:1");
		assert_ok(ap_archive_sink(&sink, &ref, &err), &err);
		ap_sha256_of(&d.digest, cases[i].json, (size_t)d.size);
		rc = sink->ops->put_manifest(sink, &d, cases[i].json, "n:1", &err);
		if (rc == 0)
			rc = sink->ops->finish(sink, &err);
		assert_fails(rc, &err, AP_E_UNSUPPORTED, cases[i].fails_with);
		ap_sink_free(sink);
	}
}

TEST(archive_sink_stops_at_an_interrupt_and_is_not_named_by_a_digest)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(dir, "x.tar");
	AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
	struct ap_descriptor d = { .size = 5 };
	struct ap_err err = AP_ERR_INIT;
	struct ap_sink *sink = NULL;
	ap_auto_reader r = NULL;

	parse(&ref, "oci-archive", path, "");
	assert_ok(ap_archive_sink(&sink, &ref, &err), &err);
	ap_sha256_of(&d.digest, "hello", 5);
	ap_mem_reader(&r, "hello", 5);
	ap_interrupt_set(SIGINT);
	assert_fails(sink->ops->put_blob(sink, &d, r, &err), &err, AP_E_CANCELLED, "stopped");
	ap_interrupt_set(0);
	ap_sink_free(sink);
	ref.digest = d.digest;
	sink = NULL;
	assert_fails(ap_archive_sink(&sink, &ref, &err), &err, AP_E_INPUT,
		"named by a tag, not by a digest");
}
