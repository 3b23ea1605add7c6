/*
 * The local files that a dependency request rests on, each with its digest:
 * what the request tag and the lock's key are made of.
 */
#ifndef AP_DEPS_INPUTS_H
#define AP_DEPS_INPUTS_H

#include "deps/request.h"

/* "a/./b/../c" -> "a/c", lexically; `path` is absolute.  *out: owned. */
char *ap_path_clean(const char *path);

/* `path` (absolute, clean) seen from the directory `dir` (the same): "x", "../y".  *out: owned. */
char *ap_path_relative(const char *dir, const char *path);

/* The path of a file: URL, percent signs decoded; NULL when it names another host.  *out: owned. */
char *ap_path_of_file_url(const char *url);

/* Record a file under the name that it has seen from r->dir; a second time is no news. */
int ap_inputs_add_file(struct ap_dep_request *r, const char *path, struct ap_err *err) AP_CHECK;

/* Record a digest under a name of its own. */
void ap_inputs_add_digest(struct ap_dep_request *r, const char *name, const struct ap_digest *d);

/*
 * Record every file below a directory that a build could read: all but
 * version control, caches, virtual environments.  Links are recorded, not
 * followed.  Errors: AP_E_INPUT for a FIFO, a socket, a device; AP_E_LIMIT.
 */
int ap_inputs_add_tree(struct ap_dep_request *r, const char *path, struct ap_err *err) AP_CHECK;

/* Record the archives that lie in a --find-links directory. */
int ap_inputs_add_links(struct ap_dep_request *r, const char *path, struct ap_err *err) AP_CHECK;

/* Is this directory entry one that ap_inputs_add_tree() passes over?  build.c copies by the same rule. */
bool ap_inputs_skips(const char *name);

/* Sort by name. */
void ap_inputs_sort(struct ap_dep_request *r);

#endif
