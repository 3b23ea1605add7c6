/*
 * Speaking to the Vertex AI REST service: endpoint, project and region,
 * authorization, and errors in the service's own words with what to do about
 * them.
 */
#ifndef AP_VERTEX_API_H
#define AP_VERTEX_API_H

#include "base/gcp.h"
#include "base/json.h"

/* A project and a region, from flags or from a full resource name. */
struct ap_vertex_place {
	char *project, *region;
};

/*
 * `region` is "us-central1" or "projects/P/locations/us-central1" (then its
 * project wins over `project` for the request, as with gcloud).
 * Errors: AP_E_USAGE for a missing or impossible project or region.
 */
int ap_vertex_place(struct ap_vertex_place *out, const char *project, const char *region,
	struct ap_err *err) AP_CHECK;
void ap_vertex_place_release(struct ap_vertex_place *p);

/* Is it a region that the service has?  The known ones, for completion and did-you-mean. */
extern const char *const ap_vertex_regions[];
extern const size_t ap_vertex_n_regions;

struct ap_vertex_opts {
	struct ap_http *http;         /* borrowed */
	struct ap_gcp *gcp;           /* borrowed; NULL: requests carry no token */
	struct ap_progress *progress; /* borrowed; may be NULL */
	const char *project;          /* project id or number */
	const char *region;           /* or a full name */
	const char *endpoint;         /* override; NULL: https://REGION-aiplatform.googleapis.com */
	const char *logging_endpoint; /* override; NULL: https://logging.googleapis.com */
	const char *storage_endpoint; /* override; NULL: https://storage.googleapis.com */
	const char *billing_project;  /* x-goog-user-project; NULL: none */
};

struct ap_vertex;

/*
 * *out: owned by the caller, ap_vertex_free().  No request is made.
 * Errors: AP_E_USAGE: project, region or endpoint; an endpoint that is
 * neither *.googleapis.com over https nor on the loopback is refused, since
 * it would be given a Google token.
 */
int ap_vertex_new(
	struct ap_vertex **out, const struct ap_vertex_opts *opts, struct ap_err *err) AP_CHECK;
void ap_vertex_free(struct ap_vertex *v);
void ap_vertex_freep(struct ap_vertex **v);
#define ap_auto_vertex AP_CLEANUP(ap_vertex_freep) struct ap_vertex *

const struct ap_vertex_place *ap_vertex_where(const struct ap_vertex *v);
struct ap_progress *ap_vertex_progress(const struct ap_vertex *v);

struct ap_http *ap_vertex_http(const struct ap_vertex *v);
const char *ap_vertex_logging(const struct ap_vertex *v); /* endpoints, no slash at the end */
const char *ap_vertex_storage(const struct ap_vertex *v);

/*
 * ap_http_do() with our token; one that is refused (401) is renewed once.
 * req->authorization is ours to set.
 */
int ap_vertex_send(struct ap_vertex *v, struct ap_http_req *req, struct ap_http_resp *resp,
	struct ap_err *err) AP_CHECK;

/* "projects/P/locations/R".  *out: owned. */
char *ap_vertex_parent(const struct ap_vertex *v);

/*
 * The full name of a resource: "projects/P/locations/R/COLLECTION/ID" from
 * an ID, or the name itself when it is one of that collection; also as a URL.
 * Errors: AP_E_USAGE.
 */
int ap_vertex_name(char **out, const struct ap_vertex *v, const char *collection, const char *id,
	struct ap_err *err) AP_CHECK;

/* "projects/..." behind "https://HOST/v1/", which gcloud prints with --uri; else the name itself. */
const char *ap_vertex_bare(const char *name);

/* The URL of a call: ENDPOINT/VERSION/PATH; path may have a query.  *out: owned. */
char *ap_vertex_url(const struct ap_vertex *v, const char *version, const char *path);

enum {
	AP_VERTEX_RETRY = 1 << 0, /* reading: safe to repeat */
};

/*
 * One call.  body NULL: none.  *out: the answer, owned by the caller (an
 * empty object for an empty answer); may be NULL.
 *
 * A refused token (401) is refreshed once.
 * Errors: AP_E_HTTP (AP_E_NOT_FOUND for 404, AP_E_AUTH for 401 and 403) with
 * the service's words, the field that it names as a flag or key, the role
 * or the command that helps; AP_E_NET; AP_E_PROTO.
 */
int ap_vertex_call(cJSON **out, struct ap_vertex *v, const char *method, const char *version,
	const char *path, const cJSON *body, unsigned flags, struct ap_err *err) AP_CHECK;

/* Same to another Google service: an absolute URL. */
int ap_vertex_call_url(cJSON **out, struct ap_vertex *v, const char *method, const char *url,
	const cJSON *body, unsigned flags, struct ap_err *err) AP_CHECK;

/*
 * Turn an error answer into *err.  Pure.  `what` names the attempt ("create
 * custom job"); project may be NULL.  Always returns -1.
 */
int ap_vertex_error(int status, const char *content_type, const void *body, size_t n,
	const char *what, const char *project, struct ap_err *err);

/* A time of ours on the service's clock, as its last answer showed it. */
int64_t ap_vertex_server_time(const struct ap_vertex *v, int64_t ours);

/* Read one resource of a collection by ID or full name.  *out: owned. */
int ap_vertex_get(cJSON **out, struct ap_vertex *v, const char *version, const char *collection,
	const char *id, struct ap_err *err) AP_CHECK;

/* "cancel", "reboot", or "delete" (the HTTP method).  *out: the answer, owned; may be NULL. */
int ap_vertex_action(cJSON **out, struct ap_vertex *v, const char *version, const char *collection,
	const char *id, const char *verb, struct ap_err *err) AP_CHECK;

/* How a list is asked for. */
struct ap_vertex_list {
	const char *filter;  /* the service's; NULL: none */
	const char *sort_by; /* field, ~field for descending, by us; NULL: as it comes */
	unsigned page_size;  /* 0: the service's */
	uint64_t limit;      /* 0: all */
};

/*
 * All pages of parent/COLLECTION, which is the array's name in the answer, too.
 * *out: a JSON array, owned.
 */
int ap_vertex_list(cJSON **out, struct ap_vertex *v, const char *version, const char *collection,
	const struct ap_vertex_list *how, struct ap_err *err) AP_CHECK;

/* The page of a resource in the console.  *out: owned. */
char *ap_vertex_console_url(const struct ap_vertex *v, const char *name);

#endif
