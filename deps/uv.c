#include "deps/uv.h"

#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/fs.h"
#include "deps/tags.h"
#include "deps/version.h"

#define HOW_TO_GET "\"autopack doctor\" says the command that installs it"

/* Neither credentials nor anything that could make two runs differ without our knowing. */
static const char *const passed_on[] = {
	"PATH",
	"LANG",
	"TMPDIR",
	"SSL_CERT_FILE",
	"SSL_CERT_DIR",
	"HTTP_PROXY",
	"HTTPS_PROXY",
	"ALL_PROXY",
	"NO_PROXY",
	"http_proxy",
	"https_proxy",
	"all_proxy",
	"no_proxy",
	"UV_INDEX_STRATEGY",
	"UV_NATIVE_TLS",
	"UV_SYSTEM_CERTS",
	"UV_HTTP_TIMEOUT",
	"UV_CONCURRENT_DOWNLOADS",
	"UV_EXCLUDE_NEWER",
	"UV_PRERELEASE",
	"UV_RESOLUTION",
};

static void add_netrc(struct ap_uv *u, ap_getenv_fn env)
{
	const char *netrc = env("NETRC");
	const char *home = env("HOME");

	if (netrc)
		ap_strv_addf(&u->env, "NETRC=%s", netrc);
	else if (home)
		ap_strv_addf(&u->env, "NETRC=%s/.netrc", home);
}

static void make_env(struct ap_uv *u, const struct ap_uv_opts *o, const char *cache_dir)
{
	const char *cache = o->env("UV_CACHE_DIR");
	const char *home = o->env("HOME");

	for (size_t i = 0; i < AP_LEN(passed_on); i++) {
		const char *value = o->env(passed_on[i]);

		if (value)
			ap_strv_addf(&u->env, "%s=%s", passed_on[i], value);
	}
	if (!o->env("SSL_CERT_FILE") && o->index->cert)
		ap_strv_addf(&u->env, "SSL_CERT_FILE=%s", o->index->cert);
	add_netrc(u, o->env);
	/* A keyring finds its backend and its entries by the home directory. */
	if (o->index->keyring && home)
		ap_strv_addf(&u->env, "HOME=%s", home);
	else
		ap_strv_addf(&u->env, "HOME=%s/home", u->dir);
	if (o->index->keyring)
		ap_strv_add(&u->env, "UV_KEYRING_PROVIDER=subprocess");
	if (cache && *cache)
		ap_strv_addf(&u->env, "UV_CACHE_DIR=%s", cache);
	else
		ap_strv_addf(&u->env, "UV_CACHE_DIR=%s/uv", cache_dir);
	ap_strv_add(&u->env, "UV_PYTHON_DOWNLOADS=never");
	ap_strv_add(&u->env, "UV_NO_PROGRESS=1");
	ap_strv_add(&u->env, "NO_COLOR=1");
	if (o->offline)
		ap_strv_add(&u->env, "UV_OFFLINE=1");
}

/* Where pipx and uv's own installer put it, which a shell that was there before does not look at. */
static bool find_at_home(struct ap_uv *u, const struct ap_uv_opts *o)
{
	const char *home = o->env("HOME");
	ap_auto_free char *bin = home && *home == '/' ? ap_fs_join(home, ".local/bin") : NULL;
	ap_auto_free char *path = bin ? ap_child_find("uv", bin) : NULL;

	if (path)
		ap_strv_own(&u->command, AP_STEAL(path));
	return u->command.n > 0;
}

static int find(struct ap_uv *u, const struct ap_uv_opts *o, struct ap_err *err)
{
	ap_auto_free char *path = NULL;

	if (o->uv) {
		path = ap_child_find(o->uv, o->env("PATH"));
		if (!path)
			return ap_err_set(err, AP_E_NOT_FOUND, "uv: no program \"%s\"", o->uv);
	} else {
		path = ap_child_find("uv", o->env("PATH"));
	}
	if (path) {
		ap_strv_own(&u->command, AP_STEAL(path));
		return 0;
	}
	if (find_at_home(u, o))
		return 0;
	path = ap_child_find("python3", o->env("PATH"));
	if (!path)
		return ap_err_set(err, AP_E_NOT_FOUND,
			"dependencies are resolved by uv, which is neither on PATH nor in ~/.local/bin: " HOW_TO_GET);
	ap_strv_own(&u->command, AP_STEAL(path));
	ap_strv_add(&u->command, "-m");
	ap_strv_add(&u->command, "uv");
	return 0;
}

static int run(const struct ap_uv *u, int *status, const struct ap_strv *words, struct ap_buf *out,
	struct ap_buf *errout, struct ap_err *err)
{
	ap_auto_strv argv = { 0 };

