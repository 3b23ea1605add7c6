#include "deps/request_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/toml.h"
#include "deps/inputs.h"

static int one_package(struct ap_dep_scan *s, const char *given)
{
	struct ap_dep_line *l = ap_dep_scan_add(s, AP_DEP_NAMED, "extra-packages");
	ap_auto_free char *joined = ap_fs_join(s->r->dir, given);
	ap_auto_free char *real = NULL;
	size_t n = strlen(s->r->dir);

	if (!*given)
		return ap_err_set(s->err, AP_E_INPUT, "extra-packages: empty element");
	l->user_package = true;
	l->req.specs = ap_xstrdup("");
	real = realpath(joined, NULL);
	if (!real)
		return ap_dep_scan_missing(s, l->where, given, joined, "no such file or directory");
	if (strcmp(s->r->dir, "/") != 0 &&
		(strncmp(real, s->r->dir, n) != 0 || (real[n] && real[n] != '/')))
		return ap_dep_scan_refuse(s, l->where, given, "must lie in the working directory");
	return ap_dep_scan_local(s, l, joined, given);
}

static int one_requirement(struct ap_dep_scan *s, const char *text)
{
	struct ap_dep_line *l = ap_dep_scan_add(s, AP_DEP_NAMED, "requirements");
	struct ap_str t = ap_str_trim(ap_str(text));
	ap_auto_free char *trimmed = ap_xstrndup(t.p, t.n);

	l->upgrade = true;
	if (!*trimmed)
		return ap_err_set(s->err, AP_E_INPUT, "requirements: empty element");
	if (*trimmed == '-')
		return ap_dep_scan_refuse(s, l->where, trimmed, "an option is not a requirement");
	return ap_dep_scan_text(s, l, trimmed, 0);
}

static int lock_file(struct ap_dep_scan *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	ap_auto_free char *name = ap_xasprintf("lock:%s", slash ? slash + 1 : path);
	ap_auto_buf text = AP_BUF_MAX(AP_DEP_FILE_MAX * 8);
	ap_auto_json j = NULL;
	struct ap_digest d;

	if (!ap_fs_is_file(path))
		return ap_dep_scan_missing(s, "lock", path, path, "no such file");
	if (ap_fs_read(&text, path, s->err) < 0)
		return -1;
	if (ap_toml_parse(&j, text.p, text.len, s->err) < 0)
		return ap_err_wrap(s->err, "lock: %s", path);
	s->r->lock_file = ap_xstrdup(path);
	ap_sha256_of(&d, text.p, text.len);
	ap_inputs_add_digest(s->r, name, &d);
	return 0;
}

static int scan_all(struct ap_dep_scan *s, const struct ap_strv *requirements,
	const struct ap_strv *packages, const char *lock)
{
	ap_auto_free char *txt = ap_fs_join(s->r->dir, "requirements.txt");

	if (ap_dep_scan_project(s) < 0)
		return -1;
	/* gcloud passes over a directory of that name. */
	if (ap_fs_is_file(txt)) {
		s->r->has_requirements_txt = true;
		if (ap_dep_scan_file(s, txt, "requirements.txt", false) < 0)
			return -1;
	}
	for (size_t i = 0; packages && i < packages->n; i++) {
		if (one_package(s, packages->v[i]) < 0)
			return -1;
		ap_strv_add(&s->r->packages, packages->v[i]);
	}
	for (size_t i = 0; requirements && i < requirements->n; i++) {
		if (one_requirement(s, requirements->v[i]) < 0)
			return -1;
		ap_strv_add(&s->r->requirements, requirements->v[i]);
	}
	return lock ? lock_file(s, lock) : ap_dep_scan_ambient(s);
}

static void finish(struct ap_dep_scan *s)
{
	struct ap_digest d;

	if (s->any_expanded) {
		ap_sha256_final(&s->expanded, &d);
		ap_inputs_add_digest(s->r, "requirements.txt:variables", &d);
	}
	for (size_t i = 0; i < s->r->n_lines; i++) {
		s->r->any = s->r->any || !s->r->lines[i].constraint;
		s->r->index.require_hashes =
			s->r->index.require_hashes ||
			(s->r->lines[i].hashes.n > 0 && !s->r->lines[i].locked);
	}
	s->r->any = s->r->any || s->r->lock_file;
	ap_inputs_sort(s->r);
	ap_strv_sort(&s->r->includes);
}

int ap_dep_request_read(struct ap_dep_request *out, const char *dir,
	const struct ap_strv *requirements, const struct ap_strv *packages, const char *lock,
	const struct ap_strv *outputs, struct ap_err *err)
{
	AP_CLEANUP(ap_dep_request_release) struct ap_dep_request r = { 0 };
	struct ap_dep_scan s = { .r = &r, .err = err };
	int rc;

	r.dir = realpath(dir, NULL);
	if (!r.dir)
		return ap_err_sys(err, "%s", dir);
	if (outputs)
		ap_strv_copy(&r.outputs, outputs);
	ap_sha256_init(&s.expanded);
	rc = scan_all(&s, requirements, packages, lock);
	if (rc == 0)
		finish(&s);
	ap_sha256_release(&s.expanded);
	if (rc < 0)
		return -1;
	*out = r;
	r = (struct ap_dep_request){ 0 };
	return 0;
}

void ap_dep_line_release(struct ap_dep_line *l)
{
	ap_requirement_release(&l->req);
	free(l->path);
	ap_strv_release(&l->hashes);
	free(l->where);
}

void ap_dep_request_release(struct ap_dep_request *r)
{
	free(r->dir);
	ap_strv_release(&r->requirements);
	ap_strv_release(&r->packages);
	for (size_t i = 0; i < r->n_files; i++)
		free(r->files[i].path);
	free(r->files);
	ap_strv_release(&r->includes);
	free(r->lock_file);
	for (size_t i = 0; i < r->n_lines; i++)
		ap_dep_line_release(&r->lines[i]);
	free(r->lines);
	free(r->index.index_url);
	ap_strv_release(&r->index.extra_index_urls);
	ap_strv_release(&r->index.find_links);
	ap_strv_release(&r->index.trusted_hosts);
	ap_strv_release(&r->index.no_binary);
	ap_strv_release(&r->index.only_binary);
	ap_strv_release(&r->notes);
	ap_strv_release(&r->outputs);
	*r = (struct ap_dep_request){ 0 };
}
