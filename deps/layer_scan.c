#include "deps/layer_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/progress.h"
#include "deps/pip_conf.h"
#include "deps/unpack.h"

#define MAX_LAYER   (1ull << 40)
#define MAX_ENTRIES 4000000u
#define MAX_NAME    4096
#define MAX_TEXT    (256u << 10) /* METADATA: what is behind the headers is not needed */
#define MAX_RECORD  (32u << 20)
#define SNIFFED     1024u

/* What is kept of a file. */
enum what { NOTHING, TEXT, RECORD, PYTHON, LIBC, PIP };

/* ---- which files matter ---- */

static struct ap_str parent_name(const char *path, const char *base)
{
	const char *end = base > path ? base - 1 : path;
	const char *p = end;

	while (p > path && p[-1] != '/')
		p--;
	return ap_str_n(p, (size_t)(end - p));
}

static bool ends(struct ap_str s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.n >= n && memcmp(s.p + s.n - n, suffix, n) == 0;
}

/* "python3", "python3.11", "libpython3.11.so.1.0" */
static bool is_python(const char *base)
{
	const char *p = base;

	if (ap_starts_with(p, "lib"))
		return ap_starts_with(p, "libpython3") && strstr(p, ".so");
	if (!ap_starts_with(p, "python"))
		return false;
	p += 6;
	return strspn(p, "0123456789.") == strlen(p);
}

static bool is_libc(const char *base)
{
	return strcmp(base, "libc.so.6") == 0 ||
	       (ap_starts_with(base, "libc-2.") && ap_ends_with(base, ".so")) ||
	       ap_starts_with(base, "ld-musl-") || ap_starts_with(base, "libc.musl-");
}

/* "etc/pip.conf", "etc/pip/constraint.txt", "opt/requirements-gpu.txt" */
static bool is_pip_file(const char *path, const char *base)
{
	return strcmp(base, "pip.conf") == 0 || ap_starts_with(path, "etc/pip/") ||
	       (ap_ends_with(base, ".txt") &&
		       (strstr(base, "constraint") || strstr(base, "requirements")));
}

static enum what interest(const char *path, const struct ap_strv *also)
{
	static const char *const info[] = { "METADATA", "INSTALLER", "direct_url.json" };
	static const char *const egg[] = { "PKG-INFO", "installed-files.txt", "top_level.txt" };
	static const char *const paths[] = { "etc/os-release", "usr/lib/os-release" };
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	struct ap_str dir = parent_name(path, base);

	if (ends(dir, ".dist-info"))
		return strcmp(base, "RECORD") == 0           ? RECORD
		       : ap_one_of(base, info, AP_LEN(info)) ? TEXT
							     : NOTHING;
	if (ends(dir, ".egg-info"))
		return ap_one_of(base, egg, AP_LEN(egg)) ? TEXT : NOTHING;
	if (strcmp(base, "pyvenv.cfg") == 0 || ap_ends_with(base, ".egg-info") ||
		(ends(dir, "-packages") && ap_ends_with(base, ".pth")) ||
		ap_one_of(path, paths, AP_LEN(paths)))
		return TEXT;
	if (is_python(base))
		return PYTHON;
	if (is_libc(base))
		return LIBC;
	return is_pip_file(path, base) || (also && ap_strv_has(also, path)) ? PIP : NOTHING;
}

bool ap_layer_scan_wants(const char *path, const struct ap_strv *also)
{
	return interest(path, also) != NOTHING;
}

/*
 * Is the first line that says anything one of a list of requirements, "x==1",
 * "x[y] < 2", "x @ https://...", "-c FILE"?  Of one that only names a package
 * nobody can tell.
 */
static bool begins_with_requirement(const char *p, size_t n)
{
	static const char *const marks[] = { "===", "==", "~=", "!=", "<=", ">=", "<", ">", "@" };
	struct ap_str rest = ap_str_n(p, n);
	struct ap_str line;
	size_t i = 0;

	do {
		if (!ap_str_next(&rest, '\n', &line))
			return false;
		line = ap_str_trim(line);
	} while (!line.n || line.p[0] == '#');
	if (line.n > 3 && line.p[0] == '-')
		return line.p[1] == '-' ? ap_is_alnum(line.p[2])
					: line.p[1] == 'c' && line.p[2] == ' ';
	while (i < line.n && line.p[i] && (ap_is_alnum(line.p[i]) || strchr("-_.", line.p[i])))
		i++;
	if (!i || !ap_is_alnum(line.p[0]))
		return false;
	if (i < line.n && line.p[i] == '[')
		while (i < line.n && line.p[i++] != ']')
			;
	line = ap_str_trim(ap_str_n(line.p + i, line.n - i));
	for (size_t k = 0; k < AP_LEN(marks); k++) {
		size_t m = strlen(marks[k]);

		if (line.n <= m || memcmp(line.p, marks[k], m) != 0)
			continue;
		line = ap_str_trim(ap_str_n(line.p + m, line.n - m));
		return line.n && (ap_is_digit(line.p[0]) ||
					 (marks[k][0] == '@' && memchr(line.p, ':', line.n)));
	}
	return false;
}

