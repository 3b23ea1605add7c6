#include "deps/wheel.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 17 };

/* A line of RECORD, found by path. */
struct line {
	const char *path;
	const struct ap_record_row *row;
};

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->path, ((const struct line *)b)->path);
}

/* The three files that RECORD lists without a hash. */
static bool is_signature(const struct ap_wheel *w, const char *name)
{
	size_t n = strlen(w->info_dir);

	return strncmp(name, w->info_dir, n) == 0 &&
	       (strcmp(name + n, "/RECORD") == 0 || strcmp(name + n, "/RECORD.jws") == 0 ||
		       strcmp(name + n, "/RECORD.p7s") == 0);
}

static int check_size(const struct ap_wheel *w, const struct ap_zip_member *m,
	const struct ap_record_row *row, struct ap_err *err)
{
	uint64_t size;

	if (!*row->size || (ap_parse_u64(row->size, UINT64_MAX, &size) && size == m->size))
		return 0;
	return ap_zip_bad(
		w->zip, m->name, err, "has %" PRIu64 " bytes, RECORD says %s", m->size, row->size);
}

/* Take what RECORD says of a member as what its readers must find. */
static int expect_member(
	const struct ap_wheel *w, size_t i, const struct ap_record_row *row, struct ap_err *err)
{
	const struct ap_zip_member *m = ap_zip_member(w->zip, i);
	unsigned char want[64];
	unsigned bits = 0;

	if (check_size(w, m, row, err) < 0)
		return -1;
	if (!*row->hash || is_signature(w, m->name))
		return 0;
	if (ap_record_hash_parse(&bits, want, row->hash, err) < 0)
		return ap_err_wrap(err, "%s: member \"%s\"", w->filename, m->name);
	ap_zip_expect(w->zip, i, bits, want);
	return 0;
}

/* Read a member to its end, through the reader's own checks. */
static int read_member(const struct ap_wheel *w, const struct ap_zip_member *m,
	unsigned char *chunk, struct ap_err *err)
{
	ap_auto_reader r = NULL;
	size_t got;

	ap_zip_reader(&r, w->zip, m);
	do {
		if (ap_read(r, chunk, CHUNK, &got, err) < 0)
			return -1;
	} while (got);
	return 0;
}

/* Two lines for one path must say the same. */
static int check_lines(const struct ap_wheel *w, const struct line *v, size_t n, struct ap_err *err)
{
	for (size_t i = 1; i < n; i++)
		if (strcmp(v[i].path, v[i - 1].path) == 0 &&
			(strcmp(v[i].row->hash, v[i - 1].row->hash) != 0 ||
				strcmp(v[i].row->size, v[i - 1].row->size) != 0))
			return ap_zip_bad(
				w->zip, v[i].path, err, "RECORD has two different lines for it");
	return 0;
}

int ap_wheel_expect(const struct ap_wheel *w, struct ap_err *err)
{
	ap_auto_free struct line *v = ap_xcalloc(w->record.n + 1, sizeof(*v));
	ap_auto_free unsigned char *chunk = ap_xmalloc(CHUNK);

	for (size_t i = 0; i < w->record.n; i++)
		v[i] = (struct line){ w->record.v[i].path, &w->record.v[i] };
	qsort(v, w->record.n, sizeof(*v), by_path);
	if (check_lines(w, v, w->record.n, err) < 0)
		return -1;
	for (size_t i = 0; i < ap_zip_count(w->zip); i++) {
		const struct ap_zip_member *m = ap_zip_member(w->zip, i);
		struct line key = { m->name, NULL };
		const struct line *l =
			m->dir ? NULL : bsearch(&key, v, w->record.n, sizeof(*v), by_path);

		if (l && expect_member(w, i, l->row, err) < 0)
			return -1;
		/* Nobody reads a layer's empty file, nor a directory: now or never. */
		if (!m->size && read_member(w, m, chunk, err) < 0)
			return -1;
	}
	return 0;
}

int ap_wheel_verify(const struct ap_wheel *w, struct ap_err *err)
{
	ap_auto_free unsigned char *chunk = ap_xmalloc(CHUNK);

	if (ap_wheel_expect(w, err) < 0)
		return -1;
	for (size_t i = 0; i < ap_zip_count(w->zip); i++) {
		if (read_member(w, ap_zip_member(w->zip, i), chunk, err) < 0)
			return -1;
	}
	return 0;
}
