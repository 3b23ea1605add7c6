/*
 * Options from tables: one table parses the command line, prints --help,
 * feeds shell completion and the manual, and is checked against the
 * documents, so that none of them can drift.
 *
 * cli/ is the only room that prints, reads the environment and exits; it
 * holds no knowledge of images, packages or the service beyond calling the
 * rooms in their order.
 *
 * The syntax is gcloud's: `--flag=value`, `--flag value`, `--no-flag`,
 * repeated flags, `^X^` for another delimiter in lists and dictionaries,
 * `--flags-file`.  No prefixes: gcloud refuses them too.
 */
#ifndef AP_CLI_OPT_H
#define AP_CLI_OPT_H

#include "base/str.h"

enum ap_opt_kind {
	AP_OPT_FLAG, /* int: 0 or 1 */
	AP_OPT_TRI,  /* int: -1 not said, 0, 1 */
	AP_OPT_STR,  /* char *: the last one counts */
	AP_OPT_OPT,  /* char *: the value may be left out, then it is `implied` */
	AP_OPT_UINT, /* char *: checked to be digits only */
	AP_OPT_LIST, /* struct ap_strv: split at `delim`, repetitions add */
	AP_OPT_DICT, /* struct ap_strv of K=V: split like a list; a later flag replaces a K */
	AP_OPT_EACH, /* struct ap_strv: one value for each time it is given, unsplit */
};

/* What a value is, for completion. */
enum ap_opt_hint {
	AP_HINT_NONE,
	AP_HINT_FILE,
	AP_HINT_DIR,
	/* words of other rooms, which check them */
	AP_HINT_REGION,
	AP_HINT_PLATFORM,
	AP_HINT_STRATEGY,
};

struct ap_opt {
	const char *name; /* without the dashes */
	char letter;      /* 'q' for -q, or 0 */
	enum ap_opt_kind kind;
	size_t offset;    /* of the field, within the group's part of the struct */
	const char *arg;  /* the value's name in the help; NULL for flags */
	const char *help; /* one sentence, no full stop */
	const char *
		choices; /* "json|yaml|value(KEY)": legal values, NULL: any; "(...)" stands for any argument */
	const char *implied; /* of AP_OPT_OPT */
	char delim;          /* of a list; 0: ',' */
	enum ap_opt_hint hint;
	const char *is_not; /* not NULL: gcloud has it, we do not; the advice to give */
};

/* Options that belong together: one heading in the help, one sub-struct. */
struct ap_opt_group {
	const char *title;
	const struct ap_opt *v;
	size_t n;
	size_t offset; /* of the sub-struct within the command's options */
};

/* A positional argument. */
struct ap_opt_args {
	const char *name; /* "IMAGE"; NULL: none are taken */
	const char *help;
	size_t min, max;
	enum ap_opt_hint hint;
	const char *choices;
};

/* Set every field of all groups to "not said". */
void ap_opt_init(void *opts, const struct ap_opt_group *groups, size_t n);
/* Free what the fields hold. */
void ap_opt_release(void *opts, const struct ap_opt_group *groups, size_t n);

/*
 * Parse the words behind the command's name.  Positional ones go to `args`.
 *
 * Errors: AP_E_USAGE naming the flag, what was found and wanted, with the
 * nearest name; AP_E_INPUT for a --flags-file.
 */
int ap_opt_parse(void *opts, struct ap_strv *args, const struct ap_strv *words,
	const struct ap_opt_group *groups, size_t n, const struct ap_opt_args *positional,
	struct ap_err *err) AP_CHECK;

/* The option of that name (no dashes), or NULL. */
const struct ap_opt *ap_opt_find(const struct ap_opt_group *groups, size_t n, const char *name);

/*
 * Split a list as gcloud does: at `delim`, or at X after a leading ^X^.  An
 * empty text is an empty list; empty elements stay, but one delimiter at the
 * end is dropped.
 */
int ap_opt_split(struct ap_strv *out, const char *text, char delim, struct ap_err *err) AP_CHECK;

/* The opposite: one text that ap_opt_split() takes apart into these. */
char *ap_opt_join(const struct ap_strv *list, char delim);

/* Does `value` match one of the choices "a|b|c(X)"? */
bool ap_opt_choice_ok(const char *choices, const char *value);

/* The flags of the groups as help text, in 80 columns. */
void ap_opt_help(struct ap_buf *out, const struct ap_opt_group *groups, size_t n);

/* Add text wrapped at 80 columns, continued lines indented by `indent`; col is where we stand. */
void ap_opt_wrap(struct ap_buf *out, const char *text, size_t indent, size_t col);

#endif
