/*
 * What a run tells at its end, on stderr.
 */
#ifndef AP_CLI_SUMMARY_H
#define AP_CLI_SUMMARY_H

#include "cli/run.h"

/* The image: name, layers, bytes sent of bytes in all, seconds. */
void ap_summary(const struct ap_run *r);

#endif
