/*
 * The executor image as a place where its own programs run: by podman,
 * docker, buildah or crun, the first that is on PATH and can.
 *
 * The image is given to the runtime under a name of its own, by digest, and
 * stays there, as one that was pulled would; containers do not outlive us.
 */
#ifndef AP_CLI_INSIDE_H
#define AP_CLI_INSIDE_H

#include "base/progress.h"
#include "deps/inside.h"
#include "pack/base.h"

struct ap_world;

struct ap_inside_opts {
	struct ap_world *world;     /* borrowed, like all of these */
	struct ap_source *source;   /* of the base */
	const struct ap_base *base; /* loaded */
	const char *platform;
	const char *cache_dir; /* what has to be copied goes below it for a while */
	struct ap_progress *progress;
};

/* Nothing is started before ready() or run().  *out: owned, ap_inside_free(). */
void ap_inside_new(struct ap_inside **out, const struct ap_inside_opts *o);
void ap_inside_free(struct ap_inside *in);

/*
 * The command line by which a runtime runs argv[] in an image (buildah: in a
 * container; crun: in a bundle, whose config.json has argv).  Pure.
 */
void ap_inside_argv(struct ap_strv *out, const char *runtime, const char *image, const char *name,
	const struct ap_strv *argv);

#endif
