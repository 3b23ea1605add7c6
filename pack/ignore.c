#include "pack/ignore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "pack/glob.h"

#define MAX_FILE     (1 << 20)
#define MAX_PATTERNS 10000

struct pattern {
	struct ap_glob *glob;
	bool keeps;    /* "!" */
	bool dir_only; /* git: a trailing '/' */
	char *prefix;  /* docker, "!": where all that it brings back lies; NULL: anywhere */
};

struct ap_ignore {
	enum ap_ignore_rules rules;
	struct pattern *v;
	size_t n, cap;
};

/* The pattern less a "/" and stars at its end, or NULL when it is special before them. */
static char *literal_prefix(const char *text, size_t n)
{
	ap_auto_free char *s = ap_xstrndup(text, n);

	if (ap_ends_with(s, "/**"))
		s[n - 3] = '\0';
	else if (ap_ends_with(s, "/*"))
		s[n - 2] = '\0';
	return strpbrk(s, "*?[\\") ? NULL : AP_STEAL(s);
}

static int add_glob(struct ap_ignore *ig, const struct pattern *p, const char *text, size_t n,
	unsigned flags, struct ap_err *err)
{
	struct ap_glob *g = NULL;

	if (ig->n == MAX_PATTERNS)
		return ap_err_set(err, AP_E_LIMIT, "more than %d patterns", MAX_PATTERNS);
	if (ap_glob_compile(&g, text, n, flags, err) < 0)
		return ap_err_wrap(err, "pattern \"%.*s\"", (int)n, text);
	AP_GROW(ig->v, ig->n, ig->cap);
	ig->v[ig->n] = *p;
	ig->v[ig->n].prefix = p->keeps && !(flags & AP_GLOB_GIT) ? literal_prefix(text, n) : NULL;
	ig->v[ig->n++].glob = g;
	return 0;
}

/* As Go's filepath.Clean does for relative patterns: no empty or "." component, ".." folded. */
static void clean(struct ap_buf *out, struct ap_str s)
{
	struct ap_str part;

	while (ap_str_next(&s, '/', &part)) {
		if (!part.n || ap_str_eq(part, "."))
			continue;
		if (ap_str_eq(part, "..") && out->len && !ap_streq(out->p, "..") &&
			!ap_ends_with(out->p, "/..")) {
			const char *slash = strrchr(out->p, '/');

			ap_buf_truncate(out, slash ? (size_t)(slash - out->p) : 0);
			continue;
		}
		if (out->len)
			ap_buf_addc(out, '/');
		ap_buf_add(out, part.p, part.n);
	}
}

static int docker_line(struct ap_ignore *ig, struct ap_str line, struct ap_err *err)
{
	struct pattern p = { 0 };
	ap_auto_buf text = AP_BUF_INIT;

	if (line.n && line.p[0] == '#')
		return 0;
	line = ap_str_trim(line);
	if (!line.n)
		return 0;
	if (line.p[0] == '!') {
		p.keeps = true;
		line = ap_str_trim(ap_str_n(line.p + 1, line.n - 1));
		if (!line.n)
			return ap_err_set(err, AP_E_INPUT, "\"!\" without a pattern");
	}
	clean(&text, line);
	/* "." and "/" are the directory itself, which docker never leaves out. */
	if (!text.len)
		return 0;
	return add_glob(ig, &p, text.p, text.len, 0, err);
}

/* Blanks at the end do not count unless a backslash stands before them. */
static struct ap_str git_trim(struct ap_str s)
{
	if (s.n && s.p[s.n - 1] == '\r')
		s.n--;
	while (s.n && s.p[s.n - 1] == ' ' && !(s.n > 1 && s.p[s.n - 2] == '\\'))
		s.n--;
	return s;
}

static int git_line(struct ap_ignore *ig, struct ap_str line, struct ap_err *err)
{
	struct pattern p = { 0 };
	ap_auto_buf text = AP_BUF_INIT;

	line = git_trim(line);
	if (!line.n || line.p[0] == '#')
		return 0;
	if (line.p[0] == '!') {
		p.keeps = true;
		line = ap_str_n(line.p + 1, line.n - 1);
	}
	if (line.n && line.p[line.n - 1] == '/') {
		p.dir_only = true;
		line.n--;
	}
	if (!line.n)
		return 0;
	if (!memchr(line.p, '/', line.n))
		ap_buf_adds(&text, "**/");
	else if (line.p[0] == '/')
		line = ap_str_n(line.p + 1, line.n - 1);
	ap_buf_add(&text, line.p, line.n);
	return add_glob(ig, &p, text.p, text.len, AP_GLOB_GIT, err);
}

static int parse_into(struct ap_ignore *ig, const char *text, size_t n, const char *name,
	const char *include_dir, struct ap_err *err);

/* gcloud: "#!include:FILE" reads another file with git's rules; once, not again inside it. */
static int git_include(
	struct ap_ignore *ig, struct ap_str line, const char *dir, struct ap_err *err)
{
	struct ap_str name = ap_str_trim(ap_str_n(line.p + 10, line.n - 10));
	ap_auto_free char *file = ap_xstrndup(name.p, name.n);
	ap_auto_free char *path = ap_fs_join(dir, file);
	ap_auto_buf text = AP_BUF_MAX(MAX_FILE);

	if (!name.n || memchr(name.p, '/', name.n))
		return ap_err_set(err, AP_E_INPUT,
			"#!include: wants the name of a file beside it, found \"%s\"", file);
	if (ap_fs_read(&text, path, err) < 0)
		return -1;
	return parse_into(ig, text.p, text.len, file, NULL, err);
}

