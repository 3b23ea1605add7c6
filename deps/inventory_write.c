#include "deps/inventory.h"

#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "deps/paths.h"

enum { PIECE = 64 << 10, NESTED = AP_JSON_DEPTH - 4 };

/* The text goes out piece by piece: an image has too many paths to be held a second time. */
struct writer {
	int fd;
	struct ap_buf text;
	struct ap_err *err;
};

static int flush(struct writer *w, size_t from)
{
	if (w->text.len < from)
		return 0;
	if (ap_write_all(w->fd, w->text.p, w->text.len, w->err) < 0)
		return -1;
	ap_buf_reset(&w->text);
	return 0;
}

static void separate(struct writer *w, bool first)
{
	if (!first)
		ap_buf_addc(&w->text, ',');
}

/* JSON is UTF-8, names in an image need not be: their other bytes become %XX. */
static void put_string(struct writer *w, const char *s)
{
	ap_auto_buf escaped = AP_BUF_INIT;

	if (ap_utf8_ok(s, strlen(s))) {
		ap_json_print_string(&w->text, s);
		return;
	}
	for (; *s; s++) {
		if ((unsigned char)*s < 0x80)
			ap_buf_addc(&escaped, *s);
		else
			ap_buf_addf(&escaped, "%%%02X", (unsigned char)*s);
	}
	ap_json_print_string(&w->text, escaped.p);
}

static void put_key(struct writer *w, const char *name, bool first)
{
	separate(w, first);
	ap_json_print_string(&w->text, name);
	ap_buf_addc(&w->text, ':');
}

/* NULL: no member. */
static void put_text(struct writer *w, const char *name, const char *value)
{
	if (!value)
		return;
	put_key(w, name, false);
	put_string(w, value);
}

static void put_bool(struct writer *w, const char *name, bool value)
{
	put_key(w, name, false);
	ap_buf_adds(&w->text, value ? "true" : "false");
}

static int put_list(struct writer *w, const char *name, const struct ap_strv *l)
{
	put_key(w, name, false);
	ap_buf_addc(&w->text, '[');
	for (size_t i = 0; i < l->n; i++) {
		separate(w, i == 0);
		put_string(w, l->v[i]);
		if (flush(w, PIECE) < 0)
			return -1;
	}
	ap_buf_addc(&w->text, ']');
	return 0;
}

static int put_dist(struct writer *w, const struct ap_dist *d)
{
	ap_buf_addc(&w->text, '{');
	put_key(w, "name", true);
	put_string(w, d->name);
	put_text(w, "version", d->version);
	put_text(w, "path", d->path);
	put_text(w, "site", d->site);
	put_text(w, "installer", d->installer);
	put_bool(w, "hasRecord", d->has_record);
	put_bool(w, "removable", d->removable);
	put_text(w, "requiresPython", d->requires_python);
	if (put_list(w, "requires", &d->requires) < 0 || put_list(w, "files", &d->files) < 0)
		return -1;
	ap_buf_addc(&w->text, '}');
	return 0;
}

static void put_scheme(struct writer *w, const struct ap_scheme *s)
{
	put_key(w, "scheme", false);
	ap_buf_addc(&w->text, '{');
	put_key(w, "prefix", true);
	put_string(w, s->prefix);
	put_text(w, "purelib", s->purelib);
	put_text(w, "platlib", s->platlib);
	put_text(w, "scripts", s->scripts);
	put_text(w, "data", s->data);
	put_text(w, "headers", s->headers);
	put_text(w, "interpreter", s->interpreter);
	ap_buf_addc(&w->text, '}');
}

struct child {
	const char *name;
	ap_path_id id;
};

static int by_name(const void *a, const void *b)
{
	const struct child *x = a;
	const struct child *y = b;

	return strcmp(x->name, y->name);
}

/*
 * The members of a directory, names sorted: a directory is an object, a file
 * 1, a link its target.  JSON that is read again must not be nested endlessly:
 * from NESTED directories on, "a/b" stands beside "a".
 */
