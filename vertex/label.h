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

/* A customer-managed key: its full name, or an ID and the three others.  Strings owned. */
struct ap_kms {
	char *key, *keyring, *location, *project;
};
void ap_kms_copy(struct ap_kms *to, const struct ap_kms *from);
void ap_kms_release(struct ap_kms *k);

/*
 * Lay the key over the encryptionSpec of body; nothing when none is said.
 * project and location: for what is not said of it; may be NULL.
 * Errors: AP_E_USAGE.
 */
int ap_kms_apply(cJSON *body, const struct ap_kms *k, const char *project, const char *location,
	struct ap_err *err) AP_CHECK;

/* A display name: 1 to 128 characters.  Errors: AP_E_USAGE. */
int ap_display_name_check(const char *name, struct ap_err *err) AP_CHECK;

/* "projects/P/global/networks/N".  Errors: AP_E_USAGE. */
int ap_network_check(const char *name, struct ap_err *err) AP_CHECK;

#endif
