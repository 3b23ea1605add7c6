#include "base/entry.h"

#include <stdlib.h>
#include <string.h>

static void entry_release(struct ap_entry *e)
{
	free(e->path);
	free(e->target);
	if (e->content)
		e->content->ops->free(e->content);
}

void ap_tree_release(struct ap_tree *t)
{
	for (size_t i = 0; i < t->n; i++)
		entry_release(&t->v[i]);
	free(t->v);
	*t = (struct ap_tree){ 0 };
}

static struct ap_entry *add(struct ap_tree *t, const char *path, enum ap_entry_type type)
{
	struct ap_entry *e;

	AP_GROW(t->v, t->n, t->cap);
	e = &t->v[t->n++];
	*e = (struct ap_entry){ .path = ap_xstrdup(path), .type = type };
	return e;
}

void ap_tree_add_dir(struct ap_tree *t, const char *path, uint32_t mode)
{
	add(t, path, AP_ENTRY_DIR)->mode = mode;
}

void ap_tree_add_link(struct ap_tree *t, const char *path, const char *target)
{
	struct ap_entry *e = add(t, path, AP_ENTRY_SYMLINK);

	e->mode = 0777;
	e->target = ap_xstrdup(target);
}

void ap_tree_add_file(struct ap_tree *t, const char *path, uint32_t mode, uint64_t size,
	struct ap_content *content)
{
	struct ap_entry *e = add(t, path, AP_ENTRY_FILE);

	e->mode = mode;
	e->size = size;
	e->content = content;
}

void ap_tree_add_bytes(struct ap_tree *t, const char *path, uint32_t mode, const void *p, size_t n)
{
	ap_tree_add_file(t, path, mode, n, n ? ap_content_bytes(p, n) : NULL);
}

void ap_tree_move(struct ap_tree *to, struct ap_tree *from)
{
	for (size_t i = 0; i < from->n; i++) {
		AP_GROW(to->v, to->n, to->cap);
		to->v[to->n++] = from->v[i];
	}
	free(from->v);
	*from = (struct ap_tree){ 0 };
}

int ap_path_cmp(const char *a, const char *b)
{
	const unsigned char *x = (const unsigned char *)a;
	const unsigned char *y = (const unsigned char *)b;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	if (*x == *y)
		return 0;
	if (!*x || !*y)
		return *x ? 1 : -1;
	if (*x == '/' || *y == '/')
		return *x == '/' ? -1 : 1;
	return *x < *y ? -1 : 1;
}

static int by_path(const void *a, const void *b)
{
	const struct ap_entry *x = a;
	const struct ap_entry *y = b;

	return ap_path_cmp(x->path, y->path);
}

void ap_tree_sort(struct ap_tree *t)
{
	size_t i = 1;

	/* A walk gives them in order. */
	while (i < t->n && ap_path_cmp(t->v[i - 1].path, t->v[i].path) <= 0)
		i++;
	if (i < t->n)
		qsort(t->v, t->n, sizeof(*t->v), by_path);
}

void ap_tree_unique(struct ap_tree *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (kept && strcmp(t->v[kept - 1].path, t->v[i].path) == 0)
			entry_release(&t->v[i]);
		else
			t->v[kept++] = t->v[i];
	}
	t->n = kept;
}

const struct ap_entry *ap_tree_find(const struct ap_tree *t, const char *path)
{
	size_t lo = 0;
	size_t hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = ap_path_cmp(path, t->v[mid].path);

		if (c == 0)
			return &t->v[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

struct bytes_content {
	struct ap_content base;
	size_t n;
	char p[];
};

static int bytes_open(
	const struct ap_content *c, struct ap_reader **out, struct ap_err *err AP_UNUSED)
{
	const struct bytes_content *b = (const struct bytes_content *)(const void *)c;

	ap_mem_reader(out, b->p, b->n);
	return 0;
}

static void bytes_free(struct ap_content *c)
{
	free(AP_CONTAINER(c, struct bytes_content, base));
}

static const struct ap_content_ops bytes_ops = { .open = bytes_open, .free = bytes_free };

struct ap_content *ap_content_bytes(const void *p, size_t n)
{
	struct bytes_content *b = ap_xmalloc(sizeof(*b) + n);

	b->base.ops = &bytes_ops;
	b->n = n;
	if (n)
		memcpy(b->p, p, n);
	return &b->base;
}
