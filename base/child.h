/*
 * Running another program: no shell, an environment we chose, output within
 * limits, a time limit.
 */
#ifndef AP_BASE_CHILD_H
#define AP_BASE_CHILD_H

#include <stdatomic.h>

#include "base/str.h"

struct ap_child_opts {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up on PATH */
	const char *const *env;  /* NULL-terminated "K=V"; NULL: ours */
	const char *cwd;         /* NULL: ours */
	const void *input;       /* written to its stdin; NULL: /dev/null */
	size_t input_len;
	int in_fd;               /* its stdin is this file, from where it stands; 0: `input` */
	int out_fd;              /* its stdout goes to this file; 0: `out` */
	struct ap_buf *out;      /* its stdout, within the buffer's maximum; NULL: our stderr */
	struct ap_buf *errout;   /* its stderr; NULL: our stderr */
	unsigned timeout;        /* seconds; 0: none */
	const atomic_bool *stop; /* ends it when another thread sets it; NULL: never */
	bool cleans_up;          /* it runs to its end though a signal has stopped us */
};

/*
 * Run to the end.  *status: exit status, or 128 + signal.
 * Errors: AP_E_NOT_FOUND when there is no such program; AP_E_CHILD on time
 * out or too much output (the child's whole group is killed); AP_E_CANCELLED,
 * after a signal or `stop`.
 */
int ap_child_run(const struct ap_child_opts *o, int *status, struct ap_err *err) AP_CHECK;

/* Full path of a program on PATH (of `path`, or our PATH when NULL).  *out: owned, or NULL. */
char *ap_child_find(const char *name, const char *path);

#endif
