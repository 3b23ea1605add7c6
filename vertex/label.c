#include "vertex/label.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LABELS     64
#define MAX_LABEL_SIZE 63
#define MAX_NAME       128

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* Capitals of Latin-1, Greek and Cyrillic: labels take lower case only. */
static bool is_capital(const unsigned char *p)
{
	return (p[0] == 0xc3 && p[1] >= 0x80 && p[1] <= 0x9e && p[1] != 0x97) ||
	       (p[0] == 0xce && p[1] >= 0x91 && p[1] <= 0xa9) ||
	       (p[0] == 0xd0 && p[1] >= 0x80 && p[1] <= 0xaf);
}

static bool text_ok(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	if (characters(s) > MAX_LABEL_SIZE || !ap_utf8_ok(s, strlen(s)))
		return false;
	for (; *p; p++) {
		if (*p >= 0x80 ? is_capital(p)
			       : !((*p >= 'a' && *p <= 'z') || ap_is_digit((char)*p) || *p == '_' ||
					 *p == '-'))
			return false;
	}
	return true;
}

static int check_label(const char *key, const char *value, struct ap_err *err)
{
	unsigned char first = (unsigned char)*key;

	if (!text_ok(key) || !((first >= 'a' && first <= 'z') || first >= 0x80))
		return ap_err_set(err, AP_E_USAGE,
			"labels: bad key \"%.80s\": want 1 to 63 lower-case letters, digits, _ or "
			"-, beginning with a letter",
			key);
	if (!text_ok(value))
		return ap_err_set(err, AP_E_USAGE,
			"labels: bad value \"%.80s\" of %s: want at most 63 lower-case letters, "
			"digits, _ or -",
			value, key);
	return 0;
}

int ap_labels_check(const cJSON *body, struct ap_err *err)
{
	const cJSON *labels = ap_json_get(body, "labels");

	if (cJSON_GetArraySize(labels) > MAX_LABELS)
		return ap_err_set(err, AP_E_USAGE, "labels: %d of them; want at most %d",
			cJSON_GetArraySize(labels), MAX_LABELS);
	for (const cJSON *l = labels ? labels->child : NULL; l; l = l->next) {
		if (check_label(l->string, l->valuestring ? l->valuestring : "", err) < 0)
			return -1;
	}
	return 0;
}

int ap_labels_apply(cJSON *body, const struct ap_strv *labels, struct ap_err *err)
{
	ap_auto_strv seen = { 0 };

	for (size_t i = 0; i < labels->n; i++) {
		const char *eq = strchr(labels->v[i], '=');
		ap_auto_free char *key = NULL;
		cJSON *map;

		if (!eq)
			return ap_err_set(err, AP_E_USAGE,
				"--labels: want KEY=VALUE, found \"%.80s\"", labels->v[i]);
		key = ap_xstrndup(labels->v[i], (size_t)(eq - labels->v[i]));
		if (ap_strv_has(&seen, key))
			return ap_err_set(err, AP_E_USAGE, "--labels: %.80s is given twice", key);
		ap_strv_add(&seen, key);
		if (check_label(key, eq + 1, err) < 0)
			return -1;
		map = cJSON_GetObjectItemCaseSensitive(body, "labels");
		if (!map)
			map = ap_json_set_object(body, "labels");
		ap_json_set(map, key, ap_json_string(eq + 1));
	}
	return 0;
}

static bool is_full_key(const char *s)
{
	static const char *const words[] = { "projects", "locations", "keyRings", "cryptoKeys" };
	struct ap_str rest = ap_str(s);
	struct ap_str part;

	for (size_t i = 0; i < AP_LEN(words); i++) {
		if (!ap_str_next(&rest, '/', &part) || !ap_str_eq(part, words[i]) ||
			!ap_str_next(&rest, '/', &part) || !part.n)
			return false;
	}
	return !ap_str_next(&rest, '/', &part);
}

void ap_kms_copy(struct ap_kms *to, const struct ap_kms *from)
{
	to->key = ap_dup(from->key);
	to->keyring = ap_dup(from->keyring);
	to->location = ap_dup(from->location);
	to->project = ap_dup(from->project);
}

void ap_kms_release(struct ap_kms *k)
{
	free(k->key);
	free(k->keyring);
	free(k->location);
	free(k->project);
	*k = (struct ap_kms){ 0 };
}

int ap_kms_apply(cJSON *body, const struct ap_kms *k, const char *project, const char *location,
	struct ap_err *err)
{
	ap_auto_free char *name = NULL;

	if (!k->key && (k->keyring || k->location || k->project))
		return ap_err_set(err, AP_E_USAGE,
			"--kms-keyring, --kms-location and --kms-project need --kms-key");
	if (!k->key)
		return 0;
	location = k->location ? k->location : location;
	project = k->project ? k->project : project;
	if (strchr(k->key, '/') && is_full_key(k->key))
		name = ap_xstrdup(k->key);
	else if (!k->keyring || !location || !project || strchr(k->key, '/') || !*k->key)
		return ap_err_set(err, AP_E_USAGE,
			"--kms-key: want projects/P/locations/L/keyRings/R/cryptoKeys/K, or a key "
			"with --kms-keyring and --kms-location; found \"%.100s\"",
			k->key);
	else
		name = ap_xasprintf("projects/%s/locations/%s/keyRings/%s/cryptoKeys/%s", project,
			location, k->keyring, k->key);
	if (!is_full_key(name))
		return ap_err_set(
			err, AP_E_USAGE, "--kms-key: \"%.200s\" is no name of a key", name);
	ap_json_set_str(ap_json_make_object(body, "encryptionSpec"), "kmsKeyName", name);
	return 0;
}

int ap_display_name_check(const char *name, struct ap_err *err)
{
	size_t n = characters(name);

	if (!ap_utf8_ok(name, strlen(name)))
		return ap_err_set(err, AP_E_USAGE, "display name: not valid UTF-8");
	if (n < 1 || n > MAX_NAME)
		return ap_err_set(err, AP_E_USAGE,
			"display name: want 1 to %d characters, found %zu", MAX_NAME, n);
	return 0;
}

int ap_network_check(const char *name, struct ap_err *err)
{
	struct ap_str rest = ap_str(name);
	struct ap_str p[5] = { 0 };
	size_t n = 0;

	while (n < AP_LEN(p) && ap_str_next(&rest, '/', &p[n]))
		n++;
	if (n != AP_LEN(p) || rest.p || !ap_str_eq(p[0], "projects") || !p[1].n ||
		!ap_str_eq(p[2], "global") || !ap_str_eq(p[3], "networks") || !p[4].n)
		return ap_err_set(err, AP_E_USAGE,
			"network: want projects/NUMBER/global/networks/NAME, found \"%.100s\"",
			name);
	return 0;
}
