#include "attest/bom.h"

#include <stdlib.h>
#include <string.h>

#include "base/url.h"

static const struct {
	const char *word, *media_type, *predicate;
	cJSON *(*print)(const struct ap_bom *b);
} formats[AP_BOM_FORMATS] = {
	[AP_BOM_SPDX] = { "spdx", "application/spdx+json", "https://spdx.dev/Document",
		ap_bom_spdx },
	[AP_BOM_CYCLONEDX] = { "cyclonedx", "application/vnd.cyclonedx+json",
		"https://cyclonedx.org/bom", ap_bom_cyclonedx },
};

const char *ap_bom_word(enum ap_bom_format f)
{
	return formats[f].word;
}

const char *ap_bom_media_type(enum ap_bom_format f)
{
	return formats[f].media_type;
}

const char *ap_bom_predicate(enum ap_bom_format f)
{
	return formats[f].predicate;
}

bool ap_bom_format_of(enum ap_bom_format *out, const char *word)
{
	for (size_t i = 0; i < AP_BOM_FORMATS; i++) {
		if (ap_streq(word, formats[i].word)) {
			*out = (enum ap_bom_format)i;
			return true;
		}
	}
	return false;
}

cJSON *ap_bom_document(const struct ap_bom *b, enum ap_bom_format format)
{
	return formats[format].print(b);
}

/* A path of this machine is nobody's business: its last part is enough. */
char *ap_attest_name(const struct ap_ref *dest)
{
	const char *slash;

	if (dest->transport == AP_DOCKER) {
		struct ap_ref bare = *dest;

		bare.tag = NULL;
		bare.digest.s[0] = '\0';
		return ap_ref_name(&bare);
	}
	slash = strrchr(dest->path, '/');
	return ap_ref_sanitise(slash && slash[1] ? slash + 1 : dest->path);
}

/* Escaped, but for the '/' between parts. */
static void add_escaped(struct ap_buf *out, const char *s)
{
	struct ap_str rest = ap_str(s);
	struct ap_str part;
	bool first = true;

	while (ap_str_next(&rest, '/', &part)) {
		ap_auto_free char *text = ap_xstrndup(part.p, part.n);

		ap_buf_adds(out, first ? "" : "/");
		ap_url_escape(out, text);
		first = false;
	}
}

void ap_purl_pypi(struct ap_buf *out, const char *normalized, const char *version)
{
	ap_buf_adds(out, "pkg:pypi/");
	ap_url_escape(out, normalized);
	ap_buf_addc(out, '@');
	ap_url_escape(out, version);
}

void ap_purl_oci(
	struct ap_buf *out, const char *name, const struct ap_digest *digest, const char *platform)
{
	const char *slash = strrchr(name, '/');
	const char *arch = platform ? strchr(platform, '/') : NULL;
	const char *sep = "?";

	ap_buf_adds(out, "pkg:oci/");
	ap_url_escape(out, slash ? slash + 1 : name);
	ap_buf_addc(out, '@');
	ap_url_escape(out, digest->s);
	if (arch) {
		ap_buf_adds(out, "?arch=");
		add_escaped(out, arch + 1);
		sep = "&";
	}
	if (slash) {
		ap_buf_addf(out, "%srepository_url=", sep);
		add_escaped(out, name);
	}
}

static bool is_gone(const struct ap_bom_inputs *in, const struct ap_dist *d)
{
	return ap_strv_has(&in->lock->removes, d->normalized) && d->removable;
}

static void add_base(struct ap_bom *b, const struct ap_bom_inputs *in)
{
	const struct ap_inventory *inv = in->inventory;

	b->base_digest = in->base->manifest.digest;
	if (in->base->ref.transport == AP_DOCKER)
		b->base_name = ap_attest_name(&in->base->ref);
	if (!inv)
		return;
	b->base_dists = ap_xcalloc(inv->n_dists + 1, sizeof(*b->base_dists));
	for (size_t i = 0; i < inv->n_dists; i++) {
		if (!is_gone(in, &inv->dists[i]))
			b->base_dists[b->n_base_dists++] = &inv->dists[i];
	}
}

int ap_bom_make(struct ap_bom *out, const struct ap_bom_inputs *in, struct ap_err *err)
{
	struct ap_bom b = {
		.name = ap_attest_name(in->dest),
		.in_registry = in->dest->transport == AP_DOCKER,
		.digest = *in->digest,
		.platform = in->platform,
		.epoch = in->epoch,
		.layers = in->layers,
		.n_layers = in->n_layers,
		.dists = ap_xcalloc(in->lock->n + 1, sizeof(*b.dists)),
	};

	add_base(&b, in);
	for (size_t i = 0; i < in->lock->n; i++) {
		struct ap_bom_dist *d = &b.dists[b.n_dists++];

		d->locked = &in->lock->v[i];
		d->url = d->locked->url ? ap_url_public(d->locked->url) : NULL;
		d->layer = in->layer_of[i];
		if (ap_license_of_wheel(&d->license, in->wheels->v[i], d->locked->filename, err) <
			0) {
			ap_bom_release(&b);
			return -1;
		}
	}
	*out = b;
	return 0;
}

void ap_bom_release(struct ap_bom *b)
{
	for (size_t i = 0; i < b->n_dists; i++) {
		ap_license_release(&b->dists[i].license);
		free(b->dists[i].url);
	}
	free(b->dists);
	free(b->base_dists);
	free(b->base_name);
	free(b->name);
	*b = (struct ap_bom){ 0 };
}
