#include "tests/unit/unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/progress.h"
#include "deps/download.h"
#include "deps/fetch.h"
#include "tests/unit/peer.h"

#define WHEEL "0123456789"
#define WHOLE "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" WHEEL
#define HALF  "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n01234"
#define REST  "HTTP/1.1 206 Partial\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\n56789"

struct fixture {
	char *dir;
	struct ap_http *http;
	struct ap_locked l;
	struct ap_lock lock;
	struct ap_fetch_opts o;
	char filename[32];
	char *url;
};

/* One wheel of ten bytes at PEER/x.whl. */
static void setup(struct fixture *f, const char *origin)
{
	*f = (struct fixture){ .dir = unit_tmpdir(), .filename = "x-1-py3-none-any.whl" };
	ap_http_new(&f->http,
		&(struct ap_http_opts){ .stall_timeout = 1, .retry_seconds = 8, .retry_count = 3 });
	f->url = ap_xasprintf("%s/x.whl", origin);
	f->l = (struct ap_locked){ .filename = f->filename, .url = f->url, .size = 10 };
	ap_sha256_of(&f->l.digest, WHEEL, 10);
	f->lock = (struct ap_lock){ .v = &f->l, .n = 1 };
	f->o = (struct ap_fetch_opts){ .cache_dir = f->dir, .http = f->http };
}

static void teardown(struct fixture *f)
{
	ap_http_free(f->http);
	free(f->url);
	free(f->dir);
}

static int fetch(struct fixture *f, struct ap_err *err)
{
	ap_auto_strv paths = { 0 };
	ap_auto_buf text = AP_BUF_INIT;

	if (ap_fetch_wheels(&paths, &f->lock, &f->o, err) < 0)
		return -1;
	assert_int_equal(paths.n, 1);
	assert_ok(ap_fs_read(&text, paths.v[0], err), err);
	assert_string_equal(text.p, WHEEL);
	return 0;
}

static void put(struct fixture *f, const char *suffix, const char *text)
{
	ap_auto_free char *path = ap_fetch_cache_path(f->dir, &f->l.digest);
	ap_auto_free char *full = ap_xasprintf("%s%s", path, suffix);
	ap_auto_free char *parent = ap_xasprintf("%s/wheels/sha256", f->dir);
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_fs_mkdirs(parent, 0700, &err), &err);
	assert_ok(ap_fs_write(full, text, strlen(text), 0600, &err), &err);
}

static bool cached(struct fixture *f)
{
	ap_auto_free char *path = ap_fetch_cache_path(f->dir, &f->l.digest);

	return ap_fs_is_file(path);
}

TEST(fetch_goes_on_where_a_transfer_broke)
{
	struct ap_err err = AP_ERR_INIT;
	struct fixture f;
	struct peer *p;

	PEER(p, NULL, HALF, REST);
	setup(&f, peer_url(p));
	assert_ok(fetch(&f, &err), &err);
	assert_int_equal(peer_count(p), 2);
	assert_null(strcasestr(peer_request(p, 0), "\r\nrange:"));
	assert_non_null(strcasestr(peer_request(p, 1), "\r\nrange: bytes=5-\r\n"));
	teardown(&f);
	peer_stop(p);
}

TEST(fetch_goes_on_where_an_earlier_run_was_killed)
{
	struct ap_err err = AP_ERR_INIT;
	struct fixture f;
	struct peer *p;

	PEER(p, NULL, REST);
	setup(&f, peer_url(p));
	put(&f, ".part", "01234");
	assert_ok(fetch(&f, &err), &err);
	assert_int_equal(peer_count(p), 1);
	assert_non_null(strcasestr(peer_request(p, 0), "\r\nrange: bytes=5-\r\n"));
	teardown(&f);
	peer_stop(p);
}

