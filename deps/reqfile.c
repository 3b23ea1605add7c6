#include "deps/reqfile.h"

#include <stdlib.h>
#include <string.h>

struct reader {
	const char *name;
	ap_getenv_fn env;
	unsigned line;
	struct ap_reqfile *out;
	struct ap_err *err;
};

static int fail(struct reader *r, const char *what, struct ap_str seen)
{
	ap_auto_buf shown = AP_BUF_INIT;

	ap_buf_add_printable(&shown, seen.p, AP_MIN(seen.n, 200));
	return ap_err_set(r->err, AP_E_INPUT, "%s:%u: %s: \"%s\"", r->name, r->line, what, shown.p);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\f' || c == '\v';
}

/* A '#' at the start or behind white space begins a comment. */
static struct ap_str without_comment(struct ap_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '#' && (i == 0 || is_blank(s.p[i - 1])))
			s.n = i;
	}
	return ap_str_trim(s);
}

/* ${NAME} of upper-case letters, digits and '_'; an unset one stays as it is. */
static bool expand(struct ap_buf *out, struct ap_str s, ap_getenv_fn env)
{
	bool any = false;

	for (size_t i = 0; i < s.n;) {
		size_t j = i + 2;
		ap_auto_free char *name = NULL;
		const char *value = NULL;

		if (s.p[i] == '$' && i + 1 < s.n && s.p[i + 1] == '{') {
			while (j < s.n && (ap_is_digit(s.p[j]) || s.p[j] == '_' ||
						  (s.p[j] >= 'A' && s.p[j] <= 'Z')))
				j++;
			if (j < s.n && s.p[j] == '}' && j > i + 2) {
				name = ap_xstrndup(s.p + i + 2, j - i - 2);
				value = env ? env(name) : NULL;
			}
		}
		if (value && *value) {
			ap_buf_adds(out, value);
			any = true;
			i = j + 1;
		} else {
			ap_buf_addc(out, s.p[i++]);
		}
	}
	return any;
}

/* Words as a shell would make them: quotes and backslashes, no expansion. */
static bool split_words(struct ap_strv *out, const char *s)
{
	while (*s) {
		ap_auto_buf word = AP_BUF_INIT;
		char quote = 0;

		while (is_blank(*s))
			s++;
		if (!*s)
			break;
		for (; *s && (quote || !is_blank(*s)); s++) {
			if (quote && *s == quote)
				quote = 0;
			else if (!quote && (*s == '"' || *s == '\''))
				quote = *s;
			else if (*s == '\\' && quote != '\'' && s[1] &&
				 (!quote || s[1] == '"' || s[1] == '\\'))
				ap_buf_addc(&word, *++s);
			else
				ap_buf_addc(&word, *s);
		}
		if (quote)
			return false;
		ap_strv_own(out, ap_buf_steal(&word));
	}
	return true;
}

static struct ap_reqline *add_line(struct reader *r, enum ap_reqline_kind kind, const char *value)
{
	struct ap_reqline *l;

	AP_GROW(r->out->v, r->out->n, r->out->cap);
	l = &r->out->v[r->out->n++];
	*l = (struct ap_reqline){ .kind = kind, .line = r->line };
	l->value = ap_xstrdup(value ? value : "");
	return l;
}

static const struct {
	const char *name;
	enum ap_reqline_kind kind;
	bool value;
} options[] = {
	{ "-r", AP_REQ_INCLUDE, true },
	{ "--requirement", AP_REQ_INCLUDE, true },
	{ "-c", AP_REQ_CONSTRAIN, true },
	{ "--constraint", AP_REQ_CONSTRAIN, true },
	{ "-e", AP_REQ_EDITABLE, true },
	{ "--editable", AP_REQ_EDITABLE, true },
	{ "-i", AP_REQ_INDEX, true },
	{ "--index-url", AP_REQ_INDEX, true },
	{ "--pypi-url", AP_REQ_INDEX, true },
	{ "--extra-index-url", AP_REQ_EXTRA_INDEX, true },
	{ "--no-index", AP_REQ_NO_INDEX, false },
	{ "-f", AP_REQ_FIND_LINKS, true },
	{ "--find-links", AP_REQ_FIND_LINKS, true },
	{ "--no-binary", AP_REQ_NO_BINARY, true },
	{ "--only-binary", AP_REQ_ONLY_BINARY, true },
	{ "--prefer-binary", AP_REQ_PREFER_BINARY, false },
	{ "--require-hashes", AP_REQ_REQUIRE_HASHES, false },
	{ "--pre", AP_REQ_PRE, false },
	{ "--trusted-host", AP_REQ_TRUSTED_HOST, true },
	{ "--use-feature", AP_REQ_FEATURE, true },
};

