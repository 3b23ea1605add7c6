/*
 * Attributes, clean-up helpers and allocation that cannot fail; every file
 * of autopack begins here.
 *
 * base/ is the ground floor: errors, buffers, digests, JSON, files, HTTP,
 * credentials, progress, worker pool.  It includes no other room, prints
 * nothing and never exits (but for exhausted memory).
 */
#ifndef AP_BASE_COMPILER_H
#define AP_BASE_COMPILER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AP_CHECK        __attribute__((warn_unused_result))
#define AP_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define AP_CLEANUP(fn)  __attribute__((cleanup(fn)))
#define AP_UNUSED       __attribute__((unused))
#define AP_LEN(a)       (sizeof(a) / sizeof((a)[0]))
#define AP_MIN(a, b)    ((a) < (b) ? (a) : (b))
#define AP_MAX(a, b)    ((a) > (b) ? (a) : (b))

/* Take the pointer out of a self-cleaning variable and leave NULL behind. */
#define AP_STEAL(p)                             \
	({                                      \
		__typeof__(p) ap_stolen_ = (p); \
		(p) = NULL;                     \
		ap_stolen_;                     \
	})

/* Take the descriptor out of a self-cleaning variable and leave -1 behind. */
#define AP_STEAL_FD(fd)                \
	({                             \
		int ap_stolen_ = (fd); \
		(fd) = -1;             \
		ap_stolen_;            \
	})

/* A pointer to the struct that holds `member`. */
#define AP_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

void ap_free_p(void *p);
void ap_close_p(int *fd);

/* Locals that free or close themselves when they go out of scope. */
#define ap_auto_free AP_CLEANUP(ap_free_p)
#define ap_auto_fd   AP_CLEANUP(ap_close_p)

/*
 * Allocation.  Out of memory prints one line and exits with status 1, so
 * none of these returns NULL.  *out: owned by the caller, free().
 */
void *ap_xmalloc(size_t size) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *ap_xcalloc(size_t n, size_t size) __attribute__((malloc, alloc_size(1, 2), returns_nonnull));
void *ap_xrealloc(void *p, size_t size) __attribute__((alloc_size(2), returns_nonnull));
void *ap_xreallocarray(void *p, size_t n, size_t size)
	__attribute__((alloc_size(2, 3), returns_nonnull));
char *ap_xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *ap_dup(const char *s) __attribute__((malloc)); /* NULL of NULL */
char *ap_xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
void *ap_xmemdup(const void *p, size_t n) __attribute__((malloc, returns_nonnull));
char *ap_xasprintf(const char *fmt, ...) AP_PRINTF(1, 2) __attribute__((malloc, returns_nonnull));

/* The program's end when memory is out: prints one line, exits 1. */
void ap_oom(void) __attribute__((noreturn));

/*
 * Make room for one more element in a growing array: `AP_GROW(p, n, cap)`
 * leaves p with space for at least n + 1 elements.
 */
#define AP_GROW(p, n, cap)                                                \
	do {                                                              \
		if ((n) == (cap)) {                                       \
			(cap) = (cap) ? (cap)*2 : 8;                      \
			(p) = ap_xreallocarray((p), (cap), sizeof(*(p))); \
		}                                                         \
	} while (0)

#endif
