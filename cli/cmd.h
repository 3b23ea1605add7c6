/*
 * The tree of commands: what main() walks, and what help, completion and the
 * manual are made from.
 */
#ifndef AP_CLI_CMD_H
#define AP_CLI_CMD_H

#include "cli/opt.h"

struct ap_cmd;

/* One run of a command. */
struct ap_call {
	const struct ap_cmd *cmd;
	const char *path;           /* "autopack build" */
	void *opts;                 /* the struct that cmd->groups describe */
	const struct ap_strv *args; /* positional ones */
	int status;                 /* exit status when run() succeeds */
};

struct ap_cmd {
	const char *name;
	const char *summary;               /* one line, no full stop */
	const char *description;           /* paragraphs for --help and the manual; may be NULL */
	const char *example;               /* lines of shell, may be NULL */
	const struct ap_cmd *const *sub;   /* NULL-terminated; then the rest is empty */
	const struct ap_opt_group *groups; /* the first one is ap_common_group's table */
	size_t n_groups;
	size_t opts_size;
	struct ap_opt_args args;
	int (*run)(struct ap_call *call, struct ap_err *err);
	const void *of; /* for a run() that several commands share: what it is about */
};

/* The whole tree; its name is "autopack". */
extern const struct ap_cmd ap_cmd_root;

/*
 * Find the command that the leading words name.  Global flags may stand
 * before or between them; they go to the front of `rest`, with all that
 * follows the command.  path: "autopack custom-jobs create".
 */
int ap_cmd_find(const struct ap_cmd **out, struct ap_buf *path, struct ap_strv *rest, int argc,
	char **argv, struct ap_err *err) AP_CHECK;

/* The text of --help. */
void ap_cmd_help(struct ap_buf *out, const struct ap_cmd *cmd, const char *path);

/* Call fn for every command of the tree, parents first, with its path. */
void ap_cmd_walk(const struct ap_cmd *root, const char *path,
	void (*fn)(void *ctx, const struct ap_cmd *cmd, const char *path), void *ctx);

#endif
