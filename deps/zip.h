/*
 * A zip archive read strictly: whatever two readers could understand in two
 * ways is refused before a member is touched.  Wheels and sdists come
 * through here; nothing is ever unpacked to disk.
 *
 * Source: PKWARE APPNOTE 6.3.10; DESIGN section 6, zip rules.
 */
#ifndef AP_DEPS_ZIP_H
#define AP_DEPS_ZIP_H

#include "base/entry.h"

#define AP_ZIP_MAX_MEMBERS 200000u
#define AP_ZIP_MAX_TOTAL   (64ull << 30) /* bytes of all members, inflated */
#define AP_ZIP_MAX_RATIO   200u          /* of the whole archive, once over AP_ZIP_FREE_TOTAL */
#define AP_ZIP_FREE_TOTAL  (64ull << 20)

struct ap_zip;

struct ap_zip_member {
	char *name; /* no slash at a directory's end; legal as a relative path */
	bool dir;
	bool executable; /* a regular file with an x bit, as pip asks */
	unsigned method; /* 0 or 8 */
	uint32_t crc;
	uint64_t csize, size;
	uint64_t offset;    /* of the member's bytes in the file */
	unsigned hash_bits; /* see ap_zip_expect(); 0: nothing is expected */
	unsigned char hash[64];
};

/*
 * Open an archive and check all of its structure: end record, central
 * directory, every local header and data descriptor, that they agree and
 * that no byte of the file lies between them.  Names are valid UTF-8, relative,
 * free of "..", backslashes and control characters, occur once, and none is
 * a file and a directory.  Member bytes are checked when they are read.
 *
 * *out: new, ap_zip_unref().  Keeps the file open while it lives.
 * borrowed: label is copied; it begins every message.
 * Errors: AP_E_PROTO "LABEL: member "NAME": rule"; AP_E_LIMIT; AP_E_IO.
 */
int ap_zip_open(
	struct ap_zip **out, const char *path, const char *label, struct ap_err *err) AP_CHECK;

/* Same, of an open file, which is taken (and closed on failure too). */
int ap_zip_open_fd(struct ap_zip **out, int fd, const char *label, struct ap_err *err) AP_CHECK;

/* Shared by all contents made of it.  Threads: yes. */
struct ap_zip *ap_zip_ref(struct ap_zip *z);
void ap_zip_unref(struct ap_zip *z);
void ap_zip_unrefp(struct ap_zip **z);

size_t ap_zip_count(const struct ap_zip *z);
/* The i-th member in the order of the central directory.  borrowed. */
const struct ap_zip_member *ap_zip_member(const struct ap_zip *z, size_t i);
/* borrowed; NULL when there is none. */
const struct ap_zip_member *ap_zip_find(const struct ap_zip *z, const char *name);

/*
 * From now on the bytes of member i must also have this SHA-2 hash of 256,
 * 384 or 512 bits: every reader of it fails at its end otherwise.
 */
void ap_zip_expect(struct ap_zip *z, size_t i, unsigned bits, const unsigned char *hash);

/*
 * The inflated bytes of a member.  The read that would give the end fails
 * unless CRC, size, consumed size and hash are the recorded ones.
 *
 * *out: owned by the caller; keeps the archive open.  Threads: yes.
 * Errors of the reader: AP_E_PROTO as above.
 */
void ap_zip_reader(struct ap_reader **out, struct ap_zip *z, const struct ap_zip_member *m);

/* A small member whole, within out->max.  Errors: AP_E_LIMIT, and those of the reader. */
int ap_zip_read(struct ap_buf *out, struct ap_zip *z, const struct ap_zip_member *m,
	struct ap_err *err) AP_CHECK;

/* A member as content of a layer; open() is ap_zip_reader(), raw() its bytes as they lie. */
struct ap_content *ap_zip_content(struct ap_zip *z, const struct ap_zip_member *m);

/* Fill *err with AP_E_PROTO "LABEL: member "NAME": ..."; member may be NULL. */
int ap_zip_bad(const struct ap_zip *z, const char *member, struct ap_err *err, const char *fmt, ...)
	AP_PRINTF(4, 5);

#endif
