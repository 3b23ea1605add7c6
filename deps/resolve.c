#include "deps/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/http.h"
#include "deps/base_pip.h"
#include "deps/linked.h"
#include "deps/names.h"
#include "deps/sdists.h"
#include "deps/stand_in.h"
#include "deps/uv.h"
#include "deps/version.h"
#include "deps/wheel.h"

#define MAX_TEXT (32 << 20)

/* One resolution under way; everything borrowed but the members with a release. */
struct run {
	const struct ap_dep_request *req;
	const struct ap_inventory *inv;
	const struct ap_resolve_opts *o;
	struct ap_tags tags;
	struct ap_index_config index;   /* what builds, too: nothing that only the base names */
	struct ap_index_config on_base; /* for resolving: above what pip in the base is told */
	struct ap_strv notes;           /* of that */
	struct ap_locals local;         /* wheels that the user gave, as files or as source */
	struct ap_strv wanted;          /* normalized names the user asked for */
	struct ap_strv upgrades;        /* normalized names to take the newest of */
	struct ap_strv from_files;      /* names that uv took from files of this machine */
	struct ap_strv unknown;         /* base distributions no resolver can be told about */
	struct ap_uv uv;
	bool building; /* wheels alone gave no answer: what may be built is */
};

static void run_release(struct run *r)
{
	ap_tags_release(&r->tags);
	ap_index_config_release(&r->index);
	ap_index_config_release(&r->on_base);
	ap_strv_release(&r->notes);
	ap_locals_release(&r->local);
	ap_strv_release(&r->wanted);
	ap_strv_release(&r->upgrades);
	ap_strv_release(&r->from_files);
	ap_strv_release(&r->unknown);
	ap_uv_release(&r->uv);
}

/* ---- what the user wants ---- */

static struct ap_marker_env marker_env(const struct ap_inventory *inv, char *minor, char *full)
{
	snprintf(minor, 32, "%u.%u", inv->py_major, inv->py_minor);
	snprintf(full, 32, "%u.%u.%u", inv->py_major, inv->py_minor, inv->py_micro);
	return (struct ap_marker_env){ .python_version = minor,
		.python_full_version = full,
		.sys_platform = "linux",
		.platform_system = "Linux",
		.platform_machine = ap_tags_arch(inv->arch),
		.implementation = "cpython" };
}

static bool applies(const struct run *r, const struct ap_dep_line *l)
{
	char minor[32], full[32];
	struct ap_marker_env env = marker_env(r->inv, minor, full);

	return ap_marker_eval(l->req.marker, &env);
}

/* direct_url.json of an archive.  Source: recording the direct URL origin (PEP 610). */
static char *direct_url_of(const char *url, const struct ap_digest *d)
{
	const char *hex = ap_digest_hex(d);
	ap_auto_json value = ap_json_string(url);
	ap_auto_buf out = AP_BUF_INIT;

	/* As json.dumps() prints it: a blank behind ',' and ':'. */
	ap_buf_addf(&out, "{\"archive_info\": {\"hash\": \"sha256=%s\", ", hex);
	ap_buf_addf(&out, "\"hashes\": {\"sha256\": \"%s\"}}, \"url\": ", hex);
	ap_json_print(&out, value, 0);
	ap_buf_addc(&out, '}');
	return ap_buf_steal(&out);
}

static void want(struct ap_strv *names, const char *name)
{
	if (name && !ap_strv_has(names, name))
		ap_strv_add(names, name);
}

static ap_getenv_fn env_of(const struct run *r)
{
	return r->o->env ? r->o->env : ap_uv_getenv;
}

static bool names_url(const struct ap_index_config *c, const char *url)
{
	return ap_streq(c->index_url, url) || ap_strv_has(&c->extra_index_urls, url) ||
	       ap_strv_has(&c->find_links, url);
}

/* Our token, for what we name: the base may name what it likes. */
static int token_of_ours(void *ctx, char **token, const char *url, struct ap_err *err)
{
	const struct run *r = ctx;

	return names_url(&r->index, url) ? r->o->token(r->o->token_ctx, token, url, err) : 0;
}

static int authorize(struct run *r, struct ap_err *err)
{
	if (!r->o->token)
		return 0;
	if (ap_index_config_authorize(&r->on_base, token_of_ours, r, err) < 0)
		return -1;
	return ap_index_config_authorize(&r->index, r->o->token, r->o->token_ctx, err);
}

static int write_in(
	const struct run *r, const char *name, const struct ap_buf *text, struct ap_err *err)
{
	ap_auto_free char *path = ap_fs_join(r->uv.dir, name);

	return ap_fs_write(path, text->p, text->len, 0600, err);
}

