#include "deps/wheel.h"

#include <stdlib.h>
#include <string.h>

#include "deps/names.h"

enum {
	MAX_METADATA = 16 << 20,
	MAX_RECORD = 128 << 20,
};

void ap_wheel_name_release(struct ap_wheel_name *n)
{
	free(n->name);
	free(n->version);
	free(n->build);
	free(n->python);
	free(n->abi);
	free(n->platform);
	*n = (struct ap_wheel_name){ 0 };
}

static bool tag_ok(struct ap_str s)
{
	if (!s.n)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!ap_is_alnum(s.p[i]) && s.p[i] != '_' && s.p[i] != '.')
			return false;
	return true;
}

int ap_wheel_name_parse(struct ap_wheel_name *out, const char *filename, struct ap_err *err)
{
	struct ap_str rest = ap_str(filename);
	struct ap_str part[6];
	ap_auto_free char *version = NULL;
	size_t n = 0;

	if (!ap_ends_with(filename, ".whl"))
		return ap_err_set(err, AP_E_INPUT,
			"\"%s\" is not a wheel's file name: want NAME-VERSION-PYTHON-ABI-PLATFORM.whl",
			filename);
	rest.n -= strlen(".whl");
	while (n < AP_LEN(part) && ap_str_next(&rest, '-', &part[n]))
		n++;
	if (n < 5 || rest.p || !ap_names_ok(part[0].p, part[0].n) || !tag_ok(part[n - 3]) ||
		!tag_ok(part[n - 2]) || !tag_ok(part[n - 1]) ||
		(n == 6 && (!tag_ok(part[2]) || !ap_is_digit(part[2].p[0]))))
		return ap_err_set(err, AP_E_INPUT,
			"\"%s\" is not a wheel's file name: want NAME-VERSION-PYTHON-ABI-PLATFORM.whl",
			filename);
	version = ap_version_canonical(part[1].p, part[1].n);
	if (!version)
		return ap_err_set(err, AP_E_INPUT,
			"\"%s\" is not a wheel's file name: \"%.*s\" is not a version", filename,
			(int)part[1].n, part[1].p);
	*out = (struct ap_wheel_name){
		.name = ap_name_normalize(part[0].p, part[0].n),
		.version = ap_xstrndup(part[1].p, part[1].n),
		.build = n == 6 ? ap_xstrndup(part[2].p, part[2].n) : NULL,
		.python = ap_xstrndup(part[n - 3].p, part[n - 3].n),
		.abi = ap_xstrndup(part[n - 2].p, part[n - 2].n),
		.platform = ap_xstrndup(part[n - 1].p, part[n - 1].n),
	};
	return 0;
}

void ap_wheel_release(struct ap_wheel *w)
{
	ap_wheel_name_release(&w->file);
	ap_record_release(&w->record);
	ap_entry_points_release(&w->scripts);
	ap_zip_unref(w->zip);
	free(w->filename);
	free(w->info_dir);
	free(w->data_dir);
	free(w->name);
	free(w->version);
	*w = (struct ap_wheel){ 0 };
}

/* "NAME-VERSION" belongs to the file name? */
static bool stem_ok(const struct ap_wheel *w, const char *stem, size_t n)
{
	const char *dash = memrchr(stem, '-', n);
	ap_auto_free char *name = NULL;
	ap_auto_free char *have = NULL;
	ap_auto_free char *want = ap_version_canonical(w->file.version, strlen(w->file.version));

	if (!dash)
		return false;
	name = ap_name_normalize(stem, (size_t)(dash - stem));
	have = ap_version_canonical(dash + 1, n - (size_t)(dash + 1 - stem));
	return strcmp(name, w->file.name) == 0 && have && want && strcmp(have, want) == 0;
}

/* Note a top-level directory; *slot holds the only one that may be. */
static int note_dir(struct ap_wheel *w, char **slot, const char *top, size_t n, size_t suffix,
	struct ap_err *err)
{
	ap_auto_free char *dir = ap_xstrndup(top, n);

