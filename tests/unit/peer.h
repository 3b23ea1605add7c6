/*
 * A web server of a few scripted answers, in a thread of the test: what it
 * was asked is kept, word for word.
 */
#ifndef AP_TESTS_PEER_H
#define AP_TESTS_PEER_H

#include "base/str.h"

struct peer;

/*
 * Answer the n-th request with answers[n], byte for byte; the last one is
 * repeated.  "%P" in an answer is replaced by `other` (may be NULL).  The
 * connection is closed after an answer with "Connection: close"; an empty
 * answer closes it without a word; "STALL" never answers.
 */
void peer_start(struct peer **out, const char *const *answers, size_t n, const char *other);

/* "http://127.0.0.1:PORT".  borrowed. */
const char *peer_url(const struct peer *p);

/* Number of requests so far, and the text of one (headers and body).  borrowed. */
size_t peer_count(struct peer *p);
const char *peer_request(struct peer *p, size_t i);
void peer_stop(struct peer *p);

#define PEER(p, other, ...)                                    \
	peer_start(&(p), (const char *const[]){ __VA_ARGS__ }, \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *), (other))

#endif
