#include "pack/layer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pack/gzip.h"
#include "pack/local.h"
#include "pack/media_type.h"
#include "pack/request.h"
#include "pack/spool.h"
#include "pack/tar.h"
#include "pack/zstd.h"

enum {
	CHUNK = 128 << 10,
	SPLICE_FROM = 16 << 10, /* shorter members shrink more together with their headers */
	REFER_FROM = 1 << 20,   /* shorter ones are copied rather than read again from their file */
};

void ap_layer_release(struct ap_layer *l)
{
	ap_descriptor_release(&l->desc);
	free(l->title);
	if (l->blob)
		l->blob->ops->free(l->blob);
	*l = (struct ap_layer){ 0 };
}

const char *ap_layer_media_type(int compression, bool docker)
{
	if (compression == AP_ZSTD)
		return AP_MT_OCI_TAR_ZSTD;
	return docker ? AP_MT_DOCKER_GZIP : AP_MT_OCI_TAR_GZIP;
}

/* A layer in the making. */
struct maker {
	const struct ap_layer_opts *o;
	const char *title;
	struct ap_gzip *gzip;
	struct ap_zstd *zstd;
	struct ap_spool spool;
	struct ap_sha256 blob_hash, raw_hash;
	uint64_t done;
	struct ap_buf header;
	char *chunk;
};

static void maker_release(struct maker *m)
{
	ap_gzip_free(m->gzip);
	ap_zstd_free(m->zstd);
	ap_spool_release(&m->spool);
	ap_sha256_release(&m->blob_hash);
	ap_sha256_release(&m->raw_hash);
	ap_buf_release(&m->header);
	free(m->chunk);
}

static int on_blob(void *ctx, const void *p, size_t n, struct ap_err *err)
{
	struct maker *m = ctx;

	ap_sha256_update(&m->blob_hash, p, n);
	return ap_spool_write(&m->spool, p, n, err);
}

static int on_blob_of_file(
	void *ctx, const void *p, size_t n, int file, uint64_t at, struct ap_err *err AP_UNUSED)
{
	struct maker *m = ctx;

	ap_sha256_update(&m->blob_hash, p, n);
	ap_spool_refer(&m->spool, file, at, n);
	return 0;
}

static int on_raw(void *ctx, const void *p, size_t n, struct ap_err *err)
{
	struct maker *m = ctx;

	ap_sha256_update(&m->raw_hash, p, n);
	m->done += n;
	ap_emit(m->o->progress, &(struct ap_event){ .step = AP_STEP_LAYER,
					.kind = AP_EV_BYTES,
					.id = m->title,
					.done = m->done });
	if (ap_interrupted() || (m->o->pool && ap_pool_stopped(m->o->pool)))
		return ap_err_set(err, AP_E_CANCELLED, "stopped");
	return 0;
}

static void maker_init(struct maker *m)
{
	struct ap_gzip_opts g = { .out = on_blob,
		.refer = on_blob_of_file,
		.raw = on_raw,
		.ctx = m,
		.pool = m->o->pool,
		.level = m->o->level };

	ap_spool_init(&m->spool, m->o->spool_dir);
	ap_sha256_init(&m->blob_hash);
	ap_sha256_init(&m->raw_hash);
	ap_buf_init(&m->header, SIZE_MAX / 2);
	if (m->o->compression == AP_ZSTD) {
		ap_zstd_new(&m->zstd, &g);
		m->chunk = ap_xmalloc(CHUNK);
	} else {
		ap_gzip_new(&m->gzip, &g);
	}
}

static int add_bytes(struct maker *m, const void *p, size_t n, struct ap_err *err)
{
	return m->zstd ? ap_zstd_write(m->zstd, p, n, err) : ap_gzip_write(m->gzip, p, n, err);
}

static int add_zeros(struct maker *m, size_t n, struct ap_err *err)
{
	static const char zeros[AP_TAR_END];

	return n ? add_bytes(m, zeros, n, err) : 0;
}

