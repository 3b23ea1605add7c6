#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#define MAX_DEPTH 64
#define MAX_NODES 100000
#define MAX_TEXT  (8U << 20)

struct anchor {
	char *name;
	const struct ap_yaml *node;
	bool open; /* still being read: an alias to it would be endless */
};

struct reader {
	yaml_parser_t parser;
	yaml_event_t event;
	bool have_event;
	const char *text; /* borrowed */
	size_t text_len;
	struct anchor *anchors;
	size_t n_anchors, cap_anchors;
	struct ap_yaml **merged; /* values of "<<": anchors may stand in them */
	size_t n_merged, cap_merged;
	size_t nodes; /* made so far, copies of aliases included */
};

void ap_yaml_free(struct ap_yaml *y)
{
	if (!y)
		return;
	for (size_t i = 0; i < y->n; i++) {
		ap_yaml_free(y->v[i]);
		if (y->keys)
			ap_yaml_free(y->keys[i]);
	}
	free(y->v);
	free(y->keys);
	free(y->text);
	free(y);
}

void ap_yaml_freep(struct ap_yaml **y)
{
	ap_yaml_free(*y);
	*y = NULL;
}

static void reader_release(struct reader *r)
{
	for (size_t i = 0; i < r->n_anchors; i++)
		free(r->anchors[i].name);
	for (size_t i = 0; i < r->n_merged; i++)
		ap_yaml_free(r->merged[i]);
	free(r->merged);
	free(r->anchors);
	if (r->have_event)
		yaml_event_delete(&r->event);
	yaml_parser_delete(&r->parser);
}

static int fail_at(struct ap_err *err, const yaml_mark_t *m, const char *what)
{
	return ap_err_set(
		err, AP_E_INPUT, "line %zu, column %zu: %s", m->line + 1, m->column + 1, what);
}

/* Line and column of a byte: what libyaml's reader says is only an offset. */
static int fail_at_byte(
	struct ap_err *err, const char *text, size_t n, size_t offset, const char *what)
{
	yaml_mark_t m = { 0, 0, 0 };

	for (size_t i = 0; i < AP_MIN(offset, n); i++) {
		bool newline = text[i] == '\n';

		m.line += newline;
		m.column = newline ? 0 : m.column + (((unsigned char)text[i] & 0xc0) != 0x80);
	}
	return fail_at(err, &m, what);
}

static int next_event(struct reader *r, struct ap_err *err)
{
	const yaml_parser_t *p = &r->parser;

	if (r->have_event)
		yaml_event_delete(&r->event);
	r->have_event = false;
	if (yaml_parser_parse(&r->parser, &r->event)) {
		r->have_event = true;
		return 0;
	}
	if (p->error == YAML_SCANNER_ERROR || p->error == YAML_PARSER_ERROR) {
		if (p->context)
			return ap_err_set(err, AP_E_INPUT,
				"line %zu, column %zu: %s (%s that began on line %zu)",
				p->problem_mark.line + 1, p->problem_mark.column + 1, p->problem,
				p->context, p->context_mark.line + 1);
		return fail_at(err, &p->problem_mark, p->problem);
	}
	return fail_at_byte(err, r->text, r->text_len, p->problem_offset,
		p->problem ? p->problem : "cannot be read as YAML");
}

static int new_node(struct reader *r, struct ap_yaml **out, enum ap_yaml_kind kind,
	const yaml_mark_t *at, struct ap_err *err)
{
	struct ap_yaml *y;

	if (++r->nodes > MAX_NODES)
		return ap_err_set(err, AP_E_INPUT,
			"line %zu, column %zu: more than %d values (aliases counted)", at->line + 1,
			at->column + 1, MAX_NODES);
	y = ap_xcalloc(1, sizeof(*y));
	y->kind = kind;
	y->line = (unsigned)at->line + 1;
	y->column = (unsigned)at->column + 1;
	*out = y;
	return 0;
}

static bool all_in(const char *s, const char *set)
{
	return *s && strspn(s, set) == strlen(s);
}

