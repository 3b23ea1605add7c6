#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <string.h>

#include "pack/base.h"
#include "pack/cache.h"
#include "pack/media_type.h"

#define RECORD_MAX    (64u << 10)
#define ARTIFACT_TYPE "application/vnd.autopack.layer-record.v1+json"
#define EMPTY_TYPE    "application/vnd.oci.empty.v1+json"
#define KEY           "dev.autopack.layer.key"
#define DIFF_ID       "dev.autopack.layer.diff-id"
#define SIGNATURE     "dev.autopack.layer.hmac-sha256"

static char *tag_of(const struct ap_digest *key)
{
	return ap_xasprintf("autopack-layer-%s", ap_digest_hex(key));
}

/* Over all that the record says; fields of fixed form, so none runs into the next. */
static void sign(
	char *hex, const char *secret, const struct ap_digest *key, const struct ap_cache_record *r)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	ap_auto_free char *text = ap_xasprintf("autopack layer record 1\n%s\n%s\n%s\n%" PRIu64 "\n",
		key->s, r->digest.s, r->diff_id.s, r->size);

	if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text,
		    strlen(text), mac, &n))
		ap_oom();
	for (unsigned i = 0; i < n; i++) {
		hex[2 * i] = "0123456789abcdef"[mac[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[mac[i] & 15];
	}
	hex[2 * n] = '\0';
}

static bool signature_ok(const char *found, const char *secret, const struct ap_digest *key,
	const struct ap_cache_record *r)
{
	char want[2 * EVP_MAX_MD_SIZE + 1];

	if (!secret)
		return true;
	if (!found)
		return false;
	sign(want, secret, key, r);
	return strlen(found) == strlen(want) && CRYPTO_memcmp(found, want, strlen(want)) == 0;
}

static int read_record(struct ap_cache_record *out, const struct ap_remote_cache *c,
	const struct ap_digest *key, const struct ap_buf *body, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	struct ap_cache_record r = { 0 };
	ap_auto_json j = NULL;
	const cJSON *notes;
	const cJSON *layers;
	const char *diff_id;
	int kind;

	if (ap_manifest_parse(&j, &kind, NULL, body->p, body->len, err) < 0)
		return -1;
	notes = ap_json_get(j, "annotations");
	layers = ap_json_get(j, "layers");
	if (!ap_streq(ap_json_str(j, "artifactType"), ARTIFACT_TYPE) || !cJSON_IsArray(layers) ||
		cJSON_GetArraySize(layers) != 1 || !ap_streq(ap_json_str(notes, KEY), key->s))
		return ap_err_set(err, AP_E_PROTO, "no layer record of this key");
	if (ap_descriptor_from_json(&d, layers->child, err) < 0 ||
		ap_json_need_str(&diff_id, notes, DIFF_ID, err) < 0 ||
		ap_digest_parse(&r.diff_id, diff_id, err) < 0)
		return -1;
	r.digest = d.digest;
	r.size = d.size;
	if (!signature_ok(ap_json_str(notes, SIGNATURE), c->secret, key, &r))
		return ap_err_set(err, AP_E_AUTH, "a layer record without our signature");
	*out = r;
	return 0;
}

static bool usable(const struct ap_remote_cache *c)
{
	return c->sink && c->sink->ref.transport == AP_DOCKER;
}

bool ap_remote_cache_get(
	struct ap_cache_record *out, const struct ap_remote_cache *c, const struct ap_digest *key)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	ap_auto_buf body = AP_BUF_MAX(RECORD_MAX);
	ap_auto_free char *tag = tag_of(key);
	struct ap_err ignored = AP_ERR_INIT;

	if (!usable(c))
		return false;
	return c->sink->ops->get_manifest(c->sink, tag, &d, &body, &ignored) == 0 &&
	       !body.overflow && read_record(out, c, key, &body, &ignored) == 0;
}

static cJSON *make_record(const struct ap_remote_cache *c, const struct ap_digest *key,
	const struct ap_layer *layer, const struct ap_descriptor *empty)
{
	struct ap_cache_record r = {
		.digest = layer->desc.digest, .diff_id = layer->diff_id, .size = layer->desc.size
	};
	char signature[2 * EVP_MAX_MD_SIZE + 1];
	cJSON *j = ap_json_object();
	cJSON *notes;

	ap_json_set(j, "schemaVersion", ap_json_number(2));
	ap_json_set_str(j, "mediaType", AP_MT_OCI_MANIFEST);
	ap_json_set_str(j, "artifactType", ARTIFACT_TYPE);
	ap_json_set(j, "config", ap_descriptor_to_json(empty));
	ap_json_push(ap_json_set_array(j, "layers"), ap_descriptor_to_json(&layer->desc));
	notes = ap_json_set_object(j, "annotations");
	ap_json_set_str(notes, KEY, key->s);
	ap_json_set_str(notes, DIFF_ID, layer->diff_id.s);
	if (c->secret) {
		sign(signature, c->secret, key, &r);
		ap_json_set_str(notes, SIGNATURE, signature);
	}
	return j;
}

/* Bring the layer to the records' repository, when that is another one than the image's. */
static int bring_layer(struct ap_sink *sink, const struct ap_layer *layer,
	const struct ap_ref *from, struct ap_err *err)
{
	ap_auto_reader r = NULL;
	bool there = from && ap_streq(from->registry, sink->ref.registry) &&
		     ap_streq(from->repository, sink->ref.repository);

	if (there)
		return 0;
	if (sink->ops->has_blob(sink, &layer->desc, &there, err) < 0)
		return -1;
	if (!there && from && sink->ops->mount &&
		sink->ops->mount(sink, &layer->desc, from, &there, err) < 0)
		return -1;
	if (there)
		return 0;
	if (!layer->blob)
		return ap_err_set(err, AP_E_NOT_FOUND, "no bytes of %s", layer->desc.digest.s);
	if (layer->blob->ops->open(layer->blob, &r, err) < 0)
		return -1;
	return sink->ops->put_blob(sink, &layer->desc, r, err);
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

int ap_remote_cache_put(const struct ap_remote_cache *c, const struct ap_digest *key,
	const struct ap_layer *layer, const struct ap_ref *from, struct ap_err *err)
{
	char type[] = EMPTY_TYPE;
	char manifest_type[] = AP_MT_OCI_MANIFEST;
	struct ap_descriptor empty = { .media_type = type, .size = 2 };
	struct ap_descriptor d = { .media_type = manifest_type };
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor there = { 0 };
	ap_auto_buf body = AP_BUF_MAX(RECORD_MAX);
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_free char *tag = tag_of(key);
	ap_auto_json j = NULL;

	if (!usable(c) || c->sink->ops->get_manifest(c->sink, tag, &there, &body, err) == 0)
		return 0;
	if (err->code != AP_E_NOT_FOUND)
		return ap_err_wrap(err, "layer record %s", tag);
	ap_err_clear(err);
	ap_sha256_of(&empty.digest, "{}", 2);
	j = make_record(c, key, layer, &empty);
	ap_json_print(&text, j, 0);
	ap_sha256_of(&d.digest, text.p, text.len);
	d.size = text.len;
	if (bring_layer(c->sink, layer, from, err) < 0 || put_empty(c->sink, &empty, err) < 0 ||
		c->sink->ops->put_manifest(c->sink, &d, text.p, tag, err) < 0)
		return ap_err_wrap(err, "layer record %s", tag);
	return 0;
}
