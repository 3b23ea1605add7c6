/* A bill of materials as SPDX 2.3 JSON.  Source: SPDX 2.3, clauses 6 to 11. */
#include <string.h>

#include "attest/bom.h"
#include "pack/config.h"

#define DOCUMENT "SPDXRef-DOCUMENT"
#define IMAGE    "SPDXRef-image"
#define BASE     "SPDXRef-base"

struct spdx {
	const struct ap_bom *bom;
	cJSON *packages, *relationships, *licenses;
	struct ap_strv seen; /* licence texts */
};

static void relate(struct spdx *s, const char *from, const char *how, const char *to)
{
	cJSON *one = ap_json_object();

	ap_json_set_str(one, "spdxElementId", from);
	ap_json_set_str(one, "relationshipType", how);
	ap_json_set_str(one, "relatedSpdxElement", to);
	ap_json_push(s->relationships, one);
}

/* Letters, digits, '.' and '-'; where a name has others, its place keeps it unique. */
static char *id_of(const char *kind, const char *name, size_t place)
{
	char *id = ap_xasprintf("SPDXRef-%s-%s", kind, name);
	bool clean = true;

	for (char *c = id; *c; c++) {
		if (ap_is_alnum(*c) || *c == '.' || *c == '-')
			continue;
		*c = '-';
		clean = false;
	}
	if (!clean) {
		char *unique = ap_xasprintf("%s.%zu", id, place);

		ap_free_p(&id);
		return unique;
	}
	return id;
}

/* Every package has the same members in the same order. */
static cJSON *add_package(struct spdx *s, const char *id, const char *name, const char *version,
	const char *download, const struct ap_digest *digest)
{
	cJSON *p = ap_json_object();
	cJSON *sum;

	ap_json_set_str(p, "SPDXID", id);
	ap_json_set_str(p, "name", name);
	ap_json_set_str(p, "versionInfo", version);
	ap_json_set_str(p, "downloadLocation", download ? download : "NOASSERTION");
	ap_json_set(p, "filesAnalyzed", ap_json_bool(false));
	if (digest && digest->s[0]) {
		sum = ap_json_object();
		ap_json_set_str(sum, "algorithm", "SHA256");
		ap_json_set_str(sum, "checksumValue", ap_digest_hex(digest));
		ap_json_push(ap_json_set_array(p, "checksums"), sum);
	}
	ap_json_set_str(p, "licenseConcluded", "NOASSERTION");
	ap_json_set_str(p, "licenseDeclared", "NOASSERTION");
	ap_json_set_str(p, "copyrightText", "NOASSERTION");
	ap_json_push(s->packages, p);
	return p;
}

static void set_purl(cJSON *package, const struct ap_buf *purl)
{
	cJSON *ref = ap_json_object();

	ap_json_set_str(ref, "referenceCategory", "PACKAGE-MANAGER");
	ap_json_set_str(ref, "referenceType", "purl");
	ap_json_set_str(ref, "referenceLocator", purl->p);
	ap_json_push(ap_json_set_array(package, "externalRefs"), ref);
}

/* Words that are no SPDX expression are quoted once, under a name of their own. */
static void set_license(struct spdx *s, cJSON *package, const struct ap_license *l)
{
	bool refers = l->expression && strstr(l->expression, "Ref-");
	const char *text = refers ? l->expression : l->text;
	ap_auto_free char *id = NULL;
	struct ap_digest d;
	cJSON *one;

	if (l->expression && !refers)
		ap_json_set_str(package, "licenseDeclared", l->expression);
	if (!text)
		return;
	ap_sha256_of(&d, text, strlen(text));
	id = ap_xasprintf("LicenseRef-%.16s", ap_digest_hex(&d));
	ap_json_set_str(package, "licenseDeclared", id);
	if (ap_strv_has(&s->seen, text))
		return;
	ap_strv_add(&s->seen, text);
	one = ap_json_object();
	ap_json_set_str(one, "licenseId", id);
	ap_json_set_str(one, "extractedText", text);
	ap_json_set_str(one, "name", "as the distribution's METADATA has it");
	ap_json_push(s->licenses, one);
}

static void add_image(struct spdx *s)
{
	const struct ap_bom *b = s->bom;
	ap_auto_buf purl = AP_BUF_INIT;
	cJSON *p = add_package(s, IMAGE, b->name, b->digest.s, NULL, &b->digest);

	ap_json_set_str(p, "primaryPackagePurpose", "CONTAINER");
	ap_purl_oci(&purl, b->name, &b->digest, b->platform);
	set_purl(p, &purl);
	relate(s, DOCUMENT, "DESCRIBES", IMAGE);
}

