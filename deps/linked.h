/*
 * Archives that lie in directories of this machine: --find-links, and
 * indexes with a file: address.
 */
#ifndef AP_DEPS_LINKED_H
#define AP_DEPS_LINKED_H

#include "deps/lock.h"

/*
 * Entries with a file: address become local ones: a lock names files by name
 * and digest, and no path of this machine.
 * Errors: AP_E_INPUT for an address that names another host.
 */
int ap_linked_take(struct ap_lock *lock, struct ap_err *err) AP_CHECK;

/*
 * The file of that name and content in one of `places` (directories, files,
 * addresses: those are passed over).  *out: owned; NULL: there is none.
 */
char *ap_linked_find(
	const struct ap_strv *places, const char *filename, const struct ap_digest *digest);

#endif
