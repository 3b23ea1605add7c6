#include "attest/referrers.h"

#include <stdlib.h>
#include <string.h>

#include "attest/tag.h"
#include "pack/base.h"
#include "pack/media_type.h"

void ap_referrers_release(struct ap_referrers *r)
{
	for (size_t i = 0; i < r->n; i++)
		ap_descriptor_release(&r->v[i]);
	free(r->v);
	*r = (struct ap_referrers){ 0 };
}

void ap_attachment_release(struct ap_attachment *a)
{
	free(a->p);
	*a = (struct ap_attachment){ 0 };
}

char *ap_referrers_tag(const struct ap_digest *image, const char *suffix)
{
	return ap_xasprintf("sha256-%s%s", ap_digest_hex(image), suffix);
}

static int take_entries(struct ap_referrers *out, const cJSON *index, struct ap_err *err)
{
	const cJSON *list = ap_json_get(index, "manifests");
	int n = cJSON_GetArraySize(list);

	if (!cJSON_IsArray(list))
		return ap_err_set(err, AP_E_PROTO, "\"manifests\": want an array, found %s",
			ap_json_type(list));
	if (n > AP_REFERRERS_MAX)
		return ap_err_set(
			err, AP_E_LIMIT, "%d referrers, over the limit of %d", n, AP_REFERRERS_MAX);
	out->v = ap_xcalloc((size_t)n + 1, sizeof(*out->v));
	for (const cJSON *e = list->child; e; e = e->next) {
		if (ap_descriptor_from_json(&out->v[out->n], e, err) < 0)
			return -1;
		out->n++;
	}
	return 0;
}

int ap_referrers_parse(struct ap_referrers *out, const void *p, size_t n, struct ap_err *err)
{
	AP_CLEANUP(ap_referrers_release) struct ap_referrers found = { 0 };
	ap_auto_json j = NULL;
	int kind;

	if (ap_manifest_parse(&j, &kind, NULL, p, n, err) < 0)
		return ap_err_wrap(err, "list of referrers");
	if (kind != AP_MT_INDEX)
		return ap_err_set(err, AP_E_PROTO, "list of referrers: a manifest, want an index");
	if (take_entries(&found, j, err) < 0)
		return ap_err_wrap(err, "list of referrers");
	*out = found;
	found = (struct ap_referrers){ 0 };
	return 0;
}

int ap_referrers_list(struct ap_referrers *out, struct ap_source *src,
	const struct ap_digest *image, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	ap_auto_buf text = AP_BUF_MAX(AP_MANIFEST_MAX);
	ap_auto_free char *tag = ap_referrers_tag(image, "");
	bool known = false;
	bool there = true;

	*out = (struct ap_referrers){ 0 };
	if (src->ref.transport != AP_DOCKER && src->ref.transport != AP_OCI)
		return 0;
	if (src->ops->get_referrers && src->ops->get_referrers(src, image, &text, &known, err) < 0)
		return -1;
	if (!known && ap_tag_find(&there, src, tag, &d, &text, err) < 0)
		return -1;
	if (!there)
		return 0;
	return ap_buf_check(&text, "list of referrers", err) < 0
		       ? -1
		       : ap_referrers_parse(out, text.p, text.len, err);
}

struct additions {
	const struct ap_referrers *list;
	const bool *listed; /* by the store itself */
};

static bool lists(const cJSON *manifests, const struct ap_digest *d)
{
	for (const cJSON *e = manifests->child; e; e = e->next) {
		if (ap_streq(ap_json_str(e, "digest"), d->s))
			return true;
	}
	return false;
}

static int add_to_index(void *ctx, cJSON **out, const cJSON *there, struct ap_err *err)
{
	const struct additions *a = ctx;
	ap_auto_json index = there ? ap_json_dup(there) : ap_json_object();
	cJSON *list;
	bool changed = false;

	if (!there) {
		ap_json_set(index, "schemaVersion", ap_json_number(2));
		ap_json_set_str(index, "mediaType", AP_MT_OCI_INDEX);
		ap_json_set_array(index, "manifests");
	}
	list = cJSON_GetObjectItemCaseSensitive(index, "manifests");
	if (!cJSON_IsArray(list))
		return ap_err_set(err, AP_E_PROTO, "is there and lists no referrers");
	for (size_t i = 0; i < a->list->n; i++) {
		if (a->listed[i] || lists(list, &a->list->v[i].digest))
			continue;
		ap_json_push(list, ap_descriptor_to_json(&a->list->v[i]));
		changed = true;
	}
	*out = changed ? AP_STEAL(index) : NULL;
	return 0;
}

