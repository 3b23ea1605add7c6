/*
 * Configuration, read once and passed down as data.  For each setting, the
 * first that says something wins:
 *
 *   flags > AUTOPACK_* and gcloud's CLOUDSDK_* > [tool.autopack] in the
 *   working directory's pyproject.toml > $XDG_CONFIG_HOME/autopack/config.toml
 *   > gcloud's active configuration (project, region, account, ...).
 *
 * Settings that decide where credentials come from or go to are not taken
 * from pyproject.toml: it comes with the code.
 */
#ifndef AP_CLI_ENV_H
#define AP_CLI_ENV_H

#include "base/gcp.h"
#include "cli/common.h"

enum ap_key {
	AP_KEY_PROJECT,
	AP_KEY_REGION,
	AP_KEY_ACCOUNT,
	AP_KEY_CONFIGURATION,
	AP_KEY_BILLING_PROJECT,
	AP_KEY_ACCESS_TOKEN_FILE,
	AP_KEY_IMPERSONATE,
	AP_KEY_REPOSITORY,
	AP_KEY_EXECUTOR_IMAGE,
	AP_KEY_PLATFORM,
	AP_KEY_COMPRESSION,
	AP_KEY_IGNORE_FILE,
	AP_KEY_VCS_LABELS,
	AP_KEY_ALLOW_BUILD,
	AP_KEY_COMPILE,
	AP_KEY_SERVICE_ACCOUNT,
	AP_KEY_NETWORK,
	AP_KEY_CACHE_DIR,
	AP_KEY_CACHE_REPOSITORY,
	AP_KEY_REMOTE_CACHE,
	AP_KEY_AUTHFILE,
	AP_KEY_INSECURE,
	AP_KEY_STALL_TIMEOUT,
	AP_KEY_RETRY_TIME,
	AP_KEY_ENDPOINT,
	AP_KEY_VERBOSITY,
	AP_KEY_PROGRESS,
	AP_KEY_USER_OUTPUT,
	AP_KEY_LOG_HTTP,
	AP_KEY_COUNT,
};

enum ap_origin {
	AP_FROM_NOWHERE,
	AP_FROM_FLAG,
	AP_FROM_ENV,
	AP_FROM_PROJECT,
	AP_FROM_USER,
	AP_FROM_GCLOUD,
	AP_FROM_DEFAULT,
};

struct ap_setting {
	char *value;         /* NULL: not set; lists are joined by ',' */
	struct ap_strv list; /* of list settings */
	enum ap_origin origin;
	char *where; /* "AUTOPACK_PROJECT", "pyproject.toml", ... */
};

struct ap_env {
	struct ap_setting v[AP_KEY_COUNT];
	char *home;             /* HOME, NULL when it is not set */
	char *config_home;      /* XDG_CONFIG_HOME, else HOME/.config; NULL: none */
	char *runtime_dir;      /* XDG_RUNTIME_DIR */
	char *gcloud_dir;       /* CLOUDSDK_CONFIG, else HOME/.config/gcloud */
	char *docker_config;    /* DOCKER_CONFIG */
	char *adc_file;         /* GOOGLE_APPLICATION_CREDENTIALS */
	char *metadata_host;    /* GCE_METADATA_HOST */
	char *ca_file;          /* SSL_CERT_FILE */
	char *logging_endpoint; /* CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING */
	char *storage_endpoint; /* CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE */
	char *iam_endpoint;     /* CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS */
	char *aws_key_id, *aws_secret, *aws_session_token, *aws_region; /* AWS_... */
	char *netrc;     /* NETRC, else HOME/.netrc */
	char *cache_key; /* AUTOPACK_CACHE_KEY; a secret */
	/* AUTOPACK_KEY_PASSWORD, else COSIGN_PASSWORD; a secret, may be empty */
	char *key_password;
	int64_t epoch; /* SOURCE_DATE_EPOCH; -1: not set */
	bool ci, no_color, dumb_terminal;
};

/*
 * Read all of it.  workdir: the working directory whose pyproject.toml
 * counts; NULL: the current one.
 * Errors: AP_E_INPUT naming file, key, what was found and wanted.
 */
int ap_env_load(struct ap_env *out, const struct ap_common_opts *flags, const char *workdir,
	struct ap_err *err) AP_CHECK;
void ap_env_release(struct ap_env *e);

/* The value, or NULL.  borrowed. */
const char *ap_env_get(const struct ap_env *e, enum ap_key key);
const struct ap_strv *ap_env_list(const struct ap_env *e, enum ap_key key);
/* A boolean setting; `otherwise` when it is not set. */
bool ap_env_bool(const struct ap_env *e, enum ap_key key, bool otherwise);

/* A setting in seconds; 0 when it is not set. */
unsigned ap_env_seconds(const struct ap_env *e, enum ap_key key);

/* Let a flag win; a NULL value is "not said". */
void ap_env_flag(struct ap_env *e, enum ap_key key, const char *value);

/* "repository" */
const char *ap_env_key_name(enum ap_key key);
const char *ap_env_key_help(enum ap_key key);
const char *ap_origin_name(enum ap_origin origin);

/* The environment, for rooms that are given a function to ask it. */
const char *ap_env_lookup(const char *name);

/* What gcloud's files are to be read with.  borrowed from e. */
void ap_env_gcp(struct ap_gcp_opts *out, const struct ap_env *e);

#endif
