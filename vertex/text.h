/*
 * Texts for people and shells: a request as a curl line, a filter of lists
 * in the service's words.
 */
#ifndef AP_VERTEX_TEXT_H
#define AP_VERTEX_TEXT_H

#include "base/json.h"

/*
 * A line for a POSIX shell that sends the body:
 *   curl -X POST -H "Authorization: Bearer $(gcloud auth print-access-token)" ... -d '...' 'URL'
 * comment: lines put before it with "# "; may be NULL.
 */
void ap_text_curl(struct ap_buf *out, const char *method, const char *url, const cJSON *body,
	const char *comment);

/*
 * A filter of lists as the service has it: keys in the camelCase of its
 * answers, which gcloud takes, become snake_case; the rest stays.  *out: owned.
 */
char *ap_text_filter(const char *text);

/* Append s as one word for a POSIX shell. */
void ap_text_shell_word(struct ap_buf *out, const char *s);

#endif