	if (*slot && strcmp(*slot, dir) == 0)
		return 0;
	if (*slot)
		return ap_zip_bad(w->zip, NULL, err, "two %s directories: %s and %s",
			dir + n - suffix, *slot, dir);
	if (!stem_ok(w, dir, n - suffix))
		return ap_zip_bad(
			w->zip, NULL, err, "directory %s does not belong to this wheel", dir);
	*slot = AP_STEAL(dir);
	return 0;
}

static int find_dirs(struct ap_wheel *w, struct ap_err *err)
{
	for (size_t i = 0; i < ap_zip_count(w->zip); i++) {
		const struct ap_zip_member *m = ap_zip_member(w->zip, i);
		size_t n = strcspn(m->name, "/");
		struct ap_str top = ap_str_n(m->name, n);
		char **slot;
		size_t suffix;

		if (n > 10 && memcmp(top.p + n - 10, ".dist-info", 10) == 0) {
			slot = &w->info_dir;
			suffix = 10;
		} else if (n > 5 && memcmp(top.p + n - 5, ".data", 5) == 0) {
			slot = &w->data_dir;
			suffix = 5;
		} else {
			continue;
		}
		if (!m->dir && !m->name[n])
			return ap_zip_bad(w->zip, m->name, err, "is a file, want a directory");
		if (note_dir(w, slot, top.p, n, suffix, err) < 0)
			return -1;
	}
	if (!w->info_dir)
		return ap_zip_bad(w->zip, NULL, err, "no .dist-info directory: not a wheel");
	return 0;
}

/* A file of .dist-info; *member NULL when it is absent and not needed. */
static int read_info(const struct ap_wheel *w, const char *file, bool needed,
	const struct ap_zip_member **member, struct ap_buf *out, struct ap_err *err)
{
	ap_auto_free char *name = ap_xasprintf("%s/%s", w->info_dir, file);

	*member = ap_zip_find(w->zip, name);
	if (*member && (*member)->dir)
		return ap_zip_bad(w->zip, name, err, "is a directory, want a file");
	if (!*member)
		return needed ? ap_zip_bad(w->zip, name, err, "is missing") : 0;
	return ap_zip_read(out, w->zip, *member, err);
}

/* Put "FILENAME: member "NAME": " before a parser's message. */
static int wrap(const struct ap_wheel *w, const struct ap_zip_member *m, struct ap_err *err)
{
	return ap_err_wrap(err, "%s: member \"%s\"", w->filename, m->name);
}

static int read_wheel_file(struct ap_wheel *w, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(1 << 20);
	AP_CLEANUP(ap_headers_release) struct ap_headers h = { 0 };
	const struct ap_zip_member *m;
	const char *version, *root;

	if (read_info(w, "WHEEL", true, &m, &text, err) < 0)
		return -1;
	if (ap_headers_parse(&h, text.p, text.len, err) < 0)
		return wrap(w, m, err);
	version = ap_headers_get(&h, "Wheel-Version");
	if (!version || ap_headers_count(&h, "Wheel-Version") != 1)
		return ap_zip_bad(w->zip, m->name, err, "want exactly one Wheel-Version");
	if (!ap_starts_with(version, "1.") || !ap_is_digit(version[2]))
		return ap_zip_bad(
			w->zip, m->name, err, "Wheel-Version is \"%.40s\", want 1.x", version);
	root = ap_headers_get(&h, "Root-Is-Purelib");
	if (ap_headers_count(&h, "Root-Is-Purelib") > 1)
		return ap_zip_bad(w->zip, m->name, err, "two Root-Is-Purelib");
	w->purelib = root && strcasecmp(root, "true") == 0;
	return 0;
}