static bool looks_int(const char *s)
{
	if (ap_starts_with(s, "0o"))
		return all_in(s + 2, "01234567");
	if (ap_starts_with(s, "0x"))
		return all_in(s + 2, "0123456789abcdefABCDEF");
	if (*s == '+' || *s == '-')
		s++;
	return all_in(s, "0123456789");
}

static bool looks_float(const char *s)
{
	static const char *const special[] = { ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF",
		"-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN" };
	size_t digits = 0;

	if (ap_one_of(s, special, AP_LEN(special)))
		return true;
	if (*s == '+' || *s == '-')
		s++;
	for (; ap_is_digit(*s); s++)
		digits++;
	if (*s == '.') {
		for (s++; ap_is_digit(*s); s++)
			digits++;
	}
	if (!digits)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		if (*s == '+' || *s == '-')
			s++;
		return all_in(s, "0123456789");
	}
	return *s == '\0';
}

/* The core schema's words: YAML 1.2.2, 10.3.2. */
static enum ap_yaml_kind plain_kind(const char *s)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	static const char *const bools[] = { "true", "True", "TRUE", "false", "False", "FALSE" };

	if (ap_one_of(s, nulls, AP_LEN(nulls)))
		return AP_YAML_NULL;
	if (ap_one_of(s, bools, AP_LEN(bools)))
		return AP_YAML_BOOL;
	if (looks_int(s))
		return AP_YAML_INT;
	if (looks_float(s))
		return AP_YAML_FLOAT;
	return AP_YAML_STR;
}

/* An explicit tag is obeyed when it is of the core schema and the text fits, else refused. */
static int tagged_kind(
	enum ap_yaml_kind *kind, const char *tag, const char *text, struct ap_err *err)
{
	static const struct {
		const char *tag;
		enum ap_yaml_kind kind;
	} core[] = { { YAML_STR_TAG, AP_YAML_STR }, { YAML_INT_TAG, AP_YAML_INT },
		{ YAML_BOOL_TAG, AP_YAML_BOOL }, { YAML_NULL_TAG, AP_YAML_NULL },
		{ YAML_FLOAT_TAG, AP_YAML_FLOAT } };
	enum ap_yaml_kind found = plain_kind(text);

	if (strcmp(tag, "!") == 0) {
		*kind = AP_YAML_STR;
		return 0;
	}
	for (size_t i = 0; i < AP_LEN(core); i++) {
		if (strcmp(tag, core[i].tag) != 0)
			continue;
		if (core[i].kind != AP_YAML_STR && found != core[i].kind &&
			!(core[i].kind == AP_YAML_FLOAT && found == AP_YAML_INT))
			break;
		*kind = core[i].kind;
		return 0;
	}
	return ap_err_set(err, AP_E_INPUT, "the tag \"%.60s\" does not fit \"%.60s\"", tag, text);
}

static int at_node(struct ap_err *err, const struct ap_yaml *y)
{
	struct ap_err was = *err;

	ap_err_clear(err);
	return ap_err_set(err, was.code, "line %u, column %u: %s", y->line, y->column, was.msg);
}

static int read_scalar(struct reader *r, struct ap_yaml **out, struct ap_err *err)
{
	const char *text = (const char *)r->event.data.scalar.value;
	const char *tag = (const char *)r->event.data.scalar.tag;
	ap_auto_yaml y = NULL;

	if (new_node(r, &y, AP_YAML_STR, &r->event.start_mark, err) < 0)
		return -1;
	if (memchr(text, 0, r->event.data.scalar.length))
		return fail_at(err, &r->event.start_mark, "a NUL character");
	y->text = ap_xstrdup(text);
	y->quoted = r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (tag) {
		if (tagged_kind(&y->kind, tag, text, err) < 0)
			return at_node(err, y);
		y->quoted = y->quoted || y->kind == AP_YAML_STR;
	} else if (!y->quoted) {
		y->kind = plain_kind(text);
	}
	*out = AP_STEAL(y);
	return 0;
}

static int copy_node(
	struct reader *r, struct ap_yaml **out, const struct ap_yaml *from, struct ap_err *err)
{
	yaml_mark_t at = { 0, from->line - 1, from->column - 1 };
	ap_auto_yaml y = NULL;

