/*
 * What version control knows about a working directory, for labels: read
 * with libgit2, no filter, no hook, no program of the repository is run.
 */
#ifndef AP_PACK_REVISION_H
#define AP_PACK_REVISION_H

#include "base/progress.h"

struct ap_revision {
	char *revision; /* commit, with "-dirty" behind it when tracked files differ from it; NULL */
	char *source;   /* https://host/path of remote "origin", or NULL */
};

/*
 * All fields NULL when the directory is in no repository, or the repository
 * belongs to somebody else (a debug note says so); never an error.
 */
void ap_revision_read(struct ap_revision *out, const char *dir, struct ap_progress *progress);
void ap_revision_release(struct ap_revision *r);

/*
 * A remote's address as plain https: user information, port of ssh, query and
 * fragment are dropped; NULL for local paths and what is no such address.
 * *out: owned.
 */
char *ap_revision_source(const char *remote);

#endif
