#include "deps/resolve.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fs.h"
#include "base/http.h"
#include "deps/fetch.h"
#include "deps/names.h"
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
	struct ap_index_config index;
	struct ap_lock local;    /* wheels that the user gave as files */
	struct ap_strv wanted;   /* normalized names the user asked for */
	struct ap_strv upgrades; /* normalized names to take the newest of */
	struct ap_strv unknown;  /* base distributions no resolver can be told about */
	struct ap_uv uv;
};

static void run_release(struct run *r)
{
	ap_tags_release(&r->tags);
	ap_index_config_release(&r->index);
	ap_lock_release(&r->local);
	ap_strv_release(&r->wanted);
	ap_strv_release(&r->upgrades);
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

static int digest_file(struct ap_digest *out, uint64_t *size, const char *path, struct ap_err *err)
{
	ap_auto_buf chunk = AP_BUF_INIT;
	struct ap_sha256 h;
	ap_auto_reader in = NULL;
	ap_auto_fd int fd = -1;
	size_t got = 1;
	int rc = 0;

	fd = ap_fs_open_file(path, err);
	if (fd < 0)
		return -1;
	ap_fd_reader(&in, AP_STEAL_FD(fd), 0, UINT64_MAX);
	ap_buf_grow(&chunk, 65536);
	ap_sha256_init(&h);
	*size = 0;
	while (rc == 0 && got) {
		rc = ap_read(in, chunk.p, 65536, &got, err);
		if (rc == 0) {
			ap_sha256_update(&h, chunk.p, got);
			*size += got;
		}
	}
	ap_sha256_final(&h, out);
	ap_sha256_release(&h);
	return rc;
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

/*
 * The path is the one that gcloud's build would have copied a wheel to:
 * nothing of this machine is told.
 */
static char *direct_url_of_file(const char *filename, const struct ap_digest *d)
{
	ap_auto_buf url = AP_BUF_INIT;

	ap_buf_adds(&url, "file:///usr/app/");
	ap_url_escape(&url, filename);
	return direct_url_of(url.p, d);
}

static int add_local(struct run *r, const struct ap_dep_line *l, struct ap_err *err)
{
	AP_CLEANUP(ap_wheel_name_release) struct ap_wheel_name w = { 0 };
	const char *slash = strrchr(l->path, '/');
	const char *filename = slash ? slash + 1 : l->path;
	struct ap_locked *k;

	if (ap_wheel_name_parse(&w, filename, err) < 0)
		return -1;
	if (ap_tags_rank(&r->tags, filename) == AP_TAGS_NO_FIT)
		return ap_err_set(err, AP_E_INPUT,
			"%s: %s does not fit the base: it has Python %u.%u, %s %u.%u, %s", l->where,
			filename, r->inv->py_major, r->inv->py_minor, r->inv->libc,
			r->inv->libc_major, r->inv->libc_minor, r->inv->arch);
	k = ap_lock_add(&r->local);
	k->name = ap_xstrdup(w.name);
	k->version = ap_version_normal(w.version);
	k->filename = ap_xstrdup(filename);
	k->local = ap_xstrdup(l->path);
	k->requested = true;
	if (digest_file(&k->digest, &k->size, l->path, err) < 0)
		return -1;
	k->direct_url = direct_url_of_file(filename, &k->digest);
	return 0;
}

static void want(struct ap_strv *names, const char *name)
{
	if (name && !ap_strv_has(names, name))
		ap_strv_add(names, name);
}

/* Sort the lines: names that are wanted, names to upgrade, wheels that lie here. */
static int read_lines(struct run *r, struct ap_err *err)
{
	for (size_t i = 0; i < r->req->n_lines; i++) {
		const struct ap_dep_line *l = &r->req->lines[i];

		if (l->constraint || !applies(r, l))
			continue;
		switch (l->kind) {
		case AP_DEP_NAMED:
		case AP_DEP_URL:
			want(&r->wanted, l->req.normalized);
			if (l->upgrade)
				want(&r->upgrades, l->req.normalized);
			break;
		case AP_DEP_WHEEL:
			if (add_local(r, l, err) < 0)
				return -1;
			break;
		case AP_DEP_SDIST:
		case AP_DEP_DIR:
			return ap_err_set(err, AP_E_UNSUPPORTED,
				"%s: \"%s\" has to be built first: give the wheel that \"uv build\" or \"pip wheel\" makes of it",
				l->where, l->path);
		}
	}
	for (size_t i = 0; i < r->local.n; i++)
		want(&r->wanted, r->local.v[i].name);
	return 0;
}

/* Is there a line of the flag that names the same package?  That one rules. */
static bool overridden(const struct run *r, const struct ap_dep_line *l)
{
	return !l->upgrade && l->kind == AP_DEP_NAMED && l->req.normalized &&
	       ap_strv_has(&r->upgrades, l->req.normalized);
}

static void print_local(struct ap_buf *out, const struct ap_dep_line *l)
{
	AP_CLEANUP(ap_wheel_name_release) struct ap_wheel_name w = { 0 };
	struct ap_err err = AP_ERR_INIT;
	const char *slash = strrchr(l->path, '/');

	if (ap_wheel_name_parse(&w, slash ? slash + 1 : l->path, &err) < 0)
		return;
	ap_buf_adds(out, w.name);
	for (size_t i = 0; i < l->req.extras.n; i++)
		ap_buf_addf(out, "%c%s", i ? ',' : '[', l->req.extras.v[i]);
	ap_buf_adds(out, l->req.extras.n ? "] @ file://" : " @ file://");
	for (const char *p = l->path; *p; p++) {
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
		if (l->kind == AP_DEP_WHEEL) {
			print_local(in, l);
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

/* The nearest platform that uv knows, rounded down; wheels are checked against the true tags later. */
static char *uv_platform(const struct ap_inventory *inv)
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

static void common_words(struct ap_strv *w, const struct run *r, const char *in, const char *out)
{
	ap_auto_free char *platform = uv_platform(r->inv);
	static const char *const fixed[] = { "--config-file", "uv.toml", "--no-header",
		"--no-annotate", "--quiet" };

	ap_strv_add(w, "pip");
	ap_strv_add(w, "compile");
	ap_strv_add(w, in);
	ap_strv_add(w, "-o");
	ap_strv_add(w, out);
	for (size_t i = 0; i < AP_LEN(fixed); i++)
		ap_strv_add(w, fixed[i]);
	ap_strv_addf(w, "--python-version=%u.%u.%u", r->inv->py_major, r->inv->py_minor,
		r->inv->py_micro);
	ap_strv_addf(w, "--python-platform=%s", platform);
	if (r->o->allow_build && ap_strv_has(r->o->allow_build, ":all:"))
		return;
	ap_strv_add(w, "--only-binary=:all:");
}

static int write_in(
	const struct run *r, const char *name, const struct ap_buf *text, struct ap_err *err)
{
	ap_auto_free char *path = ap_fs_join(r->uv.dir, name);

	return ap_fs_write(path, text->p, text->len, 0600, err);
}

static int read_in(const struct run *r, const char *name, struct ap_buf *text, struct ap_err *err)
{
	ap_auto_free char *path = ap_fs_join(r->uv.dir, name);

	return ap_fs_read(text, path, err);
}

/* Which of the base's packages does uv's explanation speak of? */
static void name_culprits(struct ap_buf *out, const struct run *r, const char *said)
{
	size_t n = 0;

	for (size_t i = 0; i < r->inv->n_dists && n < 5; i++) {
		const struct ap_dist *d = &r->inv->dists[i];
		ap_auto_free char *a = ap_xasprintf("%s=", d->normalized);
		ap_auto_free char *b = ap_xasprintf("%s<", d->normalized);
		ap_auto_free char *c = ap_xasprintf("%s>", d->normalized);

		if (!strstr(said, a) && !strstr(said, b) && !strstr(said, c))
			continue;
		ap_buf_addf(out, "%s%s %s", n++ ? ", " : "; the base has ", d->name, d->version);
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
			ap_buf_addc(&line, ' ');
		ap_buf_add_printable(&line, part.p, part.n);
	}
	/* An error has room for one line; what does not fit is shown before it. */
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
	return ap_err_set(err, AP_E_RESOLVE, "resolving dependencies: %s",
		line.len ? line.p : "uv failed and said nothing");
}

static int call_uv(const struct run *r, const struct ap_strv *words, struct ap_err *err)
{
	ap_auto_buf said = AP_BUF_MAX(1 << 20);
	int status;

	if (ap_uv_run(&r->uv, &status, words, &said, err) < 0)
		return -1;
	return status == 0 ? 0 : resolver_error(r, said.p, err);
}

/* First pass: which versions, given what the base has. */
static int choose_versions(struct run *r, struct ap_buf *chosen, struct ap_err *err)
{
	ap_auto_buf in = AP_BUF_INIT;
	ap_auto_buf limits = AP_BUF_INIT;
	ap_auto_buf pins = AP_BUF_INIT;
	ap_auto_strv words = { 0 };

	print_wants(&in, &limits, r);
	if (write_stand_ins(r, &pins, err) < 0 || write_in(r, "in.txt", &in, err) < 0 ||
		write_in(r, "limits.txt", &limits, err) < 0 ||
		write_in(r, "chosen.txt", &pins, err) < 0)
		return -1;
	common_words(&words, r, "in.txt", "chosen.txt");
	ap_strv_add(&words, "--constraint=limits.txt");
	ap_strv_add(&words, "--find-links=base");
	for (size_t i = 0; i < r->upgrades.n; i++)
		ap_strv_addf(&words, "--upgrade-package=%s", r->upgrades.v[i]);
	return call_uv(r, &words, err) < 0 ? -1 : read_in(r, "chosen.txt", chosen, err);
}

/* "name==version" or "name @ url": what the base lacks and no file of the user is. */
static void keep_missing(struct ap_buf *add, const struct run *r, const struct ap_buf *chosen)
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
		ap_requirement_release(&q);
	}
}

/* Second pass: the files of those versions. */
static int choose_files(
	struct ap_lock *lock, struct run *r, const struct ap_buf *chosen, struct ap_err *err)
{
	ap_auto_buf add = AP_BUF_INIT;
	ap_auto_buf text = AP_BUF_MAX(MAX_TEXT);
	ap_auto_strv words = { 0 };

	keep_missing(&add, r, chosen);
	if (!add.len)
		return 0;
	if (write_in(r, "add.txt", &add, err) < 0)
		return -1;
	common_words(&words, r, "add.txt", "pylock.toml");
	ap_strv_add(&words, "--no-deps");
	ap_strv_add(&words, "--format=pylock.toml");
	if (call_uv(r, &words, err) < 0 || read_in(r, "pylock.toml", &text, err) < 0)
		return -1;
	return ap_lock_parse(lock, text.p, text.len, &r->tags, err);
}

/* ---- the derived lock ---- */

static void take(struct ap_lock *to, struct ap_locked *from)
{
	*ap_lock_add(to) = *from;
	*from = (struct ap_locked){ 0 };
}

static struct ap_locked *find(struct ap_lock *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].name, name) == 0)
			return &l->v[i];
	}
	return NULL;
}

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

