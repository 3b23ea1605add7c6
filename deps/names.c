#include "deps/names.h"

#include <string.h>

static bool is_sep(char c)
{
	return c == '-' || c == '_' || c == '.';
}

char *ap_name_normalize(const char *p, size_t n)
{
	ap_auto_buf b = AP_BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		if (!is_sep(p[i]))
			ap_buf_addc(&b, ap_lower(p[i]));
		else if (!i || !is_sep(p[i - 1]))
			ap_buf_addc(&b, '-');
	}
	return ap_buf_steal(&b);
}

bool ap_names_ok(const char *p, size_t n)
{
	if (!n || !ap_is_alnum(p[0]) || !ap_is_alnum(p[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!ap_is_alnum(p[i]) && !is_sep(p[i]))
			return false;
	return true;
}

/* What is left of a version in lower case. */
struct cursor {
	const char *at;
};

static bool take(struct cursor *c, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(c->at, word, n) != 0)
		return false;
	c->at += n;
	return true;
}

/* Digits without their leading zeros; false when there are none. */
static bool take_number(struct cursor *c, struct ap_buf *out)
{
	const char *from;

	if (!ap_is_digit(*c->at))
		return false;
	while (*c->at == '0')
		c->at++;
	from = c->at;
	while (ap_is_digit(*c->at))
		c->at++;
	ap_buf_adds(out, c->at == from ? "0" : "");
	ap_buf_add(out, from, (size_t)(c->at - from));
	return true;
}

/* The release without trailing ".0"s. */
static bool take_release(struct cursor *c, struct ap_buf *out)
{
	size_t keep = out->len;

	for (;;) {
		size_t before = out->len;

		if (!take_number(c, out))
			return false;
		if (strcmp(out->p + before, "0") != 0 || before == keep)
			keep = out->len;
		if (c->at[0] != '.' || !ap_is_digit(c->at[1]))
			break;
		c->at++;
		ap_buf_addc(out, '.');
	}
	/* "0.0" keeps its first zero: keep was set by the first number. */
	ap_buf_truncate(out, keep);
	return true;
}

/* One of the words, with separators around it, and its number (0 when absent). */
static bool take_tagged(
	struct cursor *c, struct ap_buf *out, const char *const *words, const char *name)
{
	struct cursor t = *c;

	if (is_sep(*t.at))
		t.at++;
	for (; *words; words++) {
		if (!take(&t, *words))
			continue;
		if (is_sep(t.at[0]) && ap_is_digit(t.at[1]))
			t.at++;
		ap_buf_adds(out, name);
		if (!take_number(&t, out))
			ap_buf_addc(out, '0');
		*c = t;
		return true;
	}
	return false;
}

static bool take_post(struct cursor *c, struct ap_buf *out)
{
	static const char *const words[] = { "post", "rev", "r", NULL };

	if (take_tagged(c, out, words, ".post"))
		return true;
	if (c->at[0] != '-' || !ap_is_digit(c->at[1]))
		return false;
	c->at++;
	ap_buf_adds(out, ".post");
	return take_number(c, out);
}

static bool take_local(struct cursor *c, struct ap_buf *out)
{
	char sep = '+';

	while (*c->at == sep || (sep == '.' && is_sep(*c->at))) {
		const char *from = ++c->at;
		bool digits = true;

		while (ap_is_alnum(*c->at))
			digits = ap_is_digit(*c->at++) && digits;
		if (c->at == from)
			return false;
		ap_buf_addc(out, sep);
		if (digits) {
			struct cursor number = { from };

			take_number(&number, out);
		} else {
			ap_buf_add(out, from, (size_t)(c->at - from));
		}
		sep = '.';
	}
	return true;
}

char *ap_version_canonical(const char *p, size_t n)
{
	static const char *const alpha[] = { "alpha", "a", NULL };
	static const char *const beta[] = { "beta", "b", NULL };
	static const char *const rc[] = { "preview", "pre", "rc", "c", NULL };
	static const char *const dev[] = { "dev", NULL };
	ap_auto_buf low = AP_BUF_INIT;
	ap_auto_buf out = AP_BUF_INIT;
	struct ap_str s = ap_str_trim(ap_str_n(p, n));
	struct cursor c;

	for (size_t i = 0; i < s.n; i++)
		ap_buf_addc(&low, ap_lower(s.p[i]));
	if (strlen(low.p) != low.len)
		return NULL;
	c.at = low.p + (low.p[0] == 'v');
	if (!take_release(&c, &out))
		return NULL;
	if (*c.at == '!') {
		c.at++;
		if (strcmp(out.p, "0") == 0)
			ap_buf_reset(&out);
		else
			ap_buf_addc(&out, '!');
		if (!take_release(&c, &out))
			return NULL;
	}
	(void)(take_tagged(&c, &out, alpha, "a") || take_tagged(&c, &out, beta, "b") ||
		take_tagged(&c, &out, rc, "rc"));
	take_post(&c, &out);
	take_tagged(&c, &out, dev, ".dev");
	if (!take_local(&c, &out) || *c.at)
		return NULL;
	return ap_buf_steal(&out);
}
