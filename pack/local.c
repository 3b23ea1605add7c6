#include "pack/local.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#ifdef __linux__
#include <linux/openat2.h>
#include <sys/syscall.h>
#endif

#define MAX_LINKS 40

struct ap_local_root {
	atomic_uint refs;
	int fd;
	char *path;
};

int ap_local_root_open(struct ap_local_root **out, const char *path, struct ap_err *err)
{
	ap_auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ap_auto_free char *real = fd < 0 ? NULL : realpath(path, NULL);
	struct ap_local_root *r;

	if (fd < 0 && errno == ENOENT) {
		(void)!ap_err_set(err, AP_E_INPUT, "\"%s\" is not there; wanted a directory", path);
		return ap_fs_suggest(err, path);
	}
	if (fd < 0 && errno == ENOTDIR)
		return ap_err_set(err, AP_E_INPUT, "\"%s\" is not a directory", path);
	if (!real)
		return ap_err_sys(err, "\"%s\"", path);
	r = ap_xcalloc(1, sizeof(*r));
	atomic_init(&r->refs, 1);
	r->fd = AP_STEAL_FD(fd);
	r->path = ap_xstrdup(real);
	*out = r;
	return 0;
}

static struct ap_local_root *root_ref(struct ap_local_root *r)
{
	atomic_fetch_add(&r->refs, 1);
	return r;
}