	if (new_node(r, &y, from->kind, &at, err) < 0)
		return -1;
	y->quoted = from->quoted;
	y->text = from->text ? ap_xstrdup(from->text) : NULL;
	if (from->n) {
		y->v = ap_xcalloc(from->n, sizeof(*y->v));
		y->keys = from->keys ? ap_xcalloc(from->n, sizeof(*y->keys)) : NULL;
	}
	for (size_t i = 0; i < from->n; i++) {
		y->n = i + 1;
		if (copy_node(r, &y->v[i], from->v[i], err) < 0 ||
			(from->keys && copy_node(r, &y->keys[i], from->keys[i], err) < 0))
			return -1;
	}
	*out = AP_STEAL(y);
	return 0;
}

static int read_alias(struct reader *r, struct ap_yaml **out, struct ap_err *err)
{
	const char *name = (const char *)r->event.data.alias.anchor;

	for (size_t i = r->n_anchors; i-- > 0;) {
		if (strcmp(r->anchors[i].name, name) != 0)
			continue;
		if (r->anchors[i].open)
			return fail_at(
				err, &r->event.start_mark, "an alias inside of what it names");
		return copy_node(r, out, r->anchors[i].node, err);
	}
	return ap_err_set(err, AP_E_INPUT, "line %zu, column %zu: no anchor \"&%.60s\" before this",
		r->event.start_mark.line + 1, r->event.start_mark.column + 1, name);
}

static size_t add_anchor(struct reader *r, const yaml_char_t *name)
{
	AP_GROW(r->anchors, r->n_anchors, r->cap_anchors);
	r->anchors[r->n_anchors] =
		(struct anchor){ .name = ap_xstrdup((const char *)name), .open = true };
	return r->n_anchors++;
}

static void add_child(struct ap_yaml *y, struct ap_yaml *key, struct ap_yaml *value)
{
	/* Capacity is the next power of two: grown exactly when n is one. */
	if ((y->n & (y->n - 1)) == 0) {
		size_t cap = y->n ? y->n * 2 : 1;

		y->v = ap_xreallocarray(y->v, cap, sizeof(struct ap_yaml *));
		if (y->kind == AP_YAML_MAP)
			y->keys = ap_xreallocarray(y->keys, cap, sizeof(struct ap_yaml *));
	}
	y->v[y->n] = value;
	if (y->kind == AP_YAML_MAP)
		y->keys[y->n] = key;
	y->n++;
}

const struct ap_yaml *ap_yaml_get(const struct ap_yaml *map, const char *key)
{
	if (!map || map->kind != AP_YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++) {
		if (strcmp(map->keys[i]->text, key) == 0)
			return map->v[i];
	}
	return NULL;
}

static int by_key(const void *a, const void *b)
{
	const struct ap_yaml *const *x = a;
	const struct ap_yaml *const *y = b;
	int c = strcmp((*x)->text, (*y)->text);

	if (c)
		return c;
	return (*x)->line != (*y)->line ? ((*x)->line < (*y)->line ? -1 : 1)
					: ((*x)->column < (*y)->column ? -1 : 1);
}

static int check_duplicates(const struct ap_yaml *y, struct ap_err *err)
{
	ap_auto_free const struct ap_yaml **keys = NULL;

	if (y->n < 2)
		return 0;
	keys = ap_xcalloc(y->n, sizeof(*keys));
	for (size_t i = 0; i < y->n; i++)
		keys[i] = y->keys[i];
	qsort(keys, y->n, sizeof(*keys), by_key);
	for (size_t i = 1; i < y->n; i++) {
		if (strcmp(keys[i - 1]->text, keys[i]->text) == 0)
			return ap_err_set(err, AP_E_INPUT,
				"line %u, column %u: key \"%.80s\" occurs twice (first on line %u)",
				keys[i]->line, keys[i]->column, keys[i]->text, keys[i - 1]->line);
	}
	return 0;
}

