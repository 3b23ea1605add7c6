#include "tests/unit/unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "pack/cache.h"
#include "pack/layer_key.h"
#include "pack/media_type.h"
#include "pack/request.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEX_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static const struct ap_digest key = { "sha256:" HEX_A };
static const struct ap_cache_record record = { { "sha256:" HEX_B }, { "sha256:" HEX_C }, 1234 };

TEST(cache_gives_back_what_was_put)
{
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_cache_record r = { 0 };
	struct ap_err err = AP_ERR_INIT;

	assert_false(ap_cache_get(&r, dir, &key));
	assert_ok(ap_cache_put(dir, &key, &record, &err), &err);
	assert_true(ap_cache_get(&r, dir, &key));
	assert_string_equal(r.digest.s, record.digest.s);
	assert_string_equal(r.diff_id.s, record.diff_id.s);
	assert_int_equal(r.size, 1234);
	assert_false(ap_cache_get(&r, dir, &record.digest));
}

TEST(cache_without_a_directory_is_no_cache)
{
	struct ap_cache_record r = { 0 };
	struct ap_err err = AP_ERR_INIT;

	assert_false(ap_cache_get(&r, NULL, &key));
	assert_ok(ap_cache_put(NULL, &key, &record, &err), &err);
}

TEST(cache_is_nobody_elses_business)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *layers = ap_fs_join(dir, "layers");
	ap_auto_free char *file = ap_fs_join(layers, HEX_A ".json");
	struct ap_cache_record r = { 0 };
	struct ap_err err = AP_ERR_INIT;
	struct stat st;

	assert_ok(ap_cache_put(dir, &key, &record, &err), &err);
	assert_int_equal(stat(layers, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(chmod(layers, 0777), 0);
	assert_false(ap_cache_get(&r, dir, &key));
	assert_fails(ap_cache_put(dir, &key, &record, &err), &err, AP_E_INPUT, "nobody else");
}

TEST(cache_records_that_are_damaged_are_absent)
{
	static const char *const bad[] = { "", "{", "[]", "{}",
		"{\"key\":\"sha256:" HEX_A
		"\",\"digest\":\"sha256:../../x\",\"diffId\":\"sha256:" HEX_C "\",\"size\":1}",
		"{\"key\":\"sha256:" HEX_A "\",\"digest\":\"sha256:" HEX_B "\",\"size\":1}",
		"{\"key\":\"sha256:" HEX_A "\",\"digest\":\"sha256:" HEX_B
		"\",\"diffId\":\"sha256:" HEX_C "\",\"size\":-1}",
		/* moved from another key's place */
		"{\"key\":\"sha256:" HEX_B "\",\"digest\":\"sha256:" HEX_B
		"\",\"diffId\":\"sha256:" HEX_C "\",\"size\":1}" };

	for (size_t i = 0; i < AP_LEN(bad); i++) {
		ap_auto_free char *dir = unit_tmpdir();
		ap_auto_free char *file = ap_fs_join(dir, "layers/" HEX_A ".json");
		struct ap_cache_record r = { 0 };
		struct ap_err err = AP_ERR_INIT;

		assert_ok(ap_cache_put(dir, &key, &record, &err), &err);
		assert_ok(ap_fs_write(file, bad[i], strlen(bad[i]), 0600, &err), &err);
		assert_false(ap_cache_get(&r, dir, &key));
		assert_string_equal(r.digest.s, "");
	}
}

/* A repository of manifests by tag, and a set of blobs. */
struct repo {
	struct ap_sink sink;
	struct ap_strv tags, bodies, blobs;
	enum ap_err_code fails;
};

static struct repo *self(struct ap_sink *s)
{
	return AP_CONTAINER(s, struct repo, sink);
}

static int get_manifest(struct ap_sink *s, const char *reference, struct ap_descriptor *desc,
	struct ap_buf *body, struct ap_err *err)
{
	struct repo *r = self(s);

	if (r->fails)
		return ap_err_set(err, r->fails, "on purpose");
	for (size_t i = 0; i < r->tags.n; i++) {
		if (strcmp(r->tags.v[i], reference) != 0)
			continue;
		*desc = (struct ap_descriptor){ .size = strlen(r->bodies.v[i]) };
		ap_buf_adds(body, r->bodies.v[i]);
		return 0;
	}
	return ap_err_set(err, AP_E_NOT_FOUND, "no %s", reference);
}

static int put_manifest(struct ap_sink *s, const struct ap_descriptor *desc, const void *json,
	const char *tag, struct ap_err *err AP_UNUSED)
{
	ap_strv_add(&self(s)->tags, tag);
	ap_strv_add_n(&self(s)->bodies, json, (size_t)desc->size);
	return 0;
}

static int has_blob(
	struct ap_sink *s, const struct ap_descriptor *d, bool *present, struct ap_err *err)
{
	if (self(s)->fails == AP_E_NET)
		return ap_err_set(err, AP_E_NET, "no way");
	*present = ap_strv_has(&self(s)->blobs, d->digest.s);
	return 0;
}

static int put_blob(struct ap_sink *s, const struct ap_descriptor *d, struct ap_reader *r AP_UNUSED,
	struct ap_err *err AP_UNUSED)
{
	ap_strv_add(&self(s)->blobs, d->digest.s);
	return 0;
}

static const struct ap_sink_ops ops = { .name = "repo",
	.has_blob = has_blob,
	.put_blob = put_blob,
	.get_manifest = get_manifest,
	.put_manifest = put_manifest };

static void repo_release(struct repo *r)
{
	ap_strv_release(&r->tags);
	ap_strv_release(&r->bodies);
	ap_strv_release(&r->blobs);
}

static struct ap_layer a_layer(void)
{
	return (struct ap_layer){ .desc = { .media_type = ap_xstrdup(AP_MT_OCI_TAR_GZIP),
					  .digest = record.digest,
					  .size = record.size },
		.diff_id = record.diff_id };
}

static void publish(struct repo *r, const char *secret)
{
	AP_CLEANUP(ap_layer_release) struct ap_layer l = a_layer();
	struct ap_remote_cache c = { &r->sink, secret };
	struct ap_err err = AP_ERR_INIT;

	l.blob = ap_content_bytes("layer", 5);
	assert_ok(ap_remote_cache_put(&c, &key, &l, NULL, &err), &err);
}

TEST(remote_cache_gives_back_what_was_put)
{
	AP_CLEANUP(repo_release) struct repo repo = { .sink.ops = &ops };
	struct ap_remote_cache c = { &repo.sink, NULL };
	struct ap_cache_record r = { 0 };

	assert_false(ap_remote_cache_get(&r, &c, &key));
	publish(&repo, NULL);
	assert_string_equal(repo.tags.v[0], "autopack-layer-" HEX_A);
	assert_true(ap_remote_cache_get(&r, &c, &key));
	assert_string_equal(r.digest.s, record.digest.s);
	assert_string_equal(r.diff_id.s, record.diff_id.s);
	assert_int_equal(r.size, record.size);
}

TEST(remote_cache_record_comes_with_its_layer)
{
	AP_CLEANUP(repo_release) struct repo repo = { .sink.ops = &ops };

	publish(&repo, NULL);
	assert_true(ap_strv_has(&repo.blobs, record.digest.s));
}

TEST(remote_cache_record_is_not_put_without_its_layer)
{
	AP_CLEANUP(repo_release) struct repo repo = { .sink.ops = &ops };
	AP_CLEANUP(ap_layer_release) struct ap_layer l = a_layer();
	struct ap_remote_cache c = { &repo.sink, NULL };
	struct ap_err err = AP_ERR_INIT;

	assert_fails(ap_remote_cache_put(&c, &key, &l, NULL, &err), &err, AP_E_NOT_FOUND,
		"no bytes of sha256:");
	assert_int_equal(repo.tags.n, 0);
}

TEST(remote_cache_never_overwrites)
{
	AP_CLEANUP(repo_release) struct repo repo = { .sink.ops = &ops };

	publish(&repo, NULL);
	publish(&repo, NULL);
	assert_int_equal(repo.tags.n, 1);
}

TEST(remote_cache_with_a_secret_believes_only_what_it_signed)
{
	static const struct {
		const char *written, *read;
		bool found;
	} cases[] = { { "s", "s", true }, { NULL, "s", false }, { "other", "s", false },
		{ "s", NULL, true } };

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(repo_release) struct repo repo = { .sink.ops = &ops };
		struct ap_remote_cache c = { &repo.sink, cases[i].read };
		struct ap_cache_record r = { 0 };

		publish(&repo, cases[i].written);
		assert_int_equal(ap_remote_cache_get(&r, &c, &key), cases[i].found);
		assert_null(strstr(repo.bodies.v[0], "\"s\""));
	}
}

