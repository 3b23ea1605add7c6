/*
 * Does a file look like a credential?  For a warning only: the user may mean
 * it.
 */
#ifndef AP_PACK_SECRET_H
#define AP_PACK_SECRET_H

#include "base/compiler.h"

#define AP_SECRET_HEAD 65536 /* that much of a file's beginning is looked at */

/* What it looks like ("a private key"), or NULL.  head: the first bytes of the file. */
const char *ap_secret_look(const char *path, const void *head, size_t n);

#endif
