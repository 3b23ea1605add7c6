/*
 * YAML on libyaml, as people mean it: YAML 1.2 core scalars (`no`, `on`,
 * `1:30` stay strings), one document, duplicate keys refused, anchors
 * bounded.  Each node remembers where it stood.
 */
#ifndef AP_BASE_YAML_H
#define AP_BASE_YAML_H

#include "base/json.h"

enum ap_yaml_kind {
	AP_YAML_NULL,
	AP_YAML_BOOL,
	AP_YAML_INT,
	AP_YAML_FLOAT,
	AP_YAML_STR,
	AP_YAML_SEQ,
	AP_YAML_MAP
};

struct ap_yaml {
	enum ap_yaml_kind kind;
	bool quoted;           /* a string that was quoted or a block: never another kind */
	unsigned line, column; /* from 1 */
	char *text;            /* scalars as written (after unquoting) */
	size_t n;              /* children */
	struct ap_yaml **v;    /* items, or values of a mapping */
	struct ap_yaml **keys; /* scalar keys of a mapping, same order */
};

/* *out: owned, ap_yaml_free(); NULL for an empty document.  Errors: AP_E_INPUT "line L, column C: ...". */
int ap_yaml_parse(struct ap_yaml **out, const char *p, size_t n, struct ap_err *err) AP_CHECK;
void ap_yaml_free(struct ap_yaml *y);
void ap_yaml_freep(struct ap_yaml **y);
#define ap_auto_yaml AP_CLEANUP(ap_yaml_freep) struct ap_yaml *
const struct ap_yaml *ap_yaml_get(const struct ap_yaml *map, const char *key);

/* Print a JSON tree as block YAML that any YAML 1.1 or 1.2 reader reads as the same tree. */
void ap_yaml_print(struct ap_buf *out, const cJSON *j);

#endif
