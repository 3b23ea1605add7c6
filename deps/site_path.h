/*
 * Where the base's Python finds distributions besides its own site
 * directories: what PYTHONPATH names, and what .pth files add.
 */
#ifndef AP_DEPS_SITE_PATH_H
#define AP_DEPS_SITE_PATH_H

#include "deps/inventory.h"
#include "deps/paths.h"

/*
 * Put together inv->site_dirs: the directories of `pythonpath` (may be NULL),
 * then each of `own` (the scheme's, as ap_python_find() left them) with the
 * directories that its .pth files name behind it.  Only those that are there;
 * inv->added_dirs are the ones that are not in `own`.
 *
 * lacks: .pth files whose content is not known are added.
 * Source: Python documentation, "site"; Lib/site.py, addsitedir().
 */
void ap_site_path_find(struct ap_inventory *inv, const struct ap_paths *p,
	const struct ap_strv *own, const char *pythonpath, struct ap_strv *lacks);

#endif
