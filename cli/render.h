/*
 * Results on stdout: json, yaml, curl, value(KEY), table.
 */
#ifndef AP_CLI_RENDER_H
#define AP_CLI_RENDER_H

#include "base/json.h"

/*
 * Print `j` as `format` says.  value(KEY,...) prints the named members
 * (`a.b[0].c`; `a[].b` of every item, with `;` between; one line, or one for each item of an array), separated by
 * tabs; table prints columns of an array's items; `columns` ("name,state")
 * are those of a table, and what value() and table without keys use.
 *
 * Errors: AP_E_USAGE for a key that cannot be read, or a format that does
 * not fit; curl is not handled here.
 */
int ap_render(struct ap_buf *out, const cJSON *j, const char *format, const char *columns,
	struct ap_err *err) AP_CHECK;

/* The member that a path names, or NULL.  Errors: none; borrowed. */
const cJSON *ap_render_find(const cJSON *j, const char *path);

#endif
