/*
 * The error that a failed call fills in; it lives on the caller's stack.
 *
 * A function that can fail returns 0, or -1 with *err filled; *err is
 * untouched on success and never NULL.  Only the sign is tested; to branch,
 * read err->code.
 */
#ifndef AP_BASE_ERR_H
#define AP_BASE_ERR_H

#include "base/compiler.h"

enum ap_err_code {
	AP_E_NONE = 0,
	AP_E_USAGE,       /* the command line is wrong: exit 2 */
	AP_E_INPUT,       /* a file or value of the user is wrong: exit 2 */
	AP_E_BUILD,       /* a project of the user does not build; lines of what it said: exit 2 */
	AP_E_IO,          /* a system call on a file failed; err->sys */
	AP_E_NET,         /* no connection, or it broke */
	AP_E_HTTP,        /* an HTTP status that is an error; err->http */
	AP_E_AUTH,        /* credentials missing or refused */
	AP_E_NOT_FOUND,   /* the named remote or cached thing is not there */
	AP_E_PROTO,       /* bytes from outside break their specification */
	AP_E_DIGEST,      /* bytes do not match their digest or size */
	AP_E_LIMIT,       /* a size or count from outside is over our limit */
	AP_E_CHANGED,     /* a local file changed while it was read */
	AP_E_RESOLVE,     /* the resolver found no answer */
	AP_E_UNSUPPORTED, /* legal, but not something we can do */
	AP_E_CHILD,       /* a child process failed */
	AP_E_JOB_FAILED,  /* with --wait: the job failed: exit 3 */
	AP_E_JOB_CANCELLED, /* with --wait: the job was cancelled: exit 4 */
	AP_E_CANCELLED,     /* a sibling failed first, or a signal came */
};

struct ap_err {
	enum ap_err_code code;
	int sys;  /* errno, or 0 */
	int http; /* HTTP status, or 0 */
	char msg[1000];
};

#define AP_ERR_INIT              \
	{                        \
		AP_E_NONE, 0, 0, \
		{                \
			0        \
		}                \
	}

/* Fill *err and return -1.  Setting over an unhandled error asserts. */
int ap_err_set(struct ap_err *err, enum ap_err_code code, const char *fmt, ...) AP_PRINTF(3, 4);

/* Same with AP_E_IO and the text of errno (as it is at the call) after it. */
int ap_err_sys(struct ap_err *err, const char *fmt, ...) AP_PRINTF(2, 3);

/* Put "context: " before the message; always returns -1.  Once per room. */
int ap_err_wrap(struct ap_err *err, const char *fmt, ...) AP_PRINTF(2, 3);

/* Declare the error handled; *err can be filled again. */
void ap_err_clear(struct ap_err *err);

/* The exit status that DESIGN section 2 gives to a code. */
int ap_err_exit_status(const struct ap_err *err);

/* A stable lower-case word for a code: "usage", "network", ... */
const char *ap_err_code_name(enum ap_err_code code);

#endif
