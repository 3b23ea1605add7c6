#include "cli/world.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/url.h"
#include "pack/archive.h"
#include "pack/layout.h"

void ap_world_init(struct ap_world *w, const struct ap_env *env, struct ap_display *display,
	const struct ap_registry_opts *flags)
{
	memset(w, 0, sizeof(*w));
	w->env = env;
	w->display = display;
	w->flags = flags;
	ap_strv_copy(&w->insecure, ap_env_list(env, AP_KEY_INSECURE));
	if (flags)
		ap_strv_copy(&w->insecure, &flags->insecure);
}

void ap_world_release(struct ap_world *w)
{
	ap_registry_free(w->registry);
	ap_gcp_free(w->gcp);
	ap_http_free(w->http);
	ap_strv_release(&w->insecure);
	if (w->password)
		explicit_bzero(w->password, strlen(w->password));
	free(w->password);
	memset(w, 0, sizeof(*w));
}

struct ap_http *ap_world_http(struct ap_world *w)
{
	if (!w->http)
		ap_http_new(&w->http,
			&(struct ap_http_opts){
				.ca_file = w->env->ca_file,
				.insecure = &w->insecure,
				.progress = &w->display->progress,
				.stall_timeout = ap_env_seconds(w->env, AP_KEY_STALL_TIMEOUT),
				.retry_seconds = ap_env_seconds(w->env, AP_KEY_RETRY_TIME),
			});
	return w->http;
}

struct ap_gcp *ap_world_gcp(struct ap_world *w)
{
	if (!w->gcp) {
		struct ap_gcp_opts opts = { .progress = &w->display->progress };

		ap_env_gcp(&opts, w->env);
		ap_gcp_new(&w->gcp, &opts, ap_world_http(w));
	}
	return w->gcp;
}

/* One line of at most 64 KiB. */
static int read_password(char **out, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(64 << 10);

	if (ap_fs_read_fd(&text, STDIN_FILENO, "--password-stdin", err) < 0)
		return -1;
	while (text.len && (text.p[text.len - 1] == '\n' || text.p[text.len - 1] == '\r'))
		ap_buf_truncate(&text, text.len - 1);
	if (!text.len)
		return ap_err_set(err, AP_E_USAGE, "--password-stdin: standard input is empty");
	*out = ap_buf_steal(&text);
	return 0;
}

int ap_world_registry(struct ap_registry **out, struct ap_world *w, struct ap_err *err)
{
	const struct ap_registry_opts *f = w->flags;
	const char *authfile = f && f->authfile ? f->authfile : ap_env_get(w->env, AP_KEY_AUTHFILE);

	if (w->registry) {
		*out = w->registry;
		return 0;
	}
	if (f && !f->username != !f->password_stdin)
		return ap_err_set(err, AP_E_USAGE, "--username and --password-stdin go together");
	if (f && f->password_stdin && read_password(&w->password, err) < 0)
		return -1;
	ap_registry_new(&w->registry, &(struct ap_registry_config){
					      .http = ap_world_http(w),
					      .gcp = ap_world_gcp(w),
					      .progress = &w->display->progress,
					      .username = f ? f->username : NULL,
					      .password = w->password,
					      .username_host = w->login_host,
					      .authfile = authfile,
					      .docker_config = w->env->docker_config,
					      .home = w->env->home,
					      .runtime_dir = w->env->runtime_dir,
					      .config_home = w->env->config_home,
					      .insecure = &w->insecure,
				      });
	*out = w->registry;
	return 0;
}

int ap_world_source(
	struct ap_source **out, struct ap_world *w, const struct ap_ref *ref, struct ap_err *err)
{
	struct ap_registry *reg;

	switch (ref->transport) {
	case AP_OCI:
		return ap_layout_source(out, ref, err);
	case AP_OCI_ARCHIVE:
	case AP_DOCKER_ARCHIVE:
		return ap_archive_source(out, ref, err);
	case AP_DOCKER:
		break;
	}
	if (ap_world_registry(&reg, w, err) < 0)
		return -1;
	return ap_registry_source(out, ref, reg, err);
}

int ap_world_sink(
	struct ap_sink **out, struct ap_world *w, const struct ap_ref *ref, struct ap_err *err)
{
	struct ap_registry *reg;

	switch (ref->transport) {
	case AP_OCI:
		return ap_layout_sink(out, ref, err);
	case AP_OCI_ARCHIVE:
	case AP_DOCKER_ARCHIVE:
		return ap_archive_sink(out, ref, err);
	case AP_DOCKER:
		break;
	}
	if (ap_world_registry(&reg, w, err) < 0)
		return -1;
	return ap_registry_sink(out, ref, reg, err);
}

int ap_world_vertex(struct ap_vertex **out, struct ap_world *w, const char *project,
	const char *region, struct ap_err *err)
{
	return ap_vertex_new(out,
		&(struct ap_vertex_opts){
			.http = ap_world_http(w),
			.gcp = ap_world_gcp(w),
			.progress = &w->display->progress,
			.project = project,
			.region = region,
			.endpoint = ap_env_get(w->env, AP_KEY_ENDPOINT),
			.logging_endpoint = w->env->logging_endpoint,
			.storage_endpoint = w->env->storage_endpoint,
			.billing_project = ap_env_get(w->env, AP_KEY_BILLING_PROJECT),
		},
		err);
}

/* A file that a flag names is there, though it may not come to be asked for. */
static int check_named(const char *flag, const char *path, struct ap_err *err)
{
	if (!path || access(path, F_OK) == 0)
		return 0;
	(void)!ap_err_set(err, AP_E_INPUT, "%s: \"%s\" is not there", flag, path);
	return ap_fs_suggest(err, path);
}

static int check_flags(const struct ap_session *s, struct ap_err *err)
{
	const struct ap_setting *token = &s->env.v[AP_KEY_ACCESS_TOKEN_FILE];
	const struct ap_registry_opts *f = s->world.flags;

	for (size_t i = 0; i < s->world.insecure.n; i++) {
		const char *text = s->world.insecure.v[i];
		ap_auto_free char *host = NULL;
		unsigned port;

		if (!ap_host_split(text, &host, &port))
			return ap_err_set(err, AP_E_USAGE,
				"--insecure-registry: \"%s\" is no HOST or HOST:PORT", text);
	}
	if (token->origin == AP_FROM_FLAG &&
		check_named("--access-token-file", token->value, err) < 0)
		return -1;
	return check_named("--authfile", f ? f->authfile : NULL, err);
}

int ap_session_open(struct ap_session *s, const struct ap_common_opts *common,
	const struct ap_registry_opts *flags, const char *workdir, struct ap_err *err)
{
	int rc;

	memset(s, 0, sizeof(*s));
	rc = ap_env_load(&s->env, common, workdir, err);
	ap_display_open(&s->display, &s->env, common->quiet);
	ap_world_init(&s->world, &s->env, &s->display, flags);
	return rc < 0 ? -1 : check_flags(s, err);
}

void ap_session_close(struct ap_session *s)
{
	ap_world_release(&s->world);
	ap_display_close(&s->display);
	ap_env_release(&s->env);
}
