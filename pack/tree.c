#include "pack/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/openat2.h>
#include <sys/syscall.h>
#endif

#include "base/fs.h"

#define MAX_LINKS 40
#define MAX_PATH  4096

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

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return ap_err_set(err, AP_E_INPUT, "\"%s\" is %s", path,
			errno == ENOENT ? "not there; wanted a directory" : "not a directory");
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

const char *ap_local_root_path(const struct ap_local_root *r)
{
	return r->path;
}

/* Append the components of text to the normalised path in b; false when it leaves the root. */
static bool append_path(struct ap_buf *b, const char *text)
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
	ap_auto_buf b = AP_BUF_MAX(MAX_PATH);
	const char *rel = text;

	if (text[0] == '/') {
		rel = below(text, r->path);
		if (!rel && given && given[0] == '/')
			rel = below(text, given);
	}
	if (!rel || !append_path(&b, rel))
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
	ap_auto_buf done = AP_BUF_MAX(MAX_PATH);
	ap_auto_free char *todo = ap_xstrdup(path);
	unsigned links = 0;

	while (*todo) {
		size_t n = strcspn(todo, "/");
		size_t before = done.len;
		ap_auto_free char *part = ap_xstrndup(todo, n);
		ap_auto_free char *rest = ap_xstrdup(todo + n + strspn(todo + n, "/"));
		char target[MAX_PATH + 1];
		ssize_t len;

		if (!append_path(&done, part) || ap_buf_check(&done, "path", err) < 0)
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
static int open_beneath(int dir, const char *path, int flags)
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
	ap_auto_fd int dir = open_beneath(r->fd, up, O_RDONLY | O_DIRECTORY);
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

static int list_fd(struct ap_strv *out, int fd, const char *path, struct ap_err *err)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int rc = 0;

	if (!d) {
		rc = ap_err_sys(err, "%s", path);
		close(fd);
		return rc;
	}
	while (rc == 0 && (errno = 0, e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (out->n >= AP_WALK_ENTRIES)
			rc = ap_err_set(
				err, AP_E_LIMIT, "%s: more than %d names", path, AP_WALK_ENTRIES);
		else
			ap_strv_add(out, e->d_name);
	}
	if (rc == 0 && errno)
		rc = ap_err_sys(err, "%s", path);
	closedir(d);
	ap_strv_sort(out);
	return rc;
}

int ap_local_list(
	struct ap_strv *out, const struct ap_local_root *r, const char *path, struct ap_err *err)
{
	int fd = open_beneath(r->fd, path, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return ap_err_sys(err, "%s", path);
	return list_fd(out, fd, path, err);
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
	bool failed;
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

static int local_read(struct ap_reader *r, void *p, size_t n, size_t *got, struct ap_err *err)
{
	struct local_reader *l = AP_CONTAINER(r, struct local_reader, base);
	ssize_t k = 0;

	if (l->failed)
		return ap_err_set(err, AP_E_CHANGED, "%s: already failed", l->of->path);
	/* One byte more than there should be is asked for, to notice a file that grew. */
	do
		k = pread(l->fd, p, n, (off_t)l->at);
	while (k < 0 && errno == EINTR);
	l->failed = true;
	if (k < 0)
		return ap_err_sys(err, "%s", l->of->path);
	if ((uint64_t)k > l->of->st.size - l->at || (k == 0 && l->at != l->of->st.size))
		return ap_err_set(err, AP_E_CHANGED, "%s changed while it was read", l->of->path);
	if (k == 0 && check_unchanged(l->of, l->fd, err) < 0)
		return -1;
	l->failed = false;
	l->at += (uint64_t)k;
	*got = (size_t)k;
	return 0;
}

static int local_rewind(struct ap_reader *r, struct ap_err *err)
{
	struct local_reader *l = AP_CONTAINER(r, struct local_reader, base);

	if (check_unchanged(l->of, l->fd, err) < 0)
		return -1;
	l->at = 0;
	l->failed = false;
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
	ap_auto_fd int fd = open_beneath(l->root->fd, l->path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct local_reader *r;

	if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENOTDIR))
		return ap_err_set(err, AP_E_CHANGED, "%s is not there any more", l->path);
	if (fd < 0)
		return ap_err_sys(err, "%s", l->path);
	if (check_unchanged(l, fd, err) < 0)
		return -1;
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

static struct ap_content *local_content(
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

int ap_local_read(
	struct ap_buf *out, const struct ap_local_root *r, const char *path, struct ap_err *err)
{
	ap_auto_fd int fd = open_beneath(r->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	ap_auto_reader reader = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return ap_err_sys(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return ap_err_set(err, AP_E_INPUT, "%s: not a regular file", path);
	ap_fd_reader(&reader, AP_STEAL_FD(fd), 0, UINT64_MAX);
	if (ap_read_all(reader, out, err) < 0)
		return ap_err_wrap(err, "%s", path);
	return 0;
}

/* One directory of a walk: where it is, and what it is called below the root and in the image. */
struct place {
	int fd;
	const char *real; /* below the root, links resolved: where contents are read */
	const char *name; /* below the root, as it was asked for */
	const struct ap_ignore_state *ignore;
	unsigned depth;
	unsigned flags;
};

static void leave_out(struct ap_walk *w, const char *name, bool is_dir)
{
	w->n_left++;
	if (w->left && w->left->n < AP_WALK_NAMES)
		ap_strv_addf(w->left, "%s%s", name, is_dir ? "/" : "");
}

static char *join(const char *dir, const char *name)
{
	if (!*dir)
		return ap_xstrdup(name);
	return *name ? ap_xasprintf("%s/%s", dir, name) : ap_xstrdup(dir);
}

static int add_link(struct ap_tree *out, const struct ap_walk *w, const struct place *at,
	const char *entry, const char *name, struct ap_err *err)
{
	ap_auto_buf landing = AP_BUF_MAX(2 * MAX_PATH);
	ap_auto_free char *image = join(w->prefix, name);
	char target[MAX_PATH + 1];
	ssize_t n = readlinkat(at->fd, entry, target, sizeof(target) - 1);

	if (n < 0)
		return ap_err_sys(err, "%s", name);
	target[n] = '\0';
	ap_buf_adds(&landing, at->name);
	if (n == 0 || n == MAX_PATH || target[0] == '/' || !append_path(&landing, target))
		return ap_err_set(err, AP_E_INPUT,
			"%s: the link to \"%s\" leaves the working directory; remove it, or name it in the ignore file",
			name, target);
	ap_tree_add_link(out, image, target);
	return 0;
}

static int check_name(const char *entry, const char *name, struct ap_err *err)
{
	if (ap_starts_with(entry, ".wh."))
		return ap_err_set(err, AP_E_INPUT,
			"%s: a name that begins with \".wh.\" means a deletion in an image", name);
	if (!ap_utf8_ok(entry, strlen(entry)))
		return ap_err_set(err, AP_E_INPUT, "%s: the name is not UTF-8", name);
	if (strlen(name) > MAX_PATH - 256)
		return ap_err_set(err, AP_E_LIMIT, "%s: the path is too long", name);
	return 0;
}

static int walk_dir(
	struct ap_tree *out, struct ap_walk *w, const struct place *at, struct ap_err *err);

/* Below a directory that is itself left out, but where "!" may bring something back. */
static int walk_into(struct ap_tree *out, struct ap_walk *w, const struct place *at,
	const char *entry, const char *real, const char *name, bool ignored,
	const struct ap_ignore_state *own, struct ap_err *err)
{
	ap_auto_free char *image = join(w->prefix, name);
	ap_auto_fd int fd = openat(at->fd, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct place down = { fd, real, name, own, at->depth + 1, at->flags };
	size_t before = out->n;

	if (fd < 0)
		return ap_err_sys(err, "%s", name);
	if (faccessat(fd, "pyvenv.cfg", F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		leave_out(w, name, true);
		return 0;
	}
	if (down.depth > AP_WALK_DEPTH)
		return ap_err_set(
			err, AP_E_LIMIT, "%s: deeper than %d directories", name, AP_WALK_DEPTH);
	down.fd = AP_STEAL_FD(fd);
	if (walk_dir(out, w, &down, err) < 0)
		return -1;
	if (!ignored || out->n > before)
		ap_tree_add_dir(out, image, 0755);
	return 0;
}

static int add_file(struct ap_tree *out, struct ap_walk *w, const char *real, const char *name,
	const struct stat *st)
{
	ap_auto_free char *image = join(w->prefix, name);

	ap_tree_add_file(out, image, st->st_mode & S_IXUSR ? 0755 : 0644, (uint64_t)st->st_size,
		st->st_size ? local_content(w->root, real, st) : NULL);
	return 0;
}

static const char *kind_name(mode_t m)
{
	return S_ISFIFO(m) ? "a FIFO" : S_ISSOCK(m) ? "a socket" : "a device";
}

static int add_entry(struct ap_tree *out, struct ap_walk *w, const struct place *at,
	const char *entry, struct ap_err *err)
{
	ap_auto_free char *real = join(at->real, entry);
	ap_auto_free char *name = join(at->name, entry);
	AP_CLEANUP(ap_ignore_state_release) struct ap_ignore_state own = { 0 };
	struct stat st;
	bool is_dir;
	bool ignored;

	if (fstatat(at->fd, entry, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return ap_err_set(
				err, AP_E_CHANGED, "%s disappeared during the walk", name);
		return ap_err_sys(err, "%s", name);
	}
	is_dir = S_ISDIR(st.st_mode);
	if (is_dir && (at->flags & AP_WALK_FLAT))
		return 0;
	ignored = !ap_streq(name, w->keep) &&
		  (ap_ignore_never(entry) || ap_ignore_test(w->ignore, is_dir ? &own : NULL,
						     at->ignore, name, is_dir));
	if (ignored &&
		(!is_dir || ap_ignore_never(entry) || !ap_ignore_has_exceptions(w->ignore))) {
		leave_out(w, name, is_dir);
		return 0;
	}
	if (++w->n_entries > AP_WALK_ENTRIES)
		return ap_err_set(err, AP_E_LIMIT, "more than %d files", AP_WALK_ENTRIES);
	if (check_name(entry, name, err) < 0)
		return -1;
	if (is_dir)
		return walk_into(out, w, at, entry, real, name, ignored, &own, err);
	if (S_ISREG(st.st_mode))
		return add_file(out, w, real, name, &st);
	if (S_ISLNK(st.st_mode))
		return add_link(out, w, at, entry, name, err);
	return ap_err_set(err, AP_E_INPUT, "%s is %s; remove it, or name it in the ignore file",
		name, kind_name(st.st_mode));
}

/* Takes at->fd. */
static int walk_dir(
	struct ap_tree *out, struct ap_walk *w, const struct place *at, struct ap_err *err)
{
	ap_auto_fd int fd = at->fd;
	ap_auto_strv names = { 0 };
	int copy = dup(fd);

	if (copy < 0)
		return ap_err_sys(err, "%s", at->name);
	if (list_fd(&names, copy, *at->name ? at->name : ".", err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		if (add_entry(out, w, at, names.v[i], err) < 0)
			return -1;
	}
	return 0;
}

int ap_walk_add(struct ap_tree *out, struct ap_walk *w, const char *path, unsigned flags,
	struct ap_err *err)
{
	ap_auto_free char *real = NULL;
	ap_auto_free char *image = join(w->prefix, path);
	struct ap_ignore_state none = { 0 };
	struct stat st;
	ap_auto_fd int fd = -1;
	struct place at = { -1, NULL, path, &none, 0, flags };

	if (ap_local_resolve(&real, w->root, path, err) < 0)
		return -1;
	fd = open_beneath(w->root->fd, real, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return ap_err_sys(err, "%s", *path ? path : ".");
	if (S_ISREG(st.st_mode))
		return add_file(out, w, real, path, &st);
	if (!S_ISDIR(st.st_mode))
		return ap_err_set(err, AP_E_INPUT, "%s is %s; wanted a directory or a file", path,
			kind_name(st.st_mode));
	if (*path)
		ap_tree_add_dir(out, image, 0755);
	at.real = real;
	at.fd = AP_STEAL_FD(fd);
	return walk_dir(out, w, &at, err);
}
