#include "pack/media_type.h"

#include <string.h>

#include "base/str.h"

static const struct {
	const char *name;
	enum ap_mt_kind kind;
	bool docker, foreign;
	const char *oci;
} table[] = {
	{ AP_MT_OCI_INDEX, AP_MT_INDEX, false, false, NULL },
	{ AP_MT_OCI_MANIFEST, AP_MT_MANIFEST, false, false, NULL },
	{ AP_MT_OCI_CONFIG, AP_MT_CONFIG, false, false, AP_MT_OCI_CONFIG },
	{ AP_MT_OCI_TAR, AP_MT_LAYER, false, false, AP_MT_OCI_TAR },
	{ AP_MT_OCI_TAR_GZIP, AP_MT_LAYER, false, false, AP_MT_OCI_TAR_GZIP },
	{ AP_MT_OCI_TAR_ZSTD, AP_MT_LAYER, false, false, AP_MT_OCI_TAR_ZSTD },
	{ "application/vnd.oci.image.layer.nondistributable.v1.tar", AP_MT_LAYER, false, true,
		"application/vnd.oci.image.layer.nondistributable.v1.tar" },
	{ "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", AP_MT_LAYER, false, true,
		"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip" },
	{ "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", AP_MT_LAYER, false, true,
		"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd" },
	{ AP_MT_DOCKER_INDEX, AP_MT_INDEX, true, false, NULL },
	{ AP_MT_DOCKER_IMAGE, AP_MT_MANIFEST, true, false, NULL },
	{ AP_MT_DOCKER_CONFIG, AP_MT_CONFIG, true, false, AP_MT_OCI_CONFIG },
	{ AP_MT_DOCKER_TAR, AP_MT_LAYER, true, false, AP_MT_OCI_TAR },
	{ AP_MT_DOCKER_GZIP, AP_MT_LAYER, true, false, AP_MT_OCI_TAR_GZIP },
	{ AP_MT_DOCKER_ZSTD, AP_MT_LAYER, true, false, AP_MT_OCI_TAR_ZSTD },
	{ "application/vnd.docker.image.rootfs.foreign.diff.tar", AP_MT_LAYER, true, true,
		"application/vnd.oci.image.layer.nondistributable.v1.tar" },
	{ "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", AP_MT_LAYER, true, true,
		"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip" },
	{ "application/vnd.docker.distribution.manifest.v1+json", AP_MT_SCHEMA1, true, false,
		NULL },
	{ "application/vnd.docker.distribution.manifest.v1+prettyjws", AP_MT_SCHEMA1, true, false,
		NULL },
};

/* The type without its parameters and the blanks around it. */
static struct ap_str essence(const char *mt)
{
	struct ap_str rest = ap_str(mt);
	struct ap_str part = ap_str("");

	(void)ap_str_next(&rest, ';', &part);
	return ap_str_trim(part);
}

static bool same(struct ap_str a, struct ap_str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (ap_lower(a.p[i]) != ap_lower(b.p[i]))
			return false;
	}
	return true;
}

static size_t find(const char *mt)
{
	struct ap_str e = mt ? essence(mt) : ap_str("");
	size_t i = 0;

	while (i < AP_LEN(table) && !same(e, ap_str(table[i].name)))
		i++;
	return i;
}

enum ap_mt_kind ap_media_type_kind(const char *mt)
{
	size_t i = find(mt);

	return i < AP_LEN(table) ? table[i].kind : AP_MT_UNKNOWN;
}

bool ap_media_type_docker(const char *mt)
{
	size_t i = find(mt);

	return i < AP_LEN(table) && table[i].docker;
}

bool ap_media_type_foreign(const char *mt)
{
	size_t i = find(mt);

	return i < AP_LEN(table) && table[i].foreign;
}

const char *ap_media_type_to_oci(const char *mt)
{
	size_t i = find(mt);

	return i < AP_LEN(table) ? table[i].oci : NULL;
}

bool ap_media_type_eq(const char *a, const char *b)
{
	return same(essence(a), essence(b));
}
