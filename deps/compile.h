/*
 * Bytecode of wheels, made by the base's own Python: what `pip install` would
 * have compiled in that base, but with unchecked hashes in place of times, so
 * that it is valid whatever the time of the source in the image, and equal on
 * every machine.
 *
 * Each file is compiled in a process of its own with a fixed hash seed: its
 * bytecode depends on its text, its path and the base's Python alone.
 */
#ifndef AP_DEPS_COMPILE_H
#define AP_DEPS_COMPILE_H

#include "deps/inside.h"
#include "deps/inventory.h"
#include "deps/lock.h"
#include "deps/parcel.h"

/* Wheels that wait to be compiled together. */
struct ap_compile;

/*
 * in, inv: borrowed, as long as it lives.  cache_dir: what was compiled is
 * kept in DIR/bytecode, for each wheel and base.
 */
int ap_compile_new(struct ap_compile **out, struct ap_inside *in, const struct ap_inventory *inv,
	const char *cache_dir, struct ap_err *err) AP_CHECK;
void ap_compile_free(struct ap_compile *c);

/*
 * The bytecode of a wheel that was compiled before, for ap_install_wheel().
 * Names are RECORD's paths.  False: it has to be added and compiled; so also
 * when it is not what was written.
 */
bool ap_compile_get(struct ap_parcels *out, const struct ap_compile *c, const struct ap_locked *l);

/* Add the wheel at `path`.  Threads: yes. */
int ap_compile_add(struct ap_compile *c, const char *path, const struct ap_locked *l,
	struct ap_err *err) AP_CHECK;

/*
 * Compile what was added.  A file with a syntax error has no bytecode, as
 * with pip.  Errors: those of ap_inside_python().
 */
int ap_compile_run(struct ap_compile *c, struct ap_err *err) AP_CHECK;

#endif
