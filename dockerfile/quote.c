#include "dockerfile/quote.h"

#include <string.h>

void ap_quote_shell(struct ap_buf *out, const char *word)
{
	bool safe = *word != '\0';

	for (const char *p = word; *p && safe; p++)
		safe = ap_is_alnum(*p) || strchr("@%+=:,./-_", *p);
	if (safe) {
		ap_buf_adds(out, word);
		return;
	}
	ap_buf_addc(out, '\'');
	for (const char *p = word; *p; p++) {
		if (*p == '\'')
			ap_buf_adds(out, "'\"'\"'");
		else
			ap_buf_addc(out, *p);
	}
	ap_buf_addc(out, '\'');
}

/* One code point of valid UTF-8. */
static uint32_t next_code(const unsigned char **p)
{
	const unsigned char *s = *p;
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? s[0] : s[0] & (0xffU >> (n + 1));

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (s[i] & 0x3f);
	*p += n;
	return c;
}

static void json_char(struct ap_buf *out, uint32_t c)
{
	static const char short_forms[] = "\b\f\n\r\t";
	const char *k = c && c < 0x20 ? strchr(short_forms, (int)c) : NULL;

	if (c == '"' || c == '\\')
		ap_buf_addf(out, "\\%c", (int)c);
	else if (k)
		ap_buf_addf(out, "\\%c", "bfnrt"[k - short_forms]);
	else if (c >= 0x20 && c < 0x7f)
		ap_buf_addc(out, (char)c);
	else if (c < 0x10000)
		ap_buf_addf(out, "\\u%04x", c);
	else
		ap_buf_addf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
			0xdc00 + ((c - 0x10000) & 0x3ff));
}

void ap_quote_json(struct ap_buf *out, const char *const *words, size_t n)
{
	ap_buf_addc(out, '[');
	for (size_t i = 0; i < n; i++) {
		const unsigned char *p = (const unsigned char *)words[i];
		bool utf8 = ap_utf8_ok(words[i], strlen(words[i]));

		ap_buf_adds(out, i ? ", \"" : "\"");
		while (*p)
			json_char(out, utf8 ? next_code(&p) : *p++);
		ap_buf_addc(out, '"');
	}
	ap_buf_addc(out, ']');
}

static void add_shell_level(struct ap_buf *out, char c)
{
	if (strchr("\\$'\"", c))
		ap_buf_addc(out, '\\');
	ap_buf_addc(out, c);
}

void ap_quote_copy_source(struct ap_buf *out, const char *path)
{
	for (const char *p = path; *p; p++) {
		if (strchr("[*?", *p))
			ap_buf_addf(out, "[%c]", *p);
		else if (*p == '\\')
			ap_buf_adds(out, "[\\\\\\\\]");
		else
			add_shell_level(out, *p);
	}
}

void ap_quote_copy_target(struct ap_buf *out, const char *path)
{
	for (const char *p = path; *p; p++)
		add_shell_level(out, *p);
}

bool ap_quote_value(struct ap_buf *out, const char *value)
{
	ap_buf_addc(out, '"');
	for (const char *p = value; *p; p++) {
		if (*p == '\n' || *p == '\r')
			return false;
		if (strchr("\\$\"", *p))
			ap_buf_addc(out, '\\');
		ap_buf_addc(out, *p);
	}
	ap_buf_addc(out, '"');
	return true;
}
