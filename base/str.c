#include "base/str.h"

#include <stdlib.h>
#include <string.h>

struct ap_str ap_str(const char *s)
{
	return (struct ap_str){ s, strlen(s) };
}

struct ap_str ap_str_n(const char *p, size_t n)
{
	return (struct ap_str){ p, n };
}

bool ap_str_eq(struct ap_str a, const char *b)
{
	return strlen(b) == a.n && (a.n == 0 || memcmp(a.p, b, a.n) == 0);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct ap_str ap_str_trim(struct ap_str s)
{
	while (s.n && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool ap_str_next(struct ap_str *rest, char sep, struct ap_str *part)
{
	const char *at;

	if (!rest->p)
		return false;
	at = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
	if (!at) {
		*part = *rest;
		rest->p = NULL;
		rest->n = 0;
		return true;
	}
	part->p = rest->p;
	part->n = (size_t)(at - rest->p);
	rest->n -= part->n + 1;
	rest->p = at + 1;
	return true;
}

bool ap_starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

const char *ap_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

bool ap_ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s);
	size_t m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool ap_streq(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

bool ap_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool ap_is_alnum(char c)
{
	return ap_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int ap_hex(char c)
{
	if (ap_is_digit(c))
		return c - '0';
	c = ap_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char ap_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

char ap_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

bool ap_one_of(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(s, list[i]) == 0)
			return true;
	}
	return false;
}

/* Length of the well-formed UTF-8 sequence at p, or 0.  Source: RFC 3629 section 4. */
static size_t utf8_len(const unsigned char *p, size_t n)
{
	unsigned char lo = 0x80;
	unsigned char hi = 0xbf;
	size_t len;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (n < len)
		return 0;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	}
	return len;
}

size_t ap_utf8_span(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t i = 0;

	while (i < n) {
		size_t len = utf8_len(u + i, n - i);

		if (!len || !u[i])
			break;
		i += len;
	}
	return i;
}

bool ap_utf8_ok(const char *p, size_t n)
{
	return ap_utf8_span(p, n) == n;
}

bool ap_parse_u64(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (!ap_is_digit(*s) || __builtin_mul_overflow(v, 10U, &v) ||
			__builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return false;
	}
	if (v > max)
		return false;
	*out = v;
	return true;
}

/* Edit distance; of words over 63 bytes: large. */
static size_t distance(const char *a, const char *b)
{
	size_t row[64];
	size_t n = strlen(a);
	size_t m = strlen(b);

	if (n > 63 || m > 63)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diag = row[0];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t old = row[j];
			size_t best = diag + (ap_lower(a[i - 1]) != ap_lower(b[j - 1]));

			best = AP_MIN(best, row[j] + 1);
			row[j] = AP_MIN(best, row[j - 1] + 1);
			diag = old;
		}
	}
	return row[m];
}

const char *ap_did_you_mean(const char *word, const char *const *candidates, size_t n)
{
	size_t limit = 1 + strlen(word) / 3;
	const char *best = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, candidates[i]);

		if (d <= limit && (!best || d < distance(word, best)))
			best = candidates[i];
	}
	return best;
}

void ap_buf_add_printable(struct ap_buf *b, const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;

	for (size_t i = 0; i < n;) {
		size_t len = utf8_len(u + i, n - i);
		/* C1 controls are two bytes in UTF-8 and still move a terminal's cursor. */
		bool c1 = len == 2 && u[i] == 0xc2 && u[i + 1] < 0xa0;

		if (len && u[i] >= 0x20 && u[i] != 0x7f && !c1) {
			ap_buf_add(b, p + i, len);
			i += len;
		} else {
			ap_buf_addf(b, "\\x%02x", u[i]);
			i++;
		}
	}
}

void ap_strv_release(struct ap_strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct ap_strv){ 0 };
}

void ap_strv_own(struct ap_strv *l, char *s)
{
	if (l->n + 1 >= l->cap) {
		l->cap = l->cap ? l->cap * 2 : 8;
		l->v = ap_xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = s;
	l->v[l->n] = NULL;
}

void ap_strv_add(struct ap_strv *l, const char *s)
{
	ap_strv_own(l, ap_xstrdup(s));
}

void ap_strv_add_n(struct ap_strv *l, const char *p, size_t n)
{
	ap_strv_own(l, ap_xstrndup(p, n));
}

void ap_strv_addf(struct ap_strv *l, const char *fmt, ...)
{
	struct ap_buf b = AP_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	ap_buf_vaddf(&b, fmt, ap);
	va_end(ap);
	ap_strv_own(l, ap_buf_steal(&b));
}

void ap_strv_copy(struct ap_strv *to, const struct ap_strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		ap_strv_add(to, from->v[i]);
}

static int by_bytes(const void *a, const void *b)
{
	const char *const *x = a;
	const char *const *y = b;

	return strcmp(*x, *y);
}

void ap_strv_sort(struct ap_strv *l)
{
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), by_bytes);
}

bool ap_strv_has(const struct ap_strv *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i], s) == 0)
			return true;
	}
	return false;
}

char *ap_strv_join(const struct ap_strv *l, const char *sep)
{
	struct ap_buf b = AP_BUF_INIT;

	for (size_t i = 0; i < l->n; i++) {
		if (i)
			ap_buf_adds(&b, sep);
		ap_buf_adds(&b, l->v[i]);
	}
	return ap_buf_steal(&b);
}
