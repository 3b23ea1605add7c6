#include "tests/unit/unit.h"

#include <stdlib.h>

#include "base/url.h"

TEST(url_parse_takes_apart_what_it_accepts)
{
	static const struct {
		const char *in, *scheme, *host, *path, *query;
		unsigned port;
	} cases[] = {
		{ "https://Example.COM", "https", "example.com", "/", NULL, 443 },
		{ "HTTP://h:5000/v2/?a=b#c", "http", "h", "/v2/", "a=b", 5000 },
		{ "http://[::1]:80/x", "http", "::1", "/x", NULL, 80 },
		{ "http://[0:0::1]/x", "http", "::1", "/x", NULL, 80 },
		{ "https://h?x=http://y/@z", "https", "h", "/", "x=http://y/@z", 443 },
		{ "https://10.0.0.1:/", "https", "10.0.0.1", "/", NULL, 443 },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_url u = { 0 };

		print_message("  case: %s\n", cases[i].in);
		assert_ok(ap_url_parse(&u, cases[i].in, &err), &err);
		assert_string_equal(u.scheme, cases[i].scheme);
		assert_string_equal(u.host, cases[i].host);
		assert_string_equal(u.path, cases[i].path);
		assert_int_equal(u.port, cases[i].port);
		assert_true(ap_streq(u.query, cases[i].query));
	}
}

TEST(url_parse_refuses_what_two_parsers_could_read_differently)
{
	static const char *const cases[] = {
		"ftp://h/",
		"h/x",
		"//h/x",
		"https:h/x",
		"https:///x",
		"https://u:p@h/",
		"https://h@evil/",
		"https://h\\@evil/",
		"https://h/\r\nX: y",
		"https://h/a b",
		"https://h:0/",
		"https://h:65536/",
		"https://h:80:80/",
		"https://h:+80/",
		"https://127.1/",
		"https://2130706433/",
		"https://0x7f.0.0.1/",
		"https://0177.0.0.1/",
		"https://127.0.0.1./",
		"https://a..b/",
		"https://.a/",
		"https://a%2eb/",
		"https://[::1/",
		"https://[127.0.0.1]/",
		"https://[fe80::1%25eth0]/",
		"https://h\xc3\xa9/",
		"https://",
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_url u;

		print_message("  case: %s\n", cases[i]);
		assert_fails(ap_url_parse(&u, cases[i], &err), &err, AP_E_PROTO, "url");
	}
}

/* The examples of RFC 3986 section 5.4, with the base's scheme ours. */
TEST(url_join_follows_the_examples_of_its_standard)
{
	static const struct {
		const char *ref, *want;
	} cases[] = {
		{ "g", "http://a/b/c/g" },
		{ "./g", "http://a/b/c/g" },
		{ "g/", "http://a/b/c/g/" },
		{ "/g", "http://a/g" },
		{ "//g", "http://g/" },
		{ "?y", "http://a/b/c/d;p?y" },
		{ "g?y", "http://a/b/c/g?y" },
		{ "#s", "http://a/b/c/d;p?q" },
		{ "g#s", "http://a/b/c/g" },
		{ ";x", "http://a/b/c/;x" },
		{ "", "http://a/b/c/d;p?q" },
		{ ".", "http://a/b/c/" },
		{ "./", "http://a/b/c/" },
		{ "..", "http://a/b/" },
		{ "../g", "http://a/b/g" },
		{ "../..", "http://a/" },
		{ "../../../g", "http://a/g" },
		{ "/./g", "http://a/g" },
		{ "/../g", "http://a/g" },
		{ "g.", "http://a/b/c/g." },
		{ "..g", "http://a/b/c/..g" },
		{ "g;x=1/../y", "http://a/b/c/y" },
		{ "g?y/../x", "http://a/b/c/g?y/../x" },
		{ "https://b:444/x?y", "https://b:444/x?y" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *out = NULL;

		print_message("  case: %s\n", cases[i].ref);
		assert_ok(ap_url_join(&out, "http://a/b/c/d;p?q", cases[i].ref, &err), &err);
		assert_string_equal(out, cases[i].want);
	}
}

TEST(url_join_refuses_other_schemes_and_user_information)
{
	static const char *const cases[] = { "file:///etc/passwd", "//u@h/", "gopher://x/",
		"http://h\\x" };
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		char *out = NULL;

		assert_fails(
			ap_url_join(&out, "https://a/b", cases[i], &err), &err, AP_E_PROTO, "url");
	}
}

