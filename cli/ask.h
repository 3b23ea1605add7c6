/*
 * From flags and settings to what the stages are asked for.
 */
#ifndef AP_CLI_ASK_H
#define AP_CLI_ASK_H

#include "cli/run.h"

/*
 * Fill what flags and settings say about making an image; the image keys are
 * in a->image already.  name: what the image is called where nobody says it
 * (a job's display name); NULL: the working directory's.
 *
 * Errors: AP_E_USAGE, AP_E_INPUT.
 */
int ap_ask_image(struct ap_ask *a, const struct ap_pack_opts *p, const struct ap_env *env,
	const char *name, struct ap_err *err) AP_CHECK;

/*
 * May Vertex AI run an image of that name?  Registries of Google's, and
 * loopback ones for trials.  Errors: AP_E_USAGE.
 */
int ap_ask_runnable(const struct ap_ref *dest, struct ap_err *err) AP_CHECK;

/* Does the format fit what is to be done?  Before anything is built.  Errors: AP_E_USAGE. */
int ap_ask_format(const struct ap_pack_opts *p, bool is_job, struct ap_err *err) AP_CHECK;

/* "PROJECT/REST" as container registries name projects: example.com:p is example.com/p. */
char *ap_ask_gcr_project(const char *project);

/* The `autopack build` line that makes this image, for a shell.  *out: owned. */
char *ap_ask_build_line(const struct ap_ask *a);

/* Write --dockerfile; *only: it went to stdout, which then holds nothing else. */
int ap_ask_dockerfile(const struct ap_run *r, bool *only, struct ap_err *err) AP_CHECK;

#endif