static int put_tree(struct writer *w, const struct ap_paths *p, ap_path_id dir, const char *prefix,
	size_t depth)
{
	ap_auto_free struct child *v = NULL;
	size_t n = 0;
	size_t cap = 0;
	int rc = 0;

	for (ap_path_id id = ap_paths_first(p, dir); id; id = ap_paths_next(p, id)) {
		AP_GROW(v, n, cap);
		v[n++] = (struct child){ ap_paths_name(p, id), id };
	}
	if (n > 1)
		qsort(v, n, sizeof(*v), by_name);
	for (size_t i = 0; i < n && rc == 0; i++) {
		ap_auto_free char *name = ap_xasprintf("%s%s", prefix, v[i].name);
		ap_auto_free char *below = ap_xasprintf("%s/", name);

		separate(w, i == 0 && !*prefix);
		put_string(w, name);
		ap_buf_addc(&w->text, ':');
		if (ap_paths_kind(p, v[i].id) == AP_PATH_LINK) {
			put_string(w, ap_paths_target(p, v[i].id));
		} else if (ap_paths_kind(p, v[i].id) != AP_PATH_DIR) {
			ap_buf_addc(&w->text, '1');
		} else if (depth < NESTED) {
			ap_buf_addc(&w->text, '{');
			rc = put_tree(w, p, v[i].id, "", depth + 1);
			ap_buf_addc(&w->text, '}');
		} else {
			ap_buf_adds(&w->text, "{}");
			rc = put_tree(w, p, v[i].id, below, depth);
		}
		if (rc == 0)
			rc = flush(w, PIECE);
	}
	return rc;
}

static void put_python(struct writer *w, const struct ap_inventory *i)
{
	ap_auto_free char *v = ap_xasprintf("%u.%u.%u", i->py_major, i->py_minor, i->py_micro);

	put_text(w, "python", i->python_path);
	put_text(w, "pythonVersion", v);
	put_text(w, "implementation", i->implementation);
	put_bool(w, "externallyManaged", i->externally_managed);
	put_bool(w, "venv", i->venv);
	put_scheme(w, &i->scheme);
}

static void put_libc(struct writer *w, const struct ap_inventory *i)
{
	ap_auto_free char *v = ap_xasprintf("%u.%u", i->libc_major, i->libc_minor);

	put_text(w, "libc", i->libc);
	put_text(w, "libcVersion", v);
}

static int put_pip(struct writer *w, const struct ap_base_pip *b)
{
	put_key(w, "pip", false);
	ap_buf_addc(&w->text, '{');
	put_key(w, "known", true);
	ap_buf_adds(&w->text, "true");
	put_text(w, "error", b->error);
	if (put_list(w, "settings", &b->settings) < 0 ||
		put_list(w, "constraints", &b->constraints) < 0)
		return -1;
	ap_buf_addc(&w->text, '}');
	return 0;
}

static int put_all(struct writer *w, const struct ap_inventory *i)
{
	ap_buf_addc(&w->text, '{');
	put_key(w, "format", true);
	put_string(w, AP_INVENTORY_FORMAT);
	put_text(w, "os", i->os);
	put_text(w, "arch", i->arch);
	if (i->libc)
		put_libc(w, i);
	put_bool(w, "hasPython", i->has_python);
	put_bool(w, "hasPython3", i->has_python3);
	put_text(w, "pythonAt", i->python_at);
	put_text(w, "python3At", i->python3_at);
	if (i->python_path)
		put_python(w, i);
	if (i->pip.known && put_pip(w, &i->pip) < 0)
		return -1;
	if (put_list(w, "siteDirs", &i->site_dirs) < 0)
		return -1;
	put_key(w, "distributions", false);
	ap_buf_addc(&w->text, '[');
	for (size_t k = 0; k < i->n_dists; k++) {
		separate(w, k == 0);
		if (put_dist(w, &i->dists[k]) < 0)
			return -1;
	}
	ap_buf_addc(&w->text, ']');
	put_key(w, "tree", false);
	ap_buf_addc(&w->text, '{');
	if (put_tree(w, i->paths, AP_PATH_ROOT, "", 0) < 0)
		return -1;
	ap_buf_adds(&w->text, "}}\n");
	return flush(w, 0);
}

int ap_inventory_write(int fd, const struct ap_inventory *i, struct ap_err *err)
{
	struct writer w = { fd, AP_BUF_INIT, err };
	int rc = put_all(&w, i);

	ap_buf_release(&w.text);
	return rc;
}
