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
#include "deps/requirement.h"

/* One local file that the result depends on. */
struct ap_dep_file {
	char *path; /* relative to the working directory: "requirements.txt", "../common.txt" */
	struct ap_digest digest;
};

enum ap_dep_project { AP_NO_PROJECT, AP_SETUP_PY, AP_PYPROJECT };

enum ap_dep_kind {
	AP_DEP_NAMED, /* to be found in an index: `req` */
	AP_DEP_URL,   /* an archive at an address: `req.url` */
	AP_DEP_WHEEL, /* local, `path` */
	AP_DEP_SDIST,
	AP_DEP_DIR,
};

/* One thing that is wanted, or with `constraint` one limit to what may be chosen. */
struct ap_dep_line {
	enum ap_dep_kind kind;
	struct ap_requirement req; /* for local ones: extras and marker only */
	char *path;                /* absolute host path of a local one */
	bool constraint;
	bool upgrade;          /* of the flag: the newest that fits, whatever the base has */
	bool project;          /* the working directory itself */
	bool user_package;     /* of extra-packages */
	bool locked;           /* of uv.lock: a constraint whose hashes make no other wanted */
	struct ap_strv hashes; /* "sha256:...": one of these, when there are any */
	char *where;           /* "requirements.txt:3", "requirements" for messages */
};

/* Where packages are looked for, as requirements files say; pip.conf and PIP_* come in resolve.c. */
struct ap_dep_index {
	char *index_url;
	struct ap_strv extra_index_urls;
	struct ap_strv find_links; /* URLs, or absolute host paths of directories and files */
	struct ap_strv trusted_hosts;
	struct ap_strv no_binary, only_binary;
	bool no_index, pre, require_hashes;
};

struct ap_dep_request {
	bool any;                    /* is there anything to install? */
	char *dir;                   /* working directory, absolute */
	bool has_requirements_txt;   /* DIR/requirements.txt */
	enum ap_dep_project project; /* an installable project in the working directory */
	struct ap_strv requirements; /* PEP 508 texts of the flag */
	struct ap_strv packages;     /* extra packages, as given */
	struct ap_dep_file *files; /* every file read, sorted by path: inputs of the request tag */
	size_t n_files, cap_files;
	struct ap_strv
		includes; /* files requirements.txt reaches inside DIR, relative: for dockerfile/ */
	char *lock_file;  /* pylock.toml given, or NULL */
	struct ap_dep_line *lines; /* all of it: project, requirements.txt, packages, flag */
	size_t n_lines, cap_lines;
	struct ap_dep_index index;
	struct ap_strv notes;   /* lines for the user: options without effect */
	struct ap_strv outputs; /* absolute: what runs write, which is no part of a project */
};

/*
 * Read the inputs of `dir`.  outputs: absolute paths that are not read as
 * part of a project; NULL: none.
 * Errors: AP_E_INPUT naming file, line, what was found and wanted.
 */
int ap_dep_request_read(struct ap_dep_request *out, const char *dir,
	const struct ap_strv *requirements, const struct ap_strv *packages, const char *lock_file,
	const struct ap_strv *outputs, struct ap_err *err) AP_CHECK;
void ap_dep_request_release(struct ap_dep_request *r);
void ap_dep_line_release(struct ap_dep_line *l);

/* The kind that a file name's ending means; AP_DEP_NAMED: no archive that can be installed. */
enum ap_dep_kind ap_dep_archive_kind(const char *name);

/* Has the directory a setup.py or pyproject.toml that pip would install from? */
bool ap_dep_is_project(const char *dir);

#endif
