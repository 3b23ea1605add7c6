#include "attest/cosign.h"

#include <stdlib.h>
#include <string.h>

#include "attest/provenance.h"
#include "attest/referrers.h"
#include "attest/tag.h"
#include "base/base64.h"
#include "pack/media_type.h"

#define SIGNATURE_NOTE "dev.cosignproject.cosign/signature"
#define PREDICATE_NOTE "predicateType"
#define ENVELOPE_MAX   (16u << 20)
#define NO_TIME        "0001-01-01T00:00:00Z"

void ap_cosign_statement_release(struct ap_cosign_statement *s)
{
	free(s->p);
	*s = (struct ap_cosign_statement){ 0 };
}

void ap_cosign_payload(struct ap_buf *out, const char *name, const struct ap_digest *image)
{
	ap_auto_json j = ap_json_object();
	cJSON *critical = ap_json_set_object(j, "critical");

	ap_json_set_str(ap_json_set_object(critical, "identity"), "docker-reference", name);
	ap_json_set_str(ap_json_set_object(critical, "image"), "docker-manifest-digest", image->s);
	ap_json_set_str(critical, "type", "cosign container image signature");
	ap_json_set_object(j, "optional");
	ap_json_print(out, j, 0);
}

void ap_dsse_pae(struct ap_buf *out, const char *type, const void *p, size_t n)
{
	ap_buf_addf(out, "DSSEv1 %zu %s %zu ", strlen(type), type, n);
	ap_buf_add(out, p, n);
}

static void make_envelope(
	struct ap_buf *out, const struct ap_cosign_statement *s, const struct ap_signer *key)
{
	ap_auto_buf pae = AP_BUF_INIT;
	ap_auto_buf payload = AP_BUF_INIT;
	ap_auto_buf sig = AP_BUF_INIT;
	ap_auto_json j = ap_json_object();
	cJSON *one = ap_json_object();

	ap_dsse_pae(&pae, AP_IN_TOTO_MEDIA_TYPE, s->p, s->n);
	ap_signer_sign(&sig, key, pae.p, pae.len);
	ap_base64(&payload, s->p, s->n);
	ap_json_set_str(j, "payloadType", AP_IN_TOTO_MEDIA_TYPE);
	ap_json_set_str(j, "payload", payload.p);
	ap_json_set_str(one, "keyid", "");
	ap_json_set_str(one, "sig", sig.p);
	ap_json_push(ap_json_set_array(j, "signatures"), one);
	ap_json_print(out, j, 0);
}

int ap_dsse_open(struct ap_buf *out, bool *ours, const struct ap_signer *key, const void *p,
	size_t n, struct ap_err *err)
{
	ap_auto_json j = NULL;
	ap_auto_buf payload = AP_BUF_MAX(ENVELOPE_MAX);
	ap_auto_buf pae = AP_BUF_INIT;
	const cJSON *signatures;
	const char *text;

	if (ap_json_parse(&j, p, n, err) < 0 || ap_json_need_str(&text, j, "payload", err) < 0)
		return ap_err_wrap(err, "envelope");
	signatures = ap_json_get(j, "signatures");
	if (!ap_streq(ap_json_str(j, "payloadType"), AP_IN_TOTO_MEDIA_TYPE) ||
		!cJSON_IsArray(signatures) || !ap_base64_decode(&payload, text))
		return ap_err_set(err, AP_E_PROTO, "envelope: not around an in-toto statement");
	*ours = false;
	ap_dsse_pae(&pae, AP_IN_TOTO_MEDIA_TYPE, payload.p, payload.len);
	for (const cJSON *s = signatures->child; key && s && !*ours; s = s->next) {
		const char *sig = ap_json_str(s, "sig");

		*ours = sig && ap_signer_signed(key, sig, pae.p, pae.len);
	}
	ap_buf_add(out, payload.p, payload.len);
	return 0;
}

/* One layer to be in the manifest under a tag. */
struct addition {
	struct ap_descriptor layer;
	struct ap_buf blob; /* its bytes */
	const void *p;      /* what was signed: is it there already? */
	size_t n;
};

static void addition_init(
	struct addition *a, const char *media_type, const char *sig, const void *p, size_t n)
{
	*a = (struct addition){ .p = p, .n = n };
	ap_buf_init(&a->blob, SIZE_MAX / 2);
	a->layer.media_type = ap_xstrdup(media_type);
	a->layer.annotations = ap_json_object();
	ap_json_set_str(a->layer.annotations, SIGNATURE_NOTE, sig);
}

static void addition_release(struct addition *a)
{
	ap_descriptor_release(&a->layer);
	ap_buf_release(&a->blob);
}

