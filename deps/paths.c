#include "deps/paths.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PATHS 8000000u
#define MAX_LINKS 40
#define MAX_PATH  4096 /* bytes, as of Linux: no directory is nested deeper than half of it */

struct node {
	uint32_t parent, first, sibling, chain; /* chain: next of the same hash slot */
	uint32_t name;                          /* offset in `names` */
	uint32_t data;                          /* of a file or link: index + 1 in `blobs` */
	uint16_t mode, layer;
	uint16_t len; /* of the whole path */
	uint8_t kind; /* enum ap_path_kind; NONE: was removed */
};

struct blob {
	char *p;
	size_t n;
};

struct ap_paths {
	struct node *v; /* v[0] is unused, v[1] the root */
	uint32_t n, cap;
	char *names;
	size_t names_len, names_cap;
	uint32_t *slots;
	uint32_t n_slots;
	struct blob *blobs;
	size_t n_blobs, cap_blobs;
	uint16_t layer;
};

static uint32_t hash(uint32_t parent, const char *name, size_t n)
{
	uint32_t h = 2166136261u ^ (parent * 2654435761u);

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)name[i]) * 16777619u;
	return h ^ (h >> 15);
}

static uint32_t child(const struct ap_paths *p, uint32_t parent, const char *name, size_t n)
{
	uint32_t i = p->slots[hash(parent, name, n) & (p->n_slots - 1)];

	for (; i; i = p->v[i].chain) {
		const char *have = p->names + p->v[i].name;

		if (p->v[i].parent == parent && strncmp(have, name, n) == 0 && !have[n])
			return i;
	}
	return 0;
}

static void rehash(struct ap_paths *p)
{
	p->n_slots *= 2;
	free(p->slots);
	p->slots = ap_xcalloc(p->n_slots, sizeof(*p->slots));
	for (uint32_t i = 2; i < p->n; i++) {
		struct node *x = &p->v[i];
		const char *name = p->names + x->name;
		uint32_t *slot = &p->slots[hash(x->parent, name, strlen(name)) & (p->n_slots - 1)];

		x->chain = *slot;
		*slot = i;
	}
}

static int add_child(struct ap_paths *p, uint32_t *out, uint32_t parent, const char *name, size_t n,
	struct ap_err *err)
{
	size_t len = p->v[parent].len + 1 + n;
	struct node *x;
	uint32_t *slot;

	if (len > MAX_PATH)
		return ap_err_set(err, AP_E_LIMIT, "a path of more than %d bytes", MAX_PATH);
	if (p->n >= MAX_PATHS || p->names_len + n + 1 > UINT32_MAX)
		return ap_err_set(err, AP_E_LIMIT, "more than %u paths", MAX_PATHS);
	if (p->n >= p->n_slots)
		rehash(p);
	if (p->n == p->cap) {
		p->cap += p->cap / 2;
		p->v = ap_xreallocarray(p->v, p->cap, sizeof(*p->v));
	}
	while (p->names_len + n + 1 > p->names_cap) {
		p->names_cap += p->names_cap / 2;
		p->names = ap_xrealloc(p->names, p->names_cap);
	}
	x = &p->v[p->n];
	*x = (struct node){
		.parent = parent, .name = (uint32_t)p->names_len, .len = (uint16_t)len
	};
	memcpy(p->names + p->names_len, name, n);
	p->names[p->names_len + n] = '\0';
	p->names_len += n + 1;
	x->sibling = p->v[parent].first;
	p->v[parent].first = p->n;
	slot = &p->slots[hash(parent, name, n) & (p->n_slots - 1)];
	x->chain = *slot;
	*slot = p->n;
	*out = p->n++;
	return 0;
}

struct ap_paths *ap_paths_new(void)
{
	struct ap_paths *p = ap_xcalloc(1, sizeof(*p));

	p->cap = 1024;
	p->v = ap_xcalloc(p->cap, sizeof(*p->v));
	p->names_cap = 16384;
	p->names = ap_xmalloc(p->names_cap);
	p->names[0] = '\0';
	p->names_len = 1;
	p->n_slots = 1024;
	p->slots = ap_xcalloc(p->n_slots, sizeof(*p->slots));
	p->v[1] = (struct node){ .parent = 1, .kind = AP_PATH_DIR, .mode = 0755 };
	p->n = 2;
	return p;
}

