/*
 * Before anything is built: is the repository there, and may we push?
 * Internal to registry/.
 */
#ifndef AP_REGISTRY_PREFLIGHT_H
#define AP_REGISTRY_PREFLIGHT_H

#include "registry/blob.h"

/*
 * Opens an upload session, which the first blob then uses.
 * *session: owned.  Errors: AP_E_AUTH or AP_E_NOT_FOUND with what to do about it.
 */
int ap_preflight(const struct ap_repo *r, char **session, struct ap_err *err) AP_CHECK;

/* What a user can do about a refusal: commands for Google's registries.  Pure. */
#define AP_REMEDY_GOOGLE_LOGIN                                                         \
	"; no Google credentials were found: log in with `gcloud auth login`, or set " \
	"GOOGLE_APPLICATION_CREDENTIALS"
enum { AP_REMEDY_ANONYMOUS = 1 << 0 }; /* no Google credential was found */
void ap_preflight_remedy(struct ap_buf *out, const char *host, const char *repository,
	enum ap_err_code code, unsigned flags);

#endif
