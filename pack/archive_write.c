#include "pack/archive.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/entry.h"
#include "base/fs.h"
#include "pack/base.h"
#include "pack/index.h"
#include "pack/media_type.h"
#include "pack/tar.h"

struct archive_sink {
	struct ap_sink base;
	struct ap_fs_temp file;
	pthread_mutex_t lock;  /* a tar is one stream: one blob at a time */
	struct ap_strv stored; /* digests */
	cJSON *index;          /* index.json to be */
	cJSON *images;         /* docker-archive: manifest.json to be */
	struct ap_descriptor last;
	bool named;
	struct ap_err failed; /* the file can no longer be mended */
};
_Static_assert(offsetof(struct archive_sink, base) == 0, "base must come first");

static struct archive_sink *self(struct ap_sink *s)
{
	return AP_CONTAINER(s, struct archive_sink, base);
}

static int wrap(const struct archive_sink *a, struct ap_err *err)
{
	return err->code == AP_E_CANCELLED ? -1 : ap_err_wrap(err, "%s", a->base.ref.path);
}

static int add_header(struct archive_sink *a, const char *path, enum ap_entry_type type,
	uint64_t size, struct ap_err *err)
{
	ap_auto_free char *copy = ap_xstrdup(path);
	struct ap_entry e = {
		.path = copy, .type = type, .mode = type == AP_ENTRY_DIR ? 0755 : 0644, .size = size
	};
	ap_auto_buf b = AP_BUF_INIT;

	if (ap_tar_header(&b, &e, 0, err) < 0)
		return -1;
	return ap_write_all(a->file.fd, b.p, b.len, err);
}

static int add_padding(struct archive_sink *a, uint64_t size, struct ap_err *err)
{
	static const char zeros[AP_TAR_BLOCK];

	return ap_write_all(a->file.fd, zeros, ap_tar_padding(size), err);
}

static int add_file(
	struct archive_sink *a, const char *path, const void *p, size_t n, struct ap_err *err)
{
	if (add_header(a, path, AP_ENTRY_FILE, n, err) < 0 ||
		ap_write_all(a->file.fd, p, n, err) < 0)
		return -1;
	return add_padding(a, n, err);
}

static int add_blob(struct archive_sink *a, const struct ap_descriptor *d, struct ap_reader *r,
	struct ap_err *err)
{
	ap_auto_free char *path = ap_xasprintf("blobs/sha256/%s", ap_digest_hex(&d->digest));
	ap_auto_reader checked = NULL;

	ap_verify_borrowed(&checked, r, &d->digest, d->size);
	if (add_header(a, path, AP_ENTRY_FILE, d->size, err) < 0 ||
		ap_write_from(a->file.fd, checked ? checked : r, err) < 0)
		return -1;
	return add_padding(a, d->size, err);
}

/* Caller holds the lock.  A blob that fails is cut off again, so that it can be put once more. */
static int put_locked(struct archive_sink *a, const struct ap_descriptor *d, struct ap_reader *r,
	struct ap_err *err)
{
	off_t start;

	if (a->failed.code != AP_E_NONE) {
		*err = a->failed;
		return -1;
	}
	if (ap_strv_has(&a->stored, d->digest.s))
		return 0;
	start = lseek(a->file.fd, 0, SEEK_CUR);
	if (add_blob(a, d, r, err) < 0) {
		if (start < 0 || ftruncate(a->file.fd, start) < 0 ||
			lseek(a->file.fd, start, SEEK_SET) < 0)
			a->failed = *err;
		return wrap(a, err);
	}
	ap_strv_add(&a->stored, d->digest.s);
	return 0;
}

static int sink_has_blob(struct ap_sink *s, const struct ap_descriptor *desc, bool *present,
	struct ap_err *err AP_UNUSED)
{
	struct archive_sink *a = self(s);

	pthread_mutex_lock(&a->lock);
	*present = ap_strv_has(&a->stored, desc->digest.s);
	pthread_mutex_unlock(&a->lock);
	return 0;
}

static int sink_put_blob(struct ap_sink *s, const struct ap_descriptor *desc, struct ap_reader *r,
	struct ap_err *err)
{
	struct archive_sink *a = self(s);
	int rc;

