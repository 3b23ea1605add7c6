/*
 * The flags that every command takes, and the call that a command gets.
 */
#ifndef AP_CLI_COMMON_H
#define AP_CLI_COMMON_H

#include "cli/cmd.h"

/* gcloud's own wide flags and ours; first group of every command. */
struct ap_common_opts {
	int help;
	char *project, *account, *configuration, *billing_project;
	char *access_token_file, *impersonate;
	int quiet, log_http;
	int user_output; /* -1: not said */
	char *verbosity, *progress;
	char *flags_file;
};

#define AP_COMMON_OPTS_N 15
extern const struct ap_opt ap_common_table[AP_COMMON_OPTS_N];
#define AP_COMMON_GROUP(offset)                                           \
	{                                                                 \
		"everywhere", ap_common_table, AP_COMMON_OPTS_N, (offset) \
	}

/* Flags that say how to reach registries. */
struct ap_registry_opts {
	char *authfile, *username;
	int password_stdin;
	struct ap_strv insecure;
};

#define AP_REGISTRY_OPTS_N 4
extern const struct ap_opt ap_registry_table[AP_REGISTRY_OPTS_N];
#define AP_REGISTRY_GROUP(offset)                                           \
	{                                                                   \
		"registry", ap_registry_table, AP_REGISTRY_OPTS_N, (offset) \
	}

/* Write to stdout at once, whole. */
int ap_stdout(const void *p, size_t n, struct ap_err *err) AP_CHECK;

#endif
