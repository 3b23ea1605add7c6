#include "deps/resolve_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "deps/base_pip.h"
#include "deps/version.h"

void ap_resolving_release(struct ap_resolving *r)
{
	ap_tags_release(&r->tags);
	ap_index_config_release(&r->index);
	ap_index_config_release(&r->on_base);
	ap_strv_release(&r->notes);
	ap_locals_release(&r->local);
	ap_strv_release(&r->wanted);
	ap_strv_release(&r->upgrades);
	ap_strv_release(&r->from_files);
	ap_strv_release(&r->unknown);
	ap_uv_release(&r->uv);
}

struct ap_marker_env ap_resolving_marker_env(
	const struct ap_inventory *inv, char *minor, char *full)
{
	snprintf(minor, 32, "%u.%u", inv->py_major, inv->py_minor);
	snprintf(full, 32, "%u.%u.%u", inv->py_major, inv->py_minor, inv->py_micro);
	return (struct ap_marker_env){ .python_version = minor,
		.python_full_version = full,
		.sys_platform = "linux",
		.platform_system = "Linux",
		.platform_machine = ap_tags_arch(inv->arch),
		.implementation = "cpython" };
}

bool ap_resolving_applies(const struct ap_resolving *r, const struct ap_dep_line *l)
{
	char minor[32], full[32];
	struct ap_marker_env env = ap_resolving_marker_env(r->inv, minor, full);

	return ap_marker_eval(l->req.marker, &env);
}

void ap_resolving_want(struct ap_strv *names, const char *name)
{
	if (name && !ap_strv_has(names, name))
		ap_strv_add(names, name);
}

ap_getenv_fn ap_resolving_env(const struct ap_resolving *r)
{
	return r->o->env ? r->o->env : ap_uv_getenv;
}

/* Names that are wanted, names to upgrade. */
void ap_resolving_read_lines(struct ap_resolving *r)
{
	for (size_t i = 0; i < r->req->n_lines; i++) {
		const struct ap_dep_line *l = &r->req->lines[i];

		if (l->constraint || !ap_resolving_applies(r, l))
			continue;
		ap_resolving_want(&r->wanted, l->req.normalized);
		if (l->upgrade && l->req.normalized)
			ap_resolving_want(&r->upgrades, l->req.normalized);
	}
	for (size_t i = 0; i < r->local.lock.n; i++) {
		if (r->local.lock.v[i].requested)
			ap_resolving_want(&r->wanted, r->local.lock.v[i].name);
	}
}

bool ap_resolving_may_build_all(const struct ap_resolving *r)
{
	return r->o->allow_build && ap_strv_has(r->o->allow_build, ":all:");
}

/* May uv build what it is asked for?  That comes from no place that only the base names. */
bool ap_resolving_builds(const struct ap_resolving *r)
{
	return r->building || ap_resolving_may_build_all(r);
}

/* Is there a place that only the base names? */
bool ap_resolving_asks_base(const struct ap_resolving *r)
{
	ap_auto_strv ours = { 0 };
	ap_auto_strv all = { 0 };
	ap_auto_free char *a = NULL;
	ap_auto_free char *b = NULL;

	ap_index_config_public(&ours, &r->index);
	ap_index_config_public(&all, &r->on_base);
	a = ap_strv_join(&ours, " ");
	b = ap_strv_join(&all, " ");
	return strcmp(a, b) != 0;
}

/* Check and hash the wheels that are here; build those that are source. */
int ap_resolving_make_locals(struct ap_resolving *r, struct ap_err *err)
{
	char minor[32], full[32];
	struct ap_marker_env env = ap_resolving_marker_env(r->inv, minor, full);
	struct ap_locals_opts lo = { .cache_dir = r->o ? r->o->cache_dir : NULL,
		.inv = r->inv,
		.tags = &r->tags,
		.env = &env,
		.inside = r->o ? r->o->inside : NULL,
		.progress = r->o ? r->o->progress : NULL,
		.source_tools = r->o && ap_resolving_may_build_all(r) };

	if (r->o && ap_locals_want_build(r->req, &env)) {
		if (ap_resolving_open_uv(r, err) < 0)
			return -1;
		lo.uv = &r->uv;
	}
	return ap_locals_make(&r->local, r->req, &lo, err);
}

