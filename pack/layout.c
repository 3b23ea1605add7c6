#include "pack/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fs.h"
#include "pack/base.h"
#include "pack/index.h"

static char *blob_path(const char *dir, const struct ap_digest *d)
{
	return ap_xasprintf("%s/blobs/sha256/%s", dir, ap_digest_hex(d));
}

static int read_json(cJSON **out, const char *dir, const char *name, struct ap_err *err)
{
	ap_auto_free char *path = ap_fs_join(dir, name);
	ap_auto_buf text = AP_BUF_MAX(AP_MANIFEST_MAX);

	if (ap_fs_read(&text, path, err) < 0)
		return -1;
	if (ap_json_parse(out, text.p, text.len, err) < 0)
		return ap_err_wrap(err, "%s", path);
	return 0;
}

static int check_version(const char *dir, struct ap_err *err)
{
	ap_auto_json j = NULL;

	if (read_json(&j, dir, "oci-layout", err) < 0) {
		if (err->sys != ENOENT)
			return -1;
		ap_err_clear(err);
		return ap_err_set(err, AP_E_INPUT,
			"%s holds no OCI layout: there is no oci-layout in it", dir);
	}
	return ap_layout_check_version(j, dir, err);
}

/* A blob's file, opened, of the size that the descriptor wants. */
static int open_file(int *fd, const char *dir, const struct ap_descriptor *d, struct ap_err *err)
{
	ap_auto_free char *path = blob_path(dir, &d->digest);
	ap_auto_fd int f = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (f < 0 && errno == ENOENT)
		return ap_err_set(
			err, AP_E_NOT_FOUND, "oci layout %s: no blob %s", dir, d->digest.s);
	if (f < 0 || fstat(f, &st) < 0)
		return ap_err_sys(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return ap_err_set(err, AP_E_PROTO, "%s: not a regular file", path);
	if ((uint64_t)st.st_size != d->size)
		return ap_err_set(err, AP_E_DIGEST, "%s: want %" PRIu64 " bytes, found %" PRIu64,
			path, d->size, (uint64_t)st.st_size);
	*fd = AP_STEAL_FD(f);
	return 0;
}

/* The manifest of one digest; its media type is in the document or shows in its members. */
static int read_manifest(const char *dir, const struct ap_digest *digest, const char *media_type,
	struct ap_descriptor *desc, struct ap_buf *body, struct ap_err *err)
{
	ap_auto_free char *path = blob_path(dir, digest);
	ap_auto_buf text = AP_BUF_MAX(AP_MANIFEST_MAX);
	struct ap_digest found;

	if (ap_fs_read(&text, path, err) < 0) {
		if (err->sys == ENOENT) {
			ap_err_clear(err);
			return ap_err_set(
				err, AP_E_NOT_FOUND, "oci layout %s: no %s", dir, digest->s);
		}
		return -1;
	}
	ap_sha256_of(&found, text.p, text.len);
	if (!ap_digest_eq(&found, digest))
		return ap_err_set(
			err, AP_E_DIGEST, "%s: want %s, found %s", path, digest->s, found.s);
	return ap_index_take(desc, body, &found, media_type, &text, err);
}

static int get_manifest(const char *dir, const char *reference, struct ap_descriptor *desc,
	struct ap_buf *body, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor found = { 0 };
	ap_auto_json index = NULL;
	struct ap_digest digest;

	if (reference && ap_digest_ok(reference)) {
		memcpy(digest.s, reference, sizeof(digest.s));
		return read_manifest(dir, &digest, NULL, desc, body, err);
	}
	if (read_json(&index, dir, "index.json", err) < 0 ||
		ap_index_find(&found, index, reference, err) < 0)
		return ap_err_wrap(err, "oci layout %s", dir);
	return read_manifest(dir, &found.digest, found.media_type, desc, body, err);
}

static int source_get_manifest(struct ap_source *s, const char *reference,
	struct ap_descriptor *desc, struct ap_buf *body, struct ap_err *err)
{
	const char *r = reference;

	if (!r && s->ref.digest.s[0])
		r = s->ref.digest.s;
	if (!r)
		r = s->ref.tag;
	return get_manifest(s->ref.path, r, desc, body, err);
}

static int source_open_blob(struct ap_source *s, const struct ap_descriptor *desc,
	struct ap_reader **out, struct ap_err *err)
{
	struct ap_reader *r;
	int fd;

	if (open_file(&fd, s->ref.path, desc, err) < 0)
		return -1;
	ap_fd_reader(&r, fd, 0, desc->size);
	ap_verify_reader(out, r, &desc->digest, desc->size);
	return 0;
}

static int source_open_range(struct ap_source *s, const struct ap_descriptor *desc, uint64_t from,
	uint64_t size, struct ap_reader **out, struct ap_err *err)
{
	int fd;

	if (open_file(&fd, s->ref.path, desc, err) < 0)
		return -1;
	ap_fd_reader(out, fd, from, size);
	return 0;
}

static void source_free(struct ap_source *s)
{
	free(s);
}

static const struct ap_source_ops source_ops = {
	.name = "oci",
	.get_manifest = source_get_manifest,
	.open_blob = source_open_blob,
	.open_range = source_open_range,
	.free = source_free,
};

int ap_layout_source(struct ap_source **out, const struct ap_ref *ref, struct ap_err *err)
{
	struct ap_source *s;

	if (!ap_fs_is_dir(ref->path)) {
		(void)!ap_err_set(err, AP_E_INPUT, "oci layout %s: no such directory", ref->path);
		return ap_fs_suggest(err, ref->path);
	}
	if (check_version(ref->path, err) < 0)
		return -1;
	s = ap_xcalloc(1, sizeof(*s));
	s->ops = &source_ops;
	ap_ref_copy(&s->ref, ref);
	*out = s;
	return 0;
}

struct layout_sink {
	struct ap_sink base;
	struct ap_descriptor last; /* the newest manifest, for finish() */
	bool named;                /* some manifest got a tag */
};
_Static_assert(offsetof(struct layout_sink, base) == 0, "base must come first");

static int sink_has_blob(
	struct ap_sink *s, const struct ap_descriptor *desc, bool *present, struct ap_err *err)
{
	ap_auto_fd int fd = -1;

	if (open_file(&fd, s->ref.path, desc, err) < 0) {
		if (err->code != AP_E_NOT_FOUND && err->code != AP_E_DIGEST)
			return -1;
		/* A file of another size is no blob; put_blob() replaces it. */
		ap_err_clear(err);
		*present = false;
		return 0;
	}
	*present = true;
	return 0;
}

static int sink_put_blob(struct ap_sink *s, const struct ap_descriptor *desc, struct ap_reader *r,
	struct ap_err *err)
{
	ap_auto_free char *path = blob_path(s->ref.path, &desc->digest);
	AP_CLEANUP(ap_fs_temp_release) struct ap_fs_temp t = AP_FS_TEMP_INIT;
	ap_auto_reader checked = NULL;

	ap_verify_borrowed(&checked, r, &desc->digest, desc->size);
	if (ap_fs_temp_open(&t, path, 0644, err) < 0 ||
		ap_write_from(t.fd, checked ? checked : r, err) < 0)
		return ap_err_wrap(err, "oci layout %s: blob %s", s->ref.path, desc->digest.s);
	return ap_fs_temp_commit(&t, err);
}

/* Replace index.json as a whole; the caller holds the lock. */
static int write_index(const char *dir, const cJSON *index, struct ap_err *err)
{
	ap_auto_free char *path = ap_fs_join(dir, "index.json");
	ap_auto_buf text = AP_BUF_INIT;

	ap_json_print(&text, index, 0);
	return ap_fs_write(path, text.p, text.len, 0644, err);
}

static int lock_layout(int *fd, const char *dir, struct ap_err *err)
{
	ap_auto_fd int f = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (f < 0)
		return ap_err_sys(err, "%s", dir);
	while (flock(f, LOCK_EX) < 0) {
		if (errno != EINTR)
			return ap_err_sys(err, "lock %s", dir);
	}
	*fd = AP_STEAL_FD(f);
	return 0;
}

static int list_manifest(
	const char *dir, const struct ap_descriptor *desc, const char *tag, struct ap_err *err)
{
	ap_auto_fd int lock = -1;
	ap_auto_json index = NULL;

	if (lock_layout(&lock, dir, err) < 0 || read_json(&index, dir, "index.json", err) < 0)
		return -1;
	if (ap_index_set(index, desc, tag, err) < 0)
		return ap_err_wrap(err, "oci layout %s", dir);
	return write_index(dir, index, err);
}

static int sink_put_manifest(struct ap_sink *s, const struct ap_descriptor *desc, const void *json,
	const char *tag, struct ap_err *err)
{
	struct layout_sink *l = AP_CONTAINER(s, struct layout_sink, base);
	ap_auto_reader r = NULL;

	ap_mem_reader(&r, json, (size_t)desc->size);
	if (sink_put_blob(s, desc, r, err) < 0)
		return -1;
	ap_descriptor_release(&l->last);
	ap_descriptor_copy(&l->last, desc);
	if (!tag)
		return 0;
	l->named = true;
	return list_manifest(s->ref.path, desc, tag, err);
}

/* An image without a name must be listed all the same, or nobody finds it. */
static int sink_finish(struct ap_sink *s, struct ap_err *err)
{
	struct layout_sink *l = AP_CONTAINER(s, struct layout_sink, base);

	if (l->named || !l->last.media_type)
		return 0;
	return list_manifest(s->ref.path, &l->last, NULL, err);
}

static int sink_get_manifest(struct ap_sink *s, const char *reference, struct ap_descriptor *desc,
	struct ap_buf *body, struct ap_err *err)
{
	return get_manifest(s->ref.path, reference, desc, body, err);
}

static int sink_get_blob(struct ap_sink *s, const struct ap_descriptor *desc, struct ap_buf *body,
	struct ap_err *err)
{
	ap_auto_reader r = NULL;
	struct ap_reader *file;
	int fd;

	if (open_file(&fd, s->ref.path, desc, err) < 0)
		return -1;
	ap_fd_reader(&file, fd, 0, desc->size);
	ap_verify_reader(&r, file, &desc->digest, desc->size);
	return ap_read_all(r, body, err);
}

static void sink_free(struct ap_sink *s)
{
	struct layout_sink *l = AP_CONTAINER(s, struct layout_sink, base);

	ap_descriptor_release(&l->last);
	free(l);
}

static const struct ap_sink_ops sink_ops = {
	.name = "oci",
	.has_blob = sink_has_blob,
	.put_blob = sink_put_blob,
	.put_manifest = sink_put_manifest,
	.get_manifest = sink_get_manifest,
	.get_blob = sink_get_blob,
	.finish = sink_finish,
	.free = sink_free,
};

static bool is_empty_dir(const char *path)
{
	DIR *d = opendir(path);
	bool empty = true;

	for (struct dirent *e = d ? readdir(d) : NULL; e && empty; e = readdir(d))
		empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	if (d)
		closedir(d);
	return d && empty;
}

/* A new layout; the version file comes last, so that a crash leaves an unfinished one visible. */
static int create(const char *dir, struct ap_err *err)
{
	ap_auto_free char *blobs = ap_fs_join(dir, "blobs/sha256");
	ap_auto_free char *file = ap_fs_join(dir, "oci-layout");
	ap_auto_free char *index_path = ap_fs_join(dir, "index.json");
	ap_auto_fd int lock = -1;
	ap_auto_json index = NULL;

	if (access(dir, F_OK) == 0 && !ap_fs_is_dir(dir))
		return ap_err_set(err, AP_E_INPUT, "a file, want a directory or none");
	if (ap_fs_mkdirs(dir, 0777, err) < 0 || lock_layout(&lock, dir, err) < 0)
		return -1;
	/* Under the lock: another writer may be half way through its first files. */
	if (!ap_fs_is_file(file) && !ap_fs_is_dir(blobs) && !is_empty_dir(dir))
		return ap_err_set(err, AP_E_INPUT,
			"the directory holds something else; want an OCI layout, an empty "
			"directory or none");
	if (ap_fs_mkdirs(blobs, 0777, err) < 0)
		return -1;
	ap_fs_sweep(dir, NULL);
	ap_fs_sweep(blobs, NULL);
	if (!ap_fs_is_file(index_path)) {
		index = ap_index_new();
		if (write_index(dir, index, err) < 0)
			return -1;
	}
	if (ap_fs_is_file(file))
		return check_version(dir, err);
	return ap_fs_write(file, AP_LAYOUT_VERSION, strlen(AP_LAYOUT_VERSION), 0644, err);
}

int ap_layout_sink(struct ap_sink **out, const struct ap_ref *ref, struct ap_err *err)
{
	struct layout_sink *l;

	if (ref->digest.s[0])
		return ap_err_set(err, AP_E_INPUT,
			"oci:%s@%.20s...: a destination is named by a tag, not by a digest",
			ref->path, ref->digest.s);
	if (create(ref->path, err) < 0)
		return ap_err_wrap(err, "oci layout %s", ref->path);
	l = ap_xcalloc(1, sizeof(*l));
	l->base.ops = &sink_ops;
	ap_ref_copy(&l->base.ref, ref);
	*out = &l->base;
	return 0;
}
