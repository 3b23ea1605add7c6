#include "vertex/text.h"

#include <string.h>

void ap_text_shell_word(struct ap_buf *out, const char *s)
{
	if (*s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "_-./:=@%+,") == strlen(s)) {
		ap_buf_adds(out, s);
		return;
	}
	ap_buf_addc(out, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			ap_buf_adds(out, "'\\''");
		else
			ap_buf_addc(out, *s);
	}
	ap_buf_addc(out, '\'');
}

void ap_text_curl(struct ap_buf *out, const char *method, const char *url, const cJSON *body,
	const char *comment)
{
	ap_auto_buf text = AP_BUF_INIT;

	while (comment && *comment) {
		size_t n = strcspn(comment, "\n");

		ap_buf_adds(out, "# ");
		ap_buf_add(out, comment, n);
		ap_buf_addc(out, '\n');
		comment += n + (comment[n] == '\n');
	}
	ap_buf_adds(out, "curl -X ");
	ap_text_shell_word(out, method);
	ap_buf_adds(out, " \\\n  -H \"Authorization: Bearer $(gcloud auth print-access-token)\"");
	if (body) {
		ap_json_print(&text, body, AP_JSON_PRETTY);
		/* The final newline would stand before the closing quote. */
		ap_buf_truncate(&text, text.len - (ap_ends_with(text.p, "\n") ? 1 : 0));
		ap_buf_adds(out, " \\\n  -H 'Content-Type: application/json; charset=utf-8'"
				 " \\\n  -d ");
		ap_text_shell_word(out, text.p);
	}
	ap_buf_adds(out, " \\\n  ");
	ap_text_shell_word(out, url);
	ap_buf_addc(out, '\n');
}

/* "createTime" in front of an operator is a key. */
static bool is_key(const char *after)
{
	after += strspn(after, " ");
	return *after && strchr(":=!<>", *after);
}

char *ap_text_filter(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.";
	struct ap_buf out = AP_BUF_INIT;
	const char *p = text;

	while (*p) {
		size_t n = strspn(p, letters);

		if (*p == '"') {
			for (n = 1; p[n] && p[n] != '"'; n++)
				n += p[n] == '\\' && p[n + 1];
			n += p[n] == '"';
			ap_buf_add(&out, p, n);
		} else if (n && is_key(p + n)) {
			for (size_t i = 0; i < n; i++) {
				bool hump = p[i] >= 'A' && p[i] <= 'Z';

				if (hump && i && p[i - 1] != '.' && p[i - 1] != '_')
					ap_buf_addc(&out, '_');
				ap_buf_addc(&out, hump ? ap_lower(p[i]) : p[i]);
			}
		} else {
			n = n ? n : 1;
			ap_buf_add(&out, p, n);
		}
		p += n;
	}
	return ap_buf_steal(&out);
}