/* ---- contents ---- */

/* Digits at p; 0 when there are none or too many. */
static size_t digits(const char *p, const char *end, size_t max)
{
	size_t n = 0;

	while (p + n < end && n <= max && ap_is_digit(p[n]))
		n++;
	return n <= max ? n : 0;
}

/* "3.11.2" or "3.13.0rc1", between NULs, at p. */
static bool python_version(struct ap_buf *out, const char *p, const char *end)
{
	const char *q = p + 2;
	size_t n = digits(q, end, 2);

	if (!n || q + n == end || q[n] != '.')
		return false;
	q += n + 1;
	n = digits(q, end, 2);
	if (!n)
		return false;
	q += n;
	ap_buf_reset(out);
	ap_buf_add(out, p, (size_t)(q - p));
	if (end - q > 1 && (*q == 'a' || *q == 'b' || *q == 'r')) {
		q += *q == 'r' ? 2 : 1;
		q += digits(q, end, 2);
	}
	if (q < end && *q == '+')
		q++;
	return q < end && *q == '\0';
}

/* "1.2.4" between NULs. */
static bool musl_version(struct ap_buf *out, const char *p, const char *end)
{
	const char *q = p + 2;
	size_t n = digits(q, end, 1);

	if (!n || q + n == end || q[n] != '.')
		return false;
	q += n + 1;
	n = digits(q, end, 2);
	if (!n || q + n == end || q[n] != '\0')
		return false;
	ap_buf_reset(out);
	ap_buf_adds(out, "musl ");
	ap_buf_add(out, p, (size_t)(q + n - p));
	return true;
}

/* `start` behind a NUL: the beginning of a string of its own. */
static bool find_in(struct ap_buf *out, const char *start, const char *p, size_t n,
	bool (*fn)(struct ap_buf *, const char *, const char *))
{
	const char *end = p + n;
	const char *at = p;

	while ((at = memmem(at, (size_t)(end - at), start, strlen(start)))) {
		if (at > p && at[-1] == '\0' && fn(out, at, end))
			return true;
		at++;
	}
	return false;
}

static bool glibc_version(struct ap_buf *out, const char *p, const char *end)
{
	static const char mark[] = " release version 2.";
	const char *at = memmem(p, (size_t)(end - p), mark, sizeof(mark) - 1);
	size_t n;

	if (!at)
		return false;
	at += sizeof(mark) - 1;
	n = digits(at, end, 3);
	if (!n || at + n == end)
		return false;
	ap_buf_reset(out);
	ap_buf_addf(out, "glibc 2.%.*s", (int)n, at);
	return true;
}

bool ap_scan_version(struct ap_buf *out, const char *name, const char *p, size_t n)
{
	if (is_python(name))
		return find_in(out, "3.", p, n, python_version);
	if (ap_starts_with(name, "libc-2.") || strcmp(name, "libc.so.6") == 0)
		return glibc_version(out, p, p + n);
	return find_in(out, "1.", p, n, musl_version);
}

/* The path of each line of a RECORD, one a line: the hashes are not needed. */
static void record_paths(struct ap_buf *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t from = out->len;
		bool quoted = p[i] == '"';

		for (i += quoted; i < n; i++) {
			if (quoted && p[i] == '"') {
				if (i + 1 == n || p[i + 1] != '"')
					break;
				i++;
			} else if (!quoted && (p[i] == ',' || p[i] == '\n' || p[i] == '\r')) {
				break;
			}
			ap_buf_addc(out, p[i] == '\n' ? '?' : p[i]);
		}
		while (i < n && p[i] != '\n')
			i++;
		i++;
		if (out->len > from)
			ap_buf_addc(out, '\n');
	}
}

/* ---- reading the archive ---- */

