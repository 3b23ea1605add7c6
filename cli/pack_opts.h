/*
 * The flags of making an image that `build` and `create` share.
 */
#ifndef AP_CLI_PACK_OPTS_H
#define AP_CLI_PACK_OPTS_H

#include "cli/opt.h"
#include "pack/request.h"

struct ap_pack_opts {
	char *image; /* TRANSPORT:... to write to */
	char *platform, *compression, *ignore_file;
	int vcs_labels; /* -1: not said */
	char *lock, *lock_out, *inventory;
	int refresh;
	struct ap_strv allow_build;
	int compile; /* -1: not said */
	char *cache_dir, *cache_repository;
	int remote_cache; /* -1: not said */
	int verify_cache;
	char *dockerfile, *digest_file, *metadata_file;
	char *dry_run, *format;
	struct ap_strv sbom, sbom_out; /* formats to attach; files to write */
	int provenance;
	char *builder_id, *sign_key;
};

#define AP_PACK_OPTS_N 15
extern const struct ap_opt ap_pack_table[AP_PACK_OPTS_N];
#define AP_PACK_GROUP(offset)                                    \
	{                                                        \
		"image", ap_pack_table, AP_PACK_OPTS_N, (offset) \
	}

#define AP_ATTEST_OPTS_N 5
extern const struct ap_opt ap_attest_table[AP_ATTEST_OPTS_N];
#define AP_ATTEST_GROUP(offset)                                             \
	{                                                                   \
		"supply chain", ap_attest_table, AP_ATTEST_OPTS_N, (offset) \
	}

#define AP_OUTPUT_OPTS_N 5
extern const struct ap_opt ap_output_table[AP_OUTPUT_OPTS_N];
#define AP_OUTPUT_GROUP(offset)                                       \
	{                                                             \
		"output", ap_output_table, AP_OUTPUT_OPTS_N, (offset) \
	}

#endif
