/*
 * From a plan, and what was resolved, to finished layers; from layers and
 * the base to an image; from an image to a sink.
 */
#ifndef AP_PACK_LAYERS_H
#define AP_PACK_LAYERS_H

#include "base/pool.h"
#include "deps/inventory.h"
#include "deps/lock.h"
#include "pack/plan.h"
#include "pack/store.h"

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

/* Resolve an index to the platform; verify all.  Errors: AP_E_INPUT..., "no linux/arm64 in the index, it has ...". */
int ap_base_load(struct ap_base *out, struct ap_source *src, const char *platform,
	struct ap_err *err) AP_CHECK;
void ap_base_release(struct ap_base *b);

/* A finished layer: what the manifest says, what the config says, how to read its bytes again. */
struct ap_layer {
	struct ap_descriptor desc;
	struct ap_digest diff_id;
	char *title;             /* history's created_by */
	struct ap_content *blob; /* compressed bytes, readable any number of times */
};
void ap_layer_release(struct ap_layer *l);

struct ap_layer_opts {
	int64_t epoch;
	int compression;       /* AP_GZIP, AP_ZSTD */
	bool docker;           /* media type family */
	const char *spool_dir; /* where compressed bytes wait: under the cache */
	struct ap_pool *pool;  /* may be NULL: one thread */
	struct ap_progress *progress;
};

/*
 * Write a sorted tree as one tar layer, compressed, hashed in the same pass.
 * The bytes depend on the tree and the options only, never on the machine.
 * Errors: AP_E_CHANGED when a local file changed meanwhile.  Threads: yes.
 * Source: image-spec v1.1 layer.md.
 */
int ap_layer_make(struct ap_layer *out, const struct ap_tree *tree, const char *title,
	const struct ap_layer_opts *o, struct ap_err *err) AP_CHECK;

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
};

/* Pure: config and manifest bytes after the base's kind. */
int ap_image_assemble(struct ap_image *out, const struct ap_base *base,
	const struct ap_layer *layers, size_t n_layers, const struct ap_image_opts *o,
	struct ap_err *err) AP_CHECK;
void ap_image_release(struct ap_image *i);

struct ap_push_stats {
	uint64_t sent, mounted, skipped; /* blobs */
	uint64_t sent_bytes, total_bytes;
};

/*
 * Send what is missing, several blobs at once, then the manifest under each
 * tag.  Base blobs: has_blob, mount, else streamed from src.
 */
int ap_image_push(struct ap_push_stats *stats, const struct ap_image *i, struct ap_source *src,
	struct ap_sink *sink, const struct ap_strv *tags, struct ap_pool *pool,
	struct ap_progress *progress, struct ap_err *err) AP_CHECK;

#endif