	pthread_mutex_lock(&a->lock);
	rc = put_locked(a, desc, r, err);
	pthread_mutex_unlock(&a->lock);
	return rc;
}

static void push_path(cJSON *list, const struct ap_digest *d)
{
	ap_auto_free char *path = ap_xasprintf("blobs/sha256/%s", ap_digest_hex(d));

	ap_json_push(list, ap_json_string(path));
}

/* One element of manifest.json, without tags. */
static int docker_entry(cJSON **out, const void *json, size_t n, struct ap_err *err)
{
	ap_auto_json manifest = NULL;
	ap_auto_json e = ap_json_object();
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor config = { 0 };
	ap_auto_free char *path = NULL;
	const cJSON *layers;
	cJSON *list;
	int kind;

	if (ap_manifest_parse(&manifest, &kind, NULL, json, n, err) < 0)
		return -1;
	if (kind != AP_MT_MANIFEST)
		return ap_err_set(err, AP_E_UNSUPPORTED, "a docker-archive holds no index");
	if (ap_descriptor_from_json(&config, ap_json_get(manifest, "config"), err) < 0)
		return -1;
	path = ap_xasprintf("blobs/sha256/%s", ap_digest_hex(&config.digest));
	ap_json_set_str(e, "Config", path);
	ap_json_set_array(e, "RepoTags");
	list = ap_json_set_array(e, "Layers");
	layers = ap_json_get(manifest, "layers");
	for (const cJSON *l = layers ? layers->child : NULL; l; l = l->next) {
		AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };

		if (ap_descriptor_from_json(&d, l, err) < 0)
			return -1;
		if (ap_media_type_foreign(d.media_type))
			return ap_err_set(err, AP_E_UNSUPPORTED,
				"layer %s is not distributable: a docker-archive must hold all layers",
				d.digest.s);
		push_path(list, &d.digest);
	}
	*out = AP_STEAL(e);
	return 0;
}

static int list_docker(struct archive_sink *a, const struct ap_descriptor *desc, const void *json,
	const char *tag, struct ap_err *err)
{
	cJSON *e = NULL;
	ap_auto_free char *name = NULL;

	if (docker_entry(&e, json, (size_t)desc->size, err) < 0)
		return -1;
	for (cJSON *old = a->images->child; old; old = old->next) {
		if (!ap_streq(ap_json_str(old, "Config"), ap_json_str(e, "Config")))
			continue;
		cJSON_Delete(e);
		e = old;
		break;
	}
	if (!e->prev)
		ap_json_push(a->images, e);
	if (!tag || !a->base.ref.repository)
		return 0;
	name = ap_xasprintf("%s:%s", a->base.ref.repository, tag);
	ap_json_push(cJSON_GetObjectItemCaseSensitive(e, "RepoTags"), ap_json_string(name));
	return 0;
}

/* Docker with containerd's store takes the whole name from the index. */
static int list_oci(struct archive_sink *a, const struct ap_descriptor *desc, const char *tag,
	struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	AP_CLEANUP(ap_ref_release) struct ap_ref r = { 0 };
	ap_auto_free char *name = NULL;
	ap_auto_free char *full = NULL;

	ap_descriptor_copy(&d, desc);
	if (a->images && tag && a->base.ref.repository) {
		name = ap_xasprintf("%s:%s", a->base.ref.repository, tag);
		if (ap_ref_parse(&r, name, err) < 0)
			return -1;
		full = ap_ref_name(&r);
		if (!d.annotations)
			d.annotations = ap_json_object();
		ap_json_set_str(d.annotations, "io.containerd.image.name", full);
	}
	return ap_index_set(a->index, &d, tag, err);
}

static int sink_put_manifest(struct ap_sink *s, const struct ap_descriptor *desc, const void *json,
	const char *tag, struct ap_err *err)
{
	struct archive_sink *a = self(s);
	ap_auto_reader r = NULL;

	ap_mem_reader(&r, json, (size_t)desc->size);
	if (sink_put_blob(s, desc, r, err) < 0)
		return -1;
	ap_descriptor_release(&a->last);
	ap_descriptor_copy(&a->last, desc);
	if (a->images && list_docker(a, desc, json, tag, err) < 0)
		return wrap(a, err);
	if (!tag)
		return 0;
	a->named = true;
	return list_oci(a, desc, tag, err);
}