	ap_strv_copy(&argv, &u->command);
	ap_strv_copy(&argv, words);
	return ap_child_run(
		&(struct ap_child_opts){
			.argv = (const char *const *)argv.v,
			.env = (const char *const *)u->env.v,
			.cwd = u->dir,
			.out = out,
			.errout = errout,
			.timeout = 1800,
			.stop = u->stop,
		},
		status, err);
}

static int check_version(struct ap_uv *u, struct ap_err *err)
{
	ap_auto_strv words = { 0 };
	ap_auto_buf out = AP_BUF_MAX(65536);
	ap_auto_buf errout = AP_BUF_MAX(65536);
	ap_auto_free char *found = NULL;
	struct ap_version have, least;
	int status;

	ap_strv_add(&words, "--version");
	if (run(u, &status, &words, &out, &errout, err) < 0)
		return -1;
	if (status != 0 && u->command.n > 1)
		return ap_err_set(err, AP_E_NOT_FOUND,
			"dependencies are resolved by uv, which is neither on PATH, nor in ~/.local/bin, nor a module of %s: " HOW_TO_GET,
			u->command.v[0]);
	if (ap_starts_with(out.p, "uv "))
		found = ap_xstrndup(out.p + 3, strcspn(out.p + 3, " \r\n"));
	if (status != 0 || !found || !ap_version_parse(&have, found))
		return ap_err_set(err, AP_E_CHILD,
			"%s --version: want \"uv X.Y.Z\", found \"%.60s\"", u->command.v[0], out.p);
	if (ap_version_parse(&least, AP_UV_MIN) && ap_version_cmp(&have, &least) < 0)
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"uv is %s, want " AP_UV_MIN " or newer: " HOW_TO_GET, found);
	u->version = AP_STEAL(found);
	return 0;
}

static int make_dir(
	struct ap_uv *u, const struct ap_uv_opts *o, const char *cache_dir, struct ap_err *err)
{
	ap_auto_free char *dir = ap_fs_join(cache_dir, "uv-run.tmp.XXXXXX");
	ap_auto_free char *home = NULL;
	ap_auto_free char *config = NULL;
	ap_auto_buf text = AP_BUF_INIT;

	if (!mkdtemp(dir))
		return ap_err_sys(err, "make directory %s", dir);
	u->dir = AP_STEAL(dir);
	home = ap_fs_join(u->dir, "home");
	config = ap_fs_join(u->dir, "uv.toml");
	ap_index_config_print(&text, o->index);
	return ap_fs_mkdirs(home, 0700, err) < 0 ||
			       ap_fs_write(config, text.p, text.len, 0600, err) < 0
		       ? -1
		       : 0;
}

int ap_uv_open(struct ap_uv *out, const struct ap_uv_opts *o, struct ap_err *err)
{
	AP_CLEANUP(ap_uv_release) struct ap_uv u = { 0 };
	ap_auto_free char *cache = NULL;

	if (find(&u, o, err) < 0 || ap_fs_mkdirs(o->cache_dir, 0700, err) < 0)
		return -1;
	/* The child runs elsewhere: no path given to it may be relative. */
	cache = realpath(o->cache_dir, NULL);
	if (!cache)
		return ap_err_sys(err, "%s", o->cache_dir);
	if (make_dir(&u, o, cache, err) < 0)
		return -1;
	make_env(&u, o, cache);
	if (check_version(&u, err) < 0)
		return -1;
	*out = u;
	u = (struct ap_uv){ 0 };
	return 0;
}

char *ap_uv_platform(const struct ap_inventory *inv)
{
	static const unsigned known[] = { 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 28, 17 };
	const char *arch = ap_tags_arch(inv->arch);

	if (ap_streq(inv->libc, "musl"))
		return ap_xasprintf("%s-unknown-linux-musl", arch);
	for (size_t i = 0; i < AP_LEN(known); i++) {
		if (known[i] <= inv->libc_minor &&
			(strcmp(arch, "x86_64") == 0 || strcmp(arch, "aarch64") == 0))
			return ap_xasprintf("%s-manylinux_2_%u", arch, known[i]);
	}
	return ap_xasprintf("%s-unknown-linux-gnu", arch);
}

const char *ap_uv_getenv(const char *name)
{
	return getenv(name);
}

void ap_uv_release(struct ap_uv *u)
{
	struct ap_err err = AP_ERR_INIT;

	/* What is left behind is an empty shell in our own cache. */
	if (u->dir && ap_fs_remove_tree(u->dir, &err) < 0)
		ap_err_clear(&err);
	ap_strv_release(&u->command);
	ap_strv_release(&u->env);
	free(u->version);
	free(u->dir);
	*u = (struct ap_uv){ 0 };
}

int ap_uv_run(const struct ap_uv *u, int *status, const struct ap_strv *words,
	struct ap_buf *errout, struct ap_err *err)
{
	ap_auto_buf out = AP_BUF_MAX(16 << 20);

	return run(u, status, words, &out, errout, err);
}
