#include "deps/parcel.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

enum { CHUNK = 1 << 16, MAX_HEAD = 2 * PATH_MAX, MAX_DEPTH = 128 };

static int put_head(int fd, char kind, const char *name, uint64_t size, struct ap_err *err)
{
	ap_auto_buf head = AP_BUF_INIT;

	if (!*name || strchr(name, '\n'))
		return ap_err_set(
			err, AP_E_INPUT, "\"%.100s\" is no name that a file can have there", name);
	ap_buf_addf(&head, "%c %" PRIu64 " %s\n", kind, size, name);
	return ap_write_all(fd, head.p, head.len, err);
}

int ap_parcel_put_bytes(
	int fd, char kind, const char *name, const void *p, size_t n, struct ap_err *err)
{
	return put_head(fd, kind, name, n, err) < 0 ? -1 : ap_write_all(fd, p, n, err);
}

int ap_parcel_put(
	int fd, char kind, const char *name, struct ap_reader *r, uint64_t size, struct ap_err *err)
{
	ap_auto_free char *chunk = ap_xmalloc(CHUNK);

	if (put_head(fd, kind, name, size, err) < 0)
		return -1;
	while (size) {
		size_t n = (size_t)AP_MIN(size, CHUNK);

		if (ap_read_full(r, chunk, n, err) < 0 || ap_write_all(fd, chunk, n, err) < 0)
			return -1;
		size -= n;
	}
	return 0;
}

static int put_file(
	int fd, const char *name, const char *path, const struct stat *st, struct ap_err *err)
{
	ap_auto_reader r = NULL;
	int in = ap_fs_open_file(path, err);

	if (in < 0)
		return -1;
	ap_fd_reader(&r, in, 0, (uint64_t)st->st_size);
	return ap_parcel_put(fd, st->st_mode & 0111 ? AP_PARCEL_EXEC : AP_PARCEL_FILE, name, r,
		(uint64_t)st->st_size, err);
}

static int put_link(int fd, const char *name, const char *path, struct ap_err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target));

	if (n < 0)
		return ap_err_sys(err, "%s", path);
	return ap_parcel_put_bytes(fd, AP_PARCEL_LINK, name, target, (size_t)n, err);
}

