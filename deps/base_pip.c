#include "deps/base_pip.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/url.h"
#include "deps/inputs.h"
#include "deps/layer_scan.h"
#include "deps/version.h"

/* Where gcloud's build lets pip run: relative paths begin there. */
#define WORK_DIR "/usr/app"
/* No version is older. */
#define NONE "<0.dev0"

enum { MAX_FILES = 64, MAX_LINES = 50000 };

void ap_base_pip_release(struct ap_base_pip *b)
{
	ap_strv_release(&b->settings);
	ap_strv_release(&b->constraints);
	free(b->error);
	*b = (struct ap_base_pip){ 0 };
}

/* ---- finding ---- */

/* Options that decide what `pip install` installs; of the others nobody asks. */
static const char *const followed[] = { "index-url", "extra-index-url", "find-links", "no-index",
	"pre" };
static const char *const told[] = { "no-binary", "require-hashes", "upgrade", "upgrade-strategy",
	"no-deps", "ignore-installed", "force-reinstall", "user", "target", "prefix", "root",
	"platform", "python-version", "implementation", "abi", "ignore-requires-python",
	"uploaded-prior-to", "all-releases", "only-final", "requirement", "editable", "group" };

struct finder {
	struct ap_base_pip *out;
	const struct ap_pip_place *at;
	struct ap_strv seen; /* files of constraints, read or being read */
};

static void fail(struct finder *f, const char *where, const char *what, const char *why)
{
	ap_auto_buf shown = AP_BUF_INIT;

	if (f->out->error)
		return;
	ap_buf_add_printable(&shown, where, AP_MIN(strlen(where), 200));
	ap_buf_adds(&shown, ": \"");
	ap_buf_add_printable(&shown, what, AP_MIN(strlen(what), 200));
	ap_buf_addf(&shown, "\": %s", why);
	f->out->error = ap_buf_steal(&shown);
}

/* add: behind what is said already. */
static void set(struct finder *f, const char *where, const char *name, const char *value, bool add)
{
	struct ap_strv *s = &f->out->settings;

	if (!ap_one_of(name, followed, AP_LEN(followed)) && !ap_one_of(name, told, AP_LEN(told)))
		return;
	for (size_t i = 0; i < s->n; i += 3) {
		if (strcmp(s->v[i + 1], name) == 0) {
			char *old = s->v[i + 2];

			s->v[i + 2] = add ? ap_xasprintf("%s %s", old, value) : ap_xstrdup(value);
			free(old);
			free(s->v[i]);
			s->v[i] = ap_xstrdup(where);
			return;
		}
	}
	ap_strv_add(s, where);
	ap_strv_add(s, name);
	ap_strv_add(s, value);
}

static void limit(struct finder *f, const char *where, const struct ap_reqline *q)
{
	ap_auto_buf text = AP_BUF_INIT;

	if (f->out->constraints.n >= 2 * MAX_LINES) {
		fail(f, where, q->value, "too many constraints");
		return;
	}
	ap_buf_adds(&text, q->value);
	for (size_t i = 0; i < q->hashes.n; i++)
		ap_buf_addf(&text, " --hash=%s", q->hashes.v[i]);
	ap_strv_add(&f->out->constraints, where);
	ap_strv_add(&f->out->constraints, text.p);
}

static void read_list(struct finder *f, const char *dir, const char *file, const char *from);

static void one_line(struct finder *f, const char *path, const struct ap_reqline *q)
{
	ap_auto_free char *where = ap_xasprintf("%s:%u", path, q->line);
	ap_auto_free char *dir = ap_fs_dir_of(path);

	switch (q->kind) {
	case AP_REQ_TEXT:
		limit(f, where, q);
		return;
	case AP_REQ_CONSTRAIN:
		read_list(f, dir, q->value, where);
		return;
	case AP_REQ_INDEX:
		set(f, where, "index-url", q->value, false);
		return;
	case AP_REQ_EXTRA_INDEX:
		set(f, where, "extra-index-url", q->value, true);
		return;
	case AP_REQ_FIND_LINKS:
		set(f, where, "find-links", q->value, true);
		return;
	case AP_REQ_NO_INDEX:
		set(f, where, "no-index", "true", false);
		return;
	case AP_REQ_PRE:
		set(f, where, "pre", "true", false);
		return;
	case AP_REQ_REQUIRE_HASHES:
		set(f, where, "require-hashes", "true", false);
		return;
	case AP_REQ_INCLUDE:
	case AP_REQ_EDITABLE:
		fail(f, where, q->value, "-r and -e are not followed in a file of constraints");
		return;
	default:
		return;
	}
}