static int open_uv(struct run *r, struct ap_err *err)
{
	ap_auto_buf config = AP_BUF_INIT;
	struct ap_uv_opts uo = { .uv = r->o->uv,
		.cache_dir = r->o->cache_dir,
		.index = &r->index,
		.env = env_of(r),
		.offline = r->o->offline };

	if (r->uv.dir)
		return 0;
	if (authorize(r, err) < 0 || ap_uv_open(&r->uv, &uo, err) < 0)
		return -1;
	ap_index_config_print(&config, &r->on_base);
	return write_in(r, "base.toml", &config, err);
}

/* Names that are wanted, names to upgrade. */
static void read_lines(struct run *r)
{
	for (size_t i = 0; i < r->req->n_lines; i++) {
		const struct ap_dep_line *l = &r->req->lines[i];

		if (l->constraint || !applies(r, l))
			continue;
		want(&r->wanted, l->req.normalized);
		if (l->upgrade && l->req.normalized)
			want(&r->upgrades, l->req.normalized);
	}
	for (size_t i = 0; i < r->local.lock.n; i++) {
		if (r->local.lock.v[i].requested)
			want(&r->wanted, r->local.lock.v[i].name);
	}
}

static bool may_build_all(const struct run *r)
{
	return r->o->allow_build && ap_strv_has(r->o->allow_build, ":all:");
}

/* May uv build what it is asked for?  That comes from no place that only the base names. */
static bool builds(const struct run *r)
{
	return r->building || may_build_all(r);
}

/* Is there a place that only the base names? */
static bool asks_base(const struct run *r)
{
	ap_auto_strv ours = { 0 };
	ap_auto_strv all = { 0 };
	ap_auto_free char *a = NULL;
	ap_auto_free char *b = NULL;

	ap_index_config_public(&ours, &r->index);
	ap_index_config_public(&all, &r->on_base);
	a = ap_strv_join(&ours, " ");
	b = ap_strv_join(&all, " ");
	return strcmp(a, b) != 0;
}

/* Check and hash the wheels that are here; build those that are source. */
static int make_locals(struct run *r, struct ap_err *err)
{
	char minor[32], full[32];
	struct ap_marker_env env = marker_env(r->inv, minor, full);
	struct ap_locals_opts lo = { .cache_dir = r->o ? r->o->cache_dir : NULL,
		.inv = r->inv,
		.tags = &r->tags,
		.env = &env,
		.inside = r->o ? r->o->inside : NULL,
		.progress = r->o ? r->o->progress : NULL,
		.source_tools = r->o && may_build_all(r) };

	if (r->o && ap_locals_want_build(r->req, &env)) {
		if (open_uv(r, err) < 0)
			return -1;
		lo.uv = &r->uv;
	}
	return ap_locals_make(&r->local, r->req, &lo, err);
}

/* Is there a line of the flag that names the same package?  That one rules. */
static bool overridden(const struct run *r, const struct ap_dep_line *l)
{
	return !l->upgrade && l->kind == AP_DEP_NAMED && l->req.normalized &&
	       ap_strv_has(&r->upgrades, l->req.normalized);
}

static void print_local(struct ap_buf *out, const struct ap_dep_line *l, const char *wheel)
{
	AP_CLEANUP(ap_wheel_name_release) struct ap_wheel_name w = { 0 };
	struct ap_err err = AP_ERR_INIT;
	const char *slash = strrchr(wheel, '/');

	if (ap_wheel_name_parse(&w, slash ? slash + 1 : wheel, &err) < 0)
		return;
	ap_buf_adds(out, w.name);
	for (size_t i = 0; i < l->req.extras.n; i++)
		ap_buf_addf(out, "%c%s", i ? ',' : '[', l->req.extras.v[i]);
	ap_buf_adds(out, l->req.extras.n ? "] @ file://" : " @ file://");
	for (const char *p = wheel; *p; p++) {
		if (ap_is_alnum(*p) || strchr("/-_.~+", *p))
			ap_buf_addc(out, *p);
		else
			ap_buf_addf(out, "%%%02X", (unsigned char)*p);
	}
	ap_buf_addc(out, '\n');
}

static void print_wants(struct ap_buf *in, struct ap_buf *limits, const struct run *r)
{
	for (size_t i = 0; i < r->req->n_lines; i++) {
		const struct ap_dep_line *l = &r->req->lines[i];

		if (!applies(r, l))
			continue;
		if (overridden(r, l)) {
			/* The flag chooses the version; extras of the file stay wanted. */
			if (!l->constraint && l->req.extras.n) {
				ap_requirement_print(in, &l->req, "", NULL);
				ap_buf_addc(in, '\n');
			}
			continue;
		}
		if (r->local.wheels[i]) {
			print_local(l->constraint ? limits : in, l, r->local.wheels[i]);
			continue;
		}
		ap_requirement_print(l->constraint ? limits : in, &l->req, l->req.specs, NULL);
		ap_buf_addc(l->constraint ? limits : in, '\n');
	}
}

