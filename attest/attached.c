#include "attest/attached.h"

#include <stdlib.h>
#include <string.h>

#include "attest/cosign.h"
#include "attest/provenance.h"
#include "attest/referrers.h"
#include "attest/tag.h"
#include "pack/base.h"
#include "pack/media_type.h"
#include "pack/copy.h"

#define DOCUMENT_MAX (256u << 20)
#define DEPTH        3 /* a signature of a statement about an image */

static const struct {
	const char *suffix, *type;
} cosign[] = {
	{ AP_COSIGN_SIG, AP_COSIGN_SIGNATURE_TYPE },
	{ AP_COSIGN_ATT, AP_DSSE_MEDIA_TYPE },
};

/* A manifest that may be there: *j stays NULL when it is not. */
static int find(cJSON **j, int *kind, struct ap_source *src, const char *reference,
	struct ap_descriptor *d, struct ap_buf *body, struct ap_err *err)
{
	bool there;

	if (ap_tag_find(&there, src, reference, d, body, err) < 0)
		return -1;
	if (!there)
		return 0;
	return ap_buf_check(body, reference, err) < 0
		       ? -1
		       : ap_manifest_parse(j, kind, d->media_type, body->p, body->len, err);
}

static cJSON *entry(const char *type, const struct ap_descriptor *d)
{
	cJSON *one = ap_json_object();

	ap_json_set_str(one, "artifactType", type);
	ap_json_set_str(one, "digest", d->digest.s);
	ap_json_set(one, "size", ap_json_number((double)d->size));
	return one;
}

static const char *predicate_of(const struct ap_descriptor *d)
{
	return d->annotations ? ap_json_str(d->annotations, AP_PREDICATE_NOTE) : NULL;
}

static int add_cosign(cJSON *list, struct ap_source *src, const struct ap_digest *image, size_t i,
	struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	ap_auto_free char *tag = ap_referrers_tag(image, cosign[i].suffix);
	ap_auto_buf body = AP_BUF_MAX(AP_MANIFEST_MAX);
	ap_auto_json j = NULL;
	cJSON *one;
	int kind;

	if (find(&j, &kind, src, tag, &d, &body, err) < 0)
		return -1;
	if (!j)
		return 0;
	one = entry(cosign[i].type, &d);
	ap_json_set_str(one, "tag", tag);
	ap_json_set(one, "signatures",
		ap_json_number((double)cJSON_GetArraySize(ap_json_get(j, "layers"))));
	ap_json_push(list, one);
	return 0;
}

static bool can_have(const struct ap_source *src)
{
	return src->ref.transport == AP_DOCKER || src->ref.transport == AP_OCI;
}

int ap_attached_list(
	cJSON **out, struct ap_source *src, const struct ap_digest *image, struct ap_err *err)
{
	AP_CLEANUP(ap_referrers_release) struct ap_referrers r = { 0 };
	ap_auto_json list = ap_json_array();

	if (ap_referrers_list(&r, src, image, err) < 0)
		return -1;
	for (size_t i = 0; i < r.n; i++) {
		cJSON *one = entry(r.v[i].artifact_type, &r.v[i]);

		ap_json_set_str(one, "predicateType", predicate_of(&r.v[i]));
		ap_json_push(list, one);
	}
	for (size_t i = 0; can_have(src) && i < AP_LEN(cosign); i++) {
		if (add_cosign(list, src, image, i, err) < 0)
			return -1;
	}
	*out = AP_STEAL(list);
	return 0;
}

static const struct ap_descriptor *choose(
	const struct ap_referrers *r, const char *type, const char *predicate)
{
	for (size_t i = r->n; i > 0; i--) {
		const struct ap_descriptor *d = &r->v[i - 1];

		if (ap_streq(d->artifact_type, type) &&
			(!predicate || ap_streq(predicate_of(d), predicate)))
			return d;
	}
	return NULL;
}

static int read_document(struct ap_buf *out, struct ap_source *src, const struct ap_descriptor *d,
	const char *type, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor found = { 0 };
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor layer = { 0 };
	ap_auto_buf body = AP_BUF_MAX(AP_MANIFEST_MAX);
	ap_auto_json j = NULL;
	ap_auto_reader r = NULL;
	const cJSON *layers;
	int kind;

	if (src->ops->get_manifest(src, d->digest.s, &found, &body, err) < 0 ||
		ap_manifest_parse(&j, &kind, found.media_type, body.p, body.len, err) < 0)
		return -1;
	layers = ap_json_get(j, "layers");
	if (cJSON_GetArraySize(layers) != 1 ||
		!ap_streq(ap_json_str(layers->child, "mediaType"), type))
		return ap_err_set(err, AP_E_PROTO, "%s is no single document", d->digest.s);
	if (ap_descriptor_from_json(&layer, layers->child, err) < 0)
		return -1;
	if (layer.size > DOCUMENT_MAX)
		return ap_err_set(err, AP_E_LIMIT, "%s is over 256 MiB", layer.digest.s);
	return src->ops->open_blob(src, &layer, &r, err) < 0 ? -1 : ap_read_all(r, out, err);
}