/* A file of constraints, "FILE" or "file:///FILE", as seen from a directory of the image. */
static void read_list(struct finder *f, const char *dir, const char *file, const char *from)
{
	AP_CLEANUP(ap_reqfile_release) struct ap_reqfile lines = { 0 };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf text = AP_BUF_MAX(2 * AP_PIP_FILE_MAX);
	bool is_url = ap_starts_with(file, "file:");
	ap_auto_free char *joined = is_url ? ap_path_of_file_url(file) : ap_fs_join(dir, file);
	ap_auto_free char *path = NULL;
	size_t unknown = f->at->lacks->n;

	if (!joined || (!is_url && strstr(file, "://"))) {
		fail(f, from, file, "a file on the network is not read");
		return;
	}
	path = ap_path_clean(joined);
	if (strcmp(path, "/dev/null") == 0 || ap_strv_has(&f->seen, path))
		return;
	ap_strv_add(&f->seen, path);
	if (f->seen.n > MAX_FILES) {
		fail(f, from, file, "too many files of constraints");
	} else if (ap_pip_file(&text, f->at, path)) {
		if (ap_reqfile_parse(&lines, path, text.p, text.len, NULL, &err) < 0)
			fail(f, from, file, err.msg);
		for (size_t i = 0; i < lines.n; i++)
			one_line(f, path, &lines.v[i]);
	} else {
		fail(f, from, file,
			f->at->lacks->n > unknown
				? "what is in there is not known: want at most 1 MiB of text"
				: "the base has no such file");
	}
}

static void read_lists(struct finder *f, const char *where, const char *words)
{
	ap_auto_strv files = { 0 };

	ap_pip_words(&files, words, " \t\r\n");
	for (size_t i = 0; i < files.n; i++)
		read_list(f, WORK_DIR, files.v[i], where);
}

/* "PIP_EXTRA_INDEX_URL=..." of the image, the options of which are not empty. */
static void read_vars(struct finder *f, char **constraint, const char **where)
{
	for (size_t i = 0; i < f->at->vars->n; i++) {
		const char *v = f->at->vars->v[i];
		const char *eq = strchr(v, '=');
		ap_auto_buf value = AP_BUF_INIT;
		ap_auto_free char *name = NULL;

		if (!eq || !eq[1] || !ap_starts_with(v, "PIP_"))
			continue;
		ap_pip_without_users(&value, eq + 1, strlen(eq + 1));
		name = ap_xstrndup(v + 4, (size_t)(eq - v - 4));
		for (char *p = name; *p; p++)
			*p = *p == '_' ? '-' : ap_lower(*p);
		if (strcmp(name, "constraint") == 0) {
			free(*constraint);
			*constraint = ap_buf_steal(&value);
			*where = "PIP_CONSTRAINT";
		} else {
			ap_auto_free char *variable = ap_pip_variable(name);

			set(f, variable, name, value.p, false);
		}
	}
}

void ap_base_pip_find(struct ap_base_pip *out, const struct ap_pip_place *at)
{
	struct finder f = { .out = out, .at = at };
	ap_auto_strv conf = { 0 };
	ap_auto_free char *constraint = NULL;
	const char *where = NULL;

	ap_base_pip_release(out);
	out->known = true;
	ap_pip_conf_read(&conf, at);
	for (size_t i = 0; i < conf.n; i += 3) {
		if (strcmp(conf.v[i + 1], "constraint") == 0) {
			where = conf.v[i];
			free(constraint);
			constraint = ap_xstrdup(conf.v[i + 2]);
		} else {
			set(&f, conf.v[i], conf.v[i + 1], conf.v[i + 2], false);
		}
	}
	read_vars(&f, &constraint, &where);
	if (constraint)
		read_lists(&f, where, constraint);
	ap_strv_release(&f.seen);
}

/* May this machine ask there because a base says so?  NULL: yes; else what was wanted. */
static const char *refused(const char *url, unsigned flags)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *bare = ap_xstrndup(url, strcspn(url, "#"));
	ap_auto_url u = { 0 };
	bool private;

	if (ap_url_parse(&u, bare, &err) < 0)
		return "want the address of an index: https://HOST/simple";
	private = ap_host_is_private(u.host);
	if (private && !(flags & AP_BASE_PIP_PRIVATE))
		return "a private address is not asked on a base's word";
	if (strcmp(u.scheme, "https") != 0 && !(private && ap_host_is_loopback(u.host)))
		return "want https";
	return NULL;
}

