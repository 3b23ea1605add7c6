/*
 * An image as a bundle that crun runs: unpacked by umoci, its config.json
 * set up for one program of the user's own on this machine.
 */
#ifndef AP_CLI_BUNDLE_H
#define AP_CLI_BUNDLE_H

#include "base/json.h"
#include "cli/runner.h"

/*
 * Unpack r->layout to r->bundle, which does not exist yet.  Without root the
 * files are the user's, and root inside is the user.
 * Errors: AP_E_NOT_FOUND: umoci is not on PATH; AP_E_CHILD; AP_E_IO.
 */
int ap_bundle_make(const struct ap_local_run *r, struct ap_err *err) AP_CHECK;

/*
 * The run in config.json's words: entry point and arguments, credentials,
 * the host's network and names, shared memory without umoci's limit.  Pure.
 */
void ap_bundle_config(cJSON *config, const struct ap_local_run *r);

/* A program of the image's own in config.json's words: as root, without network.  Pure. */
void ap_bundle_inside(cJSON *config, const struct ap_strv *argv);

#endif
