/*
 * The hardware part of a pool: machine, accelerators, disk, reservation, NFS
 * mounts, from pool words into the API's form.  Used for worker pools and
 * for the resource pools of persistent resources.
 */
#ifndef AP_VERTEX_MACHINE_H
#define AP_VERTEX_MACHINE_H

#include "vertex/pool_spec.h"

enum {
	AP_MACHINE_RESOURCE_POOL = 1 << 0, /* count never defaulted, no TPU */
};

/*
 * Write machineSpec, diskSpec and nfsMounts of `pool`, keeping members that
 * no word names.
 *
 * Words: machine-type accelerator-type accelerator-count tpu-topology
 * reservation-affinity disk-type disk-size nfs-mounts.
 * Errors: AP_E_USAGE naming flag and key.
 */
int ap_machine_words(cJSON *pool, const struct ap_pool_spec *s, const char *flag, unsigned flags,
	struct ap_err *err) AP_CHECK;

/*
 * What holds for hardware wherever it was written: a machine type; a count
 * only with a type; a disk size with sense.  `what` names the pool.
 * Errors: AP_E_USAGE.
 */
int ap_machine_check(
	const cJSON *pool, const char *what, unsigned flags, struct ap_err *err) AP_CHECK;

/* The API's defaults for the boot disk. */
#define AP_MACHINE_DISK_TYPE "pd-ssd"
#define AP_MACHINE_DISK_GB   100

#endif
