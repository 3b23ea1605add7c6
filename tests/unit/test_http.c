#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/http.h"
#include "tests/unit/peer.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct ap_http *client(void)
{
	struct ap_http *h;

	ap_http_new(&h,
		&(struct ap_http_opts){ .stall_timeout = 1, .retry_seconds = 8, .retry_count = 3 });
	return h;
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int get(struct ap_http *h, const char *url, unsigned flags, struct ap_http_resp *resp,
	struct ap_err *err)
{
	return ap_http_do(h,
		&(struct ap_http_req){ .method = "GET",
			.url = url,
			.authorization = "Bearer s3cret",
			.flags = flags },
		resp, err);
}

TEST(http_counts_what_goes_over_the_wire)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	struct ap_http_traffic t = ap_http_traffic(h);
	struct peer *p;

	assert_int_equal(t.requests, 0);
	PEER(p, NULL, OK);
	{
		ap_auto_http_resp resp = { 0 };

		assert_ok(get(h, peer_url(p), 0, &resp, &err), &err);
	}
	t = ap_http_traffic(h);
	assert_int_equal(t.requests, 1);
	assert_int_equal(t.received, strlen(OK));
	assert_int_equal(t.sent, strlen(peer_request(p, 0)));
	peer_stop(p);
	ap_http_free(h);
}

TEST(http_keeps_credentials_from_a_redirect_to_another_port)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	struct peer *other;
	struct peer *first;

	PEER(other, NULL, OK);
	PEER(first, peer_url(other),
		"HTTP/1.1 307 Go\r\nLocation: %P/x\r\nContent-Length: 0\r\n\r\n");
	{
		ap_auto_http_resp resp = { 0 };

		assert_ok(get(h, peer_url(first), AP_HTTP_FOLLOW, &resp, &err), &err);
		assert_int_equal(resp.status, 200);
		assert_true(ap_starts_with(resp.url, peer_url(other)));
	}
	assert_non_null(strstr(peer_request(first, 0), "Bearer s3cret"));
	assert_int_equal(peer_count(other), 1);
	assert_null(strstr(peer_request(other, 0), "s3cret"));
	assert_null(strcasestr(peer_request(other, 0), "authorization"));
	peer_stop(first);
	peer_stop(other);
	ap_http_free(h);
}

TEST(http_keeps_credentials_on_a_redirect_within_the_origin)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_http_resp resp = { 0 };
	struct peer *p;

	PEER(p, NULL, "HTTP/1.1 302 Go\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n", OK);
	assert_ok(get(h, peer_url(p), AP_HTTP_FOLLOW, &resp, &err), &err);
	assert_string_equal(resp.body.p, "ok");
	assert_true(ap_starts_with(peer_request(p, 1), "GET /y HTTP/1.1"));
	assert_non_null(strstr(peer_request(p, 1), "Bearer s3cret"));
	peer_stop(p);
	ap_http_free(h);
}

TEST(http_stops_after_five_redirects)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_http_resp resp = { 0 };
	struct peer *p;

	PEER(p, NULL, "HTTP/1.1 302 Go\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n");
	assert_fails(get(h, peer_url(p), AP_HTTP_FOLLOW | AP_HTTP_RETRY, &resp, &err), &err,
		AP_E_PROTO, "more than 5 redirects");
	assert_int_equal(peer_count(p), 6);
	peer_stop(p);
	ap_http_free(h);
}

TEST(http_refuses_redirects_that_lead_astray)
{
	static const struct {
		const char *name, *location;
	} cases[] = {
		{ "file", "file:///etc/passwd" },
		{ "user information", "http://u:p@127.0.0.1/" },
		{ "back slash", "http://127.0.0.1\\@evil/" },
	};
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *answer =
			ap_xasprintf("HTTP/1.1 302 Go\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
				cases[i].location);
		ap_auto_http_resp resp = { 0 };
		struct peer *p;

		print_message("  case: %s\n", cases[i].name);
		PEER(p, NULL, answer);
		assert_fails(get(h, peer_url(p), AP_HTTP_FOLLOW, &resp, &err), &err, AP_E_PROTO,
			"redirect");
		peer_stop(p);
	}
	ap_http_free(h);
}

