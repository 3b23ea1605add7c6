#include <string.h>

#include "cli/cmds.h"
#include "cli/common.h"
#include "vertex/api.h"

static const struct ap_opt_group groups[] = { AP_COMMON_GROUP(0) };

/* "a b c": the legal values of an option, without open ones like value(KEY). */
static void add_choices(struct ap_buf *out, const char *choices)
{
	struct ap_str rest = ap_str(choices ? choices : "");
	struct ap_str one;
	const char *sep = "";

	while (choices && ap_str_next(&rest, '|', &one)) {
		if (memchr(one.p, '(', one.n))
			continue;
		ap_buf_addf(out, "%s%.*s", sep, (int)one.n, one.p);
		sep = " ";
	}
}

/* The same of an option: its choices, or the words that its hint stands for. */
static void add_values(struct ap_buf *out, const struct ap_opt *o)
{
	if (o->choices)
		add_choices(out, o->choices);
	else if (o->hint == AP_HINT_PLATFORM)
		ap_buf_adds(out, "linux/amd64 linux/arm64");
	else if (o->hint == AP_HINT_STRATEGY)
		ap_buf_adds(out, "STANDARD SPOT FLEX_START");
	for (size_t i = 0; o->hint == AP_HINT_REGION && i < ap_vertex_n_regions; i++)
		ap_buf_addf(out, "%s%s", i ? " " : "", ap_vertex_regions[i]);
}

static bool has_values(const struct ap_opt *o)
{
	return o->choices || o->hint >= AP_HINT_REGION;
}

static bool is_switch(const struct ap_opt *o)
{
	return o->kind == AP_OPT_FLAG || o->kind == AP_OPT_TRI;
}

/* All words that may follow a command: its flags and commands. */
static void add_words(struct ap_buf *out, const struct ap_cmd *cmd)
{
	for (size_t i = 0; cmd->sub && cmd->sub[i]; i++)
		ap_buf_addf(out, "%s ", cmd->sub[i]->name);
	if (cmd->sub)
		ap_buf_adds(out, "--help ");
	for (size_t i = 0; i < cmd->n_groups; i++)
		for (size_t k = 0; k < cmd->groups[i].n; k++) {
			const struct ap_opt *o = &cmd->groups[i].v[k];

			if (o->is_not)
				continue;
			ap_buf_addf(out, "--%s%s ", o->name,
				is_switch(o) || o->kind == AP_OPT_OPT ? "" : "=");
			if (o->kind == AP_OPT_TRI)
				ap_buf_addf(out, "--no-%s ", o->name);
			if (o->kind == AP_OPT_OPT)
				ap_buf_addf(out, "--%s= ", o->name);
		}
}

static void sh_words(void *ctx, const struct ap_cmd *cmd, const char *path)
{
	struct ap_buf *out = ctx;

	ap_buf_addf(out, "\t'%s') known='", path);
	add_words(out, cmd);
	ap_buf_adds(out, "' ;;\n");
}

static void sh_values(void *ctx, const struct ap_cmd *cmd, const char *path)
{
	struct ap_buf *out = ctx;

	for (size_t i = 0; i < cmd->n_groups; i++)
		for (size_t k = 0; k < cmd->groups[i].n; k++) {
			const struct ap_opt *o = &cmd->groups[i].v[k];

			if (o->is_not || is_switch(o) || (!o->choices && !o->hint))
				continue;
			ap_buf_addf(out, "\t'%s --%s') ", path, o->name);
			if (has_values(o)) {
				ap_buf_adds(out, "values='");
				add_values(out, o);
				ap_buf_adds(out, "' ;;\n");
			} else {
				ap_buf_addf(out, "files=%s ;;\n",
					o->hint == AP_HINT_DIR ? "dirs" : "any");
			}
		}
	if (cmd->args.choices) {
		ap_buf_addf(out, "\t'%s ') values='", path);
		add_choices(out, cmd->args.choices);
		ap_buf_adds(out, "' ;;\n");
	} else if (cmd->args.hint) {
		ap_buf_addf(out, "\t'%s ') files=%s ;;\n", path,
			cmd->args.hint == AP_HINT_DIR ? "dirs" : "any");
	}
}

static void add_case(struct ap_buf *out, const char *what,
	void (*fn)(void *ctx, const struct ap_cmd *cmd, const char *path))
{
	ap_buf_addf(out, "\tcase \"%s\" in\n", what);
	ap_cmd_walk(&ap_cmd_root, ap_cmd_root.name, fn, out);
	ap_buf_adds(out, "\tesac\n");
}

