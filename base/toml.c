#include "base/toml.h"

#include <stdlib.h>
#include <string.h>

#include "base/toml_scalar.h"

#define MAX_DEPTH   AP_JSON_DEPTH
#define MAX_MEMBERS 20000 /* of one table: look-up in it is linear */

/*
 * How a table or array came to be, kept in cJSON's valueint, which it leaves
 * alone for both.
 */
enum {
	OPEN = 0,          /* made on the way by a header: may be defined once more */
	DEFINED = 1 << 0,  /* by its own [header] */
	DOTTED = 1 << 1,   /* by a dotted key */
	CLOSED = 1 << 2,   /* inline: nothing may be added */
	ELEMENTS = 1 << 3, /* an array made by [[header]] */
};

struct toml {
	const char *start, *p, *end;
	unsigned depth;
	struct ap_err *err;
};

static int fail_at(struct toml *t, const char *at, enum ap_err_code code, const char *fmt, ...)
	AP_PRINTF(4, 5);

static int fail_at(struct toml *t, const char *at, enum ap_err_code code, const char *fmt, ...)
{
	ap_auto_buf text = AP_BUF_INIT;
	size_t line = 1;
	size_t column = 1;
	va_list ap;

	for (const char *p = t->start; p < at; p++) {
		if (*p == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)*p & 0xc0) != 0x80) {
			column++;
		}
	}
	va_start(ap, fmt);
	ap_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	return ap_err_set(t->err, code, "line %zu, column %zu: %s", line, column, text.p);
}

static int fail(struct toml *t, const char *what)
{
	ap_auto_buf seen = AP_BUF_INIT;

	if (t->p >= t->end)
		ap_buf_adds(&seen, "the end");
	else if (*t->p == '\n' || *t->p == '\r')
		ap_buf_adds(&seen, "the end of the line");
	else {
		ap_buf_addc(&seen, '"');
		ap_buf_add_printable(&seen, t->p, 1);
		ap_buf_addc(&seen, '"');
	}
	return fail_at(t, t->p, AP_E_INPUT, "want %s, found %s", what, seen.p);
}

static bool at(const struct toml *t, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(t->end - t->p) >= n && memcmp(t->p, s, n) == 0;
}

static bool eat(struct toml *t, const char *s)
{
	if (!at(t, s))
		return false;
	t->p += strlen(s);
	return true;
}

static char peek(const struct toml *t)
{
	return t->p < t->end ? *t->p : '\0';
}

static bool at_newline(const struct toml *t)
{
	return at(t, "\n") || at(t, "\r\n");
}

static bool eat_newline(struct toml *t)
{
	return eat(t, "\n") || eat(t, "\r\n");
}

static void blanks(struct toml *t)
{
	while (peek(t) == ' ' || peek(t) == '\t')
		t->p++;
}

static bool is_control(char c)
{
	unsigned char u = (unsigned char)c;

	return (u < 0x20 && u != '\t') || u == 0x7f;
}

static int comment(struct toml *t)
{
	if (peek(t) != '#')
		return 0;
	while (t->p < t->end && !at_newline(t)) {
		if (is_control(*t->p))
			return fail(t, "no control character in a comment");
		t->p++;
	}
	return 0;
}

/* Blanks, comments and newlines, as between the items of an array. */
static int space(struct toml *t)
{
	do {
		blanks(t);
		if (comment(t) < 0)
			return -1;
	} while (eat_newline(t));
	return 0;
}

static int end_of_line(struct toml *t)
{
	blanks(t);
	if (comment(t) < 0)
		return -1;
	if (t->p < t->end && !eat_newline(t))
		return fail(t, "the end of the line");
	return 0;
}

static int unicode_escape(struct toml *t, struct ap_buf *out, int digits)
{
	const char *from = t->p - 2;
	uint32_t c = 0;

	for (int i = 0; i < digits; i++) {
		int v = ap_hex(peek(t));

		if (v < 0)
			return fail(t, digits == 4 ? "4 hex digits" : "8 hex digits");
		c = c << 4 | (uint32_t)v;
		t->p++;
	}
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return fail_at(t, from, AP_E_INPUT, "not a Unicode scalar value");
	/* A C string cannot hold a NUL, and a file is not refused for one in a table that is not ours. */
	ap_buf_add_utf8(out, c ? c : 0xfffd);
	return 0;
}