static void add_base(struct spdx *s)
{
	const struct ap_bom *b = s->bom;
	ap_auto_buf purl = AP_BUF_INIT;
	cJSON *p = add_package(s, BASE, b->base_name ? b->base_name : "executor image",
		b->base_digest.s, NULL, &b->base_digest);

	ap_json_set_str(p, "primaryPackagePurpose", "CONTAINER");
	if (b->base_name) {
		ap_purl_oci(&purl, b->base_name, &b->base_digest, NULL);
		set_purl(p, &purl);
	}
	relate(s, IMAGE, "DESCENDANT_OF", BASE);
	for (size_t i = 0; i < b->n_base_dists; i++) {
		const struct ap_dist *d = b->base_dists[i];
		ap_auto_free char *id = id_of("base", d->normalized, i);
		ap_auto_buf dist = AP_BUF_INIT;

		ap_purl_pypi(&dist, d->normalized, d->version);
		set_purl(add_package(s, id, d->name, d->version, NULL, NULL), &dist);
		relate(s, BASE, "CONTAINS", id);
	}
}

static void add_layers(struct spdx *s)
{
	for (size_t i = 0; i < s->bom->n_layers; i++) {
		const struct ap_layer *l = &s->bom->layers[i];
		ap_auto_free char *id = ap_xasprintf("SPDXRef-layer-%zu", i + 1);
		cJSON *p = add_package(s, id, l->title, NULL, NULL, &l->desc.digest);

		ap_json_set_str(p, "primaryPackagePurpose", "ARCHIVE");
		relate(s, IMAGE, "CONTAINS", id);
	}
}

static void add_dists(struct spdx *s)
{
	for (size_t i = 0; i < s->bom->n_dists; i++) {
		const struct ap_bom_dist *d = &s->bom->dists[i];
		const struct ap_locked *l = d->locked;
		ap_auto_free char *id = id_of("pypi", l->name, i);
		ap_auto_free char *layer = ap_xasprintf("SPDXRef-layer-%zu", d->layer + 1);
		ap_auto_buf purl = AP_BUF_INIT;
		cJSON *p = add_package(s, id, l->name, l->version, d->url, &l->digest);

		ap_json_set_str(p, "packageFileName", l->filename);
		set_license(s, p, &d->license);
		ap_purl_pypi(&purl, l->name, l->version);
		set_purl(p, &purl);
		ap_json_set_str(p, "primaryPackagePurpose", "LIBRARY");
		relate(s, layer, "CONTAINS", id);
	}
}

static void add_creation(cJSON *j, const struct ap_bom *b)
{
	cJSON *info = ap_json_set_object(j, "creationInfo");
	ap_auto_buf created = AP_BUF_INIT;

	ap_time_rfc3339(&created, b->epoch);
	ap_json_set_str(info, "created", created.p);
	ap_json_push(
		ap_json_set_array(info, "creators"), ap_json_string("Tool: autopack-" AP_VERSION));
}

cJSON *ap_bom_spdx(const struct ap_bom *b)
{
	struct spdx s = { .bom = b };
	cJSON *j = ap_json_object();
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_free char *namespace = NULL;
	struct ap_digest d;

	ap_json_set_str(j, "spdxVersion", "SPDX-2.3");
	ap_json_set_str(j, "dataLicense", "CC0-1.0");
	ap_json_set_str(j, "SPDXID", DOCUMENT);
	ap_json_set_str(j, "name", b->name);
	ap_json_set_str(j, "documentNamespace", "");
	add_creation(j, b);
	s.packages = ap_json_set_array(j, "packages");
	s.licenses = ap_json_array();
	s.relationships = ap_json_set_array(j, "relationships");
	add_image(&s);
	add_layers(&s);
	add_dists(&s);
	add_base(&s);
	if (s.seen.n)
		ap_json_set(j, "hasExtractedLicensingInfos", s.licenses);
	else
		cJSON_Delete(s.licenses);
	ap_strv_release(&s.seen);
	/* Unique because it is the content's. */
	ap_json_print(&text, j, 0);
	ap_sha256_of(&d, text.p, text.len);
	namespace = ap_xasprintf("urn:autopack:spdx:%s", ap_digest_hex(&d));
	ap_json_set_str(j, "documentNamespace", namespace);
	return j;
}
