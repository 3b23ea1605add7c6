#include "deps/inside.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

enum { MAX_SHOWN = 600 };

/*
 * A runtime can add to an image's environment and not take from it; -I would
 * take the seed, too.  So the interpreter starts itself again.  PYTHONOPTIMIZE
 * decides what bytecode is called, and stays.
 */
static const char again[] =
	"import os, sys\n"
	"python, text, keep = sys.argv[1:]\n"
	"env = {k: v for k, v in os.environ.items() if k == 'PYTHONOPTIMIZE' or\n"
	"       not k.startswith('PYTHON') and (keep == '*' or k in keep.split())}\n"
	"env.update(PYTHONHASHSEED='0', PYTHONUTF8='1')\n"
	"os.execve(python, [python, '-s', '-S', '-B', '-W', 'ignore', '-c', text], env)\n";

int ap_inside_python(struct ap_inside *in, const char *text, const char *keep, const char *input,
	const char *output, struct ap_err *err)
{
	const char *const words[] = { in->python, "-I", "-S", "-c", again, in->python, text,
		keep ? keep : "*" };
	ap_auto_strv argv = { 0 };
	ap_auto_fd int in_fd = ap_fs_open_file(input, err);
	ap_auto_fd int out_fd = -1;

	if (in_fd < 0)
		return -1;
	out_fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (out_fd < 0)
		return ap_err_sys(err, "%s", output);
	for (size_t i = 0; i < AP_LEN(words); i++)
		ap_strv_add(&argv, words[i]);
	return in->run(in, &argv, in_fd, out_fd, err);
}

void ap_inside_last_lines(struct ap_buf *out, const char *said, size_t n)
{
	struct ap_str rest = ap_str_trim(ap_str_n(said, n));
	struct ap_str line;
	const char *from;

	if (rest.n > MAX_SHOWN) {
		rest = ap_str_n(rest.p + rest.n - MAX_SHOWN, MAX_SHOWN);
		from = memchr(rest.p, '\n', rest.n);
		if (from)
			rest = ap_str_n(from + 1, rest.n - (size_t)(from + 1 - rest.p));
	}
	while (ap_str_next(&rest, '\n', &line)) {
		while (line.n && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\r'))
			line.n--;
		if (!line.n)
			continue;
		ap_buf_addc(out, '\n');
		ap_buf_add_printable(out, line.p, line.n);
	}
}

void ap_inside_last_words(struct ap_buf *out, const char *said, size_t n)
{
	ap_auto_buf lines = AP_BUF_INIT;

	ap_inside_last_lines(&lines, said, n);
	for (size_t i = 1; i < lines.len; i++)
		ap_buf_addc(out, lines.p[i] == '\n' ? ' ' : lines.p[i]);
}