void ap_paths_free(struct ap_paths *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_blobs; i++)
		free(p->blobs[i].p);
	free(p->blobs);
	free(p->v);
	free(p->names);
	free(p->slots);
	free(p);
}

void ap_paths_next_layer(struct ap_paths *p)
{
	p->layer++;
}

static uint32_t keep(struct ap_paths *p, const char *bytes, size_t n)
{
	AP_GROW(p->blobs, p->n_blobs, p->cap_blobs);
	p->blobs[p->n_blobs].p = ap_xstrndup(bytes, n);
	p->blobs[p->n_blobs].n = n;
	return (uint32_t)++p->n_blobs;
}

/* ---- looking ---- */

/*
 * Walk to what `path` means, from `at`.  A missing part stops the walk:
 * *rest is then what is left, beginning with that part.  Links on the way are
 * followed; one at the end only with AP_FOLLOW.
 */
static uint32_t walk(const struct ap_paths *p, uint32_t at, const char *path, unsigned flags,
	struct ap_buf *rest, unsigned *links)
{
	while (*path) {
		size_t n = strcspn(path, "/");
		const char *next = path + n + strspn(path + n, "/");
		uint32_t c;

		if (n == 0 || (n == 1 && path[0] == '.')) {
			path = next;
			continue;
		}
		if (n == 2 && path[0] == '.' && path[1] == '.') {
			at = p->v[at].parent;
			path = next;
			continue;
		}
		c = child(p, at, path, n);
		if (!c || p->v[c].kind == AP_PATH_NONE) {
			if (rest)
				ap_buf_adds(rest, path);
			return rest ? at : 0;
		}
		if (p->v[c].kind == AP_PATH_LINK && (*next || (flags & AP_FOLLOW))) {
			const char *target = ap_paths_target(p, c);
			uint32_t from = target[0] == '/' ? AP_PATH_ROOT : at;
			size_t before = rest ? rest->len : 0;

			if (++*links > MAX_LINKS)
				return 0;
			c = walk(p, from, target, AP_FOLLOW, rest, links);
			if (!c)
				return 0;
			if (rest && rest->len > before) {
				/* The link leads to something that is not there yet. */
				if (*next)
					ap_buf_addf(rest, "/%s", next);
				return c;
			}
		} else if (*next && p->v[c].kind != AP_PATH_DIR) {
			return 0;
		}
		at = c;
		path = next;
	}
	return at;
}

ap_path_id ap_paths_find(const struct ap_paths *p, const char *path, unsigned flags)
{
	unsigned links = 0;

	return walk(p, AP_PATH_ROOT, path, flags, NULL, &links);
}

enum ap_path_kind ap_paths_kind(const struct ap_paths *p, ap_path_id id)
{
	return id ? p->v[id].kind : AP_PATH_NONE;
}

uint16_t ap_paths_mode(const struct ap_paths *p, ap_path_id id)
{
	return p->v[id].mode;
}

uint16_t ap_paths_layer(const struct ap_paths *p, ap_path_id id)
{
	return p->v[id].layer;
}

const char *ap_paths_name(const struct ap_paths *p, ap_path_id id)
{
	return p->names + p->v[id].name;
}

const char *ap_paths_target(const struct ap_paths *p, ap_path_id id)
{
	return p->blobs[p->v[id].data - 1].p;
}

const char *ap_paths_content(const struct ap_paths *p, ap_path_id id, size_t *n)
{
	const struct blob *b;

	if (!id || p->v[id].kind != AP_PATH_FILE || !p->v[id].data)
		return NULL;
	b = &p->blobs[p->v[id].data - 1];
	if (n)
		*n = b->n;
	return b->p;
}

static void full(const struct ap_paths *p, uint32_t id, struct ap_buf *out)
{
	if (id == AP_PATH_ROOT)
		return;
	full(p, p->v[id].parent, out);
	ap_buf_addc(out, '/');
	ap_buf_adds(out, ap_paths_name(p, id));
}

