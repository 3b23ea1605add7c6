/*
 * How an image was made: SLSA provenance v1, and the in-toto statement that
 * says which image a document is about.
 *
 * Source: in-toto attestation, Statement v1; slsa.dev/provenance/v1.
 */
#ifndef AP_ATTEST_PROVENANCE_H
#define AP_ATTEST_PROVENANCE_H

#include "deps/lock.h"
#include "pack/base.h"
#include "pack/plan.h"

#define AP_STATEMENT_TYPE       "https://in-toto.io/Statement/v1"
#define AP_IN_TOTO_MEDIA_TYPE   "application/vnd.in-toto+json"
#define AP_PROVENANCE_PREDICATE "https://slsa.dev/provenance/v1"
/* Annotation of a manifest that holds a statement: which kind. */
#define AP_PREDICATE_NOTE "in-toto.io/predicate-type"
/*
 * buildType.  externalParameters are the request in the words of `autopack
 * build` (executorImage, script or pythonModule, requirements,
 * extraPackages, extraDirs, environment: names only, platform, compression,
 * compile when bytecode was asked for, indexUrls) and requestTag, the hash of
 * all inputs with their contents.
 * resolvedDependencies are the executor image, every wheel, and the revision
 * of the code when version control knows it.
 */
#define AP_BUILD_TYPE "urn:autopack:build:v1"
/* runDetails.builder.id, where nobody names a better one. */
#define AP_BUILDER_ID "urn:autopack:cli"

struct ap_provenance_inputs {
	const struct ap_image_request *request;
	const struct ap_plan *plan;
	const struct ap_base *base;
	const struct ap_lock *lock;
	const char *builder_id; /* NULL: AP_BUILDER_ID */
};

/* The predicate.  Nothing secret of the request is in it.  owned by the caller. */
cJSON *ap_provenance(const struct ap_provenance_inputs *in);

/* A statement about one image; takes the predicate.  owned by the caller. */
cJSON *ap_statement(const char *name, const struct ap_digest *digest, const char *predicate_type,
	cJSON *predicate);

/* A requirement without passwords and tokens of the URLs in it, appended. */
void ap_requirement_public(struct ap_buf *out, const char *requirement);

#endif
