#include "deps/inventory.h"

#include <stdlib.h>
#include <string.h>

#include "deps/dists.h"
#include "deps/inputs.h"
#include "deps/names.h"
#include "deps/paths.h"
#include "deps/pip_inspect.h"

static void get_str(char **out, const cJSON *j, const char *name)
{
	const char *s = ap_json_str(j, name);

	*out = s ? ap_xstrdup(s) : NULL;
}

static void get_list(struct ap_strv *out, const cJSON *j, const char *name)
{
	const cJSON *a = ap_json_get(j, name);
	const cJSON *v;

	cJSON_ArrayForEach(v, a)
	{
		if (cJSON_IsString(v))
			ap_strv_add(out, v->valuestring);
	}
}

static bool get_bool(const cJSON *j, const char *name)
{
	return cJSON_IsTrue(ap_json_get(j, name));
}

static void get_version(const cJSON *j, const char *name, unsigned *v, size_t n)
{
	const char *s = ap_json_str(j, name);

	for (size_t i = 0; s && i < n && ap_is_digit(*s); i++) {
		char *end;

		v[i] = (unsigned)AP_MIN(strtoul(s, &end, 10), 9999ul);
		s = *end == '.' ? end + 1 : end;
	}
}

/* Absolute, and the same when cleaned: nothing else comes out of a reading. */
static bool path_ok(const char *s)
{
	ap_auto_free char *clean = ap_path_clean(s);

	return s[0] == '/' && strcmp(clean, s) == 0;
}

static int check_path(const char *s, const char *what, struct ap_err *err)
{
	if (!s || !path_ok(s))
		return ap_err_set(err, AP_E_INPUT,
			"inventory: %s: want an absolute path, found \"%s\"", what, s ? s : "");
	return 0;
}

static int dist_from_json(struct ap_dist *d, const cJSON *j, struct ap_err *err)
{
	get_str(&d->name, j, "name");
	get_str(&d->version, j, "version");
	get_str(&d->path, j, "path");
	get_str(&d->site, j, "site");
	get_str(&d->installer, j, "installer");
	get_str(&d->requires_python, j, "requiresPython");
	d->has_record = get_bool(j, "hasRecord");
	d->removable = get_bool(j, "removable");
	get_list(&d->requires, j, "requires");
	get_list(&d->files, j, "files");
	if (!d->name || !d->version || !ap_names_ok(d->name, strlen(d->name)))
		return ap_err_set(
			err, AP_E_INPUT, "inventory: a distribution without name or version");
	d->normalized = ap_name_normalize(d->name, strlen(d->name));
	for (size_t i = 0; i < d->files.n; i++) {
		if (check_path(d->files.v[i], d->name, err) < 0)
			return -1;
	}
	if (check_path(d->path, d->name, err) < 0)
		return -1;
	return check_path(d->site, d->name, err);
}

static int scheme_from_json(struct ap_scheme *s, const cJSON *j, struct ap_err *err)
{
	get_str(&s->prefix, j, "prefix");
	get_str(&s->purelib, j, "purelib");
	get_str(&s->platlib, j, "platlib");
	get_str(&s->scripts, j, "scripts");
	get_str(&s->data, j, "data");
	get_str(&s->headers, j, "headers");
	get_str(&s->interpreter, j, "interpreter");
	if (check_path(s->prefix, "scheme.prefix", err) < 0 ||
		check_path(s->purelib, "scheme.purelib", err) < 0 ||
		check_path(s->platlib, "scheme.platlib", err) < 0 ||
		check_path(s->scripts, "scheme.scripts", err) < 0 ||
		check_path(s->data, "scheme.data", err) < 0 ||
		check_path(s->headers, "scheme.headers", err) < 0)
		return -1;
	return check_path(s->interpreter, "scheme.interpreter", err);
}

/* "a", and "a/b" where directories are nested deeper than JSON may be. */
static bool name_ok(const char *s)
{
	struct ap_str rest = ap_str(s);
	struct ap_str part;

	while (ap_str_next(&rest, '/', &part)) {
		if (!part.n || ap_str_eq(part, ".") || ap_str_eq(part, ".."))
			return false;
	}
	return true;
}

static int tree_from_json(
	struct ap_paths *p, const cJSON *j, struct ap_buf *path, struct ap_err *err)
{
	const cJSON *c;

