/*
 * Programs of the base, run inside it: its Python with its own libraries.
 *
 * deps/ says what to run; which container runtime of this machine does it is
 * the affair of whoever makes the struct (cli/inside.c).
 */
#ifndef AP_DEPS_INSIDE_H
#define AP_DEPS_INSIDE_H

#include "base/str.h"

struct ap_inside {
	char *base;   /* digest of the base's manifest: what is made inside depends on it */
	char *python; /* the base's interpreter, once its inventory is known */
	/*
	 * See to it that a runtime can run the base's Python; cheap when one does.
	 * Errors: AP_E_NOT_FOUND: none is on PATH; AP_E_CHILD: none can, and why.
	 */
	int (*ready)(struct ap_inside *in, struct ap_err *err);
	/*
	 * Run argv[] to the end as root inside, without network and without any
	 * file of this machine: it reads in_fd and writes out_fd.
	 * Errors: AP_E_CHILD with the last words of its standard error.
	 */
	int (*run)(struct ap_inside *in, const struct ap_strv *argv, int in_fd, int out_fd,
		struct ap_err *err);
};

/*
 * Run Python text by the base's interpreter, in an environment that holds of
 * the image's own what `keep` names (blank between; NULL: all of it), less
 * PYTHON*, plus hash seed 0 and UTF-8.  The image's packages are not seen.
 */
int ap_inside_python(struct ap_inside *in, const char *text, const char *keep, const char *input,
	const char *output, struct ap_err *err) AP_CHECK;

/* The end of what a program said: whole lines, at most 600 bytes, each behind a line feed. */
void ap_inside_last_lines(struct ap_buf *out, const char *said, size_t n);

/* The same on one line. */
void ap_inside_last_words(struct ap_buf *out, const char *said, size_t n);

#endif
