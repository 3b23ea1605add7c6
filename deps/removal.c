#include "deps/install.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

/* The paths that pip takes away, absolute and real. */
struct removal {
	const struct ap_inventory *inv;
	struct ap_strv sites; /* the directories that the distributions lie in */
	struct ap_strv files; /* sorted once complete */
	struct ap_strv dirs;  /* that go with all that is below them */
};

static void removal_release(struct removal *r)
{
	ap_strv_release(&r->sites);
	ap_strv_release(&r->files);
	ap_strv_release(&r->dirs);
}

/* As os.path.exists: a link counts when what it names is there. */
static bool exists(const struct ap_inventory *inv, const char *real)
{
	enum ap_path_kind kind = ap_inventory_lookup(inv, real);
	ap_auto_free char *inside = NULL;
	ap_auto_free char *resolved = NULL;

	if (kind != AP_PATH_LINK)
		return kind != AP_PATH_NONE;
	inside = ap_xasprintf("%s/x", real);
	resolved = ap_inventory_real_parent(inv, inside);
	*strrchr(resolved, '/') = '\0';
	kind = ap_inventory_lookup(inv, resolved);
	return kind == AP_PATH_FILE || kind == AP_PATH_DIR;
}

/*
 * Headers go where Python itself keeps its own, also when all else is
 * elsewhere; and PYTHONPATH may name any directory.
 */
static bool ours(const struct removal *r, const char *path)
{
	bool at_home =
		ap_below(path, r->inv->scheme.prefix) || ap_below(path, r->inv->scheme.headers);

	for (size_t i = 0; i < r->sites.n && !at_home; i++)
		at_home = ap_below(path, r->sites.v[i]);
	return at_home;
}

/* Note a path, if it is there and ours to remove; with its bytecode. */
static void add(struct removal *r, const char *path)
{
	const struct ap_inventory *inv = r->inv;
	ap_auto_free char *real = ap_inventory_real_parent(inv, path);
	size_t n = strlen(real);
	const char *base;

	if (!ours(r, real) || !exists(inv, real))
		return;
	ap_strv_add(&r->files, real);
	if (n < 4 || strcmp(real + n - 3, ".py") != 0)
		return;
	base = strrchr(real, '/') + 1;
	{
		ap_auto_free char *pyc = ap_xasprintf("%.*s__pycache__/%.*s.%s-%u%u.pyc",
			(int)(base - real), real, (int)(n - 3 - (size_t)(base - real)), base,
			inv->implementation ? inv->implementation : "cpython", inv->py_major,
			inv->py_minor);

		add(r, pyc);
	}
}

static void add_record(struct removal *r, const struct ap_dist *d)
{
	for (size_t i = 0; i < d->files.n; i++) {
		const char *path = d->files.v[i];

		add(r, path);
		if (ap_ends_with(path, ".py")) {
			ap_auto_free char *pyc = ap_xasprintf("%sc", path);
			ap_auto_free char *pyo = ap_xasprintf("%so", path);

			add(r, pyc);
			add(r, pyo);
		}
	}
}

static int add_dist(struct removal *r, const struct ap_dist *d, struct ap_err *err)
{
	if (r->inv->partial)
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"cannot replace %s %s of the base: pip inspect does not say what its files "
			"are (an inventory of autopack inspect does)",
			d->name, d->version);
	if (ap_ends_with(d->path, ".dist-info")) {
		if (!d->has_record)
			return ap_err_set(err, AP_E_UNSUPPORTED,
				"cannot replace %s %s of the base: %s has no RECORD%s%s", d->name,
				d->version, d->path, d->installer ? ", it was installed by " : "",
				d->installer ? d->installer : "");
		add_record(r, d);
		return 0;
	}
	if (ap_inventory_lookup(r->inv, d->path) == AP_PATH_FILE)
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"cannot replace %s %s of the base: it was installed by distutils, which "
			"does not say what its files are",
			d->name, d->version);
	add(r, d->path);
	for (size_t i = 0; i < d->files.n; i++)
		add(r, d->files.v[i]);
	return 0;
}

static bool has_sorted(const struct ap_strv *l, const char *s)
{
	size_t lo = 0;
	size_t hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(s, l->v[mid]);

		if (c == 0)
			return true;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return false;
}

/* Is the path, or a directory above it, in the sorted list? */
static bool covered(const struct ap_strv *l, const char *path)
{
	ap_auto_free char *p = ap_xstrdup(path);
	char *slash;

	while (*p) {
		if (has_sorted(l, p))
			return true;
		slash = strrchr(p, '/');
		*slash = '\0';
	}
	return false;
}

static bool file_goes(void *ctx, const char *path, enum ap_path_kind kind)
{
	return kind == AP_PATH_DIR || covered(ctx, path);
}

static int by_length(const void *a, const void *b)
{
	const char *x = *(char *const *)a;
	const char *y = *(char *const *)b;
	size_t n = strlen(x);
	size_t m = strlen(y);

	return n != m ? (n < m ? -1 : 1) : strcmp(x, y);
}

