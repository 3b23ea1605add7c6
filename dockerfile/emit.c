#include "dockerfile/emit.h"

#include <string.h>

#include "dockerfile/quote.h"

#define PROJECT_DIR "/tmp/autopack-project"
#define LOCK_FILE   "/tmp/autopack-lock.txt"

struct emit {
	struct ap_buf *out;
	const struct ap_plan *p;
	const struct ap_image_request *req;
	const struct ap_lock *lock;
	const char *pip;
};

static void copy(const struct emit *e, const char *from, const char *to)
{
	ap_auto_buf source = AP_BUF_INIT;
	ap_auto_buf target = AP_BUF_INIT;
	const char *words[2];

	ap_quote_copy_source(&source, from);
	ap_quote_copy_target(&target, to);
	words[0] = source.p;
	words[1] = target.p;
	ap_buf_adds(e->out, "COPY ");
	ap_quote_json(e->out, words, 2);
	ap_buf_addc(e->out, '\n');
}

/*
 * RUN pip install, in the shell form that gcloud has; the exec form where a
 * builder would read the line as more than one, or as the start of a here-document.
 */
static void run_pip(const struct emit *e, const char *option, const char *what)
{
	const char *words[6] = { e->pip, "install", "--no-cache-dir" };
	size_t n = 3;

	if (e->lock)
		words[n++] = "--no-deps";
	if (option)
		words[n++] = option;
	words[n++] = what;
	ap_buf_adds(e->out, "RUN ");
	if (strpbrk(what, "\r\n") || strstr(what, "<<")) {
		ap_quote_json(e->out, words, n);
	} else {
		for (size_t i = 0; i < n; i++) {
			if (i)
				ap_buf_addc(e->out, ' ');
			ap_quote_shell(e->out, words[i]);
		}
	}
	ap_buf_addc(e->out, '\n');
}

static int key_values(
	const struct emit *e, const char *instruction, const char *kv, struct ap_err *err)
{
	const char *eq = strchr(kv, '=');
	const char *value = eq ? eq + 1 : "";

	ap_buf_addf(e->out, "%s %.*s=", instruction, (int)(eq ? eq - kv : (long)strlen(kv)), kv);
	if (!ap_quote_value(e->out, value))
		return ap_err_set(err, AP_E_INPUT,
			"--dockerfile: the value of %.*s has a line break, which %s cannot say",
			(int)strcspn(kv, "="), kv, instruction);
	ap_buf_addc(e->out, '\n');
	return 0;
}