/* A backslash at the end of a line drops all white space up to the next text. */
static bool line_continuation(struct toml *t)
{
	const char *from = t->p;

	blanks(t);
	if (!at_newline(t)) {
		t->p = from;
		return false;
	}
	while (eat_newline(t))
		blanks(t);
	return true;
}

static int escape(struct toml *t, struct ap_buf *out, bool multi)
{
	static const char from[] = "btnfr\"\\";
	static const char to[] = "\b\t\n\f\r\"\\";
	const char *which;
	char c;

	t->p++;
	if (multi && line_continuation(t))
		return 0;
	c = peek(t);
	which = c ? strchr(from, c) : NULL;
	if (which) {
		ap_buf_addc(out, to[which - from]);
		t->p++;
		return 0;
	}
	if (c != 'u' && c != 'U')
		return fail(t, "an escape: one of b t n f r \" \\ u U");
	t->p++;
	return unicode_escape(t, out, c == 'u' ? 4 : 8);
}

/* The closing quotes of a multi-line string may have one or two more before them. */
static bool close_multi(struct toml *t, struct ap_buf *out, char quote)
{
	size_t n = 0;

	while (t->p + n < t->end && t->p[n] == quote && n < 5)
		n++;
	if (n < 3)
		return false;
	for (size_t i = 3; i < n; i++)
		ap_buf_addc(out, quote);
	t->p += n;
	return true;
}

static int string(struct toml *t, struct ap_buf *out)
{
	char quote = *t->p;
	const char triple[] = { quote, quote, quote, '\0' };
	bool multi = eat(t, triple);

	if (!multi)
		t->p++;
	else
		eat_newline(t);
	for (;;) {
		if (t->p >= t->end)
			return fail(t, multi ? "the closing quotes" : "the closing quote");
		if (*t->p == quote) {
			if (!multi) {
				t->p++;
				return 0;
			}
			if (close_multi(t, out, quote))
				return 0;
		}
		if (*t->p == '\\' && quote == '"') {
			if (escape(t, out, multi) < 0)
				return -1;
			continue;
		}
		if (multi && eat_newline(t)) {
			ap_buf_addc(out, '\n');
			continue;
		}
		if (is_control(*t->p))
			return fail(t, "no control character in a string");
		ap_buf_addc(out, *t->p++);
	}
}

static bool is_bare(char c)
{
	return ap_is_alnum(c) || c == '_' || c == '-';
}

static int simple_key(struct toml *t, struct ap_buf *out)
{
	char c = peek(t);

	ap_buf_reset(out);
	if (c == '"' || c == '\'') {
		if (at(t, "\"\"\"") || at(t, "'''"))
			return fail(t, "a key on one line");
		return string(t, out);
	}
	while (is_bare(peek(t)))
		ap_buf_addc(out, *t->p++);
	return out->len ? 0 : fail(t, "a key");
}

static bool is_table(const cJSON *j)
{
	return cJSON_IsObject(j);
}

static int insert(struct toml *t, const char *from, cJSON *table, const char *key, cJSON *value)
{
	if (table->valuedouble >= MAX_MEMBERS) {
		cJSON_Delete(value);
		return fail_at(t, from, AP_E_LIMIT, "more than %d keys in one table", MAX_MEMBERS);
	}
	/* valuedouble of an object is unused: a counter saves walking the list. */
	table->valuedouble += 1;
	if (!cJSON_AddItemToObject(table, key, value))
		ap_oom();
	return 0;
}

static int twice(struct toml *t, const char *from, const char *key)
{
	ap_auto_buf shown = AP_BUF_INIT;

	ap_buf_add_printable(&shown, key, strlen(key));
	return fail_at(t, from, AP_E_INPUT, "\"%.80s\" is defined twice", shown.p);
}

