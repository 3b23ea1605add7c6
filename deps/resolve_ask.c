#include "deps/resolve_priv.h"

#include <string.h>

#include "base/fs.h"
#include "deps/stand_in.h"
#include "deps/version.h"
#include "deps/wheel.h"

static bool names_url(const struct ap_index_config *c, const char *url)
{
	return ap_streq(c->index_url, url) || ap_strv_has(&c->extra_index_urls, url) ||
	       ap_strv_has(&c->find_links, url);
}

/* Our token, for what we name: the base may name what it likes. */
static int token_of_ours(void *ctx, char **token, const char *url, struct ap_err *err)
{
	const struct ap_resolving *r = ctx;

	return names_url(&r->index, url) ? r->o->token(r->o->token_ctx, token, url, err) : 0;
}

static int authorize(struct ap_resolving *r, struct ap_err *err)
{
	if (!r->o->token)
		return 0;
	if (ap_index_config_authorize(&r->on_base, token_of_ours, r, err) < 0)
		return -1;
	return ap_index_config_authorize(&r->index, r->o->token, r->o->token_ctx, err);
}

static int write_in(const struct ap_resolving *r, const char *name, const struct ap_buf *text,
	struct ap_err *err)
{
	ap_auto_free char *path = ap_fs_join(r->uv.dir, name);

	return ap_fs_write(path, text->p, text->len, 0600, err);
}

int ap_resolving_open_uv(struct ap_resolving *r, struct ap_err *err)
{
	ap_auto_buf config = AP_BUF_INIT;
	struct ap_uv_opts uo = { .uv = r->o->uv,
		.cache_dir = r->o->cache_dir,
		.index = &r->index,
		.env = ap_resolving_env(r),
		.offline = r->o->offline };

	if (r->uv.dir)
		return 0;
	if (authorize(r, err) < 0 || ap_uv_open(&r->uv, &uo, err) < 0)
		return -1;
	ap_index_config_print(&config, &r->on_base);
	return write_in(r, "base.toml", &config, err);
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

static void print_wants(struct ap_buf *in, struct ap_buf *limits, const struct ap_resolving *r)
{
	for (size_t i = 0; i < r->req->n_lines; i++) {
		const struct ap_dep_line *l = &r->req->lines[i];

		if (!ap_resolving_applies(r, l))
			continue;
		if (ap_resolving_overridden(r, l)) {
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

static int write_stand_ins(struct ap_resolving *r, struct ap_buf *pins, struct ap_err *err)
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

static void common_words(
	struct ap_strv *w, const struct ap_resolving *r, const char *in, const char *out)
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
	ap_strv_add(w, ap_resolving_builds(r) ? "uv.toml" : "base.toml");
	ap_strv_addf(w, "--python-version=%u.%u.%u", r->inv->py_major, r->inv->py_minor,
		r->inv->py_micro);
	ap_strv_addf(w, "--python-platform=%s", platform);
	if (ap_resolving_may_build_all(r))
		return;
	ap_strv_add(w, "--only-binary=:all:");
	for (size_t i = 0; r->building && i < r->o->allow_build->n; i++)
		ap_strv_addf(w, "--no-binary=%s", r->o->allow_build->v[i]);
}

static int read_in(
	const struct ap_resolving *r, const char *name, struct ap_buf *text, struct ap_err *err)
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
static void name_limits(struct ap_buf *out, const struct ap_resolving *r, const char *said)
{
	size_t n = 0;

	for (size_t i = 0; i < r->req->n_lines && n < 3; i++) {
		const struct ap_dep_line *l = &r->req->lines[i];
		ap_auto_buf text = AP_BUF_INIT;

		if (!l->constraint || !l->req.normalized || !speaks_of(said, l->req.normalized) ||
			!ap_resolving_applies(r, l))
			continue;
		ap_requirement_print(&text, &l->req, l->req.specs, NULL);
		ap_buf_addf(out, "; %s says %s", l->where, text.p);
		n++;
	}
}

/* Which of the base's packages does uv's explanation speak of? */
static void name_culprits(struct ap_buf *out, const struct ap_resolving *r, const char *said)
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
static int resolver_error(const struct ap_resolving *r, const char *said, struct ap_err *err)
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

static int call_uv(const struct ap_resolving *r, const struct ap_strv *words, struct ap_buf *said,
	struct ap_err *err)
{
	int status;

	if (ap_uv_run(&r->uv, &status, words, said, err) < 0)
		return -1;
	return status == 0 ? 0 : resolver_error(r, said->p, err);
}

/* Does it name a version?  Of one that the base has, the resolver knows only a stand-in. */
static bool is_of_chosen(const struct ap_resolving *r, struct ap_str warning)
{
	ap_auto_free char *text = ap_xstrndup(warning.p, warning.n);
	char *name = strchr(text, '`');
	char *equals = name ? strstr(name, "==") : NULL;
	char *end = equals ? strchr(equals, '`') : NULL;

	if (!end)
		return false;
	*equals = *end = '\0';
	return !ap_resolving_same_in_base(r, name + 1, equals + 2);
}

/* What uv warns of: a version that was yanked, an extra that is none. */
static void pass_on_warnings(const struct ap_resolving *r, const char *said)
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

static int ask_versions(const struct ap_resolving *r, const struct ap_buf *pins, struct ap_err *err)
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

static bool may_build_some(const struct ap_resolving *r)
{
	const struct ap_strv *allow = r->o->allow_build;

	return allow && allow->n && !ap_resolving_may_build_all(r);
}

/*
 * First pass: which versions, given what the base has.  Packages that may be
 * built are, when wheels alone give no answer: uv can be told to build a
 * package always or never.
 */
int ap_resolving_choose_versions(struct ap_resolving *r, struct ap_buf *chosen, struct ap_err *err)
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

int ap_resolving_ask_files(const struct ap_resolving *r, const struct ap_buf *versions,
	struct ap_buf *pylock, struct ap_err *err)
{
	ap_auto_buf said = AP_BUF_MAX(1 << 20);
	ap_auto_strv words = { 0 };

	if (write_in(r, "add.txt", versions, err) < 0)
		return -1;
	common_words(&words, r, "add.txt", "pylock.toml");
	ap_strv_add(&words, "--no-deps");
	ap_strv_add(&words, "--format=pylock.toml");
	return call_uv(r, &words, &said, err) < 0 ? -1 : read_in(r, "pylock.toml", pylock, err);
}
