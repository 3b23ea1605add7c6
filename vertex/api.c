#include "vertex/api.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_ANSWER (64U << 20)

struct ap_vertex {
	struct ap_http *http;
	struct ap_gcp *gcp;
	struct ap_progress *progress;
	struct ap_vertex_place place;
	char *endpoint; /* no slash at the end */
	char *logging, *storage;
	char *billing_project;
	int64_t skew; /* seconds that the service's clock is ahead of ours */
};

/* Where may a Google token go that the user's endpoint setting names? */
static int check_endpoint(char **out, const char *text, const char *what, struct ap_err *err)
{
	struct ap_url u = { 0 };
	size_t n;
	bool ok;

	if (ap_url_parse(&u, text, err) < 0) {
		err->code = AP_E_USAGE;
		return ap_err_wrap(err, "%s", what);
	}
	ok = ap_gcp_url_allowed(text) || ap_host_is_loopback(u.host);
	ap_url_release(&u);
	if (!ok)
		return ap_err_set(err, AP_E_USAGE,
			"%s: \"%.200s\" would be given your access token; want a host of "
			"googleapis.com over https, or the loopback",
			what, text);
	*out = ap_xstrdup(text);
	for (n = strlen(*out); n && (*out)[n - 1] == '/'; n--)
		(*out)[n - 1] = '\0';
	return 0;
}

int ap_vertex_new(struct ap_vertex **out, const struct ap_vertex_opts *o, struct ap_err *err)
{
	ap_auto_vertex v = ap_xcalloc(1, sizeof(*v));
	ap_auto_free char *regional = NULL;

	v->http = o->http;
	v->gcp = o->gcp;
	v->progress = o->progress;
	if (ap_vertex_place(&v->place, o->project, o->region, err) < 0)
		return -1;
	regional = ap_xasprintf("https://%s-aiplatform.googleapis.com", v->place.region);
	if (check_endpoint(&v->endpoint, o->endpoint ? o->endpoint : regional, "endpoint", err) <
			0 ||
		check_endpoint(&v->logging,
			o->logging_endpoint ? o->logging_endpoint
					    : "https://logging.googleapis.com",
			"logging endpoint", err) < 0 ||
		check_endpoint(&v->storage,
			o->storage_endpoint ? o->storage_endpoint
					    : "https://storage.googleapis.com",
			"storage endpoint", err) < 0)
		return -1;
	v->billing_project = o->billing_project ? ap_xstrdup(o->billing_project) : NULL;
	*out = AP_STEAL(v);
	return 0;
}

void ap_vertex_free(struct ap_vertex *v)
{
	if (!v)
		return;
	ap_vertex_place_release(&v->place);
	free(v->endpoint);
	free(v->logging);
	free(v->storage);
	free(v->billing_project);
	free(v);
}

void ap_vertex_freep(struct ap_vertex **v)
{
	ap_vertex_free(*v);
	*v = NULL;
}

const struct ap_vertex_place *ap_vertex_where(const struct ap_vertex *v)
{
	return &v->place;
}

struct ap_progress *ap_vertex_progress(const struct ap_vertex *v)
{
	return v->progress;
}

struct ap_http *ap_vertex_http(const struct ap_vertex *v)
{
	return v->http;
}

const char *ap_vertex_logging(const struct ap_vertex *v)
{
	return v->logging;
}

const char *ap_vertex_storage(const struct ap_vertex *v)
{
	return v->storage;
}

char *ap_vertex_parent(const struct ap_vertex *v)
{
	return ap_xasprintf("projects/%s/locations/%s", v->place.project, v->place.region);
}

static bool id_ok(const char *id)
{
	size_t n = strlen(id);

	return n && n <= 256 &&
	       strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == n;
}

const char *ap_vertex_bare(const char *name)
{
	const char *at = ap_starts_with(name, "https://") || ap_starts_with(name, "http://")
				 ? strstr(name, "/projects/")
				 : NULL;

	return at ? at + 1 : name;
}

int ap_vertex_name(char **out, const struct ap_vertex *v, const char *collection, const char *given,
	struct ap_err *err)
{
	const char *id = ap_vertex_bare(given);
	ap_auto_free char *part = ap_xasprintf("/%s/", collection);
	const char *at = strstr(id, part);
	struct ap_vertex_place place = { 0 };
	ap_auto_free char *parent = NULL;

	if (id_ok(id)) {
		*out = ap_xasprintf("projects/%s/locations/%s/%s/%s", v->place.project,
			v->place.region, collection, id);
		return 0;
	}
	parent = at ? ap_xstrndup(id, (size_t)(at - id)) : NULL;
	if (!at || !ap_starts_with(id, "projects/") || !id_ok(at + strlen(part)))
		return ap_err_set(err, AP_E_USAGE,
			"want an ID or projects/P/locations/R/%s/ID, found \"%.100s\"", collection,
			id);
	if (ap_vertex_place(&place, NULL, parent, err) < 0)
		return ap_err_wrap(err, "\"%.100s\"", id);
	if (strcmp(place.region, v->place.region) != 0) {
		ap_err_set(err, AP_E_USAGE, "\"%.100s\" is in %s, --region is %s", id, place.region,
			v->place.region);
		ap_vertex_place_release(&place);
		return -1;
	}
	ap_vertex_place_release(&place);
	*out = ap_xstrdup(id);
	return 0;
}

char *ap_vertex_url(const struct ap_vertex *v, const char *version, const char *path)
{
	return ap_xasprintf("%s/%s/%s", v->endpoint, version, path);
}

