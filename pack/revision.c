#include "pack/revision.h"

#include <git2.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"

static bool host_ok(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!ap_is_alnum(p[i]) && p[i] != '.' && p[i] != '-' && p[i] != ':')
			return false;
	}
	return n > 0 && p[0] != ':';
}

static char *plain_https(const char *host, size_t n_host, const char *path)
{
	size_t n = strcspn(path, "?#");

	while (n && *path == '/') {
		path++;
		n--;
	}
	while (n && path[n - 1] == '/')
		n--;
	if (!n || !host_ok(host, n_host))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)path[i] <= ' ' || path[i] == 0x7f || path[i] == '\\')
			return NULL;
	}
	return ap_xasprintf("https://%.*s/%.*s", (int)n_host, host, (int)n, path);
}

char *ap_revision_source(const char *remote)
{
	static const char *const schemes[] = { "https://", "http://", "ssh://", "git://",
		"git+ssh://", "git+https://" };
	const char *colon;
	const char *at;

	for (size_t i = 0; i < AP_LEN(schemes); i++) {
		const char *host = remote + strlen(schemes[i]);
		bool web = strstr(schemes[i], "http") != NULL;
		size_t n;

		if (!ap_starts_with(remote, schemes[i]))
			continue;
		n = strcspn(host, "/?#");
		for (at = host + n; at > host && at[-1] != '@'; at--)
			;
		n -= (size_t)(at - host);
		host = at;
		/* A port of ssh or git means nothing to https. */
		if (!web && memchr(host, ':', n))
			n = strcspn(host, ":");
		return plain_https(
			host, n, at[strcspn(at, "/?#")] == '/' ? at + strcspn(at, "/") : "");
	}
	/* user@host:path, as ssh and scp write it */
	colon = strchr(remote, ':');
	if (!colon || strstr(remote, "://") || memchr(remote, '/', (size_t)(colon - remote)))
		return NULL;
	at = memrchr(remote, '@', (size_t)(colon - remote));
	if (!at || colon[1] == '\0')
		return NULL;
	return plain_https(at + 1, (size_t)(colon - at - 1), colon + 1);
}

/* `dir` below the repository's work tree, for a pathspec; "" for all of it. */
static char *below_worktree(git_repository *repo, const char *dir)
{
	const char *top = git_repository_workdir(repo);
	ap_auto_free char *real = realpath(dir, NULL);
	size_t n = top ? strlen(top) : 0;

	if (!n || !real || strncmp(real, top, n) != 0)
		return ap_xstrdup("");
	return ap_xstrdup(real + n);
}

/*
 * Do tracked files of the directory differ from the commit, as
 * `git describe --dirty` asks?  What lies elsewhere in the repository does not
 * go into the image.
 */
static bool is_dirty(git_repository *repo, const char *dir)
{
	ap_auto_free char *rel = below_worktree(repo, dir);
	git_status_options o;
	git_status_list *list = NULL;
	bool dirty;

	if (git_status_options_init(&o, GIT_STATUS_OPTIONS_VERSION) < 0)
		return false;
	o.show = GIT_STATUS_SHOW_INDEX_AND_WORKDIR;
	o.flags = GIT_STATUS_OPT_EXCLUDE_SUBMODULES | GIT_STATUS_OPT_DISABLE_PATHSPEC_MATCH;
	if (*rel)
		o.pathspec = (git_strarray){ &rel, 1 };
	if (git_status_list_new(&list, repo, &o) < 0)
		return false;
	dirty = git_status_list_entrycount(list) > 0;
	git_status_list_free(list);
	return dirty;
}

