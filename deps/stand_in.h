/*
 * What the base has, in a form that a resolver understands: for each
 * installed distribution a wheel that holds its metadata and nothing else.
 */
#ifndef AP_DEPS_STAND_IN_H
#define AP_DEPS_STAND_IN_H

#include "deps/inventory.h"

/*
 * Write NAME-VERSION-py3-none-any.whl into `dir` (which exists).  A
 * requirement that no resolver could read is left out of its METADATA.
 *
 * *written: false for a distribution whose version is no PEP 440 version;
 * nothing can be said about such a one to a resolver.
 */
int ap_stand_in_write(
	bool *written, const char *dir, const struct ap_dist *d, struct ap_err *err) AP_CHECK;

#endif