TEST(remote_cache_signature_covers_every_field)
{
	static const char *const fields[][2] = { { "sha256:" HEX_B, "sha256:" HEX_C },
		{ "\"dev.autopack.layer.diff-id\":\"sha256:" HEX_C,
			"\"dev.autopack.layer.diff-id\":\"sha256:" HEX_A },
		{ "\"size\":1234", "\"size\":1235" } };

	for (size_t i = 0; i < AP_LEN(fields); i++) {
		AP_CLEANUP(repo_release) struct repo repo = { .sink.ops = &ops };
		struct ap_remote_cache c = { &repo.sink, "s" };
		struct ap_cache_record r = { 0 };
		char *at;
		char *bent;

		publish(&repo, "s");
		at = strstr(repo.bodies.v[0], fields[i][0]);
		assert_non_null(at);
		bent = ap_xasprintf("%.*s%s%s", (int)(at - repo.bodies.v[0]), repo.bodies.v[0],
			fields[i][1], at + strlen(fields[i][0]));
		free(repo.bodies.v[0]);
		repo.bodies.v[0] = bent;
		assert_false(ap_remote_cache_get(&r, &c, &key));
		c.secret = NULL;
		assert_true(ap_remote_cache_get(&r, &c, &key));
	}
}

TEST(remote_cache_record_of_another_key_is_absent)
{
	AP_CLEANUP(repo_release) struct repo repo = { .sink.ops = &ops };
	struct ap_remote_cache c = { &repo.sink, NULL };
	struct ap_cache_record r = { 0 };

	publish(&repo, NULL);
	free(repo.tags.v[0]);
	repo.tags.v[0] = ap_xstrdup("autopack-layer-" HEX_B);
	assert_false(ap_remote_cache_get(&r, &c, &record.digest));
}