static void add_path_case(void *ctx, const struct ap_cmd *cmd, const char *path)
{
	struct ap_buf *out = ctx;

	(void)cmd;
	ap_buf_addf(out, "'%s'|", path);
}

/* Shell code shared by bash and zsh: `word` extends `path` when that names a command. */
static void add_path_step(struct ap_buf *out, const char *indent)
{
	ap_buf_addf(out, "%scase \"$at $word\" in\n%s", indent, indent);
	ap_cmd_walk(&ap_cmd_root, ap_cmd_root.name, add_path_case, out);
	ap_buf_addf(out, "'-') at=\"$at $word\" ;;\n%sesac\n", indent);
}

static void bash_script(struct ap_buf *out)
{
	ap_buf_adds(out,
		"# autopack completion for bash\n"
		"_autopack()\n{\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} flag= at=autopack word known= values= files= i\n"
		"\tCOMPREPLY=()\n"
		"\tif [[ $cur == = ]]; then\n"
		"\t\tflag=${COMP_WORDS[COMP_CWORD-1]} cur=\n"
		"\telif [[ ${COMP_WORDS[COMP_CWORD-1]} == = ]]; then\n"
		"\t\tflag=${COMP_WORDS[COMP_CWORD-2]}\n"
		"\telif [[ ${COMP_WORDS[COMP_CWORD-1]} == --* && $cur != -* ]]; then\n"
		"\t\tflag=${COMP_WORDS[COMP_CWORD-1]}\n"
		"\tfi\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		"\t\tword=${COMP_WORDS[i]}\n");
	add_path_step(out, "\t\t");
	ap_buf_adds(out, "\tdone\n");
	add_case(out, "$at", sh_words);
	ap_buf_adds(out, "\tif [[ $cur != -* ]]; then\n");
	add_case(out, "$at $flag", sh_values);
	ap_buf_adds(out, "\tfi\n"
			 "\tif [[ $files == dirs ]]; then\n"
			 "\t\tmapfile -t COMPREPLY < <(compgen -d -- \"$cur\")\n"
			 "\t\tcompopt -o filenames\n"
			 "\telif [[ $files == any ]]; then\n"
			 "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
			 "\t\tcompopt -o filenames\n"
			 "\telif [[ $values ]]; then\n"
			 "\t\tmapfile -t COMPREPLY < <(compgen -W \"$values\" -- \"$cur\")\n"
			 "\telse\n"
			 "\t\tmapfile -t COMPREPLY < <(compgen -W \"$known\" -- \"$cur\")\n"
			 "\t\t[[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
			 "\tfi\n"
			 "}\n"
			 "complete -F _autopack autopack\n");
}

static void zsh_script(struct ap_buf *out)
{
	ap_buf_adds(out,
		"#compdef autopack\n"
		"_autopack()\n{\n"
		"\tlocal cur=${words[CURRENT]} flag= at=autopack word known= values= files=\n"
		"\tlocal -a given=(\"${(@)words[2,CURRENT-1]}\")\n"
		"\tfor word in $given; do\n");
	add_path_step(out, "\t\t");
	ap_buf_adds(out, "\tdone\n"
			 "\tif [[ $cur == --*=* ]]; then\n"
			 "\t\tflag=${cur%%=*}\n"
			 "\t\tcompset -P '*='\n"
			 "\telif [[ ${words[CURRENT-1]} == --* && $cur != -* ]]; then\n"
			 "\t\tflag=${words[CURRENT-1]}\n"
			 "\tfi\n");
	add_case(out, "$at", sh_words);
	ap_buf_adds(out, "\tif [[ $cur != -* || -n $flag ]]; then\n");
	add_case(out, "$at $flag", sh_values);
	ap_buf_adds(out,
		"\tfi\n"
		"\tif [[ $files == dirs ]]; then\n"
		"\t\t_files -/\n"
		"\telif [[ $files == any ]]; then\n"
		"\t\t_files\n"
		"\telif [[ -n $values ]]; then\n"
		"\t\tcompadd -- ${(s: :)values}\n"
		"\telse\n"
		"\t\tlocal -a open=(${(M)${(s: :)known}:#*=}) closed=(${${(s: :)known}:#*=})\n"
		"\t\t(( $#open )) && compadd -S '' -- $open\n"
		"\t\t(( $#closed )) && compadd -- $closed\n"
		"\tfi\n"
		"}\n"
		"_autopack \"$@\"\n");
}

/* fish quotes with '' and \' inside. */
static void fish_quote(struct ap_buf *out, const char *s)
{
	ap_buf_addc(out, '\'');
	for (; *s; s++) {
		if (*s == '\'' || *s == '\\')
			ap_buf_addc(out, '\\');
		ap_buf_addc(out, *s);
	}
	ap_buf_addc(out, '\'');
}

static void fish_option(struct ap_buf *out, const char *path, const struct ap_opt *o)
{
	ap_buf_addf(out, "complete -c autopack -n '__autopack_at \"%s\"' -l %s", path, o->name);
	if (o->letter)
		ap_buf_addf(out, " -s %c", o->letter);
	if (o->hint == AP_HINT_FILE)
		ap_buf_adds(out, " -r -F");
	else if (!is_switch(o) && o->kind != AP_OPT_OPT)
		ap_buf_adds(out, " -x");
	if (has_values(o)) {
		ap_auto_buf list = AP_BUF_INIT;

		add_values(&list, o);
		ap_buf_adds(out, " -a ");
		fish_quote(out, list.p);
	} else if (o->hint == AP_HINT_DIR) {
		ap_buf_adds(out, " -a '(__fish_complete_directories)'");
	}
	ap_buf_adds(out, " -d ");
	fish_quote(out, o->help);
	ap_buf_addc(out, '\n');
}

static void fish_command(void *ctx, const struct ap_cmd *cmd, const char *path)
{
	struct ap_buf *out = ctx;

	for (size_t i = 0; cmd->sub && cmd->sub[i]; i++) {
		ap_buf_addf(out, "complete -c autopack -n '__autopack_at \"%s\"' -a %s -d ", path,
			cmd->sub[i]->name);
		fish_quote(out, cmd->sub[i]->summary);
		ap_buf_addc(out, '\n');
	}
	for (size_t i = 0; i < cmd->n_groups; i++)
		for (size_t k = 0; k < cmd->groups[i].n; k++) {
			const struct ap_opt *o = &cmd->groups[i].v[k];
			struct ap_opt no = *o;
			ap_auto_free char *name = ap_xasprintf("no-%s", o->name);

			if (o->is_not)
				continue;
			fish_option(out, path, o);
			no.name = name;
			no.letter = 0;
			if (o->kind == AP_OPT_TRI)
				fish_option(out, path, &no);
		}
	if (cmd->args.choices) {
		ap_buf_addf(out, "complete -c autopack -n '__autopack_at \"%s\"' -a '", path);
		add_choices(out, cmd->args.choices);
		ap_buf_adds(out, "'\n");
	} else if (cmd->args.hint) {
		ap_buf_addf(out, "complete -c autopack -n '__autopack_at \"%s\"' -F\n", path);
	}
}

static void fish_script(struct ap_buf *out)
{
	ap_buf_adds(out, "# autopack completion for fish\n"
			 "function __autopack_at\n"
			 "\tset -l path autopack\n"
			 "\tfor word in (commandline -opc)[2..]\n"
			 "\t\tswitch \"$path $word\"\n"
			 "\t\t\tcase ");
	ap_auto_buf cases = AP_BUF_INIT;
	ap_cmd_walk(&ap_cmd_root, ap_cmd_root.name, add_path_case, &cases);
	for (size_t i = 0; i < cases.len; i++)
		if (cases.p[i] == '|')
			cases.p[i] = ' ';
	ap_buf_add(out, cases.p, cases.len);
	ap_buf_adds(out, "\n\t\t\t\tset path \"$path $word\"\n"
			 "\t\tend\n"
			 "\tend\n"
			 "\ttest \"$path\" = \"$argv[1]\"\n"
			 "end\n"
			 "complete -c autopack -f\n");
	ap_cmd_walk(&ap_cmd_root, ap_cmd_root.name, fish_command, out);
}

static int run(struct ap_call *call, struct ap_err *err)
{
	const char *shell = call->args->v[0];
	ap_auto_buf out = AP_BUF_INIT;

	if (!ap_opt_choice_ok(call->cmd->args.choices, shell))
		return ap_err_set(err, AP_E_USAGE,
			"\"%.40s\" is not a shell we know: bash, zsh or fish", shell);
	if (strcmp(shell, "bash") == 0)
		bash_script(&out);
	else if (strcmp(shell, "zsh") == 0)
		zsh_script(&out);
	else
		fish_script(&out);
	return ap_stdout(out.p, out.len, err);
}

const struct ap_cmd ap_cmd_completion = {
	.name = "completion",
	.summary = "print a completion script for bash, zsh or fish",
	.example = "autopack completion bash > ~/.local/share/bash-completion/completions/autopack",
	.groups = groups,
	.n_groups = AP_LEN(groups),
	.opts_size = sizeof(struct ap_common_opts),
	.args = { .name = "SHELL",
		.help = "bash, zsh or fish",
		.min = 1,
		.max = 1,
		.choices = "bash|zsh|fish" },
	.run = run,
};
