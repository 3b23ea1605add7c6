/*
 * What a registry says when it refuses: its JSON as one line of ours.  Pure.
 */
#ifndef AP_REGISTRY_ANSWER_H
#define AP_REGISTRY_ANSWER_H

#include "base/http.h"

/*
 * "DENIED: requested access is denied" into out, printable, at most a few
 * hundred bytes; the first words of a body that is no JSON; nothing when the
 * body is empty.  Source: distribution-spec v1.1, error codes.
 */
void ap_answer_text(struct ap_buf *out, const void *body, size_t n);

/* Does the body carry this error code ("BLOB_UNKNOWN"), in the standard form? */
bool ap_answer_has(const struct ap_http_resp *resp, const char *code);

/*
 * Turn an answer into an error: "METHOD URL: HTTP 403: DENIED: ...".
 * AP_E_AUTH for 401 and 403, AP_E_NOT_FOUND for 404, else AP_E_HTTP.
 * err->http is the status.  Always -1.
 */
int ap_answer_error(
	const struct ap_http_req *req, const struct ap_http_resp *resp, struct ap_err *err);

#endif
