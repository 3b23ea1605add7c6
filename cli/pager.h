/*
 * A long text, page by page where a person reads it; called by main.c for
 * --help.
 */
#ifndef AP_CLI_PAGER_H
#define AP_CLI_PAGER_H

#include "base/err.h"

/*
 * Write to stdout.  On a terminal that is too short for the text it goes
 * through $PAGER (a shell's command; "cat" or empty for none), else less
 * where that is installed.  Returns once the reader has left the pager.
 */
int ap_pager_show(const char *text, size_t n, struct ap_err *err) AP_CHECK;

#endif
