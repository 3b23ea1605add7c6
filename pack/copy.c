#include "pack/copy.h"

#include <stdlib.h>

#include "pack/media_type.h"

struct copy {
	struct ap_push *push;
	struct ap_source *src; /* borrowed, and */
	struct ap_sink *sink;
};

static void copy_begin(
	struct copy *c, struct ap_source *src, struct ap_sink *sink, struct ap_progress *progress)
{
	*c = (struct copy){ .src = src, .sink = sink };
	ap_push_begin(&c->push, NULL, src, sink, NULL, progress);
}

static void copy_end(struct copy *c)
{
	ap_push_free(c->push);
}

/* A document and its bytes, while they are copied. */
struct document {
	struct ap_descriptor desc;
	struct ap_buf body;
	cJSON *j;
	int kind;
};

static void document_release(struct document *d)
{
	ap_descriptor_release(&d->desc);
	ap_buf_release(&d->body);
	cJSON_Delete(d->j);
}

/* Read what `want` describes (NULL: what the source was opened for), verified. */
static int read_document(struct document *d, struct ap_source *src,
	const struct ap_descriptor *want, struct ap_err *err)
{
	struct ap_digest found;

	ap_buf_init(&d->body, AP_MANIFEST_MAX);
	if (src->ops->get_manifest(src, want ? want->digest.s : NULL, &d->desc, &d->body, err) <
			0 ||
		ap_buf_check(&d->body, "manifest", err) < 0)
		return -1;
	ap_sha256_of(&found, d->body.p, d->body.len);
	if (!ap_digest_eq(&found, want ? &want->digest : &d->desc.digest) ||
		(want && want->size != d->body.len))
		return ap_err_set(err, AP_E_DIGEST, "manifest: want %s, found %s of %zu bytes",
			want ? want->digest.s : d->desc.digest.s, found.s, d->body.len);
	if (want) {
		ap_descriptor_release(&d->desc);
		ap_descriptor_copy(&d->desc, want);
	}
	return ap_manifest_parse(&d->j, &d->kind, d->desc.media_type, d->body.p, d->body.len, err);
}

static int queue_member(struct ap_push *p, const cJSON *j, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };

	if (ap_descriptor_from_json(&d, j, err) < 0)
		return -1;
	ap_push_blob(p, &d);
	return 0;
}

static int copy_image(struct ap_push *p, const cJSON *manifest, struct ap_err *err)
{
	const cJSON *layers = ap_json_get(manifest, "layers");
	const cJSON *config = ap_json_get(manifest, "config");

	if (config && queue_member(p, config, err) < 0)
		return -1;
	for (const cJSON *l = layers ? layers->child : NULL; l; l = l->next) {
		if (queue_member(p, l, err) < 0)
			return -1;
	}
	return ap_push_wait(p, err);
}

/* Blobs and inner manifests first: a manifest is only put when all it names is there. */
static int copy_document(
	struct copy *c, const struct document *d, unsigned depth, struct ap_err *err)
{
	const cJSON *list = ap_json_get(d->j, "manifests");

	if (d->kind == AP_MT_MANIFEST)
		return copy_image(c->push, d->j, err);
	if (depth >= AP_INDEX_DEPTH)
		return ap_err_set(err, AP_E_LIMIT, "indexes nested deeper than %d", AP_INDEX_DEPTH);
	for (const cJSON *m = list ? list->child : NULL; m; m = m->next) {
		AP_CLEANUP(ap_descriptor_release) struct ap_descriptor want = { 0 };
		AP_CLEANUP(document_release) struct document inner = { 0 };

		if (ap_descriptor_from_json(&want, m, err) < 0 ||
			read_document(&inner, c->src, &want, err) < 0 ||
			copy_document(c, &inner, depth + 1, err) < 0 ||
			ap_push_manifest(c->push, &inner.desc, inner.body.p, NULL, err) < 0)
			return -1;
	}
	return 0;
}

static int copy_all(struct ap_descriptor *out, struct copy *c, const char *platform,
	const struct ap_strv *tags, struct ap_err *err)
{
	AP_CLEANUP(document_release) struct document d = { 0 };

	if (read_document(&d, c->src, NULL, err) < 0)
		return -1;
	for (int depth = 0; d.kind == AP_MT_INDEX && platform; depth++) {
		AP_CLEANUP(ap_descriptor_release) struct ap_descriptor want = { 0 };

		if (depth == AP_INDEX_DEPTH)
			return ap_err_set(
				err, AP_E_LIMIT, "indexes nested deeper than %d", AP_INDEX_DEPTH);
		if (ap_index_choose(&want, d.j, platform, err) < 0)
			return -1;
		document_release(&d);
		d = (struct document){ 0 };
		if (read_document(&d, c->src, &want, err) < 0)
			return -1;
	}
	if (d.kind == AP_MT_INDEX && c->sink->ref.transport == AP_DOCKER_ARCHIVE)
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"a docker-archive holds one platform's image, and this is an index; "
			"choose with --platform");
	if (copy_document(c, &d, 0, err) < 0 ||
		ap_push_manifest(c->push, &d.desc, d.body.p, tags, err) < 0 ||
		ap_sink_finish(c->sink, err) < 0)
		return -1;
	ap_descriptor_copy(out, &d.desc);
	return 0;
}

int ap_image_copy(struct ap_descriptor *out, struct ap_push_stats *stats, struct ap_source *src,
	struct ap_sink *sink, const char *platform, const struct ap_strv *tags,
	struct ap_progress *progress, struct ap_err *err)
{
	AP_CLEANUP(copy_end) struct copy c;
	ap_auto_free char *from = ap_ref_name(&src->ref);
	ap_auto_free char *to = ap_ref_name(&sink->ref);

	copy_begin(&c, src, sink, progress);
	if (copy_all(out, &c, platform, tags, err) < 0)
		return err->code == AP_E_CANCELLED ? -1
						   : ap_err_wrap(err, "copy %s to %s", from, to);
	*stats = ap_push_stats(c.push);
	return 0;
}

int ap_blobs_copy(struct ap_source *src, struct ap_sink *sink, const cJSON *manifest,
	struct ap_progress *progress, struct ap_err *err)
{
	AP_CLEANUP(copy_end) struct copy c;

	copy_begin(&c, src, sink, progress);
	return copy_image(c.push, manifest, err);
}
