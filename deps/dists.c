#include "deps/dists.h"

#include <stdlib.h>
#include <string.h>

#include "deps/headers.h"
#include "deps/inputs.h"
#include "deps/names.h"

struct finder {
	struct ap_inventory *inv;
	const struct ap_paths *p;
	const char *site;
	size_t cap;
};

static ap_path_id in_dir(const struct finder *f, const char *dir, const char *name)
{
	ap_auto_free char *path = ap_xasprintf("%s/%s", dir, name);

	return ap_paths_find(f->p, path, AP_FOLLOW);
}

static const char *text_in(const struct finder *f, const char *dir, const char *name)
{
	return ap_paths_content(f->p, in_dir(f, dir, name), NULL);
}

static void add_file(struct ap_dist *d, const char *base, struct ap_str rel)
{
	ap_auto_free char *joined = rel.p[0] == '/'
					    ? ap_xstrndup(rel.p, rel.n)
					    : ap_xasprintf("%s/%.*s", base, (int)rel.n, rel.p);

	ap_strv_own(&d->files, ap_path_clean(joined));
}

/* One path a line, relative to `base`. */
static void add_lines(struct ap_dist *d, const char *base, const char *text)
{
	struct ap_str rest = ap_str(text);
	struct ap_str line;

	while (ap_str_next(&rest, '\n', &line)) {
		line = ap_str_trim(line);
		if (line.n)
			add_file(d, base, line);
	}
}

/* What pip removes of an .egg-info without a list of files. */
static void add_top_level(const struct finder *f, struct ap_dist *d, const char *text)
{
	static const char *const suffixes[] = { "", ".py", ".pyc", ".pyo" };
	struct ap_str rest = ap_str(text);
	struct ap_str line;

	while (ap_str_next(&rest, '\n', &line)) {
		line = ap_str_trim(line);
		if (!line.n || memchr(line.p, '/', line.n))
			continue;
		for (size_t i = 0; i < AP_LEN(suffixes); i++) {
			ap_auto_free char *path = ap_xasprintf(
				"%s/%.*s%s", f->site, (int)line.n, line.p, suffixes[i]);

			if (ap_paths_find(f->p, path, 0))
				ap_strv_add(&d->files, path);
		}
	}
}

static void find_files(const struct finder *f, struct ap_dist *d)
{
	const char *text = text_in(f, d->path, "RECORD");

	if (ap_ends_with(d->path, ".dist-info")) {
		/* An empty RECORD is none: pip says so too. */
		d->has_record = text && *text;
		if (d->has_record)
			add_lines(d, f->site, text);
		return;
	}
	text = text_in(f, d->path, "installed-files.txt");
	if (text) {
		add_lines(d, d->path, text);
		return;
	}
	text = text_in(f, d->path, "top_level.txt");
	if (text)
		add_top_level(f, d, text);
}

/* "name-1.0" and "name-1.0-py3.11" of the directory's own name. */
static void names_of_dir(struct ap_dist *d, const char *base, const char *suffix)
{
	ap_auto_free char *stem = ap_xstrndup(base, strlen(base) - strlen(suffix));
	char *dash = strchr(stem, '-');
	char *end;

	if (dash) {
		*dash = '\0';
		end = strstr(dash + 1, "-py");
		if (end)
			*end = '\0';
		if (!d->version)
			d->version = ap_xstrdup(dash + 1);
	}
	if (!d->name)
		d->name = ap_xstrdup(stem);
}

static void read_metadata(struct ap_dist *d, const char *text)
{
	AP_CLEANUP(ap_headers_release) struct ap_headers h = { 0 };
	struct ap_err err = AP_ERR_INIT;
	const char *v;

	/* A broken file of the base is the base's affair: its names still count. */
	if (!text || ap_headers_parse(&h, text, strlen(text), &err) < 0) {
		ap_err_clear(&err);
		return;
	}
	v = ap_headers_get(&h, "Name");
	if (v && ap_names_ok(v, strlen(v)))
		d->name = ap_xstrdup(v);
	v = ap_headers_get(&h, "Version");
	if (v && *v)
		d->version = ap_xstrdup(v);
	v = ap_headers_get(&h, "Requires-Python");
	if (v)
		d->requires_python = ap_xstrdup(v);
	for (size_t i = 0; i < h.names.n; i++) {
		if (strcasecmp(h.names.v[i], "Requires-Dist") == 0)
			ap_strv_add(&d->requires, h.values.v[i]);
	}
}

