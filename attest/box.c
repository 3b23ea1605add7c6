#include "attest/box.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"

enum { KEY = 32, NONCE = 24, TAG = 16, BLOCK = 64 };

static uint32_t load32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void store32(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

static uint32_t rotl(uint32_t v, int n)
{
	return v << n | v >> (32 - n);
}

static void quarter(uint32_t *x, int a, int b, int c, int d)
{
	x[b] ^= rotl(x[a] + x[d], 7);
	x[c] ^= rotl(x[b] + x[a], 9);
	x[d] ^= rotl(x[c] + x[b], 13);
	x[a] ^= rotl(x[d] + x[c], 18);
}

/* The Salsa20 matrix and its 20 rounds; `in`: nonce and counter, 16 bytes. */
static void rounds(uint32_t x[16], uint32_t start[16], const unsigned char key[KEY],
	const unsigned char in[16])
{
	static const unsigned char sigma[17] = "expand 32-byte k";

	for (int i = 0; i < 4; i++) {
		start[5 * i] = load32(sigma + 4 * i);
		start[1 + i] = load32(key + 4 * i);
		start[6 + i] = load32(in + 4 * i);
		start[11 + i] = load32(key + 16 + 4 * i);
	}
	memcpy(x, start, 16 * sizeof(*x));
	for (int i = 0; i < 10; i++) {
		quarter(x, 0, 4, 8, 12);
		quarter(x, 5, 9, 13, 1);
		quarter(x, 10, 14, 2, 6);
		quarter(x, 15, 3, 7, 11);
		quarter(x, 0, 1, 2, 3);
		quarter(x, 5, 6, 7, 4);
		quarter(x, 10, 11, 8, 9);
		quarter(x, 15, 12, 13, 14);
	}
}

/* HSalsa20: the key for one nonce. */
static void derive(unsigned char out[KEY], const unsigned char key[KEY], const unsigned char *nonce)
{
	static const int words[8] = { 0, 5, 10, 15, 6, 7, 8, 9 };
	uint32_t x[16];
	uint32_t start[16];

	rounds(x, start, key, nonce);
	for (int i = 0; i < 8; i++)
		store32(out + 4 * i, x[words[i]]);
}

/* Block number n of the key stream. */
static void block(unsigned char out[BLOCK], const unsigned char key[KEY],
	const unsigned char *nonce, uint64_t n)
{
	unsigned char in[16];
	uint32_t x[16];
	uint32_t start[16];

	memcpy(in, nonce, 8);
	store32(in + 8, (uint32_t)n);
	store32(in + 12, (uint32_t)(n >> 32));
	rounds(x, start, key, in);
	for (int i = 0; i < 16; i++)
		store32(out + 4 * i, x[i] + start[i]);
}

static bool poly1305(
	unsigned char tag[TAG], const unsigned char *key, const unsigned char *p, size_t n)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "POLY1305", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	size_t got = 0;
	bool ok = ctx && EVP_MAC_init(ctx, key, KEY, NULL) == 1 && EVP_MAC_update(ctx, p, n) == 1 &&
		  EVP_MAC_final(ctx, tag, &got, TAG) == 1;

	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	return ok && got == TAG;
}

bool ap_secretbox_open(unsigned char *out, const unsigned char key[KEY],
	const unsigned char nonce[NONCE], const unsigned char *box, size_t n)
{
	unsigned char sub[KEY];
	unsigned char stream[BLOCK];
	unsigned char tag[TAG];
	bool ok = n >= TAG;

	derive(sub, key, nonce);
	block(stream, sub, nonce + 16, 0);
	ok = ok && poly1305(tag, stream, box + TAG, n - TAG) && CRYPTO_memcmp(tag, box, TAG) == 0;
	/* The first 32 bytes of the stream were the authenticator's key. */
	for (size_t i = 0; ok && i < n - TAG; i++) {
		size_t at = i + KEY;

		if (at % BLOCK == 0)
			block(stream, sub, nonce + 16, at / BLOCK);
		out[i] = box[TAG + i] ^ stream[at % BLOCK];
	}
	OPENSSL_cleanse(sub, sizeof(sub));
	OPENSSL_cleanse(stream, sizeof(stream));
	return ok;
}

static int need_bytes(struct ap_buf *out, const cJSON *j, const char *name, struct ap_err *err)
{
	const char *text;

	if (ap_json_need_str(&text, j, name, err) < 0)
		return -1;
	return ap_base64_decode(out, text)
		       ? 0
		       : ap_err_set(err, AP_E_PROTO, "\"%s\" is not base64", name);
}

struct costs {
	uint64_t n, r, p;
};

static int read_costs(struct costs *c, const cJSON *kdf, struct ap_err *err)
{
	const cJSON *j = kdf ? ap_json_get(kdf, "params") : NULL;

	if (!ap_streq(kdf ? ap_json_str(kdf, "name") : NULL, "scrypt"))
		return ap_err_set(err, AP_E_PROTO, "\"kdf\" is not scrypt");
	if (ap_json_need_u64(&c->n, j, "N", err) < 0 || ap_json_need_u64(&c->r, j, "r", err) < 0 ||
		ap_json_need_u64(&c->p, j, "p", err) < 0)
		return -1;
	if (c->n > 1 << 20 || c->r > 16 || c->p > 4)
		return ap_err_set(err, AP_E_PROTO, "scrypt's costs are over our limit");
	return 0;
}

static int open_parsed(struct ap_buf *out, const cJSON *j, const char *password, struct ap_err *err)
{
	const cJSON *kdf = ap_json_get(j, "kdf");
	const cJSON *cipher = ap_json_get(j, "cipher");
	ap_auto_buf salt = AP_BUF_INIT;
	ap_auto_buf nonce = AP_BUF_INIT;
	ap_auto_buf box = AP_BUF_INIT;
	unsigned char key[KEY];
	struct costs c;
	char *plain;
	bool ok;

	if (read_costs(&c, kdf, err) < 0 || need_bytes(&salt, kdf, "salt", err) < 0 ||
		need_bytes(&nonce, cipher, "nonce", err) < 0 ||
		need_bytes(&box, j, "ciphertext", err) < 0)
		return -1;
	if (!ap_streq(ap_json_str(cipher, "name"), "nacl/secretbox") || nonce.len != NONCE ||
		box.len < TAG)
		return ap_err_set(err, AP_E_PROTO, "\"cipher\" is not nacl/secretbox");
	plain = ap_buf_grow(out, box.len - TAG);
	ok = plain &&
	     EVP_PBE_scrypt(password, strlen(password), (const unsigned char *)salt.p, salt.len,
		     c.n, c.r, c.p, (256 + 8) * (c.n + 4) * c.r, key, sizeof(key)) == 1 &&
	     ap_secretbox_open((unsigned char *)plain, key, (const unsigned char *)nonce.p,
		     (const unsigned char *)box.p, box.len);
	OPENSSL_cleanse(key, sizeof(key));
	if (!ok)
		return ap_err_set(err, AP_E_INPUT, "is encrypted, and not with the password given");
	out->len += box.len - TAG;
	out->p[out->len] = '\0';
	return 0;
}

int ap_box_open(
	struct ap_buf *out, const void *json, size_t n, const char *password, struct ap_err *err)
{
	ap_auto_json j = NULL;

	if (ap_json_parse(&j, json, n, err) == 0 && open_parsed(out, j, password, err) == 0)
		return 0;
	if (err->code == AP_E_PROTO) {
		struct ap_err old = *err;

		ap_err_clear(err);
		return ap_err_set(err, AP_E_INPUT, "an encrypted key of cosign's: %s", old.msg);
	}
	return -1;
}
