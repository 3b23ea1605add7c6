/*
 * The text of a requirements file, line by line; request.c follows what the
 * lines point to.
 * Source: pip's "Requirements File Format", pip 24 req_file.py.
 */
#ifndef AP_DEPS_REQFILE_H
#define AP_DEPS_REQFILE_H

#include "base/str.h"

enum ap_reqline_kind {
	AP_REQ_TEXT,      /* a requirement: PEP 508, path or URL */
	AP_REQ_EDITABLE,  /* -e */
	AP_REQ_INCLUDE,   /* -r */
	AP_REQ_CONSTRAIN, /* -c */
	AP_REQ_INDEX,     /* --index-url */
	AP_REQ_EXTRA_INDEX,
	AP_REQ_NO_INDEX,
	AP_REQ_FIND_LINKS,
	AP_REQ_NO_BINARY,
	AP_REQ_ONLY_BINARY,
	AP_REQ_PREFER_BINARY,
	AP_REQ_REQUIRE_HASHES,
	AP_REQ_PRE,
	AP_REQ_TRUSTED_HOST,
	AP_REQ_FEATURE, /* --use-feature: of pip's own working, without effect here */
};

struct ap_reqline {
	enum ap_reqline_kind kind;
	char *value;           /* the requirement, path, URL ... with ${VAR} replaced */
	struct ap_strv hashes; /* "sha256:..." as given by --hash */
	bool expanded;         /* a variable was replaced */
	unsigned line;         /* where it began, from 1 */
};

struct ap_reqfile {
	struct ap_reqline *v;
	size_t n, cap;
};

/* The value of an environment variable, or NULL. */
typedef const char *(*ap_getenv_fn)(const char *name);

/*
 * The text is UTF-8, or UTF-16 with a byte order mark.
 * Errors: AP_E_INPUT "NAME:LINE: ..." for options pip would refuse, bad
 * quoting, control characters, other bytes than those.
 */
int ap_reqfile_parse(struct ap_reqfile *out, const char *name, const char *p, size_t n,
	ap_getenv_fn env, struct ap_err *err) AP_CHECK;
void ap_reqfile_release(struct ap_reqfile *f);

#endif
