#include "vertex/create.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define TRIES       3
#define CLOCK_SLACK 2 /* seconds: a Date header has no fraction */

int64_t ap_time_parse(const char *text)
{
	struct tm tm = { 0 };
	int n = 0;

	if (!text || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
			     &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &n) != 6)
		return -1;
	text += n;
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	if (strcmp(text, "Z") != 0)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return (int64_t)timegm(&tm);
}

static bool same_number(const cJSON *a, const cJSON *b)
{
	ap_auto_buf x = AP_BUF_INIT;

	ap_json_print(&x, a, 0);
	return cJSON_IsString(b) && strcmp(x.p, b->valuestring) == 0;
}

bool ap_create_holds(const cJSON *have, const cJSON *want)
{
	const cJSON *h, *w;

	if (!have)
		return false;
	if (cJSON_IsObject(want) && cJSON_IsObject(have)) {
		for (w = want->child; w; w = w->next) {
			if (!ap_create_holds(ap_json_get(have, w->string), w))
				return false;
		}
		return true;
	}
	if (cJSON_IsArray(want) && cJSON_IsArray(have)) {
		for (w = want->child, h = have->child; w && h; w = w->next, h = h->next) {
			if (!ap_create_holds(h, w))
				return false;
		}
		return !w && !h;
	}
	if (cJSON_IsNumber(want) && cJSON_IsString(have))
		return same_number(want, have);
	if (cJSON_IsNumber(have) && cJSON_IsString(want))
		return same_number(have, want);
	return cJSON_Compare(have, want, 1);
}

static bool maybe_done(const struct ap_err *err)
{
	return err->code == AP_E_NET || err->code == AP_E_PROTO || err->http == 408 ||
	       err->http == 429 || err->http >= 500;
}

/* The younger resources of the same name that equal the body, moved into *found. */
static int find_ours(cJSON **found, struct ap_vertex *v, const struct ap_create *c,
	const cJSON *body, int64_t since, struct ap_err *err)
{
	const char *name = ap_json_str(body, "displayName");
	ap_auto_buf filter = AP_BUF_INIT;
	ap_auto_json all = NULL;
	cJSON *equal = ap_json_array();
	struct ap_vertex_list how = { 0 };

	ap_buf_adds(&filter, "display_name=\"");
	for (const char *p = name ? name : ""; *p; p++)
		ap_buf_addf(&filter, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
	ap_buf_addc(&filter, '"');
	how.filter = filter.p;
	if (ap_vertex_list(&all, v, c->version, c->collection, &how, err) < 0) {
		cJSON_Delete(equal);
		return -1;
	}
	since = ap_vertex_server_time(v, since) - CLOCK_SLACK;
	while (all->child) {
		cJSON *j = cJSON_DetachItemFromArray(all, 0);

		if (ap_time_parse(ap_json_str(j, "createTime")) >= since &&
			ap_create_holds(j, body))
			ap_json_push(equal, j);
		else
			cJSON_Delete(j);
	}
	*found = equal;
	return 0;
}

static int ambiguous(const cJSON *found, const struct ap_create *c, struct ap_err *err)
{
	ap_auto_buf names = AP_BUF_INIT;

	for (const cJSON *j = found->child; j; j = j->next) {
		const char *name = ap_json_str(j, "name");

		ap_buf_addf(&names, "%s%s", j == found->child ? "" : ", ", name ? name : "?");
	}
	return ap_err_set(err, AP_E_NET,
		"the answer was lost, and several equal ones of this name were created since: %s; "
		"see which %s is yours",
		names.p, c->what);
}

/* After a lost answer: 1 when *out is the resource, 0 to try again. */
static int recover(cJSON **out, struct ap_vertex *v, const struct ap_create *c, const cJSON *body,
	int64_t since, struct ap_err *err)
{
	ap_auto_json found = NULL;
	int n;

	if (c->id) {
		struct ap_err missing = AP_ERR_INIT;

		if (ap_vertex_get(out, v, c->version, c->collection, c->id, &missing) == 0)
			return 1;
		return missing.code == AP_E_NOT_FOUND ? 0 : (*err = missing, -1);
	}
	if (find_ours(&found, v, c, body, since, err) < 0)
		return -1;
	n = cJSON_GetArraySize(found);
	if (n > 1)
		return ambiguous(found, c, err);
	if (n == 1)
		*out = cJSON_DetachItemFromArray(found, 0);
	return n;
}

int ap_create(cJSON **out, struct ap_vertex *v, const struct ap_create *c, const cJSON *body,
	struct ap_err *err)
{
	ap_auto_free char *parent = ap_vertex_parent(v);
	ap_auto_free char *path = ap_xasprintf(
		"%s/%s%s%s", parent, c->collection, c->query ? "?" : "", c->query ? c->query : "");
	int64_t since = (int64_t)time(NULL);

	for (unsigned attempt = 1;; attempt++) {
		struct ap_err lost = AP_ERR_INIT;
		int rc;

		if (ap_vertex_call(out, v, "POST", c->version, path, body, 0, &lost) == 0)
			return 0;
		if (!maybe_done(&lost)) {
			*err = lost;
			return -1;
		}
		ap_emit_debug(ap_vertex_progress(v), AP_STEP_SUBMIT, "%s", lost.msg);
		if (!ap_sleep(1U << (attempt - 1)))
			return ap_err_set(err, AP_E_CANCELLED, "interrupted");
		rc = recover(out, v, c, body, since, err);
		if (rc > 0)
			ap_emit_note(ap_vertex_progress(v), AP_STEP_SUBMIT,
				"the answer was lost, but the %s was created", c->what);
		if (rc)
			return rc < 0 ? ap_err_wrap(err, "create %s", c->what) : 0;
		if (attempt == TRIES) {
			*err = lost;
			return -1;
		}
	}
}
