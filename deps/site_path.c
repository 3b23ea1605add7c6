#include "deps/site_path.h"

#include <string.h>

#include "deps/inputs.h"

#define MAX_DIRS 1000 /* of all .pth files together */

struct finder {
	struct ap_inventory *inv;
	const struct ap_paths *p;
	const struct ap_strv *own;
	struct ap_strv *lacks;
};

static void add_dir(struct finder *f, const char *dir)
{
	struct ap_inventory *inv = f->inv;

	if (ap_strv_has(f->own, dir) || ap_strv_has(&inv->added_dirs, dir) ||
		inv->added_dirs.n == MAX_DIRS || !ap_paths_is_dir(f->p, dir))
		return;
	ap_strv_add(&inv->added_dirs, dir);
	ap_strv_add(&inv->site_dirs, dir);
}

/* A directory a line; code and comments add none that can be known. */
static void add_lines(struct finder *f, const char *dir, const char *text)
{
	struct ap_str rest = ap_str(text);
	struct ap_str line;

	while (ap_str_next(&rest, '\n', &line)) {
		ap_auto_free char *joined = NULL;
		ap_auto_free char *clean = NULL;

		while (line.n && strchr(" \t\r\f\v", line.p[line.n - 1]))
			line.n--;
		if (!line.n || line.p[0] == '#' ||
			(line.n > 6 && memcmp(line.p, "import", 6) == 0 &&
				(line.p[6] == ' ' || line.p[6] == '\t')))
			continue;
		joined = line.p[0] == '/' ? ap_xstrndup(line.p, line.n)
					  : ap_xasprintf("%s/%.*s", dir, (int)line.n, line.p);
		clean = ap_path_clean(joined);
		add_dir(f, clean);
	}
}

static void add_pth_files(struct finder *f, const char *dir)
{
	ap_path_id id = ap_paths_find(f->p, dir, AP_FOLLOW);
	ap_auto_strv names = { 0 };

	if (ap_paths_kind(f->p, id) != AP_PATH_DIR)
		return;
	for (id = ap_paths_first(f->p, id); id; id = ap_paths_next(f->p, id)) {
		const char *name = ap_paths_name(f->p, id);

		if (ap_ends_with(name, ".pth") && name[0] != '.')
			ap_strv_add(&names, name);
	}
	ap_strv_sort(&names);
	for (size_t i = 0; i < names.n; i++) {
		ap_auto_free char *path = ap_xasprintf("%s/%s", dir, names.v[i]);
		const char *text;

		id = ap_paths_find(f->p, path, AP_FOLLOW);
		if (ap_paths_kind(f->p, id) != AP_PATH_FILE)
			continue;
		text = ap_paths_content(f->p, id, NULL);
		if (text)
			add_lines(f, dir, text);
		else
			ap_strv_own(f->lacks, ap_paths_full(f->p, id));
	}
}

void ap_site_path_find(struct ap_inventory *inv, const struct ap_paths *p,
	const struct ap_strv *own, const char *pythonpath, struct ap_strv *lacks)
{
	struct finder f = { .inv = inv, .p = p, .own = own, .lacks = lacks };
	struct ap_str rest = ap_str(pythonpath ? pythonpath : "");
	struct ap_str dir;

	ap_strv_release(&inv->site_dirs);
	ap_strv_release(&inv->added_dirs);
	while (ap_str_next(&rest, ':', &dir)) {
		ap_auto_free char *path = ap_xstrndup(dir.p, dir.n);
		ap_auto_free char *clean = path[0] == '/' ? ap_path_clean(path) : NULL;

		if (clean)
			add_dir(&f, clean);
	}
	for (size_t i = 0; i < own->n; i++) {
		ap_strv_add(&inv->site_dirs, own->v[i]);
		add_pth_files(&f, own->v[i]);
	}
}
