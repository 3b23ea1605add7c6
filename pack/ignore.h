/*
 * What of a working directory never goes into an image: docker's
 * .dockerignore rules, git's rules for --ignore-file=.gcloudignore or
 * .gitignore, and what never belongs there (.git, __pycache__, virtual
 * environments).  tree.c asks it while it walks.
 */
#ifndef AP_PACK_IGNORE_H
#define AP_PACK_IGNORE_H

#include "base/str.h"

struct ap_ignore;

enum ap_ignore_rules { AP_IGNORE_DOCKER, AP_IGNORE_GIT };

/*
 * Patterns of an ignore file, in its order; `name` is used in messages.
 *
 * *out: ap_ignore_free().
 * Errors: AP_E_INPUT "NAME:LINE: pattern ...: why".
 * Source: docker build reference, ".dockerignore file"; gitignore(5).
 */
int ap_ignore_parse(struct ap_ignore **out, const char *text, size_t n, enum ap_ignore_rules rules,
	const char *name, struct ap_err *err) AP_CHECK;

/*
 * The ignore file of a working directory: `file` when given (it must be
 * there; relative to the current directory; git's rules when its name ends in
 * .gcloudignore or .gitignore), else DIR/.dockerignore when there is one.
 * A "#!include:NAME" line of a .gcloudignore brings in a file beside it.
 */
int ap_ignore_load(
	struct ap_ignore **out, const char *dir, const char *file, struct ap_err *err) AP_CHECK;

void ap_ignore_free(struct ap_ignore *i);
void ap_ignore_freep(struct ap_ignore **i);
#define ap_auto_ignore AP_CLEANUP(ap_ignore_freep) struct ap_ignore *

/*
 * Which patterns matched a directory or one above it: below a directory that
 * a pattern matches, docker's rules hold it matched.  Zeroed: the directory
 * that was named, which no pattern can take away.
 */
struct ap_ignore_state {
	unsigned char *hit;
};

void ap_ignore_state_release(struct ap_ignore_state *s);

/*
 * Is `path` (relative to the working directory) left out?  `up` is the state
 * of the directory it lies in; `own`, when not NULL, becomes its own.
 */
bool ap_ignore_test(const struct ap_ignore *i, struct ap_ignore_state *own,
	const struct ap_ignore_state *up, const char *path, bool is_dir);

/*
 * Can something below the ignored directory `path` come back?  With docker's
 * rules and a "!" pattern that reaches there it can; the walk has to go in.
 * Source: what BuildKit does; docker's older client looks only where the
 * pattern's text begins with the directory, and so loses "!src/" + "**" + "/x.py".
 */
bool ap_ignore_may_return(const struct ap_ignore *i, const char *path);

/* Is it one of the names that never go in: .git, __pycache__? */
bool ap_ignore_never(const char *name);

#endif
