/*
 * Where images come from and go to: a registry (registry/), a layout
 * directory or an archive (pack/).
 */
#ifndef AP_PACK_STORE_H
#define AP_PACK_STORE_H

#include "base/io.h"
#include "base/json.h"
#include "pack/ref.h"

/* Source: image-spec v1.1 descriptor.md. */
struct ap_descriptor {
	char *media_type;
	struct ap_digest digest;
	uint64_t size;
	cJSON *annotations; /* object or NULL */
	cJSON *platform;    /* object or NULL: entries of an index */
	cJSON *urls;        /* array or NULL: foreign layers; never fetched */
	char *artifact_type;
};

void ap_descriptor_release(struct ap_descriptor *d);
void ap_descriptor_copy(struct ap_descriptor *to, const struct ap_descriptor *from);
int ap_descriptor_from_json(struct ap_descriptor *out, const cJSON *j, struct ap_err *err) AP_CHECK;
cJSON *ap_descriptor_to_json(const struct ap_descriptor *d);

struct ap_source;

struct ap_source_ops {
	const char *name;
	/*
	 * The manifest or index that `reference` (a tag, a digest, or NULL: what
	 * the source was opened for) names; bytes verified against the digest
	 * when one is known, at most 4 MiB.  *desc is filled with media type,
	 * digest, size.  Errors: AP_E_NOT_FOUND, AP_E_DIGEST, AP_E_PROTO, ...
	 */
	int (*get_manifest)(struct ap_source *s, const char *reference, struct ap_descriptor *desc,
		struct ap_buf *body, struct ap_err *err);
	/* A verified stream of a blob.  *out: owned.  Threads: yes. */
	int (*open_blob)(struct ap_source *s, const struct ap_descriptor *desc,
		struct ap_reader **out, struct ap_err *err);
	/* get_manifest() of what may well not be there: asked for once.  NULL: get_manifest() is that. */
	int (*find_manifest)(struct ap_source *s, const char *reference, struct ap_descriptor *desc,
		struct ap_buf *body, struct ap_err *err);
	/*
	 * The store's own list of what refers to a manifest: an index.  *known
	 * false: it keeps none.  NULL: never any.
	 */
	int (*get_referrers)(struct ap_source *s, const struct ap_digest *subject,
		struct ap_buf *index, bool *known, struct ap_err *err);
	/*
	 * Bytes [from, from + size) of a blob, not verified.  NULL: not possible.
	 * Errors: AP_E_UNSUPPORTED when the store gives whole blobs only.
	 */
	int (*open_range)(struct ap_source *s, const struct ap_descriptor *desc, uint64_t from,
		uint64_t size, struct ap_reader **out, struct ap_err *err);
	void (*free)(struct ap_source *s);
};

struct ap_source {
	const struct ap_source_ops *ops;
	struct ap_ref ref; /* what it was opened for; released by ap_source_free */
};

void ap_source_free(struct ap_source *s);

struct ap_sink;

struct ap_sink_ops {
	const char *name;
	/* Set *present when the sink already holds desc; false also for "cannot tell cheaply". */
	int (*has_blob)(struct ap_sink *s, const struct ap_descriptor *desc, bool *present,
		struct ap_err *err);
	/*
	 * Make a blob of another repository of the same sink appear without its
	 * bytes; *done false: not possible, send them.  NULL: never possible.
	 */
	int (*mount)(struct ap_sink *s, const struct ap_descriptor *desc, const struct ap_ref *from,
		bool *done, struct ap_err *err);
	/* Store desc->size bytes from r (rewound for another try).  Idempotent.  Verifies size and digest (AP_E_DIGEST).  Threads: yes. */
	int (*put_blob)(struct ap_sink *s, const struct ap_descriptor *desc, struct ap_reader *r,
		struct ap_err *err);
	/* Publish a manifest under tag (NULL: by digest).  Every blob it names has been put before. */
	int (*put_manifest)(struct ap_sink *s, const struct ap_descriptor *desc, const void *json,
		const char *tag, struct ap_err *err);
	/*
	 * Publish, by its digest, a manifest that has a subject; *listed: the
	 * store itself lists it among what refers there.  NULL: put_manifest(),
	 * and it is not listed.
	 */
	int (*put_referrer)(struct ap_sink *s, const struct ap_descriptor *desc, const void *json,
		bool *listed, struct ap_err *err);
	/* The manifest that is there under a tag or digest; AP_E_NOT_FOUND.  For "nothing to do" checks. */
	int (*get_manifest)(struct ap_sink *s, const char *reference, struct ap_descriptor *desc,
		struct ap_buf *body, struct ap_err *err);
	/* A small blob that is there (a configuration), verified. */
	int (*get_blob)(struct ap_sink *s, const struct ap_descriptor *desc, struct ap_buf *body,
		struct ap_err *err);
	/* Does the destination exist and may we write to it?  AP_E_AUTH or AP_E_NOT_FOUND with the remedy.  NULL: always. */
	int (*preflight)(struct ap_sink *s, struct ap_err *err);
	/* Flush: an archive is written here, a layout's index.json.  NULL: nothing to do. */
	int (*finish)(struct ap_sink *s, struct ap_err *err);
	void (*free)(struct ap_sink *s);
};

struct ap_sink {
	const struct ap_sink_ops *ops;
	struct ap_ref ref;
};

void ap_sink_free(struct ap_sink *s);

/* Publish what was put; of a sink that has nothing to do for it, too. */
int ap_sink_finish(struct ap_sink *s, struct ap_err *err) AP_CHECK;

#endif
