/*
 * A small image in memory for tests of pack/: a source whose documents can
 * be bent, and builders of manifests.
 */
#ifndef AP_TESTS_STORE_H
#define AP_TESTS_STORE_H

#include "pack/store.h"

#define STORE_BLOBS 32

struct unit_store {
	struct ap_source source;
	struct {
		struct ap_digest digest;
		char *p;
		size_t n;
		char *media_type; /* of a manifest; NULL: a blob */
	} v[STORE_BLOBS];
	size_t n;
	size_t top;        /* the manifest that "no reference" means */
	unsigned n_opened; /* blobs handed out */
};

void unit_store_init(struct unit_store *s);
void unit_store_release(struct unit_store *s);

/* Store bytes; the digest is computed. */
const struct ap_digest *unit_store_add(
	struct unit_store *s, const char *media_type, const void *p, size_t n);

/* "{mediaType, digest, size}" of a stored thing. */
char *unit_descriptor(
	const struct unit_store *s, const struct ap_digest *d, const char *media_type);

/* A whole image of two layers for linux/amd64 as the top of the store. */
void unit_store_image(struct unit_store *s, bool docker);

#endif
