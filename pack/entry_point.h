/*
 * What the image runs: the script or Python module of a request, checked
 * against the working directory, and which of its files that needs.
 */
#ifndef AP_PACK_ENTRY_POINT_H
#define AP_PACK_ENTRY_POINT_H

#include "pack/request.h"
#include "pack/tree.h"

struct ap_entry_point {
	bool runs_python;
	struct ap_strv argv; /* "python" first where runs_python: the word is the base's matter */
	bool installed;      /* the module comes with the project that is installed: no files */
	char *dir;           /* goes in whole, below the root: "a/b", "" for the root */
	char *dir_as_given;  /* the same in the user's words, as gcloud's COPY has it: "." */
	char *script;        /* below the root, NULL for a module */
	struct ap_strv flat; /* parent packages whose own files go in: "a" for a.b.c */
};

/*
 * `given` is the user's word for the working directory.  has_project: a
 * setup.py or pyproject.toml will be installed, so a module may lie in src/.
 *
 * Errors: AP_E_INPUT naming the key, what was found and wanted.
 */
int ap_entry_point_find(struct ap_entry_point *out, const struct ap_local_root *root,
	const char *given, const struct ap_image_request *req, bool has_project,
	struct ap_err *err) AP_CHECK;
void ap_entry_point_release(struct ap_entry_point *e);

#endif
