/*
 * pip's configuration files, for index_config.c: which there are, and what
 * they say to `pip install`.
 */
#ifndef AP_DEPS_PIP_CONF_H
#define AP_DEPS_PIP_CONF_H

#include "base/str.h"
#include "deps/reqfile.h"

/*
 * Append NAME, VALUE, ... ("index-url", lower case), the later one rules.
 * Order: pip's: the system's, the user's (old place, new place), the active
 * environment's, the one that PIP_CONFIG_FILE names, which stands in for the
 * user's; all of [install] after all of [global].  A file that cannot be
 * read is passed over.
 * Source: pip's "Configuration".
 */
void ap_pip_conf_read(struct ap_strv *out, ap_getenv_fn env);

/* Append WHERE, FILE, ...: the constraints of PIP_CONSTRAINT, else of pip.conf; and of UV_CONSTRAINT. */
void ap_pip_constraints(struct ap_strv *out, ap_getenv_fn env);

/* Append the words of a value, as pip parts it. */
void ap_pip_words(struct ap_strv *out, const char *s, const char *separators);

/* Make a path of such a value absolute: pip means it from the current directory, "~" is the home. */
void ap_pip_path(char **path, ap_getenv_fn env);

#endif
