/*
 * What an image is made of: the layers that were added, the distributions in
 * them, the executor image and what its inventory knows.  One list, printed
 * as SPDX 2.3 and as CycloneDX 1.6.
 *
 * The documents follow from their inputs alone: no clock, no random number;
 * what has to be unique is derived from the content.
 */
#ifndef AP_ATTEST_BOM_H
#define AP_ATTEST_BOM_H

#include "attest/license.h"
#include "deps/inventory.h"
#include "deps/lock.h"
#include "pack/image.h"

enum ap_bom_format { AP_BOM_SPDX, AP_BOM_CYCLONEDX, AP_BOM_FORMATS };

/* An added distribution. */
struct ap_bom_dist {
	const struct ap_locked *locked; /* borrowed */
	char *url;    /* where it came from, no secrets in it; NULL: a local file */
	size_t layer; /* which of layers holds it */
	struct ap_license license;
};

struct ap_bom {
	char *name; /* "host/path"; of a directory or file: its last part */
	bool in_registry;
	struct ap_digest digest; /* of the image */
	const char *platform;    /* borrowed */
	int64_t epoch;
	char *base_name; /* NULL: the base is in no registry */
	struct ap_digest base_digest;
	const struct ap_layer *layers; /* added ones, borrowed */
	size_t n_layers;
	struct ap_bom_dist *dists; /* in the lock's order */
	size_t n_dists;
	const struct ap_dist *
		*base_dists; /* those that are still there, borrowed; NULL: not known */
	size_t n_base_dists;
};

/* Everything is borrowed for the life of the bill. */
struct ap_bom_inputs {
	const struct ap_ref *dest;
	const struct ap_digest *digest;
	const char *platform;
	int64_t epoch;
	const struct ap_base *base;
	const struct ap_layer *layers;
	size_t n_layers;
	const struct ap_lock *lock;
	const size_t *layer_of;               /* of each wheel of the lock */
	const struct ap_strv *wheels;         /* its file */
	const struct ap_inventory *inventory; /* NULL: not known */
};

/* *out: ap_bom_release().  Errors: AP_E_PROTO, AP_E_IO of a wheel. */
int ap_bom_make(struct ap_bom *out, const struct ap_bom_inputs *in, struct ap_err *err) AP_CHECK;
void ap_bom_release(struct ap_bom *b);

/* The document, one member after another in a fixed order.  owned by the caller. */
cJSON *ap_bom_document(const struct ap_bom *b, enum ap_bom_format format);

/* What the format is called: on the command line, as media type, as predicate of in-toto. */
const char *ap_bom_word(enum ap_bom_format f);
const char *ap_bom_media_type(enum ap_bom_format f);
const char *ap_bom_predicate(enum ap_bom_format f);
/* False when the word names none. */
bool ap_bom_format_of(enum ap_bom_format *out, const char *word);

/* "host/path", or the last part of a directory's or file's name.  *out: owned. */
char *ap_attest_name(const struct ap_ref *dest);

/* Package URLs, appended.  Source: purl specification, types pypi and oci. */
void ap_purl_pypi(struct ap_buf *out, const char *normalized, const char *version);
void ap_purl_oci(
	struct ap_buf *out, const char *name, const struct ap_digest *digest, const char *platform);

/* The printers, each in a file of its own. */
cJSON *ap_bom_spdx(const struct ap_bom *b);
cJSON *ap_bom_cyclonedx(const struct ap_bom *b);

#endif
