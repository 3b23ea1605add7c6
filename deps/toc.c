#include "deps/toc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "deps/layer_scan.h"
#include "deps/unpack.h"

#define STARGZ_DIGEST "containerd.io/snapshot/stargz/toc.digest"
#define STARGZ_FILE   "stargz.index.json"
#define CHUNKED       "containers.zstd-chunked.manifest-"

enum {
	WORTH_IT = 1 << 20,     /* a smaller layer is read sooner than asked about */
	FOOTER = 51,            /* of eStargz: an empty gzip member that says where the table is */
	TABLE_MAX = 256 << 20,  /* unpacked */
	PACKED_MAX = 64 << 20,  /* of the table, and of one file that is looked into */
	GAP = 256 << 10,        /* bytes that are cheaper to read than to ask around */
	WINDOW = 8 << 20,       /* of neighbours that are read at once */
	CONTENT_MAX = 64 << 20, /* of one file, unpacked */
};

/* One entry, taken from the table when it is its turn. */
struct entry {
	const char *p; /* its JSON */
	size_t n;
	uint64_t from, to; /* compressed bytes of a file that is looked into; to 0: not */
};

struct toc {
	struct ap_reader base;
	const struct ap_layer_stream *l;
	struct ap_buf text;
	uint64_t table_at; /* in the layer: where files end */
	struct entry *v;
	size_t n, cap, at;
	struct archive *tar;
	struct ap_buf out; /* of the tar, not read yet */
	size_t out_at;
	struct ap_buf window; /* the layer's bytes from `window_at` */
	uint64_t window_at;
	bool ended;
};

/* ---- the table ---- */

/* An annotation of zstd:chunked: the prefix was another one before 2022. */
static const char *chunked_note(const struct ap_layer_stream *l, const char *what)
{
	ap_auto_free char *now = ap_xasprintf("io.github." CHUNKED "%s", what);
	ap_auto_free char *before = ap_xasprintf("io." CHUNKED "%s", what);
	const char *v = ap_json_str(l->annotations, now);

	return v ? v : ap_json_str(l->annotations, before);
}

static int read_range(struct ap_buf *out, const struct ap_layer_stream *l, uint64_t from,
	uint64_t n, struct ap_err *err)
{
	ap_auto_reader r = NULL;

	if (!n || from > l->size || n > l->size - from || n > PACKED_MAX)
		return ap_err_set(err, AP_E_PROTO,
			"table of contents: no bytes %" PRIu64 "+%" PRIu64, from, n);
	if (l->open_range(l->ctx, from, n, &r, err) < 0 || ap_read_all(r, out, err) < 0)
		return -1;
	if (out->len != n)
		return ap_err_set(err, AP_E_PROTO, "table of contents: %zu bytes, want %" PRIu64,
			out->len, n);
	return 0;
}

static int check_digest(const char *want, const struct ap_buf *b, struct ap_err *err)
{
	struct ap_digest d;

	ap_sha256_of(&d, b->p, b->len);
	if (!ap_streq(want, d.s))
		return ap_err_set(err, AP_E_DIGEST, "table of contents: want %.80s, found %s",
			want ? want : "a digest", d.s);
	return 0;
}

static int unpack_all(struct ap_buf *out, const void *p, size_t n, struct ap_err *err)
{
	ap_auto_reader plain = NULL;
	struct ap_reader *packed;

	ap_mem_reader(&packed, p, n);
	if (ap_unpack_reader(&plain, packed, TABLE_MAX, err) < 0)
		return -1;
	return ap_read_all(plain, out, err);
}

/* "OFFSET:LENGTH:UNPACKED:1" */
static int chunked_table(struct toc *t, const char *place, struct ap_err *err)
{
	const struct ap_layer_stream *l = t->l;
	ap_auto_buf packed = AP_BUF_MAX(PACKED_MAX);
	uint64_t v[4] = { 0 };
	struct ap_str rest = ap_str(place);
	struct ap_str part;

	for (size_t i = 0; i < AP_LEN(v); i++) {
		ap_auto_free char *s = NULL;

		if (!ap_str_next(&rest, ':', &part))
			return ap_err_set(err, AP_E_PROTO, "table of contents: no position");
		s = ap_xstrndup(part.p, part.n);
		if (!ap_parse_u64(s, UINT64_MAX, &v[i]))
			return ap_err_set(err, AP_E_PROTO, "table of contents: no position");
	}
	if (v[3] != 1)
		return ap_err_set(
			err, AP_E_UNSUPPORTED, "table of contents of kind %" PRIu64, v[3]);
	if (read_range(&packed, l, v[0], v[1], err) < 0 ||
		check_digest(chunked_note(l, "checksum"), &packed, err) < 0)
		return -1;
	t->table_at = v[0];
	return unpack_all(&t->text, packed.p, packed.len, err);
}

