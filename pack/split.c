#include "pack/split.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "pack/tar.h"

/* One part on its way to several. */
struct splitting {
	struct ap_plan_part *from;
	unsigned ways;                         /* for the large files, a power of two */
	unsigned small;                        /* for the others, at most as many */
	uint64_t n_large;                      /* files */
	struct ap_tree out[2 * AP_SPLIT_WAYS]; /* the large ones' first */
	size_t depth[2 * AP_SPLIT_WAYS];       /* how many of `way` each one has */
	size_t *way;                           /* the directories that the entry lies in */
	size_t n_way, cap_way;
};

static unsigned bucket(const char *path, unsigned ways)
{
	return libdeflate_crc32(0, path, strlen(path)) & (ways - 1);
}

static bool is_large(const struct ap_entry *e)
{
	return e->type == AP_ENTRY_FILE && e->size >= AP_SPLIT_LARGE;
}

static void measure(struct splitting *s)
{
	const struct ap_tree *t = &s->from->tree;
	uint64_t bytes = 0;
	uint64_t files = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct ap_entry *e = &t->v[i];

		if (is_large(e)) {
			s->n_large++;
			continue;
		}
		files++;
		bytes += AP_TAR_BLOCK + e->size + ap_tar_padding(e->size);
	}
	s->small = 1;
	while (s->small < s->ways &&
		(bytes / s->small > AP_SPLIT_BYTES || files / s->small > AP_SPLIT_FILES))
		s->small *= 2;
}

static void append(struct ap_tree *t, const struct ap_entry *e)
{
	AP_GROW(t->v, t->n, t->cap);
	t->v[t->n++] = *e;
}

/* An entry, taken, and the directories on its way that this layer does not have yet. */
static void put(struct splitting *s, size_t b, const struct ap_entry *e)
{
	const struct ap_tree *from = &s->from->tree;

	for (; s->depth[b] < s->n_way; s->depth[b]++) {
		const struct ap_entry *dir = &from->v[s->way[s->depth[b]]];

		ap_tree_add_dir(&s->out[b], dir->path, dir->mode);
	}
	append(&s->out[b], e);
}

/* Which directories lead to the entry: what they are no longer is forgotten by every layer. */
static void walk_to(struct splitting *s, const char *path)
{
	while (s->n_way && !ap_below(path, s->from->tree.v[s->way[s->n_way - 1]].path))
		s->n_way--;
	for (size_t b = 0; b < AP_LEN(s->depth); b++)
		s->depth[b] = AP_MIN(s->depth[b], s->n_way);
}

static void distribute(struct splitting *s)
{
	struct ap_tree *t = &s->from->tree;

	for (size_t i = 0; i < t->n; i++) {
		struct ap_entry *e = &t->v[i];
		bool leads = i + 1 < t->n && ap_below(t->v[i + 1].path, e->path);

		walk_to(s, e->path);
		if (e->type == AP_ENTRY_DIR && leads) {
			AP_GROW(s->way, s->n_way, s->cap_way);
			s->way[s->n_way++] = i;
			continue;
		}
		put(s,
			is_large(e) ? bucket(e->path, s->ways)
				    : AP_SPLIT_WAYS + bucket(e->path, s->small),
			e);
		*e = (struct ap_entry){ 0 };
	}
}

static char *title(const struct splitting *s, size_t b)
{
	const struct ap_tree *t = &s->out[b];
	const char *of = s->from->title;

	if (b >= AP_SPLIT_WAYS)
		return s->small > 1 ? ap_xasprintf("%s, part %zu", of, b - AP_SPLIT_WAYS + 1)
				    : ap_xstrdup(of);
	if (s->n_large == 1)
		return ap_xasprintf("%s, %s", of, strrchr(t->v[t->n - 1].path, '/') + 1);
	return ap_xasprintf("%s, large files %zu", of, b + 1);
}

static void add_part(struct ap_plan *p, struct ap_plan_part part)
{
	p->parts = ap_xreallocarray(p->parts, p->n_parts + 1, sizeof(*p->parts));
	p->parts[p->n_parts++] = part;
}

/* The layers of one part, behind those of the parts before it. */
static void split_part(struct ap_plan *p, struct ap_plan_part *from, unsigned ways)
{
	struct splitting s = { .from = from, .ways = ways };

	measure(&s);
	if (!s.n_large && s.small == 1) {
		add_part(p, *from);
		return;
	}
	distribute(&s);
	for (size_t b = 0; b < AP_LEN(s.out); b++) {
		struct ap_plan_part part = { .tree = s.out[b] };

		if (!s.out[b].n)
			continue;
		part.title = title(&s, b);
		part.copies = from->copies;
		from->copies = (struct ap_strv){ 0 };
		add_part(p, part);
	}
	free(s.way);
	free(from->title);
	ap_strv_release(&from->copies);
	ap_tree_release(&from->tree);
}

void ap_plan_split(struct ap_plan *p)
{
	struct ap_plan_part *from = p->parts;
	size_t n = p->n_parts;
	unsigned ways = AP_SPLIT_WAYS;

	while (ways && 2 * ways * n > AP_SPLIT_LAYERS)
		ways /= 2;
	if (!ways)
		return;
	p->parts = NULL;
	p->n_parts = 0;
	for (size_t i = 0; i < n; i++)
		split_part(p, &from[i], ways);
	free(from);
}
