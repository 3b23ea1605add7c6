/*
 * The text of the commands that an installer makes, as pip makes it.
 *
 * pip writes one of three forms, by its own version; taken is the newest pip
 * that runs on the base's Python.  Source: pip 26.3, 25.3, 25.0.1.
 */
#ifndef AP_DEPS_SCRIPT_H
#define AP_DEPS_SCRIPT_H

#include "deps/entry_points.h"
#include "deps/inventory.h"

/*
 * "#!" line of a generated script: plain, or through /bin/sh when the
 * interpreter's path has a space or the line would be over 127 bytes.
 */
void ap_script_shebang(struct ap_buf *out, const char *interpreter);

/* A whole generated script. */
void ap_script_print(
	struct ap_buf *out, const struct ap_entry_point *point, const struct ap_inventory *inv);

/*
 * The commands of a wheel in pip's order: console, then gui.  A script
 * called "pip" or "easy_install" becomes the versioned family of the base's
 * Python.  Names may repeat between console and gui.
 */
void ap_script_list(struct ap_entry_points *out, const struct ap_entry_points *points,
	const struct ap_inventory *inv);

/* Is a file of .data/scripts one that setuptools made for an entry point?  pip leaves it out. */
bool ap_script_is_wrapper(const struct ap_entry_points *points, const char *basename);

#endif
