/*
 * The media types of images: which document or layer a string stands for, in
 * the OCI and in the Docker family.  Parameters behind ';' do not count.
 */
#ifndef AP_PACK_MEDIA_TYPE_H
#define AP_PACK_MEDIA_TYPE_H

#include "base/compiler.h"

#define AP_MT_OCI_INDEX     "application/vnd.oci.image.index.v1+json"
#define AP_MT_OCI_MANIFEST  "application/vnd.oci.image.manifest.v1+json"
#define AP_MT_OCI_CONFIG    "application/vnd.oci.image.config.v1+json"
#define AP_MT_OCI_TAR       "application/vnd.oci.image.layer.v1.tar"
#define AP_MT_OCI_TAR_GZIP  "application/vnd.oci.image.layer.v1.tar+gzip"
#define AP_MT_OCI_TAR_ZSTD  "application/vnd.oci.image.layer.v1.tar+zstd"
#define AP_MT_DOCKER_INDEX  "application/vnd.docker.distribution.manifest.list.v2+json"
#define AP_MT_DOCKER_IMAGE  "application/vnd.docker.distribution.manifest.v2+json"
#define AP_MT_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define AP_MT_DOCKER_TAR    "application/vnd.docker.image.rootfs.diff.tar"
#define AP_MT_DOCKER_GZIP   "application/vnd.docker.image.rootfs.diff.tar.gzip"
#define AP_MT_DOCKER_ZSTD   "application/vnd.docker.image.rootfs.diff.tar.zstd"

/* What a media type says its bytes are. */
enum ap_mt_kind {
	AP_MT_UNKNOWN,
	AP_MT_INDEX,
	AP_MT_MANIFEST,
	AP_MT_CONFIG,
	AP_MT_LAYER,
	AP_MT_SCHEMA1, /* manifests that carry no configuration: refused everywhere */
};

enum ap_mt_kind ap_media_type_kind(const char *mt);

/* Is it of the Docker family (schema 2)? */
bool ap_media_type_docker(const char *mt);

/* A layer that its publisher wants fetched elsewhere: neither read nor pushed. */
bool ap_media_type_foreign(const char *mt);

/* The same layer or configuration in the OCI family, or NULL when there is none.  borrowed. */
const char *ap_media_type_to_oci(const char *mt);

/* Equal but for parameters and letter case. */
bool ap_media_type_eq(const char *a, const char *b);

#endif
