/*
 * Names of hosts are looked up once, for all transfers: several questions at
 * a time for one name are what some name servers and networks lose, and a
 * lost one costs five seconds.  Internal to base/wire.c.
 */
#ifndef AP_BASE_DNS_H
#define AP_BASE_DNS_H

#include <curl/curl.h>
#include <stdbool.h>

struct ap_dns;

/* After curl_global_init().  *out: ap_dns_free(), when no handle uses it any more. */
void ap_dns_new(struct ap_dns **out);
void ap_dns_free(struct ap_dns *d);

/* What other handles looked up, this one knows. */
void ap_dns_share(struct ap_dns *d, CURL *e);

/*
 * Wait while another transfer is the first one to a host, a few seconds at
 * most.  True: this one is the first, and ends with ap_dns_met().
 * Threads: yes.
 */
bool ap_dns_meet(struct ap_dns *d, const char *host);
void ap_dns_met(struct ap_dns *d, const char *host);

#endif