TEST(http_does_not_turn_an_upload_into_a_get)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_http_resp resp = { 0 };
	struct peer *p;

	PEER(p, NULL, "HTTP/1.1 302 Go\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n");
	assert_ok(ap_http_do(h,
			  &(struct ap_http_req){ .method = "PUT",
				  .url = peer_url(p),
				  .body = "x",
				  .body_len = 1,
				  .flags = AP_HTTP_FOLLOW },
			  &resp, &err),
		&err);
	assert_int_equal(resp.status, 302);
	assert_int_equal(peer_count(p), 1);
	peer_stop(p);
	ap_http_free(h);
}

TEST(http_sends_a_body_again_after_307)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_http_resp resp = { 0 };
	ap_auto_reader r = NULL;
	struct peer *p;

	PEER(p, NULL, "HTTP/1.1 307 Go\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n", OK);
	ap_mem_reader(&r, "hello", 5);
	assert_ok(ap_http_do(h,
			  &(struct ap_http_req){ .method = "PUT",
				  .url = peer_url(p),
				  .body_reader = r,
				  .body_size = 5,
				  .flags = AP_HTTP_FOLLOW },
			  &resp, &err),
		&err);
	assert_int_equal(resp.status, 200);
	assert_non_null(strstr(peer_request(p, 0), "\r\n\r\nhello"));
	assert_non_null(strstr(peer_request(p, 1), "\r\n\r\nhello"));
	assert_non_null(strstr(peer_request(p, 1), "Content-Length: 5\r\n"));
	assert_null(strcasestr(peer_request(p, 0), "expect:"));
	peer_stop(p);
	ap_http_free(h);
}

TEST(http_notices_a_body_that_is_not_as_long_as_was_said)
{
	static const struct {
		uint64_t said;
		const char *words;
	} cases[] = {
		{ 9, "the body ends after 5 of 9 bytes" },
		{ 4, "the body is longer than 4 bytes" },
	};
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_http_resp resp = { 0 };
		ap_auto_reader r = NULL;
		struct peer *p;

		PEER(p, NULL, OK);
		ap_mem_reader(&r, "hello", 5);
		assert_fails(ap_http_do(h,
				     &(struct ap_http_req){ .method = "PUT",
					     .url = peer_url(p),
					     .body_reader = r,
					     .body_size = cases[i].said },
				     &resp, &err),
			&err, AP_E_CHANGED, cases[i].words);
		peer_stop(p);
	}
	ap_http_free(h);
}

TEST(http_never_completes_a_body_whose_digest_is_wrong)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_http_resp resp = { 0 };
	ap_auto_reader r = NULL;
	struct ap_reader *inner;
	struct ap_digest d;
	struct peer *p;

	PEER(p, NULL, OK);
	ap_sha256_of(&d, "hello", 5);
	ap_mem_reader(&inner, "hellO", 5);
	ap_verify_reader(&r, inner, &d, 5);
	assert_fails(ap_http_do(h,
			     &(struct ap_http_req){ .method = "PUT",
				     .url = peer_url(p),
				     .body_reader = r,
				     .body_size = 5,
				     .flags = AP_HTTP_RETRY },
			     &resp, &err),
		&err, AP_E_DIGEST, "want sha256:2cf24d");
	assert_int_equal(peer_count(p), 0);
	peer_stop(p);
	ap_http_free(h);
}