/* ---- what the base has ---- */

static int write_stand_ins(struct run *r, struct ap_buf *pins, struct ap_err *err)
{
	ap_auto_free char *dir = ap_fs_join(r->uv.dir, "base");

	if (ap_fs_mkdirs(dir, 0700, err) < 0)
		return -1;
	for (size_t i = 0; i < r->inv->n_dists; i++) {
		const struct ap_dist *d = &r->inv->dists[i];
		ap_auto_free char *version = ap_version_normal(d->version);
		bool written;

		if (ap_stand_in_write(&written, dir, d, err) < 0)
			return -1;
		if (!written)
			ap_strv_addf(&r->unknown, "%s %s", d->name, d->version);
		else if (!ap_strv_has(&r->upgrades, d->normalized))
			ap_buf_addf(pins, "%s==%s\n", d->normalized, version);
	}
	return 0;
}

static const struct ap_dist *same_in_base(
	const struct run *r, const char *name, const char *version)
{
	const struct ap_dist *d = ap_inventory_dist(r->inv, name);

	return d && ap_version_same(d->version, version) ? d : NULL;
}

/* ---- running uv ---- */

static void common_words(struct ap_strv *w, const struct run *r, const char *in, const char *out)
{
	ap_auto_free char *platform = ap_uv_platform(r->inv);
	static const char *const fixed[] = { "--no-header", "--no-annotate", "--config-file" };

	ap_strv_add(w, "pip");
	ap_strv_add(w, "compile");
	ap_strv_add(w, in);
	ap_strv_add(w, "-o");
	ap_strv_add(w, out);
	for (size_t i = 0; i < AP_LEN(fixed); i++)
		ap_strv_add(w, fixed[i]);
	ap_strv_add(w, builds(r) ? "uv.toml" : "base.toml");
	ap_strv_addf(w, "--python-version=%u.%u.%u", r->inv->py_major, r->inv->py_minor,
		r->inv->py_micro);
	ap_strv_addf(w, "--python-platform=%s", platform);
	if (may_build_all(r))
		return;
	ap_strv_add(w, "--only-binary=:all:");
	for (size_t i = 0; r->building && i < r->o->allow_build->n; i++)
		ap_strv_addf(w, "--no-binary=%s", r->o->allow_build->v[i]);
}

static int read_in(const struct run *r, const char *name, struct ap_buf *text, struct ap_err *err)
{
	ap_auto_free char *path = ap_fs_join(r->uv.dir, name);

	return ap_fs_read(text, path, err);
}

/* "name" and behind it a version's operator, not as the end of a longer name. */
static bool speaks_of(const char *said, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = said; (at = strstr(at, name)); at += n) {
		bool begins = at == said || (!ap_is_alnum(at[-1]) && !strchr("-_.", at[-1]));

		if (begins && at[n] && strchr("=<>!~", at[n]))
			return true;
	}
	return false;
}

/* Which constraints limit a package that uv's explanation speaks of? */
static void name_limits(struct ap_buf *out, const struct run *r, const char *said)
{
	size_t n = 0;

	for (size_t i = 0; i < r->req->n_lines && n < 3; i++) {
		const struct ap_dep_line *l = &r->req->lines[i];
		ap_auto_buf text = AP_BUF_INIT;

		if (!l->constraint || !l->req.normalized || !speaks_of(said, l->req.normalized) ||
			!applies(r, l))
			continue;
		ap_requirement_print(&text, &l->req, l->req.specs, NULL);
		ap_buf_addf(out, "; %s says %s", l->where, text.p);
		n++;
	}
}

/* Which of the base's packages does uv's explanation speak of? */
static void name_culprits(struct ap_buf *out, const struct run *r, const char *said)
{
	size_t n = 0;

	for (size_t i = 0; i < r->inv->n_dists && n < 5; i++) {
		const struct ap_dist *d = &r->inv->dists[i];

		if (speaks_of(said, d->normalized))
			ap_buf_addf(out, "%s%s %s", n++ ? ", " : "; the base has ", d->name,
				d->version);
	}
}

