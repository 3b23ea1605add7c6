/*
 * A stream of bytes that can be read, and usually read again.
 *
 * Readers carry their error: after a failure every call fails again.
 */
#ifndef AP_BASE_IO_H
#define AP_BASE_IO_H

#include "base/buf.h"
#include "base/digest.h"

struct ap_reader;

struct ap_reader_ops {
	/* Fill p with 1..n bytes and set *got; *got == 0 is the end. */
	int (*read)(struct ap_reader *r, void *p, size_t n, size_t *got, struct ap_err *err);
	/* Start again from the first byte; NULL: cannot be read again. */
	int (*rewind)(struct ap_reader *r, struct ap_err *err);
	void (*free)(struct ap_reader *r);
};

/* First member of every implementation.  One thread at a time. */
struct ap_reader {
	const struct ap_reader_ops *ops;
	/* The digest that it checks by itself: its end fails with AP_E_DIGEST.  NULL: none; borrowed. */
	const struct ap_digest *checks;
};

int ap_read(struct ap_reader *r, void *p, size_t n, size_t *got, struct ap_err *err) AP_CHECK;

/* Exactly n bytes, or AP_E_PROTO "ends after N of M bytes". */
int ap_read_full(struct ap_reader *r, void *p, size_t n, struct ap_err *err) AP_CHECK;

/* All that is left into *out, within the buffer's maximum (AP_E_LIMIT). */
int ap_read_all(struct ap_reader *r, struct ap_buf *out, struct ap_err *err) AP_CHECK;

/* AP_E_UNSUPPORTED when the reader cannot be read again. */
int ap_rewind(struct ap_reader *r, struct ap_err *err) AP_CHECK;

void ap_reader_free(struct ap_reader *r); /* NULL is fine */
void ap_reader_freep(struct ap_reader **r);
#define ap_auto_reader AP_CLEANUP(ap_reader_freep) struct ap_reader *

/* Bytes in memory, borrowed for the reader's life. */
void ap_mem_reader(struct ap_reader **out, const void *p, size_t n);

/*
 * An open file from its offset `from`, `size` bytes (UINT64_MAX: to the end).
 * Takes fd.  Reads with pread(), so other users of the same file do not disturb it.
 */
void ap_fd_reader(struct ap_reader **out, int fd, uint64_t from, uint64_t size);

/*
 * The bytes of `inner` (taken), checked: the read that would give the end
 * fails with AP_E_DIGEST unless size and digest are the wanted ones; more
 * bytes than `size` fail at once.
 */
void ap_verify_reader(struct ap_reader **out, struct ap_reader *inner,
	const struct ap_digest *digest, uint64_t size);

/*
 * The same over a reader that stays the caller's.  *out is left NULL when
 * `inner` checks the same digest already: no byte is hashed twice.
 */
void ap_verify_borrowed(struct ap_reader **out, struct ap_reader *inner,
	const struct ap_digest *digest, uint64_t size);

/* Write all of n bytes to fd. */
int ap_write_all(int fd, const void *p, size_t n, struct ap_err *err) AP_CHECK;

/* Write all that the reader gives to fd.  Errors: also AP_E_CANCELLED. */
int ap_write_from(int fd, struct ap_reader *r, struct ap_err *err) AP_CHECK;

#endif
