/*
 * The container runtimes of this machine, as programs: their names, what
 * they get of our environment, and how they are asked.  runner.c runs a
 * user's image with them, inside.c the base's own programs.
 */
#ifndef AP_CLI_RUNTIME_H
#define AP_CLI_RUNTIME_H

#include "base/str.h"

/* Those that are known, in the order they are tried; NULL ends. */
const char *const *ap_runtime_names(void);

/*
 * Append "K=V" of our environment, what a runtime needs: where it keeps
 * things and whom it speaks to, no secret; with runs_programs also what it
 * hands on to them.
 */
void ap_runtime_env(struct ap_strv *out, bool runs_programs);

enum {
	AP_RUNTIME_SHOWS = 1 << 0, /* for the user's program: its stderr is ours, no time limit */
	AP_RUNTIME_CLEANS_UP = 1 << 1, /* also after a signal has stopped us; a minute at most */
};

struct ap_runtime_call {
	const char *const *argv; /* NULL-terminated */
	struct ap_buf *out;      /* its stdout; NULL: out_fd, else our stderr */
	int in_fd, out_fd;       /* 0: none */
	unsigned flags;
};

/*
 * Run a command of a runtime to the end.
 * Errors: AP_E_CHILD when its status is not 0, with the last words of its
 * stderr where that is not shown; those of ap_child_run().
 */
int ap_runtime_run(const struct ap_runtime_call *c, struct ap_err *err) AP_CHECK;

/* The same for the last line of its stdout.  *line: owned; line may be NULL. */
int ap_runtime_ask(
	char **line, unsigned flags, const char *const *argv, struct ap_err *err) AP_CHECK;
#define AP_ASK(line, flags, err, ...) \
	ap_runtime_ask(line, flags, (const char *const[]){ __VA_ARGS__, NULL }, err)

/* The name in "Loaded image: NAME", "Loaded image ID: sha256:...".  borrowed. */
const char *ap_runtime_loaded(const char *line);

#endif
