#include "pack/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "pack/entry_point.h"
#include "pack/ref.h"
#include "pack/revision.h"
#include "pack/split.h"
#include "pack/tag.h"
#include "pack/tree.h"

#define APP          "usr/app"
#define EPOCH_1980   315532800
#define SHOWN        8 /* names in a report */
#define LABEL_PREFIX "org.opencontainers.image."

/* What one ap_plan_make() works with. */
struct making {
	struct ap_plan *plan;
	const struct ap_image_request *req;
	struct ap_progress *progress;
	const char *given; /* the working directory in the user's words */
	struct ap_local_root *root;
	struct ap_ignore *ignore;
	struct ap_walk walk;
	struct ap_strv outputs; /* of the request, those below the working directory */
	struct ap_entry_point entry;
};

static void making_release(struct making *m)
{
	ap_local_root_unref(m->root);
	ap_ignore_free(m->ignore);
	ap_strv_release(&m->outputs);
	ap_entry_point_release(&m->entry);
}

/*
 * Vertex's prebuilt training images, of every region, with and without the
 * "training-" of older names; gcloud knows only some.
 */
static bool is_prebuilt(const char *image)
{
	static const char *const families[] = { "tf-", "pytorch-", "scikit-learn-", "xgboost-" };
	const char *slash = strchr(image, '/');
	const char *name;
	size_t host;

	if (!slash)
		return false;
	host = (size_t)(slash - image);
	for (size_t i = 0; i < host; i++) {
		if (!ap_is_alnum(image[i]) && image[i] != '-' && image[i] != '.')
			return false;
	}
	if (host < 16 || strncmp(slash - 15, "-docker.pkg.dev", 15) != 0)
		return false;
	if (ap_starts_with(slash, "/vertex-ai/training/"))
		name = slash + 20;
	else if (ap_starts_with(slash, "/vertex-ai-restricted/training/"))
		name = slash + 31;
	else
		return false;
	if (ap_starts_with(name, "training-"))
		name += 9;
	for (size_t i = 0; i < AP_LEN(families); i++) {
		if (ap_starts_with(name, families[i]))
			return true;
	}
	return false;
}

/* An image on this machine is there, or the name is wrong. */
static int check_local_base(const struct ap_ref *ref, struct ap_err *err)
{
	const bool is_dir = ref->transport == AP_OCI;

	if (ref->transport == AP_DOCKER ||
		(is_dir ? ap_fs_is_dir(ref->path) : ap_fs_is_file(ref->path)))
		return 0;
	(void)!ap_err_set(
		err, AP_E_INPUT, "\"%s\": no such %s", ref->path, is_dir ? "directory" : "file");
	return ap_fs_suggest(err, ref->path);
}

static int check_base(struct making *m, struct ap_err *err)
{
	const char *image = m->req->executor_image;
	struct ap_ref ref = { 0 };

	if (!image || !*image)
		return ap_err_set(
			err, AP_E_INPUT, "executor-image-uri: empty, wanted the name of an image");
	if (ap_ref_parse(&ref, image, err) < 0 || check_local_base(&ref, err) < 0) {
		ap_ref_release(&ref);
		return ap_err_wrap(err, "executor-image-uri");
	}
	ap_ref_release(&ref);
	m->plan->prebuilt = is_prebuilt(image);
	if (m->plan->prebuilt)
		ap_strv_add(&m->plan->whiteouts, "/var/sitecustomize");
	return 0;
}

static int open_workdir(struct making *m, struct ap_err *err)
{
	const char *dir = m->req->local_package_path;

	m->given = dir && *dir ? dir : ".";
	if (ap_local_root_open(&m->root, m->given, err) < 0)
		return ap_err_wrap(err, "local-package-path");
	m->plan->workdir = ap_xstrdup(ap_local_root_path(m->root));
	if (ap_ignore_load(&m->ignore, m->plan->workdir, m->req->ignore_file, err) < 0)
		return -1;
	m->walk.root = m->root;
	m->walk.ignore = m->ignore;
	m->walk.prefix = APP;
	m->walk.left = &m->plan->ignored;
	m->walk.outputs = &m->outputs;
	for (size_t i = 0; i < m->req->outputs.n; i++) {
		const char *rest = ap_below(m->req->outputs.v[i], m->plan->workdir);

		if (rest)
			ap_strv_add(&m->outputs, rest);
	}
	return 0;
}