/* uv's words on one line, without its own "error:". */
static int resolver_error(const struct run *r, const char *said, struct ap_err *err)
{
	ap_auto_buf line = AP_BUF_INIT;
	struct ap_str rest = ap_str(said);
	struct ap_str part;

	while (ap_str_next(&rest, '\n', &part)) {
		part = ap_str_trim(part);
		if (part.n > 7 && memcmp(part.p, "error: ", 7) == 0)
			part = ap_str_n(part.p + 7, part.n - 7);
		if (!part.n)
			continue;
		if (line.len)
			ap_buf_addc(&line, '\n'); /* its lines are shown as lines */
		ap_buf_add_printable(&line, part.p, part.n);
	}
	/* An error has room for a few lines; what does not fit is shown before it. */
	if (line.len > 800) {
		ap_auto_buf all = AP_BUF_INIT;

		rest = ap_str(said);
		while (ap_str_next(&rest, '\n', &part)) {
			ap_buf_reset(&all);
			ap_buf_add_printable(&all, part.p, part.n);
			ap_emit_note(r->o->progress, AP_STEP_RESOLVE, "uv: %s", all.p);
		}
		ap_buf_truncate(&line, 800);
		ap_buf_adds(&line, "...");
	}
	name_culprits(&line, r, said);
	name_limits(&line, r, said);
	if (strstr(said, "building from source is disabled"))
		ap_buf_adds(&line, "; --allow-build=NAME lets a package be built on this host");
	return ap_err_set(err, AP_E_RESOLVE, "resolving dependencies: %s",
		line.len ? line.p : "uv failed and said nothing");
}

/* Does it name a version?  Of one that the base has, the resolver knows only a stand-in. */
static bool is_of_chosen(const struct run *r, struct ap_str warning)
{
	ap_auto_free char *text = ap_xstrndup(warning.p, warning.n);
	char *name = strchr(text, '`');
	char *equals = name ? strstr(name, "==") : NULL;
	char *end = equals ? strchr(equals, '`') : NULL;

	if (!end)
		return false;
	*equals = *end = '\0';
	return !same_in_base(r, name + 1, equals + 2);
}

/* What uv warns of: a version that was yanked, an extra that is none. */
static void pass_on_warnings(const struct run *r, const char *said)
{
	static const char mark[] = "warning: ";
	struct ap_str rest = ap_str(said);
	struct ap_str line;

	while (ap_str_next(&rest, '\n', &line)) {
		ap_auto_buf text = AP_BUF_INIT;

		if (line.n < sizeof(mark) || memcmp(line.p, mark, sizeof(mark) - 1) != 0 ||
			!is_of_chosen(r, line))
			continue;
		ap_buf_add_printable(&text, line.p + sizeof(mark) - 1, line.n - (sizeof(mark) - 1));
		ap_emit_warn(r->o->progress, AP_STEP_RESOLVE, "%s", text.p);
	}
}

static int call_uv(
	const struct run *r, const struct ap_strv *words, struct ap_buf *said, struct ap_err *err)
{
	int status;

	if (ap_uv_run(&r->uv, &status, words, said, err) < 0)
		return -1;
	return status == 0 ? 0 : resolver_error(r, said->p, err);
}

static int ask_versions(const struct run *r, const struct ap_buf *pins, struct ap_err *err)
{
	ap_auto_buf said = AP_BUF_MAX(1 << 20);
	ap_auto_strv words = { 0 };

	if (write_in(r, "chosen.txt", pins, err) < 0)
		return -1;
	common_words(&words, r, "in.txt", "chosen.txt");
	ap_strv_add(&words, "--constraint=limits.txt");
	ap_strv_add(&words, "--find-links=base");
	for (size_t i = 0; i < r->upgrades.n; i++)
		ap_strv_addf(&words, "--upgrade-package=%s", r->upgrades.v[i]);
	if (call_uv(r, &words, &said, err) < 0)
		return -1;
	pass_on_warnings(r, said.p);
	return 0;
}

static bool may_build_some(const struct run *r)
{
	const struct ap_strv *allow = r->o->allow_build;

	return allow && allow->n && !may_build_all(r);
}

/*
 * First pass: which versions, given what the base has.  Packages that may be
 * built are, when wheels alone give no answer: uv can be told to build a
 * package always or never.
 */
static int choose_versions(struct run *r, struct ap_buf *chosen, struct ap_err *err)
{
	ap_auto_buf in = AP_BUF_INIT;
	ap_auto_buf limits = AP_BUF_INIT;
	ap_auto_buf pins = AP_BUF_INIT;
	int rc;

	print_wants(&in, &limits, r);
	if (write_stand_ins(r, &pins, err) < 0 || write_in(r, "in.txt", &in, err) < 0 ||
		write_in(r, "limits.txt", &limits, err) < 0)
		return -1;
	rc = ask_versions(r, &pins, err);
	if (rc < 0 && err->code == AP_E_RESOLVE && may_build_some(r)) {
		ap_err_clear(err);
		r->building = true;
		rc = ask_versions(r, &pins, err);
	}
	return rc < 0 ? -1 : read_in(r, "chosen.txt", chosen, err);
}

