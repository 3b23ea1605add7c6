#include "base/compiler.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void ap_free_p(void *p)
{
	void **slot = p;

	free(*slot);
	*slot = NULL;
}

void ap_close_p(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

void ap_oom(void)
{
	static const char line[] = "autopack: out of memory\n";
	ssize_t n = write(STDERR_FILENO, line, sizeof(line) - 1);

	(void)n;
	_exit(1);
}

void *ap_xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		ap_oom();
	return p;
}

void *ap_xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		ap_oom();
	return p;
}

void *ap_xrealloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		ap_oom();
	return p;
}

void *ap_xreallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		ap_oom();
	return ap_xrealloc(p, bytes);
}

char *ap_xstrdup(const char *s)
{
	return ap_xmemdup(s, strlen(s) + 1);
}

char *ap_dup(const char *s)
{
	return s ? ap_xstrdup(s) : NULL;
}

char *ap_xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = ap_xmalloc(len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

void *ap_xmemdup(const void *p, size_t n)
{
	void *copy = ap_xmalloc(n);

	if (n)
		memcpy(copy, p, n);
	return copy;
}

char *ap_xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		ap_oom();
	return s;
}
