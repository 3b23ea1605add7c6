#include "registry/hint.h"

#include <string.h>

#include "base/json.h"
#include "pack/remote_inventory.h"
#include "registry/preflight.h"
#include "registry/registry.h"

enum { LIST_MAX = 1 << 20, ASKED_FOR = 1000, SHOWN = 5 };

/* Tags of ours and of cosign's that name no image. */
static bool is_record(const char *name)
{
	return ap_starts_with(name, AP_LAYER_TAG) || ap_starts_with(name, AP_INVENTORY_TAG) ||
	       ap_starts_with(name, "sha256-");
}

/* The names in the member of an answer, none when there is no such answer. */
static void list_names(struct ap_strv *out, const struct ap_repo *r, const char *path,
	const char *scope, const char *member)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_http_resp resp = { 0 };
	ap_auto_json j = NULL;
	const cJSON *e;
	struct ap_rcall call = { .host = r->host,
		.repository = r->name,
		.scope = scope,
		.path = path,
		.req = { .method = "GET",
			.max_body = LIST_MAX,
			.step = AP_STEP_MANIFEST,
			.flags = AP_HTTP_FOLLOW } };

	if (ap_rcall_do(r->reg, &call, &resp, &err) < 0 || resp.status != 200 ||
		ap_json_parse(&j, resp.body.p, resp.body.len, &err) < 0 || !cJSON_IsObject(j))
		return;
	cJSON_ArrayForEach(e, ap_json_get(j, member))
	{
		if (cJSON_IsString(e) && out->n < ASKED_FOR && !is_record(e->valuestring))
			ap_strv_add(out, e->valuestring);
	}
}

/* The one nearest by spelling, else the first that goes on where the word ends ("3.11" to "3.11-slim"). */
static const char *nearest(const struct ap_strv *names, const char *word)
{
	const char *near = ap_did_you_mean(word, (const char *const *)names->v, names->n);

	for (size_t i = 0; !near && i < names->n; i++)
		if (ap_starts_with(names->v[i], word))
			near = names->v[i];
	return near;
}

static void add_names(struct ap_buf *out, const struct ap_strv *names)
{
	for (size_t i = 0; i < names->n && i < SHOWN; i++) {
		ap_buf_adds(out, i ? ", " : "");
		ap_buf_add_printable(out, names->v[i], strnlen(names->v[i], 128));
	}
	if (names->n > SHOWN)
		ap_buf_addf(out, " and %zu more", names->n - SHOWN);
}

/* "HOST/PATH:TAG?", of names that a stranger chose. */
static void add_question(
	struct ap_buf *out, const struct ap_repo *r, const char *name, const char *tag)
{
	ap_buf_addf(out, "; did you mean %s/", r->host->name);
	ap_buf_add_printable(out, name, strnlen(name, 255));
	ap_buf_addc(out, ':');
	ap_buf_add_printable(out, tag, strnlen(tag, 128));
	ap_buf_addc(out, '?');
}

static void hint_tag(
	struct ap_buf *out, const struct ap_repo *r, const char *tag, const struct ap_strv *tags)
{
	const char *near = nearest(tags, tag);

	ap_buf_adds(out, "; tags there: ");
	add_names(out, tags);
	if (near)
		add_question(out, r, r->name, near);
}

static void hint_repository(struct ap_buf *out, const struct ap_repo *r, const char *tag)
{
	ap_auto_free char *path = ap_xasprintf("/v2/_catalog?n=%d", ASKED_FOR);
	ap_auto_strv names = { 0 };
	const char *near = NULL;

	/* Google's registries list no repositories, gcloud does. */
	if (ap_registry_is_google(r->host->bare)) {
		const char *last = strrchr(r->name, '/');
		int n = (int)(last ? (size_t)(last - r->name) : strlen(r->name));

		ap_buf_addf(out,
			"; `gcloud artifacts docker images list %s/%.*s --include-tags` lists what is there",
			r->host->name, n, r->name);
		return;
	}
	list_names(&names, r, path, "registry:catalog:*", "repositories");
	near = nearest(&names, r->name);
	if (near)
		add_question(out, r, near, tag);
}

static void hint_absent(struct ap_buf *out, const struct ap_repo *r, const char *tag)
{
	ap_auto_free char *path = ap_xasprintf("/v2/%s/tags/list?n=%d", r->name, ASKED_FOR);
	ap_auto_strv tags = { 0 };

	list_names(&tags, r, path, r->pull, "tags");
	if (tags.n)
		hint_tag(out, r, tag, &tags);
	else
		hint_repository(out, r, tag);
}

static void hint_refused(struct ap_buf *out, const struct ap_repo *r)
{
	if (!ap_registry_is_google(r->host->bare))
		ap_buf_addf(out,
			"; look at its name, or log in with `docker login %s`, or use --authfile",
			r->host->name);
	else if (r->host->anonymous)
		ap_buf_adds(out, AP_REMEDY_GOOGLE_LOGIN);
	else
		ap_buf_adds(out, "; the account needs roles/artifactregistry.reader on the "
				 "repository");
}

void ap_hint_unreadable(const struct ap_repo *r, const char *tag, struct ap_err *err)
{
	ap_auto_buf hint = AP_BUF_INIT;
	enum ap_err_code code = err->code;
	int http = err->http;
	const char *said = http ? strstr(err->msg, "HTTP ") : NULL;
	ap_auto_free char *answer = said ? ap_xstrdup(said) : NULL;

	if (!answer)
		return;
	if (code == AP_E_NOT_FOUND)
		hint_absent(&hint, r, tag);
	else if (code == AP_E_AUTH)
		hint_refused(&hint, r);
	else
		return;
	ap_err_clear(err);
	ap_err_set(err, code,
		code == AP_E_AUTH ? "%s/%s:%s may not be read (%.200s)%s"
				  : "%s/%s:%s is not there (%.200s)%s",
		r->host->name, r->name, tag, answer, hint.p);
	err->http = http;
}
