/*
 * Files that the user names for us to write: digests, metadata, locks, reports.
 */
#ifndef AP_CLI_OUTFILE_H
#define AP_CLI_OUTFILE_H

#include "base/fs.h"

/*
 * Can it be written, once there is something to write?  by: the flag or
 * argument that names it, for the message.  Errors: AP_E_INPUT.
 */
int ap_outfile_check(const char *by, const char *path, struct ap_err *err) AP_CHECK;

/*
 * Replace the file at once.  What is no regular file (a pipe, /dev/stdout) is
 * written to as it stands; links are followed.  Errors: AP_E_IO.
 */
int ap_outfile_write(
	const char *by, const char *path, const void *p, size_t n, struct ap_err *err) AP_CHECK;

#endif