/*
 * The value of option i in word w, or in the word after it.  *used: words
 * taken; 0: w is not that option.
 */
static const char *option_value(const struct ap_strv *words, size_t at, size_t i, size_t *used)
{
	const char *w = words->v[at];
	const char *name = options[i].name;
	size_t n = strlen(name);

	*used = 0;
	if (strncmp(w, name, n) != 0)
		return NULL;
	if (!w[n]) {
		if (!options[i].value) {
			*used = 1;
			return NULL;
		}
		if (at + 1 >= words->n)
			return NULL;
		*used = 2;
		return words->v[at + 1];
	}
	if (!options[i].value || (name[1] == '-' && w[n] != '='))
		return NULL;
	*used = 1;
	return w + n + (name[1] == '-');
}

static int unknown_option(struct reader *r, const char *word)
{
	const char *names[AP_LEN(options)];
	ap_auto_free char *bare = ap_xstrndup(word, strcspn(word, "="));
	const char *hint;

	for (size_t i = 0; i < AP_LEN(options); i++) {
		names[i] = options[i].name;
		if (strcmp(bare, names[i]) == 0)
			return fail(r, "option without a value", ap_str(bare));
	}
	hint = ap_did_you_mean(bare, names, AP_LEN(names));
	if (!hint || strlen(hint) < 4)
		return fail(r, "option not known in a requirements file", ap_str(bare));
	fail(r, "option not known in a requirements file", ap_str(bare));
	return ap_err_wrap(r->err, "did you mean %s", hint);
}

static int global_options(struct reader *r, const struct ap_strv *words, bool expanded)
{
	for (size_t at = 0; at < words->n;) {
		size_t used = 0;

		for (size_t i = 0; i < AP_LEN(options) && !used; i++) {
			const char *value = option_value(words, at, i, &used);

			if (used)
				add_line(r, options[i].kind, value)->expanded = expanded;
		}
		if (!used)
			return unknown_option(r, words->v[at]);
		at += used;
	}
	return 0;
}

/* "sha256:<hex>" with as many digits as the algorithm has. */
static bool hash_ok(const char *s)
{
	static const struct {
		const char *prefix;
		size_t digits;
	} kinds[] = { { "sha256:", 64 }, { "sha384:", 96 }, { "sha512:", 128 } };

	for (size_t i = 0; i < AP_LEN(kinds); i++) {
		size_t n = strlen(kinds[i].prefix);

		if (strncmp(s, kinds[i].prefix, n) == 0)
			return strlen(s + n) == kinds[i].digits &&
			       strspn(s + n, "0123456789abcdefABCDEF") == kinds[i].digits;
	}
	return false;
}

static int line_options(struct reader *r, struct ap_reqline *l, const struct ap_strv *words)
{
	for (size_t i = 0; i < words->n; i++) {
		const char *w = words->v[i];
		const char *value = NULL;

		if (ap_starts_with(w, "--hash="))
			value = w + 7;
		else if (strcmp(w, "--hash") == 0 && i + 1 < words->n)
			value = words->v[++i];
		else if (ap_starts_with(w, "--global-option") ||
			 ap_starts_with(w, "--config-setting"))
			return fail(r,
				"options for a build are not supported; build a wheel and name its "
				"path",
				ap_str(w));
		else
			return unknown_option(r, w);
		if (!hash_ok(value))
			return fail(r, "want --hash=sha256:<64 hex digits>, found", ap_str(value));
		ap_strv_own(&l->hashes, ap_xstrdup(value));
		for (char *c = l->hashes.v[l->hashes.n - 1]; *c; c++)
			*c = ap_lower(*c);
	}
	return 0;
}