/* The only file of the tar in the last but one gzip member. */
static int only_file(struct ap_buf *out, const struct ap_buf *tar, struct ap_err *err)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	char chunk[16384];
	la_ssize_t k = -1;

	if (!a)
		ap_oom();
	archive_read_support_format_tar(a);
	if (archive_read_open_memory(a, tar->p, tar->len) == ARCHIVE_OK &&
		archive_read_next_header(a, &e) == ARCHIVE_OK &&
		ap_streq(archive_entry_pathname(e), STARGZ_FILE))
		while ((k = archive_read_data(a, chunk, sizeof(chunk))) > 0)
			ap_buf_add(out, chunk, (size_t)k);
	archive_read_free(a);
	return k < 0 ? ap_err_set(err, AP_E_PROTO, "table of contents: no " STARGZ_FILE) : 0;
}

static int stargz_table(struct toc *t, struct ap_err *err)
{
	const struct ap_layer_stream *l = t->l;
	ap_auto_buf footer = AP_BUF_MAX(FOOTER);
	ap_auto_buf packed = AP_BUF_MAX(PACKED_MAX);
	ap_auto_buf tar = AP_BUF_MAX(TABLE_MAX);
	char *end;
	uint64_t at;

	if (read_range(&footer, l, l->size - FOOTER, FOOTER, err) < 0)
		return -1;
	if (memcmp(footer.p, "\x1f\x8b", 2) != 0 || memcmp(footer.p + 32, "STARGZ", 6) != 0)
		return ap_err_set(err, AP_E_PROTO, "table of contents: no footer");
	at = strtoull(footer.p + 16, &end, 16);
	if (end != footer.p + 32 || at > l->size - FOOTER)
		return ap_err_set(err, AP_E_PROTO, "table of contents: no position");
	if (read_range(&packed, l, at, l->size - FOOTER - at, err) < 0 ||
		unpack_all(&tar, packed.p, packed.len, err) < 0 ||
		only_file(&t->text, &tar, err) < 0)
		return -1;
	t->table_at = at;
	return check_digest(ap_json_str(l->annotations, STARGZ_DIGEST), &t->text, err);
}

/* The end of the JSON object at p, or NULL. */
static const char *object_end(const char *p, const char *end)
{
	bool quoted = false;
	unsigned depth = 0;

	for (; p < end; p++) {
		if (quoted) {
			if (*p == '\\')
				p++;
			else if (*p == '"')
				quoted = false;
		} else if (*p == '"') {
			quoted = true;
		} else if (*p == '{' || *p == '[') {
			depth++;
		} else if ((*p == '}' || *p == ']') && --depth == 0) {
			return p + 1;
		}
	}
	return NULL;
}

/* The objects of "entries", each parsed when it is needed: all at once take ten times their text. */
static int split(struct toc *t, struct ap_err *err)
{
	const char *end = t->text.p + t->text.len;
	const char *p = strstr(t->text.p, "\"entries\"");

	p = p ? strchr(p, '[') : NULL;
	while (p) {
		const char *from;

		p += 1 + strspn(p + 1, " \t\r\n");
		if (*p == ']')
			return 0;
		from = p;
		p = *p == '{' ? object_end(p, end) : NULL;
		if (!p)
			break;
		AP_GROW(t->v, t->n, t->cap);
		t->v[t->n++] = (struct entry){ .p = from, .n = (size_t)(p - from) };
		p += strspn(p, " \t\r\n");
		if (*p == ']')
			return 0;
		if (*p != ',')
			break;
	}
	return ap_err_set(err, AP_E_PROTO, "table of contents: entry %zu is none", t->n);
}

static uint64_t number(const cJSON *j, const char *name)
{
	const cJSON *v = ap_json_get(j, name);

	return cJSON_IsNumber(v) && v->valuedouble > 0 ? (uint64_t)v->valuedouble : 0;
}

