#include "deps/install.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 16 };

struct filled {
	const struct ap_entry *e;
	size_t tree;
};

static int by_path(const void *a, const void *b)
{
	const struct filled *x = a;
	const struct filled *y = b;
	int c = ap_path_cmp(x->e->path, y->e->path);

	return c ? c : x->tree < y->tree ? -1 : x->tree > y->tree;
}

static int open_entry(struct ap_reader **r, const struct ap_entry *e, struct ap_err *err)
{
	if (e->content)
		return e->content->ops->open(e->content, r, err);
	ap_mem_reader(r, "", 0);
	return 0;
}

/* Compare the bytes of two files of one size. */
static int same_bytes(
	bool *same, const struct ap_entry *a, const struct ap_entry *b, struct ap_err *err)
{
	ap_auto_reader x = NULL;
	ap_auto_reader y = NULL;
	ap_auto_free char *p = ap_xmalloc(2 * CHUNK);

	if (open_entry(&x, a, err) < 0 || open_entry(&y, b, err) < 0)
		return -1;
	*same = true;
	for (uint64_t left = a->size; left && *same;) {
		size_t n = (size_t)AP_MIN(left, (uint64_t)CHUNK);

		if (ap_read_full(x, p, n, err) < 0 || ap_read_full(y, p + CHUNK, n, err) < 0)
			return -1;
		*same = memcmp(p, p + CHUNK, n) == 0;
		left -= n;
	}
	return 0;
}

static int same_entry(
	bool *same, const struct ap_entry *a, const struct ap_entry *b, struct ap_err *err)
{
	*same = a->type == b->type;
	if (!*same || a->type == AP_ENTRY_DIR)
		return 0;
	if (a->type == AP_ENTRY_SYMLINK) {
		*same = strcmp(a->target, b->target) == 0;
		return 0;
	}
	*same = a->mode == b->mode && a->size == b->size;
	return *same ? same_bytes(same, a, b, err) : 0;
}

int ap_install_conflicts(
	const struct ap_tree *const *trees, const char *const *names, size_t n, struct ap_err *err)
{
	ap_auto_free struct filled *v = NULL;
	size_t total = 0;
	size_t at = 0;
	bool same;

	for (size_t i = 0; i < n; i++)
		total += trees[i]->n;
	v = ap_xcalloc(total + 1, sizeof(*v));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < trees[i]->n; k++)
			v[at++] = (struct filled){ &trees[i]->v[k], i };
	qsort(v, total, sizeof(*v), by_path);
	for (size_t i = 1; i < total; i++) {
		const struct ap_entry *a = v[i - 1].e;
		const struct ap_entry *b = v[i].e;
		size_t len = strlen(a->path);

		if (a->type != AP_ENTRY_DIR && strncmp(a->path, b->path, len) == 0 &&
			b->path[len] == '/')
			return ap_err_set(err, AP_E_INPUT,
				"/%s is a file in %s and a directory in %s", a->path,
				names[v[i - 1].tree], names[v[i].tree]);
		if (strcmp(a->path, b->path) != 0)
			continue;
		if (same_entry(&same, a, b, err) < 0)
			return -1;
		if (!same)
			return ap_err_set(err, AP_E_INPUT,
				"%s and %s both install /%s, with different content",
				names[v[i - 1].tree], names[v[i].tree], a->path);
	}
	return 0;
}
