/*
 * What pip inside the base is told by the image's variables and by its files
 * there, as far as it decides what is installed: inventory.c keeps it, and
 * resolve.c follows it where this machine and the request say nothing.
 */
#ifndef AP_DEPS_BASE_PIP_H
#define AP_DEPS_BASE_PIP_H

#include "deps/index_config.h"
#include "deps/inventory.h"
#include "deps/pip_conf.h"

/*
 * Read it from the image at `at`.  What cannot be followed is kept as
 * out->error: an image may be asked about that nothing is installed in.
 * at->lacks gets the files whose content is not known; then it is to be asked
 * again once it is.
 */
void ap_base_pip_find(struct ap_base_pip *out, const struct ap_pip_place *at);
void ap_base_pip_release(struct ap_base_pip *b);

/*
 * The request with the base's constraints behind its own lines, if this
 * machine names none.  A constraint to an address inside the base means what
 * is installed there; AP_BASE_PIP_NO_URLS: one to any address does.
 *
 * *out: borrows `req`; ap_base_pip_unlimit().
 * Errors: AP_E_INPUT naming the base's file and line.
 */
enum { AP_BASE_PIP_NO_URLS = 1 << 0, AP_BASE_PIP_PRIVATE = 1 << 1 };
int ap_base_pip_limit(struct ap_dep_request *out, const struct ap_dep_request *req,
	const struct ap_inventory *inv, ap_getenv_fn env, unsigned flags,
	struct ap_err *err) AP_CHECK;
void ap_base_pip_unlimit(struct ap_dep_request *r, const struct ap_dep_request *req);

/*
 * Where packages are looked for, for resolving only: as
 * ap_index_config_read(), above what the base says.  Its indexes get no
 * credentials, are asked over TLS, and, without AP_BASE_PIP_PRIVATE, at no
 * private address: the base may be a stranger's, and this machine asks.
 *
 * *notes: lines for the user: what is followed, and what is not.
 * Errors: AP_E_INPUT naming the base's file or variable, and this machine's
 * that replaces it.
 */
int ap_base_pip_index(struct ap_index_config *out, struct ap_strv *notes,
	const struct ap_dep_index *files, const struct ap_inventory *inv, ap_getenv_fn env,
	unsigned flags, struct ap_err *err) AP_CHECK;

#endif
