#include "tests/unit/unit.h"

#include <stdlib.h>

#include "pack/base.h"
#include "pack/media_type.h"
#include "tests/unit/store.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

TEST(base_reads_both_families)
{
	for (int docker = 0; docker < 2; docker++) {
		AP_CLEANUP(unit_store_release) struct unit_store s;
		AP_CLEANUP(ap_base_release) struct ap_base b = { 0 };
		struct ap_err err = AP_ERR_INIT;

		unit_store_init(&s);
		unit_store_image(&s, docker);
		assert_ok(ap_base_load(&b, &s.source, "linux/amd64", &err), &err);
		assert_int_equal(b.docker, docker);
		assert_int_equal(b.n_layers, 2);
		assert_string_equal(b.index.s, "");
		assert_string_equal(b.manifest.digest.s, s.v[s.top].digest.s);
		assert_string_equal(ap_base_env(&b, "PATH"), "/usr/bin");
		assert_null(ap_base_env(&b, "PAT"));
	}
}

/* Replace `from` (NULL: all) by `to` in the document i of the store and give it its new digest. */
static void bend(struct unit_store *s, size_t i, const char *from, const char *to)
{
	ap_auto_free char *old = ap_xstrndup(s->v[i].p, s->v[i].n);
	char *at = strstr(old, from ? from : "");

	assert_non_null(at);
	free(s->v[i].p);
	s->v[i].p =
		ap_xasprintf("%.*s%s%s", (int)(at - old), old, to, at + strlen(from ? from : old));
	s->v[i].n = strlen(s->v[i].p);
	ap_sha256_of(&s->v[i].digest, s->v[i].p, s->v[i].n);
}

TEST(base_refuses_manifests_that_lie_or_can_be_read_in_two_ways)
{
	static const struct {
		const char *name, *from, *to, *part;
		enum ap_err_code code;
	} cases[] = {
		{ "two kinds", "\"schemaVersion\":2", "\"schemaVersion\":2,\"manifests\":[]",
			"an image and of an index", AP_E_PROTO },
		{ "media types disagree", AP_MT_OCI_MANIFEST, AP_MT_DOCKER_IMAGE,
			"but \"mediaType\"", AP_E_PROTO },
		{ "an index by name", AP_MT_OCI_MANIFEST, AP_MT_OCI_INDEX, "but the document is an",
			AP_E_PROTO },
		{ "twice the same member", "\"schemaVersion\":2",
			"\"schemaVersion\":2,\"schemaVersion\":2", "occurs twice", AP_E_PROTO },
		{ "schema 1", "\"schemaVersion\":2", "\"schemaVersion\":1", "schemaVersion 1",
			AP_E_UNSUPPORTED },
		{ "schema 1 and an image", "\"schemaVersion\":2",
			"\"schemaVersion\":2,\"fsLayers\":[]", "two kinds", AP_E_PROTO },
		{ "no layers", "\"layers\":[", "\"layerz\":[", "\"layers\": want an array",
			AP_E_PROTO },
		{ "digest of another algorithm",
			"\"digest\":\"sha256:", "\"digest\":\"sha512:", "sha256", AP_E_PROTO },
		{ "digest with a path in it", "\"digest\":\"sha256:", "\"digest\":\"../:", "sha256",
			AP_E_PROTO },
		{ "negative size", "\"size\":9", "\"size\":-9", "\"size\"", AP_E_PROTO },
		{ "fraction of a byte", "\"size\":9", "\"size\":9.5", "\"size\"", AP_E_PROTO },
		{ "size as text", "\"size\":9", "\"size\":\"9\"", "\"size\"", AP_E_PROTO },
		{ "layer of no file system", AP_MT_OCI_TAR_GZIP, "application/wasm",
			"no file system layer", AP_E_UNSUPPORTED },
		{ "an artifact", AP_MT_OCI_CONFIG, "application/vnd.cncf.helm.config.v1+json",
			"not a runnable image", AP_E_UNSUPPORTED },
		{ "configuration of the other family", AP_MT_OCI_CONFIG, AP_MT_DOCKER_CONFIG,
			"but its configuration", AP_E_PROTO },
		{ "a layer is no object", "\"layers\":[", "\"layers\":[7,", "want an object",
			AP_E_PROTO },
		{ "no object at all", "{\"schemaVersion\":2", "[{\"schemaVersion\":2", "json",
			AP_E_PROTO },
		{ "urls that are no strings", "\"size\":9", "\"size\":9,\"urls\":[1]",
			"want strings", AP_E_PROTO },
		{ "configuration of the wrong size", "\"size\":4", "\"size\":1", "want",
			AP_E_DIGEST },
		{ "a configuration of a gigabyte", "\"size\":4", "\"size\":400000004", "at most",
			AP_E_LIMIT },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(unit_store_release) struct unit_store s;
		struct ap_base b = { 0 };
		struct ap_err err = AP_ERR_INIT;

		print_message("  case: %s\n", cases[i].name);
		unit_store_init(&s);
		unit_store_image(&s, false);
		bend(&s, s.top, cases[i].from, cases[i].to);
		assert_fails(ap_base_load(&b, &s.source, "linux/amd64", &err), &err, cases[i].code,
			cases[i].part);
		assert_null(b.layers);
	}
}

