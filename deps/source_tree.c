#include "deps/source_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

enum { CHUNK = 1 << 17, MAX_DEPTH = 128, MAX_ENTRIES = 1000000 };

struct walk {
	struct ap_sha256 hash;
	size_t n;
	char *chunk;
	struct ap_strv outputs; /* as paths in the tree */
};

static void walk_release(struct walk *w)
{
	ap_sha256_release(&w->hash);
	free(w->chunk);
	ap_strv_release(&w->outputs);
}

static bool has_file(int dir, const char *name, const char *file)
{
	ap_auto_free char *path = ap_fs_join(name, file);

	return faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Is it something that a build neither needs nor should see? */
static bool left_out(int dir, const char *name, bool top)
{
	static const char *const always[] = { ".git", ".hg", ".svn", ".bzr", "__pycache__", ".tox",
		".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".DS_Store" };
	static const char *const made[] = { "build", "dist" };

	if (ap_one_of(name, always, AP_LEN(always)) || has_file(dir, name, "pyvenv.cfg"))
		return true;
	if (!top)
		return false;
	return (ap_one_of(name, made, AP_LEN(made)) && !has_file(dir, name, "__init__.py")) ||
	       (ap_ends_with(name, ".egg-info") && has_file(dir, name, "SOURCES.txt"));
}

static void note(struct walk *w, char type, const char *path)
{
	ap_sha256_update(&w->hash, &type, 1);
	ap_sha256_update(&w->hash, path, strlen(path) + 1);
}

/* A link's target, seen from the link's own place, must stay inside. */
static bool stays_inside(const char *path, const char *target)
{
	struct ap_str rest = ap_str(target);
	struct ap_str part;
	int depth = -1;

	if (*target == '/')
		return false;
	for (; *path; path++)
		depth += *path == '/';
	depth++;
	while (ap_str_next(&rest, '/', &part)) {
		if (ap_str_eq(part, ".."))
			depth--;
		else if (part.n && !ap_str_eq(part, "."))
			depth++;
		if (depth < 0)
			return false;
	}
	return true;
}

static int do_link(
	struct walk *w, int from, int to, const char *name, const char *path, struct ap_err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return ap_err_sys(err, "%s", path);
	target[n] = '\0';
	if (!stays_inside(path, target))
		return ap_err_set(err, AP_E_INPUT, "%s: the link to %s leads out of the project",
			path, target);
	note(w, 'l', path);
	note(w, '>', target);
	if (to >= 0 && symlinkat(target, to, name) < 0)
		return ap_err_sys(err, "copy %s", path);
	return 0;
}

static int do_file(struct walk *w, int from, int to, const char *name, const char *path,
	const struct stat *st, struct ap_err *err)
{
	bool exec = st->st_mode & 0111;
	ap_auto_fd int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	ap_auto_fd int out = -1;
	uint64_t total = 0;

	if (in < 0)
		return ap_err_sys(err, "%s", path);
	if (to >= 0) {
		out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, exec ? 0755 : 0644);
		if (out < 0)
			return ap_err_sys(err, "copy %s", path);
	}
	note(w, exec ? 'x' : 'f', path);
	for (;;) {
		ssize_t k = read(in, w->chunk, CHUNK);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return ap_err_sys(err, "%s", path);
		if (!k)
			break;
		total += (uint64_t)k;
		ap_sha256_update(&w->hash, w->chunk, (size_t)k);
		if (out >= 0 && ap_write_all(out, w->chunk, (size_t)k, err) < 0)
			return ap_err_wrap(err, "copy %s", path);
	}
	ap_sha256_update(&w->hash, &total, sizeof(total));
	return 0;
}

static int list(struct ap_strv *names, int dir, const char *path, bool top, struct ap_err *err)
{
	ap_auto_strv all = { 0 };
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return ap_err_sys(err, "%s", path);
	if (ap_fs_list_fd(&all, fd, path, err) < 0)
		return -1;
	for (size_t i = 0; i < all.n; i++)
		if (!left_out(dir, all.v[i], top))
			ap_strv_add(names, all.v[i]);
	return 0;
}

/* `from` and `to` (-1: no copy) are open directories, `path` their place in the project. */
static int do_dir(
	struct walk *w, int from, int to, const char *path, unsigned depth, struct ap_err *err)
{
	ap_auto_strv names = { 0 };

	if (depth > MAX_DEPTH)
		return ap_err_set(err, AP_E_LIMIT, "%s: deeper than %d levels", path, MAX_DEPTH);
	if (list(&names, from, path, !depth, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.v[i];
		ap_auto_free char *full = ap_fs_join(path, name);
		ap_auto_fd int sub = -1;
		ap_auto_fd int sub_to = -1;
		struct stat st;

		if (ap_strv_has(&w->outputs, full))
			continue;
		if (++w->n > MAX_ENTRIES)
			return ap_err_set(
				err, AP_E_LIMIT, "%s: more than %d files", full, MAX_ENTRIES);
		if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return ap_err_sys(err, "%s", full);
		if (S_ISLNK(st.st_mode)) {
			if (do_link(w, from, to, name, full, err) < 0)
				return -1;
			continue;
		}
		if (S_ISREG(st.st_mode)) {
			if (do_file(w, from, to, name, full, &st, err) < 0)
				return -1;
			continue;
		}
		if (!S_ISDIR(st.st_mode))
			return ap_err_set(err, AP_E_INPUT,
				"%s: neither a file, a directory nor a link", full);
		note(w, 'd', full);
		sub = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0)
			return ap_err_sys(err, "%s", full);
		if (to >= 0) {
			if (mkdirat(to, name, 0755) < 0)
				return ap_err_sys(err, "copy %s", full);
			sub_to = openat(to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		}
		if (do_dir(w, sub, sub_to, full, depth + 1, err) < 0)
			return -1;
	}
	return 0;
}

int ap_source_tree(struct ap_digest *digest, const char *dir, const char *copy,
	const struct ap_strv *outputs, struct ap_err *err)
{
	AP_CLEANUP(walk_release) struct walk w = { .chunk = ap_xmalloc(CHUNK) };
	ap_auto_fd int from = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ap_auto_fd int to = -1;
	ap_auto_free char *real = realpath(dir, NULL);

	if (from < 0)
		return ap_err_sys(err, "%s", dir);
	if (copy) {
		if (mkdir(copy, 0755) < 0)
			return ap_err_sys(err, "make directory %s", copy);
		to = open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (to < 0)
			return ap_err_sys(err, "%s", copy);
	}
	for (size_t i = 0; real && outputs && i < outputs->n; i++) {
		const char *rest = ap_below(outputs->v[i], real);

		if (rest)
			ap_strv_add(&w.outputs, rest);
	}
	ap_sha256_init(&w.hash);
	if (do_dir(&w, from, to, "", 0, err) < 0)
		return ap_err_wrap(err, "%s", dir);
	ap_sha256_final(&w.hash, digest);
	return 0;
}