TEST(fetch_survives_servers_that_resume_badly)
{
	static const struct {
		const char *name, *first, *second;
		const char *part;
	} cases[] = {
		{ "the range is ignored", WHOLE, WHOLE, "01234" },
		{ "the part was another file's", REST, WHOLE, "abcde" },
		{ "another range comes back",
			"HTTP/1.1 206 Partial\r\nContent-Range: bytes 4-9/10\r\nContent-Length: "
			"6\r\n\r\n456789",
			WHOLE, "01234" },
		{ "no range is named", "HTTP/1.1 206 Partial\r\nContent-Length: 5\r\n\r\n56789",
			WHOLE, "01234" },
		{ "the range is refused", "HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n", WHOLE,
			"01234" },
		{ "the part is too long", WHOLE, WHOLE, "0123456789abc" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_err err = AP_ERR_INIT;
		struct fixture f;
		struct peer *p;

		print_message("  case: %s\n", cases[i].name);
		PEER(p, NULL, cases[i].first, cases[i].second);
		setup(&f, peer_url(p));
		put(&f, ".part", cases[i].part);
		assert_ok(fetch(&f, &err), &err);
		teardown(&f);
		peer_stop(p);
	}
}

TEST(fetch_refuses_other_bytes_and_keeps_none_of_them)
{
	static const struct {
		const char *name, *answer, *fails_with;
		enum ap_err_code code;
	} cases[] = {
		{ "another content", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n012345678X",
			"found sha256:", AP_E_DIGEST },
		{ "longer", "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n0123456789X",
			"longer than the 10 bytes", AP_E_DIGEST },
		{ "missing", "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "HTTP 404",
			AP_E_NOT_FOUND },
		{ "not for us", "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
			"no credentials for this host", AP_E_AUTH },
		{ "teapot", "HTTP/1.1 418 No\r\nContent-Length: 0\r\n\r\n", "HTTP 418", AP_E_HTTP },
		{ "a part nobody asked for",
			"HTTP/1.1 206 P\r\nContent-Range: bytes 0-9/10\r\nContent-Length: "
			"10\r\n\r\n" WHEEL,
			"nobody asked for", AP_E_PROTO },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_err err = AP_ERR_INIT;
		struct fixture f;
		struct peer *p;

		print_message("  case: %s\n", cases[i].name);
		PEER(p, NULL, cases[i].answer);
		setup(&f, peer_url(p));
		assert_fails(fetch(&f, &err), &err, cases[i].code, cases[i].fails_with);
		assert_false(cached(&f));
		teardown(&f);
		peer_stop(p);
	}
}

TEST(fetch_uses_the_cache_only_when_its_content_is_right)
{
	struct ap_err err = AP_ERR_INIT;
	struct fixture f;
	struct peer *p;

	PEER(p, NULL, WHOLE);
	setup(&f, peer_url(p));
	put(&f, "", "012345678X");
	assert_ok(fetch(&f, &err), &err);
	assert_int_equal(peer_count(p), 1);
	assert_ok(fetch(&f, &err), &err);
	assert_int_equal(peer_count(p), 1);
	teardown(&f);
	peer_stop(p);
}

TEST(fetch_works_offline_when_all_is_cached)
{
	struct ap_err err = AP_ERR_INIT;
	struct fixture f;

	setup(&f, "http://127.0.0.1:1");
	f.o.offline = true;
	assert_fails(fetch(&f, &err), &err, AP_E_NOT_FOUND,
		"offline, and x-1-py3-none-any.whl is not in the cache");
	put(&f, "", WHEEL);
	assert_ok(fetch(&f, &err), &err);
	teardown(&f);
}

TEST(fetch_needs_a_place_and_a_hash)
{
	struct ap_err err = AP_ERR_INIT;
	struct fixture f;

	setup(&f, "http://127.0.0.1:1");
	f.l.url = NULL;
	assert_fails(fetch(&f, &err), &err, AP_E_INPUT, "the lock names no place to get it");
	f.l.url = f.url;
	f.l.digest = (struct ap_digest){ "../../x" };
	assert_fails(fetch(&f, &err), &err, AP_E_INPUT, "the lock has no sha256 of it");
	teardown(&f);
}

TEST(fetch_stops_at_an_interrupt)
{
	struct ap_err err = AP_ERR_INIT;
	struct fixture f;
	struct peer *p;

	PEER(p, NULL, WHOLE);
	setup(&f, peer_url(p));
	ap_interrupt_set(SIGINT);
	assert_fails(fetch(&f, &err), &err, AP_E_CANCELLED, "");
	ap_interrupt_set(0);
	assert_false(cached(&f));
	teardown(&f);
	peer_stop(p);
}

TEST(fetch_sends_credentials_to_their_origin_and_nowhere_else)
{
	struct ap_err err = AP_ERR_INIT;
	struct fixture f;
	struct peer *files;
	struct peer *other;
	ap_auto_free char *with = NULL;
	ap_auto_free char *clean = NULL;

	PEER(other, NULL, WHOLE);
	PEER(files, peer_url(other),
		"HTTP/1.1 302 Go\r\nLocation: %P/x\r\nContent-Length: 0\r\n\r\n");
	setup(&f, peer_url(files));
	ap_index_auth_new(&f.o.auth, NULL);
	with = ap_xasprintf("http://me:s%%33cret@%s/simple", peer_url(files) + strlen("http://"));
	assert_ok(ap_index_auth_add_url(&clean, f.o.auth, with, &err), &err);
	assert_null(strstr(clean, "cret"));
	assert_ok(fetch(&f, &err), &err);
	/* base64 of me:s3cret */
	assert_non_null(strstr(peer_request(files, 0), "Authorization: Basic bWU6czNjcmV0\r\n"));
	assert_null(strcasestr(peer_request(other, 0), "authorization"));
	assert_null(strstr(peer_request(other, 0), "bWU6czNjcmV0"));
	ap_index_auth_free(f.o.auth);
	teardown(&f);
	peer_stop(files);
	peer_stop(other);
}

TEST(fetch_never_shows_a_secret_in_an_error)
{
	struct ap_err err = AP_ERR_INIT;
	struct fixture f;
	struct peer *p;
	ap_auto_free char *with = NULL;

	PEER(p, NULL, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
	setup(&f, peer_url(p));
	ap_index_auth_new(&f.o.auth, NULL);
	with = ap_xasprintf("http://me:s3cret@%s", peer_url(p) + strlen("http://"));
	assert_ok(ap_index_auth_add_url(NULL, f.o.auth, with, &err), &err);
	free(f.url);
	f.l.url = f.url = ap_xasprintf("%s/x.whl?token=t0ken", peer_url(p));
	assert_int_equal(fetch(&f, &err), -1);
	assert_non_null(strstr(err.msg, "are refused"));
	assert_null(strstr(err.msg, "s3cret"));
	assert_null(strstr(err.msg, "t0ken"));
	ap_index_auth_free(f.o.auth);
	teardown(&f);
	peer_stop(p);
}

TEST(fetch_checks_local_wheels_too)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *path = NULL;
	struct fixture f;

	setup(&f, "http://127.0.0.1:1");
	path = ap_fs_join(f.dir, "local.whl");
	f.l.local = path;
	assert_fails(fetch(&f, &err), &err, AP_E_CHANGED, "not the file that was locked");
	assert_ok(ap_fs_write(path, "012345678X", 10, 0600, &err), &err);
	assert_fails(fetch(&f, &err), &err, AP_E_CHANGED, "not the file that was locked");
	assert_ok(ap_fs_write(path, WHEEL, 10, 0600, &err), &err);
	assert_ok(fetch(&f, &err), &err);
	teardown(&f);
}

static void *fetch_in_thread(void *arg)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_strv paths = { 0 };
	struct fixture *f = arg;

	return ap_fetch_wheels(&paths, &f->lock, &f->o, &err) < 0 ? ap_xstrdup(err.msg) : NULL;
}

