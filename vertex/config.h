/*
 * A --config file, YAML or JSON, checked against a message of the API and
 * turned into its JSON form.
 *
 * Tolerated, each with a note: snake_case keys, a single mapping where a
 * list of them belongs, names that the documentation uses for a field,
 * fields that only the service sets (left out).  Anything else that the
 * message does not have is refused with line, column and the nearest name.
 */
#ifndef AP_VERTEX_CONFIG_H
#define AP_VERTEX_CONFIG_H

#include "base/yaml.h"
#include "vertex/schema.h"

/* A value of any type that is to be read as a message. */
struct ap_config_typed {
	const char *field;   /* "trainingTaskInputs" */
	const char *message; /* "CustomJobSpec" */
};

struct ap_config_opts {
	const char *file;                    /* for messages */
	const struct ap_config_typed *typed; /* ended by { NULL, NULL }; may be NULL */
};

/*
 * Parse the text.  *out: owned, NULL for an empty file.
 * Errors: AP_E_INPUT "FILE: line L, column C: ...".
 */
int ap_config_load(
	struct ap_yaml **out, const char *file, const char *text, struct ap_err *err) AP_CHECK;

/*
 * Check a mapping against `m` and convert it.  Required fields are not
 * asked for: flags may still add them (ap_schema_missing()).
 *
 * *out: a new object, owned.  notes: lines about what was tolerated.
 * Errors: AP_E_INPUT.
 */
int ap_config_check(cJSON **out, struct ap_strv *notes, const struct ap_yaml *y,
	const struct ap_schema_message *m, const struct ap_config_opts *opts,
	struct ap_err *err) AP_CHECK;

/* Any value as JSON, unchecked but for numbers that JSON cannot hold.  *out: owned. */
int ap_config_any(
	cJSON **out, const struct ap_yaml *y, const char *file, struct ap_err *err) AP_CHECK;

/*
 * Where does a field stand?  path: as the service writes it
 * ("worker_pool_specs[0].machine_spec") or in camelCase, below y.  The
 * deepest node on the way that exists; NULL when not even the first part
 * does.  borrowed.
 */
const struct ap_yaml *ap_config_locate(const struct ap_yaml *y, const char *path);

/* "NAME: line 3, column 5" of a field; NULL when the file (NULL: none) does not say it.  *out: owned. */
char *ap_config_where(const struct ap_yaml *file, const char *name, const char *path);

/*
 * Put an error that is set at its field's place in the file: AP_E_INPUT then,
 * and as it was where the file does not say the field.  Always returns -1.
 */
int ap_config_at(
	const struct ap_yaml *file, const char *name, const char *path, struct ap_err *err);

/* How messages name a file that may be "-". */
const char *ap_config_name(const char *file);

#endif
