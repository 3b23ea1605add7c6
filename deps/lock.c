#include "deps/lock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/toml.h"
#include "deps/names.h"
#include "deps/version.h"
#include "deps/wheel.h"

#define MAX_PACKAGES 10000

static void locked_release(struct ap_locked *l)
{
	free(l->name);
	free(l->version);
	free(l->filename);
	free(l->url);
	free(l->local);
	free(l->direct_url);
	*l = (struct ap_locked){ 0 };
}

void ap_lock_release(struct ap_lock *l)
{
	for (size_t i = 0; i < l->n; i++)
		locked_release(&l->v[i]);
	free(l->v);
	ap_strv_release(&l->removes);
	*l = (struct ap_lock){ 0 };
}

struct ap_locked *ap_lock_add(struct ap_lock *l)
{
	AP_GROW(l->v, l->n, l->cap);
	l->v[l->n] = (struct ap_locked){ 0 };
	return &l->v[l->n++];
}

struct ap_locked *ap_lock_find(const struct ap_lock *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].name, name) == 0)
			return &l->v[i];
	}
	return NULL;
}

void ap_lock_take(struct ap_lock *to, struct ap_locked *from)
{
	*ap_lock_add(to) = *from;
	*from = (struct ap_locked){ 0 };
}

static int by_name(const void *a, const void *b)
{
	const struct ap_locked *x = a;
	const struct ap_locked *y = b;

	return strcmp(x->name, y->name);
}

void ap_lock_sort(struct ap_lock *l)
{
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), by_name);
	ap_strv_sort(&l->removes);
}

/* A basic string.  Source: TOML v1.0.0, String. */
static void print_string(struct ap_buf *out, const char *s)
{
	ap_buf_addc(out, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			ap_buf_addf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			ap_buf_addf(out, "\\u%04X", c);
		else
			ap_buf_addc(out, *s);
	}
	ap_buf_addc(out, '"');
}

static void print_key(struct ap_buf *out, const char *key, const char *value)
{
	ap_buf_addf(out, "%s = ", key);
	print_string(out, value);
	ap_buf_addc(out, '\n');
}

static void print_package(struct ap_buf *out, const struct ap_locked *l, uint64_t size)
{
	ap_buf_adds(out, "\n[[packages]]\n");
	print_key(out, "name", l->name);
	print_key(out, "version", l->version);
	ap_buf_adds(out, "wheels = [{ name = ");
	print_string(out, l->filename);
	/* A local file is named by its digest; where it lay on this machine says nothing elsewhere. */
	ap_buf_adds(out, l->url ? ", url = " : ", path = ");
	print_string(out, l->url ? l->url : l->filename);
	if (size)
		ap_buf_addf(out, ", size = %" PRIu64, size);
	ap_buf_addf(out, ", hashes = { sha256 = \"%s\" } }]\n", ap_digest_hex(&l->digest));
	if (!l->requested && !l->direct_url)
		return;
	ap_buf_adds(out, "[packages.tool.autopack]\n");
	if (l->requested)
		ap_buf_adds(out, "requested = true\n");
	if (l->direct_url)
		print_key(out, "direct-url", l->direct_url);
}

static void print(struct ap_buf *out, const struct ap_lock *l, bool sizes)
{
	ap_buf_adds(out, "lock-version = \"1.0\"\ncreated-by = \"autopack\"\n");
	if (!l->n)
		ap_buf_adds(out, "packages = []\n");
	for (size_t i = 0; i < l->n; i++)
		print_package(out, &l->v[i], sizes ? l->v[i].size : 0);
	if (!l->removes.n)
		return;
	ap_buf_adds(out, "\n[tool.autopack]\nremoves = [");
	for (size_t i = 0; i < l->removes.n; i++) {
		ap_buf_adds(out, i ? ", " : "");
		print_string(out, l->removes.v[i]);
	}
	ap_buf_adds(out, "]\n");
}

void ap_lock_print(struct ap_buf *out, const struct ap_lock *l)
{
	print(out, l, true);
}

/* Not every index tells sizes; the wheels are the same ones. */
void ap_lock_digest(struct ap_digest *out, const struct ap_lock *l)
{
	ap_auto_buf text = AP_BUF_INIT;

	print(&text, l, false);
	ap_sha256_of(out, text.p, text.len);
}

/* The last part of a URL or path, percent-decoded.  *out: owned. */
static char *base_name(const char *s)
{
	size_t n = strcspn(s, "?#");
	const char *from = s;
	ap_auto_buf b = AP_BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '/')
			from = s + i + 1;
	}
	for (; from < s + n; from++) {
		char hex[3] = { 0 };

		if (*from == '%' && s + n - from > 2) {
			char *end;
			unsigned long c;

			memcpy(hex, from + 1, 2);
			c = strtoul(hex, &end, 16);
			if (*end == '\0' && c > 0x20 && c < 0x7f && c != '/') {
				ap_buf_addc(&b, (char)c);
				from += 2;
				continue;
			}
		}
		ap_buf_addc(&b, *from);
	}
	return ap_buf_steal(&b);
}

