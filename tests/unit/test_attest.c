#include <stdio.h>
#include <stdlib.h>

#include "attest/bom.h"
#include "attest/box.h"
#include "attest/cosign.h"
#include "attest/license.h"
#include "attest/provenance.h"
#include "attest/referrers.h"
#include "base/base64.h"
#include "registry/referrers.h"
#include "tests/unit/unit.h"

static void unhex(unsigned char *out, const char *hex)
{
	for (size_t i = 0; hex[2 * i]; i++) {
		unsigned v = 0;

		sscanf(hex + 2 * i, "%2x", &v);
		out[i] = (unsigned char)v;
	}
}

/* The example of NaCl's own documentation. */
TEST(attest_secretbox_opens_the_example_of_nacl)
{
	static const char box_hex[] =
		"f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4"
		"476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738"
		"b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de"
		"56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5";
	static const char plain_hex[] =
		"be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a"
		"1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057"
		"e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040"
		"e082f937763848645e0705";
	unsigned char key[32];
	unsigned char nonce[24];
	unsigned char box[147];
	unsigned char want[131];
	unsigned char plain[131];

	unhex(key, "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389");
	unhex(nonce, "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37");
	unhex(box, box_hex);
	unhex(want, plain_hex);
	assert_true(ap_secretbox_open(plain, key, nonce, box, sizeof(box)));
	assert_memory_equal(plain, want, sizeof(want));
	box[146] ^= 1;
	assert_false(ap_secretbox_open(plain, key, nonce, box, sizeof(box)));
	assert_false(ap_secretbox_open(plain, key, nonce, box, 15));
}

TEST(attest_box_is_refused_for_what_it_is_not)
{
#define KDF(n, r, p)                                                                        \
	"{\"kdf\":{\"name\":\"scrypt\",\"params\":{\"N\":" n ",\"r\":" r ",\"p\":" p        \
	"},\"salt\":\"c2FsdA==\"},\"cipher\":{\"name\":\"nacl/secretbox\",\"nonce\":\"AAAA" \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAA\"},\"ciphertext\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"
	static const struct {
		const char *name, *json, *says;
	} cases[] = {
		{ "no JSON", "box", "of cosign's" },
		{ "nothing in it", "{}", "not scrypt" },
		{ "another way to a key", "{\"kdf\":{\"name\":\"argon\"}}", "not scrypt" },
		{ "blocks too big", KDF("1024", "17", "1"), "over our limit" },
		{ "too many rounds", KDF("1024", "8", "5"), "over our limit" },
		{ "too much memory", KDF("2097152", "1", "1"), "over our limit" },
		{ "another password", KDF("1024", "8", "1"), "not with the password given" },
		{ "N that is no power of two", KDF("1000", "8", "1"),
			"not with the password given" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_err err = AP_ERR_INIT;
		ap_auto_buf out = AP_BUF_INIT;

		print_message("  case: %s\n", cases[i].name);
		assert_fails(ap_box_open(&out, cases[i].json, strlen(cases[i].json), "pw", &err),
			&err, AP_E_INPUT, cases[i].says);
		assert_int_equal(out.len, 0);
	}
}

TEST(attest_base64_is_read_strictly)
{
	static const struct {
		const char *text, *plain; /* NULL: refused */
	} cases[] = {
		{ "", "" },
		{ "Zg==", "f" },
		{ "Zm8=", "fo" },
		{ "Zm9v", "foo" },
		{ "Zm9vYg==", "foob" },
		{ "Zg", NULL },
		{ "Zg=", NULL },
		{ "Z===", NULL },
		{ "====", NULL },
		{ "Zg==Zg==", NULL },
		{ "Zm9\n", NULL },
		{ " m9v", NULL },
		{ "Zm9v\n\n\n\n", NULL },
		{ "Zm-_", NULL },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_buf out = AP_BUF_INIT;
		ap_auto_buf again = AP_BUF_INIT;
		bool ok = ap_base64_decode(&out, cases[i].text);

		print_message("  case: \"%s\"\n", cases[i].text);
		assert_int_equal(ok, cases[i].plain != NULL);
		if (!ok)
			continue;
		assert_string_equal(out.p, cases[i].plain);
		ap_base64(&again, out.p, out.len);
		assert_string_equal(again.p, cases[i].text);
	}
}

TEST(attest_license_is_what_metadata_says)
{
	static const struct {
		const char *name, *metadata, *expression, *text;
	} cases[] = {
		{ "nothing", "Name: x\n", NULL, NULL },
		{ "expression", "License-Expression: MIT OR (Apache-2.0 AND BSD-3-Clause)\n",
			"MIT OR (Apache-2.0 AND BSD-3-Clause)", NULL },
		{ "expression before words", "License: x\nLicense-Expression: MIT\n", "MIT", NULL },
		{ "no expression after all", "License-Expression: MIT; see \"x\"\n", NULL,
			"MIT; see \"x\"" },
		{ "words", "License: BSD, 3 clauses\n", NULL, "BSD, 3 clauses" },
		{ "words before classifiers",
			"License: own\nClassifier: License :: OSI Approved :: MIT License\n", NULL,
			"own" },
		{ "the word for nothing",
			"License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n",
			NULL, "MIT License" },
		{ "two classifiers",
			"Classifier: License :: OSI Approved :: MIT License\nClassifier: "
			"Programming Language :: Python\nClassifier: License :: Public Domain\n",
			NULL, "MIT License / Public Domain" },
		{ "an empty classifier", "Classifier: License :: OSI Approved\n", NULL, NULL },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_err err = AP_ERR_INIT;
		struct ap_headers h = { 0 };
		struct ap_license l;

		print_message("  case: %s\n", cases[i].name);
		assert_ok(ap_headers_parse(&h, cases[i].metadata, strlen(cases[i].metadata), &err),
			&err);
		ap_license_of(&l, &h);
		assert_true(ap_streq(l.expression, cases[i].expression));
		assert_true(ap_streq(l.text, cases[i].text));
		ap_license_release(&l);
		ap_headers_release(&h);
	}
}

TEST(attest_requirements_are_shown_without_secrets)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "numpy>=1.26", "numpy>=1.26" },
		{ "a @ https://u:p@h.example/a.whl", "a @ https://h.example/a.whl" },
		{ "a@https://tok@h/a.whl?sig=1#sha256=00 ; python_version > '3'",
			"a@https://h/a.whl ; python_version > '3'" },
		{ "git+https://u:p@h/r.git", "git+https://h/r.git" },
		{ "a @ https://u@h/x;b @ https://u@h/y", "a @ https://h/x;b @ https://h/y" },
		{ "://", "://" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_buf out = AP_BUF_INIT;

		ap_requirement_public(&out, cases[i].in);
		assert_string_equal(out.p, cases[i].out);
	}
}