/* The user's path below the working directory, there, and not outside through a link. */
static int inside(
	char **out, const struct making *m, const char *key, const char *path, struct ap_err *err)
{
	ap_auto_free char *rel = NULL;
	ap_auto_free char *real = NULL;

	if (!*path)
		return ap_err_set(err, AP_E_INPUT, "%s: an empty path", key);
	if (ap_local_path(&rel, m->root, m->given, path, err) < 0)
		return ap_err_wrap(err, "%s", key);
	if (ap_local_resolve(&real, m->root, rel, err) < 0) {
		if (err->code != AP_E_NOT_FOUND)
			return ap_err_wrap(err, "%s", key);
		ap_err_clear(err);
		(void)!ap_err_set(err, AP_E_INPUT,
			"%s \"%s\": not there in the working directory \"%s\"", key, path,
			m->given);
		return ap_fs_suggest_in(err, m->given, path);
	}
	*out = AP_STEAL(rel);
	return 0;
}

static int read_deps(struct making *m, struct ap_err *err)
{
	const struct ap_image_request *req = m->req;

	for (size_t i = 0; i < req->extra_packages.n; i++) {
		ap_auto_free char *rel = NULL;

		if (inside(&rel, m, "extra-packages", req->extra_packages.v[i], err) < 0)
			return -1;
	}
	return ap_dep_request_read(&m->plan->deps, m->plan->workdir, &req->requirements,
		&req->extra_packages, req->lock_file, &req->outputs, err);
}

/* `before`: a directory that sorts before usr/app, or NULL. */
static struct ap_plan_part *add_part(struct ap_plan *p, char *title, const char *before)
{
	struct ap_plan_part *part;

	p->parts = ap_xreallocarray(p->parts, p->n_parts + 1, sizeof(*p->parts));
	part = &p->parts[p->n_parts++];
	*part = (struct ap_plan_part){ .title = title };
	if (before)
		ap_tree_add_dir(&part->tree, before, 0777);
	ap_tree_add_dir(&part->tree, APP, 0777);
	return part;
}

/* Directories between /usr/app and `path`, which the base does not have. */
static void add_parent_dirs(struct ap_tree *t, const char *path)
{
	for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
		ap_auto_free char *dir = ap_xasprintf(APP "/%.*s", (int)(p - path), path);

		ap_tree_add_dir(t, dir, 0755);
	}
}

/* Sort; of several entries of one path keep one: all come from the same file. */
static void tidy(struct ap_tree *t)
{
	size_t n = 0;

	ap_tree_sort(t);
	for (size_t i = 0; i < t->n; i++) {
		struct ap_entry *e = &t->v[i];

		if (n && strcmp(t->v[n - 1].path, e->path) == 0) {
			struct ap_tree one = { .v = ap_xmemdup(e, sizeof(*e)), .n = 1, .cap = 1 };

			ap_tree_release(&one);
			continue;
		}
		t->v[n++] = *e;
	}
	t->n = n;
}

static int add_extra_dirs(struct making *m, struct ap_err *err)
{
	const struct ap_strv *dirs = &m->req->extra_dirs;
	ap_auto_strv seen = { 0 };

	for (size_t i = 0; i < dirs->n; i++) {
		ap_auto_free char *rel = NULL;
		struct ap_plan_part *part;

		if (inside(&rel, m, "extra-dirs", dirs->v[i], err) < 0)
			return -1;
		if (ap_strv_has(&seen, rel)) {
			ap_strv_add(&m->plan->parts[m->plan->n_parts - 1].copies, dirs->v[i]);
			continue;
		}
		ap_strv_add(&seen, rel);
		part = add_part(m->plan, ap_xasprintf("extra-dir %s", *rel ? rel : "."), NULL);
		ap_strv_add(&part->copies, dirs->v[i]);
		add_parent_dirs(&part->tree, rel);
		if (ap_walk_add(&part->tree, &m->walk, rel, 0, err) < 0)
			return ap_err_wrap(err, "extra-dirs");
		tidy(&part->tree);
	}
	return 0;
}

/* gcloud copies only the innermost package; its parents' own files are needed as well. */
static int add_flat(struct making *m, struct ap_plan_part *part, struct ap_err *err)
{
	const struct ap_strv *flat = &m->entry.flat;

	for (size_t i = 0; i < flat->n; i++) {
		struct ap_tree files = { 0 };

		if (ap_walk_add(&files, &m->walk, flat->v[i], AP_WALK_FLAT, err) < 0) {
			ap_tree_release(&files);
			return -1;
		}
		for (size_t k = 0; k < files.n; k++) {
			if (files.v[k].type != AP_ENTRY_DIR)
				ap_strv_add(&part->copies, files.v[k].path + strlen(APP "/"));
		}
		ap_tree_move(&part->tree, &files);
	}
	return 0;
}

