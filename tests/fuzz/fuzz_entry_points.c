/* No script's name leads out of its directory, whatever the file says. */
#include <stdlib.h>
#include <string.h>

#include "deps/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char interpreter[] = "/usr/bin/python3";
	AP_CLEANUP(ap_entry_points_release) struct ap_entry_points e = { 0 };
	AP_CLEANUP(ap_entry_points_release) struct ap_entry_points list = { 0 };
	struct ap_inventory inv = {
		.py_major = 3,
		.py_minor = 11,
		.scheme = { .interpreter = interpreter },
	};
	struct ap_err err = AP_ERR_INIT;

	if (ap_entry_points_parse(&e, (const char *)data, size, &err) < 0)
		return 0;
	ap_script_list(&list, &e, &inv);
	for (size_t i = 0; i < list.n; i++) {
		ap_auto_buf text = AP_BUF_INIT;
		const char *name = list.v[i].name;

		if (!*name || strpbrk(name, "/\\ \n") || strcmp(name, "..") == 0)
			abort();
		ap_script_print(&text, &list.v[i], &inv);
		/* Shebang and four lines: nothing of the file can add one. */
		for (size_t k = 0, lines = 0; k < text.len; k++)
			if (text.p[k] == '\n' && ++lines > 6)
				abort();
	}
	return 0;
}
