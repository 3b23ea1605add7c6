#include "pack/push.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pack/media_type.h"

#define SMALL (32u << 10) /* sent in the time that asking for it takes */

enum {
	UPLOAD_THREADS = 6, /* as many connections as registries like to see */
	LAYOUT_THREADS = 2,
};

enum {
	FROM_SOURCE = 1 << 0, /* the bytes are asked of the source */
	SURELY_NEW = 1 << 1,  /* asking whether it is there costs more than it saves */
	NAMED = 1 << 2,       /* the image there now names it: taken to be there */
};

/* One blob on its way. */
struct upload {
	struct ap_push *push;
	struct upload *next;
	struct ap_descriptor desc;
	const struct ap_content *content; /* borrowed; NULL: from the source */
	char *title;                      /* for people */
	unsigned flags;
	bool sent; /* its bytes went, all of them */
};

struct ap_push {
	struct ap_source *src;
	struct ap_sink *sink;
	struct ap_progress *progress;
	struct ap_pool *pool;
	struct ap_strv named; /* digests that the image there now names */
	pthread_mutex_t lock; /* of what follows */
	struct upload *uploads;
	struct ap_push_stats stats;
};

/* The bytes of one upload: counted for the display, opened anew when rewound. */
struct upload_reader {
	struct ap_reader base;
	struct upload *u;
	struct ap_reader *inner;
	uint64_t done;
};

static void event(const struct upload *u, enum ap_event_kind kind, uint64_t done, const char *note)
{
	ap_emit(u->push->progress, &(struct ap_event){ .step = AP_STEP_UPLOAD,
					   .kind = kind,
					   .id = u->desc.digest.s,
					   .note = note,
					   .done = done,
					   .total = u->desc.size });
}

static int open_inner(struct upload_reader *r, struct ap_err *err)
{
	struct upload *u = r->u;
	struct ap_reader *raw;

	if (!u->content)
		return u->push->src->ops->open_blob(u->push->src, &u->desc, &r->inner, err);
	if (u->content->ops->open(u->content, &raw, err) < 0)
		return -1;
	ap_verify_reader(&r->inner, raw, &u->desc.digest, u->desc.size);
	return 0;
}

static int upload_read(struct ap_reader *base, void *p, size_t n, size_t *got, struct ap_err *err)
{
	struct upload_reader *r = AP_CONTAINER(base, struct upload_reader, base);

	if (ap_pool_stopped(r->u->push->pool))
		return ap_err_set(err, AP_E_CANCELLED, "stopped");
	if (!r->inner && open_inner(r, err) < 0)
		return -1;
	if (ap_read(r->inner, p, n, got, err) < 0)
		return -1;
	r->done += *got;
	event(r->u, AP_EV_BYTES, r->done, NULL);
	return 0;
}

static int upload_rewind(struct ap_reader *base, struct ap_err *err AP_UNUSED)
{
	struct upload_reader *r = AP_CONTAINER(base, struct upload_reader, base);

	ap_reader_freep(&r->inner);
	r->done = 0;
	return 0;
}

static void upload_reader_free(struct ap_reader *base)
{
	struct upload_reader *r = AP_CONTAINER(base, struct upload_reader, base);

	ap_reader_free(r->inner);
	free(r);
}

static const struct ap_reader_ops upload_reader_ops = { upload_read, upload_rewind,
	upload_reader_free };

static void count(struct upload *u, uint64_t *blobs, uint64_t sent_bytes)
{
	struct ap_push *p = u->push;

	pthread_mutex_lock(&p->lock);
	(*blobs)++;
	p->stats.sent_bytes += sent_bytes;
	u->sent = blobs == &p->stats.sent;
	pthread_mutex_unlock(&p->lock);
}

static int send_bytes(struct upload *u, struct ap_err *err)
{
	struct upload_reader *r = ap_xcalloc(1, sizeof(*r));
	ap_auto_reader owner = &r->base;

	/* Whatever it is opened from is read through a check. */
	r->base = (struct ap_reader){ &upload_reader_ops, &u->desc.digest };
	r->u = u;
	event(u, AP_EV_START, 0, u->title);
	if (u->push->sink->ops->put_blob(u->push->sink, &u->desc, owner, err) < 0)
		return -1;
	count(u, &u->push->stats.sent, u->desc.size);
	event(u, AP_EV_DONE, u->desc.size, u->title);
	return 0;
}

