#include "deps/locals.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/http.h"
#include "deps/build.h"
#include "deps/inputs.h"
#include "deps/version.h"
#include "deps/wheel.h"

/* Where gcloud's build puts the working directory: the only place that direct_url.json tells. */
#define IMAGE_DIR "/usr/app"

#define MAX_METADATA (4u << 20)

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* ---- direct_url.json.  Source: recording the direct URL origin (PEP 610) ---- */

static void add_url(struct ap_buf *out, const char *rel)
{
	ap_auto_buf url = AP_BUF_INIT;
	ap_auto_json value = NULL;
	struct ap_str rest = ap_str(rel);
	struct ap_str part;

	ap_buf_adds(&url, "file://" IMAGE_DIR);
	while (strcmp(rel, ".") != 0 && ap_str_next(&rest, '/', &part)) {
		ap_auto_free char *s = ap_xstrndup(part.p, part.n);

		ap_buf_addc(&url, '/');
		ap_url_escape(&url, s);
	}
	value = ap_json_string(url.p);
	ap_json_print(out, value, 0);
}

/* As json.dumps() prints it: a blank behind ',' and ':', keys sorted. */
static char *direct_url(const struct ap_dep_request *req, const struct ap_dep_line *l,
	const struct ap_digest *archive)
{
	struct ap_buf out = AP_BUF_INIT;
	ap_auto_free char *rel = ap_path_relative(req->dir, l->path);
	/* gcloud copies a package beside the code, whatever directory it came from. */
	const char *name = l->user_package || ap_starts_with(rel, "..") ? base_name(l->path) : rel;

	if (l->kind == AP_DEP_DIR) {
		ap_buf_adds(&out, "{\"dir_info\": {}, \"url\": ");
	} else {
		const char *hex = ap_digest_hex(archive);

		ap_buf_addf(&out,
			"{\"archive_info\": {\"hash\": \"sha256=%s\", \"hashes\": {\"sha256\": "
			"\"%s\"}}, \"url\": ",
			hex, hex);
	}
	add_url(&out, name);
	ap_buf_addc(&out, '}');
	return ap_buf_steal(&out);
}

/* ---- one line ---- */

struct maker {
	struct ap_locals *out;
	const struct ap_dep_request *req;
	const struct ap_locals_opts *o;
	struct ap_err *err;
};

static bool is_source(const struct ap_dep_line *l)
{
	return l->kind == AP_DEP_SDIST || l->kind == AP_DEP_DIR;
}

static bool applies(const struct ap_dep_line *l, const struct ap_marker_env *env)
{
	return ap_marker_eval(l->req.marker, env);
}

bool ap_locals_want_build(const struct ap_dep_request *req, const struct ap_marker_env *env)
{
	for (size_t i = 0; i < req->n_lines; i++) {
		if (is_source(&req->lines[i]) && applies(&req->lines[i], env))
			return true;
	}
	return false;
}

static int build(struct maker *m, char **wheel, const struct ap_dep_line *l)
{
	struct ap_build_opts bo = { .cache_dir = m->o->cache_dir,
		.outputs = &m->req->outputs,
		.uv = m->o->uv,
		.inv = m->o->inv,
		.inside = m->o->inside,
		.progress = m->o->progress,
		.source_tools = m->o->source_tools };

	if (!m->o->uv)
		return ap_err_set(m->err, AP_E_UNSUPPORTED,
			"%s: \"%s\" is a source: a lock takes the wheel that was built of it",
			l->where, l->path);
	if (ap_build_wheel(wheel, l->path, &bo, m->err) < 0)
		return ap_err_wrap(m->err, "%s", l->where);
	return 0;
}

static int check_fit(struct maker *m, const struct ap_dep_line *l, const char *filename)
{
	const struct ap_inventory *inv = m->o->inv;

	if (ap_tags_rank(m->o->tags, filename) != AP_TAGS_NO_FIT)
		return 0;
	return ap_err_set(m->err, AP_E_INPUT,
		"%s: %s does not fit the base: it has Python %u.%u, %s %u.%u, %s", l->where,
		filename, inv->py_major, inv->py_minor, inv->libc, inv->libc_major, inv->libc_minor,
		inv->arch);
}

static int add(struct maker *m, const struct ap_dep_line *l, const char *wheel)
{
	AP_CLEANUP(ap_wheel_name_release) struct ap_wheel_name w = { 0 };
	const char *filename = base_name(wheel);
	struct ap_locked *k;
	struct ap_digest digest, archive;
	uint64_t size;

	if (ap_wheel_name_parse(&w, filename, m->err) < 0)
		return ap_err_wrap(m->err, "%s", l->where);
	if (check_fit(m, l, filename) < 0 ||
		ap_fs_digest(&digest, &size, wheel, UINT64_MAX, m->err) < 0)
		return -1;
	archive = digest;
	if (l->kind == AP_DEP_SDIST &&
		ap_fs_digest(&archive, NULL, l->path, UINT64_MAX, m->err) < 0)
		return -1;
	k = ap_locals_find(m->out, w.name);
	if (k && ap_digest_eq(&k->digest, &digest)) {
		k->requested = k->requested || !l->constraint;
		return 0;
	}
	if (k)
		return ap_err_set(m->err, AP_E_INPUT, "%s: %s and %s are two of one package",
			l->where, k->filename, filename);
	k = ap_lock_add(&m->out->lock);
	k->name = ap_xstrdup(w.name);
	k->version = ap_version_normal(w.version);
	k->filename = ap_xstrdup(filename);
	k->local = ap_xstrdup(wheel);
	k->digest = digest;
	k->size = size;
	k->requested = !l->constraint;
	k->direct_url = direct_url(m->req, l, &archive);
	return 0;
}