static bool has_sha256(const struct ap_strv *hashes)
{
	for (size_t i = 0; i < hashes->n; i++) {
		if (ap_starts_with(hashes->v[i], "sha256:"))
			return true;
	}
	return false;
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

		if (!l->local && !ap_strv_has(&hashed, l->name) &&
			!ap_strv_has(&r->upgrades, l->name))
			return ap_err_set(err, AP_E_INPUT,
				"requirements.txt has hashes, and none for %s==%s, which is needed "
				"too: add \"%s==%s --hash=%s\"",
				l->name, l->version, l->name, l->version, l->digest.s);
	}
	return 0;
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
	for (size_t i = 0; i < r->local.n; i++)
		take(lock, &r->local.v[i]);
	ap_lock_sort(lock);
	name_removes(lock, r->inv);
	return check_hashes(r, lock, err);
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

/* ---- reuse ---- */

static void hash_text(struct ap_sha256 *h, const char *s)
{
	ap_sha256_update(h, s ? s : "", s ? strlen(s) : 0);
	ap_sha256_update(h, "", 1);
}

static void hash_list(struct ap_sha256 *h, const struct ap_strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		hash_text(h, l->v[i]);
	hash_text(h, "");
}

/* Everything that uv's answer depends on, but for the time. */
static char *reuse_path(const struct run *r)
{
	ap_auto_strv urls = { 0 };
	ap_auto_buf wants = AP_BUF_INIT;
	ap_auto_buf limits = AP_BUF_INIT;
	struct ap_sha256 h;
	struct ap_digest d;
	ap_auto_free char *platform = uv_platform(r->inv);

	ap_sha256_init(&h);
	hash_text(&h, "autopack lock 1 " AP_VERSION);
	hash_text(&h, platform);
	for (size_t i = 0; i < r->req->n_files; i++) {
		hash_text(&h, r->req->files[i].path);
		hash_text(&h, r->req->files[i].digest.s);
	}
	for (size_t i = 0; i < r->req->n_lines; i++) {
		const struct ap_dep_line *l = &r->req->lines[i];

		if (l->kind != AP_DEP_WHEEL)
			ap_requirement_print(l->constraint ? &limits : &wants, &l->req,
				l->req.specs, l->req.marker);
		ap_buf_addf(&wants, "\n%d %d\n", (int)l->kind, l->upgrade);
		hash_list(&h, &l->hashes);
	}
	hash_text(&h, wants.p);
	hash_text(&h, limits.p);
	for (size_t i = 0; i < r->local.n; i++)
		hash_text(&h, r->local.v[i].digest.s);
	ap_index_config_public(&urls, &r->index);
	hash_list(&h, &urls);
	if (r->o->allow_build)
		hash_list(&h, r->o->allow_build);
	for (size_t i = 0; i < r->tags.v.n; i++)
		hash_text(&h, r->tags.v.v[i]);
	for (size_t i = 0; i < r->inv->n_dists; i++) {
		hash_text(&h, r->inv->dists[i].normalized);
		hash_text(&h, r->inv->dists[i].version);
		hash_list(&h, &r->inv->dists[i].requires);
	}
	ap_sha256_final(&h, &d);
	ap_sha256_release(&h);
	return ap_xasprintf("%s/locks/%s.toml", r->o->cache_dir, ap_digest_hex(&d));
}

