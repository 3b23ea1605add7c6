/*
 * The table of contents of the program: the stages from a request to a job,
 * one struct an arrow.  What a command does is a set of stages; no stage asks
 * whether it is a dry run.
 *
 *   plan      request -> files, entry point, dependency inputs, request tag
 *   look      is the image there already?  (--dry-run=pushed)
 *   resolve   the base, its inventory, the lock; may we push?  is it there?
 *   layers    what the base lacks, each sent while the next is made
 *   image     configuration and manifest
 *   push      the rest, and the names
 *   attest    bill of materials, provenance, signatures beside the image
 *   spec      the job's body
 *   submit    the job (job_create.c: what kind of job is the command's affair)
 */
#ifndef AP_CLI_RUN_H
#define AP_CLI_RUN_H

#include "attest/signer.h"
#include "cli/cost.h"
#include "cli/pack_opts.h"
#include "cli/world.h"
#include "deps/install.h"
#include "deps/resolve.h"
#include "pack/group.h"
#include "pack/layers.h"
#include "vertex/job.h"
#include "vertex/jobspec.h"

enum {
	AP_DO_PLAN = 1 << 0,
	AP_DO_LOOK = 1 << 1,
	AP_DO_RESOLVE = 1 << 2,
	AP_DO_LAYERS = 1 << 3,
	AP_DO_IMAGE = 1 << 4,
	AP_DO_PUSH = 1 << 5,
	AP_DO_ATTEST = 1 << 6,
	AP_DO_SPEC = 1 << 7,
	AP_DO_SUBMIT = 1 << 8,

	AP_RUN_PLAN = AP_DO_PLAN | AP_DO_SPEC,
	AP_RUN_CHECK = AP_DO_PLAN | AP_DO_RESOLVE | AP_DO_SPEC,
	AP_RUN_PUSHED = AP_DO_PLAN | AP_DO_LOOK | AP_DO_SPEC,
	AP_RUN_IMAGE =
		AP_DO_PLAN | AP_DO_RESOLVE | AP_DO_LAYERS | AP_DO_IMAGE | AP_DO_PUSH | AP_DO_ATTEST,
	AP_RUN_FULL = AP_RUN_IMAGE | AP_DO_SPEC | AP_DO_SUBMIT,
};

/* What was asked for.  Filled by the command; const for every stage. */
struct ap_ask {
	struct ap_image_request image; /* when has_image */
	bool has_image;
	const struct ap_pack_opts *pack; /* flags; borrowed */
	struct ap_ref dest;              /* where the image goes; dest.tag: its second name */
	struct ap_jobspec *job;          /* NULL: no job */
	const char *project, *region;    /* of the job; borrowed */
	const char *cache_dir;           /* borrowed; NULL: none to be had */
	bool remote_cache;               /* records beside the image may be read and written */
	struct ap_ref cache;   /* where records are shared; no registry: beside the image */
	struct ap_signer *key; /* of --sign-key, owned; NULL: nothing is signed */
	struct ap_inventory *inventory; /* of --inventory, owned; NULL: the base is read */
};

struct ap_run {
	struct ap_ask ask;
	struct ap_world *world;       /* borrowed */
	struct ap_progress *progress; /* borrowed */

	struct ap_plan plan;
	struct ap_source *source;
	struct ap_sink *sink;
	struct ap_base base;
	struct ap_inventory *inventory; /* NULL when nothing is installed */
	bool inventory_is_new;          /* layers were read for it: to be shared */
	struct ap_inside *inside; /* where the base's programs run; NULL: nothing is installed */
	struct ap_lock lock;
	struct ap_strv entrypoint, labels; /* final ones */
	struct ap_layer *layers;
	size_t n_layers;
	struct ap_digest
		*keys;    /* of layers made here whose bytes follow from a key; "" otherwise */
	size_t *layer_of; /* for each wheel of the lock: its layer; NULL: none was made */
	struct ap_sink *cache_sink; /* of --cache-repository; NULL: records live beside the image */
	struct ap_push *push;
	struct ap_image image;
	struct ap_push_stats stats;
	bool was_there;             /* nothing was built: the image was in the destination, */
	bool name_is_right;         /* and has its second name, if one was asked for */
	struct ap_descriptor there; /* its manifest, */
	struct ap_buf there_body;   /* in bytes */
	struct ap_descriptor named; /* what the second name is of now, */
	struct ap_buf named_body;   /* in bytes; empty: nothing, or nothing that can be read */
	struct ap_digest digest;    /* of the image, once known */
	char *image_uri;            /* with the request tag, then with the digest */
	cJSON *body;                /* of the job */
	struct ap_vertex *vertex;
	struct ap_job submitted;

	char *scratch;           /* stands in for a cache that cannot be written; NULL: none */
	int cache_fd;            /* the cache is ours to read as long as it is open */
	unsigned done, needless; /* sets of stages */
	struct ap_cost costs[9]; /* of each stage, in their order */
};

void ap_run_init(struct ap_run *r, struct ap_world *w);
void ap_run_release(struct ap_run *r);

/*
 * A stage that a command runs itself (submit) begins and ends with these, so
 * that it is shown and counted like the others.
 */
void ap_run_begin(struct ap_run *r, unsigned bit);
void ap_run_end(struct ap_run *r, unsigned bit);

/* "resolve": the name of stage number i; "" when it was not run, NULL behind the last. */
const char *ap_run_stage(const struct ap_run *r, size_t i);

/* Run the stages of a set in their order. */
int ap_run(struct ap_run *r, unsigned stages, struct ap_err *err) AP_CHECK;

/* The stages, in files of their own. */
int ap_run_resolve(struct ap_run *r, struct ap_err *err) AP_CHECK;
int ap_run_look(struct ap_run *r, struct ap_err *err) AP_CHECK;
int ap_run_layers(struct ap_run *r, struct ap_err *err) AP_CHECK;
int ap_run_image(struct ap_run *r, struct ap_err *err) AP_CHECK;
int ap_run_push(struct ap_run *r, struct ap_err *err) AP_CHECK;
int ap_run_attest(struct ap_run *r, struct ap_err *err) AP_CHECK;

/* Is a bill of materials wanted?  It needs the layers, though the image be there already. */
bool ap_run_wants_bom(const struct ap_run *r);
/* Will anything be written beside the image? */
bool ap_run_attaches(const struct ap_run *r);

/* The set that --dry-run asks for; `otherwise` without it. */
unsigned ap_run_stages(const char *dry_run, unsigned otherwise);

/* What was made, or would be: for --metadata-file and --format.  A new object, owned. */
cJSON *ap_run_metadata(const struct ap_run *r);

/* --digest-file, --metadata-file, --lock-out, as far as asked for and known. */
int ap_run_write_files(const struct ap_run *r, struct ap_err *err) AP_CHECK;

#endif
