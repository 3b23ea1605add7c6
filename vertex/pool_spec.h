/*
 * The words of one --worker-pool-spec (or --resource-pool-spec): gcloud's
 * KEY=VALUE list with its `^X^` delimiters, checked against a table of keys.
 */
#ifndef AP_VERTEX_POOL_SPEC_H
#define AP_VERTEX_POOL_SPEC_H

#include "base/json.h"

enum ap_pool_key_kind {
	AP_POOL_TEXT,
	AP_POOL_COUNT, /* a whole number, not negative */
	AP_POOL_LIST,  /* by `;`, or another delimiter with ^X^ */
};

struct ap_pool_key {
	const char *name;
	enum ap_pool_key_kind kind;
};

/* A parsed spec: name[i] has value[i] (and count or list by its kind); empty values are none. */
struct ap_pool_word {
	const struct ap_pool_key *key;
	char *text; /* as written */
	uint64_t count;
	struct ap_strv list;
	bool empty; /* "key=": said, with nothing */
};

struct ap_pool_spec {
	struct ap_pool_word *v;
	size_t n;
};

/*
 * Split text at commas, or at X when it begins with ^X^; a delimiter at the
 * end is dropped.  False when ^X^ has no X.  Source: `gcloud topic escaping`.
 */
bool ap_words_split(struct ap_strv *out, const char *text, char delimiter);

/*
 * Join what `;` separated wrongly: a part that is an environment marker goes
 * back to the requirement before it.
 */
void ap_requirements_join(struct ap_strv *out, const struct ap_strv *parts);

/*
 * Parse `text` of `flag` ("--worker-pool-spec").  *out: ap_pool_spec_release().
 * Errors: AP_E_USAGE naming the flag, the key (with the nearest one), what
 * was wanted and found: unknown, twice, without `=`, no number.
 */
int ap_pool_spec_parse(struct ap_pool_spec *out, const char *flag, const char *text,
	const struct ap_pool_key *keys, size_t n_keys, struct ap_err *err) AP_CHECK;
void ap_pool_spec_release(struct ap_pool_spec *s);
#define ap_auto_pool_spec AP_CLEANUP(ap_pool_spec_release) struct ap_pool_spec

/* The word of a key; NULL when it was not said. */
const struct ap_pool_word *ap_pool_word(const struct ap_pool_spec *s, const char *key);

/* Its text; NULL when it was not said or is empty. */
const char *ap_pool_text(const struct ap_pool_spec *s, const char *key);

/* Was the key given a value? */
bool ap_pool_has(const struct ap_pool_spec *s, const char *key);

#endif
