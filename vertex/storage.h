/*
 * The little of Cloud Storage that jobs need: a file read, a package
 * uploaded under a name made from its content.
 */
#ifndef AP_VERTEX_STORAGE_H
#define AP_VERTEX_STORAGE_H

#include "vertex/api.h"

/* "gs://bucket/object" taken apart; false when it is none.  Strings owned, free(). */
bool ap_gs_split(char **bucket, char **object, const char *uri);

/* Read an object, at most max bytes.  Errors: AP_E_NOT_FOUND, the service's, AP_E_LIMIT. */
int ap_gs_read(struct ap_buf *out, struct ap_vertex *v, const char *uri, uint64_t max,
	struct ap_err *err) AP_CHECK;

/*
 * The URI of a package below `staging` ("gs://bucket/dir"):
 * STAGING/autopack/SHA256/NAME.  Pure.
 * *out: owned.  Errors: AP_E_USAGE: staging is no place in Cloud Storage.
 */
int ap_gs_package_uri(char **out, const char *staging, const struct ap_digest *digest,
	const char *name, struct ap_err *err) AP_CHECK;

/*
 * Upload a file to a URI made by ap_gs_package_uri(), unless it is there.
 * Resumed when the connection breaks.
 */
int ap_gs_upload(
	struct ap_vertex *v, const char *uri, const char *path, struct ap_err *err) AP_CHECK;

#endif