/* The table `key` of *table, made when missing; *table becomes it. */
static int step_into(struct toml *t, const char *from, cJSON **table, const char *key, bool header)
{
	cJSON *sub = cJSON_GetObjectItemCaseSensitive(*table, key);

	if (!sub) {
		sub = ap_json_object();
		sub->valueint = header ? OPEN : DOTTED;
		if (insert(t, from, *table, key, sub) < 0)
			return -1;
	} else if (header && cJSON_IsArray(sub) && (sub->valueint & ELEMENTS)) {
		sub = sub->child->prev;
	} else if (!is_table(sub) || (sub->valueint & CLOSED)) {
		return twice(t, from, key);
	} else if (!header && !(sub->valueint & DOTTED)) {
		return twice(t, from, key);
	}
	*table = sub;
	return 0;
}

/*
 * Read `a . b . c`, walking into the tables before the last part; *key holds
 * the last one.
 */
static int key_path(struct toml *t, cJSON **table, struct ap_buf *key, bool header)
{
	unsigned depth = t->depth;

	for (;;) {
		const char *from = t->p;

		if (simple_key(t, key) < 0)
			return -1;
		blanks(t);
		if (!eat(t, "."))
			return 0;
		blanks(t);
		if (++depth > MAX_DEPTH)
			return fail_at(
				t, from, AP_E_LIMIT, "nested deeper than %d levels", MAX_DEPTH);
		if (step_into(t, from, table, key->p, header) < 0)
			return -1;
	}
}

static bool is_value_char(char c)
{
	return ap_is_alnum(c) || strchr("+-_.:", c);
}

static int bare_value(struct toml *t, cJSON **out)
{
	const char *from = t->p;

	while (t->p < t->end && *t->p && is_value_char(*t->p))
		t->p++;
	/* `1979-05-27 07:32:00`: a blank may stand for the T. */
	if (t->p - from == 10 && from[4] == '-' && t->end - t->p > 2 && *t->p == ' ' &&
		ap_is_digit(t->p[1])) {
		t->p++;
		while (t->p < t->end && *t->p && is_value_char(*t->p))
			t->p++;
	}
	if (t->p == from)
		return fail(t, "a value");
	switch (ap_toml_scalar(out, from, t->p)) {
	case AP_TOML_OK:
		return 0;
	case AP_TOML_BEYOND:
		return fail_at(t, from, AP_E_LIMIT, "integer beyond 64 bits");
	case AP_TOML_NO_VALUE:
		break;
	}
	return fail_at(t, from, AP_E_INPUT, "want a value, found \"%.*s\"",
		(int)AP_MIN(t->p - from, 40), from);
}

/* ---- structure ---- */

static int value(struct toml *t, cJSON **out);

static int array(struct toml *t, cJSON **out)
{
	ap_auto_json a = ap_json_array();

	t->p++;
	for (;;) {
		cJSON *item = NULL;

		if (space(t) < 0)
			return -1;
		if (eat(t, "]"))
			break;
		if (value(t, &item) < 0)
			return -1;
		ap_json_push(a, item);
		if (space(t) < 0)
			return -1;
		if (!eat(t, ",") && peek(t) != ']')
			return fail(t, "\",\" or \"]\"");
	}
	a->valueint = CLOSED;
	*out = AP_STEAL(a);
	return 0;
}

static int key_value(struct toml *t, cJSON *table)
{
	ap_auto_buf key = AP_BUF_INIT;
	const char *from = t->p;
	cJSON *v = NULL;

	if (key_path(t, &table, &key, false) < 0)
		return -1;
	if (cJSON_GetObjectItemCaseSensitive(table, key.p))
		return twice(t, from, key.p);
	if (!eat(t, "="))
		return fail(t, "\"=\"");
	blanks(t);
	if (value(t, &v) < 0)
		return -1;
	return insert(t, from, table, key.p, v);
}

/* Nothing can be added to an inline table, nor to the tables its dotted keys made. */
static void close_table(cJSON *j)
{
	if (is_table(j))
		j->valueint = CLOSED;
	for (cJSON *c = j->child; c; c = c->next)
		close_table(c);
}

static int inline_table(struct toml *t, cJSON **out)
{
	ap_auto_json table = ap_json_object();

	t->p++;
	blanks(t);
	if (!eat(t, "}")) {
		for (;;) {
			if (key_value(t, table) < 0)
				return -1;
			blanks(t);
			if (eat(t, "}"))
				break;
			if (!eat(t, ","))
				return fail(t, "\",\" or \"}\"");
			blanks(t);
		}
	}
	close_table(table);
	*out = AP_STEAL(table);
	return 0;
}