/* "name==version" or "name @ url": what the base lacks and no file of the user is. */
static void keep_missing(struct ap_buf *add, struct run *r, const struct ap_buf *chosen)
{
	struct ap_str rest = ap_str_n(chosen->p, chosen->len);
	struct ap_str line;

	while (ap_str_next(&rest, '\n', &line)) {
		struct ap_requirement q = { 0 };
		struct ap_err err = AP_ERR_INIT;
		ap_auto_free char *text = NULL;
		bool drop;

		line = ap_str_trim(line);
		if (!line.n || line.p[0] == '#' || line.p[0] == '-')
			continue;
		text = ap_xstrndup(line.p, line.n);
		if (ap_requirement_parse(&q, text, &err) < 0)
			continue;
		drop = q.url ? ap_starts_with(q.url, "file:")
			     : ap_starts_with(q.specs, "==") &&
				       same_in_base(r, q.normalized, q.specs + 2);
		if (!drop)
			ap_buf_addf(add, "%s\n", text);
		else if (q.url)
			want(&r->from_files, q.normalized);
		ap_requirement_release(&q);
	}
}

static struct ap_locked *find(struct ap_lock *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].name, name) == 0)
			return &l->v[i];
	}
	return NULL;
}

static bool has_sha256(const struct ap_strv *hashes)
{
	for (size_t i = 0; i < hashes->n; i++) {
		if (ap_starts_with(hashes->v[i], "sha256:"))
			return true;
	}
	return false;
}

/* The first line that makes hashes wanted, for a message. */
static const char *who_hashes(const struct run *r)
{
	for (size_t i = 0; i < r->req->n_lines; i++) {
		if (r->req->lines[i].hashes.n && !r->req->lines[i].locked)
			return r->req->lines[i].where;
	}
	return "requirements.txt";
}

/* A requirement with --hash takes these files only. */
static int check_hashes(const struct run *r, struct ap_lock *lock, struct ap_err *err)
{
	ap_auto_strv hashed = { 0 };

	for (size_t i = 0; i < r->req->n_lines; i++) {
		const struct ap_dep_line *q = &r->req->lines[i];
		struct ap_locked *l;

		if (!q->hashes.n || !q->req.normalized || overridden(r, q) || !applies(r, q))
			continue;
		want(&hashed, q->req.normalized);
		l = find(lock, q->req.normalized);
		/* Built of a source: that was compared before. */
		if (l && !l->url && !l->direct_url)
			continue;
		if (l && !has_sha256(&q->hashes))
			return ap_err_set(err, AP_E_INPUT,
				"%s: %s: want at least one --hash=sha256:..., which is what the index tells",
				q->where, l->name);
		if (l && !ap_strv_has(&q->hashes, l->digest.s))
			return ap_err_set(err, AP_E_DIGEST,
				"%s: %s is %s, which is none of the %zu hashes given for it",
				q->where, l->filename, l->digest.s, q->hashes.n);
	}
	/* One hash makes all wanted, as with pip; what is given as a file is its own proof. */
	for (size_t i = 0; r->req->index.require_hashes && i < lock->n; i++) {
		const struct ap_locked *l = &lock->v[i];

		if (l->url && !ap_strv_has(&hashed, l->name) && !ap_strv_has(&r->upgrades, l->name))
			return ap_err_set(err, AP_E_INPUT,
				"%s has hashes, and none for %s==%s, which is needed "
				"too: add \"%s==%s --hash=%s\"",
				who_hashes(r), l->name, l->version, l->name, l->version,
				l->digest.s);
	}
	return 0;
}

/* Fetch and build what comes as source and may be built. */
static int build_sources(
	struct ap_lock *built, struct run *r, struct ap_lock *sdists, struct ap_err *err)
{
	ap_auto_strv paths = { 0 };
	struct ap_build_opts bo = { .cache_dir = r->o->cache_dir,
		.uv = &r->uv,
		.inv = r->inv,
		.inside = r->o->inside,
		.progress = r->o->progress,
		.source_tools = may_build_all(r) };

	if (!sdists->n)
		return 0;
	if (!r->o->fetch)
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"%s: comes as source, which is not fetched here", sdists->v[0].name);
	if (ap_linked_take(sdists, err) < 0 ||
		r->o->fetch(r->o->fetch_ctx, &paths, sdists, err) < 0)
		return -1;
	return ap_sdists_build(built, sdists, &paths, r->uv.dir, &bo, err);
}

static void take(struct ap_lock *to, struct ap_locked *from)
{
	*ap_lock_add(to) = *from;
	*from = (struct ap_locked){ 0 };
}

/* uv's pylock.toml, with wheels in the place of sources. */
static int read_answer(
	struct ap_lock *lock, struct run *r, const struct ap_buf *text, struct ap_err *err)
{
	AP_CLEANUP(ap_lock_release) struct ap_lock sdists = { 0 };
	AP_CLEANUP(ap_lock_release) struct ap_lock built = { 0 };
	ap_auto_strv skip = { 0 };