TEST(remote_cache_that_does_not_answer_is_empty)
{
	static const enum ap_err_code codes[] = { AP_E_HTTP, AP_E_AUTH, AP_E_NET, AP_E_DIGEST };

	for (size_t i = 0; i < AP_LEN(codes); i++) {
		AP_CLEANUP(repo_release) struct repo repo = { .sink.ops = &ops, .fails = codes[i] };
		struct ap_remote_cache c = { &repo.sink, NULL };
		struct ap_cache_record r = { 0 };

		assert_false(ap_remote_cache_get(&r, &c, &key));
	}
}

TEST(layer_is_known_only_when_its_bytes_are_there)
{
	ap_auto_free char *dir = unit_tmpdir();
	AP_CLEANUP(repo_release) struct repo repo = { .sink.ops = &ops };
	struct ap_remote_cache c = { &repo.sink, NULL };
	AP_CLEANUP(ap_layer_release) struct ap_layer l = { 0 };
	struct ap_cache_record r = { 0 };
	struct ap_err err = AP_ERR_INIT;
	bool found = true;

	assert_ok(ap_layer_known(&l, &found, dir, &c, &repo.sink, &key, "t", "m", &err), &err);
	assert_false(found);
	publish(&repo, NULL);
	ap_strv_release(&repo.blobs);
	assert_ok(ap_layer_known(&l, &found, dir, &c, &repo.sink, &key, "t", "m", &err), &err);
	assert_false(found);
	ap_strv_add(&repo.blobs, record.digest.s);
	assert_ok(ap_layer_known(&l, &found, dir, &c, &repo.sink, &key, "t", "m", &err), &err);
	assert_true(found);
	assert_string_equal(l.desc.digest.s, record.digest.s);
	assert_string_equal(l.diff_id.s, record.diff_id.s);
	assert_null(l.blob);
	/* and from now on without asking */
	assert_true(ap_cache_get(&r, dir, &key));
	repo.fails = AP_E_NET;
	ap_layer_release(&l);
	assert_fails(ap_layer_known(&l, &found, dir, &c, &repo.sink, &key, "t", "m", &err), &err,
		AP_E_NET, "no way");
}

