/*
 * The command that mends what `autopack doctor` found missing, for the machine
 * that it runs on: each can be pasted into a shell.  All: owned by the caller.
 */
#ifndef AP_CLI_MEND_H
#define AP_CLI_MEND_H

#include "cli/env.h"

/* gcloud's way to set a property, or our variable where gcloud is not installed. */
char *ap_mend_setting(const char *property, const char *variable, const char *value);

/* Credentials of Google: gcloud's, or a file of them. */
char *ap_mend_login(void);

/* Give the account that acts a role on the project. */
char *ap_mend_grant(const struct ap_env *env, const char *role);

/* One of Debian's packages. */
char *ap_mend_package(const char *name);

/*
 * uv: with pipx; with pip, where Python is not the distribution's own; with
 * Debian's pipx; else with uv's installer.
 */
char *ap_mend_uv(void);

#endif
