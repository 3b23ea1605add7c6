#include "pack/base.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pack/media_type.h"

void ap_base_release(struct ap_base *b)
{
	ap_ref_release(&b->ref);
	ap_descriptor_release(&b->manifest);
	cJSON_Delete(b->manifest_json);
	cJSON_Delete(b->config);
	for (size_t i = 0; i < b->n_layers; i++)
		ap_descriptor_release(&b->layers[i]);
	free(b->layers);
	*b = (struct ap_base){ 0 };
}

const char *ap_base_env(const struct ap_base *b, const char *name)
{
	const cJSON *env = ap_json_get(ap_json_get(b->config, "config"), "Env");
	size_t n = strlen(name);
	const char *found = NULL;

	for (const cJSON *e = env ? env->child : NULL; e; e = e->next) {
		if (cJSON_IsString(e) && strncmp(e->valuestring, name, n) == 0 &&
			e->valuestring[n] == '=')
			found = e->valuestring + n + 1;
	}
	return found;
}

bool ap_base_has_onbuild(const struct ap_base *b)
{
	const cJSON *list = ap_json_get(ap_json_get(b->config, "config"), "OnBuild");

	return cJSON_IsArray(list) && list->child;
}

/* os/architecture[/variant]; variants that say nothing are dropped. */
struct platform {
	struct ap_str os, arch, variant;
};

static bool str_same(struct ap_str a, struct ap_str b)
{
	return a.n == b.n && (!a.n || memcmp(a.p, b.p, a.n) == 0);
}

static void normalize(struct platform *p)
{
	if ((ap_str_eq(p->arch, "arm64") && ap_str_eq(p->variant, "v8")) ||
		(ap_str_eq(p->arch, "amd64") && ap_str_eq(p->variant, "v1")))
		p->variant = ap_str("");
	if (ap_str_eq(p->arch, "arm") && !p->variant.n)
		p->variant = ap_str("v7");
}

static int parse_platform(struct platform *out, const char *text, struct ap_err *err)
{
	struct ap_str rest = ap_str(text);
	struct ap_str none = ap_str("");

	*out = (struct platform){ none, none, none };
	if (!ap_str_next(&rest, '/', &out->os) || !out->os.n ||
		!ap_str_next(&rest, '/', &out->arch) || !out->arch.n ||
		(ap_str_next(&rest, '/', &out->variant) && ap_str_next(&rest, '/', &none)))
		return ap_err_set(err, AP_E_INPUT,
			"platform \"%s\": want OS/ARCHITECTURE[/VARIANT], as in linux/amd64", text);
	normalize(out);
	return 0;
}

int ap_platform_check(const char *platform, struct ap_err *err)
{
	static const char *const known[] = { "amd64", "arm64", "arm", "386", "ppc64le", "s390x",
		"riscv64", "mips64le", "loong64" };
	struct platform p;
	ap_auto_free char *arch = NULL;
	const char *near;

	if (parse_platform(&p, platform, err) < 0)
		return -1;
	arch = ap_xstrndup(p.arch.p, p.arch.n);
	for (size_t i = 0; i < AP_LEN(known); i++)
		if (strcmp(arch, known[i]) == 0 && ap_str_eq(p.os, "linux"))
			return 0;
	near = strcmp(arch, "x86_64") == 0    ? "amd64"
	       : strcmp(arch, "aarch64") == 0 ? "arm64"
					      : ap_did_you_mean(arch, known, AP_LEN(known));
	return ap_err_set(err, AP_E_INPUT, "no images are made for \"%s\"; did you mean linux/%s?",
		platform, near ? near : "amd64");
}

static struct ap_str member(const cJSON *j, const char *name)
{
	const char *s = ap_json_str(j, name);

	return ap_str(s ? s : "");
}

/* Of an index entry's "platform" or of a configuration: the members have the same names. */
static struct platform platform_of(const cJSON *j)
{
	struct platform p = { member(j, "os"), member(j, "architecture"), member(j, "variant") };

	normalize(&p);
	return p;
}