static int put_dir(int fd, const char *name, const char *dir, unsigned depth, struct ap_err *err)
{
	ap_auto_strv names = { 0 };
	int rc = 0;
	int at;

	if (depth > MAX_DEPTH)
		return ap_err_set(err, AP_E_LIMIT, "%s: deeper than %d levels", dir, MAX_DEPTH);
	at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return ap_err_sys(err, "%s", dir);
	if (ap_fs_list_fd(&names, at, dir, err) < 0 ||
		put_head(fd, AP_PARCEL_DIR, name, 0, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n && rc == 0; i++) {
		ap_auto_free char *path = ap_fs_join(dir, names.v[i]);
		ap_auto_free char *sub = ap_xasprintf("%s/%s", name, names.v[i]);
		struct stat st;

		if (lstat(path, &st) < 0)
			return ap_err_sys(err, "%s", path);
		if (S_ISDIR(st.st_mode))
			rc = put_dir(fd, sub, path, depth + 1, err);
		else if (S_ISLNK(st.st_mode))
			rc = put_link(fd, sub, path, err);
		else if (S_ISREG(st.st_mode))
			rc = put_file(fd, sub, path, &st, err);
		else
			rc = ap_err_set(err, AP_E_INPUT,
				"%s: neither a file, a directory nor a link", path);
	}
	return rc;
}

int ap_parcel_put_tree(int fd, const char *name, const char *dir, struct ap_err *err)
{
	return put_dir(fd, name, dir, 0, err);
}

int ap_parcel_end(int fd, struct ap_err *err)
{
	return ap_write_all(fd, ".\n", 2, err);
}

/* "KIND SIZE NAME\n" at p; false when it is none. */
static bool read_head(struct ap_parcel *out, const char *p, size_t n, size_t *len)
{
	const char *nl = memchr(p, '\n', n);
	struct ap_str rest;
	struct ap_str size;
	ap_auto_free char *digits = NULL;

	if (!nl || nl - p < 5 || p[1] != ' ')
		return false;
	rest = ap_str_n(p + 2, (size_t)(nl - p) - 2);
	if (!ap_str_next(&rest, ' ', &size) || !rest.n || memchr(rest.p, '\0', rest.n))
		return false;
	digits = ap_xstrndup(size.p, size.n);
	if (!ap_parse_u64(digits, INT64_MAX, &out->size))
		return false;
	out->kind = *p;
	out->name = ap_xstrndup(rest.p, rest.n);
	*len = (size_t)(nl - p) + 1;
	return true;
}

static int read_all(struct ap_parcels *out, int fd, uint64_t total, struct ap_err *err)
{
	ap_auto_free char *head = ap_xmalloc(MAX_HEAD);

	for (uint64_t at = 0;;) {
		ssize_t n = pread(fd, head, MAX_HEAD, (off_t)at);
		struct ap_parcel one = { 0 };
		size_t len;

		if (n < 0)
			return ap_err_sys(err, "%s", out->path);
		if (n >= 2 && memcmp(head, ".\n", 2) == 0 && at + 2 == total)
			return 0;
		if (!read_head(&one, head, (size_t)n, &len))
			return ap_err_set(err, AP_E_PROTO,
				"what came out of the base is cut, or none of ours");
		one.at = at + len;
		AP_GROW(out->v, out->n, out->cap);
		out->v[out->n++] = one;
		if (one.size > total - one.at)
			return ap_err_set(err, AP_E_PROTO, "what came out of the base is cut");
		at = one.at + one.size;
	}
}

int ap_parcels_open(struct ap_parcels *out, const char *path, struct ap_err *err)
{
	struct ap_parcels p = { .path = ap_xstrdup(path) };
	ap_auto_fd int fd = ap_fs_open_file(path, err);
	struct stat st;
	int rc = -1;

	if (fd >= 0)
		rc = fstat(fd, &st) < 0 ? ap_err_sys(err, "%s", path)
					: read_all(&p, fd, (uint64_t)st.st_size, err);
	if (rc < 0) {
		ap_parcels_release(&p);
		return -1;
	}
	*out = p;
	return 0;
}

void ap_parcels_release(struct ap_parcels *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].name);
	free(p->v);
	free(p->path);
	*p = (struct ap_parcels){ 0 };
}

static int open_part(
	struct ap_reader **out, const char *path, uint64_t at, uint64_t size, struct ap_err *err)
{
	int fd = ap_fs_open_file(path, err);

	if (fd < 0)
		return -1;
	ap_fd_reader(out, fd, at, size);
	return 0;
}

int ap_parcels_reader(struct ap_reader **out, const struct ap_parcels *p,
	const struct ap_parcel *one, struct ap_err *err)
{
	return open_part(out, p->path, one->at, one->size, err);
}

/* ---- as content ---- */

struct part {
	struct ap_content content; /* first */
	char *path;
	uint64_t at, size;
};

static int part_open(const struct ap_content *c, struct ap_reader **out, struct ap_err *err)
{
	const struct part *p = (const struct part *)c;

	return open_part(out, p->path, p->at, p->size, err);
}

static void part_free(struct ap_content *c)
{
	struct part *p = (struct part *)c;

	free(p->path);
	free(p);
}

static const struct ap_content_ops part_ops = {
	.open = part_open,
	.free = part_free,
};

struct ap_content *ap_parcels_content(const struct ap_parcels *p, const struct ap_parcel *one)
{
	struct part *part = ap_xcalloc(1, sizeof(*part));

	part->content.ops = &part_ops;
	part->path = ap_xstrdup(p->path);
	part->at = one->at;
	part->size = one->size;
	return &part->content;
}
