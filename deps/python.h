/*
 * Which Python an image's PATH means, and where that Python installs and
 * finds distributions.
 */
#ifndef AP_DEPS_PYTHON_H
#define AP_DEPS_PYTHON_H

#include "deps/inventory.h"
#include "deps/paths.h"

/*
 * Fill in everything of *inv but its distributions, from paths alone:
 * interpreter, version, scheme, site directories, libc.  `word` is the name
 * the entry point uses; the other one serves when PATH has only that.
 *
 * Source: CPython's getpath.py and sysconfig.py, the patches of Debian,
 * Ubuntu and Fedora to them, PEP 405, PEP 668.
 */
void ap_python_find(
	struct ap_inventory *inv, const struct ap_paths *p, const char *env_path, const char *word);

#endif
