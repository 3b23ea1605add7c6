#include "pack/glob.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TOKENS 4000

/* A pattern is a list of tokens; a set of positions in it is the state of a match. */
enum kind {
	T_CHAR,  /* that code point */
	T_ANY,   /* any but '/' */
	T_STAR,  /* [^/]* */
	T_DEEP,  /* .* */
	T_MAYBE, /* nothing, or what the T_DIRS behind it matches */
	T_DIRS,  /* .*"/" */
	T_CLASS, /* one of, or none of, some ranges */
};

struct range {
	uint32_t lo, hi;
};

struct token {
	enum kind kind;
	bool negated;
	uint32_t c;
	size_t first, n; /* ranges of a class */
};

struct ap_glob {
	struct token *v;
	size_t n, cap;
	struct range *ranges;
	size_t n_ranges, cap_ranges;
	char *literal; /* the whole pattern when nothing in it is special */
	bool never, git;
};

/*
 * One code point for docker, one byte for git, which knows no others; a byte
 * that is no UTF-8 stands for itself, outside Unicode.
 */
static uint32_t next_char(const char **p, const char *end, bool git)
{
	const unsigned char *s = (const unsigned char *)*p;
	size_t left = (size_t)(end - *p);
	size_t n = s[0] < 0xc0 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? s[0] : s[0] & (0xffU >> (n + 1));

	if (git || (n == 1 && s[0] >= 0x80) || n > left)
		goto raw;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			goto raw;
		c = c << 6 | (s[i] & 0x3f);
	}
	*p += n;
	return c;
raw:
	*p += 1;
	return s[0] < 0x80 ? s[0] : 0x110000U + s[0];
}

static struct token *push(struct ap_glob *g, enum kind kind, uint32_t c)
{
	AP_GROW(g->v, g->n, g->cap);
	g->v[g->n] = (struct token){ .kind = kind, .c = c };
	return &g->v[g->n++];
}

static void push_range(struct ap_glob *g, uint32_t lo, uint32_t hi)
{
	AP_GROW(g->ranges, g->n_ranges, g->cap_ranges);
	g->ranges[g->n_ranges++] = (struct range){ lo, hi };
	g->v[g->n - 1].n++;
}

static bool push_named(struct ap_glob *g, const char *name, size_t n)
{
	static const struct {
		const char *name;
		struct range r[4];
	} known[] = {
		{ "alnum", { { '0', '9' }, { 'A', 'Z' }, { 'a', 'z' } } },
		{ "alpha", { { 'A', 'Z' }, { 'a', 'z' } } },
		{ "blank", { { ' ', ' ' }, { '\t', '\t' } } },
		{ "cntrl", { { 1, 31 }, { 127, 127 } } },
		{ "digit", { { '0', '9' } } },
		{ "graph", { { '!', '~' } } },
		{ "lower", { { 'a', 'z' } } },
		{ "print", { { ' ', '~' } } },
		{ "punct", { { '!', '/' }, { ':', '@' }, { '[', '`' }, { '{', '~' } } },
		{ "space", { { '\t', '\r' }, { ' ', ' ' } } },
		{ "upper", { { 'A', 'Z' } } },
		{ "xdigit", { { '0', '9' }, { 'A', 'F' }, { 'a', 'f' } } },
	};

	for (size_t i = 0; i < AP_LEN(known); i++) {
		if (strlen(known[i].name) != n || memcmp(known[i].name, name, n) != 0)
			continue;
		for (size_t k = 0; k < 4 && known[i].r[k].lo; k++)
			push_range(g, known[i].r[k].lo, known[i].r[k].hi);
		return true;
	}
	return false;
}

/* One end of a range; false when the bracket is not closed. */
static bool class_char(const char **p, const char *end, bool git, uint32_t *c)
{
	if (*p < end && **p == '\\')
		(*p)++;
	if (*p == end)
		return false;
	*c = next_char(p, end, git);
	return true;
}

/* *p stands behind '['; false when there is no end to it. */
static bool compile_class(struct ap_glob *g, const char **p, const char *end, bool git)
{
	struct token *t = push(g, T_CLASS, 0);
	const char *start;

	t->first = g->n_ranges;
	if (*p < end && (**p == '^' || (git && **p == '!'))) {
		t->negated = true;
		(*p)++;
	}
	start = *p;
	while (*p < end && (**p != ']' || (git && *p == start))) {
		const char *close;
		uint32_t lo;
		uint32_t hi;

		if (git && end - *p > 2 && (*p)[0] == '[' && (*p)[1] == ':' &&
			(close = memmem(*p + 2, (size_t)(end - *p - 2), ":]", 2)) != NULL) {
			if (!push_named(g, *p + 2, (size_t)(close - *p - 2)))
				return false;
			*p = close + 2;
			continue;
		}
		if (!class_char(p, end, git, &lo))
			return false;
		hi = lo;
		if (end - *p > 1 && (*p)[0] == '-' && (*p)[1] != ']') {
			(*p)++;
			if (!class_char(p, end, git, &hi))
				return false;
		}
		push_range(g, lo, hi);
	}
	if (*p == end || g->v[g->n - 1].n == 0)
		return false;
	(*p)++;
	return true;
}

static void push_dirs(struct ap_glob *g)
{
	push(g, T_MAYBE, 0);
	push(g, T_DIRS, 0);
}

