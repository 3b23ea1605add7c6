#include "tests/unit/unit.h"

#include <stdlib.h>

#include "pack/config.h"
#include "pack/image.h"
#include "pack/media_type.h"
#include "pack/request.h"
#include "tests/unit/store.h"

/* A base of two layers and one new layer on it. */
struct scene {
	struct unit_store store;
	struct ap_base base;
	struct ap_layer layer;
	struct ap_strv labels, entrypoint, env;
	struct ap_image_opts o;
};

static void scene_init(struct scene *s, bool docker, int compression)
{
	ap_auto_tree t = { 0 };
	struct ap_layer_opts lo = {
		.epoch = 315532800, .docker = docker, .compression = compression
	};
	struct ap_err err = AP_ERR_INIT;

	*s = (struct scene){ 0 };
	unit_store_init(&s->store);
	unit_store_image(&s->store, docker);
	assert_ok(ap_base_load(&s->base, &s->store.source, "linux/amd64", &err), &err);
	ap_tree_add_bytes(&t, "usr/app/task.py", 0644, "print(1)\n", 9);
	assert_ok(ap_layer_make(&s->layer, &t, "code", &lo, &err), &err);
	ap_strv_add(&s->labels, "org.opencontainers.image.base.digest=sha256:x");
	ap_strv_add(&s->labels, "team=a=b");
	ap_strv_add(&s->entrypoint, "python");
	ap_strv_add(&s->entrypoint, "task.py");
	ap_strv_add(&s->env, "HOME=/home");
	ap_strv_add(&s->env, "PYTHONDONTWRITEBYTECODE=1");
	s->o = (struct ap_image_opts){ .labels = &s->labels,
		.entrypoint = &s->entrypoint,
		.env = &s->env,
		.epoch = 315532800 };
}

static void scene_release(struct scene *s)
{
	ap_base_release(&s->base);
	ap_layer_release(&s->layer);
	ap_strv_release(&s->labels);
	ap_strv_release(&s->entrypoint);
	ap_strv_release(&s->env);
	unit_store_release(&s->store);
}

