/*
 * The executor image: manifest and configuration for one platform, verified
 * and free of surprises.
 */
#ifndef AP_PACK_BASE_H
#define AP_PACK_BASE_H

#include "pack/store.h"

/* Labels of an image that tell which base it lies on. */
#define AP_LABEL_BASE_NAME   "org.opencontainers.image.base.name"
#define AP_LABEL_BASE_DIGEST "org.opencontainers.image.base.digest"

#define AP_LAYERS_MAX   127        /* of an image, in all: what overlay file systems take */
#define AP_MANIFEST_MAX (4u << 20) /* bytes of one document: manifest, index, configuration */
#define AP_INDEX_DEPTH  4          /* an index may list indexes; nobody nests them deeper */

/* The executor image as the registry has it, for one platform. */
struct ap_base {
	struct ap_ref ref;             /* as given */
	struct ap_descriptor manifest; /* of the platform's image */
	struct ap_digest index;        /* digest of the index it came from, or "" */
	cJSON *manifest_json, *config; /* parsed; config verified against its digest */
	struct ap_descriptor *layers;
	size_t n_layers;
	bool docker; /* media types of schema 2, else OCI */
};

/*
 * Resolve an index to the platform ("linux/amd64", "linux/arm/v7"); verify
 * digests, sizes and media types of all that is read.
 *
 * Errors: AP_E_UNSUPPORTED "no linux/arm64 in ..., it has ..." for a base of
 * another platform, an artifact that is no image, a schema 1 manifest;
 * AP_E_PROTO for documents that break the specification or could be read as
 * two kinds; AP_E_DIGEST, AP_E_LIMIT; AP_E_INPUT for a bad platform text.
 */
int ap_base_load(struct ap_base *out, struct ap_source *src, const char *platform,
	struct ap_err *err) AP_CHECK;
void ap_base_release(struct ap_base *b);

/* Value of a variable in the configuration's Env, or NULL.  borrowed. */
const char *ap_base_env(const struct ap_base *b, const char *name);

/* Does it ask whoever builds on it to run something first (ONBUILD)?  Nothing here can. */
bool ap_base_has_onbuild(const struct ap_base *b);

/*
 * Is it a platform that a program runs on, spelled as images spell it?
 * Errors: AP_E_INPUT with the nearest one.
 */
int ap_platform_check(const char *platform, struct ap_err *err) AP_CHECK;

/*
 * Which entry of an index is meant by the platform: its descriptor.  *out:
 * filled, ap_descriptor_release().  Errors: AP_E_UNSUPPORTED, AP_E_PROTO.
 */
int ap_index_choose(struct ap_descriptor *out, const cJSON *index, const char *platform,
	struct ap_err *err) AP_CHECK;

/*
 * Read a manifest's or index's bytes: *kind says which one it is, *out the
 * parsed document.  media_type is what the store says (NULL: nothing).
 *
 * *out: owned by the caller.
 * Errors: AP_E_PROTO when media types disagree or the document has the
 * members of two kinds; AP_E_UNSUPPORTED for schema 1 and unknown kinds.
 */
int ap_manifest_parse(cJSON **out, int *kind, const char *media_type, const void *p, size_t n,
	struct ap_err *err) AP_CHECK;

#endif