struct additions {
	struct ap_sink *sink;
	const struct ap_signer *key;
	bool (*same)(const struct additions *all, const struct addition *a,
		const struct ap_descriptor *there);
	struct addition *v;
	size_t n;
};

static bool same_signature(
	const struct additions *all, const struct addition *a, const struct ap_descriptor *there)
{
	const char *sig =
		there->annotations ? ap_json_str(there->annotations, SIGNATURE_NOTE) : NULL;

	return ap_digest_eq(&there->digest, &a->layer.digest) && sig &&
	       ap_signer_signed(all->key, sig, a->p, a->n);
}

/* What cannot be read is none of ours, and stays. */
static bool same_statement(
	const struct additions *all, const struct addition *a, const struct ap_descriptor *there)
{
	ap_auto_buf text = AP_BUF_MAX(ENVELOPE_MAX);
	ap_auto_buf payload = AP_BUF_MAX(ENVELOPE_MAX);
	struct ap_err ignored = AP_ERR_INIT;
	bool ours;

	if (!ap_media_type_eq(there->media_type, AP_DSSE_MEDIA_TYPE) ||
		there->size > ENVELOPE_MAX || !there->annotations ||
		!ap_streq(ap_json_str(there->annotations, PREDICATE_NOTE),
			ap_json_str(a->layer.annotations, PREDICATE_NOTE)))
		return false;
	if (ap_digest_eq(&there->digest, &a->layer.digest))
		return true;
	return all->sink->ops->get_blob(all->sink, there, &text, &ignored) == 0 &&
	       ap_dsse_open(&payload, &ours, all->key, text.p, text.len, &ignored) == 0 && ours &&
	       payload.len == a->n && memcmp(payload.p, a->p, a->n) == 0;
}

/* A configuration as every reader of images expects one; its diff_ids are the layers. */
static int put_config(struct ap_sink *sink, cJSON *manifest, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release)
	struct ap_descriptor d = { .media_type = ap_xstrdup(AP_MT_OCI_CONFIG) };
	ap_auto_json j = ap_json_object();
	ap_auto_buf text = AP_BUF_INIT;
	const cJSON *layer;
	cJSON *history;
	cJSON *rootfs;
	cJSON *ids;

	ap_json_set_str(j, "architecture", "");
	ap_json_set_str(j, "created", NO_TIME);
	history = ap_json_set_array(j, "history");
	ap_json_set_str(j, "os", "");
	rootfs = ap_json_set_object(j, "rootfs");
	ap_json_set_str(rootfs, "type", "layers");
	ids = ap_json_set_array(rootfs, "diff_ids");
	ap_json_set_object(j, "config");
	cJSON_ArrayForEach(layer, ap_json_get(manifest, "layers"))
	{
		cJSON *one = ap_json_object();

		ap_json_set_str(one, "created", NO_TIME);
		ap_json_push(history, one);
		ap_json_push(ids, ap_json_string(ap_json_str(layer, "digest")));
	}
	ap_json_print(&text, j, 0);
	if (ap_small_blob_put(sink, &d, text.p, text.len, err) < 0)
		return -1;
	ap_json_set(manifest, "config", ap_descriptor_to_json(&d));
	return 0;
}

static int has_it(bool *yes, const struct additions *all, const struct addition *a,
	const cJSON *layers, struct ap_err *err)
{
	*yes = false;
	for (const cJSON *l = layers->child; l && !*yes; l = l->next) {
		AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };

		if (ap_descriptor_from_json(&d, l, err) < 0)
			return -1;
		*yes = all->same(all, a, &d);
	}
	return 0;
}

static int add_missing(void *ctx, cJSON **out, const cJSON *there, struct ap_err *err)
{
	const struct additions *all = ctx;
	ap_auto_json j = there ? ap_json_dup(there) : ap_json_object();
	bool changed = false;
	cJSON *layers;

	if (!there) {
		ap_json_set(j, "schemaVersion", ap_json_number(2));
		ap_json_set_object(j, "config");
		ap_json_set_array(j, "layers");
	}
	layers = cJSON_GetObjectItemCaseSensitive(j, "layers");
	if (!cJSON_IsArray(layers))
		return ap_err_set(err, AP_E_PROTO, "is there and holds no signatures");
	for (size_t i = 0; i < all->n; i++) {
		struct addition *a = &all->v[i];
		bool yes;

		if (has_it(&yes, all, a, layers, err) < 0)
			return -1;
		if (yes)
			continue;
		if (ap_small_blob_put(all->sink, &a->layer, a->blob.p, a->blob.len, err) < 0)
			return -1;
		ap_json_push(layers, ap_descriptor_to_json(&a->layer));
		changed = true;
	}
	ap_json_set_str(j, "mediaType", AP_MT_OCI_MANIFEST);
	if (changed && put_config(all->sink, j, err) < 0)
		return -1;
	*out = changed ? AP_STEAL(j) : NULL;
	return 0;
}

