/*
 * Blobs of one repository: asking for, mounting, uploading, reading.
 * Internal to registry/.
 */
#ifndef AP_REGISTRY_BLOB_H
#define AP_REGISTRY_BLOB_H

#include "pack/store.h"
#include "registry/client.h"

/* A repository of a registry. */
struct ap_repo {
	struct ap_registry *reg;
	struct ap_rhost *host;
	char *name;
	char *pull, *push; /* scopes */
};

void ap_repo_init(struct ap_repo *r, struct ap_registry *reg, const struct ap_ref *ref);
void ap_repo_release(struct ap_repo *r);

/* HEAD.  *present is false when the registry cannot tell. */
int ap_blob_has(const struct ap_repo *r, const struct ap_descriptor *d, bool *present,
	struct ap_err *err) AP_CHECK;

/*
 * POST ?mount=&from=; *done false for anything but 201.  *session: owned; the
 * upload session that a registry opens instead (202), or NULL.
 */
int ap_blob_mount(const struct ap_repo *r, const struct ap_descriptor *d, const struct ap_ref *from,
	bool *done, char **session, struct ap_err *err) AP_CHECK;

/*
 * Open an upload session.  *location: owned, absolute.
 * Errors: AP_E_AUTH, AP_E_NOT_FOUND, ... as the registry answers.
 */
int ap_upload_begin(const struct ap_repo *r, char **location, struct ap_err *err) AP_CHECK;
/* The session's address in an answer, absolute.  *location: owned.  Errors: AP_E_PROTO. */
int ap_upload_location(
	char **location, const struct ap_http_resp *resp, struct ap_err *err) AP_CHECK;
void ap_upload_cancel(const struct ap_repo *r, const char *location);

/*
 * Upload, and again from the start after any failure that may pass; a lost
 * answer is found out with HEAD.  *session: an open session to use first, or
 * NULL; taken.  Never completed with bytes that do not match the digest.
 * Errors: AP_E_DIGEST, AP_E_NET, AP_E_HTTP, AP_E_AUTH, what r fails with.
 */
int ap_blob_put(const struct ap_repo *r, const struct ap_descriptor *d, struct ap_reader *body,
	char **session, struct ap_err *err) AP_CHECK;

/* A verified stream, resumed where it breaks.  *out: owned. */
int ap_blob_open(const struct ap_repo *r, const struct ap_descriptor *d, struct ap_reader **out,
	struct ap_err *err) AP_CHECK;

/*
 * A part of a blob, not verified, resumed where it breaks.  *out: owned.
 * Errors: AP_E_UNSUPPORTED when the registry sends the whole blob instead.
 */
int ap_blob_open_range(const struct ap_repo *r, const struct ap_descriptor *d, uint64_t from,
	uint64_t size, struct ap_reader **out, struct ap_err *err) AP_CHECK;

#endif
