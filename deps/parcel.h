/*
 * Files on their way into the base and out of it, as one stream through the
 * standard streams of a program there: nothing of this machine is mounted.
 *
 * For each file a line "KIND SIZE NAME" and then its bytes; a line "." ends
 * the stream, so that a cut one is noticed.
 */
#ifndef AP_DEPS_PARCEL_H
#define AP_DEPS_PARCEL_H

#include "base/entry.h"

enum {
	AP_PARCEL_FILE = 'f',
	AP_PARCEL_EXEC = 'x',
	AP_PARCEL_LINK = 'l', /* its bytes are the target */
	AP_PARCEL_DIR = 'd',
};

/* The program's side, as Python text: take() gives (kind, name, bytes) or None, put(kind, name, bytes). */
#define AP_PARCEL_PY                                                                                \
	"import sys\n"                                                                              \
	"def take(i=sys.stdin.buffer):\n"                                                           \
	"    head = i.readline()\n"                                                                 \
	"    if head == b'.\\n': return None\n"                                                     \
	"    kind, size, name = head[:-1].split(b' ', 2)\n"                                         \
	"    data = i.read(int(size))\n"                                                            \
	"    if len(data) != int(size): sys.exit('the input was cut')\n"                            \
	"    return kind.decode(), name.decode(errors='surrogateescape'), data\n"                   \
	"def put(kind, name, data, o=sys.stdout.buffer):\n"                                         \
	"    o.write(('%s %d %s\\n' % (kind, len(data), name)).encode(errors='surrogateescape'))\n" \
	"    o.write(data)\n"                                                                       \
	"def end(o=sys.stdout.buffer):\n"                                                           \
	"    o.write(b'.\\n')\n"                                                                    \
	"    o.flush()\n"

/* Add one file of `size` bytes; r may be NULL when it is empty. */
int ap_parcel_put(int fd, char kind, const char *name, struct ap_reader *r, uint64_t size,
	struct ap_err *err) AP_CHECK;
int ap_parcel_put_bytes(
	int fd, char kind, const char *name, const void *p, size_t n, struct ap_err *err) AP_CHECK;

/*
 * Add what a directory holds, as NAME/...; sorted, links as links.
 * Errors: AP_E_INPUT for what is neither file, directory nor link.
 */
int ap_parcel_put_tree(int fd, const char *name, const char *dir, struct ap_err *err) AP_CHECK;
int ap_parcel_end(int fd, struct ap_err *err) AP_CHECK;

/* One file of a stream that lies in a file. */
struct ap_parcel {
	char kind;
	char *name;
	uint64_t at, size;
};

struct ap_parcels {
	struct ap_parcel *v;
	size_t n, cap;
	char *path; /* the file */
};

/*
 * What a stream holds.
 * Errors: AP_E_PROTO when it is cut or is none; AP_E_IO.
 */
int ap_parcels_open(struct ap_parcels *out, const char *path, struct ap_err *err) AP_CHECK;
void ap_parcels_release(struct ap_parcels *p);

/* A reader of one file.  *out: owned. */
int ap_parcels_reader(struct ap_reader **out, const struct ap_parcels *p,
	const struct ap_parcel *one, struct ap_err *err) AP_CHECK;

/* The same as content of a layer, which needs *p no more.  *out: owned. */
struct ap_content *ap_parcels_content(const struct ap_parcels *p, const struct ap_parcel *one);

#endif
