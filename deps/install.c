#include "deps/install.h"

#include <stdlib.h>
#include <string.h>

#include "deps/names.h"
#include "deps/script.h"
#include "deps/wheel.h"

enum {
	MODE_FILE = 0644,
	MODE_EXEC = 0755,
	MODE_DIR = 0755,
	MAX_SCRIPT = 64 << 20, /* of a script whose first line is rewritten */
};

/* A file on its way into the tree. */
struct put {
	char *path; /* real path below the root */
	uint32_t mode;
	uint64_t size;
	struct ap_content *content;
	uint32_t crc;
	const struct ap_zip_member *member; /* NULL: made by us, wins over members */
	size_t order;
};

/* A member's path in RECORD before and after. */
struct moved {
	char *from, *to;
	char *hash, *size; /* of a rewritten script, else NULL */
	size_t put;        /* of what lies there; SIZE_MAX: not written by itself */
	bool used;
};

struct job {
	const struct ap_wheel *w;
	const struct ap_locked *locked;
	const struct ap_inventory *inv;
	const char *lib; /* purelib or platlib */
	bool replaces;   /* the base's own copy goes: its paths are free */
	struct put *v;
	size_t n, cap;
	struct moved *moved;
	size_t n_moved, cap_moved;
	struct ap_record made; /* RECORD lines of generated files */
	/* The last parent directory asked for, and where it really lies. */
	char *parent, *real_parent;
};

static void job_release(struct job *j)
{
	for (size_t i = 0; i < j->n; i++) {
		free(j->v[i].path);
		if (j->v[i].content)
			j->v[i].content->ops->free(j->v[i].content);
	}
	free(j->v);
	for (size_t i = 0; i < j->n_moved; i++) {
		free(j->moved[i].from);
		free(j->moved[i].to);
		free(j->moved[i].hash);
		free(j->moved[i].size);
	}
	free(j->moved);
	ap_record_release(&j->made);
	free(j->parent);
	free(j->real_parent);
}

/* os.path.relpath(path, dir) of two absolute paths without dots. */
static char *relpath(const char *path, const char *dir)
{
	ap_auto_buf b = AP_BUF_INIT;
	size_t common = 0;
	size_t i = 0;

	for (;; i++) {
		bool p_end = !path[i] || path[i] == '/';
		bool d_end = !dir[i] || dir[i] == '/';

		if (p_end && d_end)
			common = i;
		if (path[i] != dir[i] || !path[i])
			break;
	}
	for (const char *d = dir + common; *d;) {
		while (*d == '/')
			d++;
		if (*d)
			ap_buf_adds(&b, "../");
		d += strcspn(d, "/");
	}
	for (path += common; *path == '/'; path++)
		;
	ap_buf_adds(&b, path);
	return ap_buf_steal(&b);
}

/* Where an absolute path lands once the links of the base are followed; no leading slash. */
static char *real_path(struct job *j, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = (size_t)(slash - path);
	ap_auto_free char *real = NULL;

	if (!j->parent || strlen(j->parent) != n || memcmp(j->parent, path, n) != 0) {
		real = ap_inventory_real_parent(j->inv, path);
		free(j->parent);
		free(j->real_parent);
		j->parent = ap_xstrndup(path, n);
		j->real_parent = ap_xstrndup(real, (size_t)(strrchr(real, '/') - real));
	}
	return ap_xasprintf("%s%s%s", j->real_parent + (*j->real_parent == '/'),
		*j->real_parent ? "/" : "", slash + 1);
}

static struct put *put(struct job *j, const char *path, uint32_t mode)
{
	AP_GROW(j->v, j->n, j->cap);
	j->v[j->n] = (struct put){ .path = real_path(j, path), .mode = mode, .order = j->n };
	return &j->v[j->n++];
}

static void put_bytes(struct job *j, const char *path, uint32_t mode, const struct ap_buf *b)
{
	struct put *p = put(j, path, mode);

	p->size = b->len;
	p->content = b->len ? ap_content_bytes(b->p, b->len) : NULL;
}