static int upload(struct upload *u, struct ap_err *err)
{
	struct ap_sink *sink = u->push->sink;
	bool there = u->flags & NAMED;

	if (!there && !(u->flags & SURELY_NEW) &&
		sink->ops->has_blob(sink, &u->desc, &there, err) < 0)
		return -1;
	if (there) {
		count(u, &u->push->stats.skipped, 0);
		event(u, AP_EV_SKIP, 0, "already there");
		return 0;
	}
	if ((u->flags & FROM_SOURCE) && sink->ops->mount &&
		u->push->src->ref.transport == AP_DOCKER &&
		sink->ops->mount(sink, &u->desc, &u->push->src->ref, &there, err) < 0)
		return -1;
	if (there) {
		count(u, &u->push->stats.mounted, 0);
		event(u, AP_EV_SKIP, 0, "mounted");
		return 0;
	}
	return send_bytes(u, err);
}

static int upload_job(void *arg, struct ap_err *err)
{
	struct upload *u = arg;

	if (upload(u, err) == 0)
		return 0;
	return err->code == AP_E_CANCELLED ? -1 : ap_err_wrap(err, "blob %s", u->desc.digest.s);
}

/* Once per digest; an image may well have the same layer twice. */
static void queue(struct ap_push *p, const struct ap_descriptor *desc,
	const struct ap_content *content, const char *title, unsigned flags)
{
	struct upload *u;

	if (ap_media_type_foreign(desc->media_type))
		return;
	pthread_mutex_lock(&p->lock);
	for (u = p->uploads; u; u = u->next) {
		if (ap_digest_eq(&u->desc.digest, &desc->digest))
			break;
	}
	if (!u) {
		u = ap_xcalloc(1, sizeof(*u));
		u->push = p;
		u->next = p->uploads;
		u->content = content;
		u->title = title ? ap_xstrdup(title) : NULL;
		u->flags = flags | (ap_strv_has(&p->named, desc->digest.s) ? NAMED : 0U);
		ap_descriptor_copy(&u->desc, desc);
		p->uploads = u;
		p->stats.total_bytes += desc->size;
		ap_pool_submit(p->pool, upload_job, u);
	}
	pthread_mutex_unlock(&p->lock);
}

/* A layer that was not made, because the destination has it. */
static void count_known(struct ap_push *p, const struct ap_descriptor *desc)
{
	pthread_mutex_lock(&p->lock);
	p->stats.skipped++;
	p->stats.total_bytes += desc->size;
	pthread_mutex_unlock(&p->lock);
}

static void queue_base(struct ap_push *p, const struct ap_base *base)
{
	for (size_t i = 0; i < base->n_layers; i++) {
		ap_auto_free char *title =
			ap_xasprintf("layer %zu of %zu of the base", i + 1, base->n_layers);

		queue(p, &base->layers[i], NULL, title, FROM_SOURCE);
	}
}

static struct ap_push *push_new(
	struct ap_source *src, struct ap_sink *sink, struct ap_progress *progress)
{
	struct ap_push *p = ap_xcalloc(1, sizeof(*p));
	/* An archive is one stream: in order, its bytes are the same every time. */
	unsigned threads = sink->ref.transport == AP_DOCKER ? UPLOAD_THREADS
			   : sink->ref.transport == AP_OCI  ? LAYOUT_THREADS
							    : 1;

	p->src = src;
	p->sink = sink;
	p->progress = progress;
	pthread_mutex_init(&p->lock, NULL);
	ap_pool_new(&p->pool, threads);
	return p;
}

/* What cannot be read names nothing: then each blob is asked for. */
static void take_names(struct ap_push *p, const struct ap_buf *there)
{
	struct ap_err ignored = AP_ERR_INIT;
	ap_auto_json j = NULL;
	const cJSON *layers;

	if (!there || !there->len || ap_json_parse(&j, there->p, there->len, &ignored) < 0)
		return;
	layers = ap_json_get(j, "layers");
	for (const cJSON *l = layers ? layers->child : NULL; l; l = l->next) {
		const char *digest = ap_json_str(l, "digest");

		if (digest)
			ap_strv_add(&p->named, digest);
	}
}