static bool have(const struct ap_inventory *inv, const char *normalized)
{
	for (size_t i = 0; i < inv->n_dists; i++) {
		if (strcmp(inv->dists[i].normalized, normalized) == 0)
			return true;
	}
	return false;
}

static void dist_release(struct ap_dist *d)
{
	free(d->name);
	free(d->version);
	free(d->normalized);
	free(d->path);
	free(d->site);
	free(d->installer);
	free(d->requires_python);
	ap_strv_release(&d->requires);
	ap_strv_release(&d->files);
	*d = (struct ap_dist){ 0 };
}

static void add_dist(struct finder *f, ap_path_id id, const char *suffix)
{
	const struct ap_scheme *s = &f->inv->scheme;
	const char *base = ap_paths_name(f->p, id);
	AP_CLEANUP(dist_release) struct ap_dist d = { 0 };
	const char *text;

	d.path = ap_xasprintf("%s/%s", f->site, base);
	if (ap_paths_is_file(f->p, d.path))
		text = ap_paths_content(f->p, ap_paths_find(f->p, d.path, AP_FOLLOW), NULL);
	else
		text = text_in(
			f, d.path, strcmp(suffix, ".dist-info") == 0 ? "METADATA" : "PKG-INFO");
	read_metadata(&d, text);
	names_of_dir(&d, base, suffix);
	if (!d.version || !d.name || !ap_names_ok(d.name, strlen(d.name)))
		return;
	d.normalized = ap_name_normalize(d.name, strlen(d.name));
	if (have(f->inv, d.normalized))
		return;
	d.site = ap_xstrdup(f->site);
	text = text_in(f, d.path, "INSTALLER");
	if (text) {
		struct ap_str t = ap_str_trim(ap_str(text));

		d.installer = ap_xstrndup(t.p, t.n);
	}
	d.removable = strcmp(f->site, s->purelib) == 0 || strcmp(f->site, s->platlib) == 0 ||
		      (!f->inv->venv && strcmp(suffix, ".dist-info") == 0 &&
			      ap_strv_has(&f->inv->added_dirs, f->site));
	find_files(f, &d);
	AP_GROW(f->inv->dists, f->inv->n_dists, f->cap);
	f->inv->dists[f->inv->n_dists++] = d;
	d = (struct ap_dist){ 0 };
}

static int by_name(const void *a, const void *b)
{
	const struct ap_dist *x = a;
	const struct ap_dist *y = b;

	return strcmp(x->normalized, y->normalized);
}

void ap_dists_sort(struct ap_inventory *inv)
{
	if (inv->n_dists > 1)
		qsort(inv->dists, inv->n_dists, sizeof(*inv->dists), by_name);
}

void ap_dists_find(struct ap_inventory *inv, const struct ap_paths *p)
{
	static const char *const suffixes[] = { ".dist-info", ".egg-info" };
	struct finder f = { .inv = inv, .p = p };

	for (size_t i = 0; i < inv->site_dirs.n; i++) {
		ap_path_id dir = ap_paths_find(p, inv->site_dirs.v[i], AP_FOLLOW);

		f.site = inv->site_dirs.v[i];
		if (ap_paths_kind(p, dir) != AP_PATH_DIR)
			continue;
		/* In one directory a .dist-info comes before an old .egg-info of the same name. */
		for (size_t j = 0; j < AP_LEN(suffixes); j++) {
			for (ap_path_id id = ap_paths_first(p, dir); id;
				id = ap_paths_next(p, id)) {
				if (ap_ends_with(ap_paths_name(p, id), suffixes[j]))
					add_dist(&f, id, suffixes[j]);
			}
		}
	}
	ap_dists_sort(inv);
}

void ap_dists_release(struct ap_inventory *inv)
{
	for (size_t i = 0; i < inv->n_dists; i++)
		dist_release(&inv->dists[i]);
	free(inv->dists);
	inv->dists = NULL;
	inv->n_dists = 0;
}
