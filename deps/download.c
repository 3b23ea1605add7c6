#include "deps/download.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

enum { CHUNK = 1 << 17 };

static const uint64_t max_file = 64ull << 30;
static const uint64_t report_every = 1 << 20;

struct state {
	const struct ap_download *d;
	struct ap_http *http;
	struct ap_progress *progress;
	char *part;
	int fd;
	uint64_t have; /* bytes in the part, hashed */
	uint64_t reported;
	bool resumed; /* holds bytes of an earlier request */
	struct ap_sha256 hash;
};

static void state_release(struct state *s)
{
	ap_close_p(&s->fd);
	ap_sha256_release(&s->hash);
	free(s->part);
}

static int hash_fd(struct ap_sha256 *h, uint64_t *n, int fd, const char *path, struct ap_err *err)
{
	ap_auto_free char *chunk = ap_xmalloc(CHUNK);

	for (*n = 0;;) {
		ssize_t k = pread(fd, chunk, CHUNK, (off_t)*n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return ap_err_sys(err, "read %s", path);
		if (!k)
			return 0;
		ap_sha256_update(h, chunk, (size_t)k);
		*n += (uint64_t)k;
	}
}

int ap_download_check(bool *ok, const char *path, const struct ap_digest *digest, uint64_t size,
	struct ap_err *err)
{
	ap_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	AP_CLEANUP(ap_sha256_release) struct ap_sha256 h = { 0 };
	struct ap_digest found;
	struct stat st;
	uint64_t n;

	*ok = false;
	if (fd < 0 && (errno == ENOENT || errno == ELOOP))
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return ap_err_sys(err, "%s", path);
	if (!S_ISREG(st.st_mode) || (size && (uint64_t)st.st_size != size))
		return 0;
	ap_sha256_init(&h);
	if (hash_fd(&h, &n, fd, path, err) < 0)
		return -1;
	ap_sha256_final(&h, &found);
	*ok = ap_digest_eq(&found, digest);
	return 0;
}

static int start_again(struct state *s, struct ap_err *err)
{
	if (ftruncate(s->fd, 0) < 0 || lseek(s->fd, 0, SEEK_SET) < 0)
		return ap_err_sys(err, "write %s", s->part);
	ap_sha256_release(&s->hash);
	ap_sha256_init(&s->hash);
	s->have = s->reported = 0;
	s->resumed = false;
	return 0;
}

/* Open what an earlier run left and hash it. */
static int open_part(struct state *s, struct ap_err *err)
{
	s->fd = open(s->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->fd < 0)
		return ap_err_sys(err, "write %s", s->part);
	ap_sha256_init(&s->hash);
	if (hash_fd(&s->hash, &s->have, s->fd, s->part, err) < 0)
		return -1;
	s->resumed = s->have > 0;
	if (s->have > max_file || (s->d->size && s->have > s->d->size))
		return start_again(s, err);
	if (lseek(s->fd, (off_t)s->have, SEEK_SET) < 0)
		return ap_err_sys(err, "write %s", s->part);
	return 0;
}

static void report(struct state *s, enum ap_event_kind kind)
{
	ap_emit(s->progress, &(struct ap_event){
				     .step = AP_STEP_DOWNLOAD,
				     .kind = kind,
				     .id = s->d->name,
				     .done = s->have,
				     .total = s->d->size,
			     });
	s->reported = s->have;
}

/* The rest of one answer's body. */
static int take_body(struct state *s, struct ap_reader *body, struct ap_err *err)
{
	ap_auto_free char *chunk = ap_xmalloc(CHUNK);
	uint64_t limit = s->d->size ? s->d->size : max_file;
	size_t got;

	for (;;) {
		if (s->d->pool ? ap_pool_stopped(s->d->pool) : ap_interrupted())
			return ap_err_set(err, AP_E_CANCELLED, "%s: cancelled", s->d->name);
		if (ap_read(body, chunk, CHUNK, &got, err) < 0)
			return -1;
		if (!got)
			return 0;
		if (got > limit - s->have)
			return ap_err_set(err, AP_E_DIGEST,
				"%s: longer than the %" PRIu64 " bytes of the lock", s->d->name,
				limit);
		if (ap_write_all(s->fd, chunk, got, err) < 0)
			return ap_err_wrap(err, "%s", s->part);
		ap_sha256_update(&s->hash, chunk, got);
		s->have += got;
		if (s->have - s->reported >= report_every)
			report(s, AP_EV_BYTES);
	}
}

static int status_error(const struct state *s, const struct ap_http_resp *resp, struct ap_err *err)
{
	ap_auto_free char *url = ap_url_public(s->d->url);

	if (resp->status == 401 || resp->status == 403)
		ap_err_set(err, AP_E_AUTH, "%s: GET %s: HTTP %d: %s", s->d->name, url, resp->status,
			s->d->authorization
				? "the credentials for this host are refused"
				: "no credentials for this host in the index URL or netrc");
	else if (resp->status == 404 || resp->status == 410)
		ap_err_set(
			err, AP_E_NOT_FOUND, "%s: GET %s: HTTP %d", s->d->name, url, resp->status);
	else
		ap_err_set(err, AP_E_HTTP, "%s: GET %s: HTTP %d", s->d->name, url, resp->status);
	err->http = resp->status;
	return -1;
}

/* Is a 206 really the bytes from `have` on? */
static bool right_range(const struct state *s, const struct ap_http_resp *resp)
{
	const char *range = ap_http_header(resp, "content-range");
	ap_auto_free char *want = ap_xasprintf("bytes %" PRIu64 "-", s->have);

	return range && strncasecmp(range, want, strlen(want)) == 0;
}

/* One request; *ended: the body came to its own end. */
static int request(struct state *s, bool *ended, struct ap_err *err)
{
	ap_auto_http_resp resp = { 0 };
	ap_auto_reader body = NULL;
	ap_auto_strv headers = { 0 };
	bool ranged = s->have > 0;
	struct ap_http_req req = {
		.method = "GET",
		.url = s->d->url,
		.authorization = s->d->authorization,
		.headers = &headers,
		.step = AP_STEP_DOWNLOAD,
		.flags = AP_HTTP_FOLLOW | AP_HTTP_RETRY,
	};

	*ended = false;
	ap_strv_add(&headers, "Accept-Encoding: identity");
	if (ranged)
		ap_strv_addf(&headers, "Range: bytes=%" PRIu64 "-", s->have);
	if (ap_http_open(&body, s->http, &req, &resp, err) < 0)
		return -1;
	if (resp.status == 416 && ranged)
		return start_again(s, err);
	if (!body || (resp.status != 200 && resp.status != 206))
		return status_error(s, &resp, err);
	if (resp.status == 206 && (!ranged || !right_range(s, &resp))) {
		if (!ranged)
			return ap_err_set(err, AP_E_PROTO,
				"%s: answered with a part that nobody asked for", s->d->name);
		return start_again(s, err);
	}
	if (resp.status == 200 && ranged && start_again(s, err) < 0)
		return -1;
	if (take_body(s, body, err) < 0)
		return -1;
	*ended = true;
	return 0;
}

/* All bytes are there: are they the right ones?  *again: try once more from the first byte. */
static int check(struct state *s, bool *again, struct ap_err *err)
{
	struct ap_digest found;

	*again = false;
	ap_sha256_final(&s->hash, &found);
	if (ap_digest_eq(&found, &s->d->digest))
		return 0;
	*again = s->resumed;
	if (s->resumed)
		return start_again(s, err);
	unlink(s->part);
	return ap_err_set(
		err, AP_E_DIGEST, "%s: want %s, found %s", s->d->name, s->d->digest.s, found.s);
}

/* Requests until the body is whole.  A try that brought something counts as the first one again. */
static int transfer(struct state *s, struct ap_err *err)
{
	unsigned tries = ap_http_max_tries(s->http);

	for (unsigned n = 1;; n++) {
		uint64_t before = s->have;
		bool ended, waited = false;
		struct ap_err first;

		if (s->d->size && s->have == s->d->size)
			return 0;
		if (request(s, &ended, err) == 0) {
			if (ended && (!s->d->size || s->have == s->d->size))
				return 0;
			ap_err_set(err, AP_E_NET, "%s: ends after %" PRIu64 " of %" PRIu64 " bytes",
				s->d->name, s->have, s->d->size);
		}
		if (err->code != AP_E_NET)
			return -1;
		if (s->have > before + report_every)
			n = 1;
		first = *err;
		if (n >= tries)
			return -1;
		ap_err_clear(err);
		if (ap_http_pause(s->http, n, 0, s->d->name, &waited, err) < 0)
			return -1;
		if (!waited) {
			*err = first;
			return -1;
		}
		s->resumed = s->have > 0;
	}
}

static int commit(struct state *s, struct ap_err *err)
{
	if (fsync(s->fd) < 0 || rename(s->part, s->d->path) < 0)
		return ap_err_sys(err, "write %s", s->d->path);
	return 0;
}

int ap_download(const struct ap_download *d, struct ap_http *http, struct ap_progress *progress,
	struct ap_err *err)
{
	AP_CLEANUP(state_release)
	struct state s = {
		.d = d,
		.http = http,
		.progress = progress,
		.fd = -1,
	};
	bool again = true;

	s.part = ap_xasprintf("%s.part", d->path);
	if (open_part(&s, err) < 0)
		return -1;
	report(&s, AP_EV_START);
	while (again) {
		if (transfer(&s, err) < 0) {
			/* Bytes that are no use, or a disk that is full of them, do not stay. */
			if (err->code == AP_E_DIGEST || err->code == AP_E_IO)
				unlink(s.part);
			return -1;
		}
		if (check(&s, &again, err) < 0)
			return -1;
	}
	if (commit(&s, err) < 0)
		return -1;
	report(&s, AP_EV_DONE);
	return 0;
}