TEST(http_tries_again_what_may_pass)
{
	static const struct {
		const char *name, *answer;
	} cases[] = {
		{ "503", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n" },
		{ "500 with close", "HTTP/1.1 500 No\r\nConnection: close\r\n\r\n" },
		{ "429 in seconds",
			"HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n" },
		{ "408", "HTTP/1.1 408 Late\r\nContent-Length: 0\r\n\r\n" },
		{ "closed without a word", "" },
		{ "closed in the headers", "HTTP/1.1 200 OK\r\nConnection: close" },
		{ "closed in the body",
			"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nok" },
		{ "stall", "STALL" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_http *h = client();
		ap_auto_http_resp resp = { 0 };
		struct peer *p;
		double t = seconds();

		print_message("  case: %s\n", cases[i].name);
		PEER(p, NULL, cases[i].answer, OK);
		assert_ok(get(h, peer_url(p), AP_HTTP_RETRY, &resp, &err), &err);
		assert_int_equal(resp.status, 200);
		assert_string_equal(resp.body.p, "ok");
		if (strstr(cases[i].name, "seconds"))
			assert_true(seconds() - t >= 1.0);
		peer_stop(p);
		ap_http_free(h);
	}
}

TEST(http_waits_until_the_date_that_the_answer_names)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_http_resp resp = { 0 };
	struct peer *p;
	double t = seconds();

	/* Both dates are the server's: its clock may be wrong. */
	PEER(p, NULL,
		"HTTP/1.1 429 Slow\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		"Retry-After: Sun, 06 Nov 1994 08:49:39 GMT\r\nContent-Length: 0\r\n\r\n",
		OK);
	assert_ok(get(h, peer_url(p), AP_HTTP_RETRY, &resp, &err), &err);
	assert_int_equal(resp.status, 200);
	assert_true(seconds() - t >= 2.0);
	peer_stop(p);
	ap_http_free(h);
}

TEST(http_gives_the_last_answer_when_tries_are_used_up)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_http_resp resp = { 0 };
	struct peer *p;

	PEER(p, NULL, "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy");
	assert_ok(get(h, peer_url(p), AP_HTTP_RETRY, &resp, &err), &err);
	assert_int_equal(resp.status, 503);
	assert_string_equal(resp.body.p, "busy");
	assert_int_equal(peer_count(p), 4);
	peer_stop(p);
	ap_http_free(h);
}

TEST(http_does_not_wait_longer_than_it_may)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_http_resp resp = { 0 };
	struct peer *p;
	double t = seconds();

	PEER(p, NULL, "HTTP/1.1 429 Slow\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n");
	assert_ok(get(h, peer_url(p), AP_HTTP_RETRY, &resp, &err), &err);
	assert_int_equal(resp.status, 429);
	assert_int_equal(peer_count(p), 1);
	assert_true(seconds() - t < 1.0);
	peer_stop(p);
	ap_http_free(h);
}

TEST(http_sends_once_what_was_not_said_to_be_repeatable)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_http_resp resp = { 0 };
	struct peer *p;

	PEER(p, NULL, "", OK);
	assert_fails(get(h, peer_url(p), 0, &resp, &err), &err, AP_E_NET, "127.0.0.1");
	assert_int_equal(peer_count(p), 1);
	peer_stop(p);
	ap_http_free(h);
}

TEST(http_survives_a_kept_connection_that_died)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	struct peer *p;

	PEER(p, NULL, OK, "", OK);
	for (int i = 0; i < 2; i++) {
		ap_auto_http_resp resp = { 0 };
		ap_auto_reader r = NULL;

		ap_mem_reader(&r, "hello", 5);
		assert_ok(ap_http_do(h,
				  &(struct ap_http_req){ .method = "POST",
					  .url = peer_url(p),
					  .body_reader = r,
					  .body_size = 5 },
				  &resp, &err),
			&err);
		assert_int_equal(resp.status, 200);
	}
	assert_int_equal(peer_count(p), 3);
	assert_non_null(strstr(peer_request(p, 2), "\r\n\r\nhello"));
	peer_stop(p);
	ap_http_free(h);
}

