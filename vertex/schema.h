/*
 * The messages of the Vertex AI API that we send: fields, types, enums,
 * one-of groups and the API versions they exist in, as a table that `make
 * schema` makes from the public definition.
 */
#ifndef AP_VERTEX_SCHEMA_H
#define AP_VERTEX_SCHEMA_H

#include "base/json.h"

enum ap_schema_kind {
	AP_SCHEMA_STRING,
	AP_SCHEMA_BOOL,
	AP_SCHEMA_INT32,
	AP_SCHEMA_SINT32,
	AP_SCHEMA_UINT32,
	AP_SCHEMA_INT64, /* a string of digits in JSON */
	AP_SCHEMA_SINT64,
	AP_SCHEMA_UINT64,
	AP_SCHEMA_FLOAT,
	AP_SCHEMA_DOUBLE,
	AP_SCHEMA_BYTES, /* base64 */
	AP_SCHEMA_ENUM,
	AP_SCHEMA_MESSAGE,
	AP_SCHEMA_STRUCT, /* any object */
	AP_SCHEMA_VALUE,  /* any value */
	AP_SCHEMA_LIST_VALUE,
	AP_SCHEMA_DURATION,  /* "3.5s" */
	AP_SCHEMA_TIMESTAMP, /* RFC 3339 */
	AP_SCHEMA_FIELDMASK,
};

enum {
	AP_SCHEMA_LIST = 1 << 0,
	AP_SCHEMA_MAP = 1 << 1,      /* string -> kind */
	AP_SCHEMA_REQUIRED = 1 << 2, /* of every request that has the message */
	AP_SCHEMA_OUTPUT = 1 << 3,   /* set by the service only */
};

enum { AP_SCHEMA_V1 = 1, AP_SCHEMA_V1BETA1 = 2 };

struct ap_schema_value {
	const char *name;
	unsigned versions;
};

struct ap_schema_enum {
	const char *name;
	const struct ap_schema_value *v; /* without the UNSPECIFIED one */
	size_t n;
};

struct ap_schema_field {
	const char *name;  /* camelCase, as in JSON */
	const char *snake; /* snake_case, as in the definition */
	enum ap_schema_kind kind;
	unsigned ref;      /* index of the message or enum */
	unsigned flags;    /* AP_SCHEMA_LIST ... */
	unsigned oneof;    /* fields of one group exclude each other; 0: none */
	unsigned versions; /* AP_SCHEMA_V1 | AP_SCHEMA_V1BETA1 */
};

struct ap_schema_message {
	const char *name; /* "CustomJobSpec" */
	const struct ap_schema_field *fields;
	size_t n;
};

extern const struct ap_schema_message ap_schema_messages[];
extern const size_t ap_schema_n_messages;
extern const struct ap_schema_enum ap_schema_enums[];
extern const size_t ap_schema_n_enums;

/* By name; it is a bug to ask for one that is not there. */
const struct ap_schema_message *ap_schema_message(const char *name);
const struct ap_schema_enum *ap_schema_enum(const char *name);

/* By camelCase or snake_case name; NULL when there is none. */
const struct ap_schema_field *ap_schema_field(const struct ap_schema_message *m, const char *name);

const struct ap_schema_value *ap_schema_value(const struct ap_schema_enum *e, const char *name);

/* Nearest field (or enum value) to a mistyped word, or NULL.  Case and `-`, `_` do not count. */
const char *ap_schema_nearest_field(const struct ap_schema_message *m, const char *word);
const char *ap_schema_nearest_value(const struct ap_schema_enum *e, const char *word);

/* "3600s", "1h30m", "90" (seconds) as the API's "N.NNNs"; false when it is none.  *out: owned. */
bool ap_schema_duration(char **out, const char *text);

/*
 * Which version does a body need: AP_SCHEMA_V1 unless a field or enum value
 * in it exists only in v1beta1.
 */
unsigned ap_schema_version(const struct ap_schema_message *m, const cJSON *body);

/*
 * The first required field that a body lacks, as a path
 * ("jobSpec.workerPoolSpecs[0].containerSpec.imageUri"), or NULL.  *out: owned.
 * An empty item of a list is a placeholder and is not looked into.
 */
char *ap_schema_missing(const struct ap_schema_message *m, const cJSON *body);

#endif
