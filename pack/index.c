#include "pack/index.h"

#include <string.h>

#include "pack/base.h"
#include "pack/media_type.h"

#define REF_NAME "org.opencontainers.image.ref.name"

int ap_layout_check_version(const cJSON *j, const char *where, struct ap_err *err)
{
	const char *version = ap_json_str(j, "imageLayoutVersion");

	if (!version || strcmp(version, "1.0.0") != 0)
		return ap_err_set(err, AP_E_PROTO,
			"%s: \"imageLayoutVersion\" is \"%.40s\", want \"1.0.0\"", where,
			version ? version : "");
	return 0;
}

cJSON *ap_index_new(void)
{
	cJSON *j = ap_json_object();

	ap_json_set(j, "schemaVersion", ap_json_number(2));
	ap_json_set_str(j, "mediaType", AP_MT_OCI_INDEX);
	ap_json_set_array(j, "manifests");
	return j;
}

static const char *name_of(const cJSON *entry)
{
	return ap_json_str(ap_json_get(entry, "annotations"), REF_NAME);
}

static int entries(const cJSON **out, const cJSON *index, struct ap_err *err)
{
	*out = ap_json_get(index, "manifests");
	if (!cJSON_IsArray(*out))
		return ap_err_set(err, AP_E_PROTO,
			"index.json: \"manifests\": want an array, found %s", ap_json_type(*out));
	return 0;
}

/* "sha256-<hex>", with a suffix or without: what hangs on an image, and is none. */
static bool is_attachment(const cJSON *entry)
{
	const char *name = name_of(entry);
	struct ap_digest d;

	return name && ap_starts_with(name, "sha256-") && strlen(name) >= 7 + 64 &&
	       ap_digest_from_hex(&d, name + 7, 64) && (!name[7 + 64] || name[7 + 64] == '.');
}

static const cJSON *only_image(const cJSON *list)
{
	const cJSON *found = NULL;

	for (const cJSON *e = list->child; e; e = e->next) {
		if (is_attachment(e))
			continue;
		if (found)
			return NULL;
		found = e;
	}
	return found;
}

static const cJSON *by_name(const cJSON *list, const char *tag)
{
	for (const cJSON *e = list->child; e; e = e->next) {
		if (ap_streq(name_of(e), tag))
			return e;
	}
	return NULL;
}

static int no_such(const cJSON *list, const char *tag, struct ap_err *err)
{
	ap_auto_buf has = AP_BUF_INIT;

	for (const cJSON *e = list->child; e && has.len < 200; e = e->next) {
		const char *name = name_of(e);

		if (!name || is_attachment(e))
			continue;
		ap_buf_adds(&has, has.len ? ", " : "");
		ap_buf_add_printable(&has, name, AP_MIN(strlen(name), (size_t)60));
	}
	if (!list->child)
		return ap_err_set(err, AP_E_NOT_FOUND, "it holds no image");
	if (!tag)
		return ap_err_set(err, AP_E_NOT_FOUND, "it holds several images, say which one: %s",
			has.len ? has.p : "none of them has a tag, use @sha256:...");
	return ap_err_set(err, AP_E_NOT_FOUND, "no image \"%s\", it has %s", tag,
		has.len ? has.p : "images without a tag");
}

int ap_index_find(
	struct ap_descriptor *out, const cJSON *index, const char *tag, struct ap_err *err)
{
	const cJSON *list;
	const cJSON *e;

	if (entries(&list, index, err) < 0)
		return -1;
	e = tag ? by_name(list, tag) : only_image(list);
	if (!tag && !e)
		e = by_name(list, "latest");
	if (!e)
		return no_such(list, tag, err);
	if (ap_descriptor_from_json(out, e, err) < 0)
		return ap_err_wrap(err, "index.json");
	return 0;
}

int ap_index_set(
	cJSON *index, const struct ap_descriptor *desc, const char *tag, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	const cJSON *found;
	cJSON *list;
	cJSON *next;

	if (entries(&found, index, err) < 0)
		return -1;
	list = cJSON_GetObjectItemCaseSensitive(index, "manifests");
	for (cJSON *e = list->child; e; e = next) {
		next = e->next;
		if (tag ? ap_streq(name_of(e), tag)
			: ap_streq(ap_json_str(e, "digest"), desc->digest.s) && !name_of(e))
			cJSON_Delete(cJSON_DetachItemViaPointer(list, e));
	}
	ap_descriptor_copy(&d, desc);
	if (tag) {
		if (!d.annotations)
			d.annotations = ap_json_object();
		ap_json_set_str(d.annotations, REF_NAME, tag);
	}
	ap_json_push(list, ap_descriptor_to_json(&d));
	return 0;
}

int ap_index_take(struct ap_descriptor *desc, struct ap_buf *body, const struct ap_digest *digest,
	const char *media_type, const struct ap_buf *text, struct ap_err *err)
{
	ap_auto_json j = NULL;
	const char *mt = media_type;
	int kind;

	if (ap_manifest_parse(&j, &kind, media_type, text->p, text->len, err) < 0)
		return ap_err_wrap(err, "%s", digest->s);
	if (ap_media_type_kind(mt) == AP_MT_UNKNOWN)
		mt = ap_json_str(j, "mediaType");
	if (!mt && kind == AP_MT_INDEX)
		mt = AP_MT_OCI_INDEX;
	if (!mt)
		mt = ap_media_type_docker(ap_json_str(ap_json_get(j, "config"), "mediaType"))
			     ? AP_MT_DOCKER_IMAGE
			     : AP_MT_OCI_MANIFEST;
	*desc = (struct ap_descriptor){
		.media_type = ap_xstrdup(mt), .digest = *digest, .size = text->len
	};
	ap_buf_add(body, text->p, text->len);
	return 0;
}
