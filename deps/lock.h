/*
 * The exact wheels to add: what uv answered, less what the base provides.
 */
#ifndef AP_DEPS_LOCK_H
#define AP_DEPS_LOCK_H

#include "base/digest.h"
#include "base/json.h"
#include "deps/requirement.h"
#include "deps/tags.h"

struct ap_locked {
	char *name; /* normalized */
	char *version;
	char *filename; /* of the wheel */
	char *url;      /* of the index, without secrets; NULL for a local file */
	char *local;    /* host path of a local wheel; NULL for a remote one; not printed */
	struct ap_digest digest;
	uint64_t size;    /* 0: not known */
	bool requested;   /* named by the user: REQUESTED is written */
	char *direct_url; /* content of direct_url.json, or NULL */
};

struct ap_lock {
	struct ap_locked *v; /* sorted by name */
	size_t n, cap;
	struct ap_strv removes; /* normalized names of base distributions that are replaced */
};

void ap_lock_release(struct ap_lock *l);

/* As pylock.toml.  Order and text are fixed by the content.  Source: PEP 751. */
void ap_lock_print(struct ap_buf *out, const struct ap_lock *l);

/*
 * Read a pylock.toml: ours, uv's or another tool's.  Of several wheels the
 * one that fits best is taken; tags NULL: there must be one each.
 *
 * Errors: AP_E_INPUT with line and column, or naming the package and what it
 * lacks (a wheel that fits, a sha256); packages without any wheel are
 * AP_E_UNSUPPORTED.
 */
int ap_lock_parse(struct ap_lock *out, const char *p, size_t n, const struct ap_tags *tags,
	struct ap_err *err) AP_CHECK;

/*
 * The same for one environment: packages whose marker does not hold there
 * are left out (env NULL: none are), and so are the names in `skip` (may be
 * NULL).  AP_E_INPUT when the lock's requires-python or environments exclude
 * the environment.
 */
int ap_lock_parse_for(struct ap_lock *out, const char *p, size_t n, const struct ap_tags *tags,
	const struct ap_marker_env *env, const struct ap_strv *skip, struct ap_err *err) AP_CHECK;

/* The sha256 of the printed lock: what images are labelled with. */
/* Of all but the sizes, which not every index tells. */
void ap_lock_digest(struct ap_digest *out, const struct ap_lock *l);

/* Append an empty place.  borrowed: valid until the next addition. */
struct ap_locked *ap_lock_add(struct ap_lock *l);

/* The distribution of a normalized name, borrowed, or NULL. */
struct ap_locked *ap_lock_find(const struct ap_lock *l, const char *name);

/* Move one entry into another lock; what stays behind is empty. */
void ap_lock_take(struct ap_lock *to, struct ap_locked *from);
void ap_lock_sort(struct ap_lock *l);

#endif
