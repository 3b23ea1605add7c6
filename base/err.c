#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static void vformat(struct ap_err *err, const char *fmt, va_list ap)
{
	int n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);

	if (n >= (int)sizeof(err->msg))
		memcpy(err->msg + sizeof(err->msg) - 4, "...", 4);
}

int ap_err_set(struct ap_err *err, enum ap_err_code code, const char *fmt, ...)
{
	va_list ap;

	assert(err->code == AP_E_NONE);
	err->code = code;
	err->sys = 0;
	err->http = 0;
	va_start(ap, fmt);
	vformat(err, fmt, ap);
	va_end(ap);
	return -1;
}

int ap_err_sys(struct ap_err *err, const char *fmt, ...)
{
	int saved = errno;
	size_t used;
	va_list ap;

	assert(err->code == AP_E_NONE);
	err->code = AP_E_IO;
	err->sys = saved;
	err->http = 0;
	va_start(ap, fmt);
	vformat(err, fmt, ap);
	va_end(ap);
	used = strlen(err->msg);
	snprintf(err->msg + used, sizeof(err->msg) - used, ": %s", strerror(saved));
	return -1;
}

int ap_err_wrap(struct ap_err *err, const char *fmt, ...)
{
	char old[sizeof(err->msg)];
	size_t used;
	va_list ap;

	assert(err->code != AP_E_NONE);
	memcpy(old, err->msg, sizeof(old));
	va_start(ap, fmt);
	vformat(err, fmt, ap);
	va_end(ap);
	used = strlen(err->msg);
	if (snprintf(err->msg + used, sizeof(err->msg) - used, ": %s", old) >=
		(int)(sizeof(err->msg) - used))
		memcpy(err->msg + sizeof(err->msg) - 4, "...", 4);
	return -1;
}

void ap_err_clear(struct ap_err *err)
{
	memset(err, 0, sizeof(*err));
}

int ap_err_exit_status(const struct ap_err *err)
{
	switch (err->code) {
	case AP_E_NONE:
		return 0;
	case AP_E_USAGE:
	case AP_E_INPUT:
	case AP_E_BUILD:
		return 2;
	case AP_E_JOB_FAILED:
		return 3;
	case AP_E_JOB_CANCELLED:
		return 4;
	default:
		return 1;
	}
}

const char *ap_err_code_name(enum ap_err_code code)
{
	static const char *const names[] = {
		[AP_E_NONE] = "none",
		[AP_E_USAGE] = "usage",
		[AP_E_INPUT] = "input",
		[AP_E_BUILD] = "build",
		[AP_E_IO] = "io",
		[AP_E_NET] = "network",
		[AP_E_HTTP] = "http",
		[AP_E_AUTH] = "auth",
		[AP_E_NOT_FOUND] = "not-found",
		[AP_E_PROTO] = "protocol",
		[AP_E_DIGEST] = "digest",
		[AP_E_LIMIT] = "limit",
		[AP_E_CHANGED] = "changed",
		[AP_E_RESOLVE] = "resolve",
		[AP_E_UNSUPPORTED] = "unsupported",
		[AP_E_CHILD] = "child",
		[AP_E_JOB_FAILED] = "job-failed",
		[AP_E_JOB_CANCELLED] = "job-cancelled",
		[AP_E_CANCELLED] = "cancelled",
	};

	return (size_t)code < AP_LEN(names) && names[code] ? names[code] : "unknown";
}
