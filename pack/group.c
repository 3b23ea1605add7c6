#include "pack/group.h"

#include <stdlib.h>
#include <string.h>

#include "pack/base.h"

enum { TITLE_NAMES = 3 }; /* of wheels that a layer's title lists */

struct sized {
	size_t index;
	uint64_t size;
	const char *name;
};

static int biggest_first(const void *a, const void *b)
{
	const struct sized *x = a;
	const struct sized *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return strcmp(x->name, y->name);
}

static unsigned bucket_of(const char *name, size_t n_buckets)
{
	struct ap_digest d;

	ap_sha256_of(&d, name, strlen(name));
	return (unsigned)(strtoul((char[]){ d.s[7], d.s[8], d.s[9], 0 }, NULL, 16) % n_buckets);
}

static struct ap_group *add_group(struct ap_groups *g)
{
	g->v = ap_xreallocarray(g->v, g->n + 1, sizeof(*g->v));
	g->v[g->n] = (struct ap_group){ 0 };
	return &g->v[g->n++];
}

static void add_member(struct ap_group *g, size_t index)
{
	g->members = ap_xreallocarray(g->members, g->n + 1, sizeof(*g->members));
	g->members[g->n++] = index;
}

/* Mark the wheels that stand alone; returns how many there are. */
static size_t choose_big(bool *big, const struct ap_lock *lock, const uint64_t *sizes, size_t most)
{
	ap_auto_free struct sized *order = ap_xcalloc(lock->n, sizeof(*order));
	size_t n = 0;

	for (size_t i = 0; i < lock->n; i++)
		order[i] = (struct sized){ i, sizes[i], lock->v[i].name };
	qsort(order, lock->n, sizeof(*order), biggest_first);
	while (n < lock->n && n < most && order[n].size >= AP_GROUP_BIG)
		big[order[n++].index] = true;
	return n;
}

static void set_title(struct ap_group *g, const struct ap_lock *lock)
{
	size_t named = g->n > TITLE_NAMES + 1 ? TITLE_NAMES : g->n;
	struct ap_buf title = AP_BUF_INIT;

	for (size_t i = 0; i < named; i++) {
		const struct ap_locked *l = &lock->v[g->members[i]];

		ap_buf_addf(
			&title, "%s%s %s", i ? ", " : "", l->name, l->version ? l->version : "");
	}
	if (named < g->n)
		ap_buf_addf(&title, " and %zu more", g->n - named);
	g->title = ap_buf_steal(&title);
}

int ap_groups_make(struct ap_groups *out, const struct ap_lock *lock, const uint64_t *sizes,
	size_t room, struct ap_err *err)
{
	size_t n_buckets = AP_MIN(room, (size_t)AP_GROUP_BUCKETS);
	ap_auto_free bool *big = ap_xcalloc(lock->n, sizeof(*big));
	struct ap_groups g = { 0 };

	if (!lock->n) {
		*out = g;
		return 0;
	}
	if (!room)
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"the base has no room for another layer: an image may have %d",
			AP_LAYERS_MAX);
	choose_big(big, lock, sizes, room - n_buckets);
	for (size_t i = 0; i < lock->n; i++) {
		if (big[i])
			add_member(add_group(&g), i);
	}
	for (unsigned b = 0; b < n_buckets; b++) {
		struct ap_group *shared = NULL;

		for (size_t i = 0; i < lock->n; i++) {
			if (big[i] || bucket_of(lock->v[i].name, n_buckets) != b)
				continue;
			if (!shared)
				shared = add_group(&g);
			add_member(shared, i);
		}
	}
	for (size_t i = 0; i < g.n; i++)
		set_title(&g.v[i], lock);
	*out = g;
	return 0;
}

void ap_groups_release(struct ap_groups *g)
{
	for (size_t i = 0; i < g->n; i++) {
		free(g->v[i].title);
		free(g->v[i].members);
	}
	free(g->v);
	*g = (struct ap_groups){ 0 };
}