TEST(http_bounds_what_a_server_can_send)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf big = AP_BUF_INIT;
	ap_auto_http_resp resp = { 0 };
	struct peer *p;

	ap_buf_adds(&big, "HTTP/1.1 404 No\r\nConnection: close\r\n\r\n");
	for (int i = 0; i < 20000; i++)
		ap_buf_adds(&big, "0123456789");
	PEER(p, NULL, big.p);
	assert_ok(get(h, peer_url(p), 0, &resp, &err), &err);
	assert_int_equal(resp.status, 404);
	assert_int_equal(resp.body.len, 65536);
	peer_stop(p);

	ap_buf_reset(&big);
	ap_buf_adds(&big, "HTTP/1.1 200 OK\r\nConnection: close\r\n");
	for (int i = 0; i < 30000; i++)
		ap_buf_adds(&big, "X-A: 0123\r\n");
	PEER(p, NULL, big.p);
	assert_fails(get(h, peer_url(p), AP_HTTP_RETRY, &resp, &err), &err, AP_E_LIMIT, "headers");
	assert_int_equal(peer_count(p), 1);
	peer_stop(p);

	ap_buf_reset(&big);
	ap_buf_adds(&big, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n0123456789");
	PEER(p, NULL, big.p);
	assert_fails(
		ap_http_do(h,
			&(struct ap_http_req){ .method = "GET", .url = peer_url(p), .max_body = 9 },
			&resp, &err),
		&err, AP_E_LIMIT, "over the limit of 9 bytes");
	peer_stop(p);
	ap_http_free(h);
}

TEST(http_refuses_control_characters_in_headers_both_ways)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_http_resp resp = { 0 };
	struct peer *p;

	PEER(p, NULL, "HTTP/1.1 200 OK\r\nX: a\x1b[2Jb\r\nContent-Length: 0\r\n\r\n");
	assert_fails(get(h, peer_url(p), 0, &resp, &err), &err, AP_E_PROTO, "control character");
	assert_int_equal(peer_count(p), 1);
	assert_fails(ap_http_do(h,
			     &(struct ap_http_req){ .method = "GET",
				     .url = peer_url(p),
				     .authorization = "Bearer a\r\nX: y" },
			     &resp, &err),
		&err, AP_E_PROTO, "control character");
	assert_null(strstr(err.msg, "X: y"));
	assert_int_equal(peer_count(p), 1);
	peer_stop(p);
	ap_http_free(h);
}

TEST(http_refuses_headers_without_a_name)
{
	static const char *const lines[] = { "nothing", ": value", "X: a\r\n folded" };
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(lines); i++) {
		ap_auto_http_resp resp = { 0 };
		ap_auto_free char *answer = ap_xasprintf(
			"HTTP/1.1 200 OK\r\n%s\r\nContent-Length: 0\r\n\r\n", lines[i]);
		struct peer *p;

		print_message("  case: %s\n", lines[i]);
		PEER(p, NULL, answer);
		assert_int_equal(get(h, peer_url(p), 0, &resp, &err), -1);
		ap_err_clear(&err);
		peer_stop(p);
	}
	ap_http_free(h);
}

TEST(http_says_what_the_system_says_of_a_connection)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_http_resp resp = { 0 };
	ap_auto_free char *url = NULL;
	struct peer *p;

	PEER(p, NULL, OK);
	url = ap_xstrdup(peer_url(p));
	peer_stop(p);
	assert_fails(
		get(h, url, 0, &resp, &err), &err, AP_E_NET, "cannot connect: Connection refused");
	ap_http_free(h);
}

