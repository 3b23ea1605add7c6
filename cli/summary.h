/*
 * What a run tells at its end, on stderr.
 */
#ifndef AP_CLI_SUMMARY_H
#define AP_CLI_SUMMARY_H

#include "cli/run.h"

/*
 * The image: name, digest, layers added, bytes sent of bytes in all, seconds of
 * each stage; with --verbosity=debug what each stage cost.
 */
void ap_summary(const struct ap_run *r);

/* Bytes sent of bytes in all, and why the rest was not. */
void ap_summary_sent(struct ap_display *d, const struct ap_push_stats *s);

#endif
