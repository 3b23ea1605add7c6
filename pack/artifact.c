#include "pack/artifact.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <string.h>

#include "pack/base.h"
#include "pack/media_type.h"

#define MANIFEST_MAX (64u << 10)
#define EMPTY_TYPE   "application/vnd.oci.empty.v1+json"

bool ap_artifact_possible(const struct ap_sink *s)
{
	return s && s->ref.transport == AP_DOCKER;
}

static void hmac(char hex[2 * EVP_MAX_MD_SIZE + 1], const char *secret, const char *text)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text,
		    strlen(text), mac, &n))
		ap_oom();
	for (unsigned i = 0; i < n; i++) {
		hex[2 * i] = "0123456789abcdef"[mac[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[mac[i] & 15];
	}
	hex[2 * n] = '\0';
}

void ap_artifact_sign(cJSON *notes, const char *name, const char *secret, const char *text)
{
	char hex[2 * EVP_MAX_MD_SIZE + 1];

	if (!secret)
		return;
	hmac(hex, secret, text);
	ap_json_set_str(notes, name, hex);
}

bool ap_artifact_signed(const cJSON *notes, const char *name, const char *secret, const char *text)
{
	char want[2 * EVP_MAX_MD_SIZE + 1];
	const char *found = ap_json_str(notes, name);

	if (!secret)
		return true;
	if (!found)
		return false;
	hmac(want, secret, text);
	return strlen(found) == strlen(want) && CRYPTO_memcmp(found, want, strlen(want)) == 0;
}

int ap_artifact_get(struct ap_descriptor *blob, cJSON **notes, struct ap_sink *s, const char *tag,
	const char *type, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	ap_auto_buf body = AP_BUF_MAX(MANIFEST_MAX);
	ap_auto_json j = NULL;
	const cJSON *layers;
	const cJSON *found;
	int kind;

	if (s->ops->get_manifest(s, tag, &d, &body, err) < 0 ||
		ap_buf_check(&body, "manifest", err) < 0 ||
		ap_manifest_parse(&j, &kind, NULL, body.p, body.len, err) < 0)
		return -1;
	found = ap_json_get(j, "annotations");
	layers = ap_json_get(j, "layers");
	if (!ap_streq(ap_json_str(j, "artifactType"), type) || !cJSON_IsArray(layers) ||
		cJSON_GetArraySize(layers) != 1 || !cJSON_IsObject(found))
		return ap_err_set(err, AP_E_PROTO, "%s is no %s", tag, type);
	if (ap_descriptor_from_json(blob, layers->child, err) < 0)
		return -1;
	*notes = ap_json_dup(found);
	return 0;
}

int ap_artifact_there(bool *there, struct ap_sink *s, const char *tag, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	ap_auto_buf body = AP_BUF_MAX(MANIFEST_MAX);

	*there = s->ops->get_manifest(s, tag, &d, &body, err) == 0;
	if (*there)
		return 0;
	if (err->code != AP_E_NOT_FOUND)
		return -1;
	ap_err_clear(err);
	return 0;
}

static int put_empty(struct ap_sink *sink, const struct ap_descriptor *empty, struct ap_err *err)
{
	ap_auto_reader r = NULL;
	bool there = false;

	if (sink->ops->has_blob(sink, empty, &there, err) < 0)
		return -1;
	ap_mem_reader(&r, "{}", 2);
	return there ? 0 : sink->ops->put_blob(sink, empty, r, err);
}

int ap_artifact_put(struct ap_sink *s, const char *tag, const char *type,
	const struct ap_descriptor *blob, const cJSON *notes, struct ap_err *err)
{
	char empty_type[] = EMPTY_TYPE;
	char manifest_type[] = AP_MT_OCI_MANIFEST;
	struct ap_descriptor empty = { .media_type = empty_type, .size = 2 };
	struct ap_descriptor d = { .media_type = manifest_type };
	ap_auto_json j = ap_json_object();
	ap_auto_buf text = AP_BUF_INIT;

	ap_sha256_of(&empty.digest, "{}", 2);
	ap_json_set(j, "schemaVersion", ap_json_number(2));
	ap_json_set_str(j, "mediaType", AP_MT_OCI_MANIFEST);
	ap_json_set_str(j, "artifactType", type);
	ap_json_set(j, "config", ap_descriptor_to_json(&empty));
	ap_json_push(ap_json_set_array(j, "layers"), ap_descriptor_to_json(blob));
	ap_json_set(j, "annotations", ap_json_dup(notes));
	ap_json_print(&text, j, 0);
	ap_sha256_of(&d.digest, text.p, text.len);
	d.size = text.len;
	if (put_empty(s, &empty, err) < 0)
		return -1;
	return s->ops->put_manifest(s, &d, text.p, tag, err);
}