static int head(const struct emit *e, struct ap_err *err)
{
	const char *image = e->req->executor_image;
	const char *platform = e->req->platform;

	if (ap_starts_with(image, "docker://"))
		image += 9;
	else if (ap_starts_with(image, "oci:") || ap_starts_with(image, "oci-archive:") ||
		 ap_starts_with(image, "docker-archive:"))
		return ap_err_set(err, AP_E_INPUT,
			"--dockerfile: wanted an executor image of a registry, found \"%s\"",
			image);
	ap_buf_adds(e->out, "FROM ");
	if (platform && strcmp(platform, "linux/amd64") != 0)
		ap_buf_addf(e->out, "--platform=%s ", platform);
	ap_buf_addf(e->out, "%s\n", image);
	ap_buf_adds(e->out, "RUN mkdir -m 777 -p /usr/app /home\nWORKDIR /usr/app\n");
	for (size_t i = 0; i < e->p->env.n; i++) {
		const char *kv = e->p->env.v[i];

		/* Ours as gcloud writes them. */
		if (ap_streq(kv, "HOME=/home") || ap_streq(kv, "PYTHONDONTWRITEBYTECODE=1"))
			ap_buf_addf(e->out, "ENV %s\n", kv);
		else if (key_values(e, "ENV", kv, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < e->p->whiteouts.n; i++) {
		ap_buf_adds(e->out, "RUN rm -rf ");
		ap_quote_shell(e->out, e->p->whiteouts.v[i]);
		ap_buf_addc(e->out, '\n');
	}
	return 0;
}

/* gcloud copies setup.py alone, so that nothing of the project is there to be installed. */
static void project(const struct emit *e)
{
	copy(e, ".", PROJECT_DIR);
	ap_buf_addf(e->out,
		"RUN %s install --no-cache-dir %s" PROJECT_DIR " && rm -rf " PROJECT_DIR "\n",
		e->pip, e->lock ? "--no-deps " : "");
}

static void requirements_txt(const struct emit *e)
{
	const struct ap_strv *includes = &e->p->deps.includes;

	copy(e, "./requirements.txt", "./requirements.txt");
	for (size_t i = 0; i < includes->n; i++)
		copy(e, includes->v[i], includes->v[i]);
	ap_buf_addf(e->out, "RUN %s install --no-cache-dir -r ./requirements.txt\n", e->pip);
}

static bool is_archive(const char *name)
{
	static const char *const suffixes[] = { ".whl", ".zip", ".tar.gz", ".tgz", ".tar",
		".tar.bz2", ".tbz", ".tar.xz", ".txz" };

	for (size_t i = 0; i < AP_LEN(suffixes); i++) {
		if (ap_ends_with(name, suffixes[i]))
			return true;
	}
	return false;
}

static char *base_name(const char *path)
{
	size_t n = strlen(path);
	size_t begin;

	while (n > 1 && path[n - 1] == '/')
		n--;
	begin = n;
	while (begin && path[begin - 1] != '/')
		begin--;
	return ap_xstrndup(path + begin, n - begin);
}

/* The path below the working directory, for an absolute one that lies in it. */
static const char *in_context(const struct emit *e, const char *path)
{
	size_t n = strlen(e->p->workdir);

	if (path[0] == '/' && strncmp(path, e->p->workdir, n) == 0 && path[n] == '/')
		return path + n + 1;
	return path;
}

static void extra_package(const struct emit *e, const char *path)
{
	ap_auto_free char *name = base_name(path);
	/* pip takes a bare name of a directory for a distribution of the index. */
	ap_auto_free char *what =
		is_archive(name) && name[0] != '-' ? ap_xstrdup(name) : ap_xasprintf("./%s", name);

	copy(e, in_context(e, path), name);
	run_pip(e, NULL, what);
}

static void unlocked(const struct emit *e)
{
	const struct ap_dep_request *d = &e->p->deps;

	if (d->project != AP_NO_PROJECT)
		project(e);
	if (d->has_requirements_txt)
		requirements_txt(e);
	for (size_t i = 0; i < e->req->extra_packages.n; i++)
		extra_package(e, e->req->extra_packages.v[i]);
	for (size_t i = 0; i < e->req->requirements.n; i++)
		run_pip(e, "--upgrade", e->req->requirements.v[i]);
}

static bool has_name(const char *path, const char *name)
{
	ap_auto_free char *base = base_name(path);

	return ap_streq(base, name);
}

/*
 * The wheel of a locked package as it lies in the working directory, where the
 * builder can have it; NULL for one of an index, and for what was built here.
 * A lock names local wheels by file name and digest alone.
 */
static const char *wheel_in_context(const struct emit *e, const struct ap_locked *l)
{
	const struct ap_dep_request *d = &e->p->deps;
	const char *found = l->url ? NULL : l->local;

	for (size_t i = 0; !l->url && !found && i < e->req->extra_packages.n; i++) {
		if (has_name(e->req->extra_packages.v[i], l->filename))
			found = e->req->extra_packages.v[i];
	}
	for (size_t i = 0; !l->url && !found && i < d->n_lines; i++) {
		if (d->lines[i].kind == AP_DEP_WHEEL && has_name(d->lines[i].path, l->filename))
			found = d->lines[i].path;
	}
	found = found ? in_context(e, found) : NULL;
	return found && found[0] != '/' ? found : NULL;
}

static bool is_locked_wheel(const struct emit *e, const char *path)
{
	for (size_t i = 0; i < e->lock->n; i++) {
		ap_auto_free char *name = base_name(path);

		if (wheel_in_context(e, &e->lock->v[i]) && ap_streq(name, e->lock->v[i].filename))
			return true;
	}
	return false;
}

static void lock_line(struct ap_buf *line, const struct emit *e, const struct ap_locked *l)
{
	if (wheel_in_context(e, l))
		ap_buf_addf(line, "./%s", l->filename);
	else
		ap_buf_addf(line, "%s==%s", l->name, l->version);
	ap_buf_addf(line, " --hash=%s", l->digest.s);
}

/*
 * What the lock names, by hash; then what was built here, which no hash can
 * be had of in advance, without its dependencies.
 */
static void locked(const struct emit *e)
{
	const struct ap_dep_request *d = &e->p->deps;
	ap_auto_buf lines = AP_BUF_INIT;

	for (size_t i = 0; i < e->lock->n; i++) {
		const struct ap_locked *l = &e->lock->v[i];
		ap_auto_buf line = AP_BUF_INIT;

		if (!l->url && !wheel_in_context(e, l))
			continue;
		if (!l->url)
			copy(e, wheel_in_context(e, l), l->filename);
		lock_line(&line, e, l);
		ap_buf_adds(&lines, " \\\n    ");
		ap_quote_shell(&lines, line.p);
	}
	if (lines.len)
		ap_buf_addf(e->out,
			"RUN printf '%%s\\n'%s \\\n    > " LOCK_FILE
			" && %s install --no-cache-dir --no-deps --require-hashes -r " LOCK_FILE
			" && rm " LOCK_FILE "\n",
			lines.p, e->pip);
	if (d->project != AP_NO_PROJECT)
		project(e);
	for (size_t i = 0; i < e->req->extra_packages.n; i++) {
		if (!is_locked_wheel(e, e->req->extra_packages.v[i]))
			extra_package(e, e->req->extra_packages.v[i]);
	}
}

static void copies(const struct emit *e)
{
	for (size_t i = 0; i < e->p->n_parts; i++) {
		const struct ap_strv *v = &e->p->parts[i].copies;

		for (size_t k = 0; k < v->n; k++)
			copy(e, in_context(e, v->v[k]), in_context(e, v->v[k]));
	}
}

static int labels(const struct emit *e, struct ap_err *err)
{
	for (size_t i = 0; i < e->p->labels.n; i++) {
		const char *kv = e->p->labels.v[i];

		/* The builder sets its own time of creation. */
		if (ap_starts_with(kv, "org.opencontainers.image.created="))
			continue;
		if (key_values(e, "LABEL", kv, err) < 0)
			return -1;
	}
	return 0;
}

int ap_dockerfile_emit(struct ap_buf *out, const struct ap_plan *p,
	const struct ap_image_request *req, const struct ap_lock *lock, struct ap_err *err)
{
	const struct emit e = { out, p, req, lock, p->prebuilt ? "pip3" : "pip" };

	if (head(&e, err) < 0)
		return -1;
	if (lock)
		locked(&e);
	else
		unlocked(&e);
	copies(&e);
	if (labels(&e, err) < 0)
		return -1;
	ap_buf_adds(out, "ENTRYPOINT ");
	ap_quote_json(out, (const char *const *)p->entrypoint.v, p->entrypoint.n);
	ap_buf_addc(out, '\n');
	return ap_buf_check(out, "Dockerfile", err);
}
