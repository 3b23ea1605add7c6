/*
 * JSON on top of cJSON: parsing within limits, typed look-ups that say what
 * was wanted, and printing in one fixed form.
 */
#ifndef AP_BASE_JSON_H
#define AP_BASE_JSON_H

#include <cjson/cJSON.h>

#include "base/str.h"

#define AP_JSON_DEPTH 64

void ap_json_freep(cJSON **j);
#define ap_auto_json AP_CLEANUP(ap_json_freep) cJSON *

/*
 * Parse one JSON text: depth at most 64, valid UTF-8, nothing but white
 * space behind it, no duplicate member in any object.  A NUL in a string
 * becomes U+FFFD.
 *
 * *out: owned by the caller, cJSON_Delete().
 * Errors: AP_E_PROTO with the byte offset; AP_E_LIMIT.
 */
int ap_json_parse(cJSON **out, const void *p, size_t n, struct ap_err *err) AP_CHECK;

/* Member `name` of object j, case-sensitively; NULL when absent or JSON null. */
const cJSON *ap_json_get(const cJSON *j, const char *name);

/* String member; NULL when absent.  borrowed from j. */
const char *ap_json_str(const cJSON *j, const char *name);

/*
 * A member that must be there: string, or unsigned integer at most 2^53.
 * Errors: AP_E_PROTO naming `name`, what was wanted and found.
 */
int ap_json_need_str(
	const char **out, const cJSON *j, const char *name, struct ap_err *err) AP_CHECK;
int ap_json_need_u64(uint64_t *out, const cJSON *j, const char *name, struct ap_err *err) AP_CHECK;

/* "object", "array", "string", "number", "boolean", "null". */
const char *ap_json_type(const cJSON *j);

/* Building: an addition that cannot fail. */
cJSON *ap_json_object(void);
cJSON *ap_json_array(void);
cJSON *ap_json_string(const char *s);
cJSON *ap_json_number(double v);
cJSON *ap_json_bool(int v);
cJSON *ap_json_dup(const cJSON *j);
void ap_json_set(cJSON *obj, const char *name, cJSON *value);          /* takes value; replaces */
void ap_json_set_str(cJSON *obj, const char *name, const char *value); /* NULL: no-op */
void ap_json_push(cJSON *arr, cJSON *value);                           /* takes value */
/* The object of that name in obj; made when there is none.  borrowed. */
cJSON *ap_json_make_object(cJSON *obj, const char *name);

cJSON *ap_json_set_object(cJSON *obj, const char *name); /* new empty member, borrowed */
cJSON *ap_json_set_array(cJSON *obj, const char *name);

/* Structural equality; the order of object members does not matter. */
bool ap_json_equal(const cJSON *a, const cJSON *b);

/* One string with its quotes, for texts too large to be built as a whole. */
void ap_json_print_string(struct ap_buf *out, const char *s);

/*
 * Print in members' order; integers without exponent or fraction, UTF-8 as
 * it is.  AP_JSON_PRETTY: two blanks of indentation, and a final newline.
 */
enum { AP_JSON_PRETTY = 1 << 0, AP_JSON_SORTED = 1 << 1 };
void ap_json_print(struct ap_buf *out, const cJSON *j, unsigned flags);

#endif
