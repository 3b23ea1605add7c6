/*
 * Words in the several notations that one Dockerfile line can hold; emit.c
 * uses nothing else to print what a user chose.
 */
#ifndef AP_DOCKERFILE_QUOTE_H
#define AP_DOCKERFILE_QUOTE_H

#include "base/str.h"

/* As Python's shlex.quote(): bare when nothing in it is special to a shell, else in single quotes. */
void ap_quote_shell(struct ap_buf *out, const char *word);

/* A JSON array of strings, ASCII only, ", " between: the exec form. */
void ap_quote_json(struct ap_buf *out, const char *const *words, size_t n);

/*
 * A path as an argument of COPY must be written, before it goes into JSON:
 * the builder expands variables and strips quotes and backslashes from it,
 * and takes sources for patterns.
 * Source: docker build reference, COPY ("Golang rules"), environment replacement.
 */
void ap_quote_copy_source(struct ap_buf *out, const char *path);
void ap_quote_copy_target(struct ap_buf *out, const char *path);

/* A value of ENV or LABEL, in double quotes.  False when it cannot be written: a line break. */
bool ap_quote_value(struct ap_buf *out, const char *value);

#endif
