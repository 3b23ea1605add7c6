/*
 * Labels and the other small texts that every resource has, with the rules
 * of Google Cloud.
 */
#ifndef AP_VERTEX_LABEL_H
#define AP_VERTEX_LABEL_H

#include "base/json.h"

/*
 * Lay "K=V" texts over the labels of body.
 * Errors: AP_E_USAGE naming the label and the rule; a key given twice.
 */
int ap_labels_apply(cJSON *body, const struct ap_strv *labels, struct ap_err *err) AP_CHECK;

/* Check all labels of body, wherever they come from.  Errors: AP_E_USAGE. */
int ap_labels_check(const cJSON *body, struct ap_err *err) AP_CHECK;

/*
 * The full name of a KMS key from --kms-key, or from its parts; project and
 * location are defaults for what is not said.
 * *out: owned, NULL when no key was said.  Errors: AP_E_USAGE.
 */
struct ap_kms_words {
	const char *key, *keyring, *location, *project;
	const char *default_location, *default_project;
};
int ap_kms_key_name(char **out, const struct ap_kms_words *w, struct ap_err *err) AP_CHECK;

/* A display name: 1 to 128 characters.  Errors: AP_E_USAGE. */
int ap_display_name_check(const char *name, struct ap_err *err) AP_CHECK;

/* "projects/P/global/networks/N".  Errors: AP_E_USAGE. */
int ap_network_check(const char *name, struct ap_err *err) AP_CHECK;

#endif