/* ---- following: constraints ---- */

/* What is installed there, when the address is none that this machine asks; else no version at all. */
static void not_from_there(struct ap_dep_line *l, const struct ap_inventory *inv)
{
	const struct ap_dist *d = ap_inventory_dist(inv, l->req.normalized);
	ap_auto_free char *version = d ? ap_version_normal(d->version) : NULL;

	l->kind = AP_DEP_NAMED;
	free(l->req.specs);
	l->req.specs = version ? ap_xasprintf("==%s", version) : ap_xstrdup(NONE);
	free(AP_STEAL(l->req.url));
}

static int add_limit(struct ap_dep_request *r, const char *where, const char *text,
	const struct ap_inventory *inv, unsigned flags, struct ap_err *err)
{
	AP_CLEANUP(ap_reqfile_release) struct ap_reqfile f = { 0 };
	ap_auto_buf shown = AP_BUF_INIT;
	struct ap_dep_line *l;

	AP_GROW(r->lines, r->n_lines, r->cap_lines);
	l = &r->lines[r->n_lines++];
	*l = (struct ap_dep_line){ .kind = AP_DEP_NAMED, .constraint = true };
	ap_buf_adds(&shown, "the base's ");
	ap_buf_add_printable(&shown, where, AP_MIN(strlen(where), 200));
	l->where = ap_buf_steal(&shown);
	if (ap_reqfile_parse(&f, l->where, text, strlen(text), NULL, err) < 0)
		return -1;
	if (f.n != 1 || f.v[0].kind != AP_REQ_TEXT)
		return ap_err_set(err, AP_E_INPUT, "%s: want one requirement", l->where);
	if (ap_requirement_parse(&l->req, f.v[0].value, err) < 0)
		return ap_err_wrap(err, "%s", l->where);
	if (l->req.extras.n)
		return ap_err_set(err, AP_E_INPUT, "%s: a constraint cannot have extras", l->where);
	ap_strv_copy(&l->hashes, &f.v[0].hashes);
	r->index.require_hashes = r->index.require_hashes || l->hashes.n;
	if (!l->req.url)
		return 0;
	l->kind = AP_DEP_URL;
	if ((flags & AP_BASE_PIP_NO_URLS) || refused(l->req.url, flags))
		not_from_there(l, inv);
	return 0;
}

int ap_base_pip_limit(struct ap_dep_request *out, const struct ap_dep_request *req,
	const struct ap_inventory *inv, ap_getenv_fn env, unsigned flags, struct ap_err *err)
{
	const struct ap_base_pip *b = &inv->pip;

	*out = *req;
	/* Most bases say nothing: this machine's files need not be read then. */
	if (!b->error && !b->constraints.n)
		return 0;
	if (ap_pip_says("constraint", env))
		return 0;
	if (b->error)
		return ap_err_set(err, AP_E_INPUT,
			"pip in the base is told what cannot be followed: %s (PIP_CONSTRAINT on this "
			"machine, even an empty one, replaces the base's)",
			b->error);
	out->cap_lines = req->n_lines + b->constraints.n / 2 + 1;
	out->lines = ap_xcalloc(out->cap_lines, sizeof(*out->lines));
	for (size_t i = 0; i < req->n_lines; i++)
		out->lines[i] = req->lines[i];
	for (size_t i = 0; i < b->constraints.n; i += 2) {
		if (add_limit(out, b->constraints.v[i], b->constraints.v[i + 1], inv, flags, err) <
			0) {
			ap_base_pip_unlimit(out, req);
			return -1;
		}
	}
	return 0;
}

void ap_base_pip_unlimit(struct ap_dep_request *r, const struct ap_dep_request *req)
{
	if (r->lines == req->lines)
		return;
	for (size_t i = req->n_lines; i < r->n_lines; i++)
		ap_dep_line_release(&r->lines[i]);
	free(r->lines);
	r->lines = NULL;
}

/* ---- following: indexes ---- */

static bool is_false(const char *s)
{
	static const char *const words[] = { "0", "false", "no", "off", "n", "f" };
	ap_auto_free char *lower = ap_xstrdup(s);

	for (char *p = lower; *p; p++)
		*p = ap_lower(*p);
	return ap_one_of(lower, words, AP_LEN(words));
}

