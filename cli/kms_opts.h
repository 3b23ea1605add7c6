/*
 * The flags that name a customer-managed encryption key, as all of gcloud's
 * `create` commands have them.
 */
#ifndef AP_CLI_KMS_OPTS_H
#define AP_CLI_KMS_OPTS_H

#include "cli/opt.h"
#include "vertex/label.h"

#define AP_KMS_OPTS_N 4
extern const struct ap_opt ap_kms_table[AP_KMS_OPTS_N];
#define AP_KMS_GROUP(offset)                                        \
	{                                                           \
		"encryption", ap_kms_table, AP_KMS_OPTS_N, (offset) \
	}

#endif
