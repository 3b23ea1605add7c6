#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "pack/layout.h"
#include "pack/media_type.h"
#include "pack/copy.h"
#include "pack/request.h"
#include "tests/unit/store.h"

/* A sink that remembers what was done to it, in order. */
struct mem_sink {
	struct ap_sink base;
	pthread_mutex_t lock;
	struct ap_strv blobs, log;
	bool can_mount;
	const char *fails_on; /* digest that put_blob refuses */
};

static struct mem_sink *self(struct ap_sink *s)
{
	return AP_CONTAINER(s, struct mem_sink, base);
}

static void note(struct mem_sink *m, const char *what, const char *digest, bool store)
{
	pthread_mutex_lock(&m->lock);
	ap_strv_addf(&m->log, "%s %s", what, digest);
	if (store)
		ap_strv_add(&m->blobs, digest);
	pthread_mutex_unlock(&m->lock);
}

static int has_blob(struct ap_sink *s, const struct ap_descriptor *d, bool *present,
	struct ap_err *err AP_UNUSED)
{
	struct mem_sink *m = self(s);

	pthread_mutex_lock(&m->lock);
	*present = ap_strv_has(&m->blobs, d->digest.s);
	pthread_mutex_unlock(&m->lock);
	return 0;
}

static int mount(struct ap_sink *s, const struct ap_descriptor *d, const struct ap_ref *from,
	bool *done, struct ap_err *err AP_UNUSED)
{
	*done = self(s)->can_mount && strcmp(from->repository, "base") == 0;
	if (*done)
		note(self(s), "mount", d->digest.s, true);
	return 0;
}

static int put_blob(
	struct ap_sink *s, const struct ap_descriptor *d, struct ap_reader *r, struct ap_err *err)
{
	struct mem_sink *m = self(s);

	/* Or the sink would hash every byte once more. */
	assert_non_null(r->checks);
	assert_string_equal(r->checks->s, d->digest.s);
	if (m->fails_on && strcmp(m->fails_on, d->digest.s) == 0)
		return ap_err_set(err, AP_E_HTTP, "HTTP 403: DENIED");
	for (int i = 0; i < 2; i++) {
		ap_auto_buf b = AP_BUF_INIT;
		struct ap_digest found;

		if (ap_read_all(r, &b, err) < 0)
			return -1;
		ap_sha256_of(&found, b.p, b.len);
		assert_string_equal(found.s, d->digest.s);
		if (ap_rewind(r, err) < 0)
			return -1;
	}
	note(m, "put", d->digest.s, true);
	return 0;
}

static int put_manifest(struct ap_sink *s, const struct ap_descriptor *d,
	const void *json AP_UNUSED, const char *tag, struct ap_err *err AP_UNUSED)
{
	ap_auto_free char *what = ap_xasprintf("manifest %s", tag ? tag : "-");

	note(self(s), what, d->digest.s, true);
	return 0;
}

static int finish(struct ap_sink *s, struct ap_err *err AP_UNUSED)
{
	note(self(s), "finish", "", false);
	return 0;
}

static void mem_free(struct ap_sink *s)
{
	ap_strv_release(&self(s)->blobs);
	ap_strv_release(&self(s)->log);
	pthread_mutex_destroy(&self(s)->lock);
	ap_ref_release(&s->ref);
}

static const struct ap_sink_ops ops = { .name = "mem",
	.has_blob = has_blob,
	.mount = mount,
	.put_blob = put_blob,
	.put_manifest = put_manifest,
	.finish = finish,
	.free = mem_free };

struct scene {
	struct unit_store store;
	struct ap_base base;
	struct ap_layer layer;
	struct ap_image image;
	struct mem_sink sink;
};

static void scene_init(struct scene *s)
{
	static const char *const words[] = { "python", "task.py" };
	ap_auto_tree t = { 0 };
	ap_auto_strv entrypoint = { 0 };
	struct ap_layer_opts lo = { 0 };
	struct ap_err err = AP_ERR_INIT;

	*s = (struct scene){ .sink.base.ops = &ops };
	pthread_mutex_init(&s->sink.lock, NULL);
	assert_ok(ap_ref_parse(&s->sink.base.ref, "reg.example/out:1", &err), &err);
	unit_store_init(&s->store);
	unit_store_image(&s->store, false);
	assert_ok(ap_base_load(&s->base, &s->store.source, "linux/amd64", &err), &err);
	ap_tree_add_bytes(&t, "usr/app/task.py", 0644, "print(1)\n", 9);
	assert_ok(ap_layer_make(&s->layer, &t, "code", &lo, &err), &err);
	for (size_t i = 0; i < AP_LEN(words); i++)
		ap_strv_add(&entrypoint, words[i]);
	assert_ok(ap_image_assemble(&s->image, &s->base, &s->layer, 1,
			  &(struct ap_image_opts){ .entrypoint = &entrypoint }, &err),
		&err);
	s->store.n_opened = 0;
}

static void scene_release(struct scene *s)
{
	ap_image_release(&s->image);
	ap_layer_release(&s->layer);
	ap_base_release(&s->base);
	unit_store_release(&s->store);
	mem_free(&s->sink.base);
}