struct scan {
	struct archive *a;
	struct ap_reader *r;
	const struct ap_strv *also;
	ap_op_fn fn;
	void *ctx;
	uint64_t size; /* of the entry */
	struct ap_err *err;
	struct ap_err read_err; /* what the reader said, for libarchive has no place for it */
	unsigned n;
	char *window; /* for binaries */
	char in[128 << 10];
};

static la_ssize_t on_read(struct archive *a, void *ctx, const void **p)
{
	struct scan *s = ctx;
	size_t got;

	if (ap_interrupted() && s->read_err.code == AP_E_NONE)
		ap_err_set(&s->read_err, AP_E_CANCELLED, "interrupted");
	if (s->read_err.code != AP_E_NONE ||
		ap_read(s->r, s->in, sizeof(s->in), &got, &s->read_err) < 0) {
		archive_set_error(a, EIO, "read");
		return -1;
	}
	*p = s->in;
	return (la_ssize_t)got;
}

static int broken(struct scan *s)
{
	const char *why;

	if (s->read_err.code != AP_E_NONE) {
		*s->err = s->read_err;
		return -1;
	}
	why = archive_error_string(s->a);
	return ap_err_set(s->err, AP_E_PROTO, "tar: %.200s", why ? why : "broken");
}

/* Strip "./" and "/"; refuse what a path of an image cannot be. */
static int clean_name(struct scan *s, struct ap_buf *out, const char *name)
{
	struct ap_str rest = ap_str(name);
	struct ap_str part;

	ap_buf_reset(out);
	if (strlen(name) > MAX_NAME)
		return ap_err_set(
			s->err, AP_E_LIMIT, "tar: a name of more than %d bytes", MAX_NAME);
	while (ap_str_next(&rest, '/', &part)) {
		if (!part.n || ap_str_eq(part, "."))
			continue;
		if (ap_str_eq(part, "..")) {
			ap_auto_buf shown = AP_BUF_INIT;

			ap_buf_add_printable(&shown, name, AP_MIN(strlen(name), 200));
			return ap_err_set(
				s->err, AP_E_PROTO, "tar: \"%s\": \"..\" in a name", shown.p);
		}
		if (out->len)
			ap_buf_addc(out, '/');
		ap_buf_add(out, part.p, part.n);
	}
	return 0;
}

/*
 * Look through a binary with a window that overlaps: a version string is
 * shorter than the overlap.
 */
static int scan_binary(struct scan *s, struct ap_buf *out, const char *base)
{
	enum { SIZE = 256 << 10, OVERLAP = 128 };
	size_t have = 0;
	bool found = false;
	la_ssize_t k;

	if (!s->window)
		s->window = ap_xmalloc(SIZE);
	while ((k = archive_read_data(s->a, s->window + have, SIZE - have)) > 0) {
		have += (size_t)k;
		if (have < SIZE)
			continue;
		if (!found)
			found = ap_scan_version(out, base, s->window, have);
		memmove(s->window, s->window + have - OVERLAP, OVERLAP);
		have = OVERLAP;
	}
	if (k < 0)
		return broken(s);
	if (!found)
		ap_scan_version(out, base, s->window, have);
	return 0;
}

static int read_text(struct scan *s, struct ap_buf *out, size_t max)
{
	char chunk[16384];
	la_ssize_t k = 1;

	while (out->len < max && k > 0) {
		k = archive_read_data(s->a, chunk, AP_MIN(sizeof(chunk), max - out->len));
		if (k > 0)
			ap_buf_add(out, chunk, (size_t)k);
	}
	return k < 0 ? broken(s) : 0;
}

/* Headers end at the first empty line; a description may follow for pages. */
static void cut_description(struct ap_buf *text)
{
	const char *lf = strstr(text->p, "\n\n");
	const char *crlf = strstr(text->p, "\n\r\n");
	const char *end = !lf || (crlf && crlf < lf) ? crlf : lf;

	if (end)
		ap_buf_truncate(text, (size_t)(end + 1 - text->p));
}

/* What pip's configuration may consist of, whole or not at all. */
static int pip_content(struct scan *s, struct ap_path_op *op, struct ap_buf *kept, bool sure)
{
	ap_auto_buf raw = AP_BUF_INIT;

	if (s->size > AP_PIP_FILE_MAX)
		return 0;
	if (!sure && read_text(s, &raw, SNIFFED) < 0)
		return -1;
	if (!sure && !begins_with_requirement(raw.p, raw.len))
		return 0;
	if (read_text(s, &raw, AP_PIP_FILE_MAX) < 0)
		return -1;
	ap_pip_without_users(kept, raw.p, raw.len);
	op->content = kept->p;
	op->content_len = kept->len;
	return 0;
}