/* A file that we generate, with its line in RECORD. */
static void put_made(struct job *j, const char *path, uint32_t mode, const struct ap_buf *b)
{
	ap_auto_free char *rel = relpath(path, j->lib);
	ap_auto_free char *hash = ap_record_hash(b->p, b->len);
	ap_auto_free char *size = ap_xasprintf("%zu", b->len);

	put_bytes(j, path, mode, b);
	ap_record_add(&j->made, rel, hash, size);
}

static struct moved *note_moved(struct job *j, const char *member, const char *path)
{
	AP_GROW(j->moved, j->n_moved, j->cap_moved);
	j->moved[j->n_moved] = (struct moved){
		.from = ap_xstrdup(member),
		.to = relpath(path, j->lib),
		.put = j->n - 1,
	};
	return &j->moved[j->n_moved++];
}

static void put_member(struct job *j, const struct ap_zip_member *m, const char *path)
{
	struct put *p = put(j, path, m->executable ? MODE_EXEC : MODE_FILE);

	p->size = m->size;
	p->crc = m->crc;
	p->member = m;
	p->content = m->size ? ap_zip_content(j->w->zip, m) : NULL;
	note_moved(j, m->name, path);
}

static bool begins_with_python(
	const struct ap_zip_member *m, struct ap_zip *zip, int *failed, struct ap_err *err)
{
	static const char magic[] = "#!python";
	char head[sizeof(magic) - 1];
	ap_auto_reader r = NULL;

	if (m->size < sizeof(head))
		return false;
	ap_zip_reader(&r, zip, m);
	*failed = ap_read_full(r, head, sizeof(head), err);
	return !*failed && memcmp(head, magic, sizeof(head)) == 0;
}

/* A file of .data/scripts: "#!python..." becomes the base's interpreter. */
static int put_script(
	struct job *j, const struct ap_zip_member *m, const char *path, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(MAX_SCRIPT);
	ap_auto_buf b = AP_BUF_INIT;
	struct moved *moved;
	const char *nl;
	int failed = 0;

	if (!begins_with_python(m, j->w->zip, &failed, err)) {
		if (failed)
			return -1;
		put_member(j, m, path);
		return 0;
	}
	if (ap_zip_read(&text, j->w->zip, m, err) < 0)
		return -1;
	ap_buf_addf(&b, "#!%s\n", j->inv->scheme.interpreter);
	nl = memchr(text.p, '\n', text.len);
	if (nl)
		ap_buf_add(&b, nl + 1, text.len - (size_t)(nl + 1 - text.p));
	put_bytes(j, path, m->executable ? MODE_EXEC : MODE_FILE, &b);
	moved = note_moved(j, m->name, path);
	moved->hash = ap_record_hash(b.p, b.len);
	moved->size = ap_xasprintf("%zu", b.len);
	return 0;
}

/* A member below .data: SCHEME/path. */
static int put_data(struct job *j, const struct ap_zip_member *m, struct ap_err *err)
{
	const struct ap_scheme *s = &j->inv->scheme;
	const char *key = m->name + strlen(j->w->data_dir) + 1;
	const char *slash = strchr(key, '/');
	ap_auto_free char *path = NULL;
	struct ap_str k;

	if (!slash)
		return ap_zip_bad(
			j->w->zip, m->name, err, "a file directly in .data, want SCHEME/FILE");
	k = ap_str_n(key, (size_t)(slash - key));
	if (ap_str_eq(k, "scripts")) {
		if (ap_script_is_wrapper(&j->w->scripts, strrchr(key, '/') + 1))
			return 0;
		path = ap_xasprintf("%s%s", s->scripts, slash);
		return put_script(j, m, path, err);
	}
	if (ap_str_eq(k, "headers"))
		path = ap_xasprintf("%s/%s%s", s->headers, j->w->name, slash);
	else if (ap_str_eq(k, "purelib") || ap_str_eq(k, "platlib") || ap_str_eq(k, "data"))
		path = ap_xasprintf("%s%s",
			ap_str_eq(k, "purelib")   ? s->purelib
			: ap_str_eq(k, "platlib") ? s->platlib
						  : s->data,
			slash);
	else
		return ap_zip_bad(j->w->zip, m->name, err,
			"unknown scheme \"%.*s\", want purelib, platlib, headers, scripts or data",
			(int)k.n, k.p);
	put_member(j, m, path);
	return 0;
}