	cJSON_ArrayForEach(c, j)
	{
		size_t len = path->len;
		struct ap_path_op op = { .type = AP_OP_FILE, .mode = 0755 };

		if (!c->string || !name_ok(c->string))
			return ap_err_set(err, AP_E_INPUT, "inventory: tree: a name that is none");
		if (len)
			ap_buf_addc(path, '/');
		ap_buf_adds(path, c->string);
		op.path = path->p;
		if (cJSON_IsObject(c)) {
			op.type = AP_OP_DIR;
		} else if (cJSON_IsString(c)) {
			op.type = AP_OP_LINK;
			op.target = c->valuestring;
		}
		if (ap_paths_apply(p, &op, err) < 0 ||
			(cJSON_IsObject(c) && tree_from_json(p, c, path, err) < 0))
			return -1;
		ap_buf_truncate(path, len);
	}
	return 0;
}

static void inventory_freep(struct ap_inventory **i)
{
	ap_inventory_free(*i);
}

static int dists_from_json(struct ap_inventory *inv, const cJSON *j, struct ap_err *err)
{
	const cJSON *a = ap_json_get(j, "distributions");
	const cJSON *d;

	inv->dists = ap_xcalloc((size_t)cJSON_GetArraySize(a) + 1, sizeof(*inv->dists));
	cJSON_ArrayForEach(d, a)
	{
		if (dist_from_json(&inv->dists[inv->n_dists++], d, err) < 0)
			return -1;
	}
	ap_dists_sort(inv);
	return 0;
}

static int pip_from_json(struct ap_base_pip *b, const cJSON *j, struct ap_err *err)
{
	b->known = get_bool(j, "known");
	get_str(&b->error, j, "error");
	get_list(&b->settings, j, "settings");
	get_list(&b->constraints, j, "constraints");
	if (b->settings.n % 3 || b->constraints.n % 2)
		return ap_err_set(err, AP_E_INPUT,
			"inventory: pip: want \"settings\" by threes and \"constraints\" by twos");
	return 0;
}

int ap_inventory_from_json(struct ap_inventory **out, const cJSON *j, struct ap_err *err)
{
	AP_CLEANUP(inventory_freep) struct ap_inventory *inv = ap_xcalloc(1, sizeof(*inv));
	ap_auto_buf path = AP_BUF_INIT;
	unsigned v[3] = { 0 };
	unsigned libc[2] = { 0 };

	inv->paths = ap_paths_new();
	if (ap_pip_inspect_is(j)) {
		if (ap_pip_inspect_read(inv, j, err) < 0)
			return -1;
		*out = AP_STEAL(inv);
		return 0;
	}
	if (!ap_streq(ap_json_str(j, "format"), AP_INVENTORY_FORMAT))
		return ap_err_set(err, AP_E_INPUT,
			"inventory: want \"format\": \"" AP_INVENTORY_FORMAT "\", found %s%s%s",
			ap_json_str(j, "format") ? "\"" : "",
			ap_json_str(j, "format") ? ap_json_str(j, "format") : "none",
			ap_json_str(j, "format") ? "\"" : "");
	get_str(&inv->os, j, "os");
	get_str(&inv->arch, j, "arch");
	get_str(&inv->libc, j, "libc");
	get_version(j, "libcVersion", libc, 2);
	inv->libc_major = libc[0];
	inv->libc_minor = libc[1];
	inv->has_python = get_bool(j, "hasPython");
	inv->has_python3 = get_bool(j, "hasPython3");
	get_str(&inv->python_at, j, "pythonAt");
	get_str(&inv->python3_at, j, "python3At");
	get_str(&inv->python_path, j, "python");
	get_str(&inv->implementation, j, "implementation");
	get_version(j, "pythonVersion", v, 3);
	inv->py_major = v[0];
	inv->py_minor = v[1];
	inv->py_micro = v[2];
	inv->externally_managed = get_bool(j, "externallyManaged");
	inv->venv = get_bool(j, "venv");
	get_list(&inv->site_dirs, j, "siteDirs");
	if (!inv->os || !inv->arch)
		return ap_err_set(err, AP_E_INPUT, "inventory: want \"os\" and \"arch\"");
	if ((inv->python_at && check_path(inv->python_at, "pythonAt", err) < 0) ||
		(inv->python3_at && check_path(inv->python3_at, "python3At", err) < 0))
		return -1;
	if ((inv->python_path &&
		    scheme_from_json(&inv->scheme, ap_json_get(j, "scheme"), err) < 0) ||
		pip_from_json(&inv->pip, ap_json_get(j, "pip"), err) < 0 ||
		dists_from_json(inv, j, err) < 0 ||
		tree_from_json(inv->paths, ap_json_get(j, "tree"), &path, err) < 0)
		return -1;
	*out = AP_STEAL(inv);
	return 0;
}
