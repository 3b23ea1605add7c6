/*
 * Google credentials: one access token from the source that gcloud would use.
 *
 * Order (DESIGN section 7): access token file; gcloud's active configuration
 * (credential_file_override, legacy_credentials/ACCOUNT/adc.json, else
 * `gcloud auth print-access-token`; impersonate_service_account);
 * GOOGLE_APPLICATION_CREDENTIALS; application default file; metadata server.
 */
#ifndef AP_BASE_GCP_H
#define AP_BASE_GCP_H

#include "base/http.h"

struct ap_gcp;

struct ap_gcp_opts {
	const char *access_token_file; /* flag or CLOUDSDK_AUTH_ACCESS_TOKEN_FILE */
	const char *config_dir;        /* CLOUDSDK_CONFIG or ~/.config/gcloud; NULL: none */
	const char *configuration;     /* active configuration's name; NULL: from active_config */
	const char *adc_file;          /* GOOGLE_APPLICATION_CREDENTIALS */
	const char *account;           /* --account / CLOUDSDK_CORE_ACCOUNT; NULL: configured */
	const char *impersonate;       /* --impersonate-service-account; NULL: configured */
	const char *metadata_host;     /* GCE_METADATA_HOST; NULL: the default address */
	const char
		*iam_endpoint; /* CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS; NULL: Google's */
	/* AWS_ACCESS_KEY_ID and so on, for external accounts of AWS; NULL: ask the instance. */
	const char *aws_key_id, *aws_secret, *aws_session_token, *aws_region;
	struct ap_progress *progress;
};

void ap_gcp_new(struct ap_gcp **out, const struct ap_gcp_opts *opts, struct ap_http *http);
void ap_gcp_free(struct ap_gcp *g);

enum {
	AP_GCP_REFRESH = 1 << 0,  /* the last token was refused: get another */
	AP_GCP_OPTIONAL = 1 << 1, /* no source at all: *token NULL, and no error */
};

/*
 * A valid access token, fetched or refreshed when needed.
 * *token: owned by the caller.  Errors: AP_E_AUTH saying what was looked at
 * and how to log in.  Threads: yes.
 */
int ap_gcp_token(struct ap_gcp *g, unsigned flags, char **token, struct ap_err *err) AP_CHECK;

/* Which source was used, which account, until when; lines for `doctor`.  No secret. */
void ap_gcp_describe(struct ap_gcp *g, struct ap_buf *out);

/*
 * May a Google token go to this URL?  https and *.pkg.dev, gcr.io, *.gcr.io,
 * *.googleapis.com by whole labels; a loopback URL never (callers that were
 * given a loopback endpoint by the user decide that themselves).
 */
bool ap_gcp_url_allowed(const char *url);

/* A property of gcloud's active configuration: ("core", "project").  *out: owned, or NULL when unset. */
int ap_gcloud_property(char **out, const struct ap_gcp_opts *opts, const char *section,
	const char *name, struct ap_err *err) AP_CHECK;

#endif
