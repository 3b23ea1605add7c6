/* A bill of materials as CycloneDX 1.6 JSON.  Source: CycloneDX 1.6 JSON reference. */
#include <string.h>

#include "attest/bom.h"
#include "pack/config.h"

#define SCHEMA "http://cyclonedx.org/schema/bom-1.6.schema.json"

struct cdx {
	const struct ap_bom *bom;
	cJSON *components;
	cJSON *image_needs, *base_needs; /* bom-refs */
};

static cJSON *new_component(const char *type, const char *ref, const char *name,
	const char *version, const struct ap_digest *digest)
{
	cJSON *c = ap_json_object();

	ap_json_set_str(c, "type", type);
	ap_json_set_str(c, "bom-ref", ref);
	ap_json_set_str(c, "name", name);
	ap_json_set_str(c, "version", version);
	if (digest && digest->s[0]) {
		cJSON *hash = ap_json_object();

		ap_json_set_str(hash, "alg", "SHA-256");
		ap_json_set_str(hash, "content", ap_digest_hex(digest));
		ap_json_push(ap_json_set_array(c, "hashes"), hash);
	}
	return c;
}

static void set_property(cJSON *component, const char *name, const char *value)
{
	cJSON *p = ap_json_object();

	ap_json_set_str(p, "name", name);
	ap_json_set_str(p, "value", value);
	ap_json_push(ap_json_set_array(component, "properties"), p);
}

static void set_license(cJSON *component, const struct ap_license *l)
{
	cJSON *one;
	cJSON *inner;

	if (!l->expression && !l->text)
		return;
	one = ap_json_object();
	if (l->expression) {
		ap_json_set_str(one, "expression", l->expression);
	} else {
		inner = ap_json_set_object(one, "license");
		ap_json_set_str(inner, "name", l->text);
	}
	ap_json_push(ap_json_set_array(component, "licenses"), one);
}

static void set_origin(cJSON *component, const char *url)
{
	cJSON *one;

	if (!url)
		return;
	one = ap_json_object();
	ap_json_set_str(one, "type", "distribution");
	ap_json_set_str(one, "url", url);
	ap_json_push(ap_json_set_array(component, "externalReferences"), one);
}

static void add_dists(struct cdx *c)
{
	for (size_t i = 0; i < c->bom->n_dists; i++) {
		const struct ap_bom_dist *d = &c->bom->dists[i];
		const struct ap_locked *l = d->locked;
		ap_auto_buf purl = AP_BUF_INIT;
		cJSON *one;

		ap_purl_pypi(&purl, l->name, l->version);
		one = new_component("library", purl.p, l->name, l->version, &l->digest);
		set_license(one, &d->license);
		ap_json_set_str(one, "purl", purl.p);
		set_origin(one, d->url);
		set_property(one, "autopack:layer:digest", c->bom->layers[d->layer].desc.digest.s);
		ap_json_push(c->components, one);
		ap_json_push(c->image_needs, ap_json_string(purl.p));
	}
}

static bool holds_dists(const struct ap_bom *b, size_t layer)
{
	for (size_t i = 0; i < b->n_dists; i++) {
		if (b->dists[i].layer == layer)
			return true;
	}
	return false;
}

/* Layers that are no distributions: code, extra directories. */
static void add_layers(struct cdx *c)
{
	for (size_t i = 0; i < c->bom->n_layers; i++) {
		const struct ap_layer *l = &c->bom->layers[i];
		ap_auto_free char *ref = ap_xasprintf("layer:%zu", i + 1);
		cJSON *one;

		if (holds_dists(c->bom, i))
			continue;
		one = new_component("file", ref, l->title, NULL, &l->desc.digest);
		set_property(one, "autopack:layer:digest", l->desc.digest.s);
		ap_json_push(c->components, one);
		ap_json_push(c->image_needs, ap_json_string(ref));
	}
}