/* RECORD is written anew, so that member is only noted. */
static int put_members(struct job *j, struct ap_err *err)
{
	ap_auto_free char *record = ap_xasprintf("%s/RECORD", j->w->info_dir);

	for (size_t i = 0; i < ap_zip_count(j->w->zip); i++) {
		const struct ap_zip_member *m = ap_zip_member(j->w->zip, i);
		ap_auto_free char *path = ap_xasprintf("%s/%s", j->lib, m->name);

		if (m->dir)
			continue;
		if (strcmp(m->name, record) == 0)
			note_moved(j, m->name, path)->put = SIZE_MAX;
		else if (!j->w->data_dir || !ap_below(m->name, j->w->data_dir))
			put_member(j, m, path);
		else if (put_data(j, m, err) < 0)
			return -1;
	}
	return 0;
}

static void put_scripts(struct job *j)
{
	AP_CLEANUP(ap_entry_points_release) struct ap_entry_points list = { 0 };

	ap_script_list(&list, &j->w->scripts, j->inv);
	for (size_t i = 0; i < list.n; i++) {
		ap_auto_buf text = AP_BUF_INIT;
		ap_auto_free char *path =
			ap_xasprintf("%s/%s", j->inv->scheme.scripts, list.v[i].name);

		ap_script_print(&text, &list.v[i], j->inv);
		put_made(j, path, MODE_EXEC, &text);
	}
}

static void put_info(struct job *j, const char *file, const char *text)
{
	ap_auto_buf b = AP_BUF_INIT;
	ap_auto_free char *path = ap_xasprintf("%s/%s/%s", j->lib, j->w->info_dir, file);

	ap_buf_adds(&b, text);
	put_made(j, path, MODE_FILE, &b);
}

static int by_from(const void *a, const void *b)
{
	return strcmp(((const struct moved *)a)->from, ((const struct moved *)b)->from);
}

/* A path of RECORD, which goes up before it goes down, as an absolute one. */
static char *recorded_path(const char *lib, const char *rel)
{
	size_t n = strlen(lib);

	for (; ap_starts_with(rel, "../"); rel += 3)
		while (n && lib[--n] != '/')
			;
	return ap_xasprintf("%.*s/%s", (int)n, lib, rel);
}

/* Files that the base's Python made of the wheel's; their lines in RECORD have no hash, as pip's. */
static void put_bytecode(struct job *j, const struct ap_parcels *made)
{
	for (size_t i = 0; made && i < made->n; i++) {
		const struct ap_parcel *one = &made->v[i];
		ap_auto_free char *path = recorded_path(j->lib, one->name);
		struct put *p = put(j, path, MODE_FILE);

		p->size = one->size;
		p->content = ap_parcels_content(made, one);
		ap_record_add(&j->made, one->name, "", "");
	}
}

/* The rows of pip: those of the wheel with their paths moved, ours, then members that RECORD lacked. */
static void put_record(struct job *j)
{
	AP_CLEANUP(ap_record_release) struct ap_record rows = { 0 };
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_free char *path = ap_xasprintf("%s/%s/RECORD", j->lib, j->w->info_dir);

	if (j->n_moved)
		qsort(j->moved, j->n_moved, sizeof(*j->moved), by_from);
	for (size_t i = 0; i < j->w->record.n; i++) {
		const struct ap_record_row *row = &j->w->record.v[i];
		struct moved key = { .from = row->path };
		struct moved *m = bsearch(&key, j->moved, j->n_moved, sizeof(key), by_from);

		if (m && !m->used) {
			m->used = true;
			ap_record_add(&rows, m->to, m->hash ? m->hash : row->hash,
				m->size ? m->size : row->size);
		} else {
			ap_record_add(&rows, row->path, row->hash, row->size);
		}
	}
	for (size_t i = 0; i < j->made.n; i++)
		ap_record_add(&rows, j->made.v[i].path, j->made.v[i].hash, j->made.v[i].size);
	for (size_t i = 0; i < j->n_moved; i++)
		if (!j->moved[i].used)
			ap_record_add(&rows, j->moved[i].to, "", "");
	ap_record_print(&text, &rows);
	put_bytes(j, path, MODE_FILE, &text);
}

