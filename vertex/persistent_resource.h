/*
 * Persistent resources: clusters that jobs run on without start-up time,
 * billed until they are deleted.
 */
#ifndef AP_VERTEX_PERSISTENT_RESOURCE_H
#define AP_VERTEX_PERSISTENT_RESOURCE_H

#include "vertex/api.h"
#include "vertex/label.h"

/* All that `persistent-resources create` was told. */
struct ap_persistent_request {
	char *id; /* --persistent-resource-id */
	char *display_name;
	char *region, *project;
	struct ap_strv resource_pool_specs; /* texts of --resource-pool-spec, in order */
	char *config_file, *config_text;    /* path or "-", and what it holds */
	struct ap_strv labels;              /* K=V */
	char *network;
	struct ap_kms kms;
	int enable_custom_service_account; /* -1: not said */
	char *service_account;             /* for workloads; implies the custom one */
};

void ap_persistent_request_init(struct ap_persistent_request *r);
void ap_persistent_request_release(struct ap_persistent_request *r);

/* What was made of it; plain, ap_persistent_spec_release(). */
struct ap_persistent_spec {
	char *id;
	cJSON *body;
	const char *version; /* "v1" or "v1beta1"; borrowed, static */
	struct ap_strv warnings;
};

/*
 * The request body.  The pools of the flags come after those of the file.
 * Pure.  Errors: AP_E_USAGE, AP_E_INPUT.
 */
int ap_persistent_spec(struct ap_persistent_spec *out, const struct ap_persistent_request *req,
	struct ap_err *err) AP_CHECK;
void ap_persistent_spec_release(struct ap_persistent_spec *s);

/* Add to an error of the service the flag or place in the file that said the field it names. */
void ap_persistent_explain(const struct ap_persistent_request *req, struct ap_err *err);

/* Send it.  *operation: the operation (or the resource when its answer was lost), owned. */
int ap_persistent_create(cJSON **operation, struct ap_vertex *v, const struct ap_persistent_spec *s,
	struct ap_err *err) AP_CHECK;

/* The path and query of the creation, for --format=curl.  *out: owned. */
char *ap_persistent_create_path(const struct ap_vertex *v, const struct ap_persistent_spec *s);

#define AP_PERSISTENT_RESOURCES "persistentResources"

#endif