static void add_base(struct cdx *c, const char *ref)
{
	const struct ap_bom *b = c->bom;
	ap_auto_buf purl = AP_BUF_INIT;
	cJSON *one = new_component("container", ref, b->base_name ? b->base_name : "executor image",
		b->base_digest.s, &b->base_digest);

	if (b->base_name) {
		ap_purl_oci(&purl, b->base_name, &b->base_digest, NULL);
		ap_json_set_str(one, "purl", purl.p);
	}
	ap_json_push(c->components, one);
	ap_json_push(c->image_needs, ap_json_string(ref));
	for (size_t i = 0; i < b->n_base_dists; i++) {
		const struct ap_dist *d = b->base_dists[i];
		ap_auto_free char *own = ap_xasprintf("executor:%zu", i + 1);
		ap_auto_buf dist = AP_BUF_INIT;

		ap_purl_pypi(&dist, d->normalized, d->version);
		one = new_component("library", own, d->name, d->version, NULL);
		ap_json_set_str(one, "purl", dist.p);
		ap_json_push(c->components, one);
		ap_json_push(c->base_needs, ap_json_string(own));
	}
}

static void add_metadata(cJSON *j, const struct ap_bom *b, const char *ref)
{
	cJSON *m = ap_json_set_object(j, "metadata");
	cJSON *tool = ap_json_object();
	cJSON *image = new_component("container", ref, b->name, b->digest.s, &b->digest);
	ap_auto_buf created = AP_BUF_INIT;

	ap_time_rfc3339(&created, b->epoch);
	ap_json_set_str(m, "timestamp", created.p);
	ap_json_set_str(tool, "type", "application");
	ap_json_set_str(tool, "name", "autopack");
	ap_json_set_str(tool, "version", AP_VERSION);
	ap_json_push(ap_json_set_array(ap_json_set_object(m, "tools"), "components"), tool);
	ap_json_set_str(image, "purl", ref);
	ap_json_set(m, "component", image);
}

static void add_needs(cJSON *dependencies, const char *ref, cJSON *needs)
{
	cJSON *one = ap_json_object();

	ap_json_set_str(one, "ref", ref);
	ap_json_set(one, "dependsOn", needs);
	ap_json_push(dependencies, one);
}

/* A UUID of version 8 out of the content.  Source: RFC 9562 section 5.8. */
static void set_serial(cJSON *j)
{
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_free char *serial = NULL;
	struct ap_digest d;
	const char *h;

	ap_json_print(&text, j, 0);
	ap_sha256_of(&d, text.p, text.len);
	h = ap_digest_hex(&d);
	serial = ap_xasprintf(
		"urn:uuid:%.8s-%.4s-8%.3s-a%.3s-%.12s", h, h + 8, h + 12, h + 15, h + 18);
	ap_json_set_str(j, "serialNumber", serial);
}

cJSON *ap_bom_cyclonedx(const struct ap_bom *b)
{
	struct cdx c = { .bom = b, .image_needs = ap_json_array(), .base_needs = ap_json_array() };
	cJSON *j = ap_json_object();
	cJSON *dependencies;
	ap_auto_buf image = AP_BUF_INIT;

	ap_purl_oci(&image, b->name, &b->digest, b->platform);
	ap_json_set_str(j, "$schema", SCHEMA);
	ap_json_set_str(j, "bomFormat", "CycloneDX");
	ap_json_set_str(j, "specVersion", "1.6");
	ap_json_set_str(j, "serialNumber", "");
	ap_json_set(j, "version", ap_json_number(1));
	add_metadata(j, b, image.p);
	c.components = ap_json_set_array(j, "components");
	add_dists(&c);
	add_layers(&c);
	add_base(&c, "executor");
	dependencies = ap_json_set_array(j, "dependencies");
	add_needs(dependencies, image.p, c.image_needs);
	add_needs(dependencies, "executor", c.base_needs);
	set_serial(j);
	return j;
}