static void add_platform(struct ap_buf *b, const struct platform *p)
{
	ap_buf_adds(b, b->len ? ", " : "");
	ap_buf_add_printable(b, p->os.p, AP_MIN(p->os.n, (size_t)32));
	ap_buf_addc(b, '/');
	ap_buf_add_printable(b, p->arch.p, AP_MIN(p->arch.n, (size_t)32));
	if (p->variant.n) {
		ap_buf_addc(b, '/');
		ap_buf_add_printable(b, p->variant.p, AP_MIN(p->variant.n, (size_t)32));
	}
}

/* 2: the very platform; 1: it says no variant, or we did not ask for one; 0: another. */
static int fits(const struct platform *want, const struct platform *found)
{
	if (!str_same(want->os, found->os) || !str_same(want->arch, found->arch))
		return 0;
	if (str_same(want->variant, found->variant))
		return 2;
	return !found->variant.n && want->variant.n ? 1 : 0;
}

int ap_index_choose(
	struct ap_descriptor *out, const cJSON *index, const char *platform, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor best = { 0 };
	const cJSON *list = ap_json_get(index, "manifests");
	ap_auto_buf has = AP_BUF_INIT;
	struct platform want;
	int best_fit = 0;
	size_t n = 0;

	if (parse_platform(&want, platform, err) < 0)
		return -1;
	for (const cJSON *j = list ? list->child : NULL; j; j = j->next) {
		AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
		enum ap_mt_kind kind;
		struct platform p;
		int fit;

		if (ap_descriptor_from_json(&d, j, err) < 0)
			return ap_err_wrap(err, "index");
		kind = ap_media_type_kind(d.media_type);
		p = platform_of(d.platform);
		/* Attestations are listed as images of an unknown platform. */
		if ((kind != AP_MT_MANIFEST && kind != AP_MT_INDEX) || ap_str_eq(p.os, "unknown"))
			continue;
		if (d.platform && n++ < 20)
			add_platform(&has, &p);
		fit = d.platform ? fits(&want, &p) : 1;
		if (fit <= best_fit)
			continue;
		best_fit = fit;
		ap_descriptor_release(&best);
		best = d;
		d = (struct ap_descriptor){ 0 };
	}
	if (!best_fit)
		return ap_err_set(err, AP_E_UNSUPPORTED, "no %s in the index, it has %s", platform,
			has.len ? has.p : "no image");
	*out = best;
	best = (struct ap_descriptor){ 0 };
	return 0;
}

/* A document says what it is by its members too; they must not say two things. */
static int kind_of_members(const cJSON *j, int *kind, struct ap_err *err)
{
	bool index = cJSON_GetObjectItemCaseSensitive(j, "manifests") != NULL;
	bool image = cJSON_GetObjectItemCaseSensitive(j, "config") ||
		     cJSON_GetObjectItemCaseSensitive(j, "layers");

	if (cJSON_GetObjectItemCaseSensitive(j, "fsLayers") ||
		cJSON_GetObjectItemCaseSensitive(j, "history")) {
		if (index || image)
			return ap_err_set(err, AP_E_PROTO,
				"a document with the members of two kinds of manifest");
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"a manifest of schema 1; push the image again with a current tool");
	}
	if (index && image)
		return ap_err_set(
			err, AP_E_PROTO, "a document with the members of an image and of an index");
	if (!index && !image)
		return ap_err_set(err, AP_E_PROTO,
			"neither an image (\"config\", \"layers\") nor an index (\"manifests\")");
	*kind = index ? AP_MT_INDEX : AP_MT_MANIFEST;
	return 0;
}