TEST(url_origin_is_scheme_and_host_and_port)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "https://h/a", "https://H:443/b?c", true },
		{ "https://h", "http://h", false },
		{ "https://h", "http://h:443", false },
		{ "https://h", "https://h:444", false },
		{ "https://h", "https://h.x", false },
		{ "http://[::1]", "http://[0::1]:80", true },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_url a = { 0 };
		ap_auto_url b = { 0 };

		print_message("  case: %s %s\n", cases[i].a, cases[i].b);
		assert_ok(ap_url_parse(&a, cases[i].a, &err), &err);
		assert_ok(ap_url_parse(&b, cases[i].b, &err), &err);
		assert_int_equal(ap_url_same_origin(&a, &b), cases[i].same);
	}
}

TEST(url_hop_is_refused_where_it_would_lose_safety)
{
	static const struct {
		const char *from, *ref;
		bool private, same;
		const char *fails_with;
	} cases[] = {
		{ "https://h/a", "/b", false, true, NULL },
		{ "https://h/a", "https://h:443/b", false, true, NULL },
		{ "https://h/a", "https://cdn/b", false, false, NULL },
		{ "https://h/a", "https://h:444/b", false, false, NULL },
		{ "http://h/a", "https://h/b", false, false, NULL },
		{ "https://h/a", "http://h/b", false, false, "from https to http" },
		{ "https://h/a", "https://10.0.0.1/b", false, false, "private address" },
		{ "https://h/a", "https://[::1]/b", false, false, "private address" },
		{ "https://h/a", "https://localhost/b", false, false, "private address" },
		{ "https://10.0.0.1/a", "https://10.0.0.2/b", true, false, NULL },
		{ "http://127.0.0.1:1/a", "http://127.0.0.1:2/b", true, false, NULL },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *to = NULL;
		bool same = false;

		print_message("  case: %s %s\n", cases[i].from, cases[i].ref);
		if (cases[i].fails_with) {
			assert_fails(ap_url_hop(&to, &same, cases[i].from, cases[i].ref,
					     cases[i].private, &err),
				&err, AP_E_PROTO, cases[i].fails_with);
			continue;
		}
		assert_ok(
			ap_url_hop(&to, &same, cases[i].from, cases[i].ref, cases[i].private, &err),
			&err);
		assert_int_equal(same, cases[i].same);
	}
}

TEST(url_shown_to_people_has_no_query_and_no_user)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "https://h/p?token=secret", "https://h/p" },
		{ "https://u:secret@h/p#f", "https://h/p" },
		{ "https://u:se@cret@h/p@q", "https://h/p@q" },
		{ "https://h?u@secret", "https://h" },
		{ "https://h/\x1b[2J", "https://h/\\x1b[2J" },
		{ "nonsense", "nonsense" },
		{ "u:secret@h", "h" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *s = ap_url_public(cases[i].in);

		print_message("  case: %s\n", cases[i].want);
		assert_string_equal(s, cases[i].want);
	}
}

TEST(hosts_are_private_whatever_their_spelling)
{
	static const struct {
		const char *host;
		bool private, loopback;
	} cases[] = {
		{ "localhost", true, true },
		{ "LOCALHOST", true, true },
		{ "localhost.", true, false },
		{ "x.localhost", true, false },
		{ "notlocalhost", false, false },
		{ "127.0.0.1", true, true },
		{ "127.255.0.9", true, true },
		{ "::1", true, true },
		{ "0.0.0.0", true, false },
		{ "::", true, false },
		{ "10.1.2.3", true, false },
		{ "172.16.0.1", true, false },
		{ "172.31.255.255", true, false },
		{ "172.32.0.1", false, false },
		{ "192.168.0.1", true, false },
		{ "169.254.169.254", true, false },
		{ "100.64.0.1", true, false },
		{ "224.0.0.1", true, false },
		{ "fe80::1", true, false },
		{ "fd00::1", true, false },
		{ "ff02::1", true, false },
		{ "::ffff:127.0.0.1", true, false },
		{ "::ffff:8.8.8.8", false, false },
		{ "::7f00:1", true, false },
		{ "64:ff9b::a00:1", true, false },
		{ "2002:7f00:1::", true, false },
		{ "2001:db8::1", false, false },
		{ "8.8.8.8", false, false },
		{ "gcr.io", false, false },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		print_message("  case: %s\n", cases[i].host);
		assert_int_equal(ap_host_is_private(cases[i].host), cases[i].private);
		assert_int_equal(ap_host_is_loopback(cases[i].host), cases[i].loopback);
	}
}

TEST(url_escape_leaves_only_unreserved_characters)
{
	ap_auto_buf b = AP_BUF_INIT;

	ap_url_escape(&b, "aZ9-._~ /?&=%\xc3");
	assert_string_equal(b.p, "aZ9-._~%20%2F%3F%26%3D%25%C3");
}
