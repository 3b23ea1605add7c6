#include "deps/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "deps/download.h"

enum { TRANSFERS = 8 };

struct job {
	const struct ap_fetch_opts *o;
	const struct ap_locked *l;
	const struct ap_pool *pool;
	size_t index;
	char *path; /* the result */
};

char *ap_fetch_cache_path(const char *cache_dir, const struct ap_digest *digest)
{
	return ap_xasprintf("%s/wheels/sha256/%s", cache_dir, ap_digest_hex(digest));
}

static int take_local(struct job *j, struct ap_err *err)
{
	bool ok;

	if (ap_download_check(&ok, j->l->local, &j->l->digest, j->l->size, err) < 0)
		return -1;
	if (!ok)
		return ap_err_set(err, AP_E_CHANGED, "%s: is gone or not the file that was locked",
			j->l->local);
	j->path = ap_xstrdup(j->l->local);
	return 0;
}

static void skipped(const struct job *j)
{
	ap_emit(j->o->progress, &(struct ap_event){
					.step = AP_STEP_DOWNLOAD,
					.kind = AP_EV_SKIP,
					.id = j->l->filename,
					.note = "cached",
					.done = j->l->size,
					.total = j->l->size,
				});
}

/* Under the lock of its key: another run may have brought it meanwhile. */
static int take_remote(struct job *j, const char *path, struct ap_err *err)
{
	ap_auto_free char *authorization = NULL;
	bool ok;

	if (ap_download_check(&ok, path, &j->l->digest, j->l->size, err) < 0)
		return -1;
	if (ok) {
		skipped(j);
		return 0;
	}
	if (unlink(path) < 0 && errno != ENOENT)
		return ap_err_sys(err, "remove %s", path);
	if (j->o->offline)
		return ap_err_set(
			err, AP_E_NOT_FOUND, "offline, and %s is not in the cache", j->l->filename);
	if (!j->l->url)
		return ap_err_set(
			err, AP_E_INPUT, "%s: the lock names no place to get it", j->l->filename);
	if (j->o->auth && ap_index_auth_get(&authorization, j->o->auth, j->l->url, err) < 0)
		return -1;
	return ap_download(&(struct ap_download){ .url = j->l->url,
				   .authorization = authorization,
				   .name = j->l->filename,
				   .path = path,
				   .digest = j->l->digest,
				   .size = j->l->size,
				   .pool = j->pool },
		j->o->http, j->o->progress, err);
}

static int run(void *arg, struct ap_err *err)
{
	struct job *j = arg;

	if (j->l->local) {
		if (take_local(j, err) < 0)
			return -1;
	} else {
		ap_auto_free char *path = ap_fetch_cache_path(j->o->cache_dir, &j->l->digest);
		ap_auto_free char *lock = ap_xasprintf(
			"%s/wheels/locks/%s", j->o->cache_dir, ap_digest_hex(&j->l->digest));
		ap_auto_fd int held = -1;

		if (ap_fs_lock(&held, lock, err) < 0 || take_remote(j, path, err) < 0)
			return -1;
		j->path = AP_STEAL(path);
	}
	return j->o->on_wheel ? j->o->on_wheel(j->o->ctx, j->index, j->path, err) : 0;
}

static int by_size(const void *a, const void *b)
{
	const struct job *x = *(struct job *const *)a;
	const struct job *y = *(struct job *const *)b;

	if (x->l->size != y->l->size)
		return x->l->size > y->l->size ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/* Big ones first, so that none is left alone at the end. */
static int run_all(struct job *jobs, size_t n, struct ap_pool *pool, struct ap_err *err)
{
	ap_auto_free struct job **order = ap_xcalloc(n + 1, sizeof(struct job *));

	for (size_t i = 0; i < n; i++)
		order[i] = &jobs[i];
	qsort(order, n, sizeof(struct job *), by_size);
	for (size_t i = 0; i < n; i++)
		ap_pool_submit(pool, run, order[i]);
	return ap_pool_wait(pool, err);
}

static int make_dirs(const struct ap_lock *lock, const struct ap_fetch_opts *o, struct ap_err *err)
{
	ap_auto_free char *wheels = ap_xasprintf("%s/wheels/sha256", o->cache_dir);
	ap_auto_free char *locks = ap_xasprintf("%s/wheels/locks", o->cache_dir);
	bool any = false;

	for (size_t i = 0; i < lock->n; i++) {
		any = any || !lock->v[i].local;
		if (!ap_digest_ok(lock->v[i].digest.s))
			return ap_err_set(err, AP_E_INPUT, "%s: the lock has no sha256 of it",
				lock->v[i].filename);
	}
	if (!any)
		return 0;
	return ap_fs_mkdirs(wheels, 0700, err) < 0 || ap_fs_mkdirs(locks, 0700, err) < 0 ? -1 : 0;
}

int ap_fetch_wheels(struct ap_strv *paths, const struct ap_lock *lock,
	const struct ap_fetch_opts *o, struct ap_err *err)
{
	AP_CLEANUP(ap_pool_freep) struct ap_pool *own = NULL;
	ap_auto_free struct job *jobs = ap_xcalloc(lock->n + 1, sizeof(*jobs));
	struct ap_pool *pool = o->pool;
	int rc;

	if (make_dirs(lock, o, err) < 0)
		return -1;
	if (!pool) {
		ap_pool_new(&own, TRANSFERS);
		pool = own;
	}
	for (size_t i = 0; i < lock->n; i++)
		jobs[i] = (struct job){ .o = o, .l = &lock->v[i], .pool = pool, .index = i };
	rc = run_all(jobs, lock->n, pool, err);
	for (size_t i = 0; i < lock->n; i++) {
		if (rc == 0)
			ap_strv_own(paths, jobs[i].path);
		else
			free(jobs[i].path);
	}
	return rc;
}
