/*
 * What the parts of the zip reader share: zip_end.c finds the central
 * directory, zip.c reads it, zip_local.c checks the rest against it,
 * zip_member.c inflates.
 */
#ifndef AP_DEPS_ZIP_PRIV_H
#define AP_DEPS_ZIP_PRIV_H

#include "deps/zip.h"

struct ap_zip {
	int refs; /* changed with atomic operations only */
	int fd;
	char *label;
	struct ap_zip_member *v; /* order of the central directory */
	size_t n;
	uint32_t *by_name; /* indices, sorted by name */
};

/* Exactly n bytes at `at`. */
int ap_zip_pread(
	const struct ap_zip *z, void *p, size_t n, uint64_t at, struct ap_err *err) AP_CHECK;

/* A field that is too small for its value, which then stands in the zip64 extra field. */
#define AP_ZIP_NONE32 0xffffffffu

/* A member while its local header is being checked. */
struct ap_zip_seen {
	uint32_t index;
	unsigned flags;
	uint64_t local;  /* offset of the local header */
	const char *raw; /* the name as it stands in the central directory */
	size_t raw_len;
};

struct ap_zip_place {
	uint64_t file_size;
	uint64_t cd, cd_size; /* the central directory */
	uint64_t n;
};

enum {
	AP_ZIP_FLAG_DESCRIPTOR = 1 << 3, /* CRC and sizes follow the data */
	AP_ZIP_EXTRA_ZIP64 = 0x0001,
	AP_ZIP_EXTRA_UNICODE_PATH = 0x7075,
};

/* Little-endian numbers, as all of a zip archive's. */
static inline unsigned ap_zip_u16(const unsigned char *p)
{
	return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static inline uint32_t ap_zip_u32(const unsigned char *p)
{
	return (uint32_t)ap_zip_u16(p) | (uint32_t)ap_zip_u16(p + 2) << 16;
}

static inline uint64_t ap_zip_u64(const unsigned char *p)
{
	return (uint64_t)ap_zip_u32(p) | (uint64_t)ap_zip_u32(p + 4) << 32;
}

/*
 * Find extra field `id` of a header; *p NULL when absent.
 * Errors: AP_E_PROTO for a field cut short or twice, and for a second name.
 */
int ap_zip_extra(const struct ap_zip *z, const char *member, const unsigned char *x, size_t n,
	unsigned id, const unsigned char **p, size_t *len, struct ap_err *err) AP_CHECK;

/* Fill *at, whose file_size is known.  No byte may follow the end record but a plain comment. */
int ap_zip_find_end(struct ap_zip *z, struct ap_zip_place *at, struct ap_err *err) AP_CHECK;

/* Every byte before the central directory belongs to exactly one member; sets the members' offsets. */
int ap_zip_check_layout(struct ap_zip *z, struct ap_zip_seen *seen, const struct ap_zip_place *at,
	struct ap_err *err) AP_CHECK;

#endif