/* Where a word that begins with '-' stands; before it is the requirement. */
static size_t options_begin(const char *s)
{
	for (size_t i = 0; s[i]; i++) {
		if (s[i] == '-' && (i == 0 || is_blank(s[i - 1])))
			return i;
	}
	return strlen(s);
}

static int logical_line(struct reader *r, struct ap_str s)
{
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_strv words = { 0 };
	struct ap_reqline *l;
	bool expanded;
	size_t cut;

	s = without_comment(s);
	if (!s.n)
		return 0;
	expanded = expand(&text, s, r->env);
	for (const char *p = text.p; *p; p++) {
		if (((unsigned char)*p < 0x20 && !is_blank(*p)) || *p == 0x7f)
			return fail(r, "control character", ap_str(text.p));
	}
	cut = options_begin(text.p);
	if (!split_words(&words, text.p + cut))
		return fail(r, "quote without its end", ap_str(text.p));
	if (cut == 0)
		return global_options(r, &words, expanded);
	while (cut && is_blank(text.p[cut - 1]))
		cut--;
	ap_buf_truncate(&text, cut);
	l = add_line(r, AP_REQ_TEXT, text.p);
	l->expanded = expanded;
	return line_options(r, l, &words);
}

static int parse(struct reader *r, struct ap_str rest)
{
	ap_auto_buf joined = AP_BUF_INIT;
	struct ap_str line;
	unsigned number = 0;
	bool pending = false;

	while (ap_str_next(&rest, '\n', &line)) {
		bool comment;

		number++;
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (!pending)
			r->line = number;
		comment = without_comment(line).n == 0 && ap_str_trim(line).n > 0;
		if (comment)
			ap_buf_addc(&joined, ' ');
		if (line.n && line.p[line.n - 1] == '\\' && !comment) {
			ap_buf_add(&joined, line.p, line.n - 1);
			pending = true;
			continue;
		}
		ap_buf_add(&joined, line.p, line.n);
		if (logical_line(r, ap_str_n(joined.p, joined.len)) < 0)
			return -1;
		ap_buf_reset(&joined);
		pending = false;
	}
	return logical_line(r, ap_str_n(joined.p, joined.len));
}

/* What PowerShell's ">" writes.  Half a pair stays, as what no UTF-8 has. */
static void from_utf16(struct ap_buf *out, const unsigned char *p, size_t n)
{
	unsigned low = p[0] == 0xff ? 0 : 1; /* where a unit's low byte is */

	for (size_t i = 2; i + 1 < n; i += 2) {
		uint32_t c = (uint32_t)(p[i + 1 - low] << 8 | p[i + low]);
		uint32_t next = i + 3 < n ? (uint32_t)(p[i + 3 - low] << 8 | p[i + 2 + low]) : 0;

		if (c >= 0xd800 && c < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (next - 0xdc00);
			i += 2;
		}
		ap_buf_add_utf8(out, c);
	}
	if (n % 2)
		ap_buf_addc(out, '\xff');
}

int ap_reqfile_parse(struct ap_reqfile *out, const char *name, const char *p, size_t n,
	ap_getenv_fn env, struct ap_err *err)
{
	AP_CLEANUP(ap_reqfile_release) struct ap_reqfile f = { 0 };
	struct reader r = { .name = name, .env = env, .line = 1, .out = &f, .err = err };
	ap_auto_buf decoded = AP_BUF_INIT;

	if (n >= 2 && (memcmp(p, "\xff\xfe", 2) == 0 || memcmp(p, "\xfe\xff", 2) == 0)) {
		from_utf16(&decoded, (const unsigned char *)p, n);
		p = decoded.p;
		n = decoded.len;
	}
	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
		p += 3;
		n -= 3;
	}
	if (!ap_utf8_ok(p, n))
		return ap_err_set(
			err, AP_E_INPUT, "%s: not valid UTF-8 (or UTF-16 with its mark)", name);
	if (parse(&r, ap_str_n(p, n)) < 0)
		return -1;
	*out = f;
	f = (struct ap_reqfile){ 0 };
	return 0;
}

void ap_reqfile_release(struct ap_reqfile *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].value);
		ap_strv_release(&f->v[i].hashes);
	}
	free(f->v);
	*f = (struct ap_reqfile){ 0 };
}
