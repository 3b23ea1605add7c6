/*
 * A growing byte buffer: never NULL, always terminated, with a maximum.
 * Overflow is sticky: build freely, check once with ap_buf_check().
 */
#ifndef AP_BASE_BUF_H
#define AP_BASE_BUF_H

#include "base/err.h"

struct ap_buf {
	char *p; /* len bytes and a NUL behind them */
	size_t len;
	size_t cap; /* 0: p is not ours */
	size_t max; /* longest len allowed */
	bool overflow;
};

extern char ap_buf_empty[1];

/* A buffer without a limit; one with a limit is { ..., .max = N }. */
#define AP_BUF_INIT                                     \
	{                                               \
		ap_buf_empty, 0, 0, SIZE_MAX / 2, false \
	}
#define AP_BUF_MAX(n)                          \
	{                                      \
		ap_buf_empty, 0, 0, (n), false \
	}

void ap_buf_init(struct ap_buf *b, size_t max);
void ap_buf_release(struct ap_buf *b);
void ap_buf_reset(struct ap_buf *b); /* length 0, memory kept */

void ap_buf_add(struct ap_buf *b, const void *p, size_t n);
void ap_buf_adds(struct ap_buf *b, const char *s);
void ap_buf_addc(struct ap_buf *b, char c);
void ap_buf_add_utf8(struct ap_buf *b, uint32_t c); /* a code point */
void ap_buf_addf(struct ap_buf *b, const char *fmt, ...) AP_PRINTF(2, 3);
void ap_buf_vaddf(struct ap_buf *b, const char *fmt, va_list ap);
void ap_buf_truncate(struct ap_buf *b, size_t len);

/* Make room for n more bytes; NULL (and overflow set) when over the maximum. */
char *ap_buf_grow(struct ap_buf *b, size_t n);

/* 0, or -1 with AP_E_LIMIT naming `what` when the buffer overflowed. */
int ap_buf_check(const struct ap_buf *b, const char *what, struct ap_err *err) AP_CHECK;

/* Hand the bytes over: owned by the caller, free(); the buffer is empty after. */
char *ap_buf_steal(struct ap_buf *b);

#define ap_auto_buf AP_CLEANUP(ap_buf_release) struct ap_buf

#endif
