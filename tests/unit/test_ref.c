#include "tests/unit/unit.h"

#include <stdlib.h>

#include "pack/ref.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

TEST(ref_reads_what_docker_and_skopeo_read)
{
	static const struct {
		const char *text, *registry, *repository, *path, *tag, *digest;
		enum ap_transport transport;
	} cases[] = {
		{ "python:3.10-slim", "registry-1.docker.io", "library/python", NULL, "3.10-slim",
			"", AP_DOCKER },
		{ "docker.io/bitnami/redis", "registry-1.docker.io", "bitnami/redis", NULL, NULL,
			"", AP_DOCKER },
		{ "docker://gcr.io/p/n", "gcr.io", "p/n", NULL, NULL, "", AP_DOCKER },
		{ "gcr.io", "registry-1.docker.io", "library/gcr.io", NULL, NULL, "", AP_DOCKER },
		{ "localhost:5000/a/b:1", "localhost:5000", "a/b", NULL, "1", "", AP_DOCKER },
		{ "localhost/a", "localhost", "a", NULL, NULL, "", AP_DOCKER },
		{ "[::1]:5000/a", "[::1]:5000", "a", NULL, NULL, "", AP_DOCKER },
		{ "MyHost/a", "MyHost", "a", NULL, NULL, "", AP_DOCKER },
		{ "Reg.Example.COM/a", "reg.example.com", "a", NULL, NULL, "", AP_DOCKER },
		{ "r.io/a:t@sha256:" HEX, "r.io", "a", NULL, "t", "sha256:" HEX, AP_DOCKER },
		{ "r.io/a__b-c---d.e/f_g", "r.io", "a__b-c---d.e/f_g", NULL, NULL, "", AP_DOCKER },
		{ "oci:out", NULL, NULL, "out", NULL, "", AP_OCI },
		{ "oci:/a/b:v1", NULL, NULL, "/a/b", "v1", "", AP_OCI },
		{ "oci:/a/b@sha256:" HEX, NULL, NULL, "/a/b", NULL, "sha256:" HEX, AP_OCI },
		{ "oci-archive:x.tar:t", NULL, NULL, "x.tar", "t", "", AP_OCI_ARCHIVE },
		{ "docker-archive:x.tar", NULL, NULL, "x.tar", NULL, "", AP_DOCKER_ARCHIVE },
		{ "docker-archive:x.tar:gcr.io/p/n:t", NULL, "gcr.io/p/n", "x.tar", "t", "",
			AP_DOCKER_ARCHIVE },
		{ "docker-archive:x.tar:n", NULL, "n", "x.tar", "latest", "", AP_DOCKER_ARCHIVE },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_ref_release) struct ap_ref r = { 0 };
		struct ap_err err = AP_ERR_INIT;

		print_message("  case: %s\n", cases[i].text);
		assert_ok(ap_ref_parse(&r, cases[i].text, &err), &err);
		assert_int_equal(r.transport, cases[i].transport);
		assert_true(ap_streq(r.registry, cases[i].registry));
		assert_true(ap_streq(r.repository, cases[i].repository));
		assert_true(ap_streq(r.path, cases[i].path));
		assert_true(ap_streq(r.tag, cases[i].tag));
		assert_string_equal(r.digest.s, cases[i].digest);
	}
}

