#include "base/trust.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct ap_trust {
	pthread_mutex_t lock;
	char *ca_file;
	X509_STORE *store;
	bool looked;
};

void ap_trust_new(struct ap_trust **out, const char *ca_file)
{
	struct ap_trust *t = ap_xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	t->ca_file = ca_file ? ap_xstrdup(ca_file) : NULL;
	*out = t;
}

void ap_trust_free(struct ap_trust *t)
{
	if (!t)
		return;
	X509_STORE_free(t->store);
	pthread_mutex_destroy(&t->lock);
	free(t->ca_file);
	free(t);
}

/* What libcurl would read, with the flag that it sets on its own lists. */
static X509_STORE *load(const char *ca_file)
{
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
	const char *file = ca_file ? ca_file : v->cainfo;
	const char *dir = ca_file ? NULL : v->capath;
	X509_STORE *store;

	if (!v->ssl_version || strncmp(v->ssl_version, "OpenSSL/", 8) != 0 || (!file && !dir))
		return NULL;
	store = X509_STORE_new();
	if (!store)
		ap_oom();
	if (!X509_STORE_load_locations(store, file, dir)) {
		X509_STORE_free(store);
		return NULL;
	}
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
	return store;
}

static CURLcode use_store(CURL *easy AP_UNUSED, void *ctx, void *store)
{
	return SSL_CTX_set1_verify_cert_store(ctx, store) ? CURLE_OK : CURLE_SSL_CACERT_BADFILE;
}

void ap_trust_set(struct ap_trust *t, CURL *easy)
{
	pthread_mutex_lock(&t->lock);
	if (!t->looked)
		t->store = load(t->ca_file);
	t->looked = true;
	pthread_mutex_unlock(&t->lock);
	if (!t->store) {
		if (t->ca_file)
			curl_easy_setopt(easy, CURLOPT_CAINFO, t->ca_file);
		return;
	}
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, use_store);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, t->store);
}
