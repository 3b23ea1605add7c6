/*
 * One layer as a list of path operations: read from its tar stream, or from
 * the record that an earlier reading left in the cache.
 */
#ifndef AP_DEPS_LAYER_SCAN_H
#define AP_DEPS_LAYER_SCAN_H

#include "base/io.h"
#include "deps/paths.h"

typedef int (*ap_op_fn)(void *ctx, const struct ap_path_op *op, struct ap_err *err);

/*
 * Read a tar stream (gzip, zstd or plain; `r` is taken) to its end and hand
 * every entry to fn.  Of files that say what is installed the content is
 * kept, as DESIGN section 5 lists them; of a RECORD only the paths, of a
 * Python or libc binary only its version.  Kept is, too, what pip's
 * configuration may consist of: pip.conf, and what begins as a list of
 * requirements does, whatever its name; without the passwords in it.
 * also: further paths ("opt/x") of which the content is kept; may be NULL.
 *
 * Errors: AP_E_PROTO for a broken archive, names with "..", NUL or control
 * characters; AP_E_LIMIT for too many or too large.
 * Source: image-spec v1.1 layer.md (whiteouts).
 */
int ap_layer_scan(struct ap_reader *r, const struct ap_strv *also, ap_op_fn fn, void *ctx,
	struct ap_err *err) AP_CHECK;

/* Does ap_layer_scan() look into a file of this path, by its name alone? */
bool ap_layer_scan_wants(const char *path, const struct ap_strv *also);

/* Larger ones are not kept, bytes. */
#define AP_PIP_FILE_MAX (1u << 20)

/* The record of a layer: ops one after the other, in ap_record_add()'s form. */
void ap_layer_record_begin(struct ap_buf *out);
void ap_layer_record_add(struct ap_buf *out, const struct ap_path_op *op);

/* Errors: AP_E_PROTO when the bytes are not a whole record. */
int ap_layer_record_replay(
	const void *p, size_t n, ap_op_fn fn, void *ctx, struct ap_err *err) AP_CHECK;

/* "3.11.2" in the bytes of a Python of that minor version; "glibc 2.36", "musl 1.2.4"; for tests. */
bool ap_scan_version(struct ap_buf *out, const char *name, const char *p, size_t n);

#endif