/* One of `wheels`, or `archive`, as a place to get the package from. */
struct candidate {
	const cJSON *j;
	char *filename;
	size_t rank;
	uint64_t build; /* leading number of the build tag */
};

static void candidate_release(struct candidate *c)
{
	free(c->filename);
}

static char *file_name_of(const cJSON *j)
{
	const char *name = ap_json_str(j, "name");
	const char *where = ap_json_str(j, "url");

	if (name)
		return ap_xstrdup(name);
	if (!where)
		where = ap_json_str(j, "path");
	return where ? base_name(where) : NULL;
}

/* "1" of foo-1.0-1_x-py3-none-any.whl.  Source: binary distribution format, build tag. */
static uint64_t build_number(const char *filename)
{
	AP_CLEANUP(ap_wheel_name_release) struct ap_wheel_name w = { 0 };
	struct ap_err err = AP_ERR_INIT;

	if (ap_wheel_name_parse(&w, filename, &err) < 0 || !w.build)
		return 0;
	return strtoull(w.build, NULL, 10) + 1;
}

static void consider(struct candidate *best, const cJSON *j, const struct ap_tags *tags)
{
	ap_auto_free char *filename = file_name_of(j);
	size_t rank;

	if (!filename)
		return;
	rank = !tags ? 0 : ap_tags_rank(tags, filename);
	if (!tags && !ap_ends_with(filename, ".whl"))
		rank = AP_TAGS_NO_FIT;
	if (rank == AP_TAGS_NO_FIT || (best->j && rank > best->rank) ||
		(best->j && rank == best->rank && build_number(filename) <= best->build))
		return;
	free(best->filename);
	best->build = build_number(filename);
	best->j = j;
	best->filename = AP_STEAL(filename);
	best->rank = rank;
}

static int choose(
	struct candidate *best, const cJSON *pkg, const struct ap_tags *tags, struct ap_err *err)
{
	const char *name = ap_json_str(pkg, "name");
	const cJSON *wheels = ap_json_get(pkg, "wheels");
	const cJSON *archive = ap_json_get(pkg, "archive");

	if (cJSON_IsObject(archive))
		consider(best, archive, tags);
	if (cJSON_IsArray(wheels)) {
		const cJSON *w;

		cJSON_ArrayForEach(w, wheels) consider(best, w, tags);
	}
	if (best->j)
		return 0;
	if (cJSON_IsArray(wheels) && wheels->child)
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"%s: none of its %d wheels fits the base's Python and platform", name,
			cJSON_GetArraySize(wheels));
	if (cJSON_IsObject(ap_json_get(pkg, "directory")))
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"%s: a directory, which is no wheel: leave it out of the lock (\"uv export "
			"--no-emit-project --no-emit-workspace\"); the working directory's own project "
			"is installed all the same, another as an extra package",
			name);
	return ap_err_set(err, AP_E_UNSUPPORTED,
		"%s: there is no wheel, only source: allow it to be built with --allow-build=%s",
		name, name);
}

static int read_hash(struct ap_digest *out, const cJSON *file, const char *name, struct ap_err *err)
{
	const cJSON *hashes = ap_json_get(file, "hashes");
	const char *hex = hashes ? ap_json_str(hashes, "sha256") : NULL;

	if (!hex || !ap_digest_from_hex(out, hex, strlen(hex)))
		return ap_err_set(err, AP_E_INPUT,
			"%s: want hashes = { sha256 = \"<64 hex>\" }, found %s", name,
			hex ? hex : "none");
	return 0;
}

static int check_name(const char *name, struct ap_err *err)
{
	ap_auto_free char *normal = NULL;

	if (!ap_names_ok(name, strlen(name)))
		return ap_err_set(err, AP_E_INPUT, "\"%.80s\" is no name of a package", name);
	normal = ap_name_normalize(name, strlen(name));
	if (strcmp(normal, name) != 0)
		return ap_err_set(
			err, AP_E_INPUT, "name \"%s\" is not normalized: \"%s\"", name, normal);
	return 0;
}

static int read_package(
	struct ap_lock *lock, const cJSON *pkg, const struct ap_tags *tags, struct ap_err *err)
{
	AP_CLEANUP(candidate_release) struct candidate best = { 0 };
	AP_CLEANUP(ap_wheel_name_release) struct ap_wheel_name w = { 0 };
	const cJSON *tool = ap_json_get(ap_json_get(pkg, "tool"), "autopack");
	const cJSON *size;
	struct ap_digest digest;
	struct ap_locked *l;
	const char *name;
	const char *url;
	const char *text;