static int push(struct scene *s, struct ap_push_stats *stats, struct ap_err *err)
{
	AP_CLEANUP(ap_push_freep) struct ap_push *p = NULL;
	ap_auto_strv tags = { 0 };

	ap_strv_add(&tags, "one");
	ap_strv_add(&tags, "two");
	ap_push_begin(&p, s->image.base, &s->store.source, &s->sink.base, NULL, NULL);
	return ap_push_finish(stats, p, &s->image, &tags, err);
}

TEST(push_sends_the_manifest_last_under_each_tag)
{
	AP_CLEANUP(scene_release) struct scene s;
	struct ap_push_stats stats = { 0 };
	struct ap_err err = AP_ERR_INIT;
	size_t n;

	scene_init(&s);
	assert_ok(push(&s, &stats, &err), &err);
	assert_int_equal(stats.sent, 4);
	assert_int_equal(stats.mounted + stats.skipped, 0);
	assert_int_equal(stats.sent_bytes, stats.total_bytes);
	n = s.sink.log.n;
	assert_int_equal(n, 7);
	for (size_t i = 0; i < 4; i++)
		assert_true(ap_starts_with(s.sink.log.v[i], "put "));
	assert_true(ap_starts_with(s.sink.log.v[n - 3], "manifest one"));
	assert_true(ap_starts_with(s.sink.log.v[n - 2], "manifest two"));
	assert_true(ap_starts_with(s.sink.log.v[n - 1], "finish"));
}

TEST(push_reads_no_base_byte_when_it_can_mount)
{
	AP_CLEANUP(scene_release) struct scene s;
	struct ap_push_stats stats = { 0 };
	struct ap_err err = AP_ERR_INIT;

	scene_init(&s);
	s.sink.can_mount = true;
	assert_ok(push(&s, &stats, &err), &err);
	assert_int_equal(stats.mounted, 2);
	assert_int_equal(stats.sent, 2);
	assert_int_equal(s.store.n_opened, 0);
}

TEST(push_sends_nothing_twice)
{
	AP_CLEANUP(scene_release) struct scene s;
	struct ap_push_stats stats = { 0 };
	struct ap_err err = AP_ERR_INIT;

	scene_init(&s);
	assert_ok(push(&s, &stats, &err), &err);
	s.store.n_opened = 0;
	assert_ok(push(&s, &stats, &err), &err);
	/* The layer made here is sent faster than it is asked for. */
	assert_int_equal(stats.skipped, 2);
	assert_int_equal(stats.sent, 2);
	assert_int_equal(s.store.n_opened, 0);
}

TEST(push_asks_for_no_layer_that_the_image_there_names)
{
	AP_CLEANUP(scene_release) struct scene s;
	struct ap_push *p;
	struct ap_push_stats stats = { 0 };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf there = AP_BUF_INIT;

	scene_init(&s);
	ap_buf_adds(&there, s.image.manifest_json);
	ap_push_begin(&p, &s.base, &s.store.source, &s.sink.base, &there, NULL);
	assert_ok(ap_push_finish(&stats, p, &s.image, NULL, &err), &err);
	assert_int_equal(stats.skipped, 3);
	assert_int_equal(stats.sent, 1); /* the configuration */
	assert_int_equal(s.store.n_opened, 0);
	ap_push_free(p);
}

TEST(push_publishes_no_manifest_after_a_failed_blob)
{
	AP_CLEANUP(scene_release) struct scene s;
	struct ap_push_stats stats = { 0 };
	struct ap_err err = AP_ERR_INIT;

	scene_init(&s);
	s.sink.fails_on = s.layer.desc.digest.s;
	assert_fails(push(&s, &stats, &err), &err, AP_E_HTTP, "DENIED");
	for (size_t i = 0; i < s.sink.log.n; i++)
		assert_false(ap_starts_with(s.sink.log.v[i], "manifest"));
}

TEST(push_names_the_blob_that_failed_and_the_destination)
{
	AP_CLEANUP(scene_release) struct scene s;
	struct ap_push_stats stats = { 0 };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *want = NULL;

	scene_init(&s);
	s.sink.fails_on = s.layer.desc.digest.s;
	want = ap_xasprintf(
		"push reg.example/out:1: blob %s: HTTP 403: DENIED", s.layer.desc.digest.s);
	assert_fails(push(&s, &stats, &err), &err, AP_E_HTTP, want);
}