/* Is there a line of the flag that names the same package?  That one rules. */
bool ap_resolving_overridden(const struct ap_resolving *r, const struct ap_dep_line *l)
{
	return !l->upgrade && l->kind == AP_DEP_NAMED && l->req.normalized &&
	       ap_strv_has(&r->upgrades, l->req.normalized);
}

const struct ap_dist *ap_resolving_same_in_base(
	const struct ap_resolving *r, const char *name, const char *version)
{
	const struct ap_dist *d = ap_inventory_dist(r->inv, name);

	return d && ap_version_same(d->version, version) ? d : NULL;
}

/* What installing this would break in the base: told, not refused, as pip does. */
static void warn_broken(const struct ap_resolving *r, struct ap_lock *lock)
{
	char minor[32], full[32];
	struct ap_marker_env env = ap_resolving_marker_env(r->inv, minor, full);

	for (size_t i = 0; i < r->inv->n_dists; i++) {
		const struct ap_dist *d = &r->inv->dists[i];

		if (ap_lock_find(lock, d->normalized))
			continue;
		for (size_t k = 0; k < d->requires.n; k++) {
			struct ap_requirement q = { 0 };
			struct ap_err err = AP_ERR_INIT;
			struct ap_locked *l;

			if (ap_requirement_parse(&q, d->requires.v[k], &err) < 0)
				continue;
			l = ap_lock_find(lock, q.normalized);
			if (l && *q.specs && ap_marker_eval(q.marker, &env) &&
				!ap_specifiers_match(q.specs, l->version))
				ap_emit_warn(r->o->progress, AP_STEP_RESOLVE,
					"%s %s of the base wants %s%s, and gets %s %s", d->name,
					d->version, q.name, q.specs, l->name, l->version);
			ap_requirement_release(&q);
		}
	}
}

/* Said when the lock is made, not again by each build that uses it. */
static void tell_managed(const struct ap_resolving *r, const struct ap_lock *lock)
{
	if (r->inv->externally_managed && lock->n)
		ap_emit_note(r->o->progress, AP_STEP_RESOLVE,
			"the base's Python is marked EXTERNALLY-MANAGED: packages go to %s, as with "
			"pip's --break-system-packages",
			r->inv->scheme.purelib);
}

static void tell_base_pip(const struct ap_resolving *r)
{
	size_t n = r->inv->pip.constraints.n / 2;

	for (size_t i = 0; i < r->notes.n; i++)
		ap_emit_note(r->o->progress, AP_STEP_RESOLVE, "%s", r->notes.v[i]);
	if (n && !ap_pip_says("constraint", ap_resolving_env(r)))
		ap_emit_note(r->o->progress, AP_STEP_RESOLVE,
			"pip in the base is told %zu constraint%s (from %s)", n, n == 1 ? "" : "s",
			r->inv->pip.constraints.v[0]);
	if (r->o->allow_build && r->o->allow_build->n && ap_resolving_asks_base(r))
		ap_emit_note(r->o->progress, AP_STEP_RESOLVE,
			"--allow-build: what is built here comes from no place that only the base names");
}

static int resolve_anew(struct ap_lock *out, struct ap_resolving *r, struct ap_err *err)
{
	AP_CLEANUP(ap_lock_release) struct ap_lock lock = { 0 };
	ap_auto_buf chosen = AP_BUF_MAX(AP_RESOLVING_MAX);

	ap_emit(r->o->progress,
		&(struct ap_event){ .step = AP_STEP_RESOLVE, .kind = AP_EV_START, .id = "uv" });
	tell_base_pip(r);
	if (ap_resolving_open_uv(r, err) < 0 || ap_resolving_choose_versions(r, &chosen, err) < 0 ||
		ap_resolving_choose_files(&lock, r, &chosen, err) < 0 ||
		ap_resolving_derive(&lock, r, err) < 0)
		return -1;
	for (size_t i = 0; i < r->unknown.n; i++)
		ap_emit_debug(r->o->progress, AP_STEP_RESOLVE,
			"%s of the base has a version that uv cannot read", r->unknown.v[i]);
	warn_broken(r, &lock);
	tell_managed(r, &lock);
	ap_emit(r->o->progress,
		&(struct ap_event){ .step = AP_STEP_RESOLVE, .kind = AP_EV_DONE, .id = "uv" });
	*out = lock;
	lock = (struct ap_lock){ 0 };
	return 0;
}

