/* The end of an archive: where its central directory is. */
#include <string.h>

#include "deps/zip_priv.h"

enum {
	EOCD_LEN = 22,
	EOCD64_LEN = 56,
	LOCATOR_LEN = 20,
	MAX_COMMENT = 65535,
	MAX_CENTRAL = 128 << 20,
};

/* The zip64 end record and its locator, which stand directly before the end record. */
static int find_end64(struct ap_zip *z, struct ap_zip_place *at, const unsigned char *eocd,
	uint64_t end, uint64_t *cd_end, struct ap_err *err)
{
	unsigned char loc[LOCATOR_LEN], r[EOCD64_LEN];
	bool needed = ap_zip_u16(eocd + 10) == 0xffff || ap_zip_u32(eocd + 12) == AP_ZIP_NONE32 ||
		      ap_zip_u32(eocd + 16) == AP_ZIP_NONE32;

	*cd_end = end;
	if (end < LOCATOR_LEN)
		return 0;
	if (ap_zip_pread(z, loc, sizeof(loc), end - LOCATOR_LEN, err) < 0)
		return -1;
	if (ap_zip_u32(loc) != 0x07064b50) {
		if (ap_zip_u32(eocd + 12) == AP_ZIP_NONE32 ||
			ap_zip_u32(eocd + 16) == AP_ZIP_NONE32)
			return ap_zip_bad(z, NULL, err, "zip64 locator is missing");
		return 0;
	}
	if (end < LOCATOR_LEN + EOCD64_LEN ||
		ap_zip_u64(loc + 8) != end - LOCATOR_LEN - EOCD64_LEN || ap_zip_u32(loc + 4) != 0 ||
		ap_zip_u32(loc + 16) != 1)
		return ap_zip_bad(z, NULL, err, "zip64 end record is not where it should be");
	*cd_end = ap_zip_u64(loc + 8);
	if (ap_zip_pread(z, r, sizeof(r), *cd_end, err) < 0)
		return -1;
	if (ap_zip_u32(r) != 0x06064b50 || ap_zip_u64(r + 4) != EOCD64_LEN - 12 ||
		ap_zip_u32(r + 16) || ap_zip_u32(r + 20) ||
		ap_zip_u64(r + 24) != ap_zip_u64(r + 32))
		return ap_zip_bad(z, NULL, err, "zip64 end record is malformed");
	if ((ap_zip_u16(eocd + 10) != 0xffff && ap_zip_u16(eocd + 10) != ap_zip_u64(r + 32)) ||
		(ap_zip_u32(eocd + 12) != AP_ZIP_NONE32 &&
			ap_zip_u32(eocd + 12) != ap_zip_u64(r + 40)) ||
		(ap_zip_u32(eocd + 16) != AP_ZIP_NONE32 &&
			ap_zip_u32(eocd + 16) != ap_zip_u64(r + 48)))
		return ap_zip_bad(z, NULL, err, "the two end records disagree");
	if (!needed)
		return 0;
	at->n = ap_zip_u64(r + 32);
	at->cd_size = ap_zip_u64(r + 40);
	at->cd = ap_zip_u64(r + 48);
	return 0;
}

/* Where the central directory is.  No byte may follow the end record but a plain comment. */
int ap_zip_find_end(struct ap_zip *z, struct ap_zip_place *at, struct ap_err *err)
{
	size_t n = (size_t)AP_MIN(at->file_size, (uint64_t)EOCD_LEN + MAX_COMMENT);
	ap_auto_free unsigned char *tail = ap_xmalloc(n + 1);
	const unsigned char *e = NULL;
	uint64_t cd_end;

	if (n < EOCD_LEN)
		return ap_zip_bad(z, NULL, err, "too short for a zip archive");
	if (ap_zip_pread(z, tail, n, at->file_size - n, err) < 0)
		return -1;
	for (size_t i = n - EOCD_LEN + 1; i-- > 0 && !e;)
		if (ap_zip_u32(tail + i) == 0x06054b50)
			e = tail + i;
	if (!e)
		return ap_zip_bad(z, NULL, err, "no end of central directory: not a zip archive");
	if ((size_t)(tail + n - e) - EOCD_LEN != ap_zip_u16(e + 20))
		return ap_zip_bad(z, NULL, err, "bytes behind the end of the archive");
	if (ap_zip_u16(e + 20) && memmem(e + EOCD_LEN, ap_zip_u16(e + 20), "PK", 2))
		return ap_zip_bad(z, NULL, err, "archive comment looks like a zip record");
	if (ap_zip_u16(e + 4) || ap_zip_u16(e + 6) || ap_zip_u16(e + 8) != ap_zip_u16(e + 10))
		return ap_zip_bad(z, NULL, err, "archive is split over several disks");
	at->n = ap_zip_u16(e + 10);
	at->cd_size = ap_zip_u32(e + 12);
	at->cd = ap_zip_u32(e + 16);
	if (find_end64(z, at, e, at->file_size - n + (uint64_t)(e - tail), &cd_end, err) < 0)
		return -1;
	if (at->n > AP_ZIP_MAX_MEMBERS || at->cd_size > MAX_CENTRAL)
		return ap_err_set(
			err, AP_E_LIMIT, "%s: more than %u members", z->label, AP_ZIP_MAX_MEMBERS);
	if (at->cd > cd_end || cd_end - at->cd != at->cd_size)
		return ap_zip_bad(
			z, NULL, err, "central directory does not end where the end record begins");
	return 0;
}
