/* What a registry may answer and is refused for. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "registry/blob.h"
#include "registry/hint.h"
#include "registry/manifest.h"
#include "registry/registry.h"
#include "tests/unit/peer.h"

#define EMPTY "Content-Length: 0\r\n\r\n"
#define OTHER                            \
	"Docker-Content-Digest: sha256:" \
	"0000000000000000000000000000000000000000000000000000000000000000\r\n"

#define PONG "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

/* A client of the repository "a" of a peer, and the descriptor of "hello". */
struct desk {
	struct peer *peer;
	struct ap_http *http;
	struct ap_registry *reg;
	struct ap_repo repo;
	struct ap_ref ref;
	struct ap_descriptor hello;
	struct ap_err err;
};

static void open_desk(struct desk *d)
{
	ap_auto_free char *name = ap_xasprintf("%s/a:t", strstr(peer_url(d->peer), "//") + 2);

	assert_ok(ap_ref_parse(&d->ref, name, &d->err), &d->err);
	ap_http_new(&d->http, &(struct ap_http_opts){ .stall_timeout = 2 });
	ap_registry_new(&d->reg, &(struct ap_registry_config){ .http = d->http });
	ap_repo_init(&d->repo, d->reg, &d->ref);
	d->hello = (struct ap_descriptor){ .size = 5 };
	ap_sha256_of(&d->hello.digest, "hello", 5);
}

static void close_desk(struct desk *d)
{
	ap_repo_release(&d->repo);
	ap_registry_free(d->reg);
	ap_http_free(d->http);
	ap_ref_release(&d->ref);
	peer_stop(d->peer);
}

#define DESK(d, ...)                             \
	struct desk d = { 0 };                   \
	PEER((d).peer, NULL, PONG, __VA_ARGS__); \
	open_desk(&(d))

TEST(registry_manifest_stored_under_another_digest_is_an_error)
{
	DESK(d, "HTTP/1.1 201 Created\r\n" OTHER EMPTY);
	d.hello.media_type = (char[]){ "application/vnd.oci.image.manifest.v1+json" };
	assert_fails(ap_manifest_put(&d.repo, &d.hello, "hello", "t", &d.err), &d.err, AP_E_DIGEST,
		"the registry stored sha256:0000");
	close_desk(&d);
}

TEST(registry_manifest_of_other_bytes_is_an_error)
{
	struct ap_descriptor got = { 0 };
	ap_auto_buf body = AP_BUF_INIT;

	DESK(d, "HTTP/1.1 200 OK\r\n" OTHER "Content-Length: 2\r\n\r\n{}");
	assert_fails(ap_manifest_get(&d.repo, d.repo.pull, "t", 0, &got, &body, &d.err), &d.err,
		AP_E_DIGEST, "want sha256:0000");
	assert_fails(
		ap_manifest_get(&d.repo, d.repo.pull, d.hello.digest.s, 0, &got, &body, &d.err),
		&d.err, AP_E_DIGEST, "want sha256:2cf24d");
	close_desk(&d);
}

TEST(registry_reference_is_a_tag_or_a_digest_before_it_is_a_path)
{
	static const char *const cases[] = { "../x", "a/b", "", "-x", ".x", "a?b", "sha256:short" };
	struct ap_descriptor got = { 0 };
	ap_auto_buf body = AP_BUF_INIT;

	DESK(d, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		print_message("  case: %s\n", cases[i]);
		assert_fails(
			ap_manifest_get(&d.repo, d.repo.pull, cases[i], 0, &got, &body, &d.err),
			&d.err, AP_E_PROTO, "neither a tag nor a digest");
	}
	assert_int_equal(peer_count(d.peer), 0);
	close_desk(&d);
}

