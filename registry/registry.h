/*
 * The distribution API client: an image source and an image sink over HTTP.
 *
 * registry/ knows hosts, tokens and the wire; it makes no image, prints
 * nothing, and reads no environment: cli/ passes all of it down.  It may
 * include base/ and pack/.
 *
 * Source: distribution-spec v1.1.
 */
#ifndef AP_REGISTRY_REGISTRY_H
#define AP_REGISTRY_REGISTRY_H

#include "base/gcp.h"
#include "base/http.h"
#include "pack/store.h"

struct ap_registry;

/* All borrowed for the registry's life; NULL: none. */
struct ap_registry_config {
	struct ap_http *http;
	struct ap_gcp *gcp; /* Google credentials for *.pkg.dev, gcr.io, *.gcr.io */
	struct ap_progress *progress;
	/*
	 * --username and the password read from stdin, and the only registry
	 * ("host[:port]") that they are for: the destination.
	 */
	const char *username, *password, *username_host;
	const char *authfile; /* --authfile or REGISTRY_AUTH_FILE: then no other file is read */
	const char *docker_config;      /* DOCKER_CONFIG, a directory; NULL: HOME/.docker */
	const char *home;               /* HOME */
	const char *runtime_dir;        /* XDG_RUNTIME_DIR: containers/auth.json in it */
	const char *config_home;        /* XDG_CONFIG_HOME; NULL: HOME/.config */
	const struct ap_strv *insecure; /* --insecure-registry: "host" or "host:port" */
};

/*
 * A client, shared by all sources and sinks of a run: connections, challenges
 * and tokens are kept.  Does nothing before the first request.  *out: owned,
 * ap_registry_free() after all its sources and sinks.  Threads: yes.
 */
void ap_registry_new(struct ap_registry **out, const struct ap_registry_config *c);
void ap_registry_free(struct ap_registry *reg);

/*
 * The image that ref names, to be read.  No request is made yet.
 * *out: owned by the caller, ap_source_free().
 */
int ap_registry_source(struct ap_source **out, const struct ap_ref *ref, struct ap_registry *reg,
	struct ap_err *err) AP_CHECK;

/*
 * The repository of ref, to be written.  No request is made yet.
 * *out: owned by the caller, ap_sink_free().
 */
int ap_registry_sink(struct ap_sink **out, const struct ap_ref *ref, struct ap_registry *reg,
	struct ap_err *err) AP_CHECK;

/* Is it a registry of Google's: *.pkg.dev, gcr.io, *.gcr.io, by whole labels? */
bool ap_registry_is_google(const char *host);

#endif