TEST(base_refuses_configurations_that_do_not_fit)
{
	static const struct {
		const char *name, *from, *to, *part;
		enum ap_err_code code;
	} cases[] = {
		{ "one diff_id too few", ",\"sha256:bbbb", ",\"x\"],\"y\":[\"sha256:bbbb", "sha256",
			AP_E_PROTO },
		{ "one diff_id too many", "\"diff_ids\":[", "\"diff_ids\":[\"sha256:" HEX_A "\",",
			"3 \"diff_ids\", but the manifest has 2 layers", AP_E_PROTO },
		{ "diff_id that is a number", "\"diff_ids\":[", "\"diff_ids\":[1,", "want strings",
			AP_E_PROTO },
		{ "rootfs of another type", "\"type\":\"layers\"", "\"type\":\"ostree\"",
			"\"rootfs\"", AP_E_PROTO },
		{ "another architecture", "amd64", "arm64",
			"is for linux/arm64, wanted is linux/amd64", AP_E_UNSUPPORTED },
		{ "another system", "\"os\":\"linux\"", "\"os\":\"windows\"", "windows/amd64",
			AP_E_UNSUPPORTED },
		{ "Env of objects", "\"A=1\"", "{}", "\"Env\": want strings", AP_E_PROTO },
		{ "Labels of numbers", "\"maintainer\":\"x\"", "\"maintainer\":1",
			"\"Labels\": want strings", AP_E_PROTO },
		{ "history of another type", "\"history\":[", "\"history\":{},\"h\":[",
			"\"history\": want an array", AP_E_PROTO },
		{ "no json", "{\"architecture\"", "[{\"architecture\"", "json", AP_E_PROTO },
		{ "no object", NULL, "[]", "want an object, found array", AP_E_PROTO },
		{ "config is a list", "\"config\":{", "\"config\":[],\"c\":{",
			"\"config\": want an object", AP_E_PROTO },
		{ "Env is an object", "\"Env\":[", "\"Env\":{},\"e\":[", "\"Env\": want an array",
			AP_E_PROTO },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(unit_store_release) struct unit_store s;
		struct ap_base b = { 0 };
		struct ap_err err = AP_ERR_INIT;
		struct ap_digest old;
		ap_auto_free char *size = NULL;

		print_message("  case: %s\n", cases[i].name);
		unit_store_init(&s);
		unit_store_image(&s, false);
		old = s.v[0].digest;
		size = ap_xasprintf("\"size\":%zu", s.v[0].n);
		bend(&s, 0, cases[i].from, cases[i].to);
		bend(&s, s.top, old.s, s.v[0].digest.s);
		{
			ap_auto_free char *now = ap_xasprintf("\"size\":%zu", s.v[0].n);

			bend(&s, s.top, size, now);
		}
		assert_fails(ap_base_load(&b, &s.source, "linux/amd64", &err), &err, cases[i].code,
			cases[i].part);
	}
}

TEST(base_documents_are_of_one_kind_or_refused)
{
	static const struct {
		const char *name, *media_type, *text, *part;
		enum ap_err_code code;
	} cases[] = {
		{ "no kind", NULL, "{\"schemaVersion\":2}", "neither an image", AP_E_PROTO },
		{ "said to be schema 1",
			"application/vnd.docker.distribution.manifest.v1+prettyjws",
			"{\"schemaVersion\":2,\"layers\":[]}", "schema 1", AP_E_UNSUPPORTED },
		{ "schema 1", NULL, "{\"schemaVersion\":1,\"fsLayers\":[]}", "schema 1",
			AP_E_UNSUPPORTED },
		{ "said to be something else", "text/html", "{\"schemaVersion\":2,\"layers\":[]}",
			"is no image or index", AP_E_UNSUPPORTED },
		{ "says something else itself", NULL,
			"{\"schemaVersion\":2,\"layers\":[],\"mediaType\":\"text/html\"}",
			"is no image or index", AP_E_UNSUPPORTED },
		{ "a list", NULL, "[]", "want an object, found array", AP_E_PROTO },
		{ "media type is a number", NULL,
			"{\"schemaVersion\":2,\"layers\":[],\"mediaType\":7}", "want a string",
			AP_E_PROTO },
		{ "version is a string", NULL, "{\"schemaVersion\":\"2\",\"layers\":[]}",
			"schemaVersion", AP_E_PROTO },
	};
	ap_auto_free char *huge = ap_xcalloc(1, (4 << 20) + 2);
	ap_auto_json j = NULL;
	struct ap_err err = AP_ERR_INIT;
	int kind;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		print_message("  case: %s\n", cases[i].name);
		assert_fails(ap_manifest_parse(&j, &kind, cases[i].media_type, cases[i].text,
				     strlen(cases[i].text), &err),
			&err, cases[i].code, cases[i].part);
	}
	memset(huge, ' ', (4 << 20) + 1);
	assert_fails(ap_manifest_parse(&j, &kind, NULL, huge, (4 << 20) + 1, &err), &err,
		AP_E_LIMIT, "more than 4194304 bytes");
}

