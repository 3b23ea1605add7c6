#include "pack/store.h"

#include <stdlib.h>
#include <string.h>

void ap_descriptor_release(struct ap_descriptor *d)
{
	free(d->media_type);
	free(d->artifact_type);
	cJSON_Delete(d->annotations);
	cJSON_Delete(d->platform);
	cJSON_Delete(d->urls);
	*d = (struct ap_descriptor){ 0 };
}

static cJSON *dup_or_null(const cJSON *j)
{
	return j ? ap_json_dup(j) : NULL;
}

void ap_descriptor_copy(struct ap_descriptor *to, const struct ap_descriptor *from)
{
	*to = (struct ap_descriptor){ .digest = from->digest, .size = from->size };
	if (from->media_type)
		to->media_type = ap_xstrdup(from->media_type);
	if (from->artifact_type)
		to->artifact_type = ap_xstrdup(from->artifact_type);
	to->annotations = dup_or_null(from->annotations);
	to->platform = dup_or_null(from->platform);
	to->urls = dup_or_null(from->urls);
}

/* Optional member of one type: *out is a copy, or NULL. */
static int optional(
	cJSON **out, const cJSON *j, const char *name, const char *type, struct ap_err *err)
{
	const cJSON *m = ap_json_get(j, name);

	if (m && strcmp(ap_json_type(m), type) != 0)
		return ap_err_set(err, AP_E_PROTO, "\"%s\": want %s %s, found %s", name,
			type[0] == 'a' || type[0] == 'o' ? "an" : "a", type, ap_json_type(m));
	*out = dup_or_null(m);
	return 0;
}

/* Annotations are strings; anything else would be copied into other documents. */
static int check_strings(const cJSON *j, const char *what, struct ap_err *err)
{
	for (const cJSON *c = j ? j->child : NULL; c; c = c->next) {
		if (!cJSON_IsString(c))
			return ap_err_set(err, AP_E_PROTO, "\"%s\": want strings, found %s", what,
				ap_json_type(c));
	}
	return 0;
}

int ap_descriptor_from_json(struct ap_descriptor *out, const cJSON *j, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	const char *mt;
	const char *digest;
	const char *artifact;

	if (!cJSON_IsObject(j))
		return ap_err_set(
			err, AP_E_PROTO, "descriptor: want an object, found %s", ap_json_type(j));
	if (ap_json_need_str(&mt, j, "mediaType", err) < 0 ||
		ap_json_need_str(&digest, j, "digest", err) < 0 ||
		ap_digest_parse(&d.digest, digest, err) < 0 ||
		ap_json_need_u64(&d.size, j, "size", err) < 0 ||
		optional(&d.annotations, j, "annotations", "object", err) < 0 ||
		check_strings(d.annotations, "annotations", err) < 0 ||
		optional(&d.platform, j, "platform", "object", err) < 0 ||
		optional(&d.urls, j, "urls", "array", err) < 0 ||
		check_strings(d.urls, "urls", err) < 0)
		return ap_err_wrap(err, "descriptor");
	d.media_type = ap_xstrdup(mt);
	artifact = ap_json_str(j, "artifactType");
	if (artifact)
		d.artifact_type = ap_xstrdup(artifact);
	*out = d;
	d = (struct ap_descriptor){ 0 };
	return 0;
}

cJSON *ap_descriptor_to_json(const struct ap_descriptor *d)
{
	cJSON *j = ap_json_object();

	ap_json_set_str(j, "mediaType", d->media_type);
	ap_json_set_str(j, "digest", d->digest.s);
	ap_json_set(j, "size", ap_json_number((double)d->size));
	if (d->urls)
		ap_json_set(j, "urls", ap_json_dup(d->urls));
	if (d->annotations)
		ap_json_set(j, "annotations", ap_json_dup(d->annotations));
	if (d->platform)
		ap_json_set(j, "platform", ap_json_dup(d->platform));
	ap_json_set_str(j, "artifactType", d->artifact_type);
	return j;
}

void ap_source_free(struct ap_source *s)
{
	struct ap_ref ref;

	if (!s)
		return;
	ref = s->ref;
	s->ops->free(s);
	ap_ref_release(&ref);
}

void ap_sink_free(struct ap_sink *s)
{
	struct ap_ref ref;

	if (!s)
		return;
	ref = s->ref;
	s->ops->free(s);
	ap_ref_release(&ref);
}

int ap_sink_finish(struct ap_sink *s, struct ap_err *err)
{
	return s->ops->finish ? s->ops->finish(s, err) : 0;
}
