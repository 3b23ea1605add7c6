#include "cli/opt.h"

#include <stdlib.h>
#include <string.h>

#include "cli/opt_file.h"

/* Parsing in progress. */
struct parse {
	void *opts;
	struct ap_strv *args;
	const struct ap_opt_group *groups;
	size_t n_groups;
	const struct ap_opt_args *positional;
	unsigned depth; /* of --flags-file within --flags-file */
};

static void *field_of(void *opts, const struct ap_opt_group *g, const struct ap_opt *o)
{
	return (char *)opts + g->offset + o->offset;
}

static bool is_list(const struct ap_opt *o)
{
	return o->kind == AP_OPT_LIST || o->kind == AP_OPT_DICT || o->kind == AP_OPT_EACH;
}

static bool is_bool(const struct ap_opt *o)
{
	return o->kind == AP_OPT_FLAG || o->kind == AP_OPT_TRI;
}

void ap_opt_init(void *opts, const struct ap_opt_group *groups, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < groups[i].n; k++) {
			const struct ap_opt *o = &groups[i].v[k];

			if (o->is_not)
				continue;
			if (is_list(o))
				*(struct ap_strv *)field_of(opts, &groups[i], o) =
					(struct ap_strv){ 0 };
			else if (is_bool(o))
				*(int *)field_of(opts, &groups[i], o) =
					o->kind == AP_OPT_TRI ? -1 : 0;
			else
				*(char **)field_of(opts, &groups[i], o) = NULL;
		}
}

void ap_opt_release(void *opts, const struct ap_opt_group *groups, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < groups[i].n; k++) {
			const struct ap_opt *o = &groups[i].v[k];

			if (o->is_not || is_bool(o))
				continue;
			if (is_list(o))
				ap_strv_release(field_of(opts, &groups[i], o));
			else
				ap_free_p(field_of(opts, &groups[i], o));
		}
}

static const struct ap_opt *find(const struct ap_opt_group *groups, size_t n, const char *name,
	const struct ap_opt_group **group)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < groups[i].n; k++)
			if (strcmp(groups[i].v[k].name, name) == 0) {
				if (group)
					*group = &groups[i];
				return &groups[i].v[k];
			}
	return NULL;
}

const struct ap_opt *ap_opt_find(const struct ap_opt_group *groups, size_t n, const char *name)
{
	return find(groups, n, name, NULL);
}

bool ap_opt_choice_ok(const char *choices, const char *value)
{
	struct ap_str rest = ap_str(choices);
	struct ap_str one;

	while (ap_str_next(&rest, '|', &one)) {
		const char *paren = memchr(one.p, '(', one.n);
		size_t head;

		if (ap_str_eq(one, value))
			return true;
		if (!paren)
			continue;
		head = (size_t)(paren - one.p) + 1;
		if (strlen(value) > head + 1 && strncmp(value, one.p, head) == 0 &&
			ap_ends_with(value, ")"))
			return true;
	}
	return false;
}

/* "^X^rest": X is the delimiter.  Borrowed parts of text. */
static int own_delim(const char *text, struct ap_str *delim, const char **body, struct ap_err *err)
{
	const char *end;

	*body = text;
	if (text[0] != '^')
		return 0;
	end = strchr(text + 1, '^');
	if (!end || end == text + 1)
		return ap_err_set(err, AP_E_USAGE,
			"\"%.40s\": a value that begins with ^ must name a delimiter, as in ^;^a;b",
			text);
	*delim = ap_str_n(text + 1, (size_t)(end - text) - 1);
	*body = end + 1;
	return 0;
}

int ap_opt_split(struct ap_strv *out, const char *text, char delim, struct ap_err *err)
{
	struct ap_str d = { &delim, 1 };
	const char *p;
	const char *at;

	if (own_delim(text, &d, &p, err) < 0)
		return -1;
	while ((at = memmem(p, strlen(p), d.p, d.n))) {
		ap_strv_add_n(out, p, (size_t)(at - p));
		p = at + d.n;
	}
	if (*p)
		ap_strv_add(out, p);
	return 0;
}