void ap_push_begin(struct ap_push **out, const struct ap_base *base, struct ap_source *src,
	struct ap_sink *sink, const struct ap_buf *there, struct ap_progress *progress)
{
	struct ap_push *p = push_new(src, sink, progress);

	take_names(p, there);
	if (base)
		queue_base(p, base);
	*out = p;
}

void ap_push_layer(struct ap_push *p, const struct ap_layer *l)
{
	bool small = p->sink->ref.transport == AP_DOCKER && l->desc.size <= SMALL;

	if (l->blob)
		queue(p, &l->desc, l->blob, l->title, small ? SURELY_NEW : 0U);
}

bool ap_push_failed(struct ap_push *p)
{
	return ap_pool_stopped(p->pool);
}

bool ap_push_has_sent(struct ap_push *p, const struct ap_digest *digest)
{
	const struct upload *u;
	bool sent;

	pthread_mutex_lock(&p->lock);
	for (u = p->uploads; u && !ap_digest_eq(&u->desc.digest, digest); u = u->next)
		;
	sent = u && u->sent;
	pthread_mutex_unlock(&p->lock);
	return sent;
}

static int put_manifest(struct ap_push *p, const struct ap_descriptor *desc, const void *json,
	const struct ap_strv *tags, struct ap_err *err)
{
	struct ap_sink *sink = p->sink;

	ap_emit(p->progress, &(struct ap_event){ .step = AP_STEP_MANIFEST,
				     .kind = AP_EV_START,
				     .id = desc->digest.s,
				     .total = desc->size });
	if (!tags || !tags->n) {
		if (sink->ops->put_manifest(sink, desc, json, NULL, err) < 0)
			return -1;
	}
	for (size_t i = 0; tags && i < tags->n; i++) {
		if (sink->ops->put_manifest(sink, desc, json, tags->v[i], err) < 0)
			return -1;
	}
	ap_emit(p->progress, &(struct ap_event){ .step = AP_STEP_MANIFEST,
				     .kind = AP_EV_DONE,
				     .id = desc->digest.s,
				     .done = desc->size,
				     .total = desc->size });
	return 0;
}

static int wait_uploads(struct ap_push *p, struct ap_err *err)
{
	if (ap_pool_wait(p->pool, err) < 0)
		return -1;
	if (ap_interrupted())
		return ap_err_set(err, AP_E_CANCELLED, "stopped");
	return 0;
}

/*
 * The image there names blobs that its registry has lost: ask for each after
 * all, and send what is missing.  False when none was taken on trust.
 */
static bool ask_after_all(struct ap_push *p)
{
	bool any = false;

	pthread_mutex_lock(&p->lock);
	for (struct upload *u = p->uploads; u; u = u->next) {
		if (!(u->flags & NAMED))
			continue;
		u->flags &= ~(unsigned)NAMED;
		any = true;
		p->stats.skipped--;
		ap_pool_submit(p->pool, upload_job, u);
	}
	pthread_mutex_unlock(&p->lock);
	return any;
}

static int publish(
	struct ap_push *p, const struct ap_image *i, const struct ap_strv *tags, struct ap_err *err)
{
	if (put_manifest(p, &i->manifest, i->manifest_json, tags, err) == 0)
		return 0;
	if ((err->http != 400 && err->http != 404) || !ask_after_all(p))
		return -1;
	ap_err_clear(err);
	return wait_uploads(p, err) < 0
		       ? -1
		       : put_manifest(p, &i->manifest, i->manifest_json, tags, err);
}

static int finish_sink(struct ap_sink *sink, struct ap_err *err)
{
	return sink->ops->finish ? sink->ops->finish(sink, err) : 0;
}

static int wrap(struct ap_err *err, const struct ap_sink *sink)
{
	ap_auto_free char *name = ap_ref_name(&sink->ref);

	return err->code == AP_E_CANCELLED ? -1 : ap_err_wrap(err, "push %s", name);
}

