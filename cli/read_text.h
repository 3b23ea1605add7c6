/*
 * A text file that a flag names, or standard input for "-".
 */
#ifndef AP_CLI_READ_TEXT_H
#define AP_CLI_READ_TEXT_H

#include "base/str.h"

/* *out: owned.  Errors: AP_E_INPUT naming flag and file; 16 MiB at most, no NUL byte. */
int ap_read_text(char **out, const char *flag, const char *file, struct ap_err *err) AP_CHECK;

#endif
