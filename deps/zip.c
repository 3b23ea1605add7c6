#include "deps/zip.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "deps/zip_priv.h"

enum {
	EOCD_LEN = 22,
	EOCD64_LEN = 56,
	LOCATOR_LEN = 20,
	CENTRAL_LEN = 46,
	LOCAL_LEN = 30,
	MAX_COMMENT = 65535,
	MAX_NAME = 4096,
	MAX_COMPONENT = 255,
	MAX_CENTRAL = 128 << 20,
	FLAG_ENCRYPTED = 1 << 0,
	FLAG_DESCRIPTOR = 1 << 3,
	FLAG_UTF8 = 1 << 11,
	FLAGS_KNOWN = FLAG_DESCRIPTOR | FLAG_UTF8 | 1 << 1 | 1 << 2, /* 1, 2: level of deflate */
	EXTRA_ZIP64 = 0x0001,
	EXTRA_UNICODE_PATH = 0x7075,
	DEFLATE_MAX_RATIO = 1032,
};

#define NONE32 0xffffffffu

/* A member while its local header is being checked. */
struct seen {
	uint32_t index;
	unsigned flags;
	uint64_t local;  /* offset of the local header */
	const char *raw; /* the name as it stands in the central directory */
	size_t raw_len;
};

struct place {
	uint64_t file_size;
	uint64_t cd, cd_size; /* the central directory */
	uint64_t n;
};

static unsigned u16(const unsigned char *p)
{
	return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static uint32_t u32(const unsigned char *p)
{
	return (uint32_t)u16(p) | (uint32_t)u16(p + 2) << 16;
}

static uint64_t u64(const unsigned char *p)
{
	return (uint64_t)u32(p) | (uint64_t)u32(p + 4) << 32;
}

int ap_zip_bad(const struct ap_zip *z, const char *member, struct ap_err *err, const char *fmt, ...)
{
	ap_auto_buf text = AP_BUF_MAX(800);
	va_list ap;

	if (member) {
		size_t n = strlen(member);

		ap_buf_adds(&text, "member \"");
		ap_buf_add_printable(&text, member, AP_MIN(n, (size_t)100));
		ap_buf_adds(&text, n > 100 ? "...\": " : "\": ");
	}
	va_start(ap, fmt);
	ap_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	return ap_err_set(err, AP_E_PROTO, "%s: %s", z->label, text.p);
}

int ap_zip_pread(const struct ap_zip *z, void *p, size_t n, uint64_t at, struct ap_err *err)
{
	char *to = p;

	while (n) {
		ssize_t k = pread(z->fd, to, n, (off_t)at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return ap_err_sys(err, "%s: read", z->label);
		if (!k)
			return ap_err_set(err, AP_E_CHANGED, "%s: became shorter while it was read",
				z->label);
		to += k;
		at += (uint64_t)k;
		n -= (size_t)k;
	}
	return 0;
}

/* The rule that a name breaks, or NULL. */
static const char *name_rule(const char *p, size_t n, unsigned flags)
{
	bool ascii = true;

	if (!n)
		return "has an empty name";
	if (n > MAX_NAME)
		return "name is longer than 4096 bytes";
	if (!ap_utf8_ok(p, n))
		return "name is not valid UTF-8";
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c < 0x20 || c == 0x7f)
			return "control character in the name";
		if (c == 0xc2 && (unsigned char)p[i + 1] < 0xa0)
			return "control character in the name";
		if (c == 0xe2 && (unsigned char)p[i + 1] == 0x80 &&
			((unsigned char)p[i + 2] == 0xa8 || (unsigned char)p[i + 2] == 0xa9))
			return "line separator in the name";
		if (c == '\\')
			return "backslash in the name";
		ascii = ascii && c < 0x80;
	}
	if (!ascii && !(flags & FLAG_UTF8))
		return "name is not ASCII and not marked as UTF-8";
	if (p[0] == '/')
		return "absolute name";
	if (n > 1 && p[1] == ':' && ap_is_alnum(p[0]) && !ap_is_digit(p[0]))
		return "name begins with a drive letter";
	return NULL;
}

static const char *component_rule(const char *name)
{
	struct ap_str rest = ap_str(name);
	struct ap_str part;

	while (ap_str_next(&rest, '/', &part)) {
		if (!part.n)
			return "empty component in the name";
		if (ap_str_eq(part, ".") || ap_str_eq(part, ".."))
			return "\".\" or \"..\" in the name";
		if (part.n > MAX_COMPONENT)
			return "component of the name is longer than 255 bytes";
	}
	return NULL;
}

