/*
 * The local Python packages of a job: what they will be called in Cloud
 * Storage, known without building or sending anything, and how they get
 * there.
 */
#ifndef AP_CLI_PACKAGES_H
#define AP_CLI_PACKAGES_H

#include "base/progress.h"
#include "vertex/api.h"
#include "vertex/jobspec.h"

struct ap_packages {
	struct ap_strv local, remote; /* paths, and the URIs they get */
};

/*
 * Put gs:// URIs in place of wheels, sdists and project directories among
 * the package URIs of a job.  They go to
 * STAGING/autopack/SHA256/NAME, of the content, below `staging` or, when it
 * is NULL, the job's base output directory; a directory is NAME.tar.gz.
 * `flag`: the URIs are from --python-package-uris, not from the file.
 *
 * Errors: AP_E_USAGE without a place for them; AP_E_INPUT for what is not
 * there or no package.
 */
int ap_packages_name(struct ap_packages *p, struct ap_jobspec *job, const char *staging, bool flag,
	struct ap_err *err) AP_CHECK;

/*
 * Upload what is not there yet; a directory is built into an sdist before.
 * cache_dir: where sdists are kept; NULL is an error for directories.
 */
int ap_packages_upload(const struct ap_packages *p, struct ap_vertex *v, const char *cache_dir,
	struct ap_err *err) AP_CHECK;

void ap_packages_release(struct ap_packages *p);

#endif
