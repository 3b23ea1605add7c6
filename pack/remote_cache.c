#include <inttypes.h>
#include <string.h>

#include "pack/artifact.h"
#include "pack/cache.h"

#define ARTIFACT_TYPE "application/vnd.autopack.layer-record.v1+json"
#define KEY           "dev.autopack.layer.key"
#define DIFF_ID       "dev.autopack.layer.diff-id"
#define SIGNATURE     "dev.autopack.layer.hmac-sha256"

static char *tag_of(const struct ap_digest *key)
{
	return ap_xasprintf(AP_LAYER_TAG "%s", ap_digest_hex(key));
}

/* All that the record says; fields of fixed form, so none runs into the next. */
static char *text_of(const struct ap_digest *key, const struct ap_cache_record *r)
{
	return ap_xasprintf("autopack layer record 1\n%s\n%s\n%s\n%" PRIu64 "\n", key->s,
		r->digest.s, r->diff_id.s, r->size);
}

static int read_record(struct ap_cache_record *out, const struct ap_remote_cache *c,
	const struct ap_digest *key, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	struct ap_cache_record r = { 0 };
	ap_auto_free char *tag = tag_of(key);
	ap_auto_free char *text = NULL;
	ap_auto_json notes = NULL;
	const char *diff_id;

	if (ap_artifact_get(&d, &notes, c->sink, tag, ARTIFACT_TYPE, err) < 0)
		return -1;
	if (!ap_streq(ap_json_str(notes, KEY), key->s))
		return ap_err_set(err, AP_E_PROTO, "no layer record of this key");
	if (ap_json_need_str(&diff_id, notes, DIFF_ID, err) < 0 ||
		ap_digest_parse(&r.diff_id, diff_id, err) < 0)
		return -1;
	r.digest = d.digest;
	r.size = d.size;
	text = text_of(key, &r);
	if (!ap_artifact_signed(notes, SIGNATURE, c->secret, text))
		return ap_err_set(err, AP_E_AUTH, "a layer record without our signature");
	*out = r;
	return 0;
}

bool ap_remote_cache_get(
	struct ap_cache_record *out, const struct ap_remote_cache *c, const struct ap_digest *key)
{
	struct ap_err ignored = AP_ERR_INIT;

	return ap_artifact_possible(c->sink) && read_record(out, c, key, &ignored) == 0;
}

static cJSON *make_notes(
	const struct ap_remote_cache *c, const struct ap_digest *key, const struct ap_layer *layer)
{
	struct ap_cache_record r = {
		.digest = layer->desc.digest, .diff_id = layer->diff_id, .size = layer->desc.size
	};
	ap_auto_free char *text = text_of(key, &r);
	cJSON *notes = ap_json_object();

	ap_json_set_str(notes, KEY, key->s);
	ap_json_set_str(notes, DIFF_ID, layer->diff_id.s);
	ap_artifact_sign(notes, SIGNATURE, c->secret, text);
	return notes;
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

int ap_remote_cache_put(const struct ap_remote_cache *c, const struct ap_digest *key,
	const struct ap_layer *layer, const struct ap_ref *from, struct ap_err *err)
{
	ap_auto_free char *tag = tag_of(key);
	ap_auto_json notes = NULL;
	bool there = true;

	if (!ap_artifact_possible(c->sink))
		return 0;
	if (ap_artifact_there(&there, c->sink, tag, err) < 0)
		return ap_err_wrap(err, "layer record %s", tag);
	if (there)
		return 0;
	notes = make_notes(c, key, layer);
	if (bring_layer(c->sink, layer, from, err) < 0 ||
		ap_artifact_put(c->sink, tag, ARTIFACT_TYPE, &layer->desc, notes, err) < 0)
		return ap_err_wrap(err, "layer record %s", tag);
	return 0;
}
