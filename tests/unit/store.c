#include "tests/unit/store.h"

#include <stdlib.h>
#include <string.h>

#include "pack/media_type.h"
#include "tests/unit/unit.h"

static struct unit_store *self(struct ap_source *s)
{
	return AP_CONTAINER(s, struct unit_store, source);
}

static int get_manifest(struct ap_source *src, const char *reference, struct ap_descriptor *desc,
	struct ap_buf *body, struct ap_err *err)
{
	struct unit_store *s = self(src);
	size_t i = s->top;

	if (reference) {
		for (i = 0; i < s->n && strcmp(s->v[i].digest.s, reference) != 0; i++)
			;
		if (i == s->n)
			return ap_err_set(err, AP_E_NOT_FOUND, "no %s", reference);
	}
	*desc = (struct ap_descriptor){ .digest = s->v[i].digest, .size = s->v[i].n };
	if (s->v[i].media_type)
		desc->media_type = ap_xstrdup(s->v[i].media_type);
	ap_buf_add(body, s->v[i].p, s->v[i].n);
	return 0;
}

static int open_blob(struct ap_source *src, const struct ap_descriptor *desc,
	struct ap_reader **out, struct ap_err *err)
{
	struct unit_store *s = self(src);

	for (size_t i = 0; i < s->n; i++) {
		if (!ap_digest_eq(&s->v[i].digest, &desc->digest))
			continue;
		__atomic_add_fetch(&s->n_opened, 1, __ATOMIC_RELAXED);
		ap_mem_reader(out, s->v[i].p, s->v[i].n);
		return 0;
	}
	return ap_err_set(err, AP_E_NOT_FOUND, "no %s", desc->digest.s);
}

static void no_free(struct ap_source *s AP_UNUSED)
{
}

static const struct ap_source_ops ops = {
	.name = "unit", .get_manifest = get_manifest, .open_blob = open_blob, .free = no_free
};

void unit_store_init(struct unit_store *s)
{
	struct ap_err err = AP_ERR_INIT;

	*s = (struct unit_store){ .source = { .ops = &ops } };
	assert_ok(ap_ref_parse(&s->source.ref, "reg.example/base:1", &err), &err);
}

void unit_store_release(struct unit_store *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].p);
		free(s->v[i].media_type);
	}
	ap_ref_release(&s->source.ref);
}

const struct ap_digest *unit_store_add(
	struct unit_store *s, const char *media_type, const void *p, size_t n)
{
	size_t i = s->n++;

	assert_true(i < STORE_BLOBS);
	s->v[i].p = ap_xmemdup(p, n);
	s->v[i].n = n;
	s->v[i].media_type = media_type ? ap_xstrdup(media_type) : NULL;
	ap_sha256_of(&s->v[i].digest, p, n);
	return &s->v[i].digest;
}

char *unit_descriptor(const struct unit_store *s, const struct ap_digest *d, const char *media_type)
{
	size_t i = 0;

	while (!ap_digest_eq(&s->v[i].digest, d))
		i++;
	return ap_xasprintf("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}", media_type,
		d->s, s->v[i].n);
}

void unit_store_image(struct unit_store *s, bool docker)
{
	static const char config[] =
		"{\"architecture\":\"amd64\",\"os\":\"linux\",\"container\":\"old\","
		"\"config\":{\"Env\":[\"PATH=/usr/bin\",\"HOME=/root\",\"A=1\"],\"Cmd\":[\"sh\"],"
		"\"User\":\"1000\",\"Labels\":{\"maintainer\":\"x\"},\"WorkingDir\":\"/\"},"
		"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":["
		"\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
		"\"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"]},"
		"\"history\":[{\"created_by\":\"ADD\"},{\"created_by\":\"ENV\",\"empty_layer\":true},"
		"{\"created_by\":\"RUN\"}]}";
	const char *layer = docker ? AP_MT_DOCKER_GZIP : AP_MT_OCI_TAR_GZIP;
	const char *type = docker ? AP_MT_DOCKER_IMAGE : AP_MT_OCI_MANIFEST;
	ap_auto_free char *c =
		unit_descriptor(s, unit_store_add(s, NULL, config, sizeof(config) - 1),
			docker ? AP_MT_DOCKER_CONFIG : AP_MT_OCI_CONFIG);
	ap_auto_free char *a = unit_descriptor(s, unit_store_add(s, NULL, "layer one", 9), layer);
	ap_auto_free char *b = unit_descriptor(s, unit_store_add(s, NULL, "layer two", 9), layer);
	ap_auto_free char *m = ap_xasprintf(
		"{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":%s,\"layers\":[%s,%s]}", type,
		c, a, b);

	s->top = s->n;
	unit_store_add(s, type, m, strlen(m));
}