static int changed(uint64_t found, uint64_t size, const char *more, struct ap_err *err)
{
	return ap_err_set(err, AP_E_CHANGED,
		"changed while it was read: %s%" PRIu64 " of %" PRIu64 " bytes", more, found, size);
}

/* Read some of what is left from `at` on, straight to where it is compressed from. */
static int add_some(struct maker *m, struct ap_reader *r, uint64_t at, uint64_t left, int file,
	size_t *got, struct ap_err *err)
{
	void *room = m->chunk;
	size_t n = CHUNK;

	if (m->gzip && ap_gzip_room(m->gzip, &room, &n, err) < 0)
		return -1;
	if (ap_read(r, room, (size_t)AP_MIN((uint64_t)n, left), got, err) < 0)
		return -1;
	if (m->zstd)
		return ap_zstd_write(m->zstd, room, *got, err);
	ap_gzip_filled(m->gzip, *got, file, at);
	return 0;
}

static int add_stream(struct maker *m, const struct ap_entry *e, struct ap_err *err)
{
	ap_auto_reader r = NULL;
	uint64_t at = 0;
	size_t got;
	char more;
	int file = -1;

	if (e->content->ops->open(e->content, &r, err) < 0)
		return -1;
	if (e->size >= REFER_FROM && ap_local_reader_fd(r) >= 0)
		file = ap_spool_file(&m->spool, ap_local_reader_fd(r));
	while (at < e->size) {
		if (add_some(m, r, at, e->size - at, file, &got, err) < 0)
			return -1;
		if (!got)
			return changed(at, e->size, "it ends after ", err);
		at += got;
	}
	if (ap_read(r, &more, 1, &got, err) < 0)
		return -1;
	return got ? changed(e->size + 1, e->size, "it has at least ", err) : 0;
}

static int add_content(struct maker *m, const struct ap_entry *e, struct ap_err *err)
{
	struct ap_raw raw;
	int rc;

	if (m->gzip && e->size > SPLICE_FROM && e->content->ops->raw &&
		e->content->ops->raw(e->content, &raw) && raw.method == 8) {
		int file = raw.csize >= REFER_FROM ? ap_spool_file(&m->spool, raw.fd) : -1;

		rc = raw.size == e->size ? ap_gzip_splice(m->gzip, &raw, file, err)
					 : changed(raw.size, e->size, "", err);
	} else {
		rc = add_stream(m, e, err);
	}
	return rc < 0 && err->code != AP_E_CANCELLED ? ap_err_wrap(err, "%s", e->path) : rc;
}

static int add_entry(struct maker *m, const struct ap_entry *e, struct ap_err *err)
{
	ap_buf_reset(&m->header);
	if (ap_tar_header(&m->header, e, m->o->epoch, err) < 0 ||
		add_bytes(m, m->header.p, m->header.len, err) < 0)
		return -1;
	if (e->type != AP_ENTRY_FILE || !e->size)
		return 0;
	if (!e->content)
		return ap_err_set(
			err, AP_E_INPUT, "%s: %" PRIu64 " bytes, but no content", e->path, e->size);
	if (add_content(m, e, err) < 0)
		return -1;
	return add_zeros(m, ap_tar_padding(e->size), err);
}

static bool is_whiteout(const char *path)
{
	const char *slash = strrchr(path, '/');

	return ap_starts_with(slash ? slash + 1 : path, ".wh.");
}

/* Nothing but marks that each remove one path: what ap_layer_whiteouts() makes. */
static bool only_whiteouts(const struct ap_tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct ap_entry *e = &t->v[i];

		if (!is_whiteout(e->path) || e->type != AP_ENTRY_FILE || e->size ||
			strstr(e->path, ".wh..wh."))
			return false;
	}
	return true;
}