static int parse_into(struct ap_ignore *ig, const char *text, size_t n, const char *name,
	const char *include_dir, struct ap_err *err)
{
	struct ap_str rest = ap_str_n(text, n);
	struct ap_str line;
	int rc = 0;

	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		rest = ap_str_n(text + 3, n - 3);
	for (unsigned no = 1; rc == 0 && ap_str_next(&rest, '\n', &line); no++) {
		if (memchr(line.p, '\0', line.n))
			rc = ap_err_set(err, AP_E_INPUT, "a NUL byte");
		else if (include_dir && line.n >= 10 && memcmp(line.p, "#!include:", 10) == 0)
			rc = git_include(ig, line, include_dir, err);
		else if (ig->rules == AP_IGNORE_GIT)
			rc = git_line(ig, line, err);
		else
			rc = docker_line(ig, line, err);
		if (rc < 0)
			ap_err_wrap(err, "%s:%u", name, no);
	}
	return rc;
}

int ap_ignore_parse(struct ap_ignore **out, const char *text, size_t n, enum ap_ignore_rules rules,
	const char *name, struct ap_err *err)
{
	ap_auto_ignore ig = ap_xcalloc(1, sizeof(*ig));

	ig->rules = rules;
	if (parse_into(ig, text, n, name, NULL, err) < 0)
		return -1;
	*out = AP_STEAL(ig);
	return 0;
}

int ap_ignore_load(struct ap_ignore **out, const char *dir, const char *file, struct ap_err *err)
{
	ap_auto_ignore ig = ap_xcalloc(1, sizeof(*ig));
	ap_auto_buf text = AP_BUF_MAX(MAX_FILE);
	ap_auto_free char *path = file ? ap_xstrdup(file) : ap_fs_join(dir, ".dockerignore");
	ap_auto_free char *beside = ap_fs_dir_of(path);
	bool gcloud = file && ap_ends_with(file, ".gcloudignore");

	if (ap_fs_read(&text, path, err) < 0) {
		if (!file && err->code == AP_E_IO && err->sys == ENOENT) {
			ap_err_clear(err);
			*out = AP_STEAL(ig);
			return 0;
		}
		if (err->code == AP_E_IO)
			err->code = AP_E_INPUT;
		if (err->sys == ENOENT)
			(void)!ap_fs_suggest(err, path);
		return ap_err_wrap(err, file ? "--ignore-file" : "ignore file");
	}
	if (gcloud || (file && ap_ends_with(file, ".gitignore")))
		ig->rules = AP_IGNORE_GIT;
	if (parse_into(ig, text.p, text.len, file ? file : ".dockerignore", gcloud ? beside : NULL,
		    err) < 0)
		return -1;
	*out = AP_STEAL(ig);
	return 0;
}

void ap_ignore_free(struct ap_ignore *i)
{
	if (!i)
		return;
	for (size_t k = 0; k < i->n; k++) {
		ap_glob_free(i->v[k].glob);
		free(i->v[k].prefix);
	}
	free(i->v);
	free(i);
}

void ap_ignore_freep(struct ap_ignore **i)
{
	ap_ignore_free(*i);
	*i = NULL;
}

void ap_ignore_state_release(struct ap_ignore_state *s)
{
	free(s->hit);
	s->hit = NULL;
}

/*
 * A pattern that could not change the answer is not asked, and then counts as
 * no match for what lies below, too: so do docker's client and BuildKit.
 */
static bool docker_test(const struct ap_ignore *ig, struct ap_ignore_state *own,
	const struct ap_ignore_state *up, const char *path)
{
	bool out = false;

	for (size_t i = 0; i < ig->n; i++) {
		bool hit = up->hit && up->hit[i];

		if (!hit && ig->v[i].keeps != out)
			continue;
		hit = hit || ap_glob_match(ig->v[i].glob, path);
		if (own)
			own->hit[i] = hit;
		if (hit)
			out = !ig->v[i].keeps;
	}
	return out;
}

static bool git_test(const struct ap_ignore *ig, const char *path, bool is_dir)
{
	for (size_t i = ig->n; i-- > 0;) {
		const struct pattern *p = &ig->v[i];

		if ((!p->dir_only || is_dir) && ap_glob_match(p->glob, path))
			return !p->keeps;
	}
	return false;
}

bool ap_ignore_test(const struct ap_ignore *i, struct ap_ignore_state *own,
	const struct ap_ignore_state *up, const char *path, bool is_dir)
{
	if (own)
		*own = (struct ap_ignore_state){ 0 };
	if (!i->n)
		return false;
	if (i->rules == AP_IGNORE_GIT)
		return git_test(i, path, is_dir);
	if (own)
		own->hit = ap_xcalloc(i->n, 1);
	return docker_test(i, own, up, path);
}

bool ap_ignore_may_return(const struct ap_ignore *i, const char *path)
{
	size_t n = strlen(path);

	for (size_t k = 0; i->rules == AP_IGNORE_DOCKER && k < i->n; k++) {
		const char *prefix = i->v[k].prefix;

		if (!i->v[k].keeps)
			continue;
		if (!prefix || (strncmp(prefix, path, n) == 0 && (!prefix[n] || prefix[n] == '/')))
			return true;
	}
	return false;
}

bool ap_ignore_never(const char *name)
{
	return ap_streq(name, ".git") || ap_streq(name, "__pycache__");
}