TEST(attest_package_urls_are_escaped)
{
	struct ap_digest d;
	ap_auto_buf py = AP_BUF_INIT;
	ap_auto_buf oci = AP_BUF_INIT;
	ap_auto_free char *want = NULL;

	ap_sha256_of(&d, "x", 1);
	ap_purl_pypi(&py, "a-b", "1!2.0+cu121");
	assert_string_equal(py.p, "pkg:pypi/a-b@1%212.0%2Bcu121");
	ap_purl_oci(&oci, "h:5000/p/train", &d, "linux/arm/v7");
	want = ap_xasprintf(
		"pkg:oci/train@sha256%%3A%s?arch=arm/v7&repository_url=h%%3A5000/p/train",
		ap_digest_hex(&d));
	assert_string_equal(oci.p, want);
}

/* The example of the DSSE specification. */
TEST(attest_dsse_signs_length_and_type)
{
	ap_auto_buf out = AP_BUF_INIT;

	ap_dsse_pae(&out, "http://example.com/HelloWorld", "hello world", 11);
	assert_string_equal(out.p, "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

TEST(attest_envelopes_of_other_things_are_refused)
{
	static const struct {
		const char *name, *json, *says;
	} cases[] = {
		{ "no JSON", "x", "envelope" },
		{ "no payload", "{\"payloadType\":\"application/vnd.in-toto+json\"}", "payload" },
		{ "another type",
			"{\"payloadType\":\"text/plain\",\"payload\":\"Zg==\",\"signatures\":[]}",
			"in-toto" },
		{ "no signatures",
			"{\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":\"Zg==\"}",
			"in-toto" },
		{ "no base64",
			"{\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":\"?\","
			"\"signatures\":[]}",
			"in-toto" },
	};
	static const char good[] = "{\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":"
				   "\"Zg==\",\"signatures\":[{\"keyid\":\"\",\"sig\":\"Zg==\"}]}";
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf out = AP_BUF_INIT;
	bool ours = true;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		print_message("  case: %s\n", cases[i].name);
		assert_fails(
			ap_dsse_open(&out, &ours, NULL, cases[i].json, strlen(cases[i].json), &err),
			&err, AP_E_PROTO, cases[i].says);
	}
	assert_ok(ap_dsse_open(&out, &ours, NULL, good, strlen(good), &err), &err);
	assert_string_equal(out.p, "f");
	assert_false(ours);
}

#define D "sha256:0000000000000000000000000000000000000000000000000000000000000000"

TEST(attest_lists_of_referrers_are_indexes)
{
	static const struct {
		const char *name, *json, *says; /* says NULL: read */
		size_t n;
	} cases[] = {
		{ "none", "{\"schemaVersion\":2,\"manifests\":[]}", NULL, 0 },
		{ "one",
			"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"a/b\",\"digest\":\"" D
			"\",\"size\":1,\"artifactType\":\"c/d\"}]}",
			NULL, 1 },
		{ "a manifest",
			"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"a/b\",\"digest\":\"" D
			"\",\"size\":1},\"layers\":[]}",
			"want an index", 0 },
		{ "a digest that climbs",
			"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"a/b\",\"digest\":"
			"\"sha256:../../x\",\"size\":1}]}",
			"sha256:<64 hex>", 0 },
		{ "no JSON", "<html>", "list of referrers", 0 },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_err err = AP_ERR_INIT;
		struct ap_referrers r = { 0 };
		const char *json = cases[i].json;

		print_message("  case: %s\n", cases[i].name);
		if (cases[i].says) {
			assert_fails(ap_referrers_parse(&r, json, strlen(json), &err), &err,
				AP_E_PROTO, cases[i].says);
			continue;
		}
		assert_ok(ap_referrers_parse(&r, json, strlen(json), &err), &err);
		assert_int_equal(r.n, cases[i].n);
		ap_referrers_release(&r);
	}
}

TEST(attest_lists_of_referrers_have_a_limit)
{
	struct ap_err err = AP_ERR_INIT;
	struct ap_referrers r = { 0 };
	ap_auto_buf json = AP_BUF_INIT;

	ap_buf_adds(&json, "{\"schemaVersion\":2,\"manifests\":[");
	for (int i = 0; i <= AP_REFERRERS_MAX; i++)
		ap_buf_addf(&json, "%s{\"mediaType\":\"a/b\",\"digest\":\"" D "\",\"size\":1}",
			i ? "," : "");
	ap_buf_adds(&json, "]}");
	assert_fails(
		ap_referrers_parse(&r, json.p, json.len, &err), &err, AP_E_LIMIT, "over the limit");
}

TEST(attest_the_next_page_is_of_the_same_origin)
{
	static const char from[] = "https://reg.example/v2/x/referrers/" D;
	static const struct {
		const char *header, *next, *says;
	} cases[] = {
		{ NULL, NULL, NULL },
		{ "", NULL, NULL },
		{ "</v2/x/referrers/y?n=2>; rel=\"next\"",
			"https://reg.example/v2/x/referrers/y?n=2", NULL },
		{ "</y?n=2>;rel=next", "https://reg.example/y?n=2", NULL },
		{ "</y>; rel=\"prev\"", NULL, NULL },
		{ "/y; rel=\"next\"", NULL, NULL },
		{ "<https://other.example/y>; rel=\"next\"", NULL, "another origin" },
		{ "<http://reg.example/y>; rel=\"next\"", NULL, "http" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_err err = AP_ERR_INIT;
		ap_auto_free char *next = NULL;

		print_message("  case: %s\n", cases[i].header ? cases[i].header : "none");
		if (cases[i].says) {
			assert_fails(ap_link_next(&next, cases[i].header, from, &err), &err,
				AP_E_PROTO, cases[i].says);
			continue;
		}
		assert_ok(ap_link_next(&next, cases[i].header, from, &err), &err);
		assert_true(ap_streq(next, cases[i].next));
	}
}
