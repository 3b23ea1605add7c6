#include "pack/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

#define OWN (-1)

void ap_spool_init(struct ap_spool *s, const char *dir)
{
	*s = (struct ap_spool){ .mem = AP_BUF_INIT, .dir = dir ? dir : "/tmp", .fd = -1 };
}

void ap_spool_release(struct ap_spool *s)
{
	ap_buf_release(&s->mem);
	ap_close_p(&s->fd);
	for (size_t i = 0; i < s->n_files; i++)
		ap_close_p(&s->files[i].fd);
	s->n_files = 0;
	free(s->ranges);
	s->ranges = NULL;
}

/* A file that is gone when its descriptor is, whatever ends us. */
static int open_unnamed(const char *dir, struct ap_err *err)
{
	ap_auto_free char *name = NULL;
	int fd;

#ifdef O_TMPFILE
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
#endif
	name = ap_fs_join(dir, "spool.XXXXXX");
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return ap_err_sys(err, "make a temporary file in %s", dir);
	unlink(name);
	return fd;
}

/* Ranges that follow each other are one. */
static void add_range(struct ap_spool *s, int file, uint64_t at, uint64_t n)
{
	struct ap_spool_range *last = s->n_ranges ? &s->ranges[s->n_ranges - 1] : NULL;

	s->size += n;
	if (last && last->file == file && last->at + last->n == at) {
		last->n += n;
		return;
	}
	AP_GROW(s->ranges, s->n_ranges, s->cap_ranges);
	s->ranges[s->n_ranges++] = (struct ap_spool_range){ file, at, n };
}

int ap_spool_write(struct ap_spool *s, const void *p, size_t n, struct ap_err *err)
{
	add_range(s, OWN, s->own, n);
	s->own += n;
	if (s->fd < 0 && s->own <= AP_SPOOL_MEMORY) {
		ap_buf_add(&s->mem, p, n);
		return 0;
	}
	if (s->fd < 0) {
		s->fd = open_unnamed(s->dir, err);
		if (s->fd < 0)
			return -1;
		if (ap_write_all(s->fd, s->mem.p, s->mem.len, err) < 0)
			return ap_err_wrap(err, "temporary file in %s", s->dir);
		ap_buf_release(&s->mem);
	}
	if (ap_write_all(s->fd, p, n, err) < 0)
		return ap_err_wrap(err, "temporary file in %s", s->dir);
	return 0;
}

int ap_spool_file(struct ap_spool *s, int fd)
{
	struct stat st;
	int own;

	if (fstat(fd, &st) < 0)
		return -1;
	for (size_t i = 0; i < s->n_files; i++)
		if (s->files[i].st.st_ino == st.st_ino && s->files[i].st.st_dev == st.st_dev)
			return (int)i;
	if (s->n_files == AP_SPOOL_FILES)
		return -1;
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return -1;
	s->files[s->n_files] = (struct ap_spool_file){ own, st };
	return (int)s->n_files++;
}

void ap_spool_refer(struct ap_spool *s, int file, uint64_t at, uint64_t n)
{
	add_range(s, file, at, n);
}

struct spool_content {
	struct ap_content base;
	struct ap_spool s;
};

struct spool_reader {
	struct ap_reader base;
	const struct spool_content *of; /* lives longer */
	size_t range;
	uint64_t at; /* in the range */
	bool failed;
};

static bool unchanged(const struct ap_spool_file *f)
{
	struct stat st;

	return fstat(f->fd, &st) == 0 && st.st_size == f->st.st_size &&
	       st.st_mtim.tv_sec == f->st.st_mtim.tv_sec &&
	       st.st_mtim.tv_nsec == f->st.st_mtim.tv_nsec;
}

static int check_files(const struct ap_spool *s, struct ap_err *err)
{
	for (size_t i = 0; i < s->n_files; i++)
		if (!unchanged(&s->files[i]))
			return ap_err_set(
				err, AP_E_CHANGED, "a file of it changed while it was sent");
	return 0;
}

/* Some bytes of one range. */
static int read_range(const struct ap_spool *s, const struct ap_spool_range *r, uint64_t at,
	char *p, size_t n, size_t *got, struct ap_err *err)
{
	ssize_t k;

	n = (size_t)AP_MIN((uint64_t)n, r->n - at);
	if (r->file == OWN && s->fd < 0) {
		memcpy(p, s->mem.p + r->at + at, n);
		*got = n;
		return 0;
	}
	do
		k = pread(r->file == OWN ? s->fd : s->files[r->file].fd, p, n, (off_t)(r->at + at));
	while (k < 0 && errno == EINTR);
	if (k < 0)
		return ap_err_sys(err, "read");
	if (!k)
		return ap_err_set(err, AP_E_CHANGED, "a file of it became shorter");
	*got = (size_t)k;
	return 0;
}

static int spool_fill(struct spool_reader *r, char *p, size_t n, size_t *got, struct ap_err *err)
{
	const struct ap_spool *s = &r->of->s;

	*got = 0;
	while (*got < n && r->range < s->n_ranges) {
		size_t k;

		if (read_range(s, &s->ranges[r->range], r->at, p + *got, n - *got, &k, err) < 0)
			return -1;
		*got += k;
		r->at += k;
		if (r->at < s->ranges[r->range].n)
			continue;
		r->range++;
		r->at = 0;
	}
	return *got ? 0 : check_files(s, err);
}

static int spool_read(struct ap_reader *base, void *p, size_t n, size_t *got, struct ap_err *err)
{
	struct spool_reader *r = AP_CONTAINER(base, struct spool_reader, base);

	if (r->failed)
		return ap_err_set(err, AP_E_CHANGED, "already failed");
	r->failed = spool_fill(r, p, n, got, err) < 0;
	return r->failed ? -1 : 0;
}

static int spool_rewind(struct ap_reader *base, struct ap_err *err AP_UNUSED)
{
	struct spool_reader *r = AP_CONTAINER(base, struct spool_reader, base);

	r->range = 0;
	r->at = 0;
	r->failed = false;
	return 0;
}

static void spool_reader_free(struct ap_reader *base)
{
	free(AP_CONTAINER(base, struct spool_reader, base));
}

static const struct ap_reader_ops reader_ops = { spool_read, spool_rewind, spool_reader_free };

static int spool_open(
	const struct ap_content *c, struct ap_reader **out, struct ap_err *err AP_UNUSED)
{
	struct spool_reader *r = ap_xcalloc(1, sizeof(*r));

	r->base.ops = &reader_ops;
	r->of = (const struct spool_content *)(const void *)c;
	*out = &r->base;
	return 0;
}

static void spool_free(struct ap_content *c)
{
	struct spool_content *s = AP_CONTAINER(c, struct spool_content, base);

	ap_spool_release(&s->s);
	free(s);
}

static const struct ap_content_ops spool_ops = { .open = spool_open, .free = spool_free };

void ap_spool_content(struct ap_content **out, struct ap_spool *s)
{
	struct spool_content *c = ap_xcalloc(1, sizeof(*c));

	c->base.ops = &spool_ops;
	c->s = *s;
	ap_spool_init(s, s->dir);
	*out = &c->base;
}
