#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char ap_buf_empty[1];

void ap_buf_init(struct ap_buf *b, size_t max)
{
	*b = (struct ap_buf)AP_BUF_MAX(max);
}

void ap_buf_release(struct ap_buf *b)
{
	if (b->cap)
		free(b->p);
	ap_buf_init(b, b->max);
}

void ap_buf_reset(struct ap_buf *b)
{
	b->len = 0;
	b->overflow = false;
	if (b->cap)
		b->p[0] = '\0';
}

char *ap_buf_grow(struct ap_buf *b, size_t n)
{
	size_t need;
	size_t cap;

	if (b->overflow || n > b->max || b->len > b->max - n) {
		b->overflow = true;
		return NULL;
	}
	need = b->len + n + 1;
	if (need > b->cap) {
		cap = b->cap ? b->cap + b->cap / 2 : 64;
		if (cap < need)
			cap = need;
		if (b->cap)
			b->p = ap_xrealloc(b->p, cap);
		else
			b->p = ap_xmalloc(cap);
		b->cap = cap;
		b->p[b->len] = '\0';
	}
	return b->p + b->len;
}

void ap_buf_add(struct ap_buf *b, const void *p, size_t n)
{
	char *at;

	if (!n)
		return;
	at = ap_buf_grow(b, n);
	if (!at)
		return;
	memcpy(at, p, n);
	b->len += n;
	b->p[b->len] = '\0';
}

void ap_buf_adds(struct ap_buf *b, const char *s)
{
	ap_buf_add(b, s, strlen(s));
}

void ap_buf_addc(struct ap_buf *b, char c)
{
	ap_buf_add(b, &c, 1);
}

void ap_buf_add_utf8(struct ap_buf *b, uint32_t c)
{
	if (c < 0x80) {
		ap_buf_addc(b, (char)c);
	} else if (c < 0x800) {
		ap_buf_addc(b, (char)(0xc0 | (c >> 6)));
		ap_buf_addc(b, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		ap_buf_addc(b, (char)(0xe0 | (c >> 12)));
		ap_buf_addc(b, (char)(0x80 | ((c >> 6) & 0x3f)));
		ap_buf_addc(b, (char)(0x80 | (c & 0x3f)));
	} else {
		ap_buf_addc(b, (char)(0xf0 | (c >> 18)));
		ap_buf_addc(b, (char)(0x80 | ((c >> 12) & 0x3f)));
		ap_buf_addc(b, (char)(0x80 | ((c >> 6) & 0x3f)));
		ap_buf_addc(b, (char)(0x80 | (c & 0x3f)));
	}
}

void ap_buf_vaddf(struct ap_buf *b, const char *fmt, va_list ap)
{
	va_list again;
	char *at;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		ap_oom();
	at = ap_buf_grow(b, (size_t)n);
	if (!at)
		return;
	vsnprintf(at, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
}

void ap_buf_addf(struct ap_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ap_buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void ap_buf_truncate(struct ap_buf *b, size_t len)
{
	if (len >= b->len)
		return;
	b->len = len;
	b->p[len] = '\0';
}

int ap_buf_check(const struct ap_buf *b, const char *what, struct ap_err *err)
{
	if (!b->overflow)
		return 0;
	return ap_err_set(err, AP_E_LIMIT, "%s is over the limit of %zu bytes", what, b->max);
}

char *ap_buf_steal(struct ap_buf *b)
{
	char *p = b->cap ? b->p : ap_xstrdup("");

	ap_buf_init(b, b->max);
	return p;
}
