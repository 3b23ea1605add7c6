/* Requirement files and markers: read, printed, read again, evaluated. */
#include <stdlib.h>
#include <string.h>

#include "deps/reqfile.h"
#include "deps/requirement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *env(const char *name)
{
	return strcmp(name, "TOKEN") == 0 ? "secret" : NULL;
}

static void one(const char *text)
{
	static const struct ap_marker_env where = { .python_version = "3.11",
		.python_full_version = "3.11.2",
		.sys_platform = "linux",
		.platform_system = "Linux",
		.platform_machine = "x86_64",
		.implementation = "cpython" };
	AP_CLEANUP(ap_requirement_release) struct ap_requirement once = { 0 };
	AP_CLEANUP(ap_requirement_release) struct ap_requirement again = { 0 };
	ap_auto_buf printed = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;

	if (!text || ap_requirement_parse(&once, text, &err) < 0)
		return;
	(void)ap_marker_eval(once.marker, &where);
	ap_requirement_print(&printed, &once, once.specs, once.marker);
	if (ap_requirement_parse(&again, printed.p, &err) < 0 ||
		strcmp(once.normalized, again.normalized) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AP_CLEANUP(ap_reqfile_release) struct ap_reqfile f = { 0 };
	struct ap_err err = AP_ERR_INIT;

	if (ap_reqfile_parse(&f, "requirements.txt", (const char *)data, size, env, &err) < 0)
		return 0;
	for (size_t i = 0; i < f.n; i++)
		one(f.v[i].value);
	return 0;
}