static int by_put(const void *a, const void *b)
{
	const struct put *x = a;
	const struct put *y = b;
	int c = ap_path_cmp(x->path, y->path);

	return c ? c : x->order < y->order ? -1 : x->order > y->order;
}

/* Two writers of one path: ours wins; two members must be the same bytes. */
static int check_twice(
	const struct job *j, const struct put *a, const struct put *b, struct ap_err *err)
{
	if (!a->member || !b->member || (a->size == b->size && a->crc == b->crc))
		return 0;
	return ap_zip_bad(j->w->zip, b->member->name, err,
		"is installed to /%s, where \"%s\" puts other content", b->path, a->member->name);
}

static int check_base(const struct job *j, const char *path, enum ap_path_kind bad, const char *is,
	struct ap_err *err)
{
	ap_auto_free char *abs = ap_xasprintf("/%s", path);

	if (j->replaces || j->inv->partial || ap_inventory_lookup(j->inv, abs) != bad)
		return 0;
	return ap_zip_bad(j->w->zip, NULL, err, "needs %s, which is %s in the base", abs, is);
}

/* Parents of `path` that neither the base nor the tree has.  `last`: the path emitted before. */
static int add_parents(
	struct ap_tree *out, struct job *j, const char *path, const char *last, struct ap_err *err)
{
	ap_auto_free char *dir = ap_xstrdup(path);
	/* An engine makes what is missing, and keeps what is there: a link, another mode. */
	size_t n = j->inv->partial ? 0 : strlen(path);

	for (size_t i = 1; i < n; i++) {
		ap_auto_free char *abs = NULL;
		enum ap_path_kind kind;

		if (path[i] != '/')
			continue;
		dir[i] = '\0';
		/* Sorted order: a directory shared with the last file was seen with it. */
		if (!last || strncmp(last, path, i + 1) != 0) {
			abs = ap_xasprintf("/%s", dir);
			kind = ap_inventory_lookup(j->inv, abs);
			if (kind == AP_PATH_FILE &&
				check_base(j, dir, AP_PATH_FILE, "a file", err) < 0)
				return -1;
			if (kind == AP_PATH_NONE || kind == AP_PATH_FILE)
				ap_tree_add_dir(out, dir, MODE_DIR);
		}
		dir[i] = '/';
	}
	return 0;
}

/* Is `dir` a directory on the way to `path`? */
static bool is_parent(const char *dir, const char *path)
{
	size_t n = strlen(dir);

	return strncmp(dir, path, n) == 0 && path[n] == '/';
}

/* Sort, settle what is written twice, and move everything to the tree. */
static int finish(struct ap_tree *out, struct job *j, struct ap_err *err)
{
	const char *last = NULL;

	qsort(j->v, j->n, sizeof(*j->v), by_put);
	for (size_t i = 0; i < j->n; i++) {
		struct put *p = &j->v[i];
		struct put *next = i + 1 < j->n ? p + 1 : NULL;

		if (next && strcmp(next->path, p->path) == 0) {
			if (check_twice(j, p, next, err) < 0)
				return -1;
			continue;
		}
		if (next && is_parent(p->path, next->path))
			return ap_zip_bad(j->w->zip, NULL, err,
				"/%s is both a file and a directory once installed", p->path);
		if (check_base(j, p->path, AP_PATH_DIR, "a directory", err) < 0 ||
			add_parents(out, j, p->path, last, err) < 0)
			return -1;
		ap_tree_add_file(out, p->path, p->mode, p->size, p->content);
		p->content = NULL;
		last = p->path;
	}
	ap_tree_sort(out);
	return 0;
}