static int read_metadata(struct ap_wheel *w, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(MAX_METADATA);
	AP_CLEANUP(ap_headers_release) struct ap_headers h = { 0 };
	const struct ap_zip_member *m;
	const char *name, *version, *format;
	ap_auto_free char *normalized = NULL;
	ap_auto_free char *have = NULL;
	ap_auto_free char *want = ap_version_canonical(w->file.version, strlen(w->file.version));

	if (read_info(w, "METADATA", true, &m, &text, err) < 0)
		return -1;
	if (ap_headers_parse(&h, text.p, text.len, err) < 0)
		return wrap(w, m, err);
	name = ap_headers_get(&h, "Name");
	version = ap_headers_get(&h, "Version");
	format = ap_headers_get(&h, "Metadata-Version");
	if (!format || (!ap_starts_with(format, "1.") && !ap_starts_with(format, "2.")))
		return ap_zip_bad(w->zip, m->name, err,
			"Metadata-Version is \"%.40s\", want 1.x or 2.x", format ? format : "");
	if (!name || !version || ap_headers_count(&h, "Name") != 1 ||
		ap_headers_count(&h, "Version") != 1)
		return ap_zip_bad(w->zip, m->name, err, "want exactly one Name and one Version");
	normalized = ap_name_normalize(name, strlen(name));
	have = ap_version_canonical(version, strlen(version));
	if (!ap_names_ok(name, strlen(name)) || strcmp(normalized, w->file.name) != 0)
		return ap_zip_bad(w->zip, m->name, err,
			"Name is \"%.100s\", the file's name says %s", name, w->file.name);
	if (!have || !want || strcmp(have, want) != 0)
		return ap_zip_bad(w->zip, m->name, err,
			"Version is \"%.100s\", the file's name says %s", version, w->file.version);
	w->name = ap_xstrdup(name);
	w->version = ap_xstrdup(version);
	return 0;
}

/* Paths of RECORD that no member has are kept as pip keeps them, but must not lead anywhere else. */
static const char *row_rule(const struct ap_record_row *row)
{
	struct ap_str rest = ap_str(row->path);
	struct ap_str part;

	if (row->path[0] == '/')
		return "absolute path";
	while (ap_str_next(&rest, '/', &part))
		if (ap_str_eq(part, ".."))
			return "\"..\" in a path";
	return NULL;
}

static int check_row(const struct ap_wheel *w, const struct ap_zip_member *record,
	const struct ap_record_row *row, struct ap_err *err)
{
	unsigned char digest[64];
	unsigned bits;
	uint64_t size;
	const char *rule = row_rule(row);

	if (rule)
		return ap_zip_bad(w->zip, record->name, err, "%s: \"%.200s\"", rule, row->path);
	if (*row->hash && ap_record_hash_parse(&bits, digest, row->hash, err) < 0)
		return ap_err_wrap(
			err, "%s: member \"%s\": \"%.200s\"", w->filename, record->name, row->path);
	if (*row->size && !ap_parse_u64(row->size, UINT64_MAX, &size))
		return ap_zip_bad(w->zip, record->name, err, "size \"%.40s\" of \"%.200s\"",
			row->size, row->path);
	return 0;
}

static int read_record(struct ap_wheel *w, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(MAX_RECORD);
	const struct ap_zip_member *m;

	if (read_info(w, "RECORD", true, &m, &text, err) < 0)
		return -1;
	if (ap_record_parse(&w->record, text.p, text.len, err) < 0)
		return wrap(w, m, err);
	for (size_t i = 0; i < w->record.n; i++)
		if (check_row(w, m, &w->record.v[i], err) < 0)
			return -1;
	return 0;
}

static int read_entry_points(struct ap_wheel *w, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(MAX_METADATA);
	const struct ap_zip_member *m;

	if (read_info(w, "entry_points.txt", false, &m, &text, err) < 0)
		return -1;
	if (m && ap_entry_points_parse(&w->scripts, text.p, text.len, err) < 0)
		return wrap(w, m, err);
	return 0;
}

int ap_wheel_open(struct ap_wheel *out, const char *path, const char *filename, struct ap_err *err)
{
	AP_CLEANUP(ap_wheel_release) struct ap_wheel w = { 0 };

	w.filename = ap_xstrdup(filename);
	if (ap_wheel_name_parse(&w.file, filename, err) < 0 ||
		ap_zip_open(&w.zip, path, filename, err) < 0 || find_dirs(&w, err) < 0 ||
		read_wheel_file(&w, err) < 0 || read_metadata(&w, err) < 0 ||
		read_record(&w, err) < 0 || read_entry_points(&w, err) < 0)
		return -1;
	*out = w;
	w = (struct ap_wheel){ 0 };
	return 0;
}
