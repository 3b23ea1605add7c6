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
	CENTRAL_LEN = 46,
	MAX_NAME = 4096,
	MAX_COMPONENT = 255,
	FLAG_ENCRYPTED = 1 << 0,
	FLAG_UTF8 = 1 << 11,
	FLAGS_KNOWN =
		AP_ZIP_FLAG_DESCRIPTOR | FLAG_UTF8 | 1 << 1 | 1 << 2, /* 1, 2: level of deflate */
	DEFLATE_MAX_RATIO = 1032,
};

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

/* Sizes and offset of a central header, from the zip64 field where they do not fit. */
static int central_sizes(const struct ap_zip *z, struct ap_zip_member *m, struct ap_zip_seen *s,
	const unsigned char *h, const unsigned char *extra, size_t extra_len, struct ap_err *err)
{
	uint64_t *const want[] = { &m->size, &m->csize, &s->local };
	const unsigned char *x;
	size_t n;

	m->csize = ap_zip_u32(h + 20);
	m->size = ap_zip_u32(h + 24);
	s->local = ap_zip_u32(h + 42);
	if (ap_zip_extra(z, m->name, extra, extra_len, AP_ZIP_EXTRA_ZIP64, &x, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < AP_LEN(want); i++) {
		if (*want[i] != AP_ZIP_NONE32)
			continue;
		if (n < 8)
			return ap_zip_bad(z, m->name, err, "zip64 field is missing or too short");
		*want[i] = ap_zip_u64(x);
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
static int central_one(struct ap_zip *z, struct ap_zip_seen *s, const unsigned char *p, size_t n,
	size_t *used, uint64_t *total, struct ap_err *err)
{
	struct ap_zip_member *m = &z->v[z->n];
	size_t name_len, extra_len, comment_len;
	const char *name, *rule;

	if (n < CENTRAL_LEN || ap_zip_u32(p) != 0x02014b50)
		return ap_zip_bad(
			z, NULL, err, "no central header where number %zu should be", z->n);
	name_len = ap_zip_u16(p + 28);
	extra_len = ap_zip_u16(p + 30);
	comment_len = ap_zip_u16(p + 32);
	*used = CENTRAL_LEN + name_len + extra_len + comment_len;
	if (*used > n)
		return ap_zip_bad(z, NULL, err, "central header number %zu is cut short", z->n);
	name = (const char *)p + CENTRAL_LEN;
	s->index = (uint32_t)z->n;
	s->flags = ap_zip_u16(p + 8);
	s->raw = name;
	s->raw_len = name_len;
	m->dir = name_len > 1 && name[name_len - 1] == '/';
	m->name = ap_xstrndup(name, name_len - m->dir);
	m->method = ap_zip_u16(p + 10);
	m->crc = ap_zip_u32(p + 16);
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
	if (ap_zip_u16(p + 34))
		return ap_zip_bad(z, m->name, err, "lies on another disk");
	if (central_sizes(z, m, s, p, p + CENTRAL_LEN + name_len, extra_len, err) < 0 ||
		central_mode(z, m, ap_zip_u32(p + 38), err) < 0)
		return -1;
	return central_limits(z, m, total, err);
}

static int central_all(struct ap_zip *z, struct ap_zip_seen *seen, const unsigned char *cd,
	const struct ap_zip_place *at, struct ap_err *err)
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

static int load(struct ap_zip *z, struct ap_err *err)
{
	struct ap_zip_place at = { 0 };
	ap_auto_free unsigned char *cd = NULL;
	ap_auto_free struct ap_zip_seen *seen = NULL;
	struct stat st;

	if (fstat(z->fd, &st) < 0)
		return ap_err_sys(err, "%s", z->label);
	if (!S_ISREG(st.st_mode))
		return ap_err_set(err, AP_E_INPUT, "%s: not a regular file", z->label);
	at.file_size = (uint64_t)st.st_size;
	if (ap_zip_find_end(z, &at, err) < 0)
		return -1;
	cd = ap_xmalloc((size_t)at.cd_size + 1);
	seen = ap_xcalloc((size_t)at.n + 1, sizeof(*seen));
	z->v = ap_xcalloc((size_t)at.n + 1, sizeof(*z->v));
	if (ap_zip_pread(z, cd, (size_t)at.cd_size, at.cd, err) < 0 ||
		central_all(z, seen, cd, &at, err) < 0 ||
		ap_zip_check_layout(z, seen, &at, err) < 0)
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
