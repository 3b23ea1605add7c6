/*
 * Bytes that wait to be read, perhaps several times: in memory while they
 * are few, else in a file that has no name; and ranges of files that exist
 * anyway (a wheel, a large local file), which are not copied.
 */
#ifndef AP_PACK_SPOOL_H
#define AP_PACK_SPOOL_H

#include <sys/stat.h>

#include "base/entry.h"

#define AP_SPOOL_MEMORY (1u << 20)
#define AP_SPOOL_FILES  2 /* kept open for each spool: an image has up to 127 layers */

/* A range of the spool's own bytes (file -1) or of a file. */
struct ap_spool_range {
	int file;
	uint64_t at, n;
};

struct ap_spool_file {
	int fd;
	struct stat st; /* when it came */
};

struct ap_spool {
	struct ap_buf mem;
	const char *dir; /* borrowed */
	int fd;          /* -1: all own bytes are in memory */
	uint64_t own;    /* bytes in memory or in fd */
	uint64_t size;
	struct ap_spool_range *ranges;
	size_t n_ranges, cap_ranges;
	struct ap_spool_file files[AP_SPOOL_FILES];
	size_t n_files;
};

/* dir NULL: /tmp. */
void ap_spool_init(struct ap_spool *s, const char *dir);
void ap_spool_release(struct ap_spool *s);

int ap_spool_write(struct ap_spool *s, const void *p, size_t n, struct ap_err *err) AP_CHECK;

/*
 * A handle for ranges of an open file, which the spool opens for itself; -1
 * when it has enough of them: then the bytes have to be written.
 */
int ap_spool_file(struct ap_spool *s, int fd);

/* Add n bytes of a file, from its offset `at` on. */
void ap_spool_refer(struct ap_spool *s, int file, uint64_t at, uint64_t n);

/*
 * Turn it into content that can be opened any number of times; the spool is
 * empty after.  *out: owned.  Its readers fail with AP_E_CHANGED where a file
 * is not what it was when its handle was made.
 */
void ap_spool_content(struct ap_content **out, struct ap_spool *s);

#endif
