/*
 * Bytes that wait to be read, perhaps several times: in memory while they
 * are few, else in a file that has no name.
 */
#ifndef AP_PACK_SPOOL_H
#define AP_PACK_SPOOL_H

#include "base/entry.h"

#define AP_SPOOL_MEMORY (1u << 20)

struct ap_spool {
	struct ap_buf mem;
	const char *dir; /* borrowed */
	int fd;          /* -1: all in memory */
	uint64_t size;
};

/* dir NULL: /tmp. */
void ap_spool_init(struct ap_spool *s, const char *dir);
void ap_spool_release(struct ap_spool *s);

int ap_spool_write(struct ap_spool *s, const void *p, size_t n, struct ap_err *err) AP_CHECK;

/* Turn it into content that can be opened any number of times; the spool is empty after.  *out: owned. */
void ap_spool_content(struct ap_content **out, struct ap_spool *s);

#endif
