#include "pack/members.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "pack/local.h"

#define ENTRIES_MAX 100000u
#define READ_BLOCK  (256u << 10)
#define LINKS_MAX   8

/* An opened archive, for one pass from its beginning; reads the member it is at. */
struct pass {
	struct ap_reader base;
	struct archive *a;
	int fd;
	const char *path;
};

static void pass_close(struct pass *p)
{
	if (p->a)
		archive_read_free(p->a);
	ap_close_p(&p->fd);
}

static int bad_archive(const struct pass *p, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_INIT;
	const char *why = archive_error_string(p->a);

	ap_buf_add_printable(&text, why ? why : "", why ? strlen(why) : 0);
	return ap_err_set(
		err, AP_E_PROTO, "%s: %s", p->path, text.len ? text.p : "not a tar archive");
}

static int pass_read(struct ap_reader *r, void *p, size_t n, size_t *got, struct ap_err *err)
{
	const struct pass *pass = AP_CONTAINER(r, struct pass, base);
	la_ssize_t k = archive_read_data(pass->a, p, n);

	if (k < 0)
		return bad_archive(pass, err);
	*got = (size_t)k;
	return 0;
}

static const struct ap_reader_ops pass_ops = { pass_read, NULL, NULL };

static int pass_open(struct pass *p, const char *path, struct ap_err *err)
{
	struct stat st;

	*p = (struct pass){ .base.ops = &pass_ops,
		.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK),
		.path = path };
	if (p->fd < 0 && errno == ENOENT) {
		(void)!ap_err_set(err, AP_E_INPUT, "%s: no such file", path);
		return ap_fs_suggest(err, path);
	}
	if (p->fd < 0 || fstat(p->fd, &st) < 0)
		return ap_err_sys(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return ap_err_set(err, AP_E_INPUT, "%s: not a regular file", path);
	p->a = archive_read_new();
	if (!p->a)
		ap_oom();
	archive_read_support_filter_gzip(p->a);
	archive_read_support_filter_zstd(p->a);
	archive_read_support_filter_xz(p->a);
	archive_read_support_filter_bzip2(p->a);
	archive_read_support_format_tar(p->a);
	if (archive_read_open_fd(p->a, p->fd, READ_BLOCK) != ARCHIVE_OK)
		return bad_archive(p, err);
	return 0;
}

/* *e is NULL behind the last entry. */
static int pass_next(struct pass *p, struct archive_entry **e, struct ap_err *err)
{
	int rc = archive_read_next_header(p->a, e);

	if (rc == ARCHIVE_EOF) {
		*e = NULL;
		return 0;
	}
	if (rc != ARCHIVE_OK)
		return bad_archive(p, err);
	return 0;
}

/* Resolve `target`, as written in a link at `path`, inside the archive; NULL when it leaves it. */
static char *resolve(const char *path, const char *target)
{
	const char *slash = strrchr(path, '/');
	ap_auto_buf b = AP_BUF_INIT;

	if (slash && target[0] != '/')
		ap_buf_add(&b, path, (size_t)(slash - path));
	return ap_local_append(&b, target) ? ap_buf_steal(&b) : NULL;
}

char *ap_member_path(const char *text)
{
	return resolve("", text);
}

/* Directories are kept too: a member's number is its place in the archive. */
static int add_member(struct ap_members *all, struct archive_entry *e, struct ap_err *err)
{
	const char *raw = archive_entry_pathname(e);
	const char *sym = archive_entry_symlink(e);
	const char *hard = archive_entry_hardlink(e);
	struct ap_member *m;

	if (all->n >= ENTRIES_MAX)
		return ap_err_set(
			err, AP_E_LIMIT, "%s: more than %u entries", all->file, ENTRIES_MAX);
	if (!raw)
		return ap_err_set(err, AP_E_PROTO, "%s: an entry without a name", all->file);
	AP_GROW(all->v, all->n, all->cap);
	m = &all->v[all->n++];
	*m = (struct ap_member){ .path = resolve("", raw) };
	if (!m->path)
		m->path = ap_xstrdup("");
	if (sym || hard) {
		m->link = hard ? resolve("", hard) : resolve(m->path, sym);
		if (!m->link)
			m->link = ap_xstrdup("");
	} else if (archive_entry_filetype(e) == AE_IFREG) {
		m->size = (uint64_t)archive_entry_size(e);
	}
	return 0;
}