char *ap_paths_full(const struct ap_paths *p, ap_path_id id)
{
	struct ap_buf b = AP_BUF_INIT;

	full(p, id, &b);
	if (!b.len)
		ap_buf_addc(&b, '/');
	return ap_buf_steal(&b);
}

static uint32_t existing(const struct ap_paths *p, uint32_t id)
{
	while (id && p->v[id].kind == AP_PATH_NONE)
		id = p->v[id].sibling;
	return id;
}

ap_path_id ap_paths_first(const struct ap_paths *p, ap_path_id dir)
{
	return existing(p, p->v[dir].first);
}

ap_path_id ap_paths_next(const struct ap_paths *p, ap_path_id id)
{
	return existing(p, p->v[id].sibling);
}

size_t ap_paths_count(const struct ap_paths *p)
{
	return p->n - 2;
}

bool ap_paths_is_dir(const struct ap_paths *p, const char *path)
{
	return ap_paths_kind(p, ap_paths_find(p, path, AP_FOLLOW)) == AP_PATH_DIR;
}

bool ap_paths_is_file(const struct ap_paths *p, const char *path)
{
	return ap_paths_kind(p, ap_paths_find(p, path, AP_FOLLOW)) == AP_PATH_FILE;
}

char *ap_paths_real_parent(const struct ap_paths *p, const char *path)
{
	struct ap_buf out = AP_BUF_INIT;
	ap_auto_buf rest = AP_BUF_INIT;
	size_t n = strlen(path);
	size_t cut;
	ap_auto_free char *dir = NULL;
	unsigned links = 0;
	uint32_t at;

	while (n > 1 && path[n - 1] == '/')
		n--;
	for (cut = n; cut && path[cut - 1] != '/';)
		cut--;
	dir = ap_xstrndup(path, cut);
	at = walk(p, AP_PATH_ROOT, dir, AP_FOLLOW, &rest, &links);
	if (!at) {
		/* A circle of links, or a file on the way: leave it to who writes there. */
		ap_buf_add(&out, path, n);
		return ap_buf_steal(&out);
	}
	full(p, at, &out);
	if (rest.len) {
		ap_buf_addc(&out, '/');
		while (rest.len && rest.p[rest.len - 1] == '/')
			ap_buf_truncate(&rest, rest.len - 1);
		ap_buf_adds(&out, rest.p);
	}
	ap_buf_addc(&out, '/');
	ap_buf_add(&out, path + cut, n - cut);
	return ap_buf_steal(&out);
}

/* ---- applying ---- */

/* Remove what layers before `layer` wrote in and at `id`; all when layer is 0xffff. */
static bool remove_older(struct ap_paths *p, uint32_t id, uint16_t layer)
{
	bool kept = false;

	for (uint32_t c = p->v[id].first; c; c = p->v[c].sibling) {
		if (p->v[c].kind != AP_PATH_NONE)
			kept = remove_older(p, c, layer) || kept;
	}
	if (kept || (p->v[id].layer >= layer && layer != UINT16_MAX))
		return true;
	p->v[id].kind = AP_PATH_NONE;
	return false;
}

static void clear_dir(struct ap_paths *p, uint32_t dir, uint16_t layer)
{
	for (uint32_t c = p->v[dir].first; c; c = p->v[c].sibling) {
		if (p->v[c].kind != AP_PATH_NONE)
			remove_older(p, c, layer);
	}
}

