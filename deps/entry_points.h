/*
 * entry_points.txt: the commands that an installer makes.
 *
 * Source: entry points specification.
 */
#ifndef AP_DEPS_ENTRY_POINTS_H
#define AP_DEPS_ENTRY_POINTS_H

#include "base/str.h"

struct ap_entry_point {
	char *name;   /* legal as a file name */
	char *module; /* "pkg.mod" */
	char *attr;   /* "main" or "Class.method" */
	bool gui;
};

/* Only console_scripts and gui_scripts, later ones of a name replacing earlier ones in their place. */
struct ap_entry_points {
	struct ap_entry_point *v;
	size_t n, cap;
};

void ap_entry_points_release(struct ap_entry_points *e);

/*
 * Read the file; other groups are passed over.  A script's name must be a
 * file name without white space, its object reference MODULE:ATTR, extras
 * behind it are allowed.
 *
 * Errors: AP_E_PROTO with the line number.
 */
int ap_entry_points_parse(
	struct ap_entry_points *out, const char *p, size_t n, struct ap_err *err) AP_CHECK;

#endif