/* Give the local wheels of a lock their places on this machine, by digest. */
static bool attach_local(struct ap_lock *lock, const struct ap_lock *local)
{
	for (size_t i = 0; i < lock->n; i++) {
		struct ap_locked *l = &lock->v[i];

		if (l->url)
			continue;
		for (size_t k = 0; k < local->n && !l->local; k++) {
			if (ap_digest_eq(&local->v[k].digest, &l->digest))
				l->local = ap_xstrdup(local->v[k].local);
		}
		if (!l->local)
			return false;
	}
	return true;
}

static bool reuse(struct ap_lock *out, const struct run *r, const char *path)
{
	AP_CLEANUP(ap_lock_release) struct ap_lock lock = { 0 };
	ap_auto_buf text = AP_BUF_MAX(MAX_TEXT);
	struct ap_err err = AP_ERR_INIT;
	struct stat st;

	if (r->o->refresh || stat(path, &st) < 0 || time(NULL) - st.st_mtime > AP_RESOLVE_REUSE ||
		st.st_mtime > time(NULL) + 60)
		return false;
	if (ap_fs_read(&text, path, &err) < 0 ||
		ap_lock_parse(&lock, text.p, text.len, NULL, &err) < 0 ||
		!attach_local(&lock, &r->local))
		return false;
	ap_emit(r->o->progress, &(struct ap_event){ .step = AP_STEP_RESOLVE,
					.kind = AP_EV_SKIP,
					.id = "lock",
					.note = "same inputs on the same base within a day" });
	*out = lock;
	lock = (struct ap_lock){ 0 };
	return true;
}

