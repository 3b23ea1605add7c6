#include "cli/runtime.h"

#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "deps/inside.h"

enum { MAX_SAID = 1 << 20, MAX_WAIT = 2 * 3600, CLEANUP_WAIT = 60 };

static const char *const runtimes[] = { "podman", "docker", "buildah", "crun", NULL };

const char *const *ap_runtime_names(void)
{
	return runtimes;
}

void ap_runtime_env(struct ap_strv *out, bool runs_programs)
{
	static const char *const names[] = { "PATH", "HOME", "USER", "LANG", "TMPDIR",
		"XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "DBUS_SESSION_BUS_ADDRESS",
		"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH",
		"DOCKER_TLS_VERIFY", "CONTAINER_HOST", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF",
		"STORAGE_DRIVER", "STORAGE_OPTS" };
	/* To pull the user's image, and for the user's program on the user's terminal. */
	static const char *const more[] = { "TERM", "COLUMNS", "LINES", "NO_COLOR",
		"REGISTRY_AUTH_FILE", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY",
		"NO_PROXY", "http_proxy", "https_proxy", "no_proxy" };
	size_t n = AP_LEN(names) + (runs_programs ? AP_LEN(more) : 0);

	for (size_t i = 0; i < n; i++) {
		const char *name = i < AP_LEN(names) ? names[i] : more[i - AP_LEN(names)];

		if (getenv(name))
			ap_strv_addf(out, "%s=%s", name, getenv(name));
	}
}

int ap_runtime_run(const struct ap_runtime_call *c, struct ap_err *err)
{
	bool shows = c->flags & AP_RUNTIME_SHOWS;
	bool cleans_up = c->flags & AP_RUNTIME_CLEANS_UP;
	ap_auto_strv env = { 0 };
	ap_auto_buf said = AP_BUF_MAX(MAX_SAID);
	ap_auto_buf shown = AP_BUF_INIT;
	struct ap_child_opts o = { .argv = c->argv,
		.in_fd = c->in_fd,
		.out_fd = c->out_fd,
		.out = c->out,
		.errout = shows ? NULL : &said,
		.timeout = cleans_up ? CLEANUP_WAIT
			   : shows   ? 0
				     : MAX_WAIT,
		.cleans_up = cleans_up };
	int status = 0;

	ap_runtime_env(&env, shows);
	o.env = (const char *const *)env.v;
	if (ap_child_run(&o, &status, err) < 0)
		return -1;
	if (status == 0)
		return 0;
	if (shows)
		return ap_err_set(
			err, AP_E_CHILD, "%s %s: status %d", c->argv[0], c->argv[1], status);
	ap_inside_last_words(&shown, said.p, said.len);
	return ap_err_set(err, AP_E_CHILD, "%s %s: status %d: %s", c->argv[0], c->argv[1], status,
		shown.len ? shown.p : "it said nothing");
}

int ap_runtime_ask(char **line, unsigned flags, const char *const *argv, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(MAX_SAID);
	struct ap_runtime_call c = { .argv = argv, .out = &text, .flags = flags };
	const char *last;
	struct ap_str t;

	if (ap_runtime_run(&c, err) < 0)
		return -1;
	t = ap_str_trim(ap_str_n(text.p, text.len));
	last = memrchr(t.p, '\n', t.n);
	last = last ? last + 1 : t.p;
	if (line)
		*line = ap_xstrndup(last, (size_t)(t.p + t.n - last));
	return 0;
}

const char *ap_runtime_loaded(const char *line)
{
	const char *at = strstr(line, ": ");

	return at ? at + 2 : line;
}