static int sink_get_manifest(struct ap_sink *s, const char *reference,
	struct ap_descriptor *desc AP_UNUSED, struct ap_buf *body AP_UNUSED, struct ap_err *err)
{
	return ap_err_set(err, AP_E_NOT_FOUND, "%s: a new archive holds no \"%s\"", s->ref.path,
		reference ? reference : "image");
}

static int sink_get_blob(struct ap_sink *s, const struct ap_descriptor *desc,
	struct ap_buf *body AP_UNUSED, struct ap_err *err)
{
	return ap_err_set(
		err, AP_E_NOT_FOUND, "%s: a new archive holds no %s", s->ref.path, desc->digest.s);
}

static int add_json(struct archive_sink *a, const char *path, const cJSON *j, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_INIT;

	ap_json_print(&text, j, 0);
	return add_file(a, path, text.p, text.len, err);
}

static int sink_finish(struct ap_sink *s, struct ap_err *err)
{
	static const char end[AP_TAR_END];
	struct archive_sink *a = self(s);

	if (!a->named && a->last.media_type && ap_index_set(a->index, &a->last, NULL, err) < 0)
		return wrap(a, err);
	if (add_json(a, "index.json", a->index, err) < 0 ||
		(a->images && add_json(a, "manifest.json", a->images, err) < 0) ||
		add_file(a, "oci-layout", AP_LAYOUT_VERSION, strlen(AP_LAYOUT_VERSION), err) < 0 ||
		ap_write_all(a->file.fd, end, sizeof(end), err) < 0)
		return wrap(a, err);
	return ap_fs_temp_commit(&a->file, err);
}

static void sink_free(struct ap_sink *s)
{
	struct archive_sink *a = self(s);

	ap_fs_temp_release(&a->file);
	ap_strv_release(&a->stored);
	cJSON_Delete(a->index);
	cJSON_Delete(a->images);
	ap_descriptor_release(&a->last);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static const struct ap_sink_ops sink_ops = {
	.name = "archive",
	.has_blob = sink_has_blob,
	.put_blob = sink_put_blob,
	.put_manifest = sink_put_manifest,
	.get_manifest = sink_get_manifest,
	.get_blob = sink_get_blob,
	.finish = sink_finish,
	.free = sink_free,
};

/* What killed runs left of this file. */
static void sweep(const char *path)
{
	const char *slash = strrchr(path, '/');
	ap_auto_free char *dir = ap_fs_dir_of(path);

	ap_fs_sweep(dir, slash ? slash + 1 : path);
}

int ap_archive_sink(struct ap_sink **out, const struct ap_ref *ref, struct ap_err *err)
{
	ap_auto_free char *real = realpath(ref->path, NULL);
	struct archive_sink *a;
	struct stat st;

	if (stat(ref->path, &st) == 0 && !S_ISREG(st.st_mode))
		return ap_err_set(err, AP_E_INPUT, "%s: not a regular file", ref->path);
	if (ref->digest.s[0])
		return ap_err_set(err, AP_E_INPUT,
			"%s@%.20s...: a destination is named by a tag, not by a digest", ref->path,
			ref->digest.s);
	a = ap_xcalloc(1, sizeof(*a));
	a->base.ops = &sink_ops;
	a->file = (struct ap_fs_temp)AP_FS_TEMP_INIT;
	a->index = ap_index_new();
	if (ref->transport == AP_DOCKER_ARCHIVE)
		a->images = ap_json_array();
	pthread_mutex_init(&a->lock, NULL);
	ap_ref_copy(&a->base.ref, ref);
	sweep(real ? real : ref->path);
	if (ap_fs_temp_open(&a->file, real ? real : ref->path, 0644, err) < 0 ||
		add_header(a, "blobs", AP_ENTRY_DIR, 0, err) < 0 ||
		add_header(a, "blobs/sha256", AP_ENTRY_DIR, 0, err) < 0) {
		ap_sink_free(&a->base);
		return -1;
	}
	*out = &a->base;
	return 0;
}