TEST(base_refuses_a_configuration_with_other_bytes)
{
	AP_CLEANUP(unit_store_release) struct unit_store s;
	struct ap_base b = { 0 };
	struct ap_err err = AP_ERR_INIT;

	unit_store_init(&s);
	unit_store_image(&s, false);
	s.v[0].p[s.v[0].n - 2] = ' ';
	assert_fails(ap_base_load(&b, &s.source, "linux/amd64", &err), &err, AP_E_DIGEST,
		"want sha256:");
}

static void add_index(struct unit_store *s, const char *entries)
{
	ap_auto_free char *j = ap_xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" AP_MT_OCI_INDEX
					    "\",\"manifests\":[%s]}",
		entries);

	s->top = s->n;
	unit_store_add(s, AP_MT_OCI_INDEX, j, strlen(j));
}

static char *entry(const struct unit_store *s, size_t i, const char *platform)
{
	return ap_xasprintf("{\"mediaType\":\"" AP_MT_OCI_MANIFEST
			    "\",\"digest\":\"%s\",\"size\":%zu,\"platform\":%s}",
		s->v[i].digest.s, s->v[i].n, platform);
}

#define AMD64 "{\"os\":\"linux\",\"architecture\":\"amd64\"}"
#define ARM64 "{\"os\":\"linux\",\"architecture\":\"arm64\",\"variant\":\"v8\"}"
#define NONE  "{\"os\":\"unknown\",\"architecture\":\"unknown\"}"

TEST(base_of_an_index_is_the_platforms_image)
{
	AP_CLEANUP(unit_store_release) struct unit_store s;
	AP_CLEANUP(ap_base_release) struct ap_base b = { 0 };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *a = NULL;
	ap_auto_free char *c = NULL;
	ap_auto_free char *u = NULL;
	ap_auto_free char *all = NULL;
	size_t image;

	unit_store_init(&s);
	unit_store_image(&s, false);
	image = s.top;
	a = entry(&s, image, AMD64);
	c = entry(&s, 1, ARM64);
	u = entry(&s, 2, NONE);
	all = ap_xasprintf("%s,%s,%s", u, c, a);
	add_index(&s, all);
	assert_ok(ap_base_load(&b, &s.source, "linux/amd64", &err), &err);
	assert_string_equal(b.manifest.digest.s, s.v[image].digest.s);
	assert_string_equal(b.index.s, s.v[s.top].digest.s);
	ap_base_release(&b);
	assert_fails(ap_base_load(&b, &s.source, "linux/s390x", &err), &err, AP_E_UNSUPPORTED,
		"no linux/s390x in the index, it has linux/arm64, linux/amd64");
	assert_fails(ap_base_load(&b, &s.source, "amd64", &err), &err, AP_E_INPUT,
		"want OS/ARCHITECTURE");
}

TEST(base_refuses_an_index_entry_with_the_wrong_size)
{
	AP_CLEANUP(unit_store_release) struct unit_store s;
	struct ap_base b = { 0 };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *a = NULL;

	unit_store_init(&s);
	unit_store_image(&s, false);
	a = entry(&s, s.top, AMD64);
	add_index(&s, a);
	bend(&s, s.top, "\"size\":", "\"size\":1");
	assert_fails(ap_base_load(&b, &s.source, "linux/amd64", &err), &err, AP_E_DIGEST, "bytes");
}

TEST(base_refuses_a_manifest_with_other_bytes)
{
	for (int in_index = 0; in_index < 2; in_index++) {
		AP_CLEANUP(unit_store_release) struct unit_store s;
		struct ap_base b = { 0 };
		struct ap_err err = AP_ERR_INIT;
		size_t image;

		unit_store_init(&s);
		unit_store_image(&s, false);
		image = s.top;
		if (in_index) {
			ap_auto_free char *a = entry(&s, image, AMD64);

			add_index(&s, a);
		}
		memcpy(s.v[image].p, " {", 1);
		assert_fails(ap_base_load(&b, &s.source, "linux/amd64", &err), &err, AP_E_DIGEST,
			"manifest: want sha256:");
	}
}