/* The real directory of op->path, made when missing; *base: its last component. */
static int parent_of(struct ap_paths *p, uint32_t *out, const char *path, const char **base,
	bool make, struct ap_err *err)
{
	const char *slash = strrchr(path, '/');
	ap_auto_free char *dir = ap_xstrndup(path, slash ? (size_t)(slash - path) : 0);
	ap_auto_buf rest = AP_BUF_INIT;
	unsigned links = 0;
	uint32_t at = walk(p, AP_PATH_ROOT, dir, AP_FOLLOW, &rest, &links);
	struct ap_str left = ap_str(rest.p);
	struct ap_str part;

	*base = slash ? slash + 1 : path;
	*out = 0;
	if (!at && make)
		return ap_err_set(err, AP_E_PROTO, "\"%.200s\": its parent is no directory", path);
	if (!at || (rest.len && !make))
		return 0;
	while (rest.len && ap_str_next(&left, '/', &part)) {
		uint32_t c;

		if (!part.n || ap_str_eq(part, "."))
			continue;
		if (ap_str_eq(part, "..")) {
			at = p->v[at].parent;
			continue;
		}
		c = child(p, at, part.p, part.n);
		if (!c && add_child(p, &c, at, part.p, part.n, err) < 0)
			return -1;
		if (p->v[c].kind != AP_PATH_DIR) {
			p->v[c].kind = AP_PATH_DIR;
			p->v[c].mode = 0755;
		}
		p->v[c].layer = p->layer;
		at = c;
	}
	if (p->v[at].kind != AP_PATH_DIR)
		return ap_err_set(err, AP_E_PROTO, "\"%.200s\": its parent is no directory", path);
	*out = at;
	return 0;
}

static int put(struct ap_paths *p, uint32_t dir, const char *name, const struct ap_path_op *op,
	struct ap_err *err)
{
	enum ap_path_kind kind = op->type == AP_OP_DIR    ? AP_PATH_DIR
				 : op->type == AP_OP_LINK ? AP_PATH_LINK
							  : AP_PATH_FILE;
	uint32_t from = 0;
	uint32_t id;

	if (op->type == AP_OP_HARD) {
		from = ap_paths_find(p, op->target, 0);
		if (!from || p->v[from].kind == AP_PATH_DIR)
			return ap_err_set(err, AP_E_PROTO,
				"\"%.200s\": hard link to \"%.200s\", which is not there", op->path,
				op->target);
		kind = p->v[from].kind;
	}
	id = child(p, dir, name, strlen(name));
	if (!id && add_child(p, &id, dir, name, strlen(name), err) < 0)
		return -1;
	if (id == from)
		return 0;
	/* Only a directory over a directory keeps what is in it. */
	if (p->v[id].kind == AP_PATH_DIR && kind != AP_PATH_DIR)
		clear_dir(p, id, UINT16_MAX);
	p->v[id].kind = (uint8_t)kind;
	p->v[id].layer = p->layer;
	p->v[id].mode = from ? p->v[from].mode : op->mode;
	if (from)
		p->v[id].data = p->v[from].data;
	else if (kind == AP_PATH_LINK)
		p->v[id].data = keep(p, op->target, strlen(op->target));
	else if (op->content)
		p->v[id].data = keep(p, op->content, op->content_len);
	else
		p->v[id].data = 0;
	return 0;
}

int ap_paths_apply(struct ap_paths *p, const struct ap_path_op *op, struct ap_err *err)
{
	const char *base;
	uint32_t dir;
	uint32_t id;

	if (!*op->path) {
		if (op->type == AP_OP_OPAQUE)
			clear_dir(p, AP_PATH_ROOT, p->layer);
		return 0;
	}
	if (op->type == AP_OP_OPAQUE) {
		id = ap_paths_find(p, op->path, AP_FOLLOW);
		if (ap_paths_kind(p, id) == AP_PATH_DIR)
			clear_dir(p, id, p->layer);
		return 0;
	}
	if (parent_of(p, &dir, op->path, &base, op->type != AP_OP_WHITEOUT, err) < 0)
		return -1;
	if (op->type != AP_OP_WHITEOUT)
		return put(p, dir, base, op, err);
	id = dir ? child(p, dir, base, strlen(base)) : 0;
	if (id && p->v[id].kind != AP_PATH_NONE)
		remove_older(p, id, p->layer);
	return 0;
}

void ap_paths_fill(struct ap_paths *p, uint16_t layer, const struct ap_path_op *op)
{
	uint32_t id = ap_paths_find(p, op->path, 0);
	uint32_t from = op->type == AP_OP_HARD ? ap_paths_find(p, op->target, 0) : 0;

	if (!id || p->v[id].layer != layer || p->v[id].kind != AP_PATH_FILE || p->v[id].data)
		return;
	if (from && p->v[from].kind == AP_PATH_FILE)
		p->v[id].data = p->v[from].data;
	else if (op->type == AP_OP_FILE && op->content)
		p->v[id].data = keep(p, op->content, op->content_len);
}
