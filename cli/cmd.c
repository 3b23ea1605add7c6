#include "cli/cmd.h"

#include <string.h>

#include "cli/common.h"

static const struct ap_cmd *child(const struct ap_cmd *cmd, const char *name)
{
	for (size_t i = 0; cmd->sub && cmd->sub[i]; i++)
		if (strcmp(cmd->sub[i]->name, name) == 0)
			return cmd->sub[i];
	return NULL;
}

/* What people type who come from other tools. */
static const struct {
	const char *word, *says;
} elsewhere[] = {
	{ "ai", "\"gcloud ai custom-jobs\" is \"autopack custom-jobs\"" },
	{ "beta", "\"gcloud beta ai custom-jobs\" is \"autopack custom-jobs\"" },
	{ "alpha", "\"gcloud alpha ai custom-jobs\" is \"autopack custom-jobs\"" },
	{ "push", "\"autopack build\" pushes what it makes, \"autopack copy\" what is there" },
	{ "pull", "\"autopack copy IMAGE oci:DIR\" fetches an image" },
	{ "tag", "\"autopack copy IMAGE IMAGE:TAG\" gives a tag" },
	{ "login",
		"log in with \"gcloud auth login\" or \"docker login\"; \"autopack doctor\" says what is missing" },
	{ "run",
		"\"autopack custom-jobs local-run\" runs it here, \"custom-jobs create\" as a job" },
	{ "submit", "\"autopack custom-jobs create\" submits a job" },
	{ "jobs",
		"\"autopack custom-jobs\", \"hp-tuning-jobs\", \"pipelines\" and \"training-pipelines\" have them" },
	{ "logs", "\"autopack custom-jobs stream-logs\" prints them" },
};

static int no_such(const struct ap_cmd *cmd, const char *path, const char *word, struct ap_err *err)
{
	const char *names[64];
	const char *near;
	size_t n = 0;

	for (size_t i = 0; cmd->sub[i] && n < AP_LEN(names); i++)
		names[n++] = cmd->sub[i]->name;
	for (size_t i = 0; i < AP_LEN(elsewhere); i++)
		if (strcmp(word, elsewhere[i].word) == 0)
			return ap_err_set(err, AP_E_USAGE, "unknown command \"%s\": %s", word,
				elsewhere[i].says);
	near = ap_did_you_mean(word, names, n);
	if (near)
		return ap_err_set(err, AP_E_USAGE,
			"unknown command \"%.60s\"; did you mean \"%s %s\"?", word, path, near);
	return ap_err_set(
		err, AP_E_USAGE, "unknown command \"%.60s\"; \"%s --help\" lists them", word, path);
}

static const struct ap_opt_group common = AP_COMMON_GROUP(0);

/* A global flag before the command: does its value stand in the next word? */
static bool takes_next_word(const char *flag)
{
	const struct ap_opt *o;

	if (!ap_starts_with(flag, "--") || strchr(flag, '='))
		return false;
	o = ap_opt_find(&common, 1, flag + 2);
	return o && o->kind != AP_OPT_FLAG && o->kind != AP_OPT_TRI && o->kind != AP_OPT_OPT;
}

int ap_cmd_find(const struct ap_cmd **out, struct ap_buf *path, struct ap_strv *rest, int argc,
	char **argv, struct ap_err *err)
{
	const struct ap_cmd *cmd = &ap_cmd_root;
	int i = 1;

	ap_buf_adds(path, cmd->name);
	for (; i < argc && cmd->sub; i++) {
		const struct ap_cmd *next;

		if (argv[i][0] == '-') {
			ap_strv_add(rest, argv[i]);
			if (takes_next_word(argv[i]) && i + 1 < argc)
				ap_strv_add(rest, argv[++i]);
			continue;
		}
		next = child(cmd, argv[i]);
		if (!next)
			return no_such(cmd, path->p, argv[i], err);
		cmd = next;
		ap_buf_addf(path, " %s", cmd->name);
	}
	for (; i < argc; i++)
		ap_strv_add(rest, argv[i]);
	*out = cmd;
	return 0;
}

static void add_paragraph(struct ap_buf *out, const char *text)
{
	ap_buf_addc(out, '\n');
	ap_opt_wrap(out, text, 0, 0);
}

static void add_example(struct ap_buf *out, const char *text)
{
	struct ap_str rest = ap_str(text);
	struct ap_str line;

	ap_buf_adds(out, "\nexample:\n");
	while (ap_str_next(&rest, '\n', &line))
		ap_buf_addf(out, "  %.*s\n", (int)line.n, line.p);
}

void ap_cmd_help(struct ap_buf *out, const struct ap_cmd *cmd, const char *path)
{
	ap_buf_addf(out, "usage: %s%s%s%s%s\n", path, cmd->sub ? " COMMAND" : "",
		cmd->args.name ? " " : "", cmd->args.name ? cmd->args.name : "",
		cmd->n_groups ? " [flags]" : "");
	add_paragraph(out, cmd->description ? cmd->description : cmd->summary);
	if (cmd->args.name && cmd->args.help) {
		ap_buf_addf(out, "\n  %-24s", cmd->args.name);
		ap_opt_wrap(out, cmd->args.help, 26, 26);
	}
	if (cmd->example)
		add_example(out, cmd->example);
	else if (!cmd->sub)
		ap_buf_addf(out, "\nexample:\n  %s%s%s\n", path, cmd->args.name ? " " : "",
			cmd->args.name ? cmd->args.name : "");
	if (cmd->sub)
		ap_buf_adds(out, "\ncommands:\n");
	for (size_t i = 0; cmd->sub && cmd->sub[i]; i++) {
		ap_buf_addf(out, "  %-22s  ", cmd->sub[i]->name);
		ap_opt_wrap(out, cmd->sub[i]->summary, 26, 26);
	}
	ap_opt_help(out, cmd->groups, cmd->n_groups);
	if (cmd->sub)
		ap_buf_addf(out, "\n\"%s COMMAND --help\" tells more.\n", path);
}

void ap_cmd_walk(const struct ap_cmd *root, const char *path,
	void (*fn)(void *ctx, const struct ap_cmd *cmd, const char *path), void *ctx)
{
	fn(ctx, root, path);
	for (size_t i = 0; root->sub && root->sub[i]; i++) {
		ap_auto_free char *below = ap_xasprintf("%s %s", path, root->sub[i]->name);

		ap_cmd_walk(root->sub[i], below, fn, ctx);
	}
}