static bool said_here(const char *name, const struct ap_dep_index *files, ap_getenv_fn env)
{
	if (strcmp(name, "index-url") == 0 &&
		(files->index_url || env("UV_DEFAULT_INDEX") || env("UV_INDEX_URL")))
		return true;
	if (strcmp(name, "extra-index-url") == 0 && (env("UV_INDEX") || env("UV_EXTRA_INDEX_URL")))
		return true;
	if (strcmp(name, "find-links") == 0 && env("UV_FIND_LINKS"))
		return true;
	return ap_pip_says(name, env);
}

/* Without what was a user once: what is asked with a password is named on this machine. */
static char *without_user(const char *url)
{
	const char *host = strstr(url, "://");
	size_t n = host ? strcspn(host + 3, "/?#") : 0;
	const char *at = host ? memrchr(host + 3, '@', n) : NULL;

	return at ? ap_xasprintf("%.*s%s", (int)(host + 3 - url), url, at + 1) : ap_xstrdup(url);
}

struct follower {
	struct ap_strv followed; /* NAME, VALUE, ... */
	struct ap_strv *notes;
	unsigned flags;
	struct ap_err *err;
};

static void note(struct follower *f, const char *const *setting, const char *value, const char *how)
{
	ap_auto_buf text = AP_BUF_INIT;

	ap_buf_addf(&text, "pip in the base is told %s = ", setting[1]);
	ap_buf_add_printable(&text, value, AP_MIN(strlen(value), 200));
	ap_buf_adds(&text, " (");
	ap_buf_add_printable(&text, setting[0], AP_MIN(strlen(setting[0]), 200));
	ap_buf_addf(&text, ")%s", how);
	ap_strv_own(f->notes, ap_buf_steal(&text));
}

/* WHERE, NAME, VALUE of addresses. */
static int follow_urls(struct follower *f, const char *const *setting)
{
	bool links = strcmp(setting[1], "find-links") == 0;
	ap_auto_strv words = { 0 };
	ap_auto_buf kept = AP_BUF_INIT;

	ap_pip_words(&words, setting[2], " \t\r\n");
	for (size_t i = 0; i < words.n; i++) {
		ap_auto_free char *url = without_user(words.v[i]);
		ap_auto_free char *shown = ap_url_public(url);
		const char *why;

		if (links && (!strstr(url, "://") || ap_starts_with(url, "file:"))) {
			note(f, setting, shown, ": what lies in the base is not looked into");
			continue;
		}
		why = refused(url, f->flags);
		if (why) {
			ap_auto_free char *variable = ap_pip_variable(setting[1]);

			note(f, setting, shown, "");
			return ap_err_set(f->err, AP_E_INPUT,
				"%s: %s; %s on this machine, even an empty one, replaces it",
				f->notes->v[f->notes->n - 1], why, variable);
		}
		note(f, setting, shown,
			strcmp(url, words.v[i]) != 0
				? ": it is asked without the user that is named there"
				: "");
		ap_buf_addf(&kept, "%s%s", kept.len ? " " : "", url);
	}
	if (kept.len) {
		ap_strv_add(&f->followed, setting[1]);
		ap_strv_add(&f->followed, kept.p);
	}
	return 0;
}

static int follow(struct follower *f, const char *const *setting)
{
	if (!ap_one_of(setting[1], followed, AP_LEN(followed))) {
		if (!is_false(setting[2]))
			note(f, setting, setting[2], ", which has no effect here");
		return 0;
	}
	if (strstr(setting[1], "-url") || strcmp(setting[1], "find-links") == 0)
		return follow_urls(f, setting);
	if (!is_false(setting[2]))
		note(f, setting, setting[2], "");
	ap_strv_add(&f->followed, setting[1]);
	ap_strv_add(&f->followed, setting[2]);
	return 0;
}

int ap_base_pip_index(struct ap_index_config *out, struct ap_strv *notes,
	const struct ap_dep_index *files, const struct ap_inventory *inv, ap_getenv_fn env,
	unsigned flags, struct ap_err *err)
{
	const struct ap_strv *s = &inv->pip.settings;
	struct follower f = { .notes = notes, .flags = flags, .err = err };
	int rc = 0;

	for (size_t i = 0; i + 2 < s->n && rc == 0; i += 3) {
		const char *const setting[] = { s->v[i], s->v[i + 1], s->v[i + 2] };

		if (!said_here(setting[1], files, env))
			rc = follow(&f, setting);
	}
	if (rc == 0)
		ap_index_config_read_above(out, &f.followed, files, env);
	ap_strv_release(&f.followed);
	return rc;
}
