#include "pack/archive.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "pack/base.h"
#include "pack/index.h"
#include "pack/media_type.h"
#include "pack/members.h"

#define READ_BLOCK (256u << 10)

/* A blob that no OCI layout names: a docker-archive's configuration or layer. */
struct blob {
	struct ap_digest digest;
	uint64_t size;
	size_t member;
	unsigned char magic[4];
};

struct archive_source {
	struct ap_source base;
	struct ap_members members;
	cJSON *index;  /* index.json, or NULL */
	cJSON *images; /* manifest.json, or NULL */
	struct blob *blobs;
	size_t n_blobs, cap_blobs;
	char *manifest; /* made up for a docker-archive, or NULL */
	struct ap_digest manifest_digest;
};
_Static_assert(offsetof(struct archive_source, base) == 0, "base must come first");

static struct archive_source *self(struct ap_source *s)
{
	return AP_CONTAINER(s, struct archive_source, base);
}

/* The documents that say what is in it. */
static int keep_document(void *ctx, struct ap_reader *r, size_t member, struct ap_err *err)
{
	struct archive_source *s = ctx;
	const char *path = s->members.v[member].path;
	cJSON **to = strcmp(path, "index.json") == 0      ? &s->index
		     : strcmp(path, "manifest.json") == 0 ? &s->images
							  : NULL;
	bool version = strcmp(path, "oci-layout") == 0;
	ap_auto_buf text = AP_BUF_MAX(AP_MANIFEST_MAX);
	ap_auto_json j = NULL;

	if (!to && !version)
		return 0;
	if (to && *to)
		return ap_err_set(err, AP_E_PROTO, "%s: %s occurs twice", s->members.file, path);
	if (ap_read_all(r, &text, err) < 0)
		return err->code == AP_E_LIMIT ? ap_err_wrap(err, "%s: %s", s->members.file, path)
					       : -1;
	if (ap_json_parse(&j, text.p, text.len, err) < 0)
		return ap_err_wrap(err, "%s: %s", s->members.file, path);
	if (version)
		return ap_layout_check_version(j, s->members.file, err);
	*to = AP_STEAL(j);
	return 0;
}

static int no_blob(const struct archive_source *s, const struct ap_digest *d, struct ap_err *err)
{
	return ap_err_set(err, AP_E_NOT_FOUND, "%s: holds no %s", s->base.ref.path, d->s);
}

static int locate(const struct archive_source *s, const struct ap_digest *d, size_t *member,
	uint64_t *size, struct ap_err *err)
{
	ap_auto_free char *path = ap_xasprintf("blobs/sha256/%s", ap_digest_hex(d));
	const struct ap_member *m;

	for (size_t i = 0; i < s->n_blobs; i++) {
		if (!ap_digest_eq(&s->blobs[i].digest, d))
			continue;
		*member = s->blobs[i].member;
		*size = s->blobs[i].size;
		return 0;
	}
	m = ap_members_find(&s->members, path, member);
	if (!m)
		return no_blob(s, d, err);
	*size = m->size;
	return 0;
}

static int source_open_blob(struct ap_source *base, const struct ap_descriptor *desc,
	struct ap_reader **out, struct ap_err *err)
{
	struct archive_source *s = self(base);
	struct ap_reader *r;
	uint64_t size;
	size_t member;

	if (locate(s, &desc->digest, &member, &size, err) < 0)
		return -1;
	if (size != desc->size)
		return ap_err_set(err, AP_E_DIGEST,
			"%s: %s: want %" PRIu64 " bytes, found %" PRIu64, s->base.ref.path,
			desc->digest.s, desc->size, size);
	ap_members_open(&r, &s->members, member);
	ap_verify_reader(out, r, &desc->digest, desc->size);
	return 0;
}

static int read_manifest(struct archive_source *s, const struct ap_digest *d,
	const char *media_type, struct ap_descriptor *desc, struct ap_buf *body, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(AP_MANIFEST_MAX);
	ap_auto_reader r = NULL;
	struct ap_digest found;
	uint64_t size;
	size_t member;

	if (s->manifest && ap_digest_eq(d, &s->manifest_digest)) {
		ap_buf_adds(&text, s->manifest);
		return ap_index_take(desc, body, d, media_type, &text, err);
	}
	if (locate(s, d, &member, &size, err) < 0)
		return -1;
	ap_members_open(&r, &s->members, member);
	if (ap_read_all(r, &text, err) < 0)
		return ap_err_wrap(err, "%s: %s", s->base.ref.path, d->s);
	ap_sha256_of(&found, text.p, text.len);
	if (!ap_digest_eq(&found, d))
		return ap_err_set(
			err, AP_E_DIGEST, "%s: want %s, found %s", s->base.ref.path, d->s, found.s);
	return ap_index_take(desc, body, &found, media_type, &text, err);
}

