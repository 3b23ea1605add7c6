#include "base/digest.h"

#include <openssl/evp.h>
#include <string.h>

void ap_sha256_init(struct ap_sha256 *h)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
		ap_oom();
	h->ctx = ctx;
}

void ap_sha256_update(struct ap_sha256 *h, const void *p, size_t n)
{
	if (n && !EVP_DigestUpdate(h->ctx, p, n))
		ap_oom();
}

void ap_sha256_final(struct ap_sha256 *h, struct ap_digest *out)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[EVP_MAX_MD_SIZE];
	char *at = out->s + 7;

	if (!EVP_DigestFinal_ex(h->ctx, raw, NULL) ||
		!EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL))
		ap_oom();
	memcpy(out->s, "sha256:", 7);
	for (size_t i = 0; i < 32; i++) {
		*at++ = digits[raw[i] >> 4];
		*at++ = digits[raw[i] & 15];
	}
	*at = '\0';
}

void ap_sha256_release(struct ap_sha256 *h)
{
	EVP_MD_CTX_free(h->ctx);
	h->ctx = NULL;
}

void ap_sha256_of(struct ap_digest *out, const void *p, size_t n)
{
	struct ap_sha256 h;

	ap_sha256_init(&h);
	ap_sha256_update(&h, p, n);
	ap_sha256_final(&h, out);
	ap_sha256_release(&h);
}

static bool is_hex64(const char *s, size_t n)
{
	if (n != 64)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
			return false;
	}
	return true;
}

bool ap_digest_ok(const char *s)
{
	return strncmp(s, "sha256:", 7) == 0 && is_hex64(s + 7, strlen(s + 7));
}

int ap_digest_parse(struct ap_digest *out, const char *s, struct ap_err *err)
{
	if (!ap_digest_ok(s))
		return ap_err_set(err, AP_E_PROTO, "digest \"%.80s\" is not sha256:<64 hex>", s);
	memcpy(out->s, s, sizeof(out->s));
	return 0;
}

bool ap_digest_eq(const struct ap_digest *a, const struct ap_digest *b)
{
	return strcmp(a->s, b->s) == 0;
}

const char *ap_digest_hex(const struct ap_digest *d)
{
	return d->s + 7;
}

bool ap_digest_from_hex(struct ap_digest *out, const char *hex, size_t n)
{
	if (!is_hex64(hex, n))
		return false;
	memcpy(out->s, "sha256:", 7);
	memcpy(out->s + 7, hex, 64);
	out->s[AP_DIGEST_LEN] = '\0';
	return true;
}