/*
 * Which bytes of the layer the files lie in: from their own offset to where
 * the next thing begins, chunks of their own passed over.
 */
static int place(struct toc *t, struct ap_err *err)
{
	struct entry *open = NULL;

	for (size_t i = 0; i < t->n; i++) {
		ap_auto_json j = NULL;
		const char *name;
		uint64_t at;

		if (ap_json_parse(&j, t->v[i].p, t->v[i].n, err) < 0)
			return -1;
		at = number(j, "offset");
		if (ap_streq(ap_json_str(j, "type"), "chunk"))
			continue;
		if (open && at > open->from) {
			open->to = at;
			open = NULL;
		}
		name = ap_json_str(j, "name");
		if (!ap_streq(ap_json_str(j, "type"), "reg") || !number(j, "size") || !name ||
			!ap_layer_scan_wants(name + strspn(name, "./"), t->l->also))
			continue;
		t->v[i].from = at;
		t->v[i].to = t->table_at;
		open = &t->v[i];
	}
	return 0;
}

/* ---- the tar made of it ---- */

/* Read the bytes of a file, and of neighbours that will be asked for next. */
static int fill_window(struct toc *t, size_t i, struct ap_err *err)
{
	uint64_t from = t->v[i].from;
	uint64_t to = t->v[i].to;

	if (from >= t->window_at && to <= t->window_at + t->window.len)
		return 0;
	for (size_t k = i + 1; k < t->n; k++) {
		const struct entry *e = &t->v[k];

		if (!e->to)
			continue;
		if (e->from < to || e->to < e->from || e->from - to > GAP || e->to - from > WINDOW)
			break;
		to = e->to;
	}
	ap_buf_reset(&t->window);
	t->window_at = from;
	return to > from ? read_range(&t->window, t->l, from, to - from, err)
			 : ap_err_set(err, AP_E_PROTO, "table of contents: a file of no bytes");
}

static int content(struct ap_buf *out, struct toc *t, size_t i, const cJSON *j, struct ap_err *err)
{
	uint64_t size = number(j, "size");
	uint64_t inner = number(j, "innerOffset");
	ap_auto_reader plain = NULL;
	struct ap_reader *packed;
	struct ap_digest d;

	if (size > CONTENT_MAX || inner > CONTENT_MAX)
		return ap_err_set(
			err, AP_E_LIMIT, "table of contents: a file of %" PRIu64 " bytes", size);
	if (fill_window(t, i, err) < 0)
		return -1;
	ap_mem_reader(&packed, t->window.p + (t->v[i].from - t->window_at),
		(size_t)(t->v[i].to - t->v[i].from));
	if (ap_unpack_reader(&plain, packed, TABLE_MAX, err) < 0)
		return -1;
	ap_buf_grow(out, (size_t)(inner + size));
	if (ap_read_full(plain, out->p, (size_t)(inner + size), err) < 0)
		return -1;
	memmove(out->p, out->p + inner, (size_t)size);
	out->len = (size_t)size;
	ap_sha256_of(&d, out->p, out->len);
	if (!ap_streq(ap_json_str(j, "digest"), d.s))
		return ap_err_set(err, AP_E_DIGEST, "%.200s: its bytes are not those of the table",
			ap_json_str(j, "name"));
	return 0;
}

/* 0: a kind that no inventory cares for, or the rest of a file. */
static unsigned kind_of(const cJSON *j)
{
	static const struct {
		const char *name;
		unsigned type;
	} kinds[] = { { "dir", AE_IFDIR }, { "reg", AE_IFREG }, { "hardlink", AE_IFREG },
		{ "symlink", AE_IFLNK }, { "char", AE_IFCHR }, { "block", AE_IFBLK },
		{ "fifo", AE_IFIFO } };
	const char *type = ap_json_str(j, "type");

	for (size_t i = 0; i < AP_LEN(kinds); i++)
		if (ap_streq(type, kinds[i].name))
			return kinds[i].type;
	return 0;
}

