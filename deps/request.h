/*
 * The dependency inputs of a working directory: requirements.txt with all it
 * includes, setup.py / pyproject.toml, requirements given by flag, extra
 * packages.  Local reading only.
 *
 * deps/ knows what the executor image already has, which wheels to add, and
 * one wheel as an installed tree.  It includes base/ only and knows nothing
 * of images or registries: layers reach it as streams.
 */
#ifndef AP_DEPS_REQUEST_H
#define AP_DEPS_REQUEST_H

#include "base/digest.h"
#include "base/str.h"

/* One local file that the result depends on. */
struct ap_dep_file {
	char *path; /* relative to the working directory where inside it, else absolute */
	struct ap_digest digest;
};

enum ap_dep_project { AP_NO_PROJECT, AP_SETUP_PY, AP_PYPROJECT };

struct ap_dep_request {
	bool any;                    /* is there anything to install? */
	char *dir;                   /* working directory, absolute */
	bool has_requirements_txt;   /* DIR/requirements.txt */
	enum ap_dep_project project; /* an installable project in the working directory */
	struct ap_strv requirements; /* PEP 508 texts of the flag */
	struct ap_strv packages;     /* extra packages, as given */
	struct ap_dep_file *files; /* every file read, sorted by path: inputs of the request tag */
	size_t n_files;
	struct ap_strv
		includes; /* files requirements.txt reaches inside DIR, relative: for dockerfile/ */
	char *lock_file;  /* pylock.toml given, or NULL */
};

/*
 * Read the inputs of `dir`.
 * Errors: AP_E_INPUT naming file, line, what was found and wanted.
 */
int ap_dep_request_read(struct ap_dep_request *out, const char *dir,
	const struct ap_strv *requirements, const struct ap_strv *packages, const char *lock_file,
	struct ap_err *err) AP_CHECK;
void ap_dep_request_release(struct ap_dep_request *r);

#endif
