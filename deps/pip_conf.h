/*
 * pip's configuration files, of this machine and of an image: which there
 * are, and what they say to `pip install`.
 */
#ifndef AP_DEPS_PIP_CONF_H
#define AP_DEPS_PIP_CONF_H

#include "base/str.h"
#include "deps/reqfile.h"

struct ap_paths;

/* Where pip runs: on this machine, or in an image whose files are known by their paths. */
struct ap_pip_place {
	ap_getenv_fn env;             /* this machine's */
	const struct ap_strv *vars;   /* or the image's, "NAME=VALUE" */
	const struct ap_paths *paths; /* the image's; NULL: this machine's files */
	const char *prefix;           /* sys.prefix, NULL: none of its own */
	struct ap_strv *lacks;        /* gets the files of the image whose content is not known */
};

/* Of a variable, or NULL. */
const char *ap_pip_env(const struct ap_pip_place *at, const char *name);

/* The text of a file, ended by NUL; false: it is not there, or its content is not known. */
bool ap_pip_file(struct ap_buf *out, const struct ap_pip_place *at, const char *path);

/*
 * Append FILE, NAME, VALUE, ... ("index-url", lower case), the later one
 * rules.  Order: pip's: the system's, the user's (old place, new place), that
 * of sys.prefix, the one that PIP_CONFIG_FILE names, which stands in for the
 * user's; all of [install] after all of [global].  A file that cannot be
 * read is passed over.
 * Source: pip's "Configuration".
 */
void ap_pip_conf_read(struct ap_strv *out, const struct ap_pip_place *at);

/* Append WHERE, FILE, ...: the constraints of PIP_CONSTRAINT, else of pip.conf; and of UV_CONSTRAINT. */
void ap_pip_constraints(struct ap_strv *out, ap_getenv_fn env);

/* "PIP_CONSTRAINT" of "constraint".  *out: owned. */
char *ap_pip_variable(const char *name);

/* Does this machine say anything of an option, if only that it is empty? */
bool ap_pip_says(const char *name, ap_getenv_fn env);

/* Append the words of a value, as pip parts it. */
void ap_pip_words(struct ap_strv *out, const char *s, const char *separators);

/*
 * Append a text in which no address names a user: "https://user:password@host"
 * becomes "https://@host".  What is known of an image is kept and shared.
 */
void ap_pip_without_users(struct ap_buf *out, const char *p, size_t n);

/* Make a path of such a value absolute: pip means it from the current directory, "~" is the home. */
void ap_pip_path(char **path, ap_getenv_fn env);

#endif