/* One path once, and nothing below what is no directory: readers disagree about such layers. */
static int check_tree(const struct ap_tree *t, struct ap_err *err)
{
	bool whiteouts = only_whiteouts(t);
	const char *leaf = NULL;

	for (size_t i = 0; i < t->n; i++) {
		const char *path = t->v[i].path;
		size_t n = leaf ? strlen(leaf) : 0;

		if (i && ap_path_cmp(t->v[i - 1].path, path) >= 0)
			return ap_err_set(err, AP_E_INPUT, "layer path \"%s\" occurs twice%s", path,
				strcmp(t->v[i - 1].path, path) ? ", or the tree is not sorted"
							       : "");
		if (leaf && strncmp(path, leaf, n) == 0 && path[n] == '/')
			return ap_err_set(err, AP_E_INPUT,
				"layer path \"%s\" lies below \"%s\", which is no directory", path,
				leaf);
		if (is_whiteout(path) && !whiteouts)
			return ap_err_set(err, AP_E_INPUT,
				"layer path \"%s\": a name that begins with \".wh.\" would remove "
				"a file of the image",
				path);
		if (t->v[i].type != AP_ENTRY_DIR)
			leaf = path;
	}
	return 0;
}

static void emit_event(const struct maker *m, enum ap_event_kind kind, uint64_t bytes)
{
	ap_emit(m->o->progress, &(struct ap_event){ .step = AP_STEP_LAYER,
					.kind = kind,
					.id = m->title,
					.done = m->done,
					.total = bytes });
}

static int make(struct ap_layer *out, const struct ap_tree *tree, const char *title,
	const struct ap_layer_opts *o, struct ap_err *err)
{
	AP_CLEANUP(maker_release) struct maker m = { .o = o, .title = title };
	uint64_t total = 0;

	for (size_t i = 0; i < tree->n; i++)
		total += AP_TAR_BLOCK + tree->v[i].size + ap_tar_padding(tree->v[i].size);
	maker_init(&m);
	emit_event(&m, AP_EV_START, total);
	for (size_t i = 0; i < tree->n; i++) {
		if (add_entry(&m, &tree->v[i], err) < 0)
			return -1;
	}
	if (add_zeros(&m, AP_TAR_END, err) < 0 ||
		(m.zstd ? ap_zstd_finish(m.zstd, err) : ap_gzip_finish(m.gzip, err)) < 0)
		return -1;
	out->desc.size = m.spool.size;
	ap_sha256_final(&m.blob_hash, &out->desc.digest);
	ap_sha256_final(&m.raw_hash, &out->diff_id);
	out->desc.media_type = ap_xstrdup(ap_layer_media_type(o->compression, o->docker));
	out->title = ap_xstrdup(title);
	ap_spool_content(&out->blob, &m.spool);
	emit_event(&m, AP_EV_DONE, total);
	return 0;
}

int ap_layer_make(struct ap_layer *out, const struct ap_tree *tree, const char *title,
	const struct ap_layer_opts *o, struct ap_err *err)
{
	struct ap_layer l = { 0 };

	if (check_tree(tree, err) < 0 || make(&l, tree, title, o, err) < 0) {
		ap_layer_release(&l);
		return err->code == AP_E_CANCELLED ? -1 : ap_err_wrap(err, "layer %s", title);
	}
	*out = l;
	return 0;
}

int ap_layer_whiteouts(struct ap_tree *out, const struct ap_strv *paths, struct ap_err *err)
{
	ap_auto_tree t = { 0 };

	for (size_t i = 0; i < paths->n; i++) {
		const char *p = paths->v[i];
		const char *slash = strrchr(p, '/');
		ap_auto_free char *mark = NULL;

		if (p[0] != '/' || !slash[1] || strstr(p, "//") || strstr(p, "/../") ||
			ap_ends_with(p, "/..") || strstr(p, "/./") || ap_ends_with(p, "/."))
			return ap_err_set(err, AP_E_INPUT,
				"path to remove \"%s\": want an absolute path below /", p);
		mark = ap_xasprintf("%.*s.wh.%s", (int)(slash - p), p + 1, slash + 1);
		ap_tree_add_file(&t, mark, 0644, 0, NULL);
	}
	ap_tree_sort(&t);
	ap_tree_move(out, &t);
	return 0;
}