TEST(http_errors_name_the_host_and_no_secret)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_http_resp resp = { 0 };
	struct peer *p;
	ap_auto_free char *url = NULL;

	PEER(p, NULL, "");
	url = ap_xasprintf("%s/x?sig=hidden", peer_url(p));
	assert_int_equal(get(h, url, 0, &resp, &err), -1);
	assert_non_null(strstr(err.msg, "127.0.0.1:"));
	assert_null(strstr(err.msg, "hidden"));
	assert_null(strstr(err.msg, "s3cret"));
	peer_stop(p);
	ap_http_free(h);
}

TEST(http_public_only_does_not_speak_to_private_addresses)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_http_resp resp = { 0 };
	struct peer *p;

	PEER(p, NULL, OK);
	assert_fails(get(h, peer_url(p), AP_HTTP_PUBLIC_ONLY, &resp, &err), &err, AP_E_PROTO,
		"private address");
	assert_int_equal(peer_count(p), 0);
	peer_stop(p);
	ap_http_free(h);
}

/* The peer under a public name, that only `resolve` knows.  owned. */
static char *public_url(struct ap_strv *resolve, const struct peer *p)
{
	const char *port = strrchr(peer_url(p), ':') + 1;

	ap_strv_addf(resolve, "public.example:%s:127.0.0.1", port);
	return ap_xasprintf("http://public.example:%s/", port);
}

TEST(http_public_only_knows_names_that_turn_out_to_be_private)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_http_resp resp = { 0 };
	ap_auto_strv resolve = { 0 };
	ap_auto_free char *url = NULL;
	struct ap_http *h;
	struct peer *p;

	PEER(p, NULL, OK);
	url = public_url(&resolve, p);
	ap_http_new(&h, &(struct ap_http_opts){ .resolve = &resolve, .no_proxy = true });
	assert_fails(get(h, url, AP_HTTP_PUBLIC_ONLY | AP_HTTP_RETRY, &resp, &err), &err,
		AP_E_PROTO, "private address");
	assert_int_equal(peer_count(p), 0);
	assert_ok(get(h, url, 0, &resp, &err), &err);
	assert_true(resp.peer_private);
	/* On a connection that is open already, too. */
	assert_fails(
		get(h, url, AP_HTTP_PUBLIC_ONLY, &resp, &err), &err, AP_E_PROTO, "private address");
	assert_int_equal(peer_count(p), 1);
	peer_stop(p);
	ap_http_free(h);
}

/* Hosts that no proxy is used for are reached directly, so their addresses are known. */
TEST(http_public_only_counts_beside_a_proxy)
{
	static const struct {
		const char *no_proxy;
		bool direct;
	} cases[] = {
		{ "public.example", true },
		{ "a.example, .example", true },
		{ "PUBLIC.example.", true },
		{ "other.example", false },
		{ "ublic.example", false },
		{ "*.example", false },
		{ "", false },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_err err = AP_ERR_INIT;
		ap_auto_http_resp resp = { 0 };
		ap_auto_strv resolve = { 0 };
		ap_auto_free char *url = NULL;
		struct ap_http *h;
		struct peer *p;

		print_message("  case: \"%s\"\n", cases[i].no_proxy);
		PEER(p, NULL, OK);
		url = public_url(&resolve, p);
		setenv("http_proxy", peer_url(p), 1);
		setenv("no_proxy", cases[i].no_proxy, 1);
		ap_http_new(&h, &(struct ap_http_opts){ .resolve = &resolve });
		if (cases[i].direct)
			assert_fails(get(h, url, AP_HTTP_PUBLIC_ONLY, &resp, &err), &err,
				AP_E_PROTO, "private address");
		else
			assert_ok(get(h, url, AP_HTTP_PUBLIC_ONLY, &resp, &err), &err);
		assert_int_equal(peer_count(p), cases[i].direct ? 0 : 1);
		if (!cases[i].direct)
			assert_true(
				ap_starts_with(peer_request(p, 0), "GET http://public.example:"));
		unsetenv("http_proxy");
		unsetenv("no_proxy");
		peer_stop(p);
		ap_http_free(h);
	}
}

