#include "deps/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/progress.h"

#define MAX_FILES 200000
#define MAX_DEPTH 100

char *ap_path_clean(const char *path)
{
	ap_auto_buf out = AP_BUF_INIT;
	struct ap_str rest = ap_str(path);
	struct ap_str part;

	while (ap_str_next(&rest, '/', &part)) {
		if (!part.n || ap_str_eq(part, "."))
			continue;
		if (ap_str_eq(part, "..")) {
			const char *slash = strrchr(out.p, '/');

			ap_buf_truncate(&out, slash ? (size_t)(slash - out.p) : 0);
			continue;
		}
		ap_buf_addc(&out, '/');
		ap_buf_add(&out, part.p, part.n);
	}
	if (!out.len)
		ap_buf_addc(&out, '/');
	return ap_buf_steal(&out);
}

char *ap_path_relative(const char *dir, const char *path)
{
	ap_auto_buf out = AP_BUF_INIT;
	size_t same = 0;
	size_t i;

	if (strcmp(dir, "/") == 0)
		dir = "";
	for (i = 0; dir[i] && dir[i] == path[i]; i++) {
		if (dir[i] == '/')
			same = i;
	}
	if ((!dir[i] && (!path[i] || path[i] == '/')) || (dir[i] == '/' && !path[i]))
		same = i;
	for (const char *p = dir + same; *p; p++) {
		if (*p == '/')
			ap_buf_adds(&out, "../");
	}
	if (path[same])
		ap_buf_adds(&out, path + same + 1);
	if (!out.len)
		ap_buf_adds(&out, ".");
	else if (out.p[out.len - 1] == '/')
		ap_buf_truncate(&out, out.len - 1);
	return ap_buf_steal(&out);
}

char *ap_path_of_file_url(const char *url)
{
	const char *p = url + 5;
	ap_auto_buf b = AP_BUF_INIT;

	if (ap_starts_with(p, "//")) {
		p += 2;
		if (ap_starts_with(p, "localhost/"))
			p += 9;
	}
	if (*p != '/')
		return NULL;
	for (; *p && *p != '#' && *p != '?'; p++) {
		char hex[3] = { 0 };

		if (*p == '%' && p[1] && p[2]) {
			char *end;
			long v;

			memcpy(hex, p + 1, 2);
			v = strtol(hex, &end, 16);
			if (*end || v == 0)
				return NULL;
			ap_buf_addc(&b, (char)v);
			p += 2;
		} else {
			ap_buf_addc(&b, *p);
		}
	}
	return ap_buf_steal(&b);
}

static bool known(const struct ap_dep_request *r, const char *name)
{
	for (size_t i = 0; i < r->n_files; i++) {
		if (strcmp(r->files[i].path, name) == 0)
			return true;
	}
	return false;
}

static void add(struct ap_dep_request *r, char *name, const struct ap_digest *d)
{
	AP_GROW(r->files, r->n_files, r->cap_files);
	r->files[r->n_files++] = (struct ap_dep_file){ name, *d };
}

void ap_inputs_add_digest(struct ap_dep_request *r, const char *name, const struct ap_digest *d)
{
	if (!known(r, name))
		add(r, ap_xstrdup(name), d);
}

static int hash_fd(struct ap_digest *out, int fd, const char *name, struct ap_err *err)
{
	struct ap_sha256 h;
	char chunk[65536];
	ssize_t k;
	int rc = 0;

	ap_sha256_init(&h);
	do {
		k = read(fd, chunk, sizeof(chunk));
		if (k > 0)
			ap_sha256_update(&h, chunk, (size_t)k);
		if (ap_interrupted())
			rc = ap_err_set(err, AP_E_CANCELLED, "interrupted");
		else if (k < 0 && errno != EINTR)
			rc = ap_err_sys(err, "%s", name);
	} while (rc == 0 && k != 0);
	if (rc == 0)
		ap_sha256_final(&h, out);
	ap_sha256_release(&h);
	return rc;
}

static int not_regular(const char *name, mode_t mode, struct ap_err *err)
{
	return ap_err_set(err, AP_E_INPUT, "%s: want a regular file, found a %s", name,
		S_ISDIR(mode)    ? "directory"
		: S_ISFIFO(mode) ? "FIFO"
		: S_ISSOCK(mode) ? "socket"
				 : "device");
}

int ap_inputs_add_file(struct ap_dep_request *r, const char *path, struct ap_err *err)
{
	ap_auto_free char *name = ap_path_relative(r->dir, path);
	ap_auto_fd int fd = -1;
	struct ap_digest d;
	struct stat st;

	if (known(r, name))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == ENOENT ? ap_err_set(err, AP_E_INPUT, "%s: no such file", name)
				       : ap_err_sys(err, "%s", name);
	if (!S_ISREG(st.st_mode))
		return not_regular(name, st.st_mode, err);
	if (hash_fd(&d, fd, name, err) < 0)
		return -1;
	add(r, AP_STEAL(name), &d);
	return 0;
}