/* What an extra directory's layer has already need not come again. */
static void drop_earlier(struct ap_plan *p, struct ap_tree *t)
{
	struct ap_tree kept = { 0 };
	struct ap_tree dropped = { 0 };

	for (size_t i = 0; i < t->n; i++) {
		struct ap_tree *to = &kept;

		for (size_t k = 0; k + 1 < p->n_parts && to == &kept; k++) {
			if (t->v[i].type != AP_ENTRY_DIR &&
				ap_tree_find(&p->parts[k].tree, t->v[i].path))
				to = &dropped;
		}
		AP_GROW(to->v, to->n, to->cap);
		to->v[to->n++] = t->v[i];
	}
	free(t->v);
	*t = kept;
	ap_tree_release(&dropped);
}

static int add_code(struct making *m, struct ap_err *err)
{
	struct ap_plan_part *part = add_part(m->plan, ap_xstrdup("code"), "home");
	const struct ap_entry_point *e = &m->entry;

	if (e->installed)
		return 0;
	m->walk.keep = e->script;
	add_parent_dirs(&part->tree, e->dir);
	if (add_flat(m, part, err) < 0 || ap_walk_add(&part->tree, &m->walk, e->dir, 0, err) < 0)
		return ap_err_wrap(err, "code");
	ap_strv_add(&part->copies, e->dir_as_given);
	tidy(&part->tree);
	drop_earlier(m->plan, &part->tree);
	m->walk.keep = NULL;
	return 0;
}

static const struct ap_entry *find_anywhere(const struct ap_plan *p, const char *path)
{
	const struct ap_entry *e = NULL;

	for (size_t i = 0; i < p->n_parts && !e; i++)
		e = ap_tree_find(&p->parts[i].tree, path);
	return e;
}

/* "usr/app/trainer" + "../data" -> "usr/app/data"; the walk made sure that it stays inside. */
static char *landing(const struct ap_entry *link)
{
	ap_auto_free char *joined = ap_xasprintf(
		"%.*s/%s", (int)(strrchr(link->path, '/') - link->path), link->path, link->target);
	struct ap_strv parts = { 0 };
	struct ap_str rest = ap_str(joined);
	struct ap_str part;
	char *out;

	while (ap_str_next(&rest, '/', &part)) {
		if (!part.n || ap_str_eq(part, "."))
			continue;
		if (ap_str_eq(part, "..") && parts.n)
			free(parts.v[--parts.n]);
		else
			ap_strv_add_n(&parts, part.p, part.n);
		parts.v[parts.n] = NULL;
	}
	out = ap_strv_join(&parts, "/");
	ap_strv_release(&parts);
	return out;
}

/* The script may be a link, and so may what it points to. */
static int check_script_is_in(const struct making *m, struct ap_err *err)
{
	ap_auto_free char *path = NULL;
	const struct ap_entry *e;

	if (!m->entry.script)
		return 0;
	path = ap_xasprintf(APP "/%s", m->entry.script);
	e = find_anywhere(m->plan, path);
	for (unsigned links = 0; e && e->type == AP_ENTRY_SYMLINK && links < 40; links++) {
		free(path);
		path = landing(e);
		e = find_anywhere(m->plan, path);
	}
	if (!e || e->type != AP_ENTRY_FILE)
		return ap_err_set(err, AP_E_INPUT,
			"script \"%s\": is a link to %s, which is not in the image; name its directory with extra-dirs",
			m->req->script, path + strlen(APP "/"));
	return 0;
}

static void warn_dangling(const struct making *m)
{
	for (size_t i = 0; i < m->plan->n_parts; i++) {
		const struct ap_tree *t = &m->plan->parts[i].tree;

		for (size_t k = 0; k < t->n; k++) {
			ap_auto_free char *to =
				t->v[k].type == AP_ENTRY_SYMLINK ? landing(&t->v[k]) : NULL;

			if (to && !find_anywhere(m->plan, to))
				ap_emit_warn(m->progress, AP_STEP_PLAN,
					"%s is a link to \"%s\", which is not in the image",
					t->v[k].path + strlen(APP "/"), t->v[k].target);
		}
	}
}

static size_t key_length(const char *kv)
{
	return strcspn(kv, "=");
}

/* Add K=V, in the place of an earlier one of the same key. */
static void set_kv(struct ap_strv *l, const char *kv)
{
	size_t n = key_length(kv);

	for (size_t i = 0; i < l->n; i++) {
		if (key_length(l->v[i]) == n && memcmp(l->v[i], kv, n) == 0) {
			free(l->v[i]);
			l->v[i] = ap_xstrdup(kv);
			return;
		}
	}
	ap_strv_add(l, kv);
}

static void set_label(struct ap_strv *l, const char *name, const char *value)
{
	ap_auto_free char *kv = value ? ap_xasprintf(LABEL_PREFIX "%s=%s", name, value) : NULL;

	if (kv)
		set_kv(l, kv);
}