static int value(struct toml *t, cJSON **out)
{
	ap_auto_buf text = AP_BUF_INIT;
	int rc;

	if (t->depth >= MAX_DEPTH)
		return fail_at(t, t->p, AP_E_LIMIT, "nested deeper than %d levels", MAX_DEPTH);
	switch (peek(t)) {
	case '"':
	case '\'':
		if (string(t, &text) < 0)
			return -1;
		*out = ap_json_string(text.p);
		return 0;
	case '[':
		t->depth++;
		rc = array(t, out);
		t->depth--;
		return rc;
	case '{':
		t->depth++;
		rc = inline_table(t, out);
		t->depth--;
		return rc;
	default:
		return bare_value(t, out);
	}
}

static int array_header(struct toml *t, const char *from, cJSON **table, const char *key)
{
	cJSON *a = cJSON_GetObjectItemCaseSensitive(*table, key);
	cJSON *item;

	if (!a) {
		a = ap_json_array();
		a->valueint = ELEMENTS;
		if (insert(t, from, *table, key, a) < 0)
			return -1;
	} else if (!cJSON_IsArray(a) || !(a->valueint & ELEMENTS)) {
		return twice(t, from, key);
	}
	item = ap_json_object();
	item->valueint = DEFINED;
	ap_json_push(a, item);
	*table = item;
	return 0;
}

static int table_header(struct toml *t, const char *from, cJSON **table, const char *key)
{
	cJSON *sub = cJSON_GetObjectItemCaseSensitive(*table, key);

	if (!sub) {
		sub = ap_json_object();
		if (insert(t, from, *table, key, sub) < 0)
			return -1;
	} else if (!is_table(sub) || sub->valueint != OPEN) {
		return twice(t, from, key);
	}
	sub->valueint = DEFINED;
	*table = sub;
	return 0;
}

static int header(struct toml *t, cJSON *root, cJSON **table)
{
	ap_auto_buf key = AP_BUF_INIT;
	bool elements = eat(t, "[[");
	const char *from;
	int rc;

	if (!elements)
		t->p++;
	blanks(t);
	from = t->p;
	*table = root;
	if (key_path(t, table, &key, true) < 0)
		return -1;
	if (!eat(t, elements ? "]]" : "]"))
		return fail(t, elements ? "\"]]\"" : "\"]\"");
	rc = elements ? array_header(t, from, table, key.p) : table_header(t, from, table, key.p);
	return rc < 0 ? -1 : end_of_line(t);
}

static int document(struct toml *t, cJSON *root)
{
	cJSON *table = root;

	while (t->p < t->end) {
		blanks(t);
		if (eat_newline(t))
			continue;
		if (t->p == t->end)
			return 0;
		if (peek(t) == '#') {
			if (end_of_line(t) < 0)
				return -1;
		} else if (peek(t) == '[') {
			if (header(t, root, &table) < 0)
				return -1;
		} else if (key_value(t, table) < 0 || end_of_line(t) < 0) {
			return -1;
		}
	}
	return 0;
}

/* Our marks in fields that cJSON does not use for these. */
static void wipe_marks(cJSON *j)
{
	if (cJSON_IsObject(j) || cJSON_IsArray(j)) {
		j->valueint = 0;
		j->valuedouble = 0;
	}
	for (cJSON *c = j->child; c; c = c->next)
		wipe_marks(c);
}

int ap_toml_parse(cJSON **out, const char *p, size_t n, struct ap_err *err)
{
	ap_auto_json root = ap_json_object();
	struct toml t = { .start = p, .p = p, .end = p + n, .err = err };
	size_t good = ap_utf8_span(p, n);

	if (good < n)
		return fail_at(
			&t, p + good, AP_E_INPUT, "%s", p[good] ? "not valid UTF-8" : "a NUL byte");
	if (eat(&t, "\xef\xbb\xbf"))
		t.start = t.p;
	root->valueint = DEFINED;
	if (document(&t, root) < 0)
		return -1;
	wipe_marks(root);
	*out = AP_STEAL(root);
	return 0;
}
