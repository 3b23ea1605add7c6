/*
 * Images in one tar file: oci-archive (an OCI layout in a tar) and
 * docker-archive (what `docker save` writes and `docker load` reads), as
 * sources and sinks.
 *
 * A docker-archive that we write is also an OCI layout, as Docker's own have
 * been since version 25.  The file appears under its name in finish() only.
 */
#ifndef AP_PACK_ARCHIVE_H
#define AP_PACK_ARCHIVE_H

#include "pack/store.h"

/*
 * Open FILE (plain or compressed) for reading.  The transport of ref tells
 * which kind is wanted; a docker-archive without an OCI index gets a manifest
 * of schema 2 made up, its layers hashed once.
 *
 * *out: owned by the caller, ap_source_free().
 * Errors: AP_E_IO, AP_E_NOT_FOUND, AP_E_PROTO, AP_E_LIMIT.
 */
int ap_archive_source(
	struct ap_source **out, const struct ap_ref *ref, struct ap_err *err) AP_CHECK;

/* Begin FILE.  *out: owned by the caller, ap_sink_free().  Errors: AP_E_IO. */
int ap_archive_sink(struct ap_sink **out, const struct ap_ref *ref, struct ap_err *err) AP_CHECK;

#endif
