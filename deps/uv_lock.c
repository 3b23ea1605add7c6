#include "deps/uv_lock.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/toml.h"
#include "deps/names.h"

#define MAX_PACKAGES 10000

static void package_release(struct ap_uv_package *p)
{
	free(p->name);
	free(p->version);
	free(p->where);
	free(p->marker);
	ap_strv_release(&p->deps);
	ap_strv_release(&p->extras);
	ap_strv_release(&p->hashes);
	ap_strv_release(&p->requires);
	*p = (struct ap_uv_package){ 0 };
}

void ap_uv_lock_release(struct ap_uv_lock *l)
{
	for (size_t i = 0; i < l->n; i++)
		package_release(&l->v[i]);
	free(l->v);
	*l = (struct ap_uv_lock){ 0 };
}

static int read_source(struct ap_uv_package *p, const cJSON *j, struct ap_err *err)
{
	static const struct {
		const char *key;
		enum ap_uv_source source;
	} kinds[] = { { "registry", AP_UV_REGISTRY }, { "url", AP_UV_URL }, { "git", AP_UV_GIT },
		{ "path", AP_UV_FILE }, { "directory", AP_UV_DIR }, { "editable", AP_UV_DIR },
		{ "virtual", AP_UV_VIRTUAL } };
	const cJSON *source = ap_json_get(j, "source");

	for (size_t i = 0; i < AP_LEN(kinds); i++) {
		const char *where = source ? ap_json_str(source, kinds[i].key) : NULL;

		if (where) {
			p->source = kinds[i].source;
			p->where = ap_xstrdup(where);
			return 0;
		}
	}
	return ap_err_set(err, AP_E_INPUT,
		"package \"%s\": want a source: registry, url, git, path, directory, editable or "
		"virtual",
		p->name);
}

/* "(a) or (b)" of resolution-markers. */
static char *any_of(const cJSON *list)
{
	struct ap_buf b = AP_BUF_INIT;
	const cJSON *c;

	cJSON_ArrayForEach(c, list)
	{
		if (cJSON_IsString(c))
			ap_buf_addf(&b, "%s(%s)", b.len ? " or " : "", c->valuestring);
	}
	if (!b.len)
		return NULL;
	return ap_buf_steal(&b);
}

/* The name of a dependency entry, and its extras. */
static void add_dependency(struct ap_strv *out, const char *prefix, const cJSON *dep)
{
	const char *name = ap_json_str(dep, "name");
	const cJSON *extras = ap_json_get(dep, "extra");
	const cJSON *c;

	if (!name || !ap_names_ok(name, strlen(name)))
		return;
	ap_strv_addf(out, "%s%s", prefix, name);
	cJSON_ArrayForEach(c, extras)
	{
		if (cJSON_IsString(c))
			ap_strv_addf(out, "%s%s[%s]", prefix, name, c->valuestring);
	}
}

static void read_dependencies(struct ap_uv_package *p, const cJSON *j)
{
	const cJSON *optional = ap_json_get(j, "optional-dependencies");
	const cJSON *list = ap_json_get(j, "dependencies");
	const cJSON *extra;
	const cJSON *c;

	cJSON_ArrayForEach(c, list) add_dependency(&p->deps, "", c);
	cJSON_ArrayForEach(extra, optional)
	{
		ap_auto_free char *prefix = ap_xasprintf("%s=", extra->string);

		cJSON_ArrayForEach(c, extra) add_dependency(&p->extras, prefix, c);
	}
}

static void add_hash(struct ap_strv *out, const cJSON *file)
{
	const char *hash = ap_json_str(file, "hash");

	if (hash && ap_digest_ok(hash))
		ap_strv_add(out, hash);
}

static void read_hashes(struct ap_uv_package *p, const cJSON *j)
{
	const cJSON *wheels = ap_json_get(j, "wheels");
	const cJSON *sdist = ap_json_get(j, "sdist");
	const cJSON *c;

	cJSON_ArrayForEach(c, wheels) add_hash(&p->hashes, c);
	if (sdist)
		add_hash(&p->hashes, sdist);
}