TEST(registry_blob_stored_under_another_digest_is_an_error)
{
	ap_auto_reader r = NULL;
	char *session = NULL;

	DESK(d, "HTTP/1.1 202 Accepted\r\nLocation: /v2/a/blobs/uploads/1\r\n" EMPTY,
		"HTTP/1.1 201 Created\r\n" OTHER EMPTY);
	ap_mem_reader(&r, "hello", 5);
	assert_fails(ap_blob_put(&d.repo, &d.hello, r, &session, &d.err), &d.err, AP_E_DIGEST,
		"the registry stored sha256:0000");
	free(session);
	close_desk(&d);
}

TEST(registry_upload_without_a_location_is_an_error)
{
	char *location = NULL;

	DESK(d, "HTTP/1.1 202 Accepted\r\n" EMPTY);
	assert_fails(
		ap_upload_begin(&d.repo, &location, &d.err), &d.err, AP_E_PROTO, "no Location");
	assert_null(location);
	close_desk(&d);
}

TEST(registry_blob_is_asked_for_by_a_digest_only)
{
	struct ap_reader *r = NULL;

	DESK(d, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	snprintf(d.hello.digest.s, sizeof(d.hello.digest.s), "../../x");
	assert_fails(ap_blob_open(&d.repo, &d.hello, &r, &d.err), &d.err, AP_E_PROTO,
		"without a digest");
	assert_int_equal(peer_count(d.peer), 0);
	close_desk(&d);
}

/* The first answer breaks off after "he"; the others never bring the rest. */
static void check_resumed(struct desk *d, const char *words)
{
	ap_auto_reader r = NULL;
	ap_auto_buf got = AP_BUF_INIT;

	assert_ok(ap_blob_open(&d->repo, &d->hello, &r, &d->err), &d->err);
	assert_int_equal(ap_read_all(r, &got, &d->err), -1);
	assert_non_null(strstr(d->err.msg, words));
	assert_non_null(strstr(peer_request(d->peer, 2), "Range: bytes=2-"));
	close_desk(d);
}

#define BROKEN "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhe"

TEST(registry_blob_is_not_resumed_with_other_bytes)
{
	DESK(d, BROKEN,
		"HTTP/1.1 206 Partial\r\nContent-Range: bytes 1-3/5\r\n"
		"Content-Length: 3\r\n\r\nllo");
	check_resumed(&d, "does not begin at byte 2");
}

TEST(registry_blob_that_became_shorter_is_an_error)
{
	DESK(d, BROKEN, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nh");
	check_resumed(&d, "ends early");
}

TEST(registry_parts_of_a_blob_are_asked_for_inside_it_and_taken_as_parts)
{
	static const struct {
		uint64_t from, size;
	} outside[] = { { 0, 0 }, { 6, 1 }, { 4, 2 }, { 1, UINT64_MAX } };
	struct ap_reader *r = NULL;

	DESK(d, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	for (size_t i = 0; i < AP_LEN(outside); i++)
		assert_fails(ap_blob_open_range(&d.repo, &d.hello, outside[i].from, outside[i].size,
				     &r, &d.err),
			&d.err, AP_E_PROTO, "no bytes");
	assert_int_equal(peer_count(d.peer), 0);
	assert_fails(ap_blob_open_range(&d.repo, &d.hello, 1, 2, &r, &d.err), &d.err,
		AP_E_UNSUPPORTED, "gives no parts of blobs");
	close_desk(&d);
}

TEST(registry_takes_references_of_registries_only)
{
	struct ap_source *source = NULL;
	struct ap_sink *sink = NULL;
	struct ap_ref ref = { 0 };

	DESK(d, "HTTP/1.1 200 OK\r\n" EMPTY);
	assert_ok(ap_ref_parse(&ref, "oci:dir:t", &d.err), &d.err);
	assert_fails(ap_registry_sink(&sink, &ref, d.reg, &d.err), &d.err, AP_E_INPUT,
		"not a repository of a registry");
	assert_fails(ap_registry_source(&source, &ref, d.reg, &d.err), &d.err, AP_E_INPUT,
		"not an image of a registry");
	ap_ref_release(&ref);
	close_desk(&d);
}

TEST(registry_records_are_small)
{
	struct ap_sink *sink = NULL;
	ap_auto_buf body = AP_BUF_INIT;

	DESK(d, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	assert_ok(ap_registry_sink(&sink, &d.ref, d.reg, &d.err), &d.err);
	d.hello.size = (uint64_t)1 << 40;
	assert_fails(sink->ops->get_blob(sink, &d.hello, &body, &d.err), &d.err, AP_E_LIMIT,
		"no small one");
	assert_int_equal(peer_count(d.peer), 0);
	ap_sink_free(sink);
	close_desk(&d);
}

/* What a user is told of an image that cannot be read, by what the registry answers next. */
#define OK_JSON  "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
#define NOT_HERE "HTTP/1.1 404 Not Found\r\n" EMPTY

TEST(registry_hint_says_what_is_there_in_place_of_what_is_not)
{
	static const struct {
		const char *name;
		const char *answers[2];
		enum ap_err_code code;
		const char *says, *never;
	} cases[] = {
		{ "a tag like it", { OK_JSON "{\"tags\":[\"2.0\",\"tt\",\"9\"]}" }, AP_E_NOT_FOUND,
			"(HTTP 404: NO); tags there: 2.0, tt, 9; did you mean ", NULL },
		{ "tags that name no image",
			{ OK_JSON
				"{\"tags\":[\"sha256-1.sig\",\"autopack-layer-1\",\"autopack-inventory-1\",\"9\"]}" },
			AP_E_NOT_FOUND, "tags there: 9", "autopack-" },
		{ "a tag that goes on", { OK_JSON "{\"tags\":[\"t-slim-2026\"]}  " },
			AP_E_NOT_FOUND, "/a:t-slim-2026?", NULL },
		{ "no tag like it",
			{ OK_JSON "{\"tags\":[\"22\",\"33\",\"44\",\"55\",\"66\",\"77\"]}" },
			AP_E_NOT_FOUND, "tags there: 22, 33, 44, 55, 66 and 1 more",
			"did you mean" },
		{ "a repository like it",
			{ NOT_HERE, OK_JSON "{\"repositories\":[\"other/name\",\"aa\"]}" },
			AP_E_NOT_FOUND, "/aa:t?", "tags there" },
		{ "no list of either", { NOT_HERE, "HTTP/1.1 403 No\r\n" EMPTY }, AP_E_NOT_FOUND,
			"/a:t is not there (HTTP 404: NO)", ";" },
		{ "answers that are none", { OK_JSON "[]", OK_JSON "{\"r" }, AP_E_NOT_FOUND,
			"/a:t is not there (HTTP 404: NO)", ";" },
		{ "names that are none", { OK_JSON "{\"tags\":[1,{},\"t\\u001b[2J\"]}" },
			AP_E_NOT_FOUND, "tags there: t\\x1b[2J", "\033" },
		{ "refused", { NOT_HERE }, AP_E_AUTH,
			"/a:t may not be read (HTTP 403: NO); look at its name, or log in with `docker login 127.0.0.1:",
			NULL },
		{ "another trouble", { NOT_HERE }, AP_E_HTTP, "GET x: HTTP 500: NO", "a:t" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		DESK(d, cases[i].answers[0],
			cases[i].answers[1] ? cases[i].answers[1] : "HTTP/1.1 500 No\r\n" EMPTY);
		print_message("  case: %s\n", cases[i].name);
		d.err.http = cases[i].code == AP_E_NOT_FOUND ? 404
			     : cases[i].code == AP_E_AUTH    ? 403
							     : 500;
		d.err.code = cases[i].code;
		snprintf(d.err.msg, sizeof(d.err.msg), "GET x: HTTP %d: NO", d.err.http);
		ap_hint_unreadable(&d.repo, "t", &d.err);
		assert_int_equal(d.err.code, cases[i].code);
		assert_non_null(strstr(d.err.msg, cases[i].says));
		if (cases[i].never)
			assert_null(strstr(d.err.msg, cases[i].never));
		close_desk(&d);
	}
}
