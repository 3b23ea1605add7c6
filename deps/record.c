#include "deps/record.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROWS = 1000000 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void ap_record_release(struct ap_record *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].path);
		free(r->v[i].hash);
		free(r->v[i].size);
	}
	free(r->v);
	*r = (struct ap_record){ 0 };
}

void ap_record_add(struct ap_record *r, const char *path, const char *hash, const char *size)
{
	AP_GROW(r->v, r->n, r->cap);
	r->v[r->n++] =
		(struct ap_record_row){ ap_xstrdup(path), ap_xstrdup(hash), ap_xstrdup(size) };
}

/* One field from *at into b; *at ends on the separator or at the line's end. */
static int field(
	const char **at, const char *end, struct ap_buf *b, size_t line, struct ap_err *err)
{
	const char *p = *at;

	ap_buf_reset(b);
	if (p == end || *p != '"') {
		const char *comma = memchr(p, ',', (size_t)(end - p));

		*at = comma ? comma : end;
		ap_buf_add(b, p, (size_t)(*at - p));
		return 0;
	}
	for (p++;; p++) {
		if (p == end)
			return ap_err_set(err, AP_E_PROTO, "line %zu: quote is not closed", line);
		if (*p == '"' && p + 1 < end && p[1] == '"')
			p++;
		else if (*p == '"')
			break;
		ap_buf_addc(b, *p);
	}
	*at = p + 1;
	if (*at != end && **at != ',')
		return ap_err_set(err, AP_E_PROTO, "line %zu: text behind a closing quote", line);
	return 0;
}

static bool has_control(const struct ap_buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if ((unsigned char)b->p[i] < 0x20 || b->p[i] == 0x7f)
			return true;
	return false;
}

static int parse_line(struct ap_record *r, struct ap_str s, size_t line, struct ap_err *err)
{
	ap_auto_buf f = AP_BUF_INIT;
	ap_auto_strv v = { 0 };
	const char *at = s.p;
	const char *end = s.p + s.n;

	for (;;) {
		if (v.n == 3)
			return ap_err_set(
				err, AP_E_PROTO, "line %zu has more than three fields", line);
		if (field(&at, end, &f, line, err) < 0)
			return -1;
		if (has_control(&f))
			return ap_err_set(err, AP_E_PROTO, "line %zu: control character", line);
		ap_strv_add(&v, f.p);
		if (at == end)
			break;
		at++;
	}
	if (!*v.v[0])
		return ap_err_set(err, AP_E_PROTO, "line %zu has no path", line);
	if (r->n >= MAX_ROWS)
		return ap_err_set(err, AP_E_LIMIT, "more than %d lines", MAX_ROWS);
	ap_record_add(r, v.v[0], v.n > 1 ? v.v[1] : "", v.n > 2 ? v.v[2] : "");
	return 0;
}

int ap_record_parse(struct ap_record *out, const char *p, size_t n, struct ap_err *err)
{
	AP_CLEANUP(ap_record_release) struct ap_record r = { 0 };
	struct ap_str rest = ap_str_n(p, n);
	struct ap_str line;
	size_t number = 0;

	if (!ap_utf8_ok(p, n))
		return ap_err_set(err, AP_E_PROTO, "is not valid UTF-8");
	while (ap_str_next(&rest, '\n', &line)) {
		number++;
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n && parse_line(&r, line, number, err) < 0)
			return -1;
	}
	*out = r;
	r = (struct ap_record){ 0 };
	return 0;
}

static int by_row(const void *a, const void *b)
{
	const struct ap_record_row *x = a;
	const struct ap_record_row *y = b;
	int c = strcmp(x->path, y->path);

	if (!c)
		c = strcmp(x->hash, y->hash);
	return c ? c : strcmp(x->size, y->size);
}

static void print_field(struct ap_buf *out, const char *s)
{
	if (!strpbrk(s, ",\"\r\n")) {
		ap_buf_adds(out, s);
		return;
	}
	ap_buf_addc(out, '"');
	for (; *s; s++) {
		if (*s == '"')
			ap_buf_addc(out, '"');
		ap_buf_addc(out, *s);
	}
	ap_buf_addc(out, '"');
}

void ap_record_print(struct ap_buf *out, struct ap_record *r)
{
	if (r->n > 1)
		qsort(r->v, r->n, sizeof(*r->v), by_row);
	for (size_t i = 0; i < r->n; i++) {
		print_field(out, r->v[i].path);
		ap_buf_addc(out, ',');
		print_field(out, r->v[i].hash);
		ap_buf_addc(out, ',');
		print_field(out, r->v[i].size);
		ap_buf_adds(out, "\r\n");
	}
}

char *ap_record_hash(const void *p, size_t n)
{
	unsigned char d[SHA256_DIGEST_LENGTH + 1] = { 0 };
	ap_auto_buf b = AP_BUF_INIT;

	SHA256(p, n, d);
	ap_buf_adds(&b, "sha256=");
	for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i += 3) {
		unsigned v = (unsigned)d[i] << 16 | (unsigned)d[i + 1] << 8 |
			     (i + 2 < SHA256_DIGEST_LENGTH ? d[i + 2] : 0u);
		size_t digits = i + 2 < SHA256_DIGEST_LENGTH ? 4 : 3;

		for (size_t k = 0; k < digits; k++)
			ap_buf_addc(&b, alphabet[v >> (18 - 6 * k) & 63]);
	}
	return ap_buf_steal(&b);
}

/* Exactly n bytes of unpadded (or padded) base64url. */
static bool decode(unsigned char *out, size_t n, const char *s)
{
	size_t digits = (n * 8 + 5) / 6;
	size_t len = strlen(s);
	unsigned bits = 0, have = 0;

	while (len > digits && s[len - 1] == '=')
		len--;
	if (len != digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		const char *at = strchr(alphabet, s[i]);

		if (!at)
			return false;
		bits = bits << 6 | (unsigned)(at - alphabet);
		have += 6;
		if (have >= 8) {
			have -= 8;
			*out++ = (unsigned char)(bits >> have);
			bits &= (1u << have) - 1;
		}
	}
	return bits == 0;
}

int ap_record_hash_parse(
	unsigned *bits, unsigned char digest[64], const char *hash, struct ap_err *err)
{
	static const struct {
		const char *name;
		unsigned bits;
	} algorithms[] = { { "sha256", 256 }, { "sha384", 384 }, { "sha512", 512 } };
	const char *eq = strchr(hash, '=');
	unsigned char d[64];

	for (size_t i = 0; eq && i < AP_LEN(algorithms); i++) {
		if (!ap_str_eq(ap_str_n(hash, (size_t)(eq - hash)), algorithms[i].name))
			continue;
		if (!decode(d, algorithms[i].bits / 8, eq + 1))
			return ap_err_set(err, AP_E_PROTO, "malformed hash \"%.100s\"", hash);
		*bits = algorithms[i].bits;
		memcpy(digest, d, algorithms[i].bits / 8);
		return 0;
	}
	return ap_err_set(
		err, AP_E_PROTO, "hash \"%.100s\" is not by sha256, sha384 or sha512", hash);
}
