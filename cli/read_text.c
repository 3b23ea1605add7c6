#include "cli/read_text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

static int refuse_nul(const char *p, const char *flag, const char *file, struct ap_err *err)
{
	const char *line = p;
	unsigned n = 1;

	for (; *p; p++) {
		if (*p == '\n') {
			line = p + 1;
			n++;
		}
	}
	return ap_err_set(err, AP_E_INPUT, "%s=%s: line %u, column %u: a NUL byte: no text", flag,
		file, n, (unsigned)(p - line) + 1);
}

int ap_read_text(char **out, const char *flag, const char *file, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(16 << 20);

	if ((strcmp(file, "-") == 0 ? ap_fs_read_fd(&text, STDIN_FILENO, "standard input", err)
				    : ap_fs_read_named(&text, file, err)) < 0) {
		if (err->code == AP_E_IO || err->code == AP_E_LIMIT)
			err->code = AP_E_INPUT;
		if (err->sys == ENOENT)
			(void)!ap_fs_suggest(err, file);
		return ap_err_wrap(err, "%s=%s", flag, file);
	}
	if (memchr(text.p, 0, text.len))
		return refuse_nul(text.p, flag, file, err);
	*out = ap_buf_steal(&text);
	return 0;
}
