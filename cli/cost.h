/*
 * What a part of a run costs: time, processor time of this process and its
 * children, and what went over the wire.  The resolver's own transfers are
 * not among the latter.
 */
#ifndef AP_CLI_COST_H
#define AP_CLI_COST_H

#include "base/http.h"

struct ap_cost {
	double wall, cpu; /* seconds */
	struct ap_http_traffic net;
};

/* http may be NULL as long as nothing was asked of the network. */
void ap_cost_begin(struct ap_cost *c, struct ap_http *http);
/* c becomes the difference. */
void ap_cost_end(struct ap_cost *c, struct ap_http *http);

/* "8.40 s, 3.12 s of processor, 31 requests, 12 kB sent, 216 MB received" */
void ap_cost_describe(const struct ap_cost *c, struct ap_buf *out);

#endif
