#include "cli/packages.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "cli/env.h"
#include "deps/build.h"
#include "deps/source_tree.h"
#include "vertex/storage.h"

void ap_packages_release(struct ap_packages *p)
{
	ap_strv_release(&p->local);
	ap_strv_release(&p->remote);
}

/* The last part of the real path: "." has a name, too. */
static char *last_part(const char *path)
{
	ap_auto_free char *real = realpath(path, NULL);
	const char *slash = strrchr(real ? real : path, '/');

	return ap_xstrdup(slash && slash[1] ? slash + 1 : "package");
}

static int check_project(const char *dir, struct ap_err *err)
{
	ap_auto_free char *setup = ap_fs_join(dir, "setup.py");
	ap_auto_free char *pyproject = ap_fs_join(dir, "pyproject.toml");

	if (ap_fs_is_file(setup) || ap_fs_is_file(pyproject))
		return 0;
	return ap_err_set(err, AP_E_INPUT,
		"directory \"%.200s\" has neither setup.py nor pyproject.toml: no package is built "
		"of it",
		dir);
}

static int check_file(const char *path, struct ap_err *err)
{
	static const char *const endings[] = { ".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2",
		".tar" };

	if (!ap_fs_is_file(path))
		return ap_err_set(err, AP_E_INPUT,
			"\"%.200s\": there is no such file or directory here", path);
	for (size_t i = 0; i < AP_LEN(endings); i++) {
		if (ap_ends_with(path, endings[i]))
			return 0;
	}
	return ap_err_set(err, AP_E_INPUT,
		"\"%.200s\": want a wheel, an sdist (.tar.gz) or a project's directory", path);
}

/* The URI of one local package.  *out: owned. */
static int name_one(char **out, const char *path, const char *staging, struct ap_err *err)
{
	ap_auto_free char *last = last_part(path);
	ap_auto_free char *name = NULL;
	struct ap_digest digest;

	if (ap_fs_is_dir(path)) {
		if (check_project(path, err) < 0 ||
			ap_source_tree(&digest, path, NULL, NULL, err) < 0)
			return -1;
		name = ap_xasprintf("%s.tar.gz", last);
	} else {
		if (check_file(path, err) < 0 ||
			ap_fs_digest(&digest, NULL, path, UINT64_MAX, err) < 0)
			return -1;
		name = AP_STEAL(last);
	}
	return ap_gs_package_uri(out, staging, &digest, name, err);
}

struct naming {
	struct ap_packages *p;
	struct ap_jobspec *job;
	const char *staging;
	bool flag;
};

static int at_uri(const struct naming *n, size_t pool, size_t i, struct ap_err *err)
{
	ap_auto_free char *path = ap_xasprintf(
		"job_spec.worker_pool_specs[%zu].python_package_spec.package_uris[%zu]", pool, i);
	ap_auto_free char *where = n->flag ? NULL : ap_jobspec_where(n->job, path);

	if (err->code == AP_E_IO)
		err->code = AP_E_INPUT;
	return ap_err_wrap(err, "%s", where ? where : "--python-package-uris");
}

static int name_uri(const struct naming *n, cJSON *uri, struct ap_err *err)
{
	ap_auto_free char *remote = NULL;

	if (!n->staging)
		return ap_err_set(err, AP_E_USAGE,
			"\"%.100s\" is local; give --staging-bucket=gs://BUCKET to upload it to",
			uri->valuestring);
	if (name_one(&remote, uri->valuestring, n->staging, err) < 0)
		return -1;
	if (!ap_strv_has(&n->p->remote, remote)) {
		ap_strv_add(&n->p->local, uri->valuestring);
		ap_strv_add(&n->p->remote, remote);
	}
	cJSON_SetValuestring(uri, remote);
	return 0;
}

int ap_packages_name(struct ap_packages *p, struct ap_jobspec *job, const char *staging, bool flag,
	struct ap_err *err)
{
	const cJSON *output = ap_json_get(ap_jobspec_spec(job), "baseOutputDirectory");
	struct naming n = { .p = p, .job = job, .flag = flag };
	cJSON *pools = ap_jobspec_pools(job);
	size_t pool = 0;

	n.staging = staging ? staging : ap_json_str(output, "outputUriPrefix");
	for (cJSON *w = pools->child; w; w = w->next, pool++) {
		const cJSON *package = ap_json_get(w, "pythonPackageSpec");
		cJSON *uris = cJSON_GetObjectItemCaseSensitive(package, "packageUris");
		size_t i = 0;

		for (cJSON *u = uris ? uris->child : NULL; u; u = u->next, i++) {
			if (strstr(u->valuestring, "://"))
				continue;
			if (name_uri(&n, u, err) < 0)
				return at_uri(&n, pool, i, err);
		}
	}
	return 0;
}

static int build(char **sdist, const char *dir, const char *cache_dir, struct ap_progress *progress,
	struct ap_err *err)
{
	struct ap_dep_index none = { 0 };
	struct ap_index_config index = { 0 };
	AP_CLEANUP(ap_uv_release) struct ap_uv uv = { 0 };
	struct ap_uv_opts uo = { .cache_dir = cache_dir, .index = &index, .env = ap_env_lookup };
	struct ap_build_opts bo = { .cache_dir = cache_dir, .uv = &uv, .progress = progress };
	int rc;

	if (!cache_dir)
		return ap_err_set(err, AP_E_USAGE,
			"--cache-dir is missing: \"%.200s\" is built, and there is no home "
			"directory to keep the result in",
			dir);
	ap_index_config_read(&index, &none, ap_env_lookup);
	rc = ap_uv_open(&uv, &uo, err);
	if (rc == 0)
		rc = ap_build_sdist(sdist, dir, &bo, err);
	ap_index_config_release(&index);
	return rc;
}

int ap_packages_upload(
	const struct ap_packages *p, struct ap_vertex *v, const char *cache_dir, struct ap_err *err)
{
	for (size_t i = 0; i < p->local.n; i++) {
		const char *path = p->local.v[i];
		ap_auto_free char *sdist = NULL;

		if (ap_fs_is_dir(path) &&
			build(&sdist, path, cache_dir, ap_vertex_progress(v), err) < 0)
			return -1;
		if (ap_gs_upload(v, p->remote.v[i], sdist ? sdist : path, err) < 0)
			return ap_err_wrap(err, "upload %s", path);
	}
	return 0;
}