TEST(fetch_brings_a_wheel_once_for_runs_that_share_the_cache)
{
	pthread_t threads[4];
	struct fixture f;
	struct peer *p;

	PEER(p, NULL, WHOLE);
	setup(&f, peer_url(p));
	for (size_t i = 0; i < AP_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fetch_in_thread, &f), 0);
	for (size_t i = 0; i < AP_LEN(threads); i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(peer_count(p), 1);
	teardown(&f);
	peer_stop(p);
}

TEST(index_auth_answers_for_the_right_place_only)
{
	static const char netrc[] = "# a comment\nmachine idx.example login me password \"a b\"\n"
				    "macdef init\nmachine evil.example login x\n\n"
				    "machine other.example\n\tlogin you\n\tpassword pw\n"
				    "default login d password d\n";
	static const struct {
		const char *url, *value;
	} cases[] = {
		{ "https://idx.example/simple/x.whl", "Basic bWU6YSBi" },
		{ "https://idx.example:8443/", "Basic bWU6YSBi" },
		{ "http://idx.example/", NULL },
		{ "https://sub.idx.example/", NULL },
		{ "https://other.example/", "Basic eW91OnB3" },
		{ "https://evil.example/", NULL },
		{ "https://files.example/", NULL },
		{ "https://url.example/a", "Basic dTpw" },
		{ "https://url.example:444/a", NULL },
		{ "http://url.example/a", NULL },
	};
	struct ap_err err = AP_ERR_INIT;
	struct ap_index_auth *a;
	ap_auto_free char *clean = NULL;

	ap_index_auth_new(&a, NULL);
	assert_ok(ap_index_auth_add_netrc(a, netrc, strlen(netrc), &err), &err);
	assert_ok(ap_index_auth_add_url(&clean, a, "https://u:p@url.example/simple/", &err), &err);
	assert_string_equal(clean, "https://url.example/simple/");
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *value = NULL;

		print_message("  case: %s\n", cases[i].url);
		assert_ok(ap_index_auth_get(&value, a, cases[i].url, &err), &err);
		if (cases[i].value) {
			assert_non_null(value);
			assert_string_equal(value, cases[i].value);
		} else {
			assert_null(value);
		}
	}
	ap_index_auth_free(a);
}

