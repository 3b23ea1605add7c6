/*
 * One path pattern of an ignore file, compiled; ignore.c asks it about every
 * path of a working directory.
 */
#ifndef AP_PACK_GLOB_H
#define AP_PACK_GLOB_H

#include "base/err.h"

struct ap_glob;

/*
 * AP_GLOB_GIT: git's rules ("**" means something only as a whole component,
 * "[!a]" and "[[:alpha:]]" are known, an unclosed bracket matches nothing);
 * without it docker's ("**" anywhere, an unclosed bracket is an error).
 */
enum { AP_GLOB_GIT = 1 << 0 };

/*
 * Compile n bytes of pattern.
 *
 * *out: ap_glob_free().
 * Errors: AP_E_INPUT saying what is wrong with the pattern.
 * Source: gitignore(5); docker build reference, ".dockerignore file".
 */
int ap_glob_compile(
	struct ap_glob **out, const char *p, size_t n, unsigned flags, struct ap_err *err) AP_CHECK;

/* Does it match the whole of `path`?  Time is linear in path times pattern, whatever the pattern. */
bool ap_glob_match(const struct ap_glob *g, const char *path);

void ap_glob_free(struct ap_glob *g);

#endif