/* [package.metadata] requires-dist, for a project that nobody builds. */
static void read_requires(struct ap_uv_package *p, const cJSON *j)
{
	const cJSON *list = ap_json_get(ap_json_get(j, "metadata"), "requires-dist");
	const cJSON *c;

	cJSON_ArrayForEach(c, list)
	{
		const char *name = ap_json_str(c, "name");
		const char *specifier = ap_json_str(c, "specifier");
		const char *marker = ap_json_str(c, "marker");
		const cJSON *extras = ap_json_get(c, "extras");
		ap_auto_buf text = AP_BUF_INIT;
		const cJSON *e;

		if (!name)
			continue;
		ap_buf_adds(&text, name);
		cJSON_ArrayForEach(e, extras)
		{
			if (cJSON_IsString(e))
				ap_buf_addf(&text, "%c%s", e == extras->child ? '[' : ',',
					e->valuestring);
		}
		ap_buf_addf(&text, "%s%s%s%s", cJSON_GetArraySize(extras) ? "]" : "",
			specifier ? specifier : "", marker ? " ; " : "", marker ? marker : "");
		ap_strv_own(&p->requires, ap_buf_steal(&text));
	}
}

static int read_package(struct ap_uv_lock *l, const cJSON *j, struct ap_err *err)
{
	const char *name = ap_json_str(j, "name");
	const char *version = ap_json_str(j, "version");
	struct ap_uv_package *p;

	if (!name || !ap_names_ok(name, strlen(name)))
		return ap_err_set(err, AP_E_INPUT, "a package without a name");
	AP_GROW(l->v, l->n, l->cap);
	p = &l->v[l->n++];
	*p = (struct ap_uv_package){ 0 };
	p->name = ap_name_normalize(name, strlen(name));
	p->version = version ? ap_xstrdup(version) : NULL;
	p->marker = any_of(ap_json_get(j, "resolution-markers"));
	read_dependencies(p, j);
	read_hashes(p, j);
	read_requires(p, j);
	return read_source(p, j, err);
}

int ap_uv_lock_parse(struct ap_uv_lock *out, const char *p, size_t n, struct ap_err *err)
{
	AP_CLEANUP(ap_uv_lock_release) struct ap_uv_lock l = { 0 };
	ap_auto_json j = NULL;
	const cJSON *version;
	const cJSON *list;
	const cJSON *c;

	if (ap_toml_parse(&j, p, n, err) < 0)
		return -1;
	version = ap_json_get(j, "version");
	if (!cJSON_IsNumber(version) || version->valuedouble != 1)
		return ap_err_set(err, AP_E_INPUT, "want version = 1, found %s",
			cJSON_IsNumber(version) ? "another" : ap_json_type(version));
	list = ap_json_get(j, "package");
	if (cJSON_GetArraySize(list) > MAX_PACKAGES)
		return ap_err_set(err, AP_E_LIMIT, "more than %d packages", MAX_PACKAGES);
	cJSON_ArrayForEach(c, list)
	{
		if (read_package(&l, c, err) < 0)
			return -1;
	}
	*out = l;
	l = (struct ap_uv_lock){ 0 };
	return 0;
}

/* Queue "name" or "name[extra]" once. */
static void push(struct ap_strv *queue, const char *what)
{
	if (!ap_strv_has(queue, what))
		ap_strv_add(queue, what);
}

static void follow(struct ap_uv_package *p, const char *extra, struct ap_strv *queue)
{
	size_t n = extra ? strlen(extra) : 0;

	p->reached = true;
	for (size_t i = 0; !extra && i < p->deps.n; i++)
		push(queue, p->deps.v[i]);
	for (size_t i = 0; extra && i < p->extras.n; i++) {
		if (strncmp(p->extras.v[i], extra, n) == 0 && p->extras.v[i][n] == '=')
			push(queue, p->extras.v[i] + n + 1);
	}
}

void ap_uv_lock_reach(struct ap_uv_lock *l, size_t root)
{
	ap_auto_strv queue = { 0 };

	follow(&l->v[root], NULL, &queue);
	/* The queue grows while it is read; entries stay, so each is followed once. */
	for (size_t i = 0; i < queue.n; i++) {
		ap_auto_free char *name = ap_xstrdup(queue.v[i]);
		char *open = strchr(name, '[');
		char *extra = NULL;

		if (open) {
			*open = '\0';
			extra = open + 1;
			extra[strlen(extra) - 1] = '\0';
		}
		for (size_t k = 0; k < l->n; k++) {
			if (strcmp(l->v[k].name, name) == 0)
				follow(&l->v[k], extra, &queue);
		}
	}
}