TEST(push_never_sends_foreign_layers)
{
	AP_CLEANUP(scene_release) struct scene s;
	struct ap_push_stats stats = { 0 };
	struct ap_err err = AP_ERR_INIT;

	scene_init(&s);
	free(s.base.layers[0].media_type);
	s.base.layers[0].media_type =
		ap_xstrdup("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
	assert_ok(push(&s, &stats, &err), &err);
	assert_int_equal(stats.sent, 3);
	assert_int_equal(s.store.n_opened, 2); /* the other layer, read twice */
}

TEST(push_in_steps_begins_before_the_image_is_known)
{
	AP_CLEANUP(scene_release) struct scene s;
	struct ap_push *p;
	struct ap_push_stats stats = { 0 };
	struct ap_err err = AP_ERR_INIT;
	bool there = false;

	scene_init(&s);
	ap_push_begin(&p, &s.base, &s.store.source, &s.sink.base, NULL, NULL);
	ap_push_layer(p, &s.layer);
	ap_push_layer(p, &s.layer);
	for (int i = 0; i < 500 && !there; i++) {
		assert_ok(has_blob(&s.sink.base, &s.layer.desc, &there, &err), &err);
		usleep(10000);
	}
	assert_true(there);
	assert_false(ap_push_failed(p));
	assert_ok(ap_push_finish(&stats, p, &s.image, NULL, &err), &err);
	assert_int_equal(stats.sent, 4);
	assert_true(ap_starts_with(s.sink.log.v[s.sink.log.n - 2], "manifest -"));
	ap_push_free(p);
}

static void copy_to(struct scene *s, const char *platform, struct ap_descriptor *out)
{
	struct ap_push_stats stats = { 0 };
	ap_auto_strv tags = { 0 };
	struct ap_err err = AP_ERR_INIT;

	ap_strv_add(&tags, "t");
	assert_ok(ap_image_copy(out, &stats, &s->store.source, &s->sink.base, platform, &tags, NULL,
			  &err),
		&err);
}

static void make_index(struct scene *s)
{
	ap_auto_free char *a = NULL;
	ap_auto_free char *all = NULL;

	a = unit_descriptor(&s->store, &s->store.v[s->store.top].digest, AP_MT_OCI_MANIFEST);
	a[strlen(a) - 1] = '\0';
	all = ap_xasprintf("{\"schemaVersion\":2,\"manifests\":[%s,\"platform\":"
			   "{\"os\":\"linux\",\"architecture\":\"amd64\"}}]}",
		a);
	s->store.top = s->store.n;
	unit_store_add(&s->store, AP_MT_OCI_INDEX, all, strlen(all));
}

TEST(copy_of_an_index_brings_its_images_first)
{
	AP_CLEANUP(scene_release) struct scene s;
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	size_t image;

	scene_init(&s);
	image = s.store.top;
	make_index(&s);
	copy_to(&s, NULL, &d);
	assert_string_equal(d.digest.s, s.store.v[s.store.top].digest.s);
	assert_int_equal(s.sink.log.n, 6);
	assert_true(ap_starts_with(s.sink.log.v[3], "manifest -"));
	assert_true(ap_ends_with(s.sink.log.v[3], s.store.v[image].digest.s));
	assert_true(ap_starts_with(s.sink.log.v[4], "manifest t"));
}

TEST(copy_of_one_platform_leaves_the_index_behind)
{
	AP_CLEANUP(scene_release) struct scene s;
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	size_t image;

	scene_init(&s);
	image = s.store.top;
	make_index(&s);
	copy_to(&s, "linux/amd64", &d);
	assert_string_equal(d.digest.s, s.store.v[image].digest.s);
	assert_int_equal(s.sink.log.n, 5);
	assert_true(ap_starts_with(s.sink.log.v[3], "manifest t"));
}

TEST(copy_refuses_manifests_with_other_bytes)
{
	AP_CLEANUP(scene_release) struct scene s;
	struct ap_descriptor d = { 0 };
	struct ap_push_stats stats = { 0 };
	struct ap_err err = AP_ERR_INIT;

	scene_init(&s);
	s.store.v[s.store.top].p[0] = ' ';
	assert_fails(
		ap_image_copy(&d, &stats, &s.store.source, &s.sink.base, NULL, NULL, NULL, &err),
		&err, AP_E_DIGEST, "manifest: want");
	assert_int_equal(s.sink.log.n, 0);
}

TEST(copy_reads_descriptors_strictly)
{
	static const struct {
		const char *more, *fails_with;
	} cases[] = {
		{ "\"annotations\":[]", "\"annotations\": want an object, found array" },
		{ "\"annotations\":{\"a\":1}", "\"annotations\": want strings, found number" },
		{ "\"urls\":{}", "\"urls\": want an array, found object" },
		{ "\"platform\":[]", "\"platform\": want an object, found array" },
	};
	struct ap_err err = AP_ERR_INIT;
	struct ap_descriptor d = { 0 };
	ap_auto_json list = NULL;

	assert_ok(ap_json_parse(&list, "[]", 2, &err), &err);
	assert_fails(ap_descriptor_from_json(&d, list, &err), &err, AP_E_PROTO,
		"descriptor: want an object, found array");
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *text = ap_xasprintf(
			"{\"mediaType\":\"x/y\",\"size\":1,\"digest\":\"sha256:"
			"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\",%s}",
			cases[i].more);
		ap_auto_json j = NULL;

		print_message("  case: %s\n", cases[i].more);
		assert_ok(ap_json_parse(&j, text, strlen(text), &err), &err);
		assert_fails(ap_descriptor_from_json(&d, j, &err), &err, AP_E_PROTO,
			cases[i].fails_with);
	}
}