int ap_members_list(
	struct ap_members *m, const char *file, ap_member_fn fn, void *ctx, struct ap_err *err)
{
	AP_CLEANUP(pass_close) struct pass p = { .fd = -1 };
	struct archive_entry *e;

	m->file = file;
	if (pass_open(&p, file, err) < 0)
		return -1;
	for (;;) {
		if (pass_next(&p, &e, err) < 0)
			return -1;
		if (!e)
			return 0;
		if (add_member(m, e, err) < 0 || fn(ctx, &p.base, m->n - 1, err) < 0)
			return -1;
	}
}

void ap_members_release(struct ap_members *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].path);
		free(m->v[i].link);
	}
	free(m->v);
	*m = (struct ap_members){ 0 };
}

int ap_members_each(const struct ap_members *m, ap_member_fn fn, void *ctx, struct ap_err *err)
{
	AP_CLEANUP(pass_close) struct pass p = { .fd = -1 };
	struct archive_entry *e;

	if (pass_open(&p, m->file, err) < 0)
		return -1;
	for (size_t i = 0;; i++) {
		if (pass_next(&p, &e, err) < 0)
			return -1;
		if (!e)
			return 0;
		if (fn(ctx, &p.base, i, err) < 0)
			return -1;
	}
}

const struct ap_member *ap_members_find(const struct ap_members *m, const char *path, size_t *at)
{
	for (size_t hops = 0; hops < LINKS_MAX; hops++) {
		size_t i = 0;

		while (i < m->n && strcmp(m->v[i].path, path) != 0)
			i++;
		if (i == m->n)
			return NULL;
		if (!m->v[i].link) {
			*at = i;
			return &m->v[i];
		}
		path = m->v[i].link;
	}
	return NULL;
}

struct member_reader {
	struct ap_reader base;
	struct pass pass;
	char *path;
	size_t member;
	bool at_data;
};

static int seek_member(struct member_reader *r, struct ap_err *err)
{
	struct archive_entry *e;

	if (pass_open(&r->pass, r->path, err) < 0)
		return -1;
	for (size_t i = 0; i <= r->member; i++) {
		if (pass_next(&r->pass, &e, err) < 0)
			return -1;
		if (!e)
			return ap_err_set(
				err, AP_E_CHANGED, "%s: changed while it was read", r->path);
	}
	r->at_data = true;
	return 0;
}

static int member_read(struct ap_reader *base, void *p, size_t n, size_t *got, struct ap_err *err)
{
	struct member_reader *r = AP_CONTAINER(base, struct member_reader, base);

	if (!r->at_data && seek_member(r, err) < 0)
		return -1;
	return pass_read(&r->pass.base, p, n, got, err);
}

static int member_rewind(struct ap_reader *base, struct ap_err *err AP_UNUSED)
{
	struct member_reader *r = AP_CONTAINER(base, struct member_reader, base);

	pass_close(&r->pass);
	r->pass = (struct pass){ .fd = -1 };
	r->at_data = false;
	return 0;
}

static void member_free(struct ap_reader *base)
{
	struct member_reader *r = AP_CONTAINER(base, struct member_reader, base);

	pass_close(&r->pass);
	free(r->path);
	free(r);
}

static const struct ap_reader_ops member_ops = { member_read, member_rewind, member_free };

void ap_members_open(struct ap_reader **out, const struct ap_members *m, size_t at)
{
	struct member_reader *r = ap_xcalloc(1, sizeof(*r));

	r->base.ops = &member_ops;
	r->pass.fd = -1;
	r->path = ap_xstrdup(m->file);
	r->member = at;
	*out = &r->base;
}