static char *read_head(git_repository *repo, const char *dir)
{
	git_reference *head = NULL;
	git_object *commit = NULL;
	char hex[GIT_OID_HEXSZ + 1];
	char *out = NULL;

	if (git_repository_head(&head, repo) == 0 &&
		git_reference_peel(&commit, head, GIT_OBJECT_COMMIT) == 0) {
		git_oid_tostr(hex, sizeof(hex), git_object_id(commit));
		out = ap_xasprintf("%s%s", hex, is_dirty(repo, dir) ? "-dirty" : "");
	}
	git_object_free(commit);
	git_reference_free(head);
	return out;
}

/*
 * The address of the remote "origin", shortened ones written out as git's
 * url.BASE.insteadOf says, where the longest counts.  git_remote_lookup() would
 * do, but matches every key by a regular expression and never frees what that took.
 */
static char *origin_url(git_config *config)
{
	git_config_iterator *it = NULL;
	git_config_entry *e;
	const char *url;
	size_t longest = 0;
	char *out;

	if (git_config_get_string(&url, config, "remote.origin.url") < 0)
		return NULL;
	out = ap_xstrdup(url);
	if (git_config_iterator_new(&it, config) < 0)
		return out;
	while (git_config_next(&e, it) == 0) {
		size_t n = e->value ? strlen(e->value) : 0;
		size_t n_base = strlen(e->name);

		if (n <= longest || n_base < strlen("url..insteadof") ||
			!ap_starts_with(url, e->value) || !ap_starts_with(e->name, "url.") ||
			!ap_ends_with(e->name, ".insteadof"))
			continue;
		longest = n;
		n_base -= strlen("url..insteadof");
		free(out);
		out = ap_xasprintf("%.*s%s", (int)n_base, e->name + strlen("url."), url + longest);
	}
	git_config_iterator_free(it);
	return out;
}

static char *read_source(git_repository *repo)
{
	ap_auto_free char *url = NULL;
	git_config *config = NULL;

	if (git_repository_config_snapshot(&config, repo) == 0)
		url = origin_url(config);
	git_config_free(config);
	return url ? ap_revision_source(url) : NULL;
}

/* Is there a .git in the directory or above it?  Where not, the library need not start. */
static bool in_repository(const char *dir)
{
	char *real = realpath(dir, NULL);
	bool found = false;

	while (real && !found) {
		ap_auto_free char *git = ap_fs_join(real, ".git");
		char *slash = strrchr(real, '/');
		struct stat st;

		found = lstat(git, &st) == 0;
		if (!slash || !real[1])
			break;
		slash[slash == real] = '\0';
	}
	free(real);
	return found;
}

/*
 * The library reads every certificate authority when it starts, 20 ms for
 * connections that are never made; an empty file in their place is not read.
 * The only other thread by then draws the display and asks for no variable.
 */
static int init_without_certificates(void)
{
	const char *given = getenv("SSL_CERT_FILE");
	ap_auto_free char *old = given ? ap_xstrdup(given) : NULL;
	int rc;

	setenv("SSL_CERT_FILE", "/dev/null", 1);
	rc = git_libgit2_init();
	if (old)
		setenv("SSL_CERT_FILE", old, 1);
	else
		unsetenv("SSL_CERT_FILE");
	return rc;
}

void ap_revision_read(struct ap_revision *out, const char *dir, struct ap_progress *progress)
{
	git_repository *repo = NULL;

	*out = (struct ap_revision){ 0 };
	if (!in_repository(dir) || init_without_certificates() < 0)
		return;
	/* On by default; said again because all trust in a foreign repository hangs on it. */
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 1);
	if (git_repository_open_ext(&repo, dir, 0, NULL) == 0) {
		out->revision = read_head(repo, dir);
		out->source = read_source(repo);
	} else {
		const git_error *e = git_error_last();

		ap_emit_debug(progress, AP_STEP_PLAN, "no revision label: %s",
			e && e->message ? e->message : "no repository");
	}
	git_repository_free(repo);
	git_libgit2_shutdown();
}

void ap_revision_release(struct ap_revision *r)
{
	free(r->revision);
	free(r->source);
	*r = (struct ap_revision){ 0 };
}