struct merging {
	struct ap_sink *sink;
	const cJSON *manifest;
};

static bool has_layer(const cJSON *layers, const cJSON *layer)
{
	for (const cJSON *l = layers->child; l; l = l->next) {
		if (ap_json_equal(l, layer))
			return true;
	}
	return false;
}

static int add_layers(void *ctx, cJSON **out, const cJSON *there, struct ap_err *err)
{
	const struct merging *m = ctx;
	const cJSON *more = ap_json_get(m->manifest, "layers");
	ap_auto_json j = ap_json_dup(there ? there : m->manifest);
	cJSON *layers = cJSON_GetObjectItemCaseSensitive(j, "layers");
	bool changed = !there;

	if (!cJSON_IsArray(layers))
		return ap_err_set(err, AP_E_PROTO, "is there and holds no signatures");
	for (const cJSON *l = more ? more->child : NULL; l; l = l->next) {
		if (has_layer(layers, l))
			continue;
		ap_json_push(layers, ap_json_dup(l));
		changed = true;
	}
	ap_json_set_str(j, "mediaType", AP_MT_OCI_MANIFEST);
	if (changed && put_config(m->sink, j, err) < 0)
		return -1;
	*out = changed ? AP_STEAL(j) : NULL;
	return 0;
}

int ap_cosign_merge(struct ap_sink *sink, const char *tag, const struct ap_descriptor *d,
	const struct ap_buf *body, const cJSON *manifest, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor there = { 0 };
	ap_auto_buf ignored = AP_BUF_MAX(ENVELOPE_MAX);
	struct merging m = { .sink = sink, .manifest = manifest };

	if (sink->ops->get_manifest(sink, tag, &there, &ignored, err) == 0)
		return ap_tag_update(sink, tag, add_layers, &m, err);
	if (err->code != AP_E_NOT_FOUND)
		return -1;
	ap_err_clear(err);
	return sink->ops->put_manifest(sink, d, body->p, tag, err);
}

/* Under the tag of this suffix; what was made of `all` ends here. */
static int add(struct additions *all, const struct ap_digest *image, const char *suffix,
	struct ap_err *err)
{
	ap_auto_free char *tag = ap_referrers_tag(image, suffix);
	int rc;

	for (size_t i = 0; i < all->n; i++)
		ap_sha256_of(&all->v[i].layer.digest, all->v[i].blob.p, all->v[i].blob.len);
	rc = ap_tag_update(all->sink, tag, add_missing, all, err);
	for (size_t i = 0; i < all->n; i++)
		addition_release(&all->v[i]);
	return rc;
}

int ap_cosign_sign(struct ap_sink *sink, const struct ap_descriptor *image, const char *name,
	const struct ap_signer *key, struct ap_err *err)
{
	ap_auto_buf payload = AP_BUF_INIT;
	ap_auto_buf sig = AP_BUF_INIT;
	struct addition a;
	struct additions all = {
		.sink = sink, .key = key, .same = same_signature, .v = &a, .n = 1
	};

	ap_cosign_payload(&payload, name, &image->digest);
	ap_signer_sign(&sig, key, payload.p, payload.len);
	addition_init(&a, AP_COSIGN_SIGNATURE_TYPE, sig.p, payload.p, payload.len);
	ap_buf_add(&a.blob, payload.p, payload.len);
	return add(&all, &image->digest, AP_COSIGN_SIG, err) < 0
		       ? ap_err_wrap(err, "sign %s", image->digest.s)
		       : 0;
}

int ap_cosign_attest(struct ap_sink *sink, const struct ap_descriptor *image,
	const struct ap_cosign_statement *statements, size_t n, const struct ap_signer *key,
	struct ap_err *err)
{
	ap_auto_free struct addition *v = ap_xcalloc(n + 1, sizeof(*v));
	struct additions all = { .sink = sink, .key = key, .same = same_statement, .v = v, .n = n };

	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		const struct ap_cosign_statement *s = &statements[i];

		addition_init(&v[i], AP_DSSE_MEDIA_TYPE, "", s->p, s->n);
		ap_json_set_str(v[i].layer.annotations, PREDICATE_NOTE, s->predicate_type);
		make_envelope(&v[i].blob, s, key);
	}
	return add(&all, &image->digest, AP_COSIGN_ATT, err) < 0
		       ? ap_err_wrap(err, "attest %s", image->digest.s)
		       : 0;
}