static int write_entry(struct toc *t, size_t i, struct ap_err *err)
{
	struct archive_entry *e;
	ap_auto_buf body = AP_BUF_MAX(2 * (size_t)CONTENT_MAX);
	ap_auto_json j = NULL;
	const char *link;
	bool ok;

	if (ap_json_parse(&j, t->v[i].p, t->v[i].n, err) < 0 ||
		(t->v[i].to && content(&body, t, i, j, err) < 0))
		return -1;
	if (!kind_of(j) || !ap_json_str(j, "name"))
		return 0;
	link = ap_json_str(j, "linkName");
	e = archive_entry_new();
	if (!e)
		ap_oom();
	archive_entry_set_pathname(e, ap_json_str(j, "name"));
	archive_entry_set_filetype(e, kind_of(j));
	archive_entry_set_perm(e, (mode_t)(number(j, "mode") & 07777));
	archive_entry_set_size(e, (la_int64_t)body.len);
	if (ap_streq(ap_json_str(j, "type"), "hardlink"))
		archive_entry_set_hardlink(e, link ? link : "");
	else if (link && kind_of(j) == AE_IFLNK)
		archive_entry_set_symlink(e, link);
	ok = archive_write_header(t->tar, e) >= ARCHIVE_WARN &&
	     (!body.len || archive_write_data(t->tar, body.p, body.len) == (la_ssize_t)body.len);
	archive_entry_free(e);
	return ok ? 0
		  : ap_err_set(
			    err, AP_E_PROTO, "table of contents: %s", archive_error_string(t->tar));
}

static int toc_read(struct ap_reader *r, void *p, size_t n, size_t *got, struct ap_err *err)
{
	struct toc *t = AP_CONTAINER(r, struct toc, base);

	if (t->out_at == t->out.len) {
		ap_buf_reset(&t->out);
		t->out_at = 0;
	}
	while (!t->out.len && !t->ended) {
		if (ap_interrupted())
			return ap_err_set(err, AP_E_CANCELLED, "interrupted");
		if (t->at < t->n) {
			if (write_entry(t, t->at++, err) < 0)
				return -1;
			continue;
		}
		t->ended = true;
		archive_write_close(t->tar);
	}
	*got = AP_MIN(n, t->out.len - t->out_at);
	memcpy(p, t->out.p + t->out_at, *got);
	t->out_at += *got;
	return 0;
}

static void toc_free(struct ap_reader *r)
{
	struct toc *t = AP_CONTAINER(r, struct toc, base);

	archive_write_free(t->tar);
	ap_buf_release(&t->text);
	ap_buf_release(&t->out);
	ap_buf_release(&t->window);
	free(t->v);
	free(t);
}

static const struct ap_reader_ops ops = { toc_read, NULL, toc_free };

static la_ssize_t on_write(struct archive *a AP_UNUSED, void *ctx, const void *p, size_t n)
{
	struct toc *t = ctx;

	ap_buf_add(&t->out, p, n);
	return (la_ssize_t)n;
}

static struct toc *toc_new(const struct ap_layer_stream *l)
{
	struct toc *t = ap_xcalloc(1, sizeof(*t));

	t->base.ops = &ops;
	t->l = l;
	ap_buf_init(&t->text, TABLE_MAX);
	ap_buf_init(&t->out, 4 * (size_t)CONTENT_MAX);
	ap_buf_init(&t->window, PACKED_MAX);
	t->tar = archive_write_new();
	if (!t->tar)
		ap_oom();
	archive_write_set_format_gnutar(t->tar);
	archive_write_set_bytes_per_block(t->tar, 0);
	archive_write_open(t->tar, t, NULL, on_write, NULL);
	return t;
}

int ap_toc_open(struct ap_reader **out, const struct ap_layer_stream *l,
	struct ap_progress *progress, struct ap_err *err)
{
	const char *chunked = l->annotations ? chunked_note(l, "position") : NULL;
	const char *stargz = l->annotations ? ap_json_str(l->annotations, STARGZ_DIGEST) : NULL;
	ap_auto_reader made = NULL;
	struct toc *t;

	*out = NULL;
	if (!l->open_range || (!chunked && !stargz) || l->size < WORTH_IT)
		return 0;
	t = toc_new(l);
	made = &t->base;
	if ((chunked ? chunked_table(t, chunked, err) : stargz_table(t, err)) == 0 &&
		split(t, err) == 0 && place(t, err) == 0) {
		*out = AP_STEAL(made);
		return 0;
	}
	if (err->code == AP_E_CANCELLED)
		return -1;
	/* The layer itself is still there, and is verified as a whole. */
	ap_emit_debug(progress, AP_STEP_INVENTORY, "%.19s: %s", l->digest, err->msg);
	ap_err_clear(err);
	return 0;
}
