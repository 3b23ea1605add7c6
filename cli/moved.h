/*
 * Flags that people try where they are not: each is answered with the place
 * that takes it.  No value of theirs is kept.
 */
#ifndef AP_CLI_MOVED_H
#define AP_CLI_MOVED_H

#include "cli/opt.h"

/* On the create commands: keys of a worker pool. */
#define AP_MOVED_TO_POOL_N 16
extern const struct ap_opt ap_moved_to_pool[AP_MOVED_TO_POOL_N];
#define AP_MOVED_TO_POOL_GROUP                                       \
	{                                                            \
		"elsewhere", ap_moved_to_pool, AP_MOVED_TO_POOL_N, 0 \
	}

/* On `build`: what other builders call these flags, and what is the job's. */
#define AP_MOVED_FROM_BUILD_N 16
extern const struct ap_opt ap_moved_from_build[AP_MOVED_FROM_BUILD_N];
#define AP_MOVED_FROM_BUILD_GROUP                                          \
	{                                                                  \
		"elsewhere", ap_moved_from_build, AP_MOVED_FROM_BUILD_N, 0 \
	}

#endif
