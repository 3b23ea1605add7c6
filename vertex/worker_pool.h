/*
 * Worker pools: the words of --worker-pool-spec laid over the pools of a
 * --config file.
 */
#ifndef AP_VERTEX_WORKER_POOL_H
#define AP_VERTEX_WORKER_POOL_H

#include "vertex/pool_spec.h"

/* All --worker-pool-spec of a command line. */
struct ap_worker_words {
	struct ap_pool_spec *v;
	char **flag; /* "--worker-pool-spec", or "--worker-pool-spec 2" when there are more */
	size_t n;
	bool packaged; /* the first one asks for packaging */
};

/*
 * Parse and check each by itself and against the first: which keys go
 * together, image keys in the first only.
 * from_file: pools that the file has, so that words may leave things out.
 * Errors: AP_E_USAGE.
 */
int ap_worker_words_parse(struct ap_worker_words *out, const struct ap_strv *texts,
	size_t from_file, struct ap_err *err) AP_CHECK;
void ap_worker_words_release(struct ap_worker_words *w);

/*
 * Lay the words over `pools` (an array), pool by pool; members that no word
 * names survive.  Pools that run the packaged code get an imageUri of "".
 * warnings: what was replaced.
 */
int ap_worker_pools_apply(cJSON *pools, const struct ap_worker_words *w, struct ap_strv *warnings,
	struct ap_err *err) AP_CHECK;

/*
 * Put --args, --command and --python-package-uris into every pool that runs
 * something.  Errors: AP_E_USAGE when --args or --command fits no pool.
 */
struct ap_worker_all {
	const struct ap_strv *args, *command, *package_uris;
};
int ap_worker_pools_all(cJSON *pools, const struct ap_worker_all *all, bool packaged,
	struct ap_strv *warnings, struct ap_err *err) AP_CHECK;

/*
 * What holds for finished pools: one task each, limits.  warnings: replicas
 * of the first one.  *bad: the index of the pool that an error is about.
 */
int ap_worker_pools_check(
	const cJSON *pools, size_t *bad, struct ap_strv *warnings, struct ap_err *err) AP_CHECK;

/* The key whose word made a field of a pool ("machine_spec.machine_type"), or NULL. */
const char *ap_worker_key_of(const char *field);

#endif
