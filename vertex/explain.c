#include "vertex/explain.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static void add_snake(struct ap_buf *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p >= 'A' && *p <= 'Z' && p > text && p[-1] >= 'a' && p[-1] <= 'z')
			ap_buf_addc(out, '_');
		ap_buf_addc(out, ap_lower(*p));
	}
}

char *ap_explain_path(const char *message, const char *path)
{
	struct ap_buf out = AP_BUF_INIT;
	ap_auto_buf own = AP_BUF_INIT;

	add_snake(&own, message);
	ap_buf_addc(&own, '.');
	add_snake(&out, path);
	if (ap_starts_with(out.p, own.p))
		memmove(out.p, out.p + own.len, out.len - own.len + 1);
	return ap_buf_steal(&out);
}

/* Is it a path of fields rather than a word of a sentence? */
static bool is_path(const char *word)
{
	return strpbrk(word, "_[") || (strchr(word, '.') && !strchr(word, '/'));
}

void ap_explain(struct ap_err *err, const char *message, ap_explain_fn where, const void *ctx)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.[]-";
	const char *p = err->msg;

	while (*p) {
		size_t n = strspn(p, letters);
		ap_auto_free char *word = ap_xstrndup(p, n);
		ap_auto_free char *path = NULL;
		ap_auto_free char *found = NULL;

		if (n && word[n - 1] == '.')
			word[n - 1] = '\0';
		path = is_path(word) ? ap_explain_path(message, word) : NULL;
		found = path ? where(ctx, path) : NULL;
		if (found) {
			struct ap_err was = *err;

			ap_err_clear(err);
			ap_err_set(err, was.code, "%s (from %s)", was.msg, found);
			err->http = was.http;
			return;
		}
		p += n ? n : 1;
	}
}