int ap_attached_get(struct ap_buf *out, struct ap_source *src, const struct ap_digest *image,
	const char *artifact_type, const char *predicate_type, struct ap_err *err)
{
	AP_CLEANUP(ap_referrers_release) struct ap_referrers r = { 0 };
	const struct ap_descriptor *d;

	if (ap_referrers_list(&r, src, image, err) < 0)
		return -1;
	d = choose(&r, artifact_type, predicate_type);
	if (!d)
		return ap_err_set(err, AP_E_NOT_FOUND, "nothing of type %s is attached to %s",
			predicate_type ? predicate_type : artifact_type, image->s);
	return read_document(out, src, d, artifact_type, err);
}

struct copying {
	struct ap_source *src;
	struct ap_sink *sink;
	struct ap_progress *progress;
};

/* Blobs of one referrer; its bytes and descriptor into the lists. */
static int take_referrer(struct ap_referrers *list, struct ap_strv *json, const struct copying *c,
	const struct ap_descriptor *d, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor found = { 0 };
	ap_auto_buf body = AP_BUF_MAX(AP_MANIFEST_MAX);
	ap_auto_json j = NULL;
	int kind;

	if (c->src->ops->get_manifest(c->src, d->digest.s, &found, &body, err) < 0 ||
		ap_manifest_parse(&j, &kind, found.media_type, body.p, body.len, err) < 0 ||
		ap_blobs_copy(c->src, c->sink, j, c->progress, err) < 0)
		return -1;
	ap_descriptor_copy(&list->v[list->n], d);
	free(list->v[list->n].media_type);
	list->v[list->n].media_type = ap_xstrdup(found.media_type);
	list->v[list->n++].size = body.len;
	ap_strv_own(json, ap_buf_steal(&body));
	return 0;
}

static int copy_all(
	const struct copying *c, const struct ap_digest *of, unsigned depth, struct ap_err *err);

static int copy_referrers(
	const struct copying *c, const struct ap_digest *of, unsigned depth, struct ap_err *err)
{
	AP_CLEANUP(ap_referrers_release) struct ap_referrers there = { 0 };
	AP_CLEANUP(ap_referrers_release) struct ap_referrers list = { 0 };
	ap_auto_strv json = { 0 };

	if (ap_referrers_list(&there, c->src, of, err) < 0)
		return -1;
	list.v = ap_xcalloc(there.n + 1, sizeof(*list.v));
	for (size_t i = 0; i < there.n; i++) {
		if (take_referrer(&list, &json, c, &there.v[i], err) < 0)
			return -1;
	}
	if (list.n && ap_referrers_put(c->sink, of, &list, (const char *const *)json.v, err) < 0)
		return -1;
	for (size_t i = 0; i < list.n && depth + 1 < DEPTH; i++) {
		if (copy_all(c, &list.v[i].digest, depth + 1, err) < 0)
			return -1;
	}
	return 0;
}

static int copy_tag(const struct copying *c, const char *tag, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	ap_auto_buf body = AP_BUF_MAX(AP_MANIFEST_MAX);
	ap_auto_json j = NULL;
	int kind;

	if (find(&j, &kind, c->src, tag, &d, &body, err) < 0)
		return -1;
	if (!j)
		return 0;
	if (ap_blobs_copy(c->src, c->sink, j, c->progress, err) < 0)
		return -1;
	return ap_cosign_merge(c->sink, tag, &d, &body, j, err);
}

static int copy_all(
	const struct copying *c, const struct ap_digest *of, unsigned depth, struct ap_err *err)
{
	if (copy_referrers(c, of, depth, err) < 0)
		return -1;
	for (size_t i = 0; i < AP_LEN(cosign); i++) {
		ap_auto_free char *tag = ap_referrers_tag(of, cosign[i].suffix);

		if (copy_tag(c, tag, err) < 0)
			return -1;
	}
	return 0;
}

/* The images that an index lists. */
static int copy_children(const struct copying *c, const struct ap_digest *of, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	ap_auto_buf body = AP_BUF_MAX(AP_MANIFEST_MAX);
	ap_auto_json j = NULL;
	const cJSON *list;
	int kind;

	if (c->src->ops->get_manifest(c->src, of->s, &d, &body, err) < 0 ||
		ap_manifest_parse(&j, &kind, d.media_type, body.p, body.len, err) < 0)
		return -1;
	list = ap_json_get(j, "manifests");
	for (const cJSON *m = list ? list->child : NULL; m; m = m->next) {
		AP_CLEANUP(ap_descriptor_release) struct ap_descriptor child = { 0 };

		if (ap_descriptor_from_json(&child, m, err) < 0 ||
			copy_all(c, &child.digest, 0, err) < 0)
			return -1;
	}
	return 0;
}

int ap_attached_copy(struct ap_source *src, struct ap_sink *sink, const struct ap_digest *image,
	struct ap_progress *progress, struct ap_err *err)
{
	struct copying c = { .src = src, .sink = sink, .progress = progress };

	if (!can_have(src))
		return 0;
	if (copy_all(&c, image, 0, err) < 0 || copy_children(&c, image, err) < 0)
		return ap_err_wrap(err, "what is attached to %s", image->s);
	return 0;
}
