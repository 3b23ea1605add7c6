#include "pack/secret.h"

#include <string.h>

#include "base/str.h"

static bool has(const void *p, size_t n, const char *what)
{
	return memmem(p, n, what, strlen(what)) != NULL;
}

static const char *by_name(const char *path)
{
	static const struct {
		const char *name, *what;
	} known[] = {
		{ ".env", "a file of secret settings" },
		{ ".netrc", "a file of passwords" },
		{ "_netrc", "a file of passwords" },
		{ ".pypirc", "credentials of a package index" },
		{ ".git-credentials", "credentials of git" },
		{ ".dockercfg", "credentials of a registry" },
		{ ".boto", "credentials of a cloud" },
		{ "kaggle.json", "credentials of Kaggle" },
		{ "credentials.json", "credentials" },
		{ "application_default_credentials.json", "credentials of Google Cloud" },
		{ "credentials.db", "credentials of Google Cloud" },
		{ "access_tokens.db", "credentials of Google Cloud" },
		{ ".aws/credentials", "credentials of a cloud" },
		{ ".docker/config.json", "credentials of a registry" },
		{ "id_rsa", "a private key" },
		{ "id_dsa", "a private key" },
		{ "id_ecdsa", "a private key" },
		{ "id_ed25519", "a private key" },
	};
	size_t n = strlen(path);

	for (size_t i = 0; i < AP_LEN(known); i++) {
		size_t k = strlen(known[i].name);

		if (n >= k && strcmp(path + n - k, known[i].name) == 0 &&
			(n == k || path[n - k - 1] == '/'))
			return known[i].what;
	}
	if (ap_ends_with(path, ".p12") || ap_ends_with(path, ".pfx"))
		return "a private key";
	return NULL;
}

const char *ap_secret_look(const char *path, const void *head, size_t n)
{
	const char *what = by_name(path);

	if (what || !n)
		return what;
	n = AP_MIN(n, (size_t)AP_SECRET_HEAD);
	/* Both halves: source code that writes keys has the words, too, but not on one line. */
	if (has(head, n, "-----BEGIN ") && has(head, n, "PRIVATE KEY-----\n"))
		return "a private key";
	if (!ap_ends_with(path, ".json"))
		return NULL;
	if (has(head, n, "\"private_key\"") || has(head, n, "\"private_key_id\""))
		return "the key of a service account";
	if (has(head, n, "\"refresh_token\"") || has(head, n, "\"client_secret\""))
		return "credentials";
	return NULL;
}