static int check_said(const char *said, const char *who, int kind, struct ap_err *err)
{
	enum ap_mt_kind k;

	/* Registries without a better idea say one of these. */
	if (!said || !*said || ap_media_type_eq(said, "application/json") ||
		ap_media_type_eq(said, "application/octet-stream"))
		return 0;
	k = ap_media_type_kind(said);
	if (k == AP_MT_SCHEMA1)
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"a manifest of schema 1 (%s); push the image again with a current tool",
			said);
	if (k == AP_MT_UNKNOWN)
		return ap_err_set(
			err, AP_E_UNSUPPORTED, "%s \"%.100s\" is no image or index", who, said);
	if ((int)k != kind)
		return ap_err_set(err, AP_E_PROTO, "%s is \"%.100s\", but the document is an %s",
			who, said, kind == AP_MT_INDEX ? "index" : "image");
	return 0;
}

int ap_manifest_parse(
	cJSON **out, int *kind, const char *media_type, const void *p, size_t n, struct ap_err *err)
{
	ap_auto_json j = NULL;
	const cJSON *inner;
	uint64_t version;
	int k;

	if (n > AP_MANIFEST_MAX)
		return ap_err_set(
			err, AP_E_LIMIT, "a manifest of more than %u bytes", AP_MANIFEST_MAX);
	if (ap_json_parse(&j, p, n, err) < 0)
		return -1;
	if (!cJSON_IsObject(j))
		return ap_err_set(err, AP_E_PROTO, "want an object, found %s", ap_json_type(j));
	if (kind_of_members(j, &k, err) < 0 || check_said(media_type, "media type", k, err) < 0)
		return -1;
	inner = ap_json_get(j, "mediaType");
	if (inner && !cJSON_IsString(inner))
		return ap_err_set(err, AP_E_PROTO, "\"mediaType\": want a string, found %s",
			ap_json_type(inner));
	if (inner && check_said(inner->valuestring, "\"mediaType\"", k, err) < 0)
		return -1;
	if (inner && ap_media_type_kind(media_type) != AP_MT_UNKNOWN &&
		!ap_media_type_eq(media_type, inner->valuestring))
		return ap_err_set(err, AP_E_PROTO,
			"media type \"%.100s\", but \"mediaType\" \"%.100s\"", media_type,
			inner->valuestring);
	if (ap_json_need_u64(&version, j, "schemaVersion", err) < 0)
		return -1;
	if (version != 2)
		return ap_err_set(
			err, AP_E_UNSUPPORTED, "schemaVersion %" PRIu64 ", want 2", version);
	*kind = k;
	*out = AP_STEAL(j);
	return 0;
}

/* Read a document that `want` (may be NULL) describes. */
static int get_document(struct ap_source *src, const struct ap_descriptor *want,
	struct ap_descriptor *desc, cJSON **out, int *kind, struct ap_err *err)
{
	ap_auto_buf body = AP_BUF_MAX(AP_MANIFEST_MAX);
	struct ap_digest found;

	if (src->ops->get_manifest(src, want ? want->digest.s : NULL, desc, &body, err) < 0 ||
		ap_buf_check(&body, "manifest", err) < 0)
		return -1;
	/* Sources verify too; what we build on is not taken on trust. */
	ap_sha256_of(&found, body.p, body.len);
	if (!ap_digest_eq(&found, want ? &want->digest : &desc->digest))
		return ap_err_set(err, AP_E_DIGEST, "manifest: want %s, found %s",
			want ? want->digest.s : desc->digest.s, found.s);
	if (want && want->size != body.len)
		return ap_err_set(err, AP_E_DIGEST,
			"manifest %s: want %" PRIu64 " bytes, found %zu", found.s, want->size,
			body.len);
	if (want && desc->media_type && ap_media_type_kind(desc->media_type) != AP_MT_UNKNOWN &&
		!ap_media_type_eq(desc->media_type, want->media_type))
		return ap_err_set(err, AP_E_PROTO,
			"manifest %s: the index says \"%.100s\", the store \"%.100s\"", found.s,
			want->media_type, desc->media_type);
	return ap_manifest_parse(
		out, kind, want ? want->media_type : desc->media_type, body.p, body.len, err);
}

