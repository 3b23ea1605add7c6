/*
 * One requirement as people write it: `name[extra]>=1; marker`, and the
 * evaluation of markers for a given Python.
 * Source: PEP 508 (dependency specifiers specification).
 */
#ifndef AP_DEPS_REQUIREMENT_H
#define AP_DEPS_REQUIREMENT_H

#include "base/str.h"

struct ap_requirement {
	char *name;            /* as written */
	char *normalized;      /* PEP 503 */
	struct ap_strv extras; /* normalized */
	char *specs;           /* ">=1,<2", "" when there is none */
	char *url;             /* of `name @ url`, or NULL */
	char *marker;          /* text behind ';', or NULL; its syntax is right */
};

/* Errors: AP_E_INPUT naming the text, what was wanted and where. */
int ap_requirement_parse(struct ap_requirement *out, const char *text, struct ap_err *err) AP_CHECK;
void ap_requirement_release(struct ap_requirement *r);

/* The same requirement again, in one spelling; without its marker when `marker` is NULL. */
void ap_requirement_print(
	struct ap_buf *out, const struct ap_requirement *r, const char *specs, const char *marker);

/* What a marker can ask about; all borrowed. */
struct ap_marker_env {
	const char *python_version;      /* "3.11" */
	const char *python_full_version; /* "3.11.2" */
	const char *sys_platform;        /* "linux" */
	const char *platform_system;     /* "Linux" */
	const char *platform_machine;    /* "x86_64" */
	const char *implementation;      /* "cpython" */
	const struct ap_strv *extras;    /* normalized extras that are wanted; NULL: none */
};

/* Does the marker hold?  NULL does.  False for what cannot be read. */
bool ap_marker_eval(const char *marker, const struct ap_marker_env *env);

#endif