static bool delim_is_free(const struct ap_strv *list, const char *delim)
{
	for (size_t i = 0; i < list->n; i++)
		if (strstr(list->v[i], delim))
			return false;
	return true;
}

char *ap_opt_join(const struct ap_strv *list, char delim)
{
	static const char *const others[] = { ",", ";", "|", "~", "@", "##" };
	const char plain[2] = { delim, 0 };
	ap_auto_free char *joined = NULL;
	ap_auto_free char *made = NULL;
	const char *use = NULL;
	const char *last = "";

	if (delim_is_free(list, plain) && (!list->n || list->v[0][0] != '^'))
		use = plain;
	for (size_t i = 0; i < AP_LEN(others) && !use; i++)
		if (delim_is_free(list, others[i]))
			use = others[i];
	for (unsigned i = 0; !use; i++) {
		free(made);
		made = ap_xasprintf("<%u>", i);
		if (delim_is_free(list, made))
			use = made;
	}
	joined = ap_strv_join(list, use);
	/* A delimiter at the end is dropped again: it keeps an empty last element. */
	if (list->n && !list->v[list->n - 1][0])
		last = use;
	if (use == plain)
		return ap_xasprintf("%s%s", joined, last);
	return ap_xasprintf("^%s^%s%s", use, joined, last);
}

