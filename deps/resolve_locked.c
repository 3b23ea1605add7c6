#include "deps/resolve_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "deps/linked.h"
#include "deps/version.h"

/* Was the wheel of that name built from source?  Its bytes change with every edit. */
static bool is_built(const struct ap_resolving *r, const char *filename)
{
	for (size_t i = 0; i < r->req->n_lines; i++) {
		const char *wheel = r->local.wheels[i];
		const char *slash = wheel ? strrchr(wheel, '/') : NULL;

		if (slash && r->req->lines[i].kind != AP_DEP_WHEEL &&
			strcmp(slash + 1, filename) == 0)
			return true;
	}
	return false;
}

/*
 * Give the local wheels of a lock their places on this machine: by digest,
 * and what was built from the user's sources by its name.
 */
static bool attach_local(const struct ap_resolving *r, struct ap_lock *lock)
{
	const struct ap_lock *local = &r->local.lock;

	for (size_t i = 0; i < lock->n; i++) {
		struct ap_locked *l = &lock->v[i];

		if (l->url)
			continue;
		for (size_t k = 0; k < local->n && !l->local; k++) {
			if (!ap_digest_eq(&local->v[k].digest, &l->digest) &&
				!(strcmp(local->v[k].filename, l->filename) == 0 &&
					is_built(r, l->filename)))
				continue;
			l->digest = local->v[k].digest;
			l->size = local->v[k].size;
			l->local = ap_xstrdup(local->v[k].local);
		}
		if (!l->local && r->o)
			l->local = ap_lock_cache_wheel(r->o->cache_dir, &l->digest);
		if (!l->local)
			l->local = ap_linked_find(&r->index.find_links, l->filename, &l->digest);
		if (!l->local)
			return false;
	}
	return true;
}

/* Is what the request names in the lock, or else in the base? */
static int check_wanted(
	const struct ap_resolving *r, const struct ap_lock *lock, struct ap_err *err)
{
	for (size_t i = 0; i < r->req->n_lines; i++) {
		const struct ap_dep_line *q = &r->req->lines[i];
		const struct ap_locked *l;
		const struct ap_dist *d;
		const char *version;
		ap_auto_buf text = AP_BUF_INIT;

		if (q->constraint || (q->kind != AP_DEP_NAMED && q->kind != AP_DEP_URL) ||
			!q->req.normalized || !ap_resolving_applies(r, q))
			continue;
		l = ap_lock_find(lock, q->req.normalized);
		d = ap_inventory_dist(r->inv, q->req.normalized);
		version = l ? l->version : d ? d->version : NULL;
		if (version &&
			(q->kind == AP_DEP_URL || !*q->req.specs || ap_resolving_overridden(r, q) ||
				ap_specifiers_match(q->req.specs, version)))
			continue;
		ap_requirement_print(&text, &q->req, q->req.specs, NULL);
		return ap_err_set(err, AP_E_INPUT,
			"%s: %s %s%s%s, and %s wants %s; write the lock anew with --lock-out",
			r->req->lock_file, l ? "has" : "has no", q->req.name,
			l         ? " "
			: version ? ", the base has "
				  : "",
			version ? version : "", q->where, text.p);
	}
	return 0;
}

int ap_resolve_locked(struct ap_lock *out, const struct ap_dep_request *req,
	const struct ap_inventory *inv, const struct ap_resolve_opts *o, struct ap_err *err)
{
	AP_CLEANUP(ap_resolving_release) struct ap_resolving r = { .req = req, .inv = inv, .o = o };
	AP_CLEANUP(ap_lock_release) struct ap_lock all = { 0 };
	AP_CLEANUP(ap_lock_release) struct ap_lock lock = { 0 };
	ap_auto_buf text = AP_BUF_MAX(AP_RESOLVING_MAX);
	char minor[32], full[32];
	struct ap_marker_env env = ap_resolving_marker_env(inv, minor, full);

	if (o)
		ap_index_config_read(&r.index, &req->index, ap_resolving_env(&r));
	if (ap_tags_make(&r.tags, inv, err) < 0 || ap_fs_read(&text, req->lock_file, err) < 0 ||
		ap_resolving_make_locals(&r, err) < 0)
		return -1;
	ap_resolving_read_lines(&r);
	if (ap_lock_parse_for(&all, text.p, text.len, &r.tags, &env, NULL, err) < 0)
		return ap_err_wrap(err, "%s", req->lock_file);
	for (size_t i = 0; i < all.n; i++) {
		if (ap_strv_has(&r.wanted, all.v[i].name))
			all.v[i].requested = true;
		if (!ap_resolving_same_in_base(&r, all.v[i].name, all.v[i].version) ||
			!all.v[i].url)
			ap_lock_take(&lock, &all.v[i]);
	}
	if (!attach_local(&r, &lock))
		return ap_err_set(err, AP_E_INPUT,
			"%s: names a local wheel by its digest that is neither an extra package nor in a "
			"directory of --find-links",
			req->lock_file);
	/* A lock of another tool does not know the wheels that lie here. */
	for (size_t i = 0; i < r.local.lock.n; i++) {
		const struct ap_locked *given = &r.local.lock.v[i];
		const struct ap_locked *l = ap_lock_find(&lock, given->name);

		if (!given->requested)
			continue;
		if (l && !ap_digest_eq(&l->digest, &given->digest))
			return ap_err_set(err, AP_E_INPUT,
				"%s: %s is locked as %s, and %s is given", req->lock_file, l->name,
				l->digest.s, given->filename);
		if (!l)
			ap_locked_copy(ap_lock_add(&lock), given);
	}
	if (check_wanted(&r, &lock, err) < 0)
		return -1;
	ap_lock_sort(&lock);
	ap_resolving_name_removes(&lock, inv);
	*out = lock;
	lock = (struct ap_lock){ 0 };
	return 0;
}