static int check_locked(const struct ap_wheel *w, const struct ap_locked *l, struct ap_err *err)
{
	ap_auto_free char *have = NULL;
	ap_auto_free char *want = NULL;

	if (l->name && strcmp(l->name, w->file.name) != 0)
		return ap_zip_bad(
			w->zip, NULL, err, "is %s, the lock wants %s", w->file.name, l->name);
	if (!l->version)
		return 0;
	have = ap_version_canonical(w->version, strlen(w->version));
	want = ap_version_canonical(l->version, strlen(l->version));
	if (have && want && strcmp(have, want) == 0)
		return 0;
	return ap_zip_bad(
		w->zip, NULL, err, "is version %s, the lock wants %s", w->version, l->version);
}

static int fill(
	struct ap_tree *out, struct job *j, const struct ap_parcels *bytecode, struct ap_err *err)
{
	const struct ap_dist *old = ap_inventory_dist(j->inv, j->w->file.name);

	j->replaces = old && old->removable;
	if (put_members(j, err) < 0)
		return -1;
	put_bytecode(j, bytecode);
	put_scripts(j);
	put_info(j, "INSTALLER", "autopack\n");
	if (j->locked->direct_url)
		put_info(j, "direct_url.json", j->locked->direct_url);
	if (j->locked->requested)
		put_info(j, "REQUESTED", "");
	put_record(j);
	return finish(out, j, err);
}

static int open_wheel(struct ap_wheel *w, struct job *j, const char *path,
	const struct ap_locked *locked, struct ap_err *err)
{
	if (ap_wheel_open(w, path, locked->filename, err) < 0 || check_locked(w, locked, err) < 0 ||
		ap_wheel_expect(w, err) < 0)
		return -1;
	j->lib = w->purelib ? j->inv->scheme.purelib : j->inv->scheme.platlib;
	return 0;
}

int ap_install_wheel(struct ap_tree *out, const char *path, const struct ap_locked *locked,
	const struct ap_inventory *inv, const struct ap_parcels *bytecode, struct ap_err *err)
{
	AP_CLEANUP(ap_wheel_release) struct ap_wheel w = { 0 };
	AP_CLEANUP(job_release) struct job j = { .w = &w, .locked = locked, .inv = inv };
	ap_auto_tree tree = { 0 };

	if (open_wheel(&w, &j, path, locked, err) < 0 || fill(&tree, &j, bytecode, err) < 0)
		return -1;
	ap_tree_move(out, &tree);
	return 0;
}

static int put_source(int fd, const char *name, const struct put *p, struct ap_err *err)
{
	ap_auto_reader r = NULL;

	if (p->content && p->content->ops->open(p->content, &r, err) < 0)
		return -1;
	return ap_parcel_put(fd, AP_PARCEL_FILE, name, r, p->size, err);
}

int ap_install_sources(int fd, const char *path, const struct ap_locked *locked,
	const struct ap_inventory *inv, struct ap_err *err)
{
	AP_CLEANUP(ap_wheel_release) struct ap_wheel w = { 0 };
	AP_CLEANUP(job_release) struct job j = { .w = &w, .locked = locked, .inv = inv };

	if (open_wheel(&w, &j, path, locked, err) < 0 || put_members(&j, err) < 0 ||
		ap_parcel_put_bytes(fd, AP_PARCEL_DIR, j.lib, "", 0, err) < 0)
		return -1;
	for (size_t i = 0; i < j.n_moved; i++)
		if (ap_ends_with(j.moved[i].to, ".py") && j.moved[i].put != SIZE_MAX &&
			put_source(fd, j.moved[i].to, &j.v[j.moved[i].put], err) < 0)
			return -1;
	return 0;
}
