/*
 * A plan as Dockerfile text: gcloud's sequence of instructions with its
 * mistakes mended.  Any builder makes from it, with the working directory as
 * context, an image equivalent to ours.
 *
 * dockerfile/ only prints: it reads no file, asks no network and builds
 * nothing.
 */
#ifndef AP_DOCKERFILE_EMIT_H
#define AP_DOCKERFILE_EMIT_H

#include "pack/layers.h"
#include "pack/plan.h"

/*
 * Append the Dockerfile of a plan.  With a lock its installs are
 * `pip install --no-deps --require-hashes`.
 *
 * lock: may be NULL.
 * Errors: AP_E_INPUT when it cannot be said in a Dockerfile: an executor image
 * that is in no registry, a value with a line break.
 */
int ap_dockerfile_emit(struct ap_buf *out, const struct ap_plan *p,
	const struct ap_image_request *req, const struct ap_lock *lock,
	struct ap_err *err) AP_CHECK;

#endif
