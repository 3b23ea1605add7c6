#include "pack/tar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

struct ustar {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char linkname[100];
	char magic[6];
	char version[2];
	char uname[32];
	char gname[32];
	char devmajor[8];
	char devminor[8];
	char prefix[155];
	char pad[12];
};
_Static_assert(sizeof(struct ustar) == AP_TAR_BLOCK, "a tar header is one block");

#define SIZE_LIMIT  ((uint64_t)1 << 33) /* eleven octal digits */
#define MTIME_LIMIT ((int64_t)1 << 33)

/* `width` includes the final NUL; the caller knows that v fits. */
static void put_octal(char *field, size_t width, uint64_t v)
{
	field[--width] = '\0';
	while (width) {
		field[--width] = (char)('0' + (v & 7));
		v >>= 3;
	}
}

static void finish_header(struct ustar *h)
{
	const unsigned char *p = (const unsigned char *)h;
	uint64_t sum = 0;

	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	memset(h->checksum, ' ', sizeof(h->checksum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += p[i];
	put_octal(h->checksum, 7, sum);
	h->checksum[7] = ' ';
}

/* Where the name can be cut into prefix and name; false when it does not fit ustar. */
static bool split_name(const char *path, size_t n, size_t *cut)
{
	*cut = 0;
	if (n <= sizeof(((struct ustar *)0)->name))
		return true;
	for (size_t i = AP_MIN(n - 2, (size_t)155); i > 0; i--) {
		if (path[i] != '/')
			continue;
		if (n - i - 1 > 100)
			return false;
		*cut = i;
		return true;
	}
	return false;
}

static size_t digits(size_t n)
{
	size_t k = 1;

	while (n >= 10) {
		n /= 10;
		k++;
	}
	return k;
}

/* "LEN key=value\n", where LEN counts itself. */
static void add_record(struct ap_buf *b, const char *key, const char *value, size_t n)
{
	size_t rest = strlen(key) + n + 3;
	size_t len = rest + digits(rest);

	if (digits(len) > digits(rest))
		len = rest + digits(len);
	ap_buf_addf(b, "%zu %s=", len, key);
	ap_buf_add(b, value, n);
	ap_buf_addc(b, '\n');
}

static void add_padding(struct ap_buf *out, uint64_t size)
{
	static const char zeros[AP_TAR_BLOCK];

	ap_buf_add(out, zeros, ap_tar_padding(size));
}

/* The extended header: its name only matters to readers that do not know pax. */
static void add_pax(struct ap_buf *out, const struct ap_buf *records, int64_t mtime)
{
	struct ustar h = { .name = "PaxHeaders/entry", .type = 'x' };

	put_octal(h.mode, sizeof(h.mode), 0644);
	put_octal(h.uid, sizeof(h.uid), 0);
	put_octal(h.gid, sizeof(h.gid), 0);
	put_octal(h.size, sizeof(h.size), records->len);
	put_octal(h.mtime, sizeof(h.mtime), (uint64_t)mtime);
	put_octal(h.devmajor, sizeof(h.devmajor), 0);
	put_octal(h.devminor, sizeof(h.devminor), 0);
	finish_header(&h);
	ap_buf_add(out, &h, sizeof(h));
	ap_buf_add(out, records->p, records->len);
	add_padding(out, records->len);
}

static int check_path(const char *path, struct ap_err *err)
{
	struct ap_str rest = ap_str(path);
	struct ap_str part;

	while (ap_str_next(&rest, '/', &part)) {
		if (!part.n || ap_str_eq(part, ".") || ap_str_eq(part, ".."))
			return ap_err_set(err, AP_E_INPUT,
				"layer path \"%.300s\": want a relative path without empty, "
				"\".\" and \"..\" parts",
				path);
	}
	return 0;
}

int ap_tar_header(struct ap_buf *out, const struct ap_entry *e, int64_t mtime, struct ap_err *err)
{
	static const char types[] = {
		[AP_ENTRY_FILE] = '0', [AP_ENTRY_DIR] = '5', [AP_ENTRY_SYMLINK] = '2'
	};
	struct ustar h = { .type = types[e->type] };
	ap_auto_buf path = AP_BUF_INIT;
	ap_auto_buf records = AP_BUF_INIT;
	uint64_t size = e->type == AP_ENTRY_FILE ? e->size : 0;
	size_t cut = 0;
	bool utf8;

	if (check_path(e->path, err) < 0)
		return -1;
	if (mtime < 0 || mtime >= MTIME_LIMIT)
		return ap_err_set(err, AP_E_INPUT,
			"modification time %" PRId64 ": want 0 to 8589934591", mtime);
	ap_buf_adds(&path, e->path);
	if (e->type == AP_ENTRY_DIR)
		ap_buf_addc(&path, '/');
	utf8 = ap_utf8_ok(path.p, path.len) &&
	       (e->type != AP_ENTRY_SYMLINK || ap_utf8_ok(e->target, strlen(e->target)));
	if (split_name(path.p, path.len, &cut)) {
		memcpy(h.prefix, path.p, cut);
		memcpy(h.name, path.p + (cut ? cut + 1 : 0), path.len - (cut ? cut + 1 : 0));
	} else {
		add_record(&records, "path", path.p, path.len);
		memcpy(h.name, path.p, sizeof(h.name));
	}
	if (e->type == AP_ENTRY_SYMLINK) {
		size_t n = strlen(e->target);

		if (n > sizeof(h.linkname))
			add_record(&records, "linkpath", e->target, n);
		memcpy(h.linkname, e->target, AP_MIN(n, sizeof(h.linkname)));
	}
	if (size >= SIZE_LIMIT) {
		char text[24];

		add_record(&records, "size", text,
			(size_t)snprintf(text, sizeof(text), "%" PRIu64, size));
	}
	if (records.len) {
		ap_auto_buf all = AP_BUF_INIT;

		/* Values are UTF-8 by definition; other bytes have to be announced. */
		if (!utf8)
			add_record(&all, "hdrcharset", "BINARY", 6);
		ap_buf_add(&all, records.p, records.len);
		add_pax(out, &all, mtime);
	}
	put_octal(h.mode, sizeof(h.mode), e->mode & 07777);
	put_octal(h.uid, sizeof(h.uid), 0);
	put_octal(h.gid, sizeof(h.gid), 0);
	put_octal(h.size, sizeof(h.size), size < SIZE_LIMIT ? size : 0);
	put_octal(h.mtime, sizeof(h.mtime), (uint64_t)mtime);
	put_octal(h.devmajor, sizeof(h.devmajor), 0);
	put_octal(h.devminor, sizeof(h.devminor), 0);
	finish_header(&h);
	ap_buf_add(out, &h, sizeof(h));
	return 0;
}

size_t ap_tar_padding(uint64_t size)
{
	return (size_t)(-size & (AP_TAR_BLOCK - 1));
}