/* "Bearer ...", or NULL without credentials.  *out: owned. */
static int make_authorization(
	char **out, const struct ap_vertex *v, unsigned flags, struct ap_err *err)
{
	ap_auto_free char *token = NULL;

	*out = NULL;
	if (!v->gcp)
		return 0;
	if (ap_gcp_token(v->gcp, flags, &token, err) < 0)
		return -1;
	*out = ap_xasprintf("Bearer %s", token);
	return 0;
}

int64_t ap_vertex_server_time(const struct ap_vertex *v, int64_t ours)
{
	return ours + v->skew;
}

static int send_once(struct ap_vertex *v, struct ap_http_req *req, struct ap_http_resp *resp,
	unsigned token_flags, struct ap_err *err)
{
	ap_auto_free char *authorization = NULL;
	time_t date;

	if (make_authorization(&authorization, v, token_flags, err) < 0)
		return -1;
	req->authorization = authorization;
	if (ap_http_do(v->http, req, resp, err) < 0)
		return -1;
	date = ap_http_date(resp);
	if (date >= 0)
		v->skew = (int64_t)date - (int64_t)time(NULL);
	return 0;
}

int ap_vertex_send(
	struct ap_vertex *v, struct ap_http_req *req, struct ap_http_resp *resp, struct ap_err *err)
{
	if (send_once(v, req, resp, 0, err) < 0)
		return -1;
	if (resp->status != 401 || !v->gcp)
		return 0;
	ap_http_resp_release(resp);
	*resp = (struct ap_http_resp){ 0 };
	return send_once(v, req, resp, AP_GCP_REFRESH, err);
}

static int answer(cJSON **out, const struct ap_http_resp *resp, struct ap_err *err)
{
	if (!out)
		return 0;
	if (!ap_str_trim(ap_str_n(resp->body.p, resp->body.len)).n) {
		*out = ap_json_object();
		return 0;
	}
	return ap_json_parse(out, resp->body.p, resp->body.len, err);
}

int ap_vertex_call_url(cJSON **out, struct ap_vertex *v, const char *method, const char *url,
	const cJSON *body, unsigned flags, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_strv headers = { 0 };
	ap_auto_http_resp resp = { 0 };
	ap_auto_free char *shown = ap_url_public(url);
	ap_auto_free char *what = ap_xasprintf("%s %s", method, shown);
	struct ap_http_req req = { .method = method,
		.url = url,
		.headers = &headers,
		.max_body = MAX_ANSWER,
		.step = AP_STEP_SUBMIT,
		.flags = flags & AP_VERTEX_RETRY ? AP_HTTP_RETRY : 0 };

	ap_strv_add(&headers, "Accept: application/json");
	if (v->billing_project)
		ap_strv_addf(&headers, "X-Goog-User-Project: %s", v->billing_project);
	if (body) {
		ap_json_print(&text, body, 0);
		ap_strv_add(&headers, "Content-Type: application/json");
		req.body = text.p;
		req.body_len = text.len;
	} else if (strcmp(method, "POST") == 0) {
		/* Google's front end answers 411 to a POST that says no length. */
		req.body = "";
	}
	if (ap_vertex_send(v, &req, &resp, err) < 0)
		return -1;
	if (resp.status < 200 || resp.status > 299)
		return ap_vertex_error(resp.status, ap_http_header(&resp, "content-type"),
			resp.body.p, resp.body.len, what, v->place.project, err);
	if (answer(out, &resp, err) < 0)
		return ap_err_wrap(err, "%s", what);
	return 0;
}

int ap_vertex_call(cJSON **out, struct ap_vertex *v, const char *method, const char *version,
	const char *path, const cJSON *body, unsigned flags, struct ap_err *err)
{
	ap_auto_free char *url = ap_vertex_url(v, version, path);

	return ap_vertex_call_url(out, v, method, url, body, flags, err);
}

int ap_vertex_get(cJSON **out, struct ap_vertex *v, const char *version, const char *collection,
	const char *id, struct ap_err *err)
{
	ap_auto_free char *name = NULL;

	if (ap_vertex_name(&name, v, collection, id, err) < 0)
		return -1;
	return ap_vertex_call(out, v, "GET", version, name, NULL, AP_VERTEX_RETRY, err);
}

int ap_vertex_action(cJSON **out, struct ap_vertex *v, const char *version, const char *collection,
	const char *id, const char *verb, struct ap_err *err)
{
	ap_auto_free char *name = NULL;
	ap_auto_free char *path = NULL;

	if (ap_vertex_name(&name, v, collection, id, err) < 0)
		return -1;
	if (strcmp(verb, "delete") == 0)
		return ap_vertex_call(out, v, "DELETE", version, name, NULL, 0, err);
	path = ap_xasprintf("%s:%s", name, verb);
	/* Cancelling twice is cancelling once. */
	return ap_vertex_call(out, v, "POST", version, path, NULL,
		strcmp(verb, "cancel") == 0 ? AP_VERTEX_RETRY : 0, err);
}

char *ap_vertex_console_url(const struct ap_vertex *v, const char *name)
{
	static const struct {
		const char *collection, *page;
	} pages[] = { { "/customJobs/", "training" }, { "/hyperparameterTuningJobs/", "training" },
		{ "/trainingPipelines/", "training" }, { "/pipelineJobs/", "pipelines/runs" },
		{ "/persistentResources/", "training/persistent-resources" } };

	for (size_t i = 0; i < AP_LEN(pages); i++) {
		const char *at = strstr(name, pages[i].collection);

		if (at)
			return ap_xasprintf("https://console.cloud.google.com/vertex-ai/locations/"
					    "%s/%s/%s?project=%s",
				v->place.region, pages[i].page, at + strlen(pages[i].collection),
				v->place.project);
	}
	return ap_xasprintf(
		"https://console.cloud.google.com/vertex-ai?project=%s", v->place.project);
}