TEST(http_opens_a_body_that_is_read_as_it_comes)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	struct peer *p;

	PEER(p, NULL, OK, "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nok");
	{
		ap_auto_http_resp resp = { 0 };
		ap_auto_reader r = NULL;
		ap_auto_buf all = AP_BUF_INIT;
		struct ap_http_req req = { .method = "GET", .url = peer_url(p) };

		assert_ok(ap_http_open(&r, h, &req, &resp, &err), &err);
		assert_ok(ap_read_all(r, &all, &err), &err);
		assert_string_equal(all.p, "ok");
		ap_reader_free(AP_STEAL(r));
		assert_ok(ap_http_open(&r, h, &req, &resp, &err), &err);
		assert_null(r);
		assert_string_equal(resp.body.p, "no");
		assert_ok(ap_http_open(&r, h, &req, &resp, &err), &err);
		assert_fails(ap_read_all(r, &all, &err), &err, AP_E_NET, "127.0.0.1");
	}
	peer_stop(p);
	ap_http_free(h);
}

struct many {
	struct ap_http *h;
	const char *url;
	int failed;
};

static void *many_gets(void *arg)
{
	struct many *m = arg;

	for (int i = 0; i < 25; i++) {
		struct ap_err err = AP_ERR_INIT;
		ap_auto_http_resp resp = { 0 };

		if (get(m->h, m->url, 0, &resp, &err) < 0 || resp.status != 200)
			m->failed++;
	}
	return NULL;
}

TEST(http_is_used_by_several_threads_at_once)
{
	struct ap_http *h = client();
	struct many m[4];
	pthread_t t[4];
	struct peer *p;

	PEER(p, NULL, OK);
	for (size_t i = 0; i < AP_LEN(t); i++) {
		m[i] = (struct many){ h, peer_url(p), 0 };
		assert_int_equal(pthread_create(&t[i], NULL, many_gets, &m[i]), 0);
	}
	for (size_t i = 0; i < AP_LEN(t); i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(m[i].failed, 0);
	}
	assert_int_equal(peer_count(p), 100);
	peer_stop(p);
	ap_http_free(h);
}

TEST(http_stops_soon_after_an_interrupt)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_http_resp resp = { 0 };
	struct peer *p;
	double t = seconds();

	PEER(p, NULL, "STALL");
	ap_interrupt_set(2);
	assert_int_equal(get(h, peer_url(p), AP_HTTP_RETRY, &resp, &err), -1);
	ap_interrupt_set(0);
	assert_int_equal(err.code, AP_E_CANCELLED);
	assert_true(seconds() - t < 0.9);
	peer_stop(p);
	ap_http_free(h);
}

static void interrupt_at_retry(void *ctx AP_UNUSED, const struct ap_event *ev)
{
	if (ev->kind == AP_EV_RETRY)
		ap_interrupt_set(2);
}

TEST(http_stops_soon_after_an_interrupt_while_it_waits_to_try_again)
{
	struct ap_progress progress;
	struct ap_http *h;
	struct ap_err err = AP_ERR_INIT;
	ap_auto_http_resp resp = { 0 };
	struct peer *p;
	double t = seconds();

	ap_progress_init(&progress, interrupt_at_retry, NULL);
	ap_http_new(&h, &(struct ap_http_opts){ .stall_timeout = 1,
				.retry_seconds = 30,
				.retry_count = 3,
				.progress = &progress });
	PEER(p, NULL, "HTTP/1.1 503 No\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n", OK);
	assert_int_equal(get(h, peer_url(p), AP_HTTP_RETRY, &resp, &err), -1);
	ap_interrupt_set(0);
	assert_int_equal(err.code, AP_E_CANCELLED);
	assert_int_equal(peer_count(p), 1);
	assert_true(seconds() - t < 10);
	peer_stop(p);
	ap_http_free(h);
	ap_progress_release(&progress);
}