static int file_content(struct scan *s, struct ap_path_op *op, struct ap_buf *kept)
{
	const char *slash = strrchr(op->path, '/');
	const char *base = slash ? slash + 1 : op->path;
	enum what what = interest(op->path, s->also);
	ap_auto_buf raw = AP_BUF_INIT;

	if (what == NOTHING || what == PIP)
		return pip_content(s, op, kept, what == PIP);
	if (what == PYTHON || what == LIBC) {
		if (scan_binary(s, kept, base) < 0)
			return -1;
		if (kept->len) {
			op->content = kept->p;
			op->content_len = kept->len;
		}
		return 0;
	}
	if (read_text(s, &raw, what == RECORD ? MAX_RECORD : MAX_TEXT) < 0)
		return -1;
	if (what == RECORD) {
		record_paths(kept, raw.p, raw.len);
	} else {
		ap_buf_add(kept, raw.p, raw.len);
		if (strcmp(base, "METADATA") == 0 || strcmp(base, "PKG-INFO") == 0 ||
			ap_ends_with(base, ".egg-info"))
			cut_description(kept);
	}
	op->content = kept->p;
	op->content_len = kept->len;
	return 0;
}

/* ".wh.x" is not a file but the absence of x.  False: an ordinary name. */
static bool whiteout(struct ap_path_op *op, struct ap_buf *path, bool *skip)
{
	char *slash = strrchr(path->p, '/');
	char *base = slash ? slash + 1 : path->p;
	size_t dir = (size_t)(base - path->p);

	*skip = false;
	if (!ap_starts_with(base, ".wh."))
		return false;
	if (strcmp(base, ".wh..wh..opq") == 0) {
		op->type = AP_OP_OPAQUE;
		ap_buf_truncate(path, dir ? dir - 1 : 0);
	} else if (ap_starts_with(base, ".wh..wh.") || !base[4]) {
		*skip = true; /* AUFS's own files */
	} else {
		op->type = AP_OP_WHITEOUT;
		memmove(base, base + 4, strlen(base + 4) + 1);
		ap_buf_truncate(path, path->len - 4);
	}
	op->path = path->p;
	return true;
}

static const char *entry_name(struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);

	/* In the C locale only this form has names that are not ASCII. */
	return name ? name : archive_entry_pathname_utf8(e);
}

static const char *entry_hardlink(struct archive_entry *e)
{
	const char *name = archive_entry_hardlink(e);

	return name ? name : archive_entry_hardlink_utf8(e);
}

static const char *entry_symlink(struct archive_entry *e)
{
	const char *name = archive_entry_symlink(e);

	return name ? name : archive_entry_symlink_utf8(e);
}

static int entry(struct scan *s, struct archive_entry *e)
{
	ap_auto_buf path = AP_BUF_INIT;
	ap_auto_buf target = AP_BUF_INIT;
	ap_auto_buf content = AP_BUF_INIT;
	struct ap_path_op op = { .mode = (uint16_t)(archive_entry_perm(e) & 07777) };
	const char *name = entry_name(e);
	const char *hard = entry_hardlink(e);
	bool skip;

	if (++s->n > MAX_ENTRIES)
		return ap_err_set(s->err, AP_E_LIMIT, "tar: more than %u entries", MAX_ENTRIES);
	if (!name)
		return ap_err_set(s->err, AP_E_PROTO, "tar: entry %u has no name", s->n);
	if (clean_name(s, &path, name) < 0)
		return -1;
	op.path = path.p;
	if (whiteout(&op, &path, &skip))
		return skip ? 0 : s->fn(s->ctx, &op, s->err);
	if (hard) {
		if (clean_name(s, &target, hard) < 0)
			return -1;
		op.type = AP_OP_HARD;
		op.target = target.p;
	} else if (archive_entry_filetype(e) == AE_IFDIR) {
		op.type = AP_OP_DIR;
	} else if (archive_entry_filetype(e) == AE_IFLNK) {
		op.type = AP_OP_LINK;
		op.target = entry_symlink(e);
		if (!op.target || !*op.target || strlen(op.target) > MAX_NAME)
			return ap_err_set(
				s->err, AP_E_PROTO, "tar: \"%.200s\": a link to nothing", path.p);
	} else {
		op.type = AP_OP_FILE;
		s->size = (uint64_t)archive_entry_size(e);
		if (archive_entry_filetype(e) == AE_IFREG && file_content(s, &op, &content) < 0)
			return -1;
	}
	return s->fn(s->ctx, &op, s->err);
}

