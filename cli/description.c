#include "cli/description.h"

#include <string.h>

#include "cli/display.h"

#define OURS "autopack: " /* begins the history of what we add */

/* The history entries that made layers, in their order. */
static const char *created_by(const cJSON *config, size_t layer)
{
	const cJSON *h;
	size_t i = 0;

	cJSON_ArrayForEach(h, ap_json_get(config, "history"))
	{
		if (cJSON_IsTrue(ap_json_get(h, "empty_layer")))
			continue;
		if (i++ == layer)
			return ap_json_str(h, "created_by");
	}
	return NULL;
}

/* What the labels say of the executor image that our layers lie on. */
static void add_base(cJSON *out, const struct ap_base *image)
{
	const cJSON *inner = ap_json_get(image->config, "config");
	const cJSON *labels = inner ? ap_json_get(inner, "Labels") : NULL;
	const char *name = labels ? ap_json_str(labels, AP_LABEL_BASE_NAME) : NULL;
	const char *digest = labels ? ap_json_str(labels, AP_LABEL_BASE_DIGEST) : NULL;
	cJSON *base;

	if (!name && !digest)
		return;
	base = ap_json_set_object(out, "base");
	ap_json_set_str(base, "name", name);
	ap_json_set_str(base, "digest", digest);
}

static cJSON *layer_of(const struct ap_base *image, size_t i)
{
	const char *by = created_by(image->config, i);
	bool ours = by && ap_starts_with(by, OURS);
	const struct ap_descriptor *d = &image->layers[i];
	cJSON *one = ap_json_object();

	ap_json_set_str(one, "digest", d->digest.s);
	ap_json_set(one, "size", ap_json_number((double)d->size));
	ap_json_set_str(one, "mediaType", d->media_type);
	ap_json_set_str(one, "createdBy", by);
	ap_json_set_str(one, "origin", ours ? "added" : "base");
	ap_json_set_str(one, "what", ours ? by + strlen(OURS) : by);
	return one;
}

cJSON *ap_description_make(const struct ap_base *image, const char *name)
{
	const cJSON *config = image->config;
	const char *os = ap_json_str(config, "os");
	const char *arch = ap_json_str(config, "architecture");
	ap_auto_free char *platform = ap_xasprintf("%s/%s", os ? os : "?", arch ? arch : "?");
	cJSON *out = ap_json_object();
	cJSON *layers;

	ap_json_set_str(out, "image", name);
	ap_json_set_str(out, "digest", image->manifest.digest.s);
	if (image->index.s[0])
		ap_json_set_str(out, "index", image->index.s);
	ap_json_set_str(out, "mediaType", image->manifest.media_type);
	ap_json_set_str(out, "platform", platform);
	ap_json_set_str(out, "created", ap_json_str(config, "created"));
	if (ap_json_get(config, "config"))
		ap_json_set(out, "config", ap_json_dup(ap_json_get(config, "config")));
	add_base(out, image);
	layers = ap_json_set_array(out, "layers");
	for (size_t i = 0; i < image->n_layers; i++)
		ap_json_push(layers, layer_of(image, i));
	return out;
}

void ap_description_add_shares(cJSON *layer, const struct ap_shares *s)
{
	cJSON *list;

	ap_json_set(layer, "files", ap_json_number((double)s->files));
	ap_json_set(layer, "bytes", ap_json_number((double)s->bytes));
	list = ap_json_set_array(layer, "shares");
	for (size_t i = 0; i < s->n; i++) {
		cJSON *one = ap_json_object();

		ap_json_set_str(one, "name", s->v[i].name);
		ap_json_set(one, "distribution", ap_json_bool(s->v[i].is_dist));
		ap_json_set(one, "files", ap_json_number((double)s->v[i].files));
		ap_json_set(one, "bytes", ap_json_number((double)s->v[i].bytes));
		ap_json_push(list, one);
	}
}