static int wrong_choice(const struct ap_opt *o, const char *value, struct ap_err *err)
{
	ap_auto_strv words = { 0 };
	struct ap_str rest = ap_str(o->choices);
	struct ap_str one;
	const char *near;

	while (ap_str_next(&rest, '|', &one))
		ap_strv_add_n(&words, one.p, one.n);
	near = ap_did_you_mean(value, (const char *const *)words.v, words.n);
	ap_auto_free char *list = ap_strv_join(&words, ", ");
	return ap_err_set(err, AP_E_USAGE, "--%s: \"%s\" is not one of %s%s%s%s", o->name, value,
		list, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* The place of a key in a dictionary: of "KEY=", n bytes of it; -1: it is not there. */
static ssize_t find_key(const struct ap_strv *dict, size_t before, const char *pair, size_t n)
{
	for (size_t i = 0; i < before; i++)
		if (strncmp(dict->v[i], pair, n) == 0)
			return (ssize_t)i;
	return -1;
}

/* A flag that is given again replaces values; one that names a key twice is a mistake. */
static int add_pair(struct ap_strv *dict, const struct ap_opt *o, const struct ap_strv *parts,
	size_t i, struct ap_err *err)
{
	const char *pair = parts->v[i];
	const char *eq = strchr(pair, '=');
	ssize_t at;
	size_t n;

	if (!eq || eq == pair)
		return ap_err_set(err, AP_E_USAGE, "--%s: \"%s\" is not KEY=VALUE", o->name, pair);
	n = (size_t)(eq - pair) + 1;
	if (find_key(parts, i, pair, n) >= 0)
		return ap_err_set(err, AP_E_USAGE, "--%s: key %.*s is given twice", o->name,
			(int)AP_MIN(n - 1, 80), pair);
	at = find_key(dict, dict->n, pair, n);
	if (at < 0) {
		ap_strv_add(dict, pair);
	} else {
		free(dict->v[at]);
		dict->v[at] = ap_xstrdup(pair);
	}
	return 0;
}

static int set_list(
	struct ap_strv *list, const struct ap_opt *o, const char *value, struct ap_err *err)
{
	ap_auto_strv parts = { 0 };

	if (o->kind == AP_OPT_EACH) {
		ap_strv_add(list, value);
		return 0;
	}
	if (ap_opt_split(&parts, value, o->delim ? o->delim : ',', err) < 0)
		return ap_err_wrap(err, "--%s", o->name);
	for (size_t i = 0; i < parts.n; i++) {
		if (o->choices && !ap_opt_choice_ok(o->choices, parts.v[i]))
			return wrong_choice(o, parts.v[i], err);
		if (o->kind == AP_OPT_LIST)
			ap_strv_add(list, parts.v[i]);
		else if (add_pair(list, o, &parts, i, err) < 0)
			return -1;
	}
	return 0;
}

static int set_bool(
	int *field, const struct ap_opt *o, const char *value, int sense, struct ap_err *err)
{
	if (value && strcmp(value, "true") == 0)
		*field = sense;
	else if (value && strcmp(value, "false") == 0)
		*field = !sense;
	else if (value)
		return ap_err_set(err, AP_E_USAGE,
			"--%s takes no value (\"%s\"): write --%s or --no-%s", o->name, value,
			o->name, o->name);
	else
		*field = sense;
	return 0;
}

static int set_value(char **field, const struct ap_opt *o, const char *value, struct ap_err *err)
{
	uint64_t n;

	if (o->choices && !ap_opt_choice_ok(o->choices, value))
		return wrong_choice(o, value, err);
	if (o->kind == AP_OPT_UINT && !ap_parse_u64(value, INT64_MAX, &n))
		return ap_err_set(err, AP_E_USAGE, "--%s: \"%s\" is not a number", o->name, value);
	free(*field);
	*field = ap_xstrdup(value);
	return 0;
}

static const char *nearest(const struct parse *p, const char *name)
{
	const char *all[256];
	size_t n = 0;

	for (size_t i = 0; i < p->n_groups; i++)
		for (size_t k = 0; k < p->groups[i].n && n < AP_LEN(all); k++)
			if (!p->groups[i].v[k].is_not)
				all[n++] = p->groups[i].v[k].name;
	/* A cut name is what people type; prefer the flag it begins. */
	for (size_t i = 0; i < n; i++)
		if (strlen(name) >= 3 && ap_starts_with(all[i], name))
			return all[i];
	return ap_did_you_mean(name, all, n);
}

static int unknown(const struct parse *p, const char *word, const char *name, struct ap_err *err)
{
	const char *near = nearest(p, name);
	const char *eq = strchr(word, '=');
	int n = eq ? (int)(eq - word) : (int)AP_MIN(strlen(word), 80);

	if (near)
		return ap_err_set(
			err, AP_E_USAGE, "unknown flag %.*s; did you mean --%s?", n, word, near);
	return ap_err_set(err, AP_E_USAGE, "unknown flag %.*s; --help lists the flags", n, word);
}

/* --no-NAME of a boolean; a flag may itself be named no-something. */
static const struct ap_opt *find_with_no(
	const struct parse *p, const char *name, const struct ap_opt_group **group, int *sense)
{
	const struct ap_opt *o = find(p->groups, p->n_groups, name, group);

	*sense = 1;
	if (o)
		return o;
	*sense = 0;
	if (ap_starts_with(name, "no-"))
		o = find(p->groups, p->n_groups, name + 3, group);
	return o && is_bool(o) ? o : NULL;
}

/* Words that begin with a dash are flags, but for "-" and negative numbers. */
static bool looks_like_flag(const char *word)
{
	return word[0] == '-' && word[1] && !ap_is_digit(word[1]) && word[1] != '.';
}

static int wants_value(const struct ap_opt *o, struct ap_err *err)
{
	return ap_err_set(err, AP_E_USAGE, "--%s wants a value: --%s=%s", o->name, o->name, o->arg);
}

static int parse_words(struct parse *p, const struct ap_strv *words, struct ap_err *err);

static int flags_file(struct parse *p, const char *path, struct ap_err *err)
{
	ap_auto_strv words = { 0 };

	if (p->depth >= 8)
		return ap_err_set(err, AP_E_INPUT, "--flags-file=%s: files name each other", path);
	if (ap_opt_file_read(&words, path, err) < 0)
		return -1;
	p->depth++;
	if (parse_words(p, &words, err) < 0)
		return ap_err_wrap(err, "--flags-file=%s", path);
	p->depth--;
	return 0;
}

static int store(struct parse *p, const struct ap_opt_group *g, const struct ap_opt *o,
	const char *value, int sense, struct ap_err *err)
{
	void *field = field_of(p->opts, g, o);

	if (is_bool(o))
		return set_bool(field, o, value, sense, err);
	/* What comes of a shell's variable that is not set is no file, nor the directory we are in. */
	if (!*value && o->kind != AP_OPT_LIST &&
		(o->hint == AP_HINT_FILE || o->hint == AP_HINT_DIR))
		return wants_value(o, err);
	if (strcmp(o->name, "flags-file") == 0)
		return flags_file(p, value, err);
	if (is_list(o))
		return set_list(field, o, value, err);
	return set_value(field, o, value, err);
}

/* One flag; *i moves on when the value was the next word. */
static int parse_flag(struct parse *p, const struct ap_strv *words, size_t *i, struct ap_err *err)
{
	const char *word = words->v[*i];
	const char *eq = strchr(word, '=');
	const char *value = eq ? eq + 1 : NULL;
	const struct ap_opt_group *g = NULL;
	const struct ap_opt *o = NULL;
	ap_auto_free char *name = NULL;
	int sense = 1;

	if (ap_starts_with(word, "--")) {
		name = eq ? ap_xstrndup(word + 2, (size_t)(eq - word) - 2) : ap_xstrdup(word + 2);
		o = find_with_no(p, name, &g, &sense);
	} else {
		name = ap_xstrndup(word + 1, eq ? (size_t)(eq - word) - 1 : strlen(word) - 1);
		for (size_t k = 0; k < p->n_groups && !o; k++)
			for (size_t m = 0; m < p->groups[k].n && !o; m++)
				if (name[0] && !name[1] && p->groups[k].v[m].letter == name[0]) {
					g = &p->groups[k];
					o = &g->v[m];
				}
	}
	if (!o)
		return unknown(p, word, name, err);
	if (o->is_not)
		return ap_err_set(
			err, AP_E_USAGE, "--%s is not known here: %s", o->name, o->is_not);
	if (!value && o->kind == AP_OPT_OPT)
		value = o->implied;
	if (!value && !is_bool(o)) {
		if (*i + 1 >= words->n)
			return wants_value(o, err);
		if (looks_like_flag(words->v[*i + 1]))
			return ap_err_set(err, AP_E_USAGE,
				"--%s wants a value; one that begins with a dash is written --%s=%.80s",
				o->name, o->name, words->v[*i + 1]);
		value = words->v[++*i];
	}
	return store(p, g, o, value, sense, err);
}

static int add_arg(struct parse *p, const char *word, struct ap_err *err)
{
	if (!p->positional || !p->positional->name)
		return ap_err_set(err, AP_E_USAGE,
			"unexpected argument \"%.80s\": this command takes flags only", word);
	if (p->args->n >= p->positional->max)
		return ap_err_set(err, AP_E_USAGE, "one argument too many: \"%.80s\"", word);
	ap_strv_add(p->args, word);
	return 0;
}

static int parse_words(struct parse *p, const struct ap_strv *words, struct ap_err *err)
{
	bool only_args = false;

	for (size_t i = 0; i < words->n; i++) {
		const char *word = words->v[i];

		if (!only_args && strcmp(word, "--") == 0) {
			only_args = true;
			continue;
		}
		if (!only_args && looks_like_flag(word)) {
			if (parse_flag(p, words, &i, err) < 0)
				return -1;
		} else if (add_arg(p, word, err) < 0) {
			return -1;
		}
	}
	return 0;
}

int ap_opt_parse(void *opts, struct ap_strv *args, const struct ap_strv *words,
	const struct ap_opt_group *groups, size_t n, const struct ap_opt_args *positional,
	struct ap_err *err)
{
	struct parse p = { opts, args, groups, n, positional, 0 };

	if (parse_words(&p, words, err) < 0)
		return -1;
	return 0;
}