/* A cache that cannot be written costs the next run time and nothing else. */
static void keep(const struct run *r, const char *path, const struct ap_lock *lock)
{
	ap_auto_free char *dir = ap_fs_join(r->o->cache_dir, "locks");
	ap_auto_buf text = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;

	ap_lock_print(&text, lock);
	if (ap_fs_mkdirs(dir, 0700, &err) < 0 ||
		ap_fs_write(path, text.p, text.len, 0600, &err) < 0)
		ap_emit_debug(r->o->progress, AP_STEP_RESOLVE, "lock not kept: %s", err.msg);
}

static const char *our_getenv(const char *name)
{
	return getenv(name);
}

static int resolve_anew(struct ap_lock *out, struct run *r, ap_getenv_fn env, struct ap_err *err)
{
	AP_CLEANUP(ap_lock_release) struct ap_lock lock = { 0 };
	ap_auto_buf chosen = AP_BUF_MAX(MAX_TEXT);
	struct ap_uv_opts uo = { .uv = r->o->uv,
		.cache_dir = r->o->cache_dir,
		.index = &r->index,
		.env = env,
		.offline = r->o->offline };

	ap_emit(r->o->progress,
		&(struct ap_event){ .step = AP_STEP_RESOLVE, .kind = AP_EV_START, .id = "uv" });
	if (ap_uv_open(&r->uv, &uo, err) < 0 || choose_versions(r, &chosen, err) < 0 ||
		choose_files(&lock, r, &chosen, err) < 0 || derive(&lock, r, err) < 0)
		return -1;
	for (size_t i = 0; i < r->unknown.n; i++)
		ap_emit_debug(r->o->progress, AP_STEP_RESOLVE,
			"%s of the base has a version that uv cannot read", r->unknown.v[i]);
	warn_broken(r, &lock);
	ap_emit(r->o->progress,
		&(struct ap_event){ .step = AP_STEP_RESOLVE, .kind = AP_EV_DONE, .id = "uv" });
	*out = lock;
	lock = (struct ap_lock){ 0 };
	return 0;
}

