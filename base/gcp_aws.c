#include "base/gcp_key.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * AWS Signature Version 4 of one fixed request.
 * Source: AWS General Reference, Signature Version 4; AIP-4117.
 */

struct mac {
	unsigned char p[32];
};

static struct mac hmac(const void *key, size_t n, const char *text)
{
	struct mac m = { { 0 } };
	unsigned len = sizeof(m.p);

	if (!HMAC(EVP_sha256(), key, (int)n, (const unsigned char *)text, strlen(text), m.p, &len))
		ap_oom();
	return m;
}

static struct mac signing_key(
	const struct ap_aws *a, const char *day, const char *region, const char *service)
{
	ap_auto_free char *first = ap_xasprintf("AWS4%s", a->secret);
	struct mac m = hmac(first, strlen(first), day);

	explicit_bzero(first, strlen(first));
	m = hmac(m.p, sizeof(m.p), region);
	m = hmac(m.p, sizeof(m.p), service);
	return hmac(m.p, sizeof(m.p), "aws4_request");
}

static void hex(char *out, const struct mac *m)
{
	for (size_t i = 0; i < sizeof(m->p); i++)
		snprintf(out + 2 * i, 3, "%02x", m->p[i]);
}

static char *fill_region(const char *url, const char *region)
{
	const char *at = strstr(url, "{region}");

	if (!at)
		return ap_xstrdup(url);
	return ap_xasprintf("%.*s%s%s", (int)(at - url), url, region, at + 8);
}

static void add_header(cJSON *list, const char *key, const char *value)
{
	cJSON *h = ap_json_object();

	ap_json_set_str(h, "key", key);
	ap_json_set_str(h, "value", value);
	ap_json_push(list, h);
}

struct request {
	char *url;
	struct ap_url parts;
	char stamp[32], day[16];
};

/* Headers in the order of their names, as they are signed. */
static void canonical(
	struct ap_buf *out, struct ap_buf *names, const struct ap_aws *a, const struct request *r)
{
	struct ap_digest empty;

	ap_buf_addf(out, "POST\n%s\n%s\n", r->parts.path, r->parts.query ? r->parts.query : "");
	ap_buf_addf(out, "host:%s\nx-amz-date:%s\n", r->parts.host, r->stamp);
	ap_buf_adds(names, "host;x-amz-date");
	if (a->session_token) {
		ap_buf_addf(out, "x-amz-security-token:%s\n", a->session_token);
		ap_buf_adds(names, ";x-amz-security-token");
	}
	ap_sha256_of(&empty, "", 0);
	ap_buf_addf(out, "\n%s\n%s", names->p, ap_digest_hex(&empty));
}

static char *authorization(const struct ap_aws *a, const struct request *r)
{
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_buf names = AP_BUF_INIT;
	ap_auto_free char *service = ap_xstrndup(r->parts.host, strcspn(r->parts.host, "."));
	ap_auto_free char *scope =
		ap_xasprintf("%s/%s/%s/aws4_request", r->day, a->region, service);
	ap_auto_free char *to_sign = NULL;
	struct ap_digest d;
	struct mac key = signing_key(a, r->day, a->region, service);
	struct mac m;
	char signature[65];

	canonical(&text, &names, a, r);
	ap_sha256_of(&d, text.p, text.len);
	to_sign = ap_xasprintf("AWS4-HMAC-SHA256\n%s\n%s\n%s", r->stamp, scope, ap_digest_hex(&d));
	m = hmac(key.p, sizeof(key.p), to_sign);
	hex(signature, &m);
	explicit_bzero(&key, sizeof(key));
	return ap_xasprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		a->key_id, scope, names.p, signature);
}

int ap_aws_subject_token(char **out, const struct ap_aws *a, struct ap_err *err)
{
	ap_auto_json j = ap_json_object();
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_buf quoted = AP_BUF_INIT;
	ap_auto_free char *url = fill_region(a->verification_url, a->region);
	ap_auto_free char *signed_with = NULL;
	struct request r = { .url = url };
	time_t t = (time_t)a->now;
	struct tm tm;
	cJSON *headers;

	if (ap_url_parse(&r.parts, url, err) < 0)
		return ap_err_wrap(err, "regional_cred_verification_url");
	gmtime_r(&t, &tm);
	strftime(r.stamp, sizeof(r.stamp), "%Y%m%dT%H%M%SZ", &tm);
	strftime(r.day, sizeof(r.day), "%Y%m%d", &tm);
	signed_with = authorization(a, &r);
	headers = ap_json_set_array(j, "headers");
	add_header(headers, "Authorization", signed_with);
	add_header(headers, "host", r.parts.host);
	add_header(headers, "x-amz-date", r.stamp);
	if (a->session_token)
		add_header(headers, "x-amz-security-token", a->session_token);
	add_header(headers, "x-goog-cloud-target-resource", a->target);
	ap_json_set_str(j, "method", "POST");
	ap_json_set_str(j, "url", url);
	ap_json_print(&text, j, 0);
	ap_url_escape(&quoted, text.p);
	ap_url_release(&r.parts);
	*out = ap_buf_steal(&quoted);
	return 0;
}
