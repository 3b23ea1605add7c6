#include "deps/inside.h"

#include <fcntl.h>
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

void ap_inside_last_words(struct ap_buf *out, const char *said, size_t n)
{
	size_t skip = n > MAX_SHOWN ? n - MAX_SHOWN : 0;
	ap_auto_free char *copy = ap_xstrndup(said + skip, n - skip);

	for (char *p = copy; *p; p++)
		if (*p == '\n' || *p == '\r' || *p == '\t')
			*p = ' ';
	n = ap_str_trim(ap_str(copy)).n;
	ap_buf_add_printable(out, ap_str_trim(ap_str(copy)).p, n);
}