struct inputs {
	struct ap_locked wheels[2];
	struct ap_lock lock;
	struct ap_inventory *inv;
	struct ap_descriptor layer;
	struct ap_base base;
	size_t members[2];
	struct ap_layer_inputs in;
};

static void inputs_init(struct inputs *x)
{
	static char names[][16] = { "a-1.whl", "b-1.whl" };
	static const char text[] =
		"{\"format\":\"autopack.inventory.v1\",\"os\":\"linux\",\"arch\":\"amd64\",\"python\":\"/usr/bin/python3\",\"pythonVersion\":\"3.11.2\","
		"\"implementation\":\"cpython\",\"scheme\":{\"prefix\":\"/usr/local\","
		"\"purelib\":\"/usr/local/lib\",\"platlib\":\"/usr/local/lib\",\"scripts\":\"/usr/local/bin\",\"data\":\"/usr/local\",\"headers\":\"/usr/local/include\",\"interpreter\":\"/usr/bin/python3\"},\"tree\":{}}";
	ap_auto_json j = NULL;
	struct ap_err err = AP_ERR_INIT;

	*x = (struct inputs){ .members = { 0, 1 } };
	x->wheels[0] = (struct ap_locked){ .filename = names[0], .digest = { "sha256:" HEX_A } };
	x->wheels[1] = (struct ap_locked){ .filename = names[1], .digest = { "sha256:" HEX_B } };
	x->lock = (struct ap_lock){ .v = x->wheels, .n = 2 };
	assert_ok(ap_json_parse(&j, text, strlen(text), &err), &err);
	assert_ok(ap_inventory_from_json(&x->inv, j, &err), &err);
	x->layer.digest = (struct ap_digest){ "sha256:" HEX_C };
	x->base = (struct ap_base){ .layers = &x->layer, .n_layers = 1 };
	x->in = (struct ap_layer_inputs){ .kind = "wheels",
		.lock = &x->lock,
		.members = x->members,
		.n = 2,
		.inventory = x->inv,
		.base = &x->base,
		.epoch = 315532800 };
}

static void inputs_release(struct inputs *x)
{
	ap_inventory_free(x->inv);
}

static void replace(char **s, const char *by)
{
	free(*s);
	*s = ap_xstrdup(by);
}

TEST(layer_key_changes_with_every_input)
{
	struct ap_digest keys[12];
	char direct[] = "{}";
	size_t n = 0;

	for (int i = 0; i < 10; i++) {
		AP_CLEANUP(inputs_release) struct inputs x;

		inputs_init(&x);
		switch (i) {
		case 1:
			x.wheels[0].requested = true;
			break;
		case 2:
			x.wheels[0].direct_url = direct;
			break;
		case 3:
			replace(&x.inv->scheme.interpreter, "/opt/python");
			break;
		case 4:
			replace(&x.inv->scheme.purelib, "/opt/lib");
			break;
		case 5:
			x.in.epoch = 1;
			break;
		case 6:
			x.in.compression = AP_ZSTD;
			break;
		case 7:
			x.layer.digest = (struct ap_digest){ "sha256:" HEX_A };
			break;
		case 8:
			x.in.n = 1;
			break;
		case 9:
			x.members[0] = 1;
			x.members[1] = 0;
			break;
		default:
			break;
		}
		ap_layer_key(&keys[n], &x.in);
		for (size_t k = 0; k < n; k++)
			assert_string_not_equal(keys[k].s, keys[n].s);
		n++;
	}
}

TEST(layer_key_depends_on_nothing_else)
{
	AP_CLEANUP(inputs_release) struct inputs a;
	AP_CLEANUP(inputs_release) struct inputs b;
	struct ap_digest ka;
	struct ap_digest kb;
	char url[] = "https://one/";
	char local[] = "/home/me/a-1.whl";

	inputs_init(&a);
	inputs_init(&b);
	b.wheels[0].url = url;
	b.wheels[1].local = local;
	ap_layer_key(&ka, &a.in);
	ap_layer_key(&kb, &b.in);
	assert_string_equal(ka.s, kb.s);
}