/* Source: yaml.org/type/merge: own keys win, then the earlier mapping. */
static int merge_one(
	struct reader *r, struct ap_yaml *y, const struct ap_yaml *from, struct ap_err *err)
{
	if (from->kind != AP_YAML_MAP)
		return ap_err_set(err, AP_E_INPUT,
			"line %u, column %u: \"<<\" wants a mapping or a list of mappings",
			from->line, from->column);
	for (size_t i = 0; i < from->n; i++) {
		ap_auto_yaml key = NULL;
		ap_auto_yaml value = NULL;

		if (ap_yaml_get(y, from->keys[i]->text))
			continue;
		if (copy_node(r, &key, from->keys[i], err) < 0 ||
			copy_node(r, &value, from->v[i], err) < 0)
			return -1;
		add_child(y, AP_STEAL(key), AP_STEAL(value));
	}
	return 0;
}

static int merge_all(
	struct reader *r, struct ap_yaml *y, const struct ap_yaml *from, struct ap_err *err)
{
	if (from->kind != AP_YAML_SEQ)
		return merge_one(r, y, from, err);
	for (size_t i = 0; i < from->n; i++) {
		if (merge_one(r, y, from->v[i], err) < 0)
			return -1;
	}
	return 0;
}

static int read_node(struct reader *r, struct ap_yaml **out, unsigned depth, struct ap_err *err);

static int check_collection_tag(
	const struct reader *r, const yaml_char_t *tag, const char *core, struct ap_err *err)
{
	if (!tag || strcmp((const char *)tag, core) == 0 || strcmp((const char *)tag, "!") == 0)
		return 0;
	return ap_err_set(err, AP_E_INPUT, "line %zu, column %zu: unknown tag \"%.60s\"",
		r->event.start_mark.line + 1, r->event.start_mark.column + 1, (const char *)tag);
}

static int read_seq(struct reader *r, struct ap_yaml **out, unsigned depth, struct ap_err *err)
{
	ap_auto_yaml y = NULL;

	if (check_collection_tag(r, r->event.data.sequence_start.tag, YAML_SEQ_TAG, err) < 0 ||
		new_node(r, &y, AP_YAML_SEQ, &r->event.start_mark, err) < 0)
		return -1;
	for (;;) {
		struct ap_yaml *item = NULL;

		if (next_event(r, err) < 0)
			return -1;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			break;
		if (read_node(r, &item, depth + 1, err) < 0)
			return -1;
		add_child(y, NULL, item);
	}
	*out = AP_STEAL(y);
	return 0;
}

static int read_map(struct reader *r, struct ap_yaml **out, unsigned depth, struct ap_err *err)
{
	ap_auto_yaml y = NULL;
	const struct ap_yaml *merge = NULL;

	if (check_collection_tag(r, r->event.data.mapping_start.tag, YAML_MAP_TAG, err) < 0 ||
		new_node(r, &y, AP_YAML_MAP, &r->event.start_mark, err) < 0)
		return -1;
	for (;;) {
		ap_auto_yaml key = NULL;
		struct ap_yaml *value = NULL;

		if (next_event(r, err) < 0)
			return -1;
		if (r->event.type == YAML_MAPPING_END_EVENT)
			break;
		if (read_node(r, &key, depth + 1, err) < 0)
			return -1;
		if (!key->text)
			return ap_err_set(err, AP_E_INPUT,
				"line %u, column %u: a key must be a plain word", key->line,
				key->column);
		if (next_event(r, err) < 0 || read_node(r, &value, depth + 1, err) < 0)
			return -1;
		if (key->quoted || strcmp(key->text, "<<") != 0 || merge) {
			add_child(y, AP_STEAL(key), value);
			continue;
		}
		AP_GROW(r->merged, r->n_merged, r->cap_merged);
		r->merged[r->n_merged++] = value;
		merge = value;
	}
	if (check_duplicates(y, err) < 0 || (merge && merge_all(r, y, merge, err) < 0))
		return -1;
	*out = AP_STEAL(y);
	return 0;
}

