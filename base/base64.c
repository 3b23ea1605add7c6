#include "base/base64.h"

#include <openssl/evp.h>
#include <string.h>

void ap_base64(struct ap_buf *out, const void *p, size_t n)
{
	size_t text = (n + 2) / 3 * 4;
	char *at = ap_buf_grow(out, text);

	if (!at || !n)
		return;
	EVP_EncodeBlock((unsigned char *)at, p, (int)n);
	out->len += text;
}

bool ap_base64_decode(struct ap_buf *out, const char *text)
{
	size_t n = strlen(text);
	size_t padding = n && text[n - 1] == '=' ? (n > 1 && text[n - 2] == '=' ? 2 : 1) : 0;
	char *at;

	/* OpenSSL passes over white space at the ends, and takes '=' in the middle. */
	if (n % 4 || strcspn(text, "= \t\r\n") != n - padding || n > INT32_MAX)
		return false;
	at = ap_buf_grow(out, n / 4 * 3);
	if (!at || EVP_DecodeBlock((unsigned char *)at, (const unsigned char *)text, (int)n) !=
			   (int)(n / 4 * 3))
		return false;
	out->len += n / 4 * 3 - padding;
	out->p[out->len] = '\0';
	return true;
}

char *ap_basic_auth(const char *user, const char *password)
{
	ap_auto_free char *plain = ap_xasprintf("%s:%s", user, password);
	struct ap_buf out = AP_BUF_INIT;

	ap_buf_adds(&out, "Basic ");
	ap_base64(&out, plain, strlen(plain));
	explicit_bzero(plain, strlen(plain));
	return ap_buf_steal(&out);
}