/* The media type that the descriptor of an image should carry. */
static void set_type(struct ap_descriptor *d, const cJSON *manifest)
{
	const char *inner = ap_json_str(manifest, "mediaType");
	const char *config = ap_json_str(ap_json_get(manifest, "config"), "mediaType");

	if (!inner && ap_media_type_kind(d->media_type) == AP_MT_MANIFEST)
		return;
	if (!inner)
		inner = ap_media_type_docker(config) ? AP_MT_DOCKER_IMAGE : AP_MT_OCI_MANIFEST;
	if (d->media_type && strcmp(d->media_type, inner) == 0)
		return;
	inner = ap_xstrdup(inner);
	free(d->media_type);
	d->media_type = (char *)(uintptr_t)inner;
}

static int find_image(
	struct ap_base *b, struct ap_source *src, const char *platform, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor want = { 0 };
	bool known = false;

	for (int depth = 0; depth < AP_INDEX_DEPTH; depth++) {
		ap_auto_json j = NULL;
		int kind;

		ap_descriptor_release(&b->manifest);
		if (get_document(src, known ? &want : NULL, &b->manifest, &j, &kind, err) < 0)
			return -1;
		if (kind == AP_MT_MANIFEST) {
			set_type(&b->manifest, j);
			b->manifest_json = AP_STEAL(j);
			return 0;
		}
		if (!known)
			b->index = b->manifest.digest;
		ap_descriptor_release(&want);
		if (ap_index_choose(&want, j, platform, err) < 0)
			return -1;
		known = true;
	}
	return ap_err_set(err, AP_E_LIMIT, "indexes nested deeper than %d", AP_INDEX_DEPTH);
}

static int read_layers(struct ap_base *b, struct ap_err *err)
{
	const cJSON *list = ap_json_get(b->manifest_json, "layers");

	if (!cJSON_IsArray(list))
		return ap_err_set(
			err, AP_E_PROTO, "\"layers\": want an array, found %s", ap_json_type(list));
	b->layers = ap_xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof(*b->layers));
	for (const cJSON *j = list->child; j; j = j->next) {
		struct ap_descriptor *d = &b->layers[b->n_layers];

		if (ap_descriptor_from_json(d, j, err) < 0)
			return ap_err_wrap(err, "layer %zu", b->n_layers);
		b->n_layers++;
		if (ap_media_type_kind(d->media_type) != AP_MT_LAYER)
			return ap_err_set(err, AP_E_UNSUPPORTED,
				"layer %s has the media type \"%.100s\", which is no file system layer",
				d->digest.s, d->media_type);
	}
	return 0;
}

static int read_config(struct ap_base *b, struct ap_source *src, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	ap_auto_buf body = AP_BUF_MAX(AP_MANIFEST_MAX);
	ap_auto_reader inner = NULL;
	ap_auto_reader r = NULL;

	if (ap_descriptor_from_json(&d, ap_json_get(b->manifest_json, "config"), err) < 0)
		return ap_err_wrap(err, "config");
	if (ap_media_type_kind(d.media_type) != AP_MT_CONFIG)
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"not a runnable image: its configuration is \"%.100s\"", d.media_type);
	if (d.size > AP_MANIFEST_MAX)
		return ap_err_set(err, AP_E_LIMIT, "config: %" PRIu64 " bytes, at most %u", d.size,
			AP_MANIFEST_MAX);
	if (src->ops->open_blob(src, &d, &inner, err) < 0)
		return ap_err_wrap(err, "config");
	ap_verify_reader(&r, AP_STEAL(inner), &d.digest, d.size);
	if (ap_read_all(r, &body, err) < 0 || ap_json_parse(&b->config, body.p, body.len, err) < 0)
		return ap_err_wrap(err, "config");
	b->docker = ap_media_type_docker(b->manifest.media_type);
	if (ap_media_type_docker(d.media_type) != b->docker)
		return ap_err_set(err, AP_E_PROTO,
			"the manifest is \"%.100s\", but its configuration \"%.100s\"",
			b->manifest.media_type, d.media_type);
	return 0;
}