static int read_node(struct reader *r, struct ap_yaml **out, unsigned depth, struct ap_err *err)
{
	const yaml_char_t *name = NULL;
	size_t slot = SIZE_MAX;
	int rc;

	if (depth > MAX_DEPTH)
		return fail_at(err, &r->event.start_mark, "nested deeper than 64 levels");
	if (r->event.type == YAML_SCALAR_EVENT)
		name = r->event.data.scalar.anchor;
	else if (r->event.type == YAML_SEQUENCE_START_EVENT)
		name = r->event.data.sequence_start.anchor;
	else if (r->event.type == YAML_MAPPING_START_EVENT)
		name = r->event.data.mapping_start.anchor;
	if (name)
		slot = add_anchor(r, name);

	if (r->event.type == YAML_ALIAS_EVENT)
		rc = read_alias(r, out, err);
	else if (r->event.type == YAML_SCALAR_EVENT)
		rc = read_scalar(r, out, err);
	else if (r->event.type == YAML_SEQUENCE_START_EVENT)
		rc = read_seq(r, out, depth, err);
	else
		rc = read_map(r, out, depth, err);
	if (rc == 0 && slot != SIZE_MAX) {
		r->anchors[slot].node = *out;
		r->anchors[slot].open = false;
	}
	return rc;
}

static int read_stream(struct reader *r, struct ap_yaml **out, struct ap_err *err)
{
	ap_auto_yaml y = NULL;

	if (next_event(r, err) < 0 || next_event(r, err) < 0)
		return -1;
	if (r->event.type == YAML_STREAM_END_EVENT) {
		*out = NULL;
		return 0;
	}
	if (next_event(r, err) < 0 || read_node(r, &y, 1, err) < 0 || next_event(r, err) < 0 ||
		next_event(r, err) < 0)
		return -1;
	if (r->event.type != YAML_STREAM_END_EVENT)
		return fail_at(err, &r->event.start_mark, "a second document; want only one");
	*out = AP_STEAL(y);
	return 0;
}

static int hex4(const char *p)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		int digit = ap_hex(p[i]);

		if (digit < 0)
			return -1;
		v = v * 16 + digit;
	}
	return v;
}

/*
 * libyaml refuses JSON's escaped surrogate pairs, which every JSON writer in
 * ASCII mode emits.  In a text that is JSON they become \U escapes.
 */
static void join_surrogates(struct ap_buf *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int hi, lo;

		if (p[i] != '\\' || i + 1 >= n) {
			ap_buf_addc(out, p[i]);
			continue;
		}
		hi = p[i + 1] == 'u' && i + 12 <= n ? hex4(p + i + 2) : -1;
		lo = hi >= 0xd800 && hi < 0xdc00 && p[i + 6] == '\\' && p[i + 7] == 'u'
			     ? hex4(p + i + 8)
			     : -1;
		if (lo >= 0xdc00 && lo < 0xe000) {
			ap_buf_addf(out, "\\U%08x",
				(unsigned)(0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00)));
			i += 11;
		} else {
			ap_buf_add(out, p + i, 2);
			i++;
		}
	}
}

static bool is_json(const char *p, size_t n)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_json j = NULL;
	struct ap_str s = ap_str_trim(ap_str_n(p, n));

	if (!s.n || (*s.p != '{' && *s.p != '['))
		return false;
	if (ap_json_parse(&j, p, n, &err) == 0)
		return true;
	ap_err_clear(&err);
	return false;
}

int ap_yaml_parse(struct ap_yaml **out, const char *p, size_t n, struct ap_err *err)
{
	AP_CLEANUP(reader_release) struct reader r = { .nodes = 0 };
	ap_auto_buf joined = AP_BUF_INIT;
	ap_auto_yaml y = NULL;

	if (!yaml_parser_initialize(&r.parser))
		ap_oom();
	if (n > MAX_TEXT)
		return ap_err_set(
			err, AP_E_INPUT, "%zu bytes; want at most %u", n, (unsigned)MAX_TEXT);
	if (!ap_utf8_ok(p, n))
		return fail_at_byte(err, p, n, ap_utf8_span(p, n), "not valid UTF-8");
	if (memmem(p, n, "\\ud", 3) || memmem(p, n, "\\uD", 3)) {
		if (is_json(p, n)) {
			join_surrogates(&joined, p, n);
			p = joined.p;
			n = joined.len;
		}
	}
	r.text = p;
	r.text_len = n;
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)p, n);
	if (read_stream(&r, &y, err) < 0)
		return -1;
	*out = AP_STEAL(y);
	return 0;
}