TEST(index_auth_errors_show_no_secret)
{
	struct ap_err err = AP_ERR_INIT;
	struct ap_index_auth *a;

	ap_index_auth_new(&a, NULL);
	assert_int_equal(
		ap_index_auth_add_url(NULL, a, "https://u:s3cret%zz@x.example/", &err), -1);
	assert_null(strstr(err.msg, "s3cret"));
	ap_err_clear(&err);
	assert_int_equal(ap_index_auth_add_url(NULL, a, "https://u:s3cret@x example/", &err), -1);
	assert_null(strstr(err.msg, "s3cret"));
	ap_err_clear(&err);
	assert_int_equal(ap_index_auth_add_netrc(a, "machine x s3cret", 16, &err), -1);
	assert_null(strstr(err.msg, "s3cret"));
	ap_err_clear(&err);
	assert_fails(ap_index_auth_add_url(NULL, a, "u:s3cret@x.example", &err), &err, AP_E_INPUT,
		"does not begin with https://");
	assert_fails(ap_index_auth_add_netrc(a, "machine", 7, &err), &err, AP_E_INPUT,
		"line 1: machine without name");
	ap_index_auth_free(a);
}

TEST(index_auth_asks_the_keyring_for_passwords_that_are_not_in_the_url)
{
	static const char program[] = "#!/bin/sh\necho \"$*\" >>\"$0.log\"\n"
				      "[ \"$2 $3\" = 'url.example me' ] && echo s3cret\n";
	static const char asked[] = "get https://url.example/simple me\nget url.example me\n"
				    "get https://none.example/ me\nget none.example me\n";
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(dir, "keyring");
	ap_auto_free char *log_path = ap_fs_join(dir, "keyring.log");
	ap_auto_free char *found = NULL;
	ap_auto_buf log = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;
	struct ap_index_auth *a;

	assert_ok(ap_fs_write(path, program, strlen(program), 0755, &err), &err);
	ap_index_auth_new(&a, NULL);
	ap_index_auth_use_keyring(a, path);
	assert_ok(ap_index_auth_add_url(NULL, a, "https://me@url.example/simple", &err), &err);
	assert_ok(ap_index_auth_add_url(NULL, a, "https://me@none.example/", &err), &err);
	assert_ok(ap_index_auth_add_url(NULL, a, "https://me:pw@full.example/", &err), &err);
	assert_ok(ap_index_auth_add_url(NULL, a, "https://open.example/", &err), &err);
	assert_ok(ap_fs_read(&log, log_path, &err), &err);
	assert_string_equal(log.p, asked);
	assert_ok(ap_index_auth_get(&found, a, "https://url.example/x.whl", &err), &err);
	/* base64 of me:s3cret */
	assert_string_equal(found, "Basic bWU6czNjcmV0");
	ap_index_auth_free(a);
}
