#include "deps/lock_cache.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fs.h"
#include "deps/fetch.h"
#include "deps/linked.h"

#define MAX_TEXT (32 << 20)

static void hash_text(struct ap_sha256 *h, const char *s)
{
	ap_sha256_update(h, s ? s : "", s ? strlen(s) : 0);
	ap_sha256_update(h, "", 1);
}

static void hash_list(struct ap_sha256 *h, const struct ap_strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		hash_text(h, l->v[i]);
	hash_text(h, "\1");
}

static void hash_line(struct ap_sha256 *h, const struct ap_dep_line *l)
{
	ap_auto_buf text = AP_BUF_INIT;

	if (l->req.normalized)
		ap_requirement_print(&text, &l->req, l->req.specs, l->req.marker);
	ap_buf_addf(&text, "\n%d %d %d", (int)l->kind, l->upgrade, l->constraint);
	hash_text(h, text.p);
	hash_list(h, &l->req.extras);
	hash_list(h, &l->hashes);
}

static void hash_base(struct ap_sha256 *h, const struct ap_lock_cache_key *k)
{
	hash_text(h, k->platform);
	for (size_t i = 0; i < k->tags->v.n; i++)
		hash_text(h, k->tags->v.v[i]);
	ap_auto_free char *python =
		ap_xasprintf("%u.%u.%u", k->inv->py_major, k->inv->py_minor, k->inv->py_micro);

	hash_text(h, python);
	for (size_t i = 0; i < k->inv->n_dists; i++) {
		hash_text(h, k->inv->dists[i].normalized);
		hash_text(h, k->inv->dists[i].version);
		hash_list(h, &k->inv->dists[i].requires);
	}
}

/*
 * What a directory of this machine offers: an archive more, or another one,
 * is another answer.  Those of requirements files are among the files already.
 */
static void hash_links(struct ap_sha256 *h, const char *place)
{
	ap_auto_strv seen = { 0 };
	DIR *d = opendir(place);

	hash_text(h, place);
	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
		struct stat st;

		if (ap_dep_archive_kind(e->d_name) != AP_DEP_NAMED &&
			fstatat(dirfd(d), e->d_name, &st, 0) == 0)
			ap_strv_addf(&seen, "%s %jd %jd.%09ld", e->d_name, (intmax_t)st.st_size,
				(intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	}
	if (d)
		closedir(d);
	ap_strv_sort(&seen);
	hash_list(h, &seen);
}

static void hash_request(struct ap_sha256 *h, const struct ap_lock_cache_key *k)
{
	ap_auto_strv urls = { 0 };

	/* Of the files only archives matter, which --find-links may offer: lines say the rest. */
	for (size_t i = 0; i < k->req->n_files; i++) {
		if (ap_dep_archive_kind(k->req->files[i].path) == AP_DEP_NAMED)
			continue;
		hash_text(h, k->req->files[i].path);
		hash_text(h, k->req->files[i].digest.s);
	}
	for (size_t i = 0; i < k->req->n_lines; i++)
		hash_line(h, &k->req->lines[i]);
	ap_index_config_public(&urls, k->index);
	hash_list(h, &urls);
	for (size_t i = 0; i < k->index->find_links.n; i++) {
		const char *place = k->index->find_links.v[i];

		if (place[0] == '/' && !ap_strv_has(&k->req->index.find_links, place))
			hash_links(h, place);
	}
	hash_list(h, &k->req->index.no_binary);
	hash_list(h, &k->req->index.only_binary);
	if (k->allow_build)
		hash_list(h, k->allow_build);
}

int ap_lock_cache_path(
	char **out, const char *cache_dir, const struct ap_lock_cache_key *k, struct ap_err *err)
{
	struct ap_sha256 h;
	struct ap_digest d;
	int rc = 0;

	ap_sha256_init(&h);
	hash_text(&h, "autopack lock 2 " AP_VERSION);
	hash_base(&h, k);
	hash_request(&h, k);
	for (size_t i = 0; i < k->locals->lock.n && rc == 0; i++) {
		rc = ap_locals_metadata_key(&d, &k->locals->lock.v[i], err);
		if (rc == 0)
			hash_text(&h, d.s);
	}
	ap_sha256_final(&h, &d);
	ap_sha256_release(&h);
	if (rc < 0)
		return -1;
	*out = ap_xasprintf("%s/locks/%s.toml", cache_dir, ap_digest_hex(&d));
	return 0;
}

static char *copy(const char *s)
{
	return s ? ap_xstrdup(s) : NULL;
}

void ap_locked_copy(struct ap_locked *to, const struct ap_locked *from)
{
	*to = (struct ap_locked){
		.digest = from->digest, .size = from->size, .requested = from->requested
	};
	to->name = copy(from->name);
	to->version = copy(from->version);
	to->filename = copy(from->filename);
	to->url = copy(from->url);
	to->local = copy(from->local);
	to->direct_url = copy(from->direct_url);
}

char *ap_lock_cache_wheel(const char *cache_dir, const struct ap_digest *digest)
{
	ap_auto_free char *path = ap_fetch_cache_path(cache_dir, digest);

	return ap_fs_is_file(path) ? AP_STEAL(path) : NULL;
}

/* A project may have been built anew since: same metadata, other bytes. */
static bool renew_locals(struct ap_lock *lock, const char *cache_dir,
	const struct ap_locals *locals, const struct ap_strv *links)
{
	struct ap_lock out = { 0 };
	bool ok = true;

	for (size_t i = 0; i < lock->n && ok; i++) {
		const struct ap_locked *l = &lock->v[i];
		const struct ap_locked *now = l->url ? l : ap_lock_find(&locals->lock, l->name);
		struct ap_locked *to = ap_lock_add(&out);

		ap_locked_copy(to, now ? now : l);
		to->requested = l->requested;
		if (!now)
			to->local = ap_lock_cache_wheel(cache_dir, &l->digest);
		if (!now && !to->local)
			to->local = ap_linked_find(links, l->filename, &l->digest);
		ok = now || to->local;
	}
	ap_strv_copy(&out.removes, &lock->removes);
	ap_lock_release(lock);
	*lock = out;
	return ok;
}

bool ap_lock_cache_get(struct ap_lock *out, const char *path, const char *cache_dir,
	const struct ap_locals *locals, const struct ap_strv *links)
{
	AP_CLEANUP(ap_lock_release) struct ap_lock lock = { 0 };
	ap_auto_buf text = AP_BUF_MAX(MAX_TEXT);
	struct ap_err err = AP_ERR_INIT;
	time_t now = time(NULL);
	struct stat st;

	if (stat(path, &st) < 0 || now - st.st_mtime > AP_RESOLVE_REUSE || st.st_mtime > now + 60)
		return false;
	if (ap_fs_read(&text, path, &err) < 0 ||
		ap_lock_parse(&lock, text.p, text.len, NULL, &err) < 0 ||
		!renew_locals(&lock, cache_dir, locals, links))
		return false;
	*out = lock;
	lock = (struct ap_lock){ 0 };
	return true;
}

int ap_lock_cache_put(const char *path, const struct ap_lock *lock, struct ap_err *err)
{
	ap_auto_free char *dir = ap_xstrdup(path);
	ap_auto_buf text = AP_BUF_INIT;

	*strrchr(dir, '/') = '\0';
	ap_lock_print(&text, lock);
	if (ap_fs_mkdirs(dir, 0700, err) < 0)
		return -1;
	return ap_fs_write(path, text.p, text.len, 0600, err);
}