static int source_get_manifest(struct ap_source *base, const char *reference,
	struct ap_descriptor *desc, struct ap_buf *body, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	struct archive_source *s = self(base);
	struct ap_digest digest;
	const char *r = reference;

	if (!r && base->ref.digest.s[0])
		r = base->ref.digest.s;
	if (r && ap_digest_ok(r)) {
		memcpy(digest.s, r, sizeof(digest.s));
		return read_manifest(s, &digest, NULL, desc, body, err);
	}
	if (s->manifest)
		return read_manifest(s, &s->manifest_digest, NULL, desc, body, err);
	if (ap_index_find(&d, s->index, r ? r : base->ref.tag, err) < 0)
		return ap_err_wrap(err, "%s", base->ref.path);
	return read_manifest(s, &d.digest, d.media_type, desc, body, err);
}

static void source_free(struct ap_source *base)
{
	struct archive_source *s = self(base);

	ap_members_release(&s->members);
	free(s->blobs);
	free(s->manifest);
	cJSON_Delete(s->index);
	cJSON_Delete(s->images);
	free(s);
}

static const struct ap_source_ops source_ops = {
	.name = "archive",
	.get_manifest = source_get_manifest,
	.open_blob = source_open_blob,
	.free = source_free,
};

/* The element of manifest.json that ref means: by name and tag, or the only one. */
static int choose_image(const cJSON **out, const struct archive_source *s, struct ap_err *err)
{
	const struct ap_ref *ref = &s->base.ref;
	ap_auto_free char *want = NULL;
	ap_auto_buf has = AP_BUF_INIT;

	if (!cJSON_IsArray(s->images) || !s->images->child)
		return ap_err_set(
			err, AP_E_PROTO, "%s: manifest.json: want a list of images", ref->path);
	*out = s->images->child;
	if (!ref->repository && !s->images->child->next)
		return 0;
	if (ref->repository)
		want = ap_xasprintf("%s:%s", ref->repository, ref->tag);
	for (const cJSON *i = s->images->child; i; i = i->next) {
		const cJSON *tags = ap_json_get(i, "RepoTags");

		for (const cJSON *t = tags ? tags->child : NULL; t; t = t->next) {
			if (!cJSON_IsString(t))
				continue;
			*out = i;
			if (ap_streq(want, t->valuestring))
				return 0;
			if (has.len < 300)
				ap_buf_addf(&has, "%s%.80s", has.len ? ", " : "", t->valuestring);
		}
	}
	return ap_err_set(err, AP_E_NOT_FOUND, "%s: %s%s; it has %s", ref->path,
		want ? "no image " : "several images, say which one", want ? want : "",
		has.len ? has.p : "images without a name");
}

static int add_blob(
	struct archive_source *s, const cJSON *path, const char *what, struct ap_err *err)
{
	ap_auto_free char *clean = NULL;
	size_t member;

	if (!cJSON_IsString(path))
		return ap_err_set(err, AP_E_PROTO,
			"%s: manifest.json: \"%s\": want a path, found %s", s->base.ref.path, what,
			ap_json_type(path));
	clean = ap_member_path(path->valuestring);
	if (!clean || !ap_members_find(&s->members, clean, &member))
		return ap_err_set(err, AP_E_PROTO,
			"%s: manifest.json: \"%s\" names \"%.200s\", which is not there",
			s->base.ref.path, what, path->valuestring);
	AP_GROW(s->blobs, s->n_blobs, s->cap_blobs);
	s->blobs[s->n_blobs++] = (struct blob){ .member = member };
	return 0;
}

/* Hash what manifest.json names, in the order of the archive: one pass. */
static int hash_member(void *ctx, struct ap_reader *r, size_t member, struct ap_err *err)
{
	struct archive_source *s = ctx;
	struct blob *first = NULL;
	AP_CLEANUP(ap_sha256_release) struct ap_sha256 h = { 0 };
	ap_auto_free char *chunk = NULL;
	size_t got = 1;

	for (size_t i = 0; i < s->n_blobs && !first; i++) {
		if (s->blobs[i].member == member)
			first = &s->blobs[i];
	}
	if (!first)
		return 0;
	chunk = ap_xmalloc(READ_BLOCK);
	ap_sha256_init(&h);
	while (got) {
		if (ap_interrupted())
			return ap_err_set(err, AP_E_CANCELLED, "stopped");
		if (ap_read(r, chunk, READ_BLOCK, &got, err) < 0)
			return -1;
		if (!first->size)
			memcpy(first->magic, chunk, AP_MIN(got, sizeof(first->magic)));
		ap_sha256_update(&h, chunk, got);
		first->size += got;
	}
	ap_sha256_final(&h, &first->digest);
	for (size_t i = 0; i < s->n_blobs; i++) {
		if (s->blobs[i].member == member)
			s->blobs[i] = *first;
	}
	return 0;
}