int ap_resolve(struct ap_lock *out, const struct ap_dep_request *req,
	const struct ap_inventory *inv, const struct ap_resolve_opts *o, struct ap_err *err)
{
	AP_CLEANUP(run_release) struct run r = { .req = req, .inv = inv, .o = o };
	ap_getenv_fn env = o->env ? o->env : our_getenv;
	ap_auto_free char *path = NULL;

	if (req->lock_file)
		return ap_resolve_locked(out, req, inv, err);
	if (ap_tags_make(&r.tags, inv, err) < 0)
		return -1;
	ap_index_config_read(&r.index, &req->index, env);
	if (read_lines(&r, err) < 0)
		return -1;
	path = reuse_path(&r);
	if (reuse(out, &r, path))
		return 0;
	if (resolve_anew(out, &r, env, err) < 0)
		return -1;
	keep(&r, path, out);
	return 0;
}

int ap_resolve_locked(struct ap_lock *out, const struct ap_dep_request *req,
	const struct ap_inventory *inv, struct ap_err *err)
{
	AP_CLEANUP(run_release) struct run r = { .req = req, .inv = inv };
	AP_CLEANUP(ap_lock_release) struct ap_lock all = { 0 };
	AP_CLEANUP(ap_lock_release) struct ap_lock lock = { 0 };
	ap_auto_buf text = AP_BUF_MAX(MAX_TEXT);
	char minor[32], full[32];
	struct ap_marker_env env = marker_env(inv, minor, full);

	if (ap_tags_make(&r.tags, inv, err) < 0 || ap_fs_read(&text, req->lock_file, err) < 0 ||
		read_lines(&r, err) < 0)
		return -1;
	if (ap_lock_parse_for(&all, text.p, text.len, &r.tags, &env, err) < 0)
		return ap_err_wrap(err, "%s", req->lock_file);
	for (size_t i = 0; i < all.n; i++) {
		if (ap_strv_has(&r.wanted, all.v[i].name))
			all.v[i].requested = true;
		if (!same_in_base(&r, all.v[i].name, all.v[i].version) || !all.v[i].url)
			take(&lock, &all.v[i]);
	}
	if (!attach_local(&lock, &r.local))
		return ap_err_set(err, AP_E_INPUT,
			"%s: names a local wheel by its digest that is none of the extra packages",
			req->lock_file);
	/* A lock of another tool does not know the wheels that lie here. */
	for (size_t i = 0; i < r.local.n; i++) {
		const struct ap_locked *l = find(&lock, r.local.v[i].name);

		if (l && !ap_digest_eq(&l->digest, &r.local.v[i].digest))
			return ap_err_set(err, AP_E_INPUT,
				"%s: %s is locked as %s, and %s is given", req->lock_file, l->name,
				l->digest.s, r.local.v[i].filename);
		if (!l)
			take(&lock, &r.local.v[i]);
	}
	ap_lock_sort(&lock);
	name_removes(&lock, inv);
	*out = lock;
	lock = (struct ap_lock){ 0 };
	return 0;
}
