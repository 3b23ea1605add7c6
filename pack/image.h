/*
 * Base and new layers as the exact bytes of a configuration and a manifest.
 * Pure: no input or output.
 */
#ifndef AP_PACK_IMAGE_H
#define AP_PACK_IMAGE_H

#include "pack/base.h"
#include "pack/layer.h"

#define AP_IMAGE_WORKDIR "/usr/app"

struct ap_image {
	struct ap_descriptor manifest, config;
	char *manifest_json, *config_json; /* exact bytes */
	const struct ap_base *base;        /* borrowed */
	const struct ap_layer *layers;     /* borrowed, new layers only */
	size_t n_layers;
};

struct ap_image_opts {
	const struct ap_strv *labels; /* all config labels K=V, sorted */
	const struct ap_strv *entrypoint;
	const struct ap_strv *env;
	int64_t epoch;
	/* Annotations K=V of an OCI manifest; NULL: the labels under "org.opencontainers.image.". */
	const struct ap_strv *annotations;
	bool oci; /* an OCI image also on a schema 2 base: OCI layouts and archives hold nothing else */
};

/*
 * Config and manifest bytes after the base's kind; OCI too when o->oci says
 * so or a new layer has an OCI media type (zstd on a schema 2 base).
 * Errors: AP_E_INPUT for a label or variable that is not K=V;
 * AP_E_LIMIT for more than 127 layers.
 */
int ap_image_assemble(struct ap_image *out, const struct ap_base *base,
	const struct ap_layer *layers, size_t n_layers, const struct ap_image_opts *o,
	struct ap_err *err) AP_CHECK;
void ap_image_release(struct ap_image *i);

#endif