	if (ap_sdists_find(&sdists, text->p, text->len, &r->tags,
		    builds(r) || !asks_base(r) ? r->o->allow_build : NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < sdists.n; i++)
		ap_strv_add(&skip, sdists.v[i].name);
	if (sdists.n && check_hashes(r, &sdists, err) < 0)
		return -1;
	if (ap_lock_parse_for(lock, text->p, text->len, &r->tags, NULL, &skip, err) < 0 ||
		build_sources(&built, r, &sdists, err) < 0)
		return -1;
	for (size_t i = 0; i < built.n; i++)
		take(lock, &built.v[i]);
	return 0;
}

/* Second pass: the files of those versions. */
static int choose_files(
	struct ap_lock *lock, struct run *r, const struct ap_buf *chosen, struct ap_err *err)
{
	ap_auto_buf add = AP_BUF_INIT;
	ap_auto_buf text = AP_BUF_MAX(MAX_TEXT);
	ap_auto_buf said = AP_BUF_MAX(1 << 20);
	ap_auto_strv words = { 0 };

	keep_missing(&add, r, chosen);
	if (!add.len)
		return 0;
	if (write_in(r, "add.txt", &add, err) < 0)
		return -1;
	common_words(&words, r, "add.txt", "pylock.toml");
	ap_strv_add(&words, "--no-deps");
	ap_strv_add(&words, "--format=pylock.toml");
	if (call_uv(r, &words, &said, err) < 0 || read_in(r, "pylock.toml", &text, err) < 0)
		return -1;
	return read_answer(lock, r, &text, err);
}

/* ---- the derived lock ---- */

/* URLs without passwords: the lock is printed, kept and shared. */
static void strip_url(struct ap_locked *l)
{
	char *clean;

	if (!l->url)
		return;
	clean = ap_url_public(l->url);
	free(l->url);
	l->url = clean;
}

static void name_removes(struct ap_lock *lock, const struct ap_inventory *inv)
{
	ap_strv_release(&lock->removes);
	for (size_t i = 0; i < lock->n; i++) {
		if (ap_inventory_dist(inv, lock->v[i].name))
			ap_strv_add(&lock->removes, lock->v[i].name);
	}
}

static int derive(struct ap_lock *lock, struct run *r, struct ap_err *err)
{
	for (size_t i = 0; i < lock->n; i++) {
		if (ap_strv_has(&r->wanted, lock->v[i].name))
			lock->v[i].requested = true;
		strip_url(&lock->v[i]);
	}
	for (size_t i = 0; i < r->req->n_lines; i++) {
		const struct ap_dep_line *q = &r->req->lines[i];
		struct ap_locked *l = NULL;

		if (q->kind == AP_DEP_URL && q->req.normalized)
			l = find(lock, q->req.normalized);
		if (l && l->url)
			l->direct_url = direct_url_of(l->url, &l->digest);
	}
	for (size_t i = 0; i < r->local.lock.n; i++) {
		const struct ap_locked *given = &r->local.lock.v[i];
		struct ap_locked *l;

		if (!given->requested && !ap_strv_has(&r->from_files, given->name))
			continue;
		l = ap_lock_add(lock);
		ap_locked_copy(l, given);
		l->requested = ap_strv_has(&r->wanted, l->name);
	}
	ap_lock_sort(lock);
	name_removes(lock, r->inv);
	return check_hashes(r, lock, err) < 0 ? -1 : ap_linked_take(lock, err);
}

/* What installing this would break in the base: told, not refused, as pip does. */
static void warn_broken(const struct run *r, struct ap_lock *lock)
{
	char minor[32], full[32];
	struct ap_marker_env env = marker_env(r->inv, minor, full);

	for (size_t i = 0; i < r->inv->n_dists; i++) {
		const struct ap_dist *d = &r->inv->dists[i];

		if (find(lock, d->normalized))
			continue;
		for (size_t k = 0; k < d->requires.n; k++) {
			struct ap_requirement q = { 0 };
			struct ap_err err = AP_ERR_INIT;
			struct ap_locked *l;

			if (ap_requirement_parse(&q, d->requires.v[k], &err) < 0)
				continue;
			l = find(lock, q.normalized);
			if (l && *q.specs && ap_marker_eval(q.marker, &env) &&
				!ap_specifiers_match(q.specs, l->version))
				ap_emit_warn(r->o->progress, AP_STEP_RESOLVE,
					"%s %s of the base wants %s%s, and gets %s %s", d->name,
					d->version, q.name, q.specs, l->name, l->version);
			ap_requirement_release(&q);
		}
	}
}

/* Was the wheel of that name built from source?  Its bytes change with every edit. */
static bool is_built(const struct run *r, const char *filename)
{
	for (size_t i = 0; i < r->req->n_lines; i++) {
		const char *wheel = r->local.wheels[i];
		const char *slash = wheel ? strrchr(wheel, '/') : NULL;

		if (slash && r->req->lines[i].kind != AP_DEP_WHEEL &&
			strcmp(slash + 1, filename) == 0)
			return true;
	}
	return false;
}

/*
 * Give the local wheels of a lock their places on this machine: by digest,
 * and what was built from the user's sources by its name.
 */
static bool attach_local(const struct run *r, struct ap_lock *lock)
{
	const struct ap_lock *local = &r->local.lock;

	for (size_t i = 0; i < lock->n; i++) {
		struct ap_locked *l = &lock->v[i];

		if (l->url)
			continue;
		for (size_t k = 0; k < local->n && !l->local; k++) {
			if (!ap_digest_eq(&local->v[k].digest, &l->digest) &&
				!(strcmp(local->v[k].filename, l->filename) == 0 &&
					is_built(r, l->filename)))
				continue;
			l->digest = local->v[k].digest;
			l->size = local->v[k].size;
			l->local = ap_xstrdup(local->v[k].local);
		}
		if (!l->local && r->o)
			l->local = ap_lock_cache_wheel(r->o->cache_dir, &l->digest);
		if (!l->local)
			l->local = ap_linked_find(&r->index.find_links, l->filename, &l->digest);
		if (!l->local)
			return false;
	}
	return true;
}

/* Said when the lock is made, not again by each build that uses it. */
static void tell_managed(const struct run *r, const struct ap_lock *lock)
{
	if (r->inv->externally_managed && lock->n)
		ap_emit_note(r->o->progress, AP_STEP_RESOLVE,
			"the base's Python is marked EXTERNALLY-MANAGED: packages go to %s, as with "
			"pip's --break-system-packages",
			r->inv->scheme.purelib);
}

static void tell_base_pip(const struct run *r)
{
	size_t n = r->inv->pip.constraints.n / 2;

	for (size_t i = 0; i < r->notes.n; i++)
		ap_emit_note(r->o->progress, AP_STEP_RESOLVE, "%s", r->notes.v[i]);
	if (n && !ap_pip_says("constraint", env_of(r)))
		ap_emit_note(r->o->progress, AP_STEP_RESOLVE,
			"pip in the base is told %zu constraint%s (from %s)", n, n == 1 ? "" : "s",
			r->inv->pip.constraints.v[0]);
	if (r->o->allow_build && r->o->allow_build->n && asks_base(r))
		ap_emit_note(r->o->progress, AP_STEP_RESOLVE,
			"--allow-build: what is built here comes from no place that only the base names");
}

static int resolve_anew(struct ap_lock *out, struct run *r, struct ap_err *err)
{
	AP_CLEANUP(ap_lock_release) struct ap_lock lock = { 0 };
	ap_auto_buf chosen = AP_BUF_MAX(MAX_TEXT);

	ap_emit(r->o->progress,
		&(struct ap_event){ .step = AP_STEP_RESOLVE, .kind = AP_EV_START, .id = "uv" });
	tell_base_pip(r);
	if (open_uv(r, err) < 0 || choose_versions(r, &chosen, err) < 0 ||
		choose_files(&lock, r, &chosen, err) < 0 || derive(&lock, r, err) < 0)
		return -1;
	for (size_t i = 0; i < r->unknown.n; i++)
		ap_emit_debug(r->o->progress, AP_STEP_RESOLVE,
			"%s of the base has a version that uv cannot read", r->unknown.v[i]);
	warn_broken(r, &lock);
	tell_managed(r, &lock);
	ap_emit(r->o->progress,
		&(struct ap_event){ .step = AP_STEP_RESOLVE, .kind = AP_EV_DONE, .id = "uv" });
	*out = lock;
	lock = (struct ap_lock){ 0 };
	return 0;
}

static int cache_path(char **out, struct run *r, struct ap_err *err)
{
	ap_auto_free char *platform = ap_uv_platform(r->inv);
	struct ap_lock_cache_key k = { .req = r->req,
		.inv = r->inv,
		.tags = &r->tags,
		.index = &r->on_base,
		.allow_build = r->o->allow_build,
		.locals = &r->local,
		.platform = platform };

	return ap_lock_cache_path(out, r->o->cache_dir, &k, err);
}

static unsigned base_flags(const struct ap_resolve_opts *o)
{
	return (o->private_base ? AP_BASE_PIP_PRIVATE : 0u) |
	       (o->allow_build && o->allow_build->n ? AP_BASE_PIP_NO_URLS : 0u);
}

static int resolve_in(struct ap_lock *out, const struct ap_dep_request *req,
	const struct ap_inventory *inv, const struct ap_resolve_opts *o, struct ap_err *err)
{
	AP_CLEANUP(run_release) struct run r = { .req = req, .inv = inv, .o = o };
	ap_auto_free char *path = NULL;
	struct ap_err ignored = AP_ERR_INIT;

	if (ap_tags_make(&r.tags, inv, err) < 0)
		return -1;
	ap_index_config_read(&r.index, &req->index, env_of(&r));
	if (ap_base_pip_index(
		    &r.on_base, &r.notes, &req->index, inv, env_of(&r), base_flags(o), err) < 0 ||
		make_locals(&r, err) < 0 || cache_path(&path, &r, err) < 0)
		return -1;
	read_lines(&r);
	if (!o->refresh &&
		ap_lock_cache_get(out, path, o->cache_dir, &r.local, &r.index.find_links)) {
		ap_emit(o->progress, &(struct ap_event){ .step = AP_STEP_RESOLVE,
					     .kind = AP_EV_SKIP,
					     .id = "lock",
					     .note = "same inputs on the same base within a day" });
		return 0;
	}
	if (resolve_anew(out, &r, err) < 0)
		return -1;
	if (ap_lock_cache_put(path, out, &ignored) < 0)
		ap_emit_debug(o->progress, AP_STEP_RESOLVE, "lock not kept: %s", ignored.msg);
	return 0;
}

/* Children run in directories of their own: no path given to them may be relative. */
static int absolute_cache(char **out, const char *cache_dir, struct ap_err *err)
{
	if (ap_fs_mkdirs(cache_dir, 0700, err) < 0)
		return -1;
	*out = realpath(cache_dir, NULL);
	return *out ? 0 : ap_err_sys(err, "%s", cache_dir);
}

int ap_resolve(struct ap_lock *out, const struct ap_dep_request *req,
	const struct ap_inventory *inv, const struct ap_resolve_opts *o, struct ap_err *err)
{
	ap_auto_free char *cache = NULL;
	struct ap_resolve_opts here = *o;
	struct ap_dep_request limited;
	int rc;

	if (absolute_cache(&cache, o->cache_dir, err) < 0)
		return -1;
	here.cache_dir = cache;
	if (req->lock_file)
		return ap_resolve_locked(out, req, inv, &here, err);
	if (ap_base_pip_limit(
		    &limited, req, inv, o->env ? o->env : ap_uv_getenv, base_flags(o), err) < 0)
		return -1;
	rc = resolve_in(out, &limited, inv, &here, err);
	ap_base_pip_unlimit(&limited, req);
	return rc;
}

int ap_resolve_locked(struct ap_lock *out, const struct ap_dep_request *req,
	const struct ap_inventory *inv, const struct ap_resolve_opts *o, struct ap_err *err)
{
	AP_CLEANUP(run_release) struct run r = { .req = req, .inv = inv, .o = o };
	AP_CLEANUP(ap_lock_release) struct ap_lock all = { 0 };
	AP_CLEANUP(ap_lock_release) struct ap_lock lock = { 0 };
	ap_auto_buf text = AP_BUF_MAX(MAX_TEXT);
	char minor[32], full[32];
	struct ap_marker_env env = marker_env(inv, minor, full);

	if (o)
		ap_index_config_read(&r.index, &req->index, env_of(&r));
	if (ap_tags_make(&r.tags, inv, err) < 0 || ap_fs_read(&text, req->lock_file, err) < 0 ||
		make_locals(&r, err) < 0)
		return -1;
	read_lines(&r);
	if (ap_lock_parse_for(&all, text.p, text.len, &r.tags, &env, NULL, err) < 0)
		return ap_err_wrap(err, "%s", req->lock_file);
	for (size_t i = 0; i < all.n; i++) {
		if (ap_strv_has(&r.wanted, all.v[i].name))
			all.v[i].requested = true;
		if (!same_in_base(&r, all.v[i].name, all.v[i].version) || !all.v[i].url)
			take(&lock, &all.v[i]);
	}
	if (!attach_local(&r, &lock))
		return ap_err_set(err, AP_E_INPUT,
			"%s: names a local wheel by its digest that is neither an extra package nor in a "
			"directory of --find-links",
			req->lock_file);
	/* A lock of another tool does not know the wheels that lie here. */
	for (size_t i = 0; i < r.local.lock.n; i++) {
		const struct ap_locked *given = &r.local.lock.v[i];
		const struct ap_locked *l = find(&lock, given->name);

		if (!given->requested)
			continue;
		if (l && !ap_digest_eq(&l->digest, &given->digest))
			return ap_err_set(err, AP_E_INPUT,
				"%s: %s is locked as %s, and %s is given", req->lock_file, l->name,
				l->digest.s, given->filename);
		if (!l)
			ap_locked_copy(ap_lock_add(&lock), given);
	}
	ap_lock_sort(&lock);
	name_removes(&lock, inv);
	*out = lock;
	lock = (struct ap_lock){ 0 };
	return 0;
}
