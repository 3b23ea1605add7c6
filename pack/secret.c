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

/* ".env.local", but not the example that is there to be filled in. */
static bool is_settings(const char *path)
{
	static const char *const blank[] = { ".example", ".sample", ".template", ".dist",
		".defaults" };
	const char *slash = strrchr(path, '/');

	if (!ap_starts_with(slash ? slash + 1 : path, ".env."))
		return false;
	for (size_t i = 0; i < AP_LEN(blank); i++)
		if (ap_ends_with(path, blank[i]))
			return false;
	return true;
}

/* Is there a member of this name with a text that is not empty?  A schema has the name, too. */
static bool has_member(const char *p, size_t n, const char *quoted)
{
	const char *end = p + n;
	const char *at = memmem(p, n, quoted, strlen(quoted));

	if (!at)
		return false;
	for (at += strlen(quoted); at < end && strchr(" \t\r\n:", *at); at++)
		;
	return at + 1 < end && at[0] == '"' && at[1] != '"';
}

static const char *in_json(const char *p, size_t n)
{
	if (has_member(p, n, "\"private_key\"") &&
		(has(p, n, "service_account") || has(p, n, "-----BEGIN")))
		return "the key of a service account";
	if (has_member(p, n, "\"client_id\"") &&
		(has_member(p, n, "\"refresh_token\"") || has_member(p, n, "\"client_secret\"")))
		return "credentials";
	return NULL;
}

/* What tokens are made of; looked at for every character of every file. */
static const bool token_char[256] = {
	['0' ... '9'] = true,
	['A' ... 'Z'] = true,
	['a' ... 'z'] = true,
	['_'] = true,
	['-'] = true,
};

/* Of two kinds of capitals, small letters and digits, and no "xxxxxx" that stands for a token. */
static bool is_random(const char *p, size_t n)
{
	bool digit = false;
	bool small = false;
	bool capital = false;
	size_t same = 0;

	for (size_t i = 0; i < n; i++) {
		digit |= ap_is_digit(p[i]);
		small |= p[i] >= 'a' && p[i] <= 'z';
		capital |= p[i] >= 'A' && p[i] <= 'Z';
		same = i && p[i] == p[i - 1] ? same + 1 : 0;
		if (same == 5)
			return false;
	}
	return digit + small + capital >= 2 && !has(p, n, "EXAMPLE");
}

#define LEAST 20 /* characters of the shortest token below, with its beginning */

/* Tokens whose makers gave them a beginning by which they can be found. */
static const char *in_text(const char *p, size_t n)
{
	static const struct {
		const char *prefix, *what;
		size_t least; /* characters behind it */
	} known[] = {
		{ "hf_", "a file with a Hugging Face token", 34 },
		{ "ghp_", "a file with a GitHub token", 36 },
		{ "github_pat_", "a file with a GitHub token", 60 },
		{ "glpat-", "a file with a GitLab token", 20 },
		{ "AKIA", "a file with an AWS key", 16 },
		{ "AIza", "a file with a Google API key", 35 },
		{ "sk-proj-", "a file with an OpenAI key", 40 },
		{ "sk-ant-", "a file with an Anthropic key", 40 },
		{ "xoxb-", "a file with a Slack token", 40 },
	};
	const char *end = p + n;
	const char *to;

	/* One pass over the words of the text: most are too short to be any. */
	for (const char *from = p; from < end; from = to + 1) {
		for (to = from; to < end && token_char[(unsigned char)*to]; to++)
			;
		for (size_t i = 0; to - from >= LEAST && i < AP_LEN(known); i++) {
			size_t k = strlen(known[i].prefix);

			if ((size_t)(to - from) >= k + known[i].least &&
				memcmp(from, known[i].prefix, k) == 0 &&
				is_random(from + k, (size_t)(to - from) - k))
				return known[i].what;
		}
	}
	return NULL;
}

const char *ap_secret_look(const char *path, const void *head, size_t n)
{
	const char *what = by_name(path);

	if (!what && is_settings(path))
		what = "a file of secret settings";
	if (what || !n)
		return what;
	n = AP_MIN(n, (size_t)AP_SECRET_HEAD);
	if (memchr(head, 0, n))
		return NULL; /* no text */
	/* Both halves: source code that writes keys has the words, too, but not on one line. */
	if (has(head, n, "-----BEGIN ") && has(head, n, "PRIVATE KEY-----\n"))
		return "a private key";
	if (ap_ends_with(path, ".json"))
		what = in_json(head, n);
	return what ? what : in_text(head, n);
}
