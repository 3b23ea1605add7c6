/*
 * What the readers of a request's inputs share: request.c goes through them,
 * request_project.c reads the working directory's own project,
 * request_file.c requirements files, and request_line.c makes one line of the
 * request from one text, wherever it stands.
 *
 * All errors go to s->err: AP_E_INPUT, naming where the text stands.
 */
#ifndef AP_DEPS_REQUEST_PRIV_H
#define AP_DEPS_REQUEST_PRIV_H

#include "deps/request.h"

#define AP_DEP_FILE_MAX     (4u << 20) /* bytes of a requirements file */
#define AP_DEP_MAX_INCLUDES 32         /* deep */

#define AP_DEP_VCS_WORD                                                                    \
	"a version control address cannot be built here; build a wheel of it (pip wheel) " \
	"and give that with extra-packages"

/* A request while it is read. */
struct ap_dep_scan {
	struct ap_dep_request *r;
	const char *open[AP_DEP_MAX_INCLUDES]; /* files being read, outermost first */
	unsigned depth;
	struct ap_sha256 expanded; /* of lines in which a variable was replaced */
	bool any_expanded;
	struct ap_err *err;
};

/* A new line of the request.  borrowed, until the next one. */
struct ap_dep_line *ap_dep_scan_add(
	struct ap_dep_scan *s, enum ap_dep_kind kind, const char *where);

/* Fill a line from a requirement: a name, NAME @ ADDRESS, an address, and, when it may be, a path. */
enum { AP_DEP_MAY_BE_LOCAL = 1 << 0 };
int ap_dep_scan_text(
	struct ap_dep_scan *s, struct ap_dep_line *l, const char *text, unsigned flags) AP_CHECK;

/* The same from an address, from a path with extras and marker, and from one without them, absolute. */
int ap_dep_scan_url(struct ap_dep_scan *s, struct ap_dep_line *l, const char *text) AP_CHECK;
int ap_dep_scan_path(struct ap_dep_scan *s, struct ap_dep_line *l, const char *text) AP_CHECK;
int ap_dep_scan_local(
	struct ap_dep_scan *s, struct ap_dep_line *l, const char *path, const char *text) AP_CHECK;

/* What kind of thing l->req.url is. */
int ap_dep_scan_remote(struct ap_dep_scan *s, struct ap_dep_line *l, const char *text) AP_CHECK;

/* Name a line by the file at the end of an address or path: NAME-VERSION-TAGS.whl, NAME-VERSION.tar.gz. */
void ap_dep_name_of_file(struct ap_dep_line *l, const char *at);

bool ap_dep_is_vcs(const char *text);
bool ap_dep_has_scheme(const char *text);
bool ap_dep_has_file(const char *dir, const char *name);

/* A local file that requirements name: Dockerfiles copy it. */
void ap_dep_scan_include(struct ap_dep_scan *s, const char *path);

/* A value as messages show it: printable, without user:password@ and query.  owned. */
char *ap_dep_scan_shown(const char *text);

/* -1, with a message: `why` of `text`; of a path that is not there, with what is near it. */
int ap_dep_scan_refuse(struct ap_dep_scan *s, const char *where, const char *text, const char *why);
int ap_dep_scan_missing(struct ap_dep_scan *s, const char *where, const char *text,
	const char *path, const char *why);

/* Read a requirements file, or a file of constraints; from: who names it. */
int ap_dep_scan_file(
	struct ap_dep_scan *s, const char *path, const char *from, bool constraint) AP_CHECK;

/* What the environment and pip.conf limit, when there is something to install. */
int ap_dep_scan_ambient(struct ap_dep_scan *s) AP_CHECK;

/* The working directory's own project, and its uv.lock. */
int ap_dep_scan_project(struct ap_dep_scan *s) AP_CHECK;

#endif
