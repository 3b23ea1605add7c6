#include "pack/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"

void ap_spool_init(struct ap_spool *s, const char *dir)
{
	*s = (struct ap_spool){ .mem = AP_BUF_INIT, .dir = dir ? dir : "/tmp", .fd = -1 };
}

void ap_spool_release(struct ap_spool *s)
{
	ap_buf_release(&s->mem);
	ap_close_p(&s->fd);
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

int ap_spool_write(struct ap_spool *s, const void *p, size_t n, struct ap_err *err)
{
	s->size += n;
	if (s->fd < 0 && s->size <= AP_SPOOL_MEMORY) {
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

struct spool_content {
	struct ap_content base;
	int fd;
	uint64_t size;
};

static int spool_open(const struct ap_content *c, struct ap_reader **out, struct ap_err *err)
{
	const struct spool_content *s = (const struct spool_content *)(const void *)c;
	int fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return ap_err_sys(err, "temporary file");
	ap_fd_reader(out, fd, 0, s->size);
	return 0;
}

static void spool_free(struct ap_content *c)
{
	struct spool_content *s = AP_CONTAINER(c, struct spool_content, base);

	ap_close_p(&s->fd);
	free(s);
}

static const struct ap_content_ops spool_ops = { .open = spool_open, .free = spool_free };

void ap_spool_content(struct ap_content **out, struct ap_spool *s)
{
	struct spool_content *c;

	if (s->fd < 0) {
		*out = ap_content_bytes(s->mem.p, s->mem.len);
		ap_spool_release(s);
		return;
	}
	c = ap_xcalloc(1, sizeof(*c));
	c->base.ops = &spool_ops;
	c->fd = AP_STEAL_FD(s->fd);
	c->size = s->size;
	*out = &c->base;
}