static int scan_all(struct scan *s)
{
	struct archive_entry *e;
	size_t got;
	int rc;

	if (archive_read_support_format_tar(s->a) != ARCHIVE_OK ||
		archive_read_support_format_empty(s->a) != ARCHIVE_OK ||
		archive_read_open(s->a, s, NULL, on_read, NULL) != ARCHIVE_OK)
		return broken(s);
	while ((rc = archive_read_next_header(s->a, &e)) != ARCHIVE_EOF) {
		if (rc == ARCHIVE_RETRY)
			continue;
		if (rc < ARCHIVE_WARN)
			return broken(s);
		if (entry(s, e) < 0)
			return -1;
	}
	/* What is behind the archive's end belongs to the digest. */
	do {
		if (ap_read(s->r, s->in, sizeof(s->in), &got, s->err) < 0)
			return -1;
	} while (got);
	return 0;
}

int ap_layer_scan(
	struct ap_reader *r, const struct ap_strv *also, ap_op_fn fn, void *ctx, struct ap_err *err)
{
	struct scan *s;
	int rc = -1;

	s = ap_xcalloc(1, sizeof(*s));
	s->also = also;
	s->fn = fn;
	s->ctx = ctx;
	s->err = err;
	if (ap_unpack_reader(&s->r, r, MAX_LAYER, err) == 0) {
		s->a = archive_read_new();
		if (!s->a)
			ap_oom();
		rc = scan_all(s);
		archive_read_free(s->a);
		ap_reader_free(s->r);
	}
	free(s->window);
	free(s);
	return rc;
}

/* ---- the record ---- */

static const char magic[] = "autopack layer 1\n";

void ap_layer_record_begin(struct ap_buf *out)
{
	ap_buf_adds(out, magic);
}

static void add_number(struct ap_buf *out, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		ap_buf_addc(out, (char)(v | 0x80));
	ap_buf_addc(out, (char)v);
}

static void add_bytes(struct ap_buf *out, const char *p, size_t n)
{
	add_number(out, n);
	ap_buf_add(out, p, n);
	ap_buf_addc(out, '\0');
}

void ap_layer_record_add(struct ap_buf *out, const struct ap_path_op *op)
{
	ap_buf_addc(out, (char)(op->type | (op->content ? 0x80 : 0)));
	add_number(out, op->mode);
	add_bytes(out, op->path, strlen(op->path));
	if (op->type == AP_OP_LINK || op->type == AP_OP_HARD)
		add_bytes(out, op->target, strlen(op->target));
	if (op->content)
		add_bytes(out, op->content, op->content_len);
}

struct replay {
	const char *p, *end;
	bool bad;
};

static uint64_t get_number(struct replay *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 63 && r->p < r->end; shift += 7) {
		unsigned char c = (unsigned char)*r->p++;

		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return v;
	}
	r->bad = true;
	return 0;
}

static const char *get_bytes(struct replay *r, size_t *n)
{
	uint64_t len = get_number(r);
	const char *p = r->p;

	if (r->bad || len >= (uint64_t)(r->end - r->p) || p[len] != '\0') {
		r->bad = true;
		return "";
	}
	*n = (size_t)len;
	r->p += len + 1;
	return p;
}

int ap_layer_record_replay(const void *p, size_t n, ap_op_fn fn, void *ctx, struct ap_err *err)
{
	struct replay r = { .p = p, .end = (const char *)p + n };
	size_t unused;

	if (n < sizeof(magic) - 1 || memcmp(p, magic, sizeof(magic) - 1) != 0)
		return ap_err_set(err, AP_E_PROTO, "not the record of a layer");
	r.p += sizeof(magic) - 1;
	while (r.p < r.end) {
		unsigned char type = (unsigned char)*r.p++;
		struct ap_path_op op = { .type = (enum ap_op_type)(type & 0x7f) };

		op.mode = (uint16_t)get_number(&r);
		op.path = get_bytes(&r, &unused);
		if (op.type == AP_OP_LINK || op.type == AP_OP_HARD)
			op.target = get_bytes(&r, &unused);
		if (type & 0x80)
			op.content = get_bytes(&r, &op.content_len);
		if (r.bad || op.type > AP_OP_OPAQUE)
			return ap_err_set(err, AP_E_PROTO, "damaged record of a layer");
		if (fn(ctx, &op, err) < 0)
			return -1;
	}
	return 0;
}