static void add_attached_lines(struct ap_buf *out, const cJSON *list)
{
	const cJSON *e;

	cJSON_ArrayForEach(e, list)
	{
		const char *type = ap_json_str(e, "artifactType");
		const char *predicate = ap_json_str(e, "predicateType");
		const cJSON *n = ap_json_get(e, "signatures");
		ap_auto_buf size = AP_BUF_INIT;

		ap_buf_add_bytes(&size, (uint64_t)ap_json_get(e, "size")->valuedouble);
		ap_buf_addf(out, "attached    %.19s  %8s  ", ap_json_str(e, "digest"), size.p);
		if (type)
			ap_buf_add_printable(out, type, strlen(type));
		if (predicate) {
			ap_buf_addc(out, ' ');
			ap_buf_add_printable(out, predicate, strlen(predicate));
		}
		if (n)
			ap_buf_addf(out, " (%.0f)", n->valuedouble);
		ap_buf_addc(out, '\n');
	}
}

static uint64_t size_of(const cJSON *layer)
{
	return (uint64_t)ap_json_get(layer, "size")->valuedouble;
}

static void add_totals(struct ap_buf *out, const cJSON *j)
{
	const cJSON *base = ap_json_get(j, "base");
	const char *name = base ? ap_json_str(base, "name") : NULL;
	const char *digest = base ? ap_json_str(base, "digest") : NULL;
	uint64_t bytes[2] = { 0 };
	unsigned n[2] = { 0 };
	const cJSON *layer;

	cJSON_ArrayForEach(layer, ap_json_get(j, "layers"))
	{
		bool ours = ap_streq(ap_json_str(layer, "origin"), "added");

		n[ours]++;
		bytes[ours] += size_of(layer);
	}
	if (base) {
		ap_auto_free char *text = ap_xasprintf("%s%s%s", name ? name : "",
			name && digest ? " " : "", digest ? digest : "");

		ap_buf_adds(out, "base        ");
		ap_buf_add_printable(out, text, strlen(text));
		ap_buf_addc(out, '\n');
	}
	ap_buf_addf(out, "layers      %u of the base, ", n[0]);
	ap_buf_add_bytes(out, bytes[0]);
	ap_buf_addf(out, "; %u added, ", n[1]);
	ap_buf_add_bytes(out, bytes[1]);
	ap_buf_addc(out, '\n');
}

static void add_layer(struct ap_buf *out, const cJSON *layer)
{
	const char *what = ap_json_str(layer, "what");
	ap_auto_buf size = AP_BUF_INIT;
	const cJSON *s;

	ap_buf_add_bytes(&size, size_of(layer));
	ap_buf_addf(out, "%-11s %.19s  %9s  ", ap_json_str(layer, "origin"),
		ap_json_str(layer, "digest"), size.p);
	ap_buf_add_printable(out, what ? what : "", what ? AP_MIN(strlen(what), 80) : 0);
	ap_buf_addc(out, '\n');
	cJSON_ArrayForEach(s, ap_json_get(layer, "shares"))
	{
		ap_auto_buf share = AP_BUF_INIT;
		const char *name = ap_json_str(s, "name");

		ap_buf_add_bytes(&share, (uint64_t)ap_json_get(s, "bytes")->valuedouble);
		ap_buf_addf(out, "%42s    ", share.p);
		ap_buf_add_printable(out, name, strlen(name));
		ap_buf_addc(out, '\n');
	}
}

void ap_description_print(struct ap_buf *out, const cJSON *j)
{
	static const char *const names[] = { "image", "digest", "index", "platform", "mediaType",
		"created" };
	const cJSON *config = ap_json_get(j, "config");
	const cJSON *entry = config ? ap_json_get(config, "Entrypoint") : NULL;
	const cJSON *layer;

	for (size_t i = 0; i < AP_LEN(names); i++) {
		const char *v = ap_json_str(j, names[i]);

		if (!v)
			continue;
		ap_buf_addf(out, "%-11s ", names[i]);
		ap_buf_add_printable(out, v, strlen(v));
		ap_buf_addc(out, '\n');
	}
	if (entry) {
		ap_buf_adds(out, "entrypoint  ");
		ap_json_print(out, entry, 0);
		ap_buf_addc(out, '\n');
	}
	add_totals(out, j);
	cJSON_ArrayForEach(layer, ap_json_get(j, "layers")) add_layer(out, layer);
	add_attached_lines(out, ap_json_get(j, "attached"));
}