TEST(ref_refuses_what_is_no_image_name)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "want a name" },
		{ "gcr.io/my-project/trainer:", "want a tag" },
		{ "gcr.io/my-project/trainer:bad/tag", "lower-case" },
		{ "gcr.io/my-project//trainer", "lower-case" },
		{ "gcr.io/my-project/a___b", "lower-case" },
		{ "eu.gcr.io/projectName/imageName", "lower-case" },
		{ " gcr.io/my-project/trainer", "no host" },
		{ "python:3.10 AS build", "want a tag" },
		{ "gcr.io/p/-n", "lower-case" },
		{ "gcr.io/p/n-", "lower-case" },
		{ "gcr.io/p/n@sha256:abc", "want sha256" },
		{ "gcr.io/p/n@sha512:" HEX, "want sha256" },
		{ "host:0/a", "no host" },
		{ "host:65536/a", "no host" },
		{ "a..b/c", "no host" },
		{ "user@host.io/a", "want sha256" },
		{ "gcr.io/p/n\nx", "control character" },
		{ "docker-daemon:app:1", "an engine's store" },
		{ "containers-storage:app:1", "an engine's store" },
		{ "oci:", "want a path" },
		{ "oci::tag", "want a path" },
		{ "oci:dir:", "want a tag" },
		{ "oci:dir:a/b", "want a tag" },
		{ "oci:dir:t@sha256:" HEX, "not both" },
		{ "docker-archive:f:n:", "want a tag" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_ref r = { 0 };
		struct ap_err err = AP_ERR_INIT;

		print_message("  case: %s\n", cases[i].text);
		assert_fails(ap_ref_parse(&r, cases[i].text, &err), &err, AP_E_INPUT, cases[i].why);
	}
}

TEST(ref_names_can_be_read_again)
{
	static const char *const cases[][2] = {
		{ "python:3", "docker.io/library/python:3" },
		{ "gcr.io/p/n", "gcr.io/p/n" },
		{ "gcr.io/p/n@sha256:" HEX, "gcr.io/p/n@sha256:" HEX },
		{ "oci:d:t", "oci:d:t" },
		{ "oci:d@sha256:" HEX, "oci:d@sha256:" HEX },
		{ "docker-archive:f:n/m:t", "docker-archive:f:n/m:t" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_ref_release) struct ap_ref r = { 0 };
		AP_CLEANUP(ap_ref_release) struct ap_ref again = { 0 };
		struct ap_err err = AP_ERR_INIT;
		ap_auto_free char *name = NULL;

		assert_ok(ap_ref_parse(&r, cases[i][0], &err), &err);
		name = ap_ref_name(&r);
		assert_string_equal(name, cases[i][1]);
		assert_ok(ap_ref_parse(&again, name, &err), &err);
		assert_int_equal(again.transport, r.transport);
		assert_true(ap_streq(again.repository, r.repository));
	}
}

TEST(ref_sanitise_follows_gcloud_where_that_is_legal)
{
	static const char *const cases[][2] = {
		{ "my-job", "my-job" },
		{ "ALLCAPS", "allcaps" },
		{ "My training job", "my.training.job" },
		{ "team/project/job", "team.project.job" },
		{ "job (v2) #7: lr=0.1/adam", "job.v2.7.lr.0.1.adam" },
		{ "--_job_--", "job" },
		{ "20250701", "20250701" },
		/* gcloud's own answers to these two, a.-.b and a_.b, are refused by registries */
		{ "a - b", "a.b" },
		{ "a_ b", "a_b" },
		{ "a___b", "a_b" },
		{ "a__b---c", "a__b---c" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *s = ap_ref_sanitise(cases[i][0]);

		assert_string_equal(s, cases[i][1]);
	}
}

TEST(ref_sanitise_makes_any_text_a_legal_name)
{
	char longest[301];
	static const char *const texts[] = { "!?", "\xe8\xa8\x93\xe7\xb7\xb4", "", "...", "_",
		"A" };

	memset(longest, 'j', 300);
	longest[300] = '\0';
	for (size_t i = 0; i <= AP_LEN(texts); i++) {
		const char *text = i < AP_LEN(texts) ? texts[i] : longest;
		ap_auto_free char *s = ap_ref_sanitise(text);
		ap_auto_free char *full = ap_xasprintf("gcr.io/p/%s", s);
		AP_CLEANUP(ap_ref_release) struct ap_ref r = { 0 };
		struct ap_err err = AP_ERR_INIT;

		assert_ok(ap_ref_parse(&r, full, &err), &err);
		assert_true(strlen(s) <= 128);
	}
}

TEST(ref_sanitise_keeps_names_without_letters_apart)
{
	ap_auto_free char *a = ap_ref_sanitise("\xe8\xa8\x93");
	ap_auto_free char *b = ap_ref_sanitise("\xe7\xb7\xb4");

	assert_string_not_equal(a, b);
}
