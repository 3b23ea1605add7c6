#include "attest/signer.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "attest/box.h"
#include "base/base64.h"
#include "base/fs.h"

#define FILE_MAX      (64u << 10)
#define PASSWORD_HINT "give it in AUTOPACK_KEY_PASSWORD or COSIGN_PASSWORD"

struct ap_signer {
	EVP_PKEY *pkey;
};

struct asked {
	const char *password;
	bool yes;
};

static int on_password(char *buf, int size, int rwflag AP_UNUSED, void *arg)
{
	struct asked *a = arg;
	size_t n = a->password ? strlen(a->password) : 0;

	a->yes = true;
	if (!a->password || n > (size_t)size)
		return -1;
	memcpy(buf, a->password, n);
	return (int)n;
}

/* A PEM block of cosign's own kind: its JSON decrypted to PKCS #8. */
static int read_box(
	EVP_PKEY **out, const unsigned char *p, size_t n, const char *password, struct ap_err *err)
{
	ap_auto_buf plain = AP_BUF_MAX(FILE_MAX);
	const unsigned char *at;
	int rc;

	if (!password)
		return ap_err_set(err, AP_E_INPUT, "is encrypted: " PASSWORD_HINT);
	rc = ap_box_open(&plain, p, n, password, err);
	at = (const unsigned char *)plain.p;
	if (rc == 0)
		*out = d2i_AutoPrivateKey(NULL, &at, (long)plain.len);
	OPENSSL_cleanse(plain.p, plain.len);
	return rc;
}

static bool is_box(const char *name)
{
	return strcmp(name, "ENCRYPTED SIGSTORE PRIVATE KEY") == 0 ||
	       strcmp(name, "ENCRYPTED COSIGN PRIVATE KEY") == 0;
}

static int read_pem(EVP_PKEY **out, BIO *bio, const char *password, struct ap_err *err)
{
	struct asked a = { .password = password };
	char *name = NULL;
	char *header = NULL;
	unsigned char *data = NULL;
	long n = 0;
	int rc = 0;

	if (PEM_read_bio(bio, &name, &header, &data, &n) == 1 && is_box(name)) {
		rc = read_box(out, data, (size_t)n, password, err);
	} else if (BIO_reset(bio) == 1) {
		*out = PEM_read_bio_PrivateKey(bio, NULL, on_password, &a);
		if (!*out && a.yes)
			rc = ap_err_set(err, AP_E_INPUT, "%s",
				password ? "is encrypted, and not with the password given"
					 : "is encrypted: " PASSWORD_HINT);
	}
	OPENSSL_clear_free(data, (size_t)n);
	OPENSSL_free(name);
	OPENSSL_free(header);
	ERR_clear_error();
	return rc;
}

static int check(EVP_PKEY *pkey, struct ap_err *err)
{
	char curve[32] = "";

	if (!pkey)
		return ap_err_set(err, AP_E_INPUT,
			"is no private key: want PEM, as of \"openssl ecparam -name prime256v1 "
			"-genkey -noout\" or \"cosign generate-key-pair\"");
	if (!EVP_PKEY_is_a(pkey, "EC") ||
		EVP_PKEY_get_group_name(pkey, curve, sizeof(curve), NULL) != 1 ||
		strcmp(curve, "prime256v1") != 0)
		return ap_err_set(err, AP_E_INPUT,
			"is a key of another kind (%s): want ECDSA on P-256 (prime256v1)",
			*curve ? curve : EVP_PKEY_get0_type_name(pkey));
	return 0;
}

int ap_signer_read(
	struct ap_signer **out, const char *path, const char *password, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(FILE_MAX);
	EVP_PKEY *pkey = NULL;
	BIO *bio;
	int rc;

	if (ap_fs_read_named(&text, path, err) < 0)
		return -1;
	bio = BIO_new_mem_buf(text.p, (int)text.len);
	if (!bio)
		ap_oom();
	rc = read_pem(&pkey, bio, password, err);
	BIO_free(bio);
	OPENSSL_cleanse(text.p, text.len);
	if (rc < 0 || check(pkey, err) < 0) {
		EVP_PKEY_free(pkey);
		return ap_err_wrap(err, "%s", path);
	}
	*out = ap_xcalloc(1, sizeof(**out));
	(*out)->pkey = pkey;
	return 0;
}

void ap_signer_free(struct ap_signer *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

void ap_signer_sign(struct ap_buf *out, const struct ap_signer *k, const void *p, size_t n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char sig[256];
	size_t len = sizeof(sig);

	if (!ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k->pkey) != 1 ||
		EVP_DigestSign(ctx, sig, &len, p, n) != 1)
		ap_oom();
	EVP_MD_CTX_free(ctx);
	ap_base64(out, sig, len);
}

bool ap_signer_signed(const struct ap_signer *k, const char *signature, const void *p, size_t n)
{
	ap_auto_buf sig = AP_BUF_MAX(256);
	EVP_MD_CTX *ctx;
	bool ok;

	if (!ap_base64_decode(&sig, signature))
		return false;
	ctx = EVP_MD_CTX_new();
	ok = ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, k->pkey) == 1 &&
	     EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.len, p, n) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}