static int put_one(struct ap_sink *sink, const struct ap_descriptor *d, const char *json,
	bool *listed, struct ap_err *err)
{
	*listed = false;
	return sink->ops->put_referrer ? sink->ops->put_referrer(sink, d, json, listed, err)
				       : sink->ops->put_manifest(sink, d, json, NULL, err);
}

int ap_referrers_put(struct ap_sink *sink, const struct ap_digest *image,
	const struct ap_referrers *list, const char *const *json, struct ap_err *err)
{
	ap_auto_free char *tag = ap_referrers_tag(image, "");
	ap_auto_free bool *listed = ap_xcalloc(list->n + 1, sizeof(*listed));
	struct additions a = { .list = list, .listed = listed };
	bool all = true;

	for (size_t i = 0; i < list->n; i++) {
		if (put_one(sink, &list->v[i], json[i], &listed[i], err) < 0)
			return -1;
		all = all && listed[i];
	}
	return all ? 0 : ap_tag_update(sink, tag, add_to_index, &a, err);
}

static cJSON *manifest_of(const struct ap_attachment *a, const struct ap_descriptor *image,
	const struct ap_descriptor *empty, const struct ap_descriptor *document)
{
	const struct ap_descriptor subject = {
		.media_type = image->media_type, .digest = image->digest, .size = image->size
	};
	cJSON *j = ap_json_object();

	ap_json_set(j, "schemaVersion", ap_json_number(2));
	ap_json_set_str(j, "mediaType", AP_MT_OCI_MANIFEST);
	ap_json_set_str(j, "artifactType", a->artifact_type);
	ap_json_set(j, "config", ap_descriptor_to_json(empty));
	ap_json_push(ap_json_set_array(j, "layers"), ap_descriptor_to_json(document));
	ap_json_set(j, "subject", ap_descriptor_to_json(&subject));
	if (a->note)
		ap_json_set_str(ap_json_set_object(j, "annotations"), a->note, a->note_value);
	return j;
}

/* The document's bytes go, its manifest is made. */
static int prepare(struct ap_descriptor *out, char **json, struct ap_sink *sink,
	const struct ap_descriptor *image, const struct ap_descriptor *empty,
	const struct ap_attachment *a, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release)
	struct ap_descriptor document = { .media_type = ap_xstrdup(a->artifact_type) };
	ap_auto_json j = NULL;
	ap_auto_buf text = AP_BUF_INIT;

	if (ap_small_blob_put(sink, &document, a->p, a->n, err) < 0)
		return -1;
	j = manifest_of(a, image, empty, &document);
	ap_json_print(&text, j, 0);
	out->media_type = ap_xstrdup(AP_MT_OCI_MANIFEST);
	out->artifact_type = ap_xstrdup(a->artifact_type);
	if (a->note)
		out->annotations = ap_json_dup(ap_json_get(j, "annotations"));
	ap_sha256_of(&out->digest, text.p, text.len);
	out->size = text.len;
	*json = ap_buf_steal(&text);
	return 0;
}

int ap_referrers_attach(struct ap_sink *sink, const struct ap_descriptor *image,
	const struct ap_attachment *v, size_t n, struct ap_err *err)
{
	AP_CLEANUP(ap_referrers_release) struct ap_referrers list = { 0 };
	AP_CLEANUP(ap_descriptor_release)
	struct ap_descriptor empty = { .media_type = ap_xstrdup(AP_EMPTY_MEDIA_TYPE) };
	ap_auto_strv json = { 0 };
	int rc = ap_small_blob_put(sink, &empty, "{}", 2, err);

	list.v = ap_xcalloc(n + 1, sizeof(*list.v));
	for (size_t i = 0; i < n && rc == 0; i++) {
		char *text = NULL;

		rc = prepare(&list.v[i], &text, sink, image, &empty, &v[i], err);
		list.n++;
		if (rc == 0)
			ap_strv_own(&json, text);
	}
	if (rc < 0 ||
		ap_referrers_put(sink, &image->digest, &list, (const char *const *)json.v, err) < 0)
		return ap_err_wrap(err, "attach to %s", image->digest.s);
	return 0;
}
