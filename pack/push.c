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
	take_names(p, there);
	if (base)
		queue_base(p, base);
	*out = p;
}

void ap_push_blob(struct ap_push *p, const struct ap_descriptor *desc)
{
	queue(p, desc, NULL, NULL, FROM_SOURCE);
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

int ap_push_manifest(struct ap_push *p, const struct ap_descriptor *desc, const void *json,
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

int ap_push_wait(struct ap_push *p, struct ap_err *err)
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
	if (ap_push_manifest(p, &i->manifest, i->manifest_json, tags, err) == 0)
		return 0;
	if ((err->http != 400 && err->http != 404) || !ask_after_all(p))
		return -1;
	ap_err_clear(err);
	return ap_push_wait(p, err) < 0
		       ? -1
		       : ap_push_manifest(p, &i->manifest, i->manifest_json, tags, err);
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
	rc = ap_push_wait(p, err);
	config->ops->free(config);
	if (rc < 0 || publish(p, i, tags, err) < 0 || ap_sink_finish(p->sink, err) < 0)
		return wrap(err, p->sink);
	*stats = p->stats;
	return 0;
}

struct ap_push_stats ap_push_stats(const struct ap_push *p)
{
	return p->stats;
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