bool ap_inputs_skips(const char *name)
{
	static const char *const names[] = { ".git", ".hg", ".svn", ".bzr", "__pycache__", ".venv",
		"venv", ".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache",
		"node_modules", ".ipynb_checkpoints", ".DS_Store" };

	return ap_one_of(name, names, AP_LEN(names)) || ap_ends_with(name, ".pyc") ||
	       ap_ends_with(name, ".egg-info");
}

struct walk {
	struct ap_dep_request *r;
	struct ap_err *err;
	struct ap_strv outputs; /* named as the files are */
};

static int walk_dir(struct walk *w, int dir, const char *name, unsigned depth);

static int add_link(struct walk *w, int dir, const char *base, char *name)
{
	char target[4096];
	ssize_t n = readlinkat(dir, base, target, sizeof(target));
	struct ap_sha256 h;
	struct ap_digest d;

	if (n < 0)
		return ap_err_sys(w->err, "%s", name);
	ap_sha256_init(&h);
	ap_sha256_update(&h, "link\0", 5);
	ap_sha256_update(&h, target, (size_t)n);
	ap_sha256_final(&h, &d);
	ap_sha256_release(&h);
	add(w->r, name, &d);
	return 1;
}

/* 1: name was taken. */
static int walk_entry(struct walk *w, int dir, const char *base, char *name, unsigned depth)
{
	ap_auto_fd int fd = -1;
	struct ap_digest d;
	struct stat st;

	if (w->r->n_files >= MAX_FILES)
		return ap_err_set(w->err, AP_E_LIMIT, "%s: more than %d files", name, MAX_FILES);
	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return ap_err_sys(w->err, "%s", name);
	if (S_ISLNK(st.st_mode))
		return add_link(w, dir, base, name);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return not_regular(name, st.st_mode, w->err);
	fd = openat(dir, base,
		O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (S_ISDIR(st.st_mode) ? O_DIRECTORY : 0));
	if (fd < 0)
		return ap_err_sys(w->err, "%s", name);
	if (S_ISDIR(st.st_mode))
		return walk_dir(w, AP_STEAL_FD(fd), name, depth + 1);
	if (hash_fd(&d, fd, name, w->err) < 0)
		return -1;
	add(w->r, name, &d);
	return 1;
}

/* Takes dir. */
static int walk_dir(struct walk *w, int dir, const char *name, unsigned depth)
{
	DIR *d;
	int rc = 0;

	if (depth > MAX_DEPTH) {
		close(dir);
		return ap_err_set(
			w->err, AP_E_LIMIT, "%s: deeper than %d directories", name, MAX_DEPTH);
	}
	d = fdopendir(dir);
	if (!d) {
		close(dir);
		return ap_err_sys(w->err, "%s", name);
	}
	for (struct dirent *e = readdir(d); e && rc >= 0; e = readdir(d)) {
		ap_auto_free char *sub = NULL;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
			ap_inputs_skips(e->d_name))
			continue;
		sub = strcmp(name, ".") == 0 ? ap_xstrdup(e->d_name) : ap_fs_join(name, e->d_name);
		if (ap_strv_has(&w->outputs, sub))
			continue;
		rc = walk_entry(w, dirfd(d), e->d_name, sub, depth);
		if (rc > 0)
			sub = NULL;
	}
	closedir(d);
	return rc < 0 ? -1 : 0;
}

static int by_path(const void *a, const void *b)
{
	const struct ap_dep_file *x = a;
	const struct ap_dep_file *y = b;

	return strcmp(x->path, y->path);
}

/* Sorted, each name once: trees may lie in one another. */
void ap_inputs_sort(struct ap_dep_request *r)
{
	size_t n = 0;

	if (r->n_files > 1)
		qsort(r->files, r->n_files, sizeof(*r->files), by_path);
	for (size_t i = 0; i < r->n_files; i++) {
		if (n && strcmp(r->files[n - 1].path, r->files[i].path) == 0)
			free(r->files[i].path);
		else
			r->files[n++] = r->files[i];
	}
	r->n_files = n;
}

int ap_inputs_add_tree(struct ap_dep_request *r, const char *path, struct ap_err *err)
{
	ap_auto_free char *name = ap_path_relative(r->dir, path);
	struct walk w = { .r = r, .err = err };
	int rc;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return ap_err_sys(err, "%s", name);
	for (size_t i = 0; i < r->outputs.n; i++)
		ap_strv_own(&w.outputs, ap_path_relative(r->dir, r->outputs.v[i]));
	rc = walk_dir(&w, fd, name, 0);
	ap_strv_release(&w.outputs);
	return rc;
}

int ap_inputs_add_links(struct ap_dep_request *r, const char *path, struct ap_err *err)
{
	DIR *d = opendir(path);
	int rc = 0;

	if (!d)
		return ap_err_sys(err, "%s", path);
	for (struct dirent *e = readdir(d); e && rc == 0; e = readdir(d)) {
		ap_auto_free char *full = ap_fs_join(path, e->d_name);

		if (ap_dep_archive_kind(e->d_name) != AP_DEP_NAMED && ap_fs_is_file(full))
			rc = ap_inputs_add_file(r, full, err);
	}
	closedir(d);
	return rc;
}
