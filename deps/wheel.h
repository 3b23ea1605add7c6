/*
 * A wheel: its names, WHEEL, METADATA, RECORD and entry points, checked
 * against each other and against the wheel's bytes.
 *
 * Source: binary distribution format; DESIGN sections 5 and 6.
 */
#ifndef AP_DEPS_WHEEL_H
#define AP_DEPS_WHEEL_H

#include "deps/entry_points.h"
#include "deps/headers.h"
#include "deps/record.h"
#include "deps/zip.h"

/* The parts of NAME-VERSION(-BUILD)-PYTHON-ABI-PLATFORM.whl. */
struct ap_wheel_name {
	char *name;    /* normalized */
	char *version; /* as it stands in the file name */
	char *build;   /* NULL: none */
	char *python, *abi, *platform;
};

void ap_wheel_name_release(struct ap_wheel_name *n);

/* Errors: AP_E_INPUT "NAME is not a wheel's file name: ...". */
int ap_wheel_name_parse(
	struct ap_wheel_name *out, const char *filename, struct ap_err *err) AP_CHECK;

struct ap_wheel {
	char *filename;
	struct ap_wheel_name file; /* its parts */
	struct ap_zip *zip;
	char *info_dir; /* "foo-1.0.dist-info" */
	char *data_dir; /* "foo-1.0.data", or NULL */
	char *name;     /* as METADATA has it */
	char *version;
	bool purelib; /* Root-Is-Purelib */
	struct ap_record record;
	struct ap_entry_points scripts;
};

void ap_wheel_release(struct ap_wheel *w);

/*
 * Open a wheel and check everything but its members' bytes: the archive's
 * structure (deps/zip.h), exactly one .dist-info, which belongs to the file
 * name, with WHEEL (version 1.x), METADATA (same name and version) and
 * RECORD (legal hashes, no way out of the prefix), at most one .data.
 *
 * Errors: AP_E_PROTO "FILENAME: ...: rule"; AP_E_INPUT for the file name.
 */
int ap_wheel_open(
	struct ap_wheel *out, const char *path, const char *filename, struct ap_err *err) AP_CHECK;

/*
 * Check RECORD's lines against the archive and make every later reader of a
 * member check the hash that RECORD has for it: the layer's own pass over
 * the bytes is then the verification.
 *
 * Errors: AP_E_PROTO naming wheel, member and rule.
 */
int ap_wheel_expect(const struct ap_wheel *w, struct ap_err *err) AP_CHECK;

/*
 * ap_wheel_expect(), and read every member at once: CRC, size, exact use of
 * the compressed bytes, hash.
 *
 * Errors: AP_E_PROTO naming wheel, member and rule.
 */
int ap_wheel_verify(const struct ap_wheel *w, struct ap_err *err) AP_CHECK;

#endif
