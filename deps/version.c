#include "deps/version.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_sep(char c)
{
	return c == '.' || c == '-' || c == '_';
}

static bool number(const char **s, uint64_t *out)
{
	const char *p = *s;
	uint64_t v = 0;

	if (!ap_is_digit(*p))
		return false;
	for (; ap_is_digit(*p); p++) {
		if (__builtin_mul_overflow(v, 10U, &v) ||
			__builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	}
	*s = p;
	*out = v;
	return true;
}

static bool word(const char **s, const char *w)
{
	const char *p = *s;

	for (; *w; w++, p++) {
		if (ap_lower(*p) != *w)
			return false;
	}
	*s = p;
	return true;
}

/* [-_.]? word [-_.]? [number]; nothing is taken when the word is not there. */
static bool tagged(const char **s, const char *const *words, size_t n, size_t *which, uint64_t *num)
{
	const char *p = *s;
	const char *q;

	if (is_sep(*p))
		p++;
	for (size_t i = 0; i < n; i++) {
		q = p;
		if (!word(&q, words[i]))
			continue;
		*which = i;
		*s = q;
		if (is_sep(*q))
			q++;
		if (ap_is_digit(*q)) {
			*num = 0;
			if (!number(&q, num))
				return false;
			*s = q;
		} else {
			*num = 0;
		}
		return true;
	}
	return false;
}

static bool release(const char **s, struct ap_version *v)
{
	const char *p = *s;

	if (!number(&p, &v->release[0]))
		return false;
	v->n_release = 1;
	while (*p == '.' && ap_is_digit(p[1])) {
		p++;
		if (v->n_release == AP_VERSION_PARTS || !number(&p, &v->release[v->n_release]))
			return false;
		v->n_release++;
	}
	*s = p;
	return true;
}

static void pre_post_dev(const char **s, struct ap_version *v)
{
	static const char *const pre[] = { "alpha", "beta", "preview", "pre", "rc", "a", "b", "c" };
	static const char kind[] = "abrrrabr";
	static const char *const post[] = { "post", "rev", "r" };
	static const char *const dev[] = { "dev" };
	size_t which;

	if (tagged(s, pre, AP_LEN(pre), &which, &v->pre_n))
		v->pre = kind[which];
	if (**s == '-' && ap_is_digit((*s)[1])) {
		++*s;
		v->has_post = number(s, &v->post);
	} else {
		v->has_post = tagged(s, post, AP_LEN(post), &which, &v->post);
	}
	v->has_dev = tagged(s, dev, AP_LEN(dev), &which, &v->dev);
}

static bool local(const char *p, struct ap_version *v)
{
	size_t n = 0;
	bool start = true;

	for (; *p; p++) {
		if (n + 1 >= sizeof(v->local))
			return false;
		if (is_sep(*p)) {
			if (start)
				return false;
			v->local[n++] = '.';
			start = true;
		} else if (ap_is_alnum(*p)) {
			v->local[n++] = ap_lower(*p);
			start = false;
		} else {
			return false;
		}
	}
	v->local[n] = '\0';
	return !start;
}

bool ap_version_parse(struct ap_version *out, const char *s)
{
	struct ap_version v = { 0 };
	ap_auto_free char *copy = NULL;
	struct ap_str t = ap_str_trim(ap_str(s));
	const char *p = copy = ap_xstrndup(t.p, t.n);
	const char *q;

	if (*p == 'v' || *p == 'V')
		p++;
	q = p;
	if (number(&q, &v.epoch) && *q == '!')
		p = q + 1;
	else
		v.epoch = 0;
	if (!release(&p, &v))
		return false;
	pre_post_dev(&p, &v);
	if (*p == '+' ? !local(p + 1, &v) : *p != '\0')
		return false;
	*out = v;
	return true;
}

static int cmp_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int cmp_release(const struct ap_version *a, const struct ap_version *b)
{
	unsigned n = AP_MAX(a->n_release, b->n_release);
	int c = 0;

	for (unsigned i = 0; i < n && c == 0; i++)
		c = cmp_u64(a->release[i], b->release[i]);
	return c;
}

/* 1.dev1 < 1a1 < 1 */
static int pre_rank(const struct ap_version *v)
{
	if (v->pre)
		return v->pre == 'a' ? 1 : v->pre == 'b' ? 2 : 3;
	return v->has_dev && !v->has_post ? 0 : 4;
}

static int cmp_local_part(struct ap_str a, struct ap_str b)
{
	bool na = ap_is_digit(a.p[0]);
	bool nb = ap_is_digit(b.p[0]);
	int c;

	for (size_t i = 0; i < a.n; i++)
		na = na && ap_is_digit(a.p[i]);
	for (size_t i = 0; i < b.n; i++)
		nb = nb && ap_is_digit(b.p[i]);
	if (na != nb)
		return na ? 1 : -1;
	if (na) {
		for (; a.n > 1 && *a.p == '0'; a.p++)
			a.n--;
		for (; b.n > 1 && *b.p == '0'; b.p++)
			b.n--;
		if (a.n != b.n)
			return a.n < b.n ? -1 : 1;
	}
	c = memcmp(a.p, b.p, AP_MIN(a.n, b.n));
	return c ? c : cmp_u64(a.n, b.n);
}

static int cmp_local(const char *a, const char *b)
{
	struct ap_str ra = ap_str(a);
	struct ap_str rb = ap_str(b);
	struct ap_str pa, pb;
	int c;

	if (!*a || !*b)
		return (*a != '\0') - (*b != '\0');
	for (;;) {
		bool more_a = ap_str_next(&ra, '.', &pa);
		bool more_b = ap_str_next(&rb, '.', &pb);

		if (!more_a || !more_b)
			return more_a - more_b;
		c = cmp_local_part(pa, pb);
		if (c)
			return c;
	}
}

static int cmp_public(const struct ap_version *a, const struct ap_version *b)
{
	int c = cmp_u64(a->epoch, b->epoch);

	c = c ? c : cmp_release(a, b);
	c = c ? c : pre_rank(a) - pre_rank(b);
	c = c ? c : cmp_u64(a->pre_n, b->pre_n);
	c = c ? c : a->has_post - b->has_post;
	c = c ? c : cmp_u64(a->post, b->post);
	c = c ? c : b->has_dev - a->has_dev;
	return c ? c : cmp_u64(a->dev, b->dev);
}

int ap_version_cmp(const struct ap_version *a, const struct ap_version *b)
{
	int c = cmp_public(a, b);

	return c ? c : cmp_local(a->local, b->local);
}

void ap_version_print(struct ap_buf *out, const struct ap_version *v)
{
	if (v->epoch)
		ap_buf_addf(out, "%" PRIu64 "!", v->epoch);
	for (unsigned i = 0; i < v->n_release; i++)
		ap_buf_addf(out, i ? ".%" PRIu64 : "%" PRIu64, v->release[i]);
	if (v->pre)
		ap_buf_addf(out, "%s%" PRIu64,
			v->pre == 'r'   ? "rc"
			: v->pre == 'a' ? "a"
					: "b",
			v->pre_n);
	if (v->has_post)
		ap_buf_addf(out, ".post%" PRIu64, v->post);
	if (v->has_dev)
		ap_buf_addf(out, ".dev%" PRIu64, v->dev);
	if (v->local[0])
		ap_buf_addf(out, "+%s", v->local);
}

char *ap_version_normal(const char *s)
{
	struct ap_buf b = AP_BUF_INIT;
	struct ap_version v;

	if (!ap_version_parse(&v, s))
		return ap_xstrdup(s);
	ap_version_print(&b, &v);
	return ap_buf_steal(&b);
}

bool ap_version_same(const char *a, const char *b)
{
	struct ap_version x, y;

	if (!ap_version_parse(&x, a) || !ap_version_parse(&y, b))
		return strcmp(a, b) == 0;
	return ap_version_cmp(&x, &y) == 0;
}

enum op { OP_EQ, OP_NE, OP_LE, OP_GE, OP_LT, OP_GT, OP_COMPAT, OP_ARBITRARY };

struct spec {
	enum op op;
	bool prefix; /* ended in .* */
	char text[128];
	struct ap_version v;
};

static bool parse_op(struct ap_str *s, enum op *op)
{
	static const struct {
		const char *text;
		enum op op;
	} ops[] = {
		{ "===", OP_ARBITRARY },
		{ "==", OP_EQ },
		{ "!=", OP_NE },
		{ "<=", OP_LE },
		{ ">=", OP_GE },
		{ "~=", OP_COMPAT },
		{ "<", OP_LT },
		{ ">", OP_GT },
	};

	for (size_t i = 0; i < AP_LEN(ops); i++) {
		size_t n = strlen(ops[i].text);

		if (s->n >= n && memcmp(s->p, ops[i].text, n) == 0) {
			s->p += n;
			s->n -= n;
			*op = ops[i].op;
			return true;
		}
	}
	return false;
}

static bool parse_spec(struct spec *out, struct ap_str s)
{
	s = ap_str_trim(s);
	*out = (struct spec){ 0 };
	if (!parse_op(&s, &out->op))
		return false;
	s = ap_str_trim(s);
	if (!s.n || s.n >= sizeof(out->text))
		return false;
	memcpy(out->text, s.p, s.n);
	if (out->op == OP_ARBITRARY)
		return !memchr(s.p, ' ', s.n);
	if ((out->op == OP_EQ || out->op == OP_NE) && ap_ends_with(out->text, ".*")) {
		out->prefix = true;
		out->text[s.n - 2] = '\0';
	}
	if (!ap_version_parse(&out->v, out->text))
		return false;
	if (out->prefix && (out->v.local[0] || out->v.has_dev))
		return false;
	if (out->v.local[0] && out->op != OP_EQ && out->op != OP_NE)
		return false;
	return out->op != OP_COMPAT || out->v.n_release >= 2;
}

/* The first n parts of the release, and the pre- and post-release where the prefix has one. */
static bool has_prefix(const struct ap_version *v, const struct ap_version *prefix, unsigned n)
{
	if (v->epoch != prefix->epoch)
		return false;
	for (unsigned i = 0; i < n; i++) {
		if (v->release[i] != prefix->release[i])
			return false;
	}
	if (prefix->pre && (v->pre != prefix->pre || v->pre_n != prefix->pre_n))
		return false;
	return !prefix->has_post || (v->has_post && v->post == prefix->post);
}

static bool same_base(const struct ap_version *a, const struct ap_version *b)
{
	return a->epoch == b->epoch && cmp_release(a, b) == 0;
}

static bool match(const struct spec *s, const struct ap_version *v)
{
	int c = cmp_public(v, &s->v);
	bool eq;

	switch (s->op) {
	case OP_EQ:
	case OP_NE:
		if (s->prefix)
			eq = has_prefix(v, &s->v, s->v.n_release);
		else
			eq = c == 0 && (!s->v.local[0] || cmp_local(v->local, s->v.local) == 0);
		return eq == (s->op == OP_EQ);
	case OP_LE:
		return c <= 0;
	case OP_GE:
		return c >= 0;
	case OP_LT:
		/* <1.0 excludes 1.0rc1, unless the limit is a pre-release itself. */
		return c < 0 && !(!s->v.pre && !s->v.has_dev && (v->pre || v->has_dev) &&
					same_base(v, &s->v));
	case OP_GT:
		/* >1.0 excludes 1.0.post1 and 1.0+local. */
		return c > 0 && !(!s->v.has_post && v->has_post && same_base(v, &s->v));
	case OP_COMPAT: {
		struct ap_version prefix = s->v;

		prefix.pre = 0;
		prefix.has_post = false;
		return c >= 0 && has_prefix(v, &prefix, s->v.n_release - 1);
	}
	default:
		return false;
	}
}

bool ap_specifiers_ok(const char *s)
{
	struct ap_str rest = ap_str_trim(ap_str(s));
	struct ap_str part;
	struct spec spec;

	if (!rest.n)
		return true;
	/* packaging and uv both take one comma at the end. */
	if (rest.p[rest.n - 1] == ',')
		rest.n--;
	while (ap_str_next(&rest, ',', &part)) {
		if (!parse_spec(&spec, part))
			return false;
	}
	return true;
}

bool ap_specifiers_match(const char *specs, const char *version)
{
	struct ap_str rest = ap_str_trim(ap_str(specs));
	struct ap_str part;
	struct ap_version v;
	struct spec spec;
	bool is_version = ap_version_parse(&v, version);

	if (!rest.n)
		return true;
	if (rest.p[rest.n - 1] == ',')
		rest.n--;
	while (ap_str_next(&rest, ',', &part)) {
		if (!parse_spec(&spec, part))
			return false;
		if (spec.op == OP_ARBITRARY) {
			if (strcmp(spec.text, version) != 0)
				return false;
		} else if (!is_version || !match(&spec, &v)) {
			return false;
		}
	}
	return true;
}