TEST(base_refuses_a_store_that_contradicts_the_index)
{
	AP_CLEANUP(unit_store_release) struct unit_store s;
	struct ap_base b = { 0 };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *a = NULL;

	unit_store_init(&s);
	unit_store_image(&s, false);
	a = entry(&s, s.top, AMD64);
	free(s.v[s.top].media_type);
	s.v[s.top].media_type = ap_xstrdup(AP_MT_DOCKER_IMAGE);
	add_index(&s, a);
	assert_fails(ap_base_load(&b, &s.source, "linux/amd64", &err), &err, AP_E_PROTO,
		"the index says");
}

TEST(base_index_choice_knows_variants)
{
	static const struct {
		const char *want;
		int index; /* of the platforms below; -1: none */
	} cases[] = { { "linux/amd64", 0 }, { "linux/amd64/v3", 1 }, { "linux/arm64", 2 },
		{ "linux/arm64/v8", 2 }, { "linux/arm", 4 }, { "linux/arm/v6", 3 },
		{ "linux/amd64/v2", 0 }, { "windows/amd64", -1 } };
	static const char *const platforms[] = { AMD64,
		"{\"os\":\"linux\",\"architecture\":\"amd64\",\"variant\":\"v3\"}", ARM64,
		"{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v6\"}",
		"{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\"}" };
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_json index = NULL;
	struct ap_err err = AP_ERR_INIT;

	ap_buf_adds(&text, "{\"manifests\":[");
	for (size_t i = 0; i < AP_LEN(platforms); i++)
		ap_buf_addf(&text,
			"%s{\"mediaType\":\"%s\",\"digest\":\"sha256:%064zu\",\"size\":1,\"platform\":%s}",
			i ? "," : "", AP_MT_OCI_MANIFEST, i, platforms[i]);
	ap_buf_adds(&text, "]}");
	assert_ok(ap_json_parse(&index, text.p, text.len, &err), &err);
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };

		print_message("  case: %s\n", cases[i].want);
		if (cases[i].index < 0) {
			assert_fails(ap_index_choose(&d, index, cases[i].want, &err), &err,
				AP_E_UNSUPPORTED, "it has linux/amd64, linux/amd64/v3");
			continue;
		}
		assert_ok(ap_index_choose(&d, index, cases[i].want, &err), &err);
		assert_int_equal(atoi(d.digest.s + 7 + 60), cases[i].index);
	}
}

TEST(base_indexes_that_contain_themselves_end)
{
	AP_CLEANUP(unit_store_release) struct unit_store s;
	struct ap_base b = { 0 };
	struct ap_err err = AP_ERR_INIT;

	unit_store_init(&s);
	unit_store_image(&s, false);
	for (int i = 0; i < 6; i++) {
		ap_auto_free char *e = ap_xasprintf("{\"mediaType\":\"" AP_MT_OCI_INDEX
						    "\",\"digest\":\"%s\",\"size\":%zu}",
			s.v[s.top].digest.s, s.v[s.top].n);

		if (i == 0) {
			ap_auto_free char *first = entry(&s, s.top, AMD64);

			add_index(&s, first);
		} else {
			add_index(&s, e);
		}
	}
	assert_fails(ap_base_load(&b, &s.source, "linux/amd64", &err), &err, AP_E_LIMIT,
		"nested deeper");
}

TEST(base_tells_of_instructions_for_who_builds_on_it)
{
	static const struct {
		const char *config;
		bool has;
	} cases[] = { { "{}", false }, { "{\"config\":{\"OnBuild\":null}}", false },
		{ "{\"config\":{\"OnBuild\":[]}}", false },
		{ "{\"config\":{\"OnBuild\":[\"RUN x\"]}}", true } };

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_base b = { 0 };
		struct ap_err err = AP_ERR_INIT;

		assert_ok(ap_json_parse(&b.config, cases[i].config, strlen(cases[i].config), &err),
			&err);
		assert_int_equal(ap_base_has_onbuild(&b), cases[i].has);
		ap_base_release(&b);
	}
}

TEST(base_keeps_foreign_layers_as_they_are)
{
	AP_CLEANUP(unit_store_release) struct unit_store s;
	AP_CLEANUP(ap_base_release) struct ap_base b = { 0 };
	struct ap_err err = AP_ERR_INIT;

	unit_store_init(&s);
	unit_store_image(&s, true);
	bend(&s, s.top, "\"mediaType\":\"" AP_MT_DOCKER_GZIP "\"",
		"\"mediaType\":\"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip\","
		"\"urls\":[\"https://example.com/l\"]");
	assert_ok(ap_base_load(&b, &s.source, "linux/amd64", &err), &err);
	assert_true(ap_media_type_foreign(b.layers[0].media_type));
	assert_string_equal(b.layers[0].urls->child->valuestring, "https://example.com/l");
}