/* *p stands behind the first '*' at `star`. */
static void compile_star(struct ap_glob *g, const char *begin, const char *star, const char **p,
	const char *end, bool git)
{
	bool bounded;

	if (*p == end || **p != '*') {
		push(g, T_STAR, 0);
		return;
	}
	while (*p < end && **p == '*')
		(*p)++;
	bounded = (star == begin || star[-1] == '/') && (*p == end || **p == '/');
	if (git && !bounded) {
		push(g, T_STAR, 0);
		return;
	}
	if (*p < end && **p == '/')
		(*p)++;
	if (*p == end)
		push(g, T_DEEP, 0);
	else
		push_dirs(g);
}

static int compile(struct ap_glob *g, const char *begin, size_t n, bool git, struct ap_err *err)
{
	const char *end = begin + n;
	const char *p = begin;

	while (p < end) {
		const char *at = p;
		char c = *p;

		if (g->n > MAX_TOKENS)
			return ap_err_set(err, AP_E_INPUT, "longer than %d characters", MAX_TOKENS);
		if (c == '*') {
			p++;
			compile_star(g, begin, at, &p, end, git);
		} else if (c == '?') {
			p++;
			push(g, T_ANY, 0);
		} else if (c == '[') {
			p++;
			if (compile_class(g, &p, end, git))
				continue;
			if (!git)
				return ap_err_set(err, AP_E_INPUT,
					"the bracket is not closed, or nothing is in it");
			g->never = true;
			return 0;
		} else {
			if (c == '\\' && p + 1 < end)
				p++;
			else if (c == '\\' && git)
				g->never = true;
			else if (c == '\\')
				return ap_err_set(err, AP_E_INPUT, "nothing follows the backslash");
			push(g, T_CHAR, next_char(&p, end, git));
		}
	}
	return 0;
}

int ap_glob_compile(
	struct ap_glob **out, const char *p, size_t n, unsigned flags, struct ap_err *err)
{
	struct ap_glob *g = ap_xcalloc(1, sizeof(*g));

	g->git = (flags & AP_GLOB_GIT) != 0;
	if (compile(g, p, n, g->git, err) < 0) {
		ap_glob_free(g);
		return -1;
	}
	if (!memchr(p, '*', n) && !memchr(p, '?', n) && !memchr(p, '[', n) && !memchr(p, '\\', n))
		g->literal = ap_xstrndup(p, n);
	*out = g;
	return 0;
}

#define WORDS ((MAX_TOKENS + 16) / 64 + 1)

static void set_bit(uint64_t *set, size_t i)
{
	set[i / 64] |= UINT64_C(1) << (i % 64);
}

/* Enter position i, and those that cost nothing from there. */
static void enter(const struct ap_glob *g, uint64_t *set, size_t i)
{
	for (;;) {
		set_bit(set, i);
		if (i == g->n)
			return;
		switch (g->v[i].kind) {
		case T_MAYBE:
			set_bit(set, i + 1);
			i += 2;
			break;
		case T_STAR:
		case T_DEEP:
			i++;
			break;
		default:
			return;
		}
	}
}

static bool in_class(const struct ap_glob *g, const struct token *t, uint32_t c)
{
	bool in = false;

	if (c == '/')
		return false;
	for (size_t i = t->first; i < t->first + t->n && !in; i++)
		in = c >= g->ranges[i].lo && c <= g->ranges[i].hi;
	return in != t->negated;
}

static void step(const struct ap_glob *g, uint64_t *to, size_t i, uint32_t c)
{
	const struct token *t = &g->v[i];

	switch (t->kind) {
	case T_CHAR:
		if (t->c == c)
			enter(g, to, i + 1);
		break;
	case T_ANY:
		if (c != '/')
			enter(g, to, i + 1);
		break;
	case T_CLASS:
		if (in_class(g, t, c))
			enter(g, to, i + 1);
		break;
	case T_STAR:
		if (c != '/')
			enter(g, to, i);
		break;
	case T_DEEP:
		enter(g, to, i);
		break;
	case T_DIRS:
		set_bit(to, i);
		if (c == '/')
			enter(g, to, i + 1);
		break;
	case T_MAYBE:
		break;
	}
}

bool ap_glob_match(const struct ap_glob *g, const char *path)
{
	uint64_t now[WORDS];
	uint64_t then[WORDS];
	size_t words = g->n / 64 + 1;
	const char *end = path + strlen(path);

	if (g->never)
		return false;
	if (g->literal)
		return strcmp(g->literal, path) == 0;
	memset(now, 0, words * sizeof(*now));
	enter(g, now, 0);
	while (path < end) {
		uint32_t c = next_char(&path, end, g->git);
		uint64_t any = 0;

		memset(then, 0, words * sizeof(*then));
		for (size_t w = 0; w < words; w++) {
			for (uint64_t bits = now[w]; bits; bits &= bits - 1) {
				size_t i = w * 64 + (size_t)__builtin_ctzll(bits);

				if (i < g->n)
					step(g, then, i, c);
			}
		}
		for (size_t w = 0; w < words; w++)
			any |= then[w];
		if (!any)
			return false;
		memcpy(now, then, words * sizeof(*now));
	}
	return (now[g->n / 64] >> (g->n % 64)) & 1;
}

void ap_glob_free(struct ap_glob *g)
{
	if (!g)
		return;
	free(g->v);
	free(g->ranges);
	free(g->literal);
	free(g);
}