/* What a line with --hash names is that file and no other.  A directory has no hash, as with pip. */
static int check_hash(struct maker *m, const struct ap_dep_line *l)
{
	struct ap_digest d;
	bool any = false;

	if (l->kind == AP_DEP_DIR)
		return ap_err_set(m->err, AP_E_INPUT,
			"%s: a directory cannot be compared with a --hash", l->where);
	for (size_t i = 0; i < l->hashes.n; i++)
		any = any || ap_starts_with(l->hashes.v[i], "sha256:");
	if (!any)
		return ap_err_set(m->err, AP_E_INPUT, "%s: %s: want at least one --hash=sha256:...",
			l->where, base_name(l->path));
	if (ap_fs_digest(&d, NULL, l->path, UINT64_MAX, m->err) < 0)
		return -1;
	if (!ap_strv_has(&l->hashes, d.s))
		return ap_err_set(m->err, AP_E_INPUT,
			"%s: %s is %s, which is none of the %zu hashes given for it", l->where,
			base_name(l->path), d.s, l->hashes.n);
	return 0;
}

static int one_line(struct maker *m, size_t i)
{
	const struct ap_dep_line *l = &m->req->lines[i];

	if (!applies(l, m->o->env))
		return 0;
	/* Before anything of it runs. */
	if (l->path && l->hashes.n && check_hash(m, l) < 0)
		return -1;
	if (is_source(l)) {
		if (build(m, &m->out->wheels[i], l) < 0)
			return -1;
	} else if (l->kind == AP_DEP_WHEEL) {
		m->out->wheels[i] = ap_xstrdup(l->path);
	} else {
		return 0;
	}
	return add(m, l, m->out->wheels[i]);
}

int ap_locals_make(struct ap_locals *out, const struct ap_dep_request *req,
	const struct ap_locals_opts *o, struct ap_err *err)
{
	AP_CLEANUP(ap_locals_release) struct ap_locals l = { .n = req->n_lines };
	struct maker m = { &l, req, o, err };

	l.wheels = ap_xcalloc(req->n_lines + 1, sizeof(*l.wheels));
	for (size_t i = 0; i < req->n_lines; i++) {
		if (one_line(&m, i) < 0)
			return -1;
	}
	*out = l;
	l = (struct ap_locals){ 0 };
	return 0;
}

void ap_locals_release(struct ap_locals *l)
{
	ap_lock_release(&l->lock);
	for (size_t i = 0; l->wheels && i < l->n; i++)
		free(l->wheels[i]);
	free(l->wheels);
	*l = (struct ap_locals){ 0 };
}

struct ap_locked *ap_locals_find(struct ap_locals *l, const char *normalized)
{
	for (size_t i = 0; i < l->lock.n; i++) {
		if (strcmp(l->lock.v[i].name, normalized) == 0)
			return &l->lock.v[i];
	}
	return NULL;
}

static bool matters(const char *field)
{
	static const char *const fields[] = { "name", "version", "requires-dist", "requires-python",
		"provides-extra" };

	for (size_t i = 0; i < AP_LEN(fields); i++) {
		if (strcasecmp(field, fields[i]) == 0)
			return true;
	}
	return false;
}

int ap_locals_metadata_key(struct ap_digest *out, const struct ap_locked *l, struct ap_err *err)
{
	AP_CLEANUP(ap_wheel_release) struct ap_wheel w = { 0 };
	AP_CLEANUP(ap_headers_release) struct ap_headers h = { 0 };
	ap_auto_buf text = AP_BUF_MAX(MAX_METADATA);
	ap_auto_buf said = AP_BUF_INIT;
	ap_auto_free char *name = NULL;

	if (ap_wheel_open(&w, l->local, l->filename, err) < 0)
		return -1;
	name = ap_fs_join(w.info_dir, "METADATA");
	if (ap_zip_read(&text, w.zip, ap_zip_find(w.zip, name), err) < 0 ||
		ap_headers_parse(&h, text.p, text.len, err) < 0)
		return ap_err_wrap(err, "%s", l->filename);
	for (size_t i = 0; i < h.names.n; i++) {
		if (matters(h.names.v[i]))
			ap_buf_addf(&said, "%s: %s\n", h.names.v[i], h.values.v[i]);
	}
	ap_sha256_of(out, said.p, said.len);
	return 0;
}