	if (ap_json_need_str(&name, pkg, "name", err) < 0) {
		err->code = AP_E_INPUT;
		return -1;
	}
	if (check_name(name, err) < 0 || choose(&best, pkg, tags, err) < 0 ||
		read_hash(&digest, best.j, name, err) < 0 ||
		ap_wheel_name_parse(&w, best.filename, err) < 0)
		return -1;
	if (strcmp(w.name, name) != 0)
		return ap_err_set(
			err, AP_E_INPUT, "%s: wheel %s is of another package", name, best.filename);
	url = ap_json_str(best.j, "url");
	l = ap_lock_add(lock);
	l->name = ap_xstrdup(name);
	text = ap_json_str(pkg, "version");
	l->version = ap_xstrdup(text ? text : w.version);
	l->filename = AP_STEAL(best.filename);
	l->url = url ? ap_xstrdup(url) : NULL;
	l->digest = digest;
	size = ap_json_get(best.j, "size");
	if (cJSON_IsNumber(size) && size->valuedouble > 0 && size->valuedouble < 1e15)
		l->size = (uint64_t)size->valuedouble;
	l->requested = cJSON_IsTrue(ap_json_get(tool, "requested"));
	text = ap_json_str(tool, "direct-url");
	l->direct_url = text ? ap_xstrdup(text) : NULL;
	return 0;
}

/* Source: PEP 751, requires-python and environments. */
static int check_environment(const cJSON *j, const struct ap_marker_env *env, struct ap_err *err)
{
	const char *python = ap_json_str(j, "requires-python");
	const cJSON *list = ap_json_get(j, "environments");
	const cJSON *c;

	if (python && !ap_specifiers_match(python, env->python_full_version))
		return ap_err_set(err, AP_E_INPUT, "the lock is for Python %s, and the base has %s",
			python, env->python_full_version);
	if (!cJSON_IsArray(list) || !list->child)
		return 0;
	cJSON_ArrayForEach(c, list)
	{
		if (cJSON_IsString(c) && ap_marker_eval(c->valuestring, env))
			return 0;
	}
	return ap_err_set(err, AP_E_INPUT,
		"the lock is for other environments than the base's (Python %s on %s)",
		env->python_full_version, env->platform_machine);
}

static bool left_out(const cJSON *pkg, const struct ap_marker_env *env, const struct ap_strv *skip)
{
	const char *marker = ap_json_str(pkg, "marker");
	const char *name = ap_json_str(pkg, "name");

	if (skip && name && ap_strv_has(skip, name))
		return true;
	return env && marker && !ap_marker_eval(marker, env);
}

static int read_all(struct ap_lock *lock, const cJSON *j, const struct ap_tags *tags,
	const struct ap_marker_env *env, const struct ap_strv *skip, struct ap_err *err)
{
	const char *version = ap_json_str(j, "lock-version");
	const cJSON *packages = ap_json_get(j, "packages");
	const cJSON *removes =
		ap_json_get(ap_json_get(ap_json_get(j, "tool"), "autopack"), "removes");
	const cJSON *c;

	if (!version && ap_json_get(j, "version") && ap_json_get(j, "package"))
		return ap_err_set(err, AP_E_INPUT,
			"this is uv's own lock, which is read without --lock where it lies beside "
			"pyproject.toml; for --lock, make one with \"uv export --no-emit-project --format=pylock.toml\"");
	if (!version || !ap_starts_with(version, "1."))
		return ap_err_set(err, AP_E_INPUT, "want lock-version = \"1.0\", found %s",
			version ? version : "none");
	if (cJSON_GetArraySize(packages) > MAX_PACKAGES)
		return ap_err_set(err, AP_E_LIMIT, "more than %d packages", MAX_PACKAGES);
	if (env && check_environment(j, env, err) < 0)
		return -1;
	cJSON_ArrayForEach(c, packages)
	{
		if (!left_out(c, env, skip) && read_package(lock, c, tags, err) < 0)
			return -1;
	}
	cJSON_ArrayForEach(c, removes)
	{
		if (cJSON_IsString(c))
			ap_strv_add(&lock->removes, c->valuestring);
	}
	ap_lock_sort(lock);
	for (size_t i = 1; i < lock->n; i++) {
		if (strcmp(lock->v[i - 1].name, lock->v[i].name) == 0)
			return ap_err_set(err, AP_E_INPUT,
				"%s is locked twice; a lock for several environments is not understood",
				lock->v[i].name);
	}
	return 0;
}

int ap_lock_parse_for(struct ap_lock *out, const char *p, size_t n, const struct ap_tags *tags,
	const struct ap_marker_env *env, const struct ap_strv *skip, struct ap_err *err)
{
	AP_CLEANUP(ap_lock_release) struct ap_lock lock = { 0 };
	ap_auto_json j = NULL;

	if (ap_toml_parse(&j, p, n, err) < 0 || read_all(&lock, j, tags, env, skip, err) < 0)
		return -1;
	*out = lock;
	lock = (struct ap_lock){ 0 };
	return 0;
}

int ap_lock_parse(struct ap_lock *out, const char *p, size_t n, const struct ap_tags *tags,
	struct ap_err *err)
{
	return ap_lock_parse_for(out, p, n, tags, NULL, NULL, err);
}
