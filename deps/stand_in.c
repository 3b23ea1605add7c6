#include "deps/stand_in.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "deps/requirement.h"
#include "deps/version.h"

/* The names of extras that markers ask about: METADATA must announce them. */
static void add_extras(struct ap_strv *out, const char *marker)
{
	const char *at = marker;

	while (at && (at = strstr(at, "extra")) != NULL) {
		const char *quote;
		size_t n;

		at += strlen("extra");
		quote = at + strspn(at, " =");
		if (*quote != '"' && *quote != '\'')
			continue;
		n = strcspn(quote + 1, "\"'");
		if (n && n < 200) {
			ap_auto_free char *name = ap_xstrndup(quote + 1, n);

			if (!ap_strv_has(out, name))
				ap_strv_add(out, name);
		}
		at = quote + 1 + n;
	}
}

static void print_metadata(struct ap_buf *out, const struct ap_dist *d, const char *version)
{
	ap_auto_strv extras = { 0 };

	ap_buf_addf(out, "Metadata-Version: 2.1\nName: %s\nVersion: %s\n", d->normalized, version);
	if (d->requires_python && ap_specifiers_ok(d->requires_python))
		ap_buf_addf(out, "Requires-Python: %s\n", d->requires_python);
	for (size_t i = 0; i < d->requires.n; i++) {
		struct ap_requirement r = { 0 };
		struct ap_err err = AP_ERR_INIT;

		if (ap_requirement_parse(&r, d->requires.v[i], &err) < 0)
			continue;
		add_extras(&extras, r.marker);
		ap_buf_adds(out, "Requires-Dist: ");
		ap_requirement_print(out, &r, r.specs, r.marker);
		ap_buf_addc(out, '\n');
		ap_requirement_release(&r);
	}
	for (size_t i = 0; i < extras.n; i++)
		ap_buf_addf(out, "Provides-Extra: %s\n", extras.v[i]);
}

static int add_member(struct archive *a, const char *name, const char *text)
{
	struct archive_entry *e = archive_entry_new();
	size_t n = strlen(text);
	int rc;

	if (!e)
		ap_oom();
	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_size(e, (la_int64_t)n);
	rc = archive_write_header(a, e);
	archive_entry_free(e);
	return rc == ARCHIVE_OK && archive_write_data(a, text, n) == (la_ssize_t)n ? 0 : -1;
}

static int write_wheel(const char *path, const char *info, const char *metadata, struct ap_err *err)
{
	static const char wheel[] = "Wheel-Version: 1.0\nGenerator: autopack\n"
				    "Root-Is-Purelib: true\nTag: py3-none-any\n";
	static const char *const names[] = { "METADATA", "WHEEL", "RECORD" };
	const char *const texts[] = { metadata, wheel, "" };
	struct archive *a = archive_write_new();
	int rc = 0;

	if (!a)
		ap_oom();
	archive_write_set_format_zip(a);
	if (archive_write_open_filename(a, path) != ARCHIVE_OK)
		rc = -1;
	for (size_t i = 0; rc == 0 && i < AP_LEN(names); i++) {
		ap_auto_free char *name = ap_fs_join(info, names[i]);

		rc = add_member(a, name, texts[i]);
	}
	if (rc == 0 && archive_write_close(a) != ARCHIVE_OK)
		rc = -1;
	if (rc < 0) {
		/* libarchive's own words are "Write error" for a full disk, too. */
		errno = archive_errno(a);
		if (errno > 0)
			ap_err_sys(err, "write %s", path);
		else
			ap_err_set(err, AP_E_IO, "write %s: %s", path, archive_error_string(a));
	}
	archive_write_free(a);
	return rc;
}

int ap_stand_in_write(bool *written, const char *dir, const struct ap_dist *d, struct ap_err *err)
{
	ap_auto_free char *version = NULL;
	ap_auto_free char *stem = NULL;
	ap_auto_free char *file = NULL;
	ap_auto_free char *info = NULL;
	ap_auto_buf metadata = AP_BUF_INIT;
	struct ap_version v;

	*written = false;
	if (!ap_version_parse(&v, d->version))
		return 0;
	version = ap_version_normal(d->version);
	stem = ap_xasprintf("%s-%s", d->normalized, version);
	for (char *p = stem; p < stem + strlen(d->normalized); p++) {
		if (*p == '-')
			*p = '_';
	}
	file = ap_xasprintf("%s/%s-py3-none-any.whl", dir, stem);
	info = ap_xasprintf("%s.dist-info", stem);
	print_metadata(&metadata, d, version);
	if (write_wheel(file, info, metadata.p, err) < 0)
		return -1;
	*written = true;
	return 0;
}
