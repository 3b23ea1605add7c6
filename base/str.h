/*
 * Views of strings, lists of strings, and the few string questions that are
 * asked in every room.  No locale is ever consulted.
 */
#ifndef AP_BASE_STR_H
#define AP_BASE_STR_H

#include "base/buf.h"

/* A borrowed run of bytes, not terminated. */
struct ap_str {
	const char *p;
	size_t n;
};

struct ap_str ap_str(const char *s);
struct ap_str ap_str_n(const char *p, size_t n);
bool ap_str_eq(struct ap_str a, const char *b);
struct ap_str ap_str_trim(struct ap_str s); /* ASCII white space at both ends */

/*
 * Cut the part before the first `sep` off *rest.  False when *rest is used
 * up; an empty string gives one empty part, as split() in Python does.
 */
bool ap_str_next(struct ap_str *rest, char sep, struct ap_str *part);

bool ap_starts_with(const char *s, const char *prefix);
/* The rest of `path` behind the directory `dir` and a slash, or NULL: "a/b" below "a" is "b". */
const char *ap_below(const char *path, const char *dir);
bool ap_ends_with(const char *s, const char *suffix);
bool ap_streq(const char *a, const char *b); /* NULL equals only NULL */
bool ap_one_of(const char *s, const char *const *list, size_t n);
bool ap_is_alnum(char c);
bool ap_is_digit(char c);
char ap_lower(char c);
char ap_upper(char c);
int ap_hex(char c); /* the value of a hex digit; -1: it is none */

/* Is it well-formed UTF-8 (no surrogates, no overlong forms, no NUL)?  How long is the part that is? */
bool ap_utf8_ok(const char *p, size_t n);
size_t ap_utf8_span(const char *p, size_t n);

/*
 * Read a decimal number of digits only, at most `max`.
 * False on anything else; *out is then untouched.
 */
bool ap_parse_u64(const char *s, uint64_t max, uint64_t *out);

/*
 * The candidate nearest to `word` (distance at most 1 + length/3), or NULL.
 * borrowed: one of the candidates.
 */
const char *ap_did_you_mean(const char *word, const char *const *candidates, size_t n);

/* Append with control characters and invalid UTF-8 escaped as \xNN, for a terminal. */
void ap_buf_add_printable(struct ap_buf *b, const char *p, size_t n);

/* A list of owned strings; n entries, v[n] is NULL once anything was added. */
struct ap_strv {
	char **v;
	size_t n;
	size_t cap;
};

void ap_strv_release(struct ap_strv *l);
void ap_strv_add(struct ap_strv *l, const char *s);
void ap_strv_add_n(struct ap_strv *l, const char *p, size_t n);
void ap_strv_addf(struct ap_strv *l, const char *fmt, ...) AP_PRINTF(2, 3);
void ap_strv_own(struct ap_strv *l, char *s);                      /* takes s */
void ap_strv_copy(struct ap_strv *to, const struct ap_strv *from); /* appends */
void ap_strv_sort(struct ap_strv *l);                              /* by bytes */
bool ap_strv_has(const struct ap_strv *l, const char *s);
char *ap_strv_join(const struct ap_strv *l, const char *sep); /* owned by the caller */

#define ap_auto_strv AP_CLEANUP(ap_strv_release) struct ap_strv

#endif