TEST(image_config_is_the_bases_with_our_changes)
{
	AP_CLEANUP(scene_release) struct scene s;
	AP_CLEANUP(ap_image_release) struct ap_image i = { 0 };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *want = NULL;

	scene_init(&s, false, AP_GZIP);
	assert_ok(ap_image_assemble(&i, &s.base, &s.layer, 1, &s.o, &err), &err);
	want = ap_xasprintf(
		"{\"architecture\":\"amd64\",\"os\":\"linux\","
		"\"config\":{\"Env\":[\"PATH=/usr/bin\",\"HOME=/home\",\"A=1\","
		"\"PYTHONDONTWRITEBYTECODE=1\"],\"User\":\"1000\","
		"\"Labels\":{\"maintainer\":\"x\","
		"\"org.opencontainers.image.base.digest\":\"sha256:x\",\"team\":\"a=b\"},"
		"\"WorkingDir\":\"/usr/app\",\"Entrypoint\":[\"python\",\"task.py\"]},"
		"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":["
		"\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
		"\"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\","
		"\"%s\"]},"
		"\"history\":[{\"created_by\":\"ADD\"},{\"created_by\":\"ENV\",\"empty_layer\":true},"
		"{\"created_by\":\"RUN\"},"
		"{\"created\":\"1980-01-01T00:00:00Z\",\"created_by\":\"autopack: code\"},"
		"{\"created\":\"1980-01-01T00:00:00Z\","
		"\"created_by\":\"autopack: entry point, environment, labels\",\"empty_layer\":true}],"
		"\"created\":\"1980-01-01T00:00:00Z\"}",
		s.layer.diff_id.s);
	assert_string_equal(i.config_json, want);
}

TEST(image_manifest_follows_the_base_and_names_all_layers)
{
	static const struct {
		const char *name;
		bool docker, oci;
		int compression;
		const char *manifest, *config, *layer, *base_layer;
	} cases[] = {
		{ "oci", false, false, AP_GZIP, AP_MT_OCI_MANIFEST, AP_MT_OCI_CONFIG,
			AP_MT_OCI_TAR_GZIP, AP_MT_OCI_TAR_GZIP },
		{ "schema 2", true, false, AP_GZIP, AP_MT_DOCKER_IMAGE, AP_MT_DOCKER_CONFIG,
			AP_MT_DOCKER_GZIP, AP_MT_DOCKER_GZIP },
		{ "zstd", false, false, AP_ZSTD, AP_MT_OCI_MANIFEST, AP_MT_OCI_CONFIG,
			AP_MT_OCI_TAR_ZSTD, AP_MT_OCI_TAR_GZIP },
		{ "schema 2 for a layout", true, true, AP_GZIP, AP_MT_OCI_MANIFEST,
			AP_MT_OCI_CONFIG, AP_MT_OCI_TAR_GZIP, AP_MT_OCI_TAR_GZIP },
		{ "zstd on schema 2 becomes oci", true, false, AP_ZSTD, AP_MT_OCI_MANIFEST,
			AP_MT_OCI_CONFIG, AP_MT_OCI_TAR_ZSTD, AP_MT_OCI_TAR_GZIP },
	};

	for (size_t k = 0; k < AP_LEN(cases); k++) {
		AP_CLEANUP(scene_release) struct scene s;
		AP_CLEANUP(ap_image_release) struct ap_image i = { 0 };
		ap_auto_json m = NULL;
		const cJSON *layers;
		struct ap_digest d;
		struct ap_err err = AP_ERR_INIT;

		print_message("  case: %s\n", cases[k].name);
		scene_init(&s, cases[k].docker, cases[k].compression);
		s.o.oci = cases[k].oci;
		assert_ok(ap_image_assemble(&i, &s.base, &s.layer, 1, &s.o, &err), &err);
		assert_int_equal(strlen(i.manifest_json), i.manifest.size);
		ap_sha256_of(&d, i.manifest_json, strlen(i.manifest_json));
		assert_string_equal(d.s, i.manifest.digest.s);
		assert_string_equal(i.manifest.media_type, cases[k].manifest);
		assert_ok(ap_json_parse(&m, i.manifest_json, i.manifest.size, &err), &err);
		assert_string_equal(ap_json_str(m, "mediaType"), cases[k].manifest);
		assert_string_equal(
			ap_json_str(ap_json_get(m, "config"), "mediaType"), cases[k].config);
		layers = ap_json_get(m, "layers");
		assert_int_equal(cJSON_GetArraySize(layers), 3);
		assert_string_equal(ap_json_str(layers->child, "mediaType"), cases[k].base_layer);
		assert_string_equal(ap_json_str(layers->child->prev, "mediaType"), cases[k].layer);
		assert_string_equal(
			ap_json_str(layers->child->prev, "digest"), s.layer.desc.digest.s);
		assert_int_equal(ap_json_get(m, "annotations") != NULL,
			strcmp(cases[k].manifest, AP_MT_OCI_MANIFEST) == 0);
	}
}

TEST(image_annotations_are_the_standard_labels_unless_given)
{
	AP_CLEANUP(scene_release) struct scene s;
	AP_CLEANUP(ap_image_release) struct ap_image a = { 0 };
	AP_CLEANUP(ap_image_release) struct ap_image b = { 0 };
	ap_auto_strv own = { 0 };
	struct ap_err err = AP_ERR_INIT;

	scene_init(&s, false, AP_GZIP);
	assert_ok(ap_image_assemble(&a, &s.base, &s.layer, 1, &s.o, &err), &err);
	assert_non_null(strstr(a.manifest_json,
		"\"annotations\":{\"org.opencontainers.image.base.digest\":\"sha256:x\"}"));
	ap_strv_add(&own, "k=v");
	s.o.annotations = &own;
	assert_ok(ap_image_assemble(&b, &s.base, &s.layer, 1, &s.o, &err), &err);
	assert_non_null(strstr(b.manifest_json, "\"annotations\":{\"k\":\"v\"}"));
}

TEST(image_golden_digest)
{
	AP_CLEANUP(scene_release) struct scene s;
	AP_CLEANUP(ap_image_release) struct ap_image i = { 0 };
	struct ap_err err = AP_ERR_INIT;

	scene_init(&s, true, AP_GZIP);
	assert_ok(ap_image_assemble(&i, &s.base, &s.layer, 1, &s.o, &err), &err);
	/* Changes only with the layout version. */
	assert_string_equal(i.config.digest.s,
		"sha256:c32027276851625a3d7b5f55651d8e379a902b88bee5edfd36dfb5a54a6ccc04");
}

TEST(image_refuses_more_layers_than_file_systems_take)
{
	AP_CLEANUP(scene_release) struct scene s;
	struct ap_image i = { 0 };
	struct ap_layer *many = ap_xcalloc(126, sizeof(*many));
	struct ap_err err = AP_ERR_INIT;

	scene_init(&s, false, AP_GZIP);
	for (size_t k = 0; k < 126; k++)
		many[k] = s.layer;
	assert_fails(ap_image_assemble(&i, &s.base, many, 126, &s.o, &err), &err, AP_E_LIMIT,
		"at most 127");
	assert_ok(ap_image_assemble(&i, &s.base, many, 125, &s.o, &err), &err);
	ap_image_release(&i);
	free(many);
}

TEST(image_refuses_words_that_are_no_pairs)
{
	static const char *const bad[] = { "x", "=x", "" };

	for (size_t k = 0; k < AP_LEN(bad) * 2; k++) {
		AP_CLEANUP(scene_release) struct scene s;
		struct ap_image i = { 0 };
		struct ap_err err = AP_ERR_INIT;

		scene_init(&s, false, AP_GZIP);
		ap_strv_add(k % 2 ? &s.labels : &s.env, bad[k / 2]);
		assert_fails(ap_image_assemble(&i, &s.base, &s.layer, 1, &s.o, &err), &err,
			AP_E_INPUT, "want NAME=VALUE");
	}
}

TEST(image_on_a_base_without_config_and_history)
{
	AP_CLEANUP(scene_release) struct scene s;
	AP_CLEANUP(ap_image_release) struct ap_image i = { 0 };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_json c = NULL;

	scene_init(&s, false, AP_GZIP);
	cJSON_DeleteItemFromObject(s.base.config, "history");
	cJSON_DeleteItemFromObject(s.base.config, "config");
	assert_ok(ap_image_assemble(&i, &s.base, &s.layer, 1, &s.o, &err), &err);
	assert_ok(ap_json_parse(&c, i.config_json, i.config.size, &err), &err);
	/* one entry per layer, and ours for the configuration */
	assert_int_equal(cJSON_GetArraySize(ap_json_get(c, "history")), 4);
	assert_string_equal(
		ap_json_get(ap_json_get(c, "config"), "Env")->child->valuestring, "HOME=/home");
}

TEST(image_drops_what_was_true_of_the_base_only)
{
	AP_CLEANUP(scene_release) struct scene s;
	AP_CLEANUP(ap_image_release) struct ap_image i = { 0 };
	struct ap_err err = AP_ERR_INIT;
	cJSON *config;

	scene_init(&s, false, AP_GZIP);
	config = cJSON_GetObjectItem(s.base.config, "config");
	ap_json_set_str(config, "Image", "sha256:old");
	ap_json_push(ap_json_set_array(config, "OnBuild"), ap_json_string("RUN x"));
	assert_ok(ap_image_assemble(&i, &s.base, &s.layer, 1, &s.o, &err), &err);
	assert_null(strstr(i.config_json, "OnBuild"));
	assert_null(strstr(i.config_json, "\"Image\""));
	assert_null(strstr(i.config_json, "\"Cmd\""));
	assert_null(strstr(i.config_json, "\"container\""));
}

TEST(time_is_written_in_utc)
{
	ap_auto_buf b = AP_BUF_INIT;

	ap_time_rfc3339(&b, 1700000000);
	assert_string_equal(b.p, "2023-11-14T22:13:20Z");
}