int ap_push_finish(struct ap_push_stats *stats, struct ap_push *p, const struct ap_image *i,
	const struct ap_strv *tags, struct ap_err *err)
{
	struct ap_content *config = ap_content_bytes(i->config_json, (size_t)i->config.size);
	int rc;

	if (i->base)
		queue_base(p, i->base);
	for (size_t k = 0; k < i->n_layers; k++) {
		ap_push_layer(p, &i->layers[k]);
		if (!i->layers[k].blob)
			count_known(p, &i->layers[k].desc);
	}
	queue(p, &i->config, config, "configuration", SURELY_NEW);
	rc = wait_uploads(p, err);
	config->ops->free(config);
	if (rc < 0 || publish(p, i, tags, err) < 0 || finish_sink(p->sink, err) < 0)
		return wrap(err, p->sink);
	*stats = p->stats;
	return 0;
}

void ap_push_free(struct ap_push *p)
{
	if (!p)
		return;
	ap_pool_free(p->pool);
	while (p->uploads) {
		struct upload *u = p->uploads;

		p->uploads = u->next;
		ap_descriptor_release(&u->desc);
		free(u->title);
		free(u);
	}
	ap_strv_release(&p->named);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void ap_push_freep(struct ap_push **p)
{
	ap_push_free(*p);
	*p = NULL;
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
	queue(p, &d, NULL, NULL, FROM_SOURCE);
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
	return wait_uploads(p, err);
}

/* Blobs and inner manifests first: a manifest is only put when all it names is there. */
static int copy_document(
	struct ap_push *p, const struct document *d, unsigned depth, struct ap_err *err)
{
	const cJSON *list = ap_json_get(d->j, "manifests");

	if (d->kind == AP_MT_MANIFEST)
		return copy_image(p, d->j, err);
	if (depth >= AP_INDEX_DEPTH)
		return ap_err_set(err, AP_E_LIMIT, "indexes nested deeper than %d", AP_INDEX_DEPTH);
	for (const cJSON *m = list ? list->child : NULL; m; m = m->next) {
		AP_CLEANUP(ap_descriptor_release) struct ap_descriptor want = { 0 };
		AP_CLEANUP(document_release) struct document inner = { 0 };

		if (ap_descriptor_from_json(&want, m, err) < 0 ||
			read_document(&inner, p->src, &want, err) < 0 ||
			copy_document(p, &inner, depth + 1, err) < 0 ||
			put_manifest(p, &inner.desc, inner.body.p, NULL, err) < 0)
			return -1;
	}
	return 0;
}

static int copy_all(struct ap_descriptor *out, struct ap_push *p, const char *platform,
	const struct ap_strv *tags, struct ap_err *err)
{
	AP_CLEANUP(document_release) struct document d = { 0 };

	if (read_document(&d, p->src, NULL, err) < 0)
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
		if (read_document(&d, p->src, &want, err) < 0)
			return -1;
	}
	if (d.kind == AP_MT_INDEX && p->sink->ref.transport == AP_DOCKER_ARCHIVE)
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"a docker-archive holds one platform's image, and this is an index; "
			"choose with --platform");
	if (copy_document(p, &d, 0, err) < 0 || put_manifest(p, &d.desc, d.body.p, tags, err) < 0 ||
		finish_sink(p->sink, err) < 0)
		return -1;
	ap_descriptor_copy(out, &d.desc);
	return 0;
}

int ap_image_copy(struct ap_descriptor *out, struct ap_push_stats *stats, struct ap_source *src,
	struct ap_sink *sink, const char *platform, const struct ap_strv *tags,
	struct ap_progress *progress, struct ap_err *err)
{
	AP_CLEANUP(ap_push_freep) struct ap_push *p = push_new(src, sink, progress);
	ap_auto_free char *from = ap_ref_name(&src->ref);

	if (copy_all(out, p, platform, tags, err) < 0) {
		ap_auto_free char *to = ap_ref_name(&sink->ref);

		return err->code == AP_E_CANCELLED ? -1
						   : ap_err_wrap(err, "copy %s to %s", from, to);
	}
	*stats = p->stats;
	return 0;
}

int ap_blobs_copy(struct ap_source *src, struct ap_sink *sink, const cJSON *manifest,
	struct ap_progress *progress, struct ap_err *err)
{
	AP_CLEANUP(ap_push_freep) struct ap_push *p = push_new(src, sink, progress);

	return copy_image(p, manifest, err);
}
