/*
 * One file from the network to its place, resumed where it broke.
 */
#ifndef AP_DEPS_DOWNLOAD_H
#define AP_DEPS_DOWNLOAD_H

#include "base/digest.h"
#include "base/http.h"
#include "base/pool.h"

struct ap_download {
	const char *url;
	const char *authorization; /* NULL: none; leaves us for the URL's origin only */
	const char *name;          /* in messages and progress */
	const char *path;          /* where it goes; PATH.part meanwhile */
	struct ap_digest digest;
	uint64_t size;              /* 0: not known */
	const struct ap_pool *pool; /* stops us when a sibling failed; may be NULL */
};

/*
 * Fetch into PATH.part, going on behind what an earlier run left there,
 * check size and digest of the whole, sync, rename to PATH.  A broken
 * transfer is asked for again from where it broke.  The caller holds a lock
 * on PATH.
 *
 * Errors: AP_E_NET, AP_E_HTTP, AP_E_AUTH, AP_E_NOT_FOUND, AP_E_DIGEST,
 * AP_E_LIMIT, AP_E_IO, AP_E_CANCELLED; the part is kept when going on makes sense.
 */
int ap_download(const struct ap_download *d, struct ap_http *http, struct ap_progress *progress,
	struct ap_err *err) AP_CHECK;

/*
 * Has the file that size (0: any) and that digest?
 * *ok: false also when there is no such file.  Errors: AP_E_IO.
 */
int ap_download_check(bool *ok, const char *path, const struct ap_digest *digest, uint64_t size,
	struct ap_err *err) AP_CHECK;

#endif
