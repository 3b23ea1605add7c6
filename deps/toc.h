/*
 * Layers that say themselves what is in them: eStargz and zstd:chunked put a
 * table of contents at their end.  With it a layer of gigabytes costs its
 * table and the few files that an inventory looks into.
 */
#ifndef AP_DEPS_TOC_H
#define AP_DEPS_TOC_H

#include "deps/inventory.h"

/*
 * A plain tar for ap_layer_scan() made of the layer's table: every entry,
 * contents only of the files that are looked into.  The table is verified
 * against the digest in the layer's annotations, contents against the
 * table's.
 *
 * *out: owned; NULL when the layer has no table that can be used, or is too
 * small to be worth it: read it whole then.  Borrows `l`.
 * Errors: AP_E_CANCELLED.  While reading: those of the range reads;
 * AP_E_DIGEST, AP_E_PROTO.
 * Source: stargz-snapshotter docs/estargz.md; containers/storage zstd:chunked.
 */
int ap_toc_open(struct ap_reader **out, const struct ap_layer_stream *l,
	struct ap_progress *progress, struct ap_err *err) AP_CHECK;

#endif