/* RFC 3339 in UTC, without gmtime()'s limits and locale.  Source: civil-from-days, proleptic Gregorian. */
static char *timestamp(int64_t t)
{
	int64_t days = t / 86400 - (t % 86400 < 0);
	int64_t s = t - days * 86400;
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	int64_t month = mp < 10 ? mp + 3 : mp - 9;

	return ap_xasprintf("%04d-%02d-%02dT%02d:%02d:%02dZ", (int)(yoe + era * 400 + (month <= 2)),
		(int)month, (int)(doy - (153 * mp + 2) / 5 + 1), (int)(s / 3600),
		(int)(s / 60 % 60), (int)(s % 60));
}

static void make_labels(struct making *m)
{
	struct ap_strv *l = &m->plan->labels;
	ap_auto_free char *created = timestamp(m->plan->epoch);

	set_label(l, "created", created);
	if (m->req->vcs_labels) {
		struct ap_revision rev;

		ap_revision_read(&rev, m->plan->workdir, m->progress);
		set_label(l, "revision", rev.revision);
		set_label(l, "source", rev.source);
		ap_revision_release(&rev);
	}
	for (size_t i = 0; i < m->req->labels.n; i++)
		set_kv(l, m->req->labels.v[i]);
	ap_strv_sort(l);
}

static void make_env(struct making *m)
{
	struct ap_strv *env = &m->plan->env;

	ap_strv_add(env, "HOME=/home");
	ap_strv_add(env, "PYTHONDONTWRITEBYTECODE=1");
	for (size_t i = 0; i < m->req->env.n; i++)
		set_kv(env, m->req->env.v[i]);
}

static void make_entrypoint(struct making *m)
{
	struct ap_plan *p = m->plan;

	ap_strv_copy(&p->entrypoint, &m->entry.argv);
	p->runs_python = m->entry.runs_python;
	if (p->runs_python && p->prebuilt) {
		free(p->entrypoint.v[0]);
		p->entrypoint.v[0] = ap_xstrdup("python3");
	}
}

static void report_ignored(const struct making *m)
{
	const struct ap_plan *p = m->plan;
	size_t shown = AP_MIN(p->ignored.n, (size_t)SHOWN);
	ap_auto_buf names = AP_BUF_INIT;

	if (!p->n_ignored)
		return;
	for (size_t i = 0; i < shown; i++) {
		ap_buf_adds(&names, i ? ", " : "");
		ap_buf_add_printable(&names, p->ignored.v[i], strlen(p->ignored.v[i]));
	}
	if (p->n_ignored > shown)
		ap_buf_addf(&names, " and %zu more", p->n_ignored - shown);
	ap_emit_note(m->progress, AP_STEP_PLAN, "%zu left out: %s", p->n_ignored, names.p);
}

static int make(struct making *m, struct ap_err *err)
{
	struct ap_plan *p = m->plan;

	p->epoch = m->req->source_date_epoch < 0 ? EPOCH_1980 : m->req->source_date_epoch;
	if (check_base(m, err) < 0 || open_workdir(m, err) < 0 || read_deps(m, err) < 0 ||
		ap_entry_point_find(&m->entry, m->root, m->given, m->req,
			p->deps.project != AP_NO_PROJECT, err) < 0)
		return -1;
	make_entrypoint(m);
	make_env(m);
	if (add_extra_dirs(m, err) < 0 || add_code(m, err) < 0 || check_script_is_in(m, err) < 0)
		return -1;
	p->n_ignored = m->walk.n_left;
	report_ignored(m);
	warn_dangling(m);
	make_labels(m);
	ap_plan_split(p);
	return ap_plan_tag(p, m->req, m->progress, err);
}

int ap_plan_make(struct ap_plan *out, const struct ap_image_request *req,
	struct ap_progress *progress, struct ap_err *err)
{
	AP_CLEANUP(ap_plan_release) struct ap_plan plan = { 0 };
	AP_CLEANUP(making_release)
	struct making m = { .plan = &plan, .req = req, .progress = progress };

	if (make(&m, err) < 0)
		return -1;
	*out = plan;
	plan = (struct ap_plan){ 0 };
	return 0;
}

void ap_plan_release(struct ap_plan *p)
{
	for (size_t i = 0; i < p->n_parts; i++) {
		free(p->parts[i].title);
		ap_tree_release(&p->parts[i].tree);
		ap_strv_release(&p->parts[i].copies);
	}
	free(p->parts);
	free(p->workdir);
	ap_strv_release(&p->entrypoint);
	ap_strv_release(&p->env);
	ap_strv_release(&p->whiteouts);
	ap_strv_release(&p->labels);
	ap_strv_release(&p->ignored);
	ap_dep_request_release(&p->deps);
	*p = (struct ap_plan){ 0 };
}
