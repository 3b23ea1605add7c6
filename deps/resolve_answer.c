#include "deps/resolve_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/http.h"
#include "deps/linked.h"
#include "deps/sdists.h"

/* direct_url.json of an archive.  Source: recording the direct URL origin (PEP 610). */
static char *direct_url_of(const char *url, const struct ap_digest *d)
{
	const char *hex = ap_digest_hex(d);
	ap_auto_json value = ap_json_string(url);
	ap_auto_buf out = AP_BUF_INIT;

	/* As json.dumps() prints it: a blank behind ',' and ':'. */
	ap_buf_addf(&out, "{\"archive_info\": {\"hash\": \"sha256=%s\", ", hex);
	ap_buf_addf(&out, "\"hashes\": {\"sha256\": \"%s\"}}, \"url\": ", hex);
	ap_json_print(&out, value, 0);
	ap_buf_addc(&out, '}');
	return ap_buf_steal(&out);
}

/* "name==version" or "name @ url": what the base lacks and no file of the user is. */
static void keep_missing(struct ap_buf *add, struct ap_resolving *r, const struct ap_buf *chosen)
{
	struct ap_str rest = ap_str_n(chosen->p, chosen->len);
	struct ap_str line;

	while (ap_str_next(&rest, '\n', &line)) {
		struct ap_requirement q = { 0 };
		struct ap_err err = AP_ERR_INIT;
		ap_auto_free char *text = NULL;
		bool drop;

		line = ap_str_trim(line);
		if (!line.n || line.p[0] == '#' || line.p[0] == '-')
			continue;
		text = ap_xstrndup(line.p, line.n);
		if (ap_requirement_parse(&q, text, &err) < 0)
			continue;
		drop = q.url ? ap_starts_with(q.url, "file:")
			     : ap_starts_with(q.specs, "==") &&
				       ap_resolving_same_in_base(r, q.normalized, q.specs + 2);
		if (!drop)
			ap_buf_addf(add, "%s\n", text);
		else if (q.url)
			ap_resolving_want(&r->from_files, q.normalized);
		ap_requirement_release(&q);
	}
}

static bool has_sha256(const struct ap_strv *hashes)
{
	for (size_t i = 0; i < hashes->n; i++) {
		if (ap_starts_with(hashes->v[i], "sha256:"))
			return true;
	}
	return false;
}

/* The first line that makes hashes wanted, for a message. */
static const char *who_hashes(const struct ap_resolving *r)
{
	for (size_t i = 0; i < r->req->n_lines; i++) {
		if (r->req->lines[i].hashes.n && !r->req->lines[i].locked)
			return r->req->lines[i].where;
	}
	return "requirements.txt";
}

/* A requirement with --hash takes these files only. */
static int check_hashes(const struct ap_resolving *r, struct ap_lock *lock, struct ap_err *err)
{
	ap_auto_strv hashed = { 0 };

	for (size_t i = 0; i < r->req->n_lines; i++) {
		const struct ap_dep_line *q = &r->req->lines[i];
		struct ap_locked *l;

		if (!q->hashes.n || !q->req.normalized || ap_resolving_overridden(r, q) ||
			!ap_resolving_applies(r, q))
			continue;
		ap_resolving_want(&hashed, q->req.normalized);
		l = ap_lock_find(lock, q->req.normalized);
		/* Built of a source: that was compared before. */
		if (l && !l->url && !l->direct_url)
			continue;
		if (l && !has_sha256(&q->hashes))
			return ap_err_set(err, AP_E_INPUT,
				"%s: %s: want at least one --hash=sha256:..., which is what the index tells",
				q->where, l->name);
		if (l && !ap_strv_has(&q->hashes, l->digest.s))
			return ap_err_set(err, AP_E_DIGEST,
				"%s: %s is %s, which is none of the %zu hashes given for it",
				q->where, l->filename, l->digest.s, q->hashes.n);
	}
	/* One hash makes all wanted, as with pip; what is given as a file is its own proof. */
	for (size_t i = 0; r->req->index.require_hashes && i < lock->n; i++) {
		const struct ap_locked *l = &lock->v[i];

		if (l->url && !ap_strv_has(&hashed, l->name) && !ap_strv_has(&r->upgrades, l->name))
			return ap_err_set(err, AP_E_INPUT,
				"%s has hashes, and none for %s==%s, which is needed "
				"too: add \"%s==%s --hash=%s\"",
				who_hashes(r), l->name, l->version, l->name, l->version,
				l->digest.s);
	}
	return 0;
}