/* The members that the new image is built on. */
static int check_config(const struct ap_base *b, struct ap_err *err)
{
	static const struct {
		const char *name, *type;
	} inner[] = { { "Env", "array" }, { "Labels", "object" } };
	const cJSON *rootfs = ap_json_get(b->config, "rootfs");
	const cJSON *ids = ap_json_get(rootfs, "diff_ids");
	const cJSON *config = ap_json_get(b->config, "config");
	const cJSON *history = ap_json_get(b->config, "history");
	struct ap_digest d;
	size_t n = 0;

	if (!cJSON_IsObject(b->config))
		return ap_err_set(
			err, AP_E_PROTO, "want an object, found %s", ap_json_type(b->config));
	if (!cJSON_IsArray(ids) || !ap_streq(ap_json_str(rootfs, "type"), "layers"))
		return ap_err_set(err, AP_E_PROTO,
			"\"rootfs\": want type \"layers\" and an array \"diff_ids\"");
	for (const cJSON *i = ids->child; i; i = i->next, n++) {
		if (!cJSON_IsString(i))
			return ap_err_set(err, AP_E_PROTO, "\"diff_ids\": want strings, found %s",
				ap_json_type(i));
		if (ap_digest_parse(&d, i->valuestring, err) < 0)
			return ap_err_wrap(err, "\"diff_ids\"");
	}
	if (n != b->n_layers)
		return ap_err_set(err, AP_E_PROTO,
			"%zu \"diff_ids\", but the manifest has %zu layers", n, b->n_layers);
	if (config && !cJSON_IsObject(config))
		return ap_err_set(err, AP_E_PROTO, "\"config\": want an object, found %s",
			ap_json_type(config));
	if (history && !cJSON_IsArray(history))
		return ap_err_set(err, AP_E_PROTO, "\"history\": want an array, found %s",
			ap_json_type(history));
	for (size_t i = 0; i < AP_LEN(inner); i++) {
		const cJSON *m = ap_json_get(config, inner[i].name);

		if (m && strcmp(ap_json_type(m), inner[i].type) != 0)
			return ap_err_set(err, AP_E_PROTO, "\"%s\": want an %s, found %s",
				inner[i].name, inner[i].type, ap_json_type(m));
		for (const cJSON *c = m ? m->child : NULL; c; c = c->next) {
			if (!cJSON_IsString(c))
				return ap_err_set(err, AP_E_PROTO, "\"%s\": want strings, found %s",
					inner[i].name, ap_json_type(c));
		}
	}
	return 0;
}

static int check_platform(const struct ap_base *b, const char *platform, struct ap_err *err)
{
	ap_auto_buf is = AP_BUF_INIT;
	struct platform want;
	struct platform found = platform_of(b->config);

	if (parse_platform(&want, platform, err) < 0)
		return -1;
	/* An index that lists the image under a variant is more exact than the image. */
	if (fits(&want, &found) ||
		(b->index.s[0] && str_same(want.os, found.os) && str_same(want.arch, found.arch)))
		return 0;
	add_platform(&is, &found);
	return ap_err_set(
		err, AP_E_UNSUPPORTED, "the image is for %s, wanted is %s", is.p, platform);
}

/* Say which image, where a store has not said it already. */
static int named(struct ap_err *err, const char *name)
{
	return strstr(err->msg, name) ? -1 : ap_err_wrap(err, "%s", name);
}

int ap_base_load(
	struct ap_base *out, struct ap_source *src, const char *platform, struct ap_err *err)
{
	AP_CLEANUP(ap_base_release) struct ap_base b = { 0 };
	ap_auto_free char *name = ap_ref_name(&src->ref);

	ap_ref_copy(&b.ref, &src->ref);
	if (find_image(&b, src, platform, err) < 0 || read_layers(&b, err) < 0 ||
		read_config(&b, src, err) < 0)
		return named(err, name);
	if (check_config(&b, err) < 0)
		return ap_err_wrap(err, "%s: config", name);
	if (check_platform(&b, platform, err) < 0)
		return named(err, name);
	*out = b;
	b = (struct ap_base){ 0 };
	return 0;
}
