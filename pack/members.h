/*
 * The files in a tar archive, plain or compressed: listed in one pass, and
 * found again in another by their places.  For pack/archive_read.c.
 */
#ifndef AP_PACK_MEMBERS_H
#define AP_PACK_MEMBERS_H

#include "base/io.h"

struct ap_member {
	char *path; /* "" for one outside of the archive */
	char *link; /* of a link: the path of the member meant; NULL: none */
	uint64_t size;
};

/* In the order of the archive; directories too. */
struct ap_members {
	const char *file; /* borrowed */
	struct ap_member *v;
	size_t n, cap;
};

/* r: the bytes of member number `at`, or some of them, while this runs. */
typedef int (*ap_member_fn)(void *ctx, struct ap_reader *r, size_t at, struct ap_err *err);

/*
 * List what is in `file`, calling fn for each once it is listed.
 * m: ap_members_release(), also on failure.
 * Errors: AP_E_INPUT, AP_E_IO, AP_E_PROTO, AP_E_LIMIT; fn's.
 */
int ap_members_list(struct ap_members *m, const char *file, ap_member_fn fn, void *ctx,
	struct ap_err *err) AP_CHECK;
void ap_members_release(struct ap_members *m);

/* Another pass over all of them. */
int ap_members_each(
	const struct ap_members *m, ap_member_fn fn, void *ctx, struct ap_err *err) AP_CHECK;

/* A path as it is written in the archive, made plain; NULL when it leaves it.  *out: owned. */
char *ap_member_path(const char *text);

/* The member of a plain path, links followed; *at: its number.  NULL: none.  borrowed. */
const struct ap_member *ap_members_find(const struct ap_members *m, const char *path, size_t *at);

/* The bytes of one member: a pass of its own, so that several can be read at once. */
void ap_members_open(struct ap_reader **out, const struct ap_members *m, size_t at);

#endif
