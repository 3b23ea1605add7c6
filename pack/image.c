#include "pack/image.h"

#include <stdlib.h>
#include <string.h>

#include "pack/config.h"
#include "pack/media_type.h"

void ap_image_release(struct ap_image *i)
{
	ap_descriptor_release(&i->manifest);
	ap_descriptor_release(&i->config);
	free(i->manifest_json);
	free(i->config_json);
	*i = (struct ap_image){ 0 };
}

static char *print(const cJSON *j, struct ap_descriptor *d, const char *media_type)
{
	ap_auto_buf text = AP_BUF_INIT;

	ap_json_print(&text, j, 0);
	d->media_type = ap_xstrdup(media_type);
	d->size = text.len;
	ap_sha256_of(&d->digest, text.p, text.len);
	return ap_buf_steal(&text);
}

static void push_layer(cJSON *list, const struct ap_descriptor *d, bool docker)
{
	cJSON *j = ap_descriptor_to_json(d);

	if (!docker)
		ap_json_set_str(j, "mediaType", ap_media_type_to_oci(d->media_type));
	ap_json_push(list, j);
}

static int set_annotations(cJSON *manifest, const struct ap_image_opts *o, struct ap_err *err)
{
	const struct ap_strv *from = o->annotations ? o->annotations : o->labels;
	cJSON *all = ap_json_object();

	for (size_t i = 0; from && i < from->n; i++) {
		const char *eq = strchr(from->v[i], '=');
		ap_auto_free char *name = NULL;

		if (!eq || eq == from->v[i]) {
			cJSON_Delete(all);
			return ap_err_set(err, AP_E_INPUT, "annotation \"%.100s\": want NAME=VALUE",
				from->v[i]);
		}
		name = ap_xstrndup(from->v[i], (size_t)(eq - from->v[i]));
		if (o->annotations || ap_starts_with(name, "org.opencontainers.image."))
			ap_json_set_str(all, name, eq + 1);
	}
	if (all->child)
		ap_json_set(manifest, "annotations", all);
	else
		cJSON_Delete(all);
	return 0;
}

/* Schema 2 has no word for zstd; such an image becomes OCI as a whole. */
static bool stays_docker(const struct ap_base *base, const struct ap_layer *layers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!ap_media_type_docker(layers[i].desc.media_type))
			return false;
	}
	return base->docker;
}

int ap_image_assemble(struct ap_image *out, const struct ap_base *base,
	const struct ap_layer *layers, size_t n_layers, const struct ap_image_opts *o,
	struct ap_err *err)
{
	AP_CLEANUP(ap_image_release)
	struct ap_image i = { .base = base, .layers = layers, .n_layers = n_layers };
	bool docker = !o->oci && stays_docker(base, layers, n_layers);
	const char *type = docker ? AP_MT_DOCKER_IMAGE : AP_MT_OCI_MANIFEST;
	ap_auto_json config = NULL;
	ap_auto_json manifest = ap_json_object();
	cJSON *list;

	if (base->n_layers + n_layers > AP_LAYERS_MAX)
		return ap_err_set(err, AP_E_LIMIT,
			"%zu layers of the base and %zu new ones: at most %d in all",
			base->n_layers, n_layers, AP_LAYERS_MAX);
	if (ap_config_make(&config, base, layers, n_layers, o, err) < 0)
		return -1;
	i.config_json = print(config, &i.config, docker ? AP_MT_DOCKER_CONFIG : AP_MT_OCI_CONFIG);
	ap_json_set(manifest, "schemaVersion", ap_json_number(2));
	ap_json_set_str(manifest, "mediaType", type);
	ap_json_set(manifest, "config", ap_descriptor_to_json(&i.config));
	list = ap_json_set_array(manifest, "layers");
	for (size_t k = 0; k < base->n_layers; k++)
		push_layer(list, &base->layers[k], docker);
	for (size_t k = 0; k < n_layers; k++)
		push_layer(list, &layers[k].desc, docker);
	if (!docker && set_annotations(manifest, o, err) < 0)
		return -1;
	i.manifest_json = print(manifest, &i.manifest, type);
	*out = i;
	i = (struct ap_image){ 0 };
	return 0;
}
