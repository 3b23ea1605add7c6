#include "registry/answer.h"

#include <string.h>

#include "base/json.h"

#define MAX_TEXT 400

static void add_bounded(struct ap_buf *out, const char *s)
{
	size_t n = strnlen(s, MAX_TEXT);

	ap_buf_add_printable(out, s, n);
}

/* { "errors": [ { "code", "message", "detail" } ] } and the ways others write it. */
static bool from_json(struct ap_buf *out, const void *body, size_t n)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_json j = NULL;
	const cJSON *list;
	const cJSON *e;
	const char *single;
	int shown = 0;

	if (ap_json_parse(&j, body, n, &err) < 0 || !cJSON_IsObject(j))
		return false;
	list = ap_json_get(j, "errors");
	cJSON_ArrayForEach(e, list)
	{
		const char *code = ap_json_str(e, "code");
		const char *message = ap_json_str(e, "message");

		if ((!code && !message) || shown == 3)
			continue;
		if (shown++)
			ap_buf_adds(out, "; ");
		add_bounded(out, code ? code : message);
		if (code && message && *message) {
			ap_buf_adds(out, ": ");
			add_bounded(out, message);
		}
	}
	single = ap_json_str(j, "message");
	if (!single)
		single = ap_json_str(j, "error_description");
	if (!single)
		single = ap_json_str(j, "details");
	if (!single)
		single = ap_json_str(j, "error");
	if (!shown && single)
		add_bounded(out, single);
	return shown || single;
}

/* Of an HTML page the tags say nothing. */
static void from_text(struct ap_buf *out, const char *p, size_t n)
{
	ap_auto_buf plain = AP_BUF_MAX(MAX_TEXT / 2);
	bool tag = false;
	bool space = true;

	for (size_t i = 0; i < n && plain.len < MAX_TEXT / 2 - 4; i++) {
		bool blank = p[i] == ' ' || p[i] == '\t' || p[i] == '\r' || p[i] == '\n';

		if (p[i] == '<')
			tag = true;
		else if (p[i] == '>' && tag)
			tag = false, blank = true;
		if (tag || (blank && space))
			continue;
		ap_buf_addc(&plain, blank ? ' ' : p[i]);
		space = blank;
	}
	while (plain.len && plain.p[plain.len - 1] == ' ')
		ap_buf_truncate(&plain, plain.len - 1);
	ap_buf_add_printable(out, plain.p, plain.len);
}

void ap_answer_text(struct ap_buf *out, const void *body, size_t n)
{
	if (!from_json(out, body, n))
		from_text(out, body, n);
}

bool ap_answer_has(const struct ap_http_resp *resp, const char *code)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_json j = NULL;
	const cJSON *e;

	if (ap_json_parse(&j, resp->body.p, resp->body.len, &err) < 0)
		return false;
	cJSON_ArrayForEach(e, ap_json_get(j, "errors"))
	{
		if (ap_streq(ap_json_str(e, "code"), code))
			return true;
	}
	return false;
}

int ap_answer_error(
	const struct ap_http_req *req, const struct ap_http_resp *resp, struct ap_err *err)
{
	ap_auto_free char *url = ap_url_public(resp->url ? resp->url : req->url);
	ap_auto_buf text = AP_BUF_INIT;
	enum ap_err_code code = AP_E_HTTP;

	if (resp->status == 401 || resp->status == 403)
		code = AP_E_AUTH;
	else if (resp->status == 404)
		code = AP_E_NOT_FOUND;
	if (resp->body.p)
		ap_answer_text(&text, resp->body.p, resp->body.len);
	ap_err_set(err, code, "%s %s: HTTP %d%s%.600s", req->method, url, resp->status,
		text.len ? ": " : "", text.p);
	err->http = resp->status;
	return -1;
}
