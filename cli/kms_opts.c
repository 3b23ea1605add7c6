#include "cli/kms_opts.h"

#define AT(field) offsetof(struct ap_kms, field)

const struct ap_opt ap_kms_table[AP_KMS_OPTS_N] = {
	{ .name = "kms-key",
		.kind = AP_OPT_STR,
		.offset = AT(key),
		.arg = "KEY",
		.help = "your key that encrypts it: a full name, or an ID with the three below" },
	{ .name = "kms-keyring",
		.kind = AP_OPT_STR,
		.offset = AT(keyring),
		.arg = "RING",
		.help = "the key's ring" },
	{ .name = "kms-location",
		.kind = AP_OPT_STR,
		.offset = AT(location),
		.arg = "LOCATION",
		.help = "the key's location" },
	{ .name = "kms-project",
		.kind = AP_OPT_STR,
		.offset = AT(project),
		.arg = "PROJECT",
		.help = "the key's project" },
};