static int cache_path(char **out, struct ap_resolving *r, struct ap_err *err)
{
	ap_auto_free char *platform = ap_uv_platform(r->inv);
	struct ap_lock_cache_key k = { .req = r->req,
		.inv = r->inv,
		.tags = &r->tags,
		.index = &r->on_base,
		.allow_build = r->o->allow_build,
		.locals = &r->local,
		.platform = platform };

	return ap_lock_cache_path(out, r->o->cache_dir, &k, err);
}

static unsigned base_flags(const struct ap_resolve_opts *o)
{
	return (o->private_base ? AP_BASE_PIP_PRIVATE : 0u) |
	       (o->allow_build && o->allow_build->n ? AP_BASE_PIP_NO_URLS : 0u);
}

static int resolve_in(struct ap_lock *out, const struct ap_dep_request *req,
	const struct ap_inventory *inv, const struct ap_resolve_opts *o, struct ap_err *err)
{
	AP_CLEANUP(ap_resolving_release) struct ap_resolving r = { .req = req, .inv = inv, .o = o };
	ap_auto_free char *path = NULL;
	struct ap_err ignored = AP_ERR_INIT;

	if (ap_tags_make(&r.tags, inv, err) < 0)
		return -1;
	ap_index_config_read(&r.index, &req->index, ap_resolving_env(&r));
	if (ap_base_pip_index(&r.on_base, &r.notes, &req->index, inv, ap_resolving_env(&r),
		    base_flags(o), err) < 0 ||
		ap_resolving_make_locals(&r, err) < 0 || cache_path(&path, &r, err) < 0)
		return -1;
	ap_resolving_read_lines(&r);
	if (!o->refresh &&
		ap_lock_cache_get(out, path, o->cache_dir, &r.local, &r.index.find_links)) {
		ap_emit(o->progress, &(struct ap_event){ .step = AP_STEP_RESOLVE,
					     .kind = AP_EV_SKIP,
					     .id = "lock",
					     .note = "same inputs on the same base within a day" });
		return 0;
	}
	if (resolve_anew(out, &r, err) < 0)
		return -1;
	if (ap_lock_cache_put(path, out, &ignored) < 0)
		ap_emit_debug(o->progress, AP_STEP_RESOLVE, "lock not kept: %s", ignored.msg);
	return 0;
}

/* Children run in directories of their own: no path given to them may be relative. */
static int absolute_cache(char **out, const char *cache_dir, struct ap_err *err)
{
	if (ap_fs_mkdirs(cache_dir, 0700, err) < 0)
		return -1;
	*out = realpath(cache_dir, NULL);
	return *out ? 0 : ap_err_sys(err, "%s", cache_dir);
}

int ap_resolve(struct ap_lock *out, const struct ap_dep_request *req,
	const struct ap_inventory *inv, const struct ap_resolve_opts *o, struct ap_err *err)
{
	ap_auto_free char *cache = NULL;
	struct ap_resolve_opts here = *o;
	struct ap_dep_request limited;
	int rc;

	if (absolute_cache(&cache, o->cache_dir, err) < 0)
		return -1;
	here.cache_dir = cache;
	if (req->lock_file)
		return ap_resolve_locked(out, req, inv, &here, err);
	if (ap_base_pip_limit(
		    &limited, req, inv, o->env ? o->env : ap_uv_getenv, base_flags(o), err) < 0)
		return -1;
	rc = resolve_in(out, &limited, inv, &here, err);
	ap_base_pip_unlimit(&limited, req);
	return rc;
}