static const char *layer_type(const struct blob *b)
{
	if (b->magic[0] == 0x1f && b->magic[1] == 0x8b)
		return AP_MT_DOCKER_GZIP;
	if (memcmp(b->magic, "\x28\xb5\x2f\xfd", 4) == 0)
		return AP_MT_DOCKER_ZSTD;
	return AP_MT_DOCKER_TAR;
}

static cJSON *describe(const struct blob *b, const char *media_type)
{
	cJSON *j = ap_json_object();

	ap_json_set_str(j, "mediaType", media_type);
	ap_json_set_str(j, "digest", b->digest.s);
	ap_json_set(j, "size", ap_json_number((double)b->size));
	return j;
}

/* A manifest for an archive that has none: what a registry would have been sent. */
static int make_up_manifest(struct archive_source *s, struct ap_err *err)
{
	ap_auto_json j = ap_json_object();
	ap_auto_buf text = AP_BUF_INIT;
	const cJSON *image = NULL;
	const cJSON *layers;
	cJSON *list;

	if (choose_image(&image, s, err) < 0 ||
		add_blob(s, ap_json_get(image, "Config"), "Config", err) < 0)
		return -1;
	layers = ap_json_get(image, "Layers");
	for (const cJSON *l = layers ? layers->child : NULL; l; l = l->next) {
		if (s->n_blobs > AP_LAYERS_MAX)
			return ap_err_set(err, AP_E_LIMIT, "%s: manifest.json: more than %d layers",
				s->base.ref.path, AP_LAYERS_MAX);
		if (add_blob(s, l, "Layers", err) < 0)
			return -1;
	}
	if (ap_members_each(&s->members, hash_member, s, err) < 0)
		return -1;
	ap_json_set(j, "schemaVersion", ap_json_number(2));
	ap_json_set_str(j, "mediaType", AP_MT_DOCKER_IMAGE);
	ap_json_set(j, "config", describe(&s->blobs[0], AP_MT_DOCKER_CONFIG));
	list = ap_json_set_array(j, "layers");
	for (size_t i = 1; i < s->n_blobs; i++)
		ap_json_push(list, describe(&s->blobs[i], layer_type(&s->blobs[i])));
	ap_json_print(&text, j, 0);
	ap_sha256_of(&s->manifest_digest, text.p, text.len);
	s->manifest = ap_buf_steal(&text);
	return 0;
}

/* The entry of a docker-archive's index that has the wanted name. */
static bool index_has_it(struct archive_source *s)
{
	const struct ap_ref *ref = &s->base.ref;
	const cJSON *list = ap_json_get(s->index, "manifests");
	ap_auto_free char *want = NULL;
	AP_CLEANUP(ap_ref_release) struct ap_ref r = { 0 };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *full = NULL;

	if (!cJSON_IsArray(list) || !list->child)
		return false;
	if (!ref->repository)
		return !list->child->next;
	want = ap_xasprintf("%s:%s", ref->repository, ref->tag);
	if (ap_ref_parse(&r, want, &err) < 0)
		return false;
	full = ap_ref_name(&r);
	for (const cJSON *e = list->child; e; e = e->next) {
		const char *name =
			ap_json_str(ap_json_get(e, "annotations"), "io.containerd.image.name");
		const char *digest = ap_json_str(e, "digest");

		if (ap_streq(name, full) && digest && ap_digest_ok(digest)) {
			memcpy(s->base.ref.digest.s, digest, AP_DIGEST_LEN + 1);
			return true;
		}
	}
	return false;
}

int ap_archive_source(struct ap_source **out, const struct ap_ref *ref, struct ap_err *err)
{
	struct archive_source *s = ap_xcalloc(1, sizeof(*s));
	bool docker = ref->transport == AP_DOCKER_ARCHIVE;
	int rc;

	s->base.ops = &source_ops;
	ap_ref_copy(&s->base.ref, ref);
	rc = ap_members_list(&s->members, s->base.ref.path, keep_document, s, err);
	if (rc == 0 && !docker && !s->index)
		rc = ap_err_set(
			err, AP_E_PROTO, "%s: no index.json: not an oci-archive", ref->path);
	if (rc == 0 && docker && !s->images)
		rc = ap_err_set(
			err, AP_E_PROTO, "%s: no manifest.json: not a docker-archive", ref->path);
	if (rc == 0 && docker && !ref->digest.s[0] && !index_has_it(s))
		rc = make_up_manifest(s, err);
	if (rc < 0) {
		ap_source_free(&s->base);
		return -1;
	}
	*out = &s->base;
	return 0;
}
