/*
 * The image configuration: the base's, changed as DESIGN section 4 says.
 */
#ifndef AP_PACK_CONFIG_H
#define AP_PACK_CONFIG_H

#include "pack/image.h"

/* *out: owned by the caller, cJSON_Delete().  Errors: AP_E_INPUT. */
int ap_config_make(cJSON **out, const struct ap_base *base, const struct ap_layer *layers,
	size_t n_layers, const struct ap_image_opts *o, struct ap_err *err) AP_CHECK;

/* Seconds since 1970 as RFC 3339 in UTC, "1980-01-01T00:00:00Z". */
void ap_time_rfc3339(struct ap_buf *out, int64_t epoch);

#endif
