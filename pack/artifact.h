/*
 * A small thing of ours in a repository, beside the images: one blob and
 * notes about it, under a tag; signed where there is a secret.
 *
 * Whoever may push there can write one: what it says is believed only as
 * far as README's "Security" says.
 */
#ifndef AP_PACK_ARTIFACT_H
#define AP_PACK_ARTIFACT_H

#include "pack/store.h"

/* Only registries keep them. */
bool ap_artifact_possible(const struct ap_sink *s);

/*
 * *blob: ap_descriptor_release(); *notes: the annotations, owned.
 * Errors: AP_E_NOT_FOUND; AP_E_PROTO for one of another type.
 */
int ap_artifact_get(struct ap_descriptor *blob, cJSON **notes, struct ap_sink *s, const char *tag,
	const char *type, struct ap_err *err) AP_CHECK;

/* Is the tag taken?  Errors: those of the sink. */
int ap_artifact_there(bool *there, struct ap_sink *s, const char *tag, struct ap_err *err) AP_CHECK;

/* The blob has been put before.  Errors: those of the sink. */
int ap_artifact_put(struct ap_sink *s, const char *tag, const char *type,
	const struct ap_descriptor *blob, const cJSON *notes, struct ap_err *err) AP_CHECK;

/* Note under `name` the HMAC of `text`; without a secret nothing is noted, */
void ap_artifact_sign(cJSON *notes, const char *name, const char *secret, const char *text);

/* and everything is believed. */
bool ap_artifact_signed(const cJSON *notes, const char *name, const char *secret, const char *text);

#endif
