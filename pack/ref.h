/*
 * Names of images: "host:port/path:tag@sha256:..." and, before that, the
 * transport: docker:// (default), oci:DIR[:TAG], oci-archive:FILE[:TAG],
 * docker-archive:FILE[:NAME[:TAG]].
 *
 * pack/ turns a request into layers and an image.  It knows the image model
 * and the source and sink interfaces, and speaks no network protocol.
 */
#ifndef AP_PACK_REF_H
#define AP_PACK_REF_H

#include "base/digest.h"
#include "base/str.h"

enum ap_transport { AP_DOCKER, AP_OCI, AP_OCI_ARCHIVE, AP_DOCKER_ARCHIVE };

struct ap_ref {
	enum ap_transport transport;
	char *registry; /* docker: host[:port], "registry-1.docker.io" stands for docker.io */
	char *repository; /* docker: path, "library/" filled in for Docker Hub; docker-archive: NAME */
	char *path;       /* other transports: directory or file */
	char *tag;        /* NULL: none given ("latest" is filled in by who reads) */
	struct ap_digest digest; /* "" : none */
};

/*
 * Errors: AP_E_INPUT naming the text and what is wrong.
 * Source: distribution-spec v1.1 (name, tag), docker reference grammar.
 */
int ap_ref_parse(struct ap_ref *out, const char *text, struct ap_err *err) AP_CHECK;
void ap_ref_release(struct ap_ref *r);
void ap_ref_copy(struct ap_ref *to, const struct ap_ref *from);

/* 1 to 128 letters, digits, '_', '.', '-', not beginning with '.' or '-'. */
bool ap_ref_tag_ok(const char *tag);

/* Is it a file, which holds an image and nothing beside it? */
bool ap_ref_is_archive(const struct ap_ref *r);

/* "host/path", "host/path:tag", "host/path@digest", "oci:DIR@digest"; *out: owned. */
char *ap_ref_name(const struct ap_ref *r);
char *ap_ref_with_tag(const struct ap_ref *r, const char *tag);
char *ap_ref_with_digest(const struct ap_ref *r, const struct ap_digest *d);

/* Make any text a legal last part of a repository path (gcloud's rules first, then what the grammar wants). */
char *ap_ref_sanitise(const char *name);

#endif
