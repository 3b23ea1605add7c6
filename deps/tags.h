/*
 * Which wheels a base's Python takes, and which of two fits better.
 * Source: platform compatibility tags specification.
 */
#ifndef AP_DEPS_TAGS_H
#define AP_DEPS_TAGS_H

#include "deps/inventory.h"

/* The tags that fit, best first: "cp311-cp311-manylinux_2_36_x86_64". */
struct ap_tags {
	struct ap_strv v;
};

/* Errors: AP_E_UNSUPPORTED for a Python, an architecture or a libc that we know no tags of. */
int ap_tags_make(struct ap_tags *out, const struct ap_inventory *inv, struct ap_err *err) AP_CHECK;
void ap_tags_release(struct ap_tags *t);

#define AP_TAGS_NO_FIT SIZE_MAX

/* The rank of a wheel by its file name: 0 is best; AP_TAGS_NO_FIT also for what is no wheel. */
size_t ap_tags_rank(const struct ap_tags *t, const char *filename);

/* The wheel architecture of an image's: "x86_64" of "amd64"; NULL when not known.  borrowed. */
const char *ap_tags_arch(const char *image_arch);

#endif
