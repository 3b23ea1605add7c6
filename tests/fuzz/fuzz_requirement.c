/* One requirement, its specifiers against a version, its marker. */
#include <stdlib.h>
#include <string.h>

#include "deps/requirement.h"
#include "deps/version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AP_CLEANUP(ap_requirement_release) struct ap_requirement r = { 0 };
	AP_CLEANUP(ap_requirement_release) struct ap_requirement again = { 0 };
	ap_auto_free char *text = ap_xstrndup((const char *)data, size);
	ap_auto_free char *version = ap_version_normal(text);
	ap_auto_free char *twice = ap_version_normal(version);
	struct ap_marker_env env = { "3.11", "3.11.2", "linux", "Linux", "x86_64", "cpython",
		NULL };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf printed = AP_BUF_INIT;

	/* The normal form is its own normal form, and the same version. */
	if (strcmp(version, twice) != 0 || !ap_version_same(text, version))
		abort();
	if (ap_requirement_parse(&r, text, &err) < 0)
		return 0;
	ap_specifiers_match(r.specs, "1.0");
	ap_marker_eval(r.marker, &env);
	ap_requirement_print(&printed, &r, r.specs, r.marker);
	/* What we print is read again as the same. */
	if (ap_requirement_parse(&again, printed.p, &err) < 0 ||
		strcmp(again.normalized, r.normalized) != 0 || again.extras.n != r.extras.n ||
		strcmp(again.specs, r.specs) != 0)
		abort();
	return 0;
}
