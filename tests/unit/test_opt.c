#include "tests/unit/unit.h"

#include "cli/cmd.h"
#include "cli/common.h"

struct sample {
	int loud, tri;
	char *name, *dry, *count;
	struct ap_strv list, dict, each, semi;
};

#define AT(f) offsetof(struct sample, f)
static const struct ap_opt table[] = {
	{ .name = "loud",
		.letter = 'l',
		.kind = AP_OPT_FLAG,
		.offset = AT(loud),
		.help = "be loud" },
	{ .name = "vcs-labels", .kind = AP_OPT_TRI, .offset = AT(tri), .help = "labels" },
	{ .name = "display-name",
		.kind = AP_OPT_STR,
		.offset = AT(name),
		.arg = "NAME",
		.help = "name" },
	{ .name = "dry-run",
		.kind = AP_OPT_OPT,
		.offset = AT(dry),
		.arg = "HOW",
		.implied = "plan",
		.choices = "plan|check",
		.help = "do not" },
	{ .name = "count", .kind = AP_OPT_UINT, .offset = AT(count), .arg = "N", .help = "number" },
	{ .name = "args",
		.kind = AP_OPT_LIST,
		.offset = AT(list),
		.arg = "ARG",
		.help = "arguments" },
	{ .name = "labels",
		.kind = AP_OPT_DICT,
		.offset = AT(dict),
		.arg = "K=V",
		.help = "labels" },
	{ .name = "pool", .kind = AP_OPT_EACH, .offset = AT(each), .arg = "SPEC", .help = "pool" },
	{ .name = "requirements",
		.kind = AP_OPT_LIST,
		.offset = AT(semi),
		.arg = "REQ",
		.delim = ';',
		.help = "requirements" },
	{ .name = "async", .kind = AP_OPT_FLAG, .help = "", .is_not = "there is no waiting" },
};
static const struct ap_opt_group groups[] = { { "sample", table, AP_LEN(table), 0 } };

