#include "cli/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "cli/common.h"

enum { SHELL_FOUND_NOTHING = 127 };

static bool fits(const char *text, size_t n)
{
	struct winsize w = { 0 };
	size_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || !w.ws_row || lines < w.ws_row;
}

/* *out: owned; NULL where the text is to be printed as it is. */
static char *choose(const char *text, size_t n)
{
	const char *term = getenv("TERM");
	const char *pager = getenv("PAGER");
	ap_auto_free char *less = NULL;

	if (getenv("CI") || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO) || !term ||
		strcmp(term, "dumb") == 0 || fits(text, n))
		return NULL;
	if (pager)
		return *pager && strcmp(pager, "cat") != 0 ? ap_xstrdup(pager) : NULL;
	less = ap_child_find("less", NULL);
	return less ? ap_xstrdup("less") : NULL;
}

static void become(const char *pager, int from)
{
	dup2(from, STDIN_FILENO);
	/* As git does: nothing to leave where the text fits, and it stays on the screen. */
	setenv("LESS", "FRX", 0);
	execl("/bin/sh", "sh", "-c", pager, (char *)NULL);
	_exit(SHELL_FOUND_NOTHING);
}

static void feed(int to, const char *text, size_t n)
{
	while (n) {
		ssize_t k = write(to, text, n);

		if (k < 0 && errno != EINTR)
			return; /* the reader has seen enough */
		text += k < 0 ? 0 : k;
		n -= k < 0 ? 0 : (size_t)k;
	}
}

int ap_pager_show(const char *text, size_t n, struct ap_err *err)
{
	ap_auto_free char *pager = choose(text, n);
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction before;
	int status = 0;
	int fds[2];
	pid_t pid;

	if (!pager || pipe2(fds, O_CLOEXEC) < 0)
		return ap_stdout(text, n, err);
	pid = fork();
	if (pid == 0)
		become(pager, fds[0]);
	/* Ctrl-C is the pager's. */
	sigaction(SIGINT, &ignore, &before);
	close(fds[0]);
	if (pid > 0)
		feed(fds[1], text, n);
	close(fds[1]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	sigaction(SIGINT, &before, NULL);
	if (pid < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == SHELL_FOUND_NOTHING))
		return ap_stdout(text, n, err);
	return 0;
}
