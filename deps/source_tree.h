/*
 * A project's source directory: its content as one digest, and a copy of it
 * that a build may write into.
 */
#ifndef AP_DEPS_SOURCE_TREE_H
#define AP_DEPS_SOURCE_TREE_H

#include "base/digest.h"
#include "base/str.h"

/*
 * Walk `dir` and hash paths, executable bits, link targets and contents;
 * with `copy` (a directory that does not exist yet) write the same tree
 * there.  Left out: version control, bytecode, tool caches, virtual
 * environments, what earlier builds left at the top (build, dist,
 * *.egg-info), and `outputs`, absolute paths (NULL: none).
 *
 * Errors: AP_E_INPUT for links that lead out of the tree and for what is
 * neither file, directory nor link; AP_E_LIMIT over a million entries; AP_E_IO.
 */
int ap_source_tree(struct ap_digest *digest, const char *dir, const char *copy,
	const struct ap_strv *outputs, struct ap_err *err) AP_CHECK;

#endif