static int parse(struct sample *s, const char *const *words, struct ap_err *err)
{
	static const struct ap_opt_args none = { 0 };
	ap_auto_strv in = { 0 };
	ap_auto_strv args = { 0 };

	for (; *words; words++)
		ap_strv_add(&in, *words);
	ap_opt_init(s, groups, 1);
	return ap_opt_parse(s, &args, &in, groups, 1, &none, err);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

TEST(opt_reads_every_way_to_write_a_flag)
{
	struct ap_err err = AP_ERR_INIT;
	struct sample s;

	assert_ok(parse(&s,
			  WORDS("-l", "--no-vcs-labels", "--display-name", "a b", "--dry-run",
				  "--count=3", "--args=--x=1,,y", "--args=z", "--labels=a=1,b=2",
				  "--labels=a=3", "--pool=k=v,w", "--pool", "second",
				  "--requirements=a<2,>1;b"),
			  &err),
		&err);
	assert_int_equal(s.loud, 1);
	assert_int_equal(s.tri, 0);
	assert_string_equal(s.name, "a b");
	assert_string_equal(s.dry, "plan");
	assert_string_equal(s.count, "3");
	assert_int_equal(s.list.n, 4);
	assert_string_equal(s.list.v[0], "--x=1");
	assert_string_equal(s.list.v[1], "");
	assert_string_equal(s.list.v[3], "z");
	assert_int_equal(s.dict.n, 2);
	assert_string_equal(s.dict.v[0], "a=3");
	assert_int_equal(s.each.n, 2);
	assert_string_equal(s.each.v[0], "k=v,w");
	assert_int_equal(s.semi.n, 2);
	assert_string_equal(s.semi.v[0], "a<2,>1");
	ap_opt_release(&s, groups, 1);
}

TEST(opt_says_what_is_wrong_and_what_is_near)
{
	static const struct {
		const char *name, *word, *next, *fails_with;
	} cases[] = {
		{ "typing error", "--dipslay-name=x", NULL, "did you mean --display-name?" },
		{ "cut name, as gcloud refuses it", "--display=x", NULL,
			"did you mean --display-name?" },
		{ "nothing near", "--zzzzzz", NULL, "--help lists" },
		{ "value missing", "--display-name", NULL, "wants a value: --display-name=NAME" },
		{ "value begins with a dash", "--args", "--epochs=3", "written --args=--epochs=3" },
		{ "value for a switch", "--loud=7", NULL, "takes no value" },
		{ "no- on a flag with a value", "--no-count", NULL, "unknown flag --no-count" },
		{ "not a choice", "--dry-run=chek", NULL, "did you mean \"check\"?" },
		{ "not a number", "--count=1.5", NULL, "is not a number" },
		{ "not a pair", "--labels=team", NULL, "is not KEY=VALUE" },
		{ "a key twice in one", "--labels=team=a,x=1,team=b", NULL,
			"--labels: key team is given twice" },
		{ "pair without a key", "--labels==v", NULL, "is not KEY=VALUE" },
		{ "argument", "extra", NULL, "takes flags only" },
		{ "unknown letter", "-x", NULL, "unknown flag -x" },
		{ "delimiter left open", "--args=^;a", NULL, "must name a delimiter" },
		{ "gcloud has it, we do not", "--async", NULL, "there is no waiting" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct sample s;

		print_message("  case: %s\n", cases[i].name);
		assert_fails(parse(&s, WORDS(cases[i].word, cases[i].next), &err), &err, AP_E_USAGE,
			cases[i].fails_with);
		ap_opt_release(&s, groups, 1);
	}
}

TEST(opt_split_takes_another_delimiter_and_join_is_its_opposite)
{
	static const struct {
		const char *in;
		size_t n;
		const char *first, *last;
	} cases[] = {
		{ "", 0, NULL, NULL },
		{ "a", 1, "a", "a" },
		{ "^;^--x=1,2;--y=3", 2, "--x=1,2", "--y=3" },
		{ "^::^a:b::c", 2, "a:b", "c" },
		{ ",a", 2, "", "a" },
		{ "a,", 1, "a", "a" },
		{ ",", 1, "", "" },
		{ "a,,", 2, "a", "" },
		{ "^,^^b", 1, "^b", "^b" },
		{ "^;^a,b;c|d;e~f@g##", 3, "a,b", "e~f@g##" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_strv l = { 0 };
		ap_auto_strv again = { 0 };
		ap_auto_free char *text = NULL;

		print_message("  case: %s\n", cases[i].in);
		assert_ok(ap_opt_split(&l, cases[i].in, ',', &err), &err);
		assert_int_equal(l.n, cases[i].n);
		if (l.n) {
			assert_string_equal(l.v[0], cases[i].first);
			assert_string_equal(l.v[l.n - 1], cases[i].last);
		}
		text = ap_opt_join(&l, ',');
		assert_ok(ap_opt_split(&again, text, ',', &err), &err);
		assert_int_equal(again.n, l.n);
		for (size_t k = 0; k < l.n; k++)
			assert_string_equal(again.v[k], l.v[k]);
	}
}

TEST(opt_choices_may_take_an_argument)
{
	assert_true(ap_opt_choice_ok("json|value(KEY)", "json"));
	assert_true(ap_opt_choice_ok("json|value(KEY)", "value(name)"));
	assert_false(ap_opt_choice_ok("json|value(KEY)", "value()"));
	assert_false(ap_opt_choice_ok("json|value(KEY)", "value(name"));
	assert_false(ap_opt_choice_ok("json|value(KEY)", "jso"));
}

/* What the option tables must keep to for parsing, help and completion. */
static void check_command(void *ctx, const struct ap_cmd *cmd, const char *path)
{
	size_t *n = ctx;
	ap_auto_strv seen = { 0 };

	(*n)++;
	assert_non_null(cmd->summary);
	assert_true(cmd->sub || cmd->run);
	for (size_t i = 0; i < cmd->n_groups; i++)
		for (size_t k = 0; k < cmd->groups[i].n; k++) {
			const struct ap_opt *o = &cmd->groups[i].v[k];

			print_message("  %s --%s\n", path, o->name);
			assert_false(ap_strv_has(&seen, o->name));
			ap_strv_add(&seen, o->name);
			if (o->is_not)
				continue;
			assert_true(o->help && *o->help && !ap_ends_with(o->help, "."));
			assert_true(cmd->groups[i].offset + o->offset < cmd->opts_size);
			if (o->kind != AP_OPT_FLAG && o->kind != AP_OPT_TRI)
				assert_non_null(o->arg);
			assert_true((o->kind == AP_OPT_OPT) == !!o->implied);
		}
	if (!cmd->sub)
		assert_true(ap_strv_has(&seen, "help"));
}

TEST(every_command_has_a_sound_table)
{
	size_t n = 0;

	ap_cmd_walk(&ap_cmd_root, "autopack", check_command, &n);
	assert_true(n > 1);
}

static void check_width(void *ctx, const struct ap_cmd *cmd, const char *path)
{
	ap_auto_buf text = AP_BUF_INIT;
	struct ap_str rest, line;

	(void)ctx;
	ap_cmd_help(&text, cmd, path);
	rest = ap_str(text.p);
	while (ap_str_next(&rest, '\n', &line)) {
		bool is_example =
			line.n > 2 && line.p[0] == ' ' && line.p[2] != ' ' && line.p[2] != '-';

		if (line.n > 80 && !is_example)
			fail_msg("%s --help: over 80 columns: %.*s", path, (int)line.n, line.p);
	}
}

TEST(help_of_every_command_fits_eighty_columns)
{
	ap_cmd_walk(&ap_cmd_root, "autopack", check_width, NULL);
}