static void unique(struct ap_strv *l)
{
	size_t n = 0;

	ap_strv_sort(l);
	for (size_t i = 0; i < l->n; i++) {
		if (n && strcmp(l->v[n - 1], l->v[i]) == 0)
			free(l->v[i]);
		else
			l->v[n++] = l->v[i];
	}
	if (n < l->n)
		l->v[n] = NULL;
	l->n = n;
}

/* Add to a sorted list, keeping it sorted. */
static void insert(struct ap_strv *l, const char *s)
{
	size_t at;

	ap_strv_add(l, s);
	for (at = l->n - 1; at && strcmp(l->v[at - 1], s) > 0; at--) {
		char *t = l->v[at];

		l->v[at] = l->v[at - 1];
		l->v[at - 1] = t;
	}
}

/*
 * Directories all whose files go, go whole, with what else they hold.  Their
 * parents stay, even when nothing is left in them: pip puts aside what it
 * removes right there, and empties that place only at the end.
 */
static void find_whole_dirs(struct removal *r)
{
	ap_auto_strv parents = { 0 };
	ap_auto_strv whole = { 0 };

	for (size_t i = 0; i < r->files.n; i++)
		ap_strv_own(&parents, ap_fs_dir_of(r->files.v[i]));
	unique(&parents);
	if (parents.n)
		qsort(parents.v, parents.n, sizeof(char *), by_length);
	for (size_t i = 0; i < parents.n; i++) {
		const char *dir = parents.v[i];

		if (!ours(r, dir) || covered(&whole, dir) ||
			!ap_inventory_walk(r->inv, dir, file_goes, &r->files))
			continue;
		insert(&whole, dir);
	}
	ap_strv_copy(&r->dirs, &whole);
}

/* What comes back, sorted by bytes, with a leading slash. */
struct writer {
	const struct ap_strv *added;
	struct ap_strv *out;
	const char *skip; /* all below it goes with it */
};

/* Is `path` or something below it added? */
static bool comes_back(const struct ap_strv *added, const char *path)
{
	size_t lo = 0;
	size_t hi = added->n;
	ap_auto_free char *dir = NULL;

	if (has_sorted(added, path))
		return true;
	dir = ap_xasprintf("%s/", path);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(added->v[mid], dir) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < added->n && ap_starts_with(added->v[lo], dir);
}

static bool write_one(void *ctx, const char *path, enum ap_path_kind kind AP_UNUSED)
{
	struct writer *w = ctx;

	if (w->skip && ap_below(path, w->skip))
		return true;
	if (!comes_back(w->added, path)) {
		ap_strv_add(w->out, path);
		w->skip = w->out->v[w->out->n - 1];
	}
	return true;
}

/* The removal less what comes back; directories whole where nothing of them does. */
static void write_out(struct ap_strv *out, const struct removal *r, const struct ap_strv *added)
{
	struct writer w = { .added = added, .out = out };

	for (size_t i = 0; i < r->dirs.n; i++) {
		const char *dir = r->dirs.v[i];
		ap_auto_free char *up = ap_fs_dir_of(dir);

		if (covered(&r->dirs, up))
			continue;
		w.skip = NULL;
		/* A file in its place hides the directory by itself. */
		if (!comes_back(added, dir))
			ap_strv_add(out, dir);
		else if (!has_sorted(added, dir))
			ap_inventory_walk(r->inv, dir, write_one, &w);
	}
	for (size_t i = 0; i < r->files.n; i++)
		if (!covered(&r->dirs, r->files.v[i]) && !comes_back(added, r->files.v[i]))
			ap_strv_add(out, r->files.v[i]);
	unique(out);
}

int ap_install_removals(struct ap_strv *out, const struct ap_lock *lock,
	const struct ap_inventory *inv, const struct ap_tree *const *added, size_t n_added,
	struct ap_err *err)
{
	AP_CLEANUP(removal_release) struct removal r = { .inv = inv };
	ap_auto_strv back = { 0 };

	for (size_t i = 0; i < lock->removes.n; i++) {
		const struct ap_dist *d = ap_inventory_dist(inv, lock->removes.v[i]);
		ap_auto_free char *info = NULL;

		if (!d || !d->removable)
			continue;
		info = ap_inventory_real_parent(inv, d->path);
		ap_strv_own(&r.sites, ap_fs_dir_of(info));
		if (add_dist(&r, d, err) < 0)
			return -1;
	}
	unique(&r.files);
	find_whole_dirs(&r);
	for (size_t i = 0; i < n_added; i++)
		for (size_t k = 0; k < added[i]->n; k++)
			if (added[i]->v[k].type != AP_ENTRY_DIR)
				ap_strv_addf(&back, "/%s", added[i]->v[k].path);
	unique(&back);
	write_out(out, &r, &back);
	return 0;
}
