#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/progress.h"
#include "cli/cmd.h"
#include "cli/common.h"
#include "cli/pager.h"

static void on_signal(int sig)
{
	ap_interrupt_set(sig);
}

/* The second Ctrl-C ends us at once: SA_RESETHAND. */
static void catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* Under a parent that ignores its own, every child of ours would seem to end with 0. */
	signal(SIGCHLD, SIG_DFL);
	/* A file that may not grow is a write error like a full disk. */
	signal(SIGXFSZ, SIG_IGN);
}

static const char *ended_by(int sig)
{
	return sig == SIGINT    ? "ended by SIGINT"
	       : sig == SIGTERM ? "ended by SIGTERM"
				: "ended by SIGHUP";
}

/* One line; what a resolver or a build explained keeps its lines, set in. */
static int fail(const struct ap_err *e)
{
	int sig = ap_interrupt_signal();
	ap_auto_buf line = AP_BUF_INIT;
	bool ended = sig && (e->code == AP_E_CANCELLED || e->sys == EINTR);
	struct ap_str rest = ap_str(ended ? ended_by(sig) : e->msg);
	struct ap_str part;
	const char *sep = "";
	bool keeps_lines =
		e->code == AP_E_RESOLVE || e->code == AP_E_CHILD || e->code == AP_E_BUILD;

	ap_buf_adds(&line, "autopack: error: ");
	while (ap_str_next(&rest, '\n', &part)) {
		ap_buf_adds(&line, sep);
		ap_buf_add_printable(&line, part.p, part.n);
		sep = keeps_lines ? "\n  " : " ";
	}
	ap_buf_addc(&line, '\n');
	fflush(stdout);
	fwrite(line.p, 1, line.len, stderr);
	if (sig)
		return 128 + sig;
	return ap_err_exit_status(e);
}

static int print_help(const struct ap_cmd *cmd, const char *path, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_INIT;

	ap_cmd_help(&text, cmd, path);
	return ap_pager_show(text.p, text.len, err);
}

static bool has_word(const struct ap_strv *words, const char *a, const char *b)
{
	for (size_t i = 0; i < words->n && strcmp(words->v[i], "--") != 0; i++)
		if (strcmp(words->v[i], a) == 0 || strcmp(words->v[i], b) == 0)
			return true;
	return false;
}

/* A command that only has commands below it. */
static int run_group(
	const struct ap_cmd *cmd, const char *path, const struct ap_strv *rest, struct ap_err *err)
{
	if (rest->n)
		return ap_err_set(
			err, AP_E_USAGE, "\"%s\" wants a command before %.60s", path, rest->v[0]);
	ap_auto_buf text = AP_BUF_INIT;
	ap_cmd_help(&text, cmd, path);
	fwrite(text.p, 1, text.len, stderr);
	return ap_err_set(err, AP_E_USAGE, "\"%s\" wants a command", path);
}

static int run_leaf(const struct ap_cmd *cmd, const char *path, const struct ap_strv *rest,
	int *status, struct ap_err *err)
{
	ap_auto_free void *opts = ap_xcalloc(1, cmd->opts_size);
	ap_auto_strv args = { 0 };
	struct ap_call call = { cmd, path, opts, &args, 0 };
	int rc;

	ap_opt_init(opts, cmd->groups, cmd->n_groups);
	rc = ap_opt_parse(opts, &args, rest, cmd->groups, cmd->n_groups, &cmd->args, err);
	if (rc == 0 && args.n < cmd->args.min)
		rc = ap_err_set(err, AP_E_USAGE, "\"%s\" wants %s (%s), found %zu argument%s", path,
			cmd->args.name, cmd->args.help, args.n, args.n == 1 ? "" : "s");
	if (rc == 0)
		rc = cmd->run(&call, err);
	if (rc == 0)
		*status = call.status;
	ap_opt_release(opts, cmd->groups, cmd->n_groups);
	return rc;
}

static int dispatch(int argc, char **argv, int *status, struct ap_err *err)
{
	bool help = argc > 1 && strcmp(argv[1], "help") == 0; /* "help build" is "build --help" */
	const struct ap_cmd *cmd = NULL;
	ap_auto_buf path = AP_BUF_INIT;
	ap_auto_strv rest = { 0 };

	if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0))
		return ap_stdout(
			"autopack " AP_VERSION "\n", strlen("autopack " AP_VERSION "\n"), err);
	if (ap_cmd_find(&cmd, &path, &rest, argc - help, argv + help, err) < 0)
		return -1;
	if (help || has_word(&rest, "--help", "-h"))
		return print_help(cmd, path.p, err);
	if (cmd->sub)
		return run_group(cmd, path.p, &rest, err);
	return run_leaf(cmd, path.p, &rest, status, err);
}

int main(int argc, char **argv)
{
	struct ap_err err = AP_ERR_INIT;
	int status = 0;

	catch_signals();
	if (dispatch(argc, argv, &status, &err) < 0)
		return fail(&err);
	return status;
}
