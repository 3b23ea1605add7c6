#include "registry/referrers.h"

#include <stdlib.h>
#include <string.h>

#include "base/url.h"
#include "pack/base.h"
#include "pack/media_type.h"
#include "registry/answer.h"

#define PAGES_MAX 50

int ap_link_next(char **out, const char *header, const char *from, struct ap_err *err)
{
	const char *end = header && *header == '<' ? strchr(header, '>') : NULL;
	ap_auto_free char *ref = NULL;
	bool same = false;

	*out = NULL;
	if (!end || (!strcasestr(end, "rel=\"next\"") && !strcasestr(end, "rel=next")))
		return 0;
	ref = ap_xstrndup(header + 1, (size_t)(end - header - 1));
	if (ap_url_hop(out, &same, from, ref, true, err) < 0)
		return -1;
	if (same)
		return 0;
	ap_free_p(out);
	return ap_err_set(err, AP_E_PROTO, "the next page is of another origin");
}

static int get_page(const struct ap_repo *r, const char *path, const char *url,
	struct ap_http_resp *resp, struct ap_err *err)
{
	ap_auto_strv headers = { 0 };
	struct ap_rcall call = { .host = r->host,
		.repository = r->name,
		.scope = r->pull,
		.path = path,
		.url = url,
		.req = { .method = "GET",
			.headers = &headers,
			.max_body = AP_MANIFEST_MAX,
			.step = AP_STEP_MANIFEST,
			.flags = AP_HTTP_FOLLOW | AP_HTTP_RETRY } };

	ap_strv_add(&headers, "Accept: " AP_MT_OCI_INDEX);
	if (ap_rcall_do(r->reg, &call, resp, err) < 0)
		return -1;
	if (resp->status == 200 || (resp->status >= 400 && resp->status < 500 &&
					   resp->status != 401 && resp->status != 403))
		return 0;
	return ap_answer_error(&call.req, resp, err);
}

/* Some answer 200 with a page for people. */
static bool is_index(const struct ap_http_resp *resp)
{
	const char *type = ap_http_header(resp, "content-type");

	return resp->status == 200 && type && ap_media_type_eq(type, AP_MT_OCI_INDEX);
}

static int take_page(cJSON **all, const struct ap_http_resp *resp, struct ap_err *err)
{
	ap_auto_json j = NULL;
	cJSON *from;
	cJSON *to;
	int kind;

	if (ap_manifest_parse(&j, &kind, AP_MT_OCI_INDEX, resp->body.p, resp->body.len, err) < 0)
		return -1;
	if (!*all) {
		*all = AP_STEAL(j);
		return 0;
	}
	from = cJSON_GetObjectItemCaseSensitive(j, "manifests");
	to = cJSON_GetObjectItemCaseSensitive(*all, "manifests");
	while (from && to && from->child)
		ap_json_push(to, cJSON_DetachItemViaPointer(from, from->child));
	return 0;
}

static int get_pages(
	cJSON **all, bool *known, const struct ap_repo *r, const char *path, struct ap_err *err)
{
	ap_auto_free char *url = NULL;

	for (unsigned n = 0; n < PAGES_MAX; n++) {
		ap_auto_http_resp resp = { 0 };
		char *next;

		if (get_page(r, path, url, &resp, err) < 0)
			return -1;
		*known = is_index(&resp);
		if (!*known)
			return url ? ap_err_set(err, AP_E_PROTO, "a page of it is no index") : 0;
		if (take_page(all, &resp, err) < 0 ||
			ap_link_next(&next, ap_http_header(&resp, "link"), resp.url, err) < 0)
			return -1;
		if (!next)
			return 0;
		free(url);
		url = next;
	}
	return ap_err_set(err, AP_E_LIMIT, "over %d pages", PAGES_MAX);
}

int ap_repo_referrers(const struct ap_repo *r, const struct ap_digest *subject,
	struct ap_buf *index, bool *known, struct ap_err *err)
{
	ap_auto_free char *path = ap_xasprintf("/v2/%s/referrers/%s", r->name, subject->s);
	ap_auto_json all = NULL;

	*known = false;
	if (get_pages(&all, known, r, path, err) < 0)
		return ap_err_wrap(err, "referrers %s/%s@%s", r->host->name, r->name, subject->s);
	if (all)
		ap_json_print(index, all, 0);
	return 0;
}