void ap_local_root_unref(struct ap_local_root *r)
{
	if (!r || atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	close(r->fd);
	free(r->path);
	free(r);
}

void ap_local_root_unrefp(struct ap_local_root **r)
{
	ap_local_root_unref(*r);
	*r = NULL;
}

int ap_local_root_fd(const struct ap_local_root *r)
{
	return r->fd;
}

const char *ap_local_root_path(const struct ap_local_root *r)
{
	return r->path;
}

/* Append the components of text to the normalised path in b; false when it leaves the root. */
bool ap_local_append(struct ap_buf *b, const char *text)
{
	struct ap_str rest = ap_str(text);
	struct ap_str part;

	while (ap_str_next(&rest, '/', &part)) {
		if (!part.n || ap_str_eq(part, "."))
			continue;
		if (ap_str_eq(part, "..")) {
			const char *slash = strrchr(b->p, '/');

			if (!b->len)
				return false;
			ap_buf_truncate(b, slash ? (size_t)(slash - b->p) : 0);
			continue;
		}
		if (b->len)
			ap_buf_addc(b, '/');
		ap_buf_add(b, part.p, part.n);
	}
	return true;
}

/* The rest of `text` behind directory `dir`, or NULL. */
static const char *below(const char *text, const char *dir)
{
	size_t n = dir ? strlen(dir) : 0;

	while (n > 1 && dir[n - 1] == '/')
		n--;
	if (!n || strncmp(text, dir, n) != 0)
		return NULL;
	if (text[n] && text[n] != '/' && n > 1)
		return NULL;
	return text + n;
}

int ap_local_path(char **out, const struct ap_local_root *r, const char *given, const char *text,
	struct ap_err *err)
{
	ap_auto_buf b = AP_BUF_MAX(AP_LOCAL_PATH);
	ap_auto_free char *real = NULL;
	const char *rel = text;

	if (text[0] == '/') {
		rel = below(text, r->path);
		if (!rel && given && given[0] == '/')
			rel = below(text, given);
		/* The way to the working directory itself may lead through links. */
		if (!rel && (real = realpath(text, NULL)) != NULL)
			rel = below(real, r->path);
	}
	if (!rel || !ap_local_append(&b, rel))
		return ap_err_set(err, AP_E_INPUT,
			"\"%s\" lies outside the working directory \"%s\"", text,
			given ? given : r->path);
	if (ap_buf_check(&b, "path", err) < 0)
		return -1;
	*out = ap_buf_steal(&b);
	return 0;
}

int ap_local_resolve(
	char **out, const struct ap_local_root *r, const char *path, struct ap_err *err)
{
	ap_auto_buf done = AP_BUF_MAX(AP_LOCAL_PATH);
	ap_auto_free char *todo = ap_xstrdup(path);
	unsigned links = 0;

	while (*todo) {
		size_t n = strcspn(todo, "/");
		size_t before = done.len;
		ap_auto_free char *part = ap_xstrndup(todo, n);
		ap_auto_free char *rest = ap_xstrdup(todo + n + strspn(todo + n, "/"));
		char target[AP_LOCAL_PATH + 1];
		ssize_t len;

		if (!ap_local_append(&done, part) || ap_buf_check(&done, "path", err) < 0)
			return err->code ? -1
					 : ap_err_set(err, AP_E_INPUT,
						   "\"%s\" leaves the working directory", path);
		len = readlinkat(r->fd, done.len ? done.p : ".", target, sizeof(target) - 1);
		if (len < 0 && errno != EINVAL) {
			if (errno == ENOENT || errno == ENOTDIR)
				return ap_err_set(err, AP_E_NOT_FOUND, "\"%s\" is not there", path);
			return ap_err_sys(err, "\"%s\"", path);
		}
		if (len < 0) {
			free(todo);
			todo = AP_STEAL(rest);
			continue;
		}
		target[len] = '\0';
		if (++links > MAX_LINKS)
			return ap_err_set(err, AP_E_INPUT, "\"%s\": too many links", path);
		if (target[0] == '/')
			return ap_err_set(err, AP_E_INPUT,
				"\"%s\" goes through a link to \"%s\", outside the working directory",
				path, target);
		ap_buf_truncate(&done, before && done.len > before ? before : 0);
		free(todo);
		todo = ap_xasprintf("%s%s%s", target, *rest ? "/" : "", rest);
	}
	*out = ap_buf_steal(&done);
	return 0;
}

/* Open a path below a directory without following any link, its last component included. */
int ap_local_open(int dir, const char *path, int flags)
{
	int fd;

	flags |= O_NOFOLLOW | O_CLOEXEC;
	if (!*path)
		return openat(dir, ".", flags);
#ifdef SYS_openat2
	{
		struct open_how how = { .flags = (unsigned)flags,
			.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
		long k = syscall(SYS_openat2, dir, path, &how, sizeof(how));

		/* Older kernels, and seccomp filters that do not know it, take the long way. */
		if (k >= 0 || (errno != ENOSYS && errno != EPERM))
			return (int)k;
	}
#endif
	fd = dir;
	for (;;) {
		const char *slash = strchr(path, '/');
		ap_auto_free char *part =
			ap_xstrndup(path, slash ? (size_t)(slash - path) : strlen(path));
		int next = openat(
			fd, part, slash ? O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC : flags);
		int saved = errno;

		if (fd != dir)
			close(fd);
		errno = saved;
		if (next < 0 || !slash)
			return next;
		fd = next;
		path = slash + 1;
	}
}

enum ap_local_kind ap_local_kind(const struct ap_local_root *r, const char *path)
{
	const char *slash = strrchr(path, '/');
	ap_auto_free char *up = ap_xstrndup(path, slash ? (size_t)(slash - path) : 0);
	ap_auto_fd int dir = ap_local_open(r->fd, up, O_RDONLY | O_DIRECTORY);
	const char *name = slash ? slash + 1 : path;
	struct stat st;

	if (dir < 0 || fstatat(dir, *name ? name : ".", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return AP_LOCAL_NONE;
	if (S_ISREG(st.st_mode))
		return AP_LOCAL_FILE;
	if (S_ISDIR(st.st_mode))
		return AP_LOCAL_DIR;
	return S_ISLNK(st.st_mode) ? AP_LOCAL_LINK : AP_LOCAL_OTHER;
}

int ap_local_list(
	struct ap_strv *out, const struct ap_local_root *r, const char *path, struct ap_err *err)
{
	int fd = ap_local_open(r->fd, path, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return ap_err_sys(err, "%s", path);
	return ap_fs_list_fd(out, fd, path, err);
}

/* The content of one file, by its place below the root. */
struct local_content {
	struct ap_content base;
	struct ap_local_root *root;
	struct ap_local_stat st;
	char path[];
};

struct local_reader {
	struct ap_reader base;
	const struct local_content *of; /* lives as long as the content's tree */
	int fd;
	uint64_t at;
	bool failed, ended;
};

static int64_t ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static struct ap_local_stat local_stat(const struct stat *st)
{
	return (struct ap_local_stat){
		.dev = (uint64_t)st->st_dev,
		.ino = (uint64_t)st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_ns = ns(&st->st_mtim),
		.ctime_ns = ns(&st->st_ctim),
	};
}

static int check_unchanged(const struct local_content *c, int fd, struct ap_err *err)
{
	struct stat st;
	struct ap_local_stat now;

	if (fstat(fd, &st) < 0)
		return ap_err_sys(err, "%s", c->path);
	now = local_stat(&st);
	if (!S_ISREG(st.st_mode) || now.ino != c->st.ino || now.dev != c->st.dev ||
		now.size != c->st.size || now.mtime_ns != c->st.mtime_ns)
		return ap_err_set(err, AP_E_CHANGED, "%s changed while it was read", c->path);
	return 0;
}

static int read_some(struct local_reader *l, void *p, size_t n, size_t *got, struct ap_err *err)
{
	uint64_t left = l->of->st.size - l->at;
	ssize_t k;

	/* More than is left may come when the file has grown: that is asked for, too. */
	do
		k = pread(l->fd, p, n, (off_t)l->at);
	while (k < 0 && errno == EINTR);
	if (k < 0)
		return ap_err_sys(err, "%s", l->of->path);
	if ((uint64_t)k > left || (k == 0 && left))
		return ap_err_set(err, AP_E_CHANGED, "%s changed while it was read", l->of->path);
	/* Less than was asked for, and all that there should be: the end. */
	if ((uint64_t)k == left && (size_t)k < n) {
		if (check_unchanged(l->of, l->fd, err) < 0)
			return -1;
		l->ended = true;
	}
	l->at += (uint64_t)k;
	*got = (size_t)k;
	return 0;
}

static int local_read(struct ap_reader *r, void *p, size_t n, size_t *got, struct ap_err *err)
{
	struct local_reader *l = AP_CONTAINER(r, struct local_reader, base);

	if (l->failed)
		return ap_err_set(err, AP_E_CHANGED, "%s: already failed", l->of->path);
	if (l->ended) {
		*got = 0;
		return 0;
	}
	l->failed = read_some(l, p, n, got, err) < 0;
	return l->failed ? -1 : 0;
}

static int local_rewind(struct ap_reader *r, struct ap_err *err)
{
	struct local_reader *l = AP_CONTAINER(r, struct local_reader, base);

	if (check_unchanged(l->of, l->fd, err) < 0)
		return -1;
	l->at = 0;
	l->failed = l->ended = false;
	return 0;
}

static void local_reader_free(struct ap_reader *r)
{
	struct local_reader *l = AP_CONTAINER(r, struct local_reader, base);

	close(l->fd);
	free(l);
}

static const struct ap_reader_ops reader_ops = { local_read, local_rewind, local_reader_free };

static int local_open(const struct ap_content *c, struct ap_reader **out, struct ap_err *err)
{
	const struct local_content *l = (const struct local_content *)(const void *)c;
	ap_auto_fd int fd = ap_local_open(l->root->fd, l->path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct local_reader *r;

	if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENOTDIR))
		return ap_err_set(err, AP_E_CHANGED, "%s is not there any more", l->path);
	if (fd < 0)
		return ap_err_sys(err, "%s", l->path);
	r = ap_xcalloc(1, sizeof(*r));
	r->base.ops = &reader_ops;
	r->of = l;
	r->fd = AP_STEAL_FD(fd);
	*out = &r->base;
	return 0;
}

static void local_free(struct ap_content *c)
{
	struct local_content *l = AP_CONTAINER(c, struct local_content, base);

	ap_local_root_unref(l->root);
	free(l);
}

static const struct ap_content_ops content_ops = { .open = local_open, .free = local_free };

struct ap_content *ap_local_content(
	struct ap_local_root *root, const char *path, const struct stat *st)
{
	size_t n = strlen(path) + 1;
	struct local_content *c = ap_xmalloc(sizeof(*c) + n);

	*c = (struct local_content){
		.base = { .ops = &content_ops },
		.root = root_ref(root),
		.st = local_stat(st),
	};
	memcpy(c->path, path, n);
	return &c->base;
}

const char *ap_local_content_path(const struct ap_content *c)
{
	return c && c->ops == &content_ops ? ((const struct local_content *)(const void *)c)->path
					   : NULL;
}

bool ap_local_content_stat(const struct ap_content *c, struct ap_local_stat *out)
{
	if (!c || c->ops != &content_ops)
		return false;
	*out = ((const struct local_content *)(const void *)c)->st;
	return true;
}

int ap_local_reader_fd(const struct ap_reader *r)
{
	return r->ops == &reader_ops ? ((const struct local_reader *)(const void *)r)->fd : -1;
}

char *ap_local_join(const char *dir, const char *name)
{
	if (!*dir)
		return ap_xstrdup(name);
	return *name ? ap_xasprintf("%s/%s", dir, name) : ap_xstrdup(dir);
}
