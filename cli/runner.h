/*
 * Running an image on this machine: podman, docker, buildah or crun,
 * whichever is there.  The program's standard streams are ours.
 */
#ifndef AP_CLI_RUNNER_H
#define AP_CLI_RUNNER_H

#include "cli/display.h"

#define AP_RUNNER_KEY "/tmp/keys/cred_key.json" /* the credentials, inside */

struct ap_local_run {
	const char *runner;  /* "podman", "docker", "buildah", "crun" */
	const char *archive; /* docker-archive to run; or */
	const char *layout;  /* crun: OCI layout and tag of the image, "DIR:TAG" */
	const char *bundle;  /* crun: directory that it is unpacked to */
	const char *id;      /* crun: of the container */
	const char *image;   /* the name of an image, which is then pulled when it is missing */
	const char *name;    /* second name for the archive's image; NULL: none */
	const char *key;     /* file with Google credentials for the program; NULL: none */
	bool gpu;
	const struct ap_strv *entrypoint; /* of the archive's image: buildah asks for it */
	const struct ap_strv *args;
};

/*
 * Which runner will be used; wanted NULL: the first on PATH.
 * Errors: AP_E_NOT_FOUND: none is on PATH, or not the one wanted, or crun
 * without umoci, which unpacks for it.
 */
int ap_runner_find(const char **out, const char *wanted, struct ap_err *err) AP_CHECK;

/* The command line that runs image `image` (for buildah: container; for crun: bundle).  Pure. */
void ap_runner_argv(
	struct ap_strv *out, const char *runner, const struct ap_local_run *r, const char *image);

/* Load, run, clean up.  *status: the program's exit status, or 128 + signal. */
int ap_runner_run(int *status, const struct ap_local_run *r, struct ap_display *d,
	struct ap_err *err) AP_CHECK;

#endif
