/*
 * The output of `pip inspect`, run in the executor image, as an inventory.
 *
 * pip says what is installed and for which Python, nothing of the rest of
 * the file system: the inventory is `partial`.  Assumed are glibc 2.28, the
 * install scheme that the site directories show, and no virtual environment.
 */
#ifndef AP_DEPS_PIP_INSPECT_H
#define AP_DEPS_PIP_INSPECT_H

#include "deps/inventory.h"

/* Does the document look like pip's? */
bool ap_pip_inspect_is(const cJSON *j);

/*
 * Fill an inventory whose `paths` are new and empty.
 * Errors: AP_E_INPUT for another format, a Python that is no CPython on
 * Linux, or no site directory that a scheme has.
 * Source: pip documentation, "pip inspect JSON output specification", version 1.
 */
int ap_pip_inspect_read(struct ap_inventory *inv, const cJSON *j, struct ap_err *err) AP_CHECK;

#endif
