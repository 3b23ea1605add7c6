/*
 * The referrers API of one repository.  Internal to registry/.
 */
#ifndef AP_REGISTRY_REFERRERS_H
#define AP_REGISTRY_REFERRERS_H

#include "registry/blob.h"

/*
 * All pages of GET /v2/NAME/referrers/DIGEST as one index, appended.  *known
 * false: the registry has no such API.
 * Errors: AP_E_AUTH, AP_E_PROTO, AP_E_LIMIT, AP_E_NET, AP_E_HTTP (5xx).
 * Source: distribution-spec v1.1, Listing Referrers.
 */
int ap_repo_referrers(const struct ap_repo *r, const struct ap_digest *subject,
	struct ap_buf *index, bool *known, struct ap_err *err) AP_CHECK;

/*
 * The URL of the next page in a Link header (RFC 8288), or NULL; from: the
 * URL of this page.  Pages of another origin are refused.  *out: owned.
 * Errors: AP_E_PROTO.
 */
int ap_link_next(char **out, const char *header, const char *from, struct ap_err *err) AP_CHECK;

#endif