/* Find extra field `id`; *p NULL when absent. */
static int extra_find(const struct ap_zip *z, const char *member, const unsigned char *x, size_t n,
	unsigned id, const unsigned char **p, size_t *len, struct ap_err *err)
{
	*p = NULL;
	*len = 0;
	while (n) {
		size_t k;

		if (n < 4 || (k = u16(x + 2)) > n - 4)
			return ap_zip_bad(z, member, err, "extra field is cut short");
		if (u16(x) == EXTRA_UNICODE_PATH)
			return ap_zip_bad(z, member, err, "second name in an extra field");
		if (u16(x) == id) {
			if (*p)
				return ap_zip_bad(z, member, err, "zip64 field occurs twice");
			*p = x + 4;
			*len = k;
		}
		x += 4 + k;
		n -= 4 + k;
	}
	return 0;
}

/* Sizes and offset of a central header, from the zip64 field where they do not fit. */
static int central_sizes(const struct ap_zip *z, struct ap_zip_member *m, struct seen *s,
	const unsigned char *h, const unsigned char *extra, size_t extra_len, struct ap_err *err)
{
	uint64_t *const want[] = { &m->size, &m->csize, &s->local };
	const unsigned char *x;
	size_t n;

	m->csize = u32(h + 20);
	m->size = u32(h + 24);
	s->local = u32(h + 42);
	if (extra_find(z, m->name, extra, extra_len, EXTRA_ZIP64, &x, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < AP_LEN(want); i++) {
		if (*want[i] != NONE32)
			continue;
		if (n < 8)
			return ap_zip_bad(z, m->name, err, "zip64 field is missing or too short");
		*want[i] = u64(x);
		x += 8;
		n -= 8;
	}
	if (n)
		return ap_zip_bad(z, m->name, err, "zip64 field holds values nothing asks for");
	return 0;
}

/* File type and permission bits. */
static int central_mode(
	const struct ap_zip *z, struct ap_zip_member *m, uint32_t external, struct ap_err *err)
{
	mode_t mode = external >> 16;

	if (S_ISLNK(mode))
		return ap_zip_bad(z, m->name, err, "is a symbolic link");
	if ((mode & S_IFMT) && !S_ISREG(mode) && !S_ISDIR(mode))
		return ap_zip_bad(z, m->name, err, "is neither a file nor a directory");
	if (!m->dir && S_ISDIR(mode))
		return ap_zip_bad(z, m->name, err, "is marked as a directory but named as a file");
	m->executable = !m->dir && S_ISREG(mode) && (mode & 0111);
	return 0;
}

static int central_limits(
	const struct ap_zip *z, const struct ap_zip_member *m, uint64_t *total, struct ap_err *err)
{
	if (m->method != 0 && m->method != 8)
		return ap_zip_bad(z, m->name, err, "compression method %u, want 0 or 8", m->method);
	if (m->dir && m->size)
		return ap_zip_bad(z, m->name, err, "directory with content");
	if (m->method == 0 && m->size != m->csize)
		return ap_zip_bad(z, m->name, err, "stored with two different sizes");
	if (m->size > AP_ZIP_MAX_TOTAL || m->csize > AP_ZIP_MAX_TOTAL)
		return ap_err_set(
			err, AP_E_LIMIT, "%s: member \"%.100s\" is too big", z->label, m->name);
	if (m->method == 8 && m->size / DEFLATE_MAX_RATIO > m->csize)
		return ap_zip_bad(z, m->name, err, "%" PRIu64 " bytes cannot come out of %" PRIu64,
			m->size, m->csize);
	*total += m->size;
	if (*total > AP_ZIP_MAX_TOTAL)
		return ap_err_set(err, AP_E_LIMIT, "%s: more than %llu GiB inflated", z->label,
			AP_ZIP_MAX_TOTAL >> 30);
	return 0;
}

/* One central header at p, n bytes left; *used: its length. */
static int central_one(struct ap_zip *z, struct seen *s, const unsigned char *p, size_t n,
	size_t *used, uint64_t *total, struct ap_err *err)
{
	struct ap_zip_member *m = &z->v[z->n];
	size_t name_len, extra_len, comment_len;
	const char *name, *rule;

	if (n < CENTRAL_LEN || u32(p) != 0x02014b50)
		return ap_zip_bad(
			z, NULL, err, "no central header where number %zu should be", z->n);
	name_len = u16(p + 28);
	extra_len = u16(p + 30);
	comment_len = u16(p + 32);
	*used = CENTRAL_LEN + name_len + extra_len + comment_len;
	if (*used > n)
		return ap_zip_bad(z, NULL, err, "central header number %zu is cut short", z->n);
	name = (const char *)p + CENTRAL_LEN;
	s->index = (uint32_t)z->n;
	s->flags = u16(p + 8);
	s->raw = name;
	s->raw_len = name_len;
	m->dir = name_len > 1 && name[name_len - 1] == '/';
	m->name = ap_xstrndup(name, name_len - m->dir);
	m->method = u16(p + 10);
	m->crc = u32(p + 16);
	z->n++;
	rule = name_rule(name, name_len, s->flags);
	if (!rule)
		rule = component_rule(m->name);
	if (rule)
		return ap_zip_bad(z, m->name, err, "%s", rule);
	if (s->flags & FLAG_ENCRYPTED)
		return ap_zip_bad(z, m->name, err, "is encrypted");
	if (s->flags & ~(unsigned)FLAGS_KNOWN)
		return ap_zip_bad(z, m->name, err, "flags 0x%04x are not supported", s->flags);
	if (u16(p + 34))
		return ap_zip_bad(z, m->name, err, "lies on another disk");
	if (central_sizes(z, m, s, p, p + CENTRAL_LEN + name_len, extra_len, err) < 0 ||
		central_mode(z, m, u32(p + 38), err) < 0)
		return -1;
	return central_limits(z, m, total, err);
}

static int central_all(struct ap_zip *z, struct seen *seen, const unsigned char *cd,
	const struct place *at, struct ap_err *err)
{
	size_t left = (size_t)at->cd_size;
	uint64_t total = 0;
	size_t used = 0;

	for (uint64_t i = 0; i < at->n; i++, cd += used, left -= used)
		if (central_one(z, &seen[i], cd, left, &used, &total, err) < 0)
			return -1;
	if (left)
		return ap_zip_bad(z, NULL, err, "%zu bytes behind the last central header", left);
	if (total > AP_ZIP_FREE_TOTAL && total / AP_ZIP_MAX_RATIO > at->file_size)
		return ap_err_set(err, AP_E_LIMIT,
			"%s: %" PRIu64 " bytes from a file of %" PRIu64 " look like a bomb",
			z->label, total, at->file_size);
	return 0;
}

/* The data descriptor that fills the gap between a member's bytes and what follows. */
static int check_descriptor(
	struct ap_zip *z, const struct ap_zip_member *m, uint64_t gap, struct ap_err *err)
{
	unsigned char d[24];
	const unsigned char *p = d;
	uint64_t csize, size;

	if (gap != 12 && gap != 16 && gap != 20 && gap != 24)
		return ap_zip_bad(z, m->name, err,
			"%" PRIu64 " bytes behind its data, not a data descriptor", gap);
	if (ap_zip_pread(z, d, (size_t)gap, m->offset + m->csize, err) < 0)
		return -1;
	if (gap == 16 || gap == 24) {
		if (u32(p) != 0x08074b50)
			return ap_zip_bad(z, m->name, err, "data descriptor without signature");
		p += 4;
	}
	csize = gap > 16 ? u64(p + 4) : u32(p + 4);
	size = gap > 16 ? u64(p + 12) : u32(p + 8);
	if (u32(p) != m->crc)
		return ap_zip_bad(z, m->name, err,
			"CRC differs between data descriptor and central directory");
	if (csize != m->csize || size != m->size)
		return ap_zip_bad(z, m->name, err,
			"size differs between data descriptor and central directory");
	return 0;
}

/* CRC and sizes of a local header; with a data descriptor they may be zero. */
static int check_local_sizes(struct ap_zip *z, const struct ap_zip_member *m, unsigned flags,
	const unsigned char *h, const unsigned char *extra, size_t extra_len, struct ap_err *err)
{
	uint64_t csize = u32(h + 18);
	uint64_t size = u32(h + 22);
	bool may_be_zero = flags & FLAG_DESCRIPTOR;
	const unsigned char *x;
	size_t n;

	if (extra_find(z, m->name, extra, extra_len, EXTRA_ZIP64, &x, &n, err) < 0)
		return -1;
	if (x && n != 16)
		return ap_zip_bad(z, m->name, err,
			"zip64 field of the local header has %zu bytes, want 16", n);
	if (!x && (csize == NONE32 || size == NONE32))
		return ap_zip_bad(z, m->name, err, "local header without its zip64 field");
	if (x && size == NONE32)
		size = u64(x);
	else if (x && u64(x) && u64(x) != m->size)
		return ap_zip_bad(z, m->name, err, "two sizes in the local header");
	if (x && csize == NONE32)
		csize = u64(x + 8);
	else if (x && u64(x + 8) && u64(x + 8) != m->csize)
		return ap_zip_bad(z, m->name, err, "two sizes in the local header");
	if (u32(h + 14) != m->crc && !(may_be_zero && !u32(h + 14)))
		return ap_zip_bad(
			z, m->name, err, "CRC differs between local header and central directory");
	if ((csize != m->csize && !(may_be_zero && !csize)) ||
		(size != m->size && !(may_be_zero && !size)))
		return ap_zip_bad(
			z, m->name, err, "size differs between local header and central directory");
	return 0;
}

/* The local header of one member; `next`: where the following thing begins. */
static int check_local(struct ap_zip *z, const struct seen *s, uint64_t next, struct ap_err *err)
{
	uint64_t at = s->local;
	struct ap_zip_member *m = &z->v[s->index];
	unsigned char h[LOCAL_LEN];
	ap_auto_free unsigned char *rest = NULL;
	size_t name_len, extra_len;
	uint64_t room;

	if (next - at < LOCAL_LEN)
		return ap_zip_bad(z, m->name, err, "overlaps the next member");
	if (ap_zip_pread(z, h, sizeof(h), at, err) < 0)
		return -1;
	if (u32(h) != 0x04034b50)
		return ap_zip_bad(z, m->name, err, "no local header where it should be");
	name_len = u16(h + 26);
	extra_len = u16(h + 28);
	room = next - at - LOCAL_LEN;
	if (name_len + extra_len > room || m->csize > room - name_len - extra_len)
		return ap_zip_bad(z, m->name, err, "runs into what follows it");
	rest = ap_xmalloc(name_len + extra_len + 1);
	if (ap_zip_pread(z, rest, name_len + extra_len, at + LOCAL_LEN, err) < 0)
		return -1;
	if (name_len != s->raw_len || memcmp(rest, s->raw, name_len) != 0)
		return ap_zip_bad(z, m->name, err, "has another name in its local header");
	if (u16(h + 6) != s->flags)
		return ap_zip_bad(
			z, m->name, err, "flags differ between local header and central directory");
	if (u16(h + 8) != m->method)
		return ap_zip_bad(z, m->name, err,
			"method differs between local header and central directory");
	if (check_local_sizes(z, m, s->flags, h, rest + name_len, extra_len, err) < 0)
		return -1;
	m->offset = at + LOCAL_LEN + name_len + extra_len;
	room -= name_len + extra_len + m->csize;
	if (s->flags & FLAG_DESCRIPTOR)
		return check_descriptor(z, m, room, err);
	if (room)
		return ap_zip_bad(z, m->name, err, "%" PRIu64 " bytes behind its data", room);
	return 0;
}

static int by_local(const void *a, const void *b)
{
	const struct seen *x = a;
	const struct seen *y = b;

	return x->local < y->local ? -1 : x->local > y->local;
}

/* Every byte before the central directory belongs to exactly one member. */
static int check_layout(
	struct ap_zip *z, struct seen *seen, const struct place *at, struct ap_err *err)
{
	qsort(seen, z->n, sizeof(*seen), by_local);
	if (z->n ? seen[0].local : at->cd)
		return ap_zip_bad(z, NULL, err,
			"%" PRIu64 " bytes before the first member belong to nothing",
			z->n ? seen[0].local : at->cd);
	if (z->n && seen[z->n - 1].local >= at->cd)
		return ap_zip_bad(z, z->v[seen[z->n - 1].index].name, err,
			"local header lies in the central directory");
	for (size_t i = 0; i < z->n; i++) {
		uint64_t next = i + 1 < z->n ? seen[i + 1].local : at->cd;

		if (check_local(z, &seen[i], next, err) < 0)
			return -1;
	}
	return 0;
}

static int by_name(const void *a, const void *b, void *ctx)
{
	const struct ap_zip_member *v = ctx;

	return strcmp(v[*(const uint32_t *)a].name, v[*(const uint32_t *)b].name);
}

static int check_names(struct ap_zip *z, struct ap_err *err)
{
	z->by_name = ap_xcalloc(z->n + 1, sizeof(*z->by_name));
	for (size_t i = 0; i < z->n; i++)
		z->by_name[i] = (uint32_t)i;
	qsort_r(z->by_name, z->n, sizeof(*z->by_name), by_name, z->v);
	for (size_t i = 1; i < z->n; i++) {
		const struct ap_zip_member *a = &z->v[z->by_name[i - 1]];
		const struct ap_zip_member *b = &z->v[z->by_name[i]];

		if (strcmp(a->name, b->name) == 0)
			return ap_zip_bad(z, a->name, err,
				a->dir == b->dir ? "occurs twice"
						 : "is both a file and a directory");
	}
	for (size_t i = 0; i < z->n; i++) {
		ap_auto_free char *parent = ap_xstrdup(z->v[i].name);
		char *slash;

		while ((slash = strrchr(parent, '/'))) {
			const struct ap_zip_member *m;

			*slash = '\0';
			m = ap_zip_find(z, parent);
			if (m && !m->dir)
				return ap_zip_bad(z, parent, err, "is both a file and a directory");
			if (m)
				break; /* its own parents are checked with it */
		}
	}
	return 0;
}

/* The zip64 end record and its locator, which stand directly before the end record. */
static int find_end64(struct ap_zip *z, struct place *at, const unsigned char *eocd, uint64_t end,
	uint64_t *cd_end, struct ap_err *err)
{
	unsigned char loc[LOCATOR_LEN], r[EOCD64_LEN];
	bool needed =
		u16(eocd + 10) == 0xffff || u32(eocd + 12) == NONE32 || u32(eocd + 16) == NONE32;

	*cd_end = end;
	if (end < LOCATOR_LEN)
		return 0;
	if (ap_zip_pread(z, loc, sizeof(loc), end - LOCATOR_LEN, err) < 0)
		return -1;
	if (u32(loc) != 0x07064b50) {
		if (u32(eocd + 12) == NONE32 || u32(eocd + 16) == NONE32)
			return ap_zip_bad(z, NULL, err, "zip64 locator is missing");
		return 0;
	}
	if (end < LOCATOR_LEN + EOCD64_LEN || u64(loc + 8) != end - LOCATOR_LEN - EOCD64_LEN ||
		u32(loc + 4) != 0 || u32(loc + 16) != 1)
		return ap_zip_bad(z, NULL, err, "zip64 end record is not where it should be");
	*cd_end = u64(loc + 8);
	if (ap_zip_pread(z, r, sizeof(r), *cd_end, err) < 0)
		return -1;
	if (u32(r) != 0x06064b50 || u64(r + 4) != EOCD64_LEN - 12 || u32(r + 16) || u32(r + 20) ||
		u64(r + 24) != u64(r + 32))
		return ap_zip_bad(z, NULL, err, "zip64 end record is malformed");
	if ((u16(eocd + 10) != 0xffff && u16(eocd + 10) != u64(r + 32)) ||
		(u32(eocd + 12) != NONE32 && u32(eocd + 12) != u64(r + 40)) ||
		(u32(eocd + 16) != NONE32 && u32(eocd + 16) != u64(r + 48)))
		return ap_zip_bad(z, NULL, err, "the two end records disagree");
	if (!needed)
		return 0;
	at->n = u64(r + 32);
	at->cd_size = u64(r + 40);
	at->cd = u64(r + 48);
	return 0;
}

/* Where the central directory is.  No byte may follow the end record but a plain comment. */
static int find_end(struct ap_zip *z, struct place *at, struct ap_err *err)
{
	size_t n = (size_t)AP_MIN(at->file_size, (uint64_t)EOCD_LEN + MAX_COMMENT);
	ap_auto_free unsigned char *tail = ap_xmalloc(n + 1);
	const unsigned char *e = NULL;
	uint64_t cd_end;

	if (n < EOCD_LEN)
		return ap_zip_bad(z, NULL, err, "too short for a zip archive");
	if (ap_zip_pread(z, tail, n, at->file_size - n, err) < 0)
		return -1;
	for (size_t i = n - EOCD_LEN + 1; i-- > 0 && !e;)
		if (u32(tail + i) == 0x06054b50)
			e = tail + i;
	if (!e)
		return ap_zip_bad(z, NULL, err, "no end of central directory: not a zip archive");
	if ((size_t)(tail + n - e) - EOCD_LEN != u16(e + 20))
		return ap_zip_bad(z, NULL, err, "bytes behind the end of the archive");
	if (u16(e + 20) && memmem(e + EOCD_LEN, u16(e + 20), "PK", 2))
		return ap_zip_bad(z, NULL, err, "archive comment looks like a zip record");
	if (u16(e + 4) || u16(e + 6) || u16(e + 8) != u16(e + 10))
		return ap_zip_bad(z, NULL, err, "archive is split over several disks");
	at->n = u16(e + 10);
	at->cd_size = u32(e + 12);
	at->cd = u32(e + 16);
	if (find_end64(z, at, e, at->file_size - n + (uint64_t)(e - tail), &cd_end, err) < 0)
		return -1;
	if (at->n > AP_ZIP_MAX_MEMBERS || at->cd_size > MAX_CENTRAL)
		return ap_err_set(
			err, AP_E_LIMIT, "%s: more than %u members", z->label, AP_ZIP_MAX_MEMBERS);
	if (at->cd > cd_end || cd_end - at->cd != at->cd_size)
		return ap_zip_bad(
			z, NULL, err, "central directory does not end where the end record begins");
	return 0;
}

static int load(struct ap_zip *z, struct ap_err *err)
{
	struct place at = { 0 };
	ap_auto_free unsigned char *cd = NULL;
	ap_auto_free struct seen *seen = NULL;
	struct stat st;

	if (fstat(z->fd, &st) < 0)
		return ap_err_sys(err, "%s", z->label);
	if (!S_ISREG(st.st_mode))
		return ap_err_set(err, AP_E_INPUT, "%s: not a regular file", z->label);
	at.file_size = (uint64_t)st.st_size;
	if (find_end(z, &at, err) < 0)
		return -1;
	cd = ap_xmalloc((size_t)at.cd_size + 1);
	seen = ap_xcalloc((size_t)at.n + 1, sizeof(*seen));
	z->v = ap_xcalloc((size_t)at.n + 1, sizeof(*z->v));
	if (ap_zip_pread(z, cd, (size_t)at.cd_size, at.cd, err) < 0 ||
		central_all(z, seen, cd, &at, err) < 0 || check_layout(z, seen, &at, err) < 0)
		return -1;
	return check_names(z, err);
}

int ap_zip_open_fd(struct ap_zip **out, int fd, const char *label, struct ap_err *err)
{
	AP_CLEANUP(ap_zip_unrefp) struct ap_zip *z = ap_xcalloc(1, sizeof(*z));

	z->refs = 1;
	z->label = ap_xstrdup(label);
	z->fd = fd;
	if (load(z, err) < 0)
		return -1;
	*out = AP_STEAL(z);
	return 0;
}

int ap_zip_open(struct ap_zip **out, const char *path, const char *label, struct ap_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return ap_err_sys(err, "%s", label);
	return ap_zip_open_fd(out, fd, label, err);
}

struct ap_zip *ap_zip_ref(struct ap_zip *z)
{
	__atomic_add_fetch(&z->refs, 1, __ATOMIC_RELAXED);
	return z;
}

void ap_zip_unref(struct ap_zip *z)
{
	if (!z || __atomic_sub_fetch(&z->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < z->n; i++)
		free(z->v[i].name);
	free(z->v);
	free(z->by_name);
	free(z->label);
	ap_close_p(&z->fd);
	free(z);
}

void ap_zip_unrefp(struct ap_zip **z)
{
	ap_zip_unref(*z);
	*z = NULL;
}

size_t ap_zip_count(const struct ap_zip *z)
{
	return z->n;
}

const struct ap_zip_member *ap_zip_member(const struct ap_zip *z, size_t i)
{
	return &z->v[i];
}

const struct ap_zip_member *ap_zip_find(const struct ap_zip *z, const char *name)
{
	size_t lo = 0;
	size_t hi = z->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct ap_zip_member *m = &z->v[z->by_name[mid]];
		int c = strcmp(name, m->name);

		if (c == 0)
			return m;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}