/* Fetch and build what comes as source and may be built. */
static int build_sources(
	struct ap_lock *built, struct ap_resolving *r, struct ap_lock *sdists, struct ap_err *err)
{
	ap_auto_strv paths = { 0 };
	struct ap_build_opts bo = { .cache_dir = r->o->cache_dir,
		.uv = &r->uv,
		.inv = r->inv,
		.inside = r->o->inside,
		.progress = r->o->progress,
		.source_tools = ap_resolving_may_build_all(r) };

	if (!sdists->n)
		return 0;
	if (!r->o->fetch)
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"%s: comes as source, which is not fetched here", sdists->v[0].name);
	if (ap_linked_take(sdists, err) < 0 ||
		r->o->fetch(r->o->fetch_ctx, &paths, sdists, err) < 0)
		return -1;
	return ap_sdists_build(built, sdists, &paths, r->uv.dir, &bo, err);
}

/* uv's pylock.toml, with wheels in the place of sources. */
static int read_answer(
	struct ap_lock *lock, struct ap_resolving *r, const struct ap_buf *text, struct ap_err *err)
{
	AP_CLEANUP(ap_lock_release) struct ap_lock sdists = { 0 };
	AP_CLEANUP(ap_lock_release) struct ap_lock built = { 0 };
	ap_auto_strv skip = { 0 };

	if (ap_sdists_find(&sdists, text->p, text->len, &r->tags,
		    ap_resolving_builds(r) || !ap_resolving_asks_base(r) ? r->o->allow_build : NULL,
		    err) < 0)
		return -1;
	for (size_t i = 0; i < sdists.n; i++)
		ap_strv_add(&skip, sdists.v[i].name);
	if (sdists.n && check_hashes(r, &sdists, err) < 0)
		return -1;
	if (ap_lock_parse_for(lock, text->p, text->len, &r->tags, NULL, &skip, err) < 0 ||
		build_sources(&built, r, &sdists, err) < 0)
		return -1;
	for (size_t i = 0; i < built.n; i++)
		ap_lock_take(lock, &built.v[i]);
	return 0;
}

/* Second pass: the files of those versions. */
int ap_resolving_choose_files(struct ap_lock *lock, struct ap_resolving *r,
	const struct ap_buf *chosen, struct ap_err *err)
{
	ap_auto_buf add = AP_BUF_INIT;
	ap_auto_buf text = AP_BUF_MAX(AP_RESOLVING_MAX);

	keep_missing(&add, r, chosen);
	if (!add.len)
		return 0;
	return ap_resolving_ask_files(r, &add, &text, err) < 0 ? -1
							       : read_answer(lock, r, &text, err);
}

/* URLs without passwords: the lock is printed, kept and shared. */
static void strip_url(struct ap_locked *l)
{
	char *clean;

	if (!l->url)
		return;
	clean = ap_url_public(l->url);
	free(l->url);
	l->url = clean;
}

void ap_resolving_name_removes(struct ap_lock *lock, const struct ap_inventory *inv)
{
	ap_strv_release(&lock->removes);
	for (size_t i = 0; i < lock->n; i++) {
		if (ap_inventory_dist(inv, lock->v[i].name))
			ap_strv_add(&lock->removes, lock->v[i].name);
	}
}

int ap_resolving_derive(struct ap_lock *lock, struct ap_resolving *r, struct ap_err *err)
{
	for (size_t i = 0; i < lock->n; i++) {
		if (ap_strv_has(&r->wanted, lock->v[i].name))
			lock->v[i].requested = true;
		strip_url(&lock->v[i]);
	}
	for (size_t i = 0; i < r->req->n_lines; i++) {
		const struct ap_dep_line *q = &r->req->lines[i];
		struct ap_locked *l = NULL;

		if (q->kind == AP_DEP_URL && q->req.normalized)
			l = ap_lock_find(lock, q->req.normalized);
		if (l && l->url)
			l->direct_url = direct_url_of(l->url, &l->digest);
	}
	for (size_t i = 0; i < r->local.lock.n; i++) {
		const struct ap_locked *given = &r->local.lock.v[i];
		struct ap_locked *l;

		if (!given->requested && !ap_strv_has(&r->from_files, given->name))
			continue;
		l = ap_lock_add(lock);
		ap_locked_copy(l, given);
		l->requested = ap_strv_has(&r->wanted, l->name);
	}
	ap_lock_sort(lock);
	ap_resolving_name_removes(lock, r->inv);
	return check_hashes(r, lock, err) < 0 ? -1 : ap_linked_take(lock, err);
}
