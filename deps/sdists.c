#include "deps/sdists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/toml.h"
#include "deps/fetch.h"
#include "deps/request.h"
#include "deps/version.h"
#include "deps/wheel.h"

bool ap_sdists_allowed(const struct ap_strv *allow, const char *name)
{
	return allow && (ap_strv_has(allow, ":all:") || ap_strv_has(allow, name));
}

static char *file_name(const cJSON *file)
{
	const char *name = ap_json_str(file, "name");
	const char *url = ap_json_str(file, "url");
	const char *from;
	size_t n;

	if (name)
		return ap_xstrdup(name);
	if (!url)
		return NULL;
	n = strcspn(url, "?#");
	for (from = url + n; from > url && from[-1] != '/';)
		from--;
	return ap_xstrndup(from, (size_t)(url + n - from));
}

static bool has_wheel(const cJSON *pkg, const struct ap_tags *tags)
{
	const cJSON *wheels = ap_json_get(pkg, "wheels");
	const cJSON *w;

	cJSON_ArrayForEach(w, wheels)
	{
		ap_auto_free char *name = file_name(w);

		if (name && ap_tags_rank(tags, name) != AP_TAGS_NO_FIT)
			return true;
	}
	return false;
}

/* A name that can be a file of its own in a directory of ours. */
static bool plain_name(const char *s)
{
	return s && *s && s[0] != '.' && !strchr(s, '/') && ap_dep_archive_kind(s) == AP_DEP_SDIST;
}

static int add(struct ap_lock *out, const cJSON *pkg, const cJSON *file, struct ap_err *err)
{
	const char *name = ap_json_str(pkg, "name");
	const char *version = ap_json_str(pkg, "version");
	const cJSON *hashes = ap_json_get(file, "hashes");
	const char *hex = hashes ? ap_json_str(hashes, "sha256") : NULL;
	const char *url = ap_json_str(file, "url");
	ap_auto_free char *filename = file_name(file);
	struct ap_digest d;
	struct ap_locked *l;

	if (!url || !plain_name(filename))
		return ap_err_set(err, AP_E_INPUT,
			"%s: want a source archive (.tar.gz, .zip) with an address, found \"%s\"",
			name, filename ? filename : "");
	if (!hex || !ap_digest_from_hex(&d, hex, strlen(hex)))
		return ap_err_set(
			err, AP_E_INPUT, "%s: %s: want hashes = { sha256 = ... }", name, filename);
	l = ap_lock_add(out);
	l->name = ap_xstrdup(name);
	l->version = version ? ap_xstrdup(version) : NULL;
	l->filename = AP_STEAL(filename);
	l->url = ap_xstrdup(url);
	l->digest = d;
	return 0;
}

int ap_sdists_find(struct ap_lock *out, const char *p, size_t n, const struct ap_tags *tags,
	const struct ap_strv *allow, struct ap_err *err)
{
	ap_auto_json j = NULL;
	const cJSON *pkg;

	if (!allow || !allow->n)
		return 0;
	if (ap_toml_parse(&j, p, n, err) < 0)
		return -1;
	cJSON_ArrayForEach(pkg, ap_json_get(j, "packages"))
	{
		const char *name = ap_json_str(pkg, "name");
		const cJSON *sdist = ap_json_get(pkg, "sdist");
		const cJSON *archive = ap_json_get(pkg, "archive");
		ap_auto_free char *given = archive ? file_name(archive) : NULL;

		if (!sdist && given && !ap_ends_with(given, ".whl"))
			sdist = archive;
		if (!name || !sdist || has_wheel(pkg, tags) || !ap_sdists_allowed(allow, name))
			continue;
		if (add(out, pkg, sdist, err) < 0)
			return -1;
	}
	return 0;
}

/* The build wants a file by its real name; the cache has it by its digest. */
static int name_it(
	char **out, const char *cached, const char *dir, const char *filename, struct ap_err *err)
{
	ap_auto_free char *path = ap_fs_join(dir, filename);

	if (link(cached, path) < 0 && symlink(cached, path) < 0 && errno != EEXIST)
		return ap_err_sys(err, "%s", path);
	*out = AP_STEAL(path);
	return 0;
}

/* Found again by its digest when the lock is reused. */
static int keep_wheel(
	const char *wheel, const char *cache_dir, const struct ap_digest *d, struct ap_err *err)
{
	ap_auto_free char *path = ap_fetch_cache_path(cache_dir, d);
	ap_auto_free char *dir = ap_xstrdup(path);
	ap_auto_buf bytes = AP_BUF_MAX(1u << 30);

	*strrchr(dir, '/') = '\0';
	if (ap_fs_mkdirs(dir, 0700, err) < 0)
		return -1;
	if (link(wheel, path) == 0 || errno == EEXIST)
		return 0;
	return ap_fs_read(&bytes, wheel, err) < 0
		       ? -1
		       : ap_fs_write(path, bytes.p, bytes.len, 0600, err);
}

static int build_one(struct ap_lock *built, const struct ap_locked *s, const char *cached,
	const char *dir, const struct ap_build_opts *o, struct ap_err *err)
{
	AP_CLEANUP(ap_wheel_name_release) struct ap_wheel_name w = { 0 };
	ap_auto_free char *source = NULL;
	ap_auto_free char *wheel = NULL;
	const char *filename;
	struct ap_locked *l;
	struct ap_digest d;

	if (name_it(&source, cached, dir, s->filename, err) < 0 ||
		ap_build_wheel(&wheel, source, o, err) < 0)
		return -1;
	filename = strrchr(wheel, '/') ? strrchr(wheel, '/') + 1 : wheel;
	if (ap_wheel_name_parse(&w, filename, err) < 0)
		return -1;
	if (strcmp(w.name, s->name) != 0 || (s->version && !ap_version_same(w.version, s->version)))
		return ap_err_set(err, AP_E_INPUT, "%s: builds %s, which is not %s %s", s->filename,
			filename, s->name, s->version ? s->version : "");
	if (ap_fs_digest(&d, NULL, wheel, UINT64_MAX, err) < 0 ||
		keep_wheel(wheel, o->cache_dir, &d, err) < 0)
		return -1;
	l = ap_lock_add(built);
	l->name = ap_xstrdup(s->name);
	l->version = ap_version_normal(w.version);
	l->filename = ap_xstrdup(filename);
	l->local = ap_fetch_cache_path(o->cache_dir, &d);
	l->digest = d;
	return 0;
}

int ap_sdists_build(struct ap_lock *built, const struct ap_lock *sdists,
	const struct ap_strv *paths, const char *dir, const struct ap_build_opts *o,
	struct ap_err *err)
{
	ap_auto_free char *sources = ap_fs_join(dir, "sources");

	if (ap_fs_mkdirs(sources, 0700, err) < 0)
		return -1;
	for (size_t i = 0; i < sdists->n; i++) {
		ap_auto_free char *own = ap_fs_join(sources, sdists->v[i].name);

		if (ap_fs_mkdirs(own, 0700, err) < 0 ||
			build_one(built, &sdists->v[i], paths->v[i], own, o, err) < 0)
			return ap_err_wrap(err, "--allow-build=%s", sdists->v[i].name);
	}
	return 0;
}
