/*
 * The certificate authorities that TLS trusts, read once and shared by all
 * connections: reading the system's list takes longer than a whole push of
 * changed code.
 */
#ifndef AP_BASE_TRUST_H
#define AP_BASE_TRUST_H

#include <curl/curl.h>

#include "base/compiler.h"

struct ap_trust;

/* ca_file: SSL_CERT_FILE, in place of the system's list; NULL: that list.  Reads nothing yet. */
void ap_trust_new(struct ap_trust **out, const char *ca_file);
void ap_trust_free(struct ap_trust *t);

/*
 * Make the transfer verify against the shared list; when that cannot be done
 * (another TLS library, an unreadable list) libcurl reads it by itself, and
 * fails in its own words.  Threads: yes.
 */
void ap_trust_set(struct ap_trust *t, CURL *easy);

#endif
