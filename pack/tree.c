#include "pack/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

/* One directory of a walk: where it is, and what it is called below the root and in the image. */
struct place {
	int fd;
	const char *real; /* below the root, links resolved: where contents are read */
	const char *name; /* below the root, as it was asked for */
	const struct ap_ignore_state *ignore;
	unsigned depth;
	unsigned flags;
};

/* A path that two walks meet is left out once. */
static void leave_out(struct ap_walk *w, const char *name, bool is_dir)
{
	ap_auto_free char *shown = ap_xasprintf("%s%s", name, is_dir ? "/" : "");

	if (w->left && w->left->n < AP_WALK_NAMES) {
		if (ap_strv_has(w->left, shown))
			return;
		ap_strv_add(w->left, shown);
	}
	w->n_left++;
}

static int add_link(struct ap_tree *out, const struct ap_walk *w, const struct place *at,
	const char *entry, const char *name, struct ap_err *err)
{
	ap_auto_buf landing = AP_BUF_MAX(2 * AP_LOCAL_PATH);
	ap_auto_free char *image = ap_local_join(w->prefix, name);
	char target[AP_LOCAL_PATH + 1];
	ssize_t n = readlinkat(at->fd, entry, target, sizeof(target) - 1);

	if (n < 0)
		return ap_err_sys(err, "%s", name);
	target[n] = '\0';
	ap_buf_adds(&landing, at->name);
	if (n == 0 || n == AP_LOCAL_PATH || target[0] == '/' || !ap_local_append(&landing, target))
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
	if (strlen(name) > AP_LOCAL_PATH - 256)
		return ap_err_set(err, AP_E_LIMIT, "the path is too long: %.200s...", name);
	return 0;
}

static int walk_dir(
	struct ap_tree *out, struct ap_walk *w, const struct place *at, struct ap_err *err);

/* Below a directory that is itself left out, but where "!" may bring something back. */
static int walk_into(struct ap_tree *out, struct ap_walk *w, const struct place *at,
	const char *entry, const char *real, const char *name, bool ignored,
	const struct ap_ignore_state *own, struct ap_err *err)
{
	ap_auto_free char *image = ap_local_join(w->prefix, name);
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
	ap_auto_free char *image = ap_local_join(w->prefix, name);

	ap_tree_add_file(out, image, st->st_mode & S_IXUSR ? 0755 : 0644, (uint64_t)st->st_size,
		st->st_size ? ap_local_content(w->root, real, st) : NULL);
	return 0;
}

static const char *kind_name(mode_t m)
{
	return S_ISFIFO(m) ? "a FIFO" : S_ISSOCK(m) ? "a socket" : "a device";
}

static int add_entry(struct ap_tree *out, struct ap_walk *w, const struct place *at,
	const char *entry, struct ap_err *err)
{
	ap_auto_free char *real = ap_local_join(at->real, entry);
	ap_auto_free char *name = ap_local_join(at->name, entry);
	AP_CLEANUP(ap_ignore_state_release) struct ap_ignore_state own = { 0 };
	struct stat st;
	bool is_dir;
	bool ignored;

	if (fstatat(at->fd, entry, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return ap_err_sys(err, "%s", name);
	is_dir = S_ISDIR(st.st_mode);
	if (is_dir && (at->flags & AP_WALK_FLAT))
		return 0;
	if (w->outputs && ap_strv_has(w->outputs, real)) {
		leave_out(w, name, is_dir);
		return 0;
	}
	ignored = !ap_streq(name, w->keep) &&
		  (ap_ignore_never(entry) || ap_ignore_test(w->ignore, is_dir ? &own : NULL,
						     at->ignore, name, is_dir));
	if (ignored &&
		(!is_dir || ap_ignore_never(entry) || !ap_ignore_may_return(w->ignore, name))) {
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
	if (ap_fs_list_fd(&names, copy, *at->name ? at->name : ".", err) < 0)
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
	ap_auto_free char *image = ap_local_join(w->prefix, path);
	struct ap_ignore_state none = { 0 };
	struct stat st;
	ap_auto_fd int fd = -1;
	struct place at = { -1, NULL, path, &none, 0, flags };

	if (ap_local_resolve(&real, w->root, path, err) < 0)
		return -1;
	fd = ap_local_open(ap_local_root_fd(w->root), real, O_RDONLY | O_NONBLOCK | O_NOCTTY);
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
