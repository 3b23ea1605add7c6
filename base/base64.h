/*
 * Base64 with padding, and what it is mostly used for: user and password in
 * an Authorization header.
 */
#ifndef AP_BASE_BASE64_H
#define AP_BASE_BASE64_H

#include "base/buf.h"

/* Append the bytes as text. */
void ap_base64(struct ap_buf *out, const void *p, size_t n);

/* Append the bytes that the text stands for; false when it is anything else. */
bool ap_base64_decode(struct ap_buf *out, const char *text);

/* "Basic dXNlcjpwYXNz".  *out: owned. */
char *ap_basic_auth(const char *user, const char *password);

#endif
