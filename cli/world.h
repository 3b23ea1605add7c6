/*
 * What a run speaks to: HTTP, Google credentials, registries, Vertex AI and
 * the places images are read from and written to.  Each is made when first
 * asked for, so that a dry run loads none of it.
 */
#ifndef AP_CLI_WORLD_H
#define AP_CLI_WORLD_H

#include "cli/display.h"
#include "pack/store.h"
#include "registry/registry.h"
#include "vertex/api.h"

struct ap_world {
	const struct ap_env *env;             /* borrowed */
	struct ap_display *display;           /* borrowed */
	const struct ap_registry_opts *flags; /* borrowed; may be NULL */
	const char *login_host;               /* the registry --username is for; borrowed */
	char *password;                       /* read from standard input */
	struct ap_strv insecure;
	struct ap_http *http;
	struct ap_gcp *gcp;
	struct ap_registry *registry;
};

/* flags may be NULL for commands that speak to no registry. */
void ap_world_init(struct ap_world *w, const struct ap_env *env, struct ap_display *display,
	const struct ap_registry_opts *flags);
void ap_world_release(struct ap_world *w);

struct ap_http *ap_world_http(struct ap_world *w);
struct ap_gcp *ap_world_gcp(struct ap_world *w);

/* Errors: AP_E_USAGE when --username and --password-stdin do not go together. */
int ap_world_registry(struct ap_registry **out, struct ap_world *w, struct ap_err *err) AP_CHECK;

/* An image to read, or a place to write, by its transport.  *out: owned. */
int ap_world_source(struct ap_source **out, struct ap_world *w, const struct ap_ref *ref,
	struct ap_err *err) AP_CHECK;
int ap_world_sink(struct ap_sink **out, struct ap_world *w, const struct ap_ref *ref,
	struct ap_err *err) AP_CHECK;

/* A client of the service for a project and region.  *out: owned. */
int ap_world_vertex(struct ap_vertex **out, struct ap_world *w, const char *project,
	const char *region, struct ap_err *err) AP_CHECK;

/* What nearly every command begins with and ends with: settings, display, world. */
struct ap_session {
	struct ap_env env;
	struct ap_display display;
	struct ap_world world;
};

/*
 * workdir: whose pyproject.toml counts; NULL: the current directory's.
 * flags may be NULL.  ap_session_close() also after a failure.
 */
int ap_session_open(struct ap_session *s, const struct ap_common_opts *common,
	const struct ap_registry_opts *flags, const char *workdir, struct ap_err *err) AP_CHECK;
void ap_session_close(struct ap_session *s);

#endif
