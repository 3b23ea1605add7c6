#include <stdlib.h>
#include <string.h>

#include "attest/attached.h"
#include "attest/bom.h"
#include "attest/provenance.h"
#include "base/fs.h"
#include "cli/cache_use.h"
#include "cli/cmds.h"
#include "cli/inventory_of.h"
#include "cli/render.h"
#include "cli/report.h"
#include "cli/world.h"
#include "pack/remote_inventory.h"

struct inspect_opts {
	struct ap_common_opts common;
	struct ap_registry_opts registry;
	char *platform, *format, *inventory_out, *publish, *report, *cache_dir, *sbom;
	int distributions, provenance;
};

#define AT(field) offsetof(struct inspect_opts, field)

static const struct ap_opt inspect_table[] = {
	{ .name = "platform",
		.kind = AP_OPT_STR,
		.offset = AT(platform),
		.arg = "OS/ARCH",
		.help = "which image of an index (default linux/amd64)" },
	{ .name = "distributions",
		.kind = AP_OPT_FLAG,
		.offset = AT(distributions),
		.help = "read the layers too: what is in each, and how big" },
	{ .name = "report",
		.kind = AP_OPT_STR,
		.offset = AT(report),
		.arg = "FILE",
		.hint = AP_HINT_FILE,
		.help = "read the layers, and write a page of HTML with a picture of the sizes" },
	{ .name = "inventory-out",
		.kind = AP_OPT_STR,
		.offset = AT(inventory_out),
		.arg = "FILE",
		.hint = AP_HINT_FILE,
		.help = "read the layers, and write what the image holds, for --inventory" },
	{ .name = "publish",
		.kind = AP_OPT_STR,
		.offset = AT(publish),
		.arg = "REPOSITORY",
		.help = "read the layers, and put what the image holds there: builds that push there need not read them" },
	{ .name = "sbom",
		.kind = AP_OPT_STR,
		.offset = AT(sbom),
		.arg = "FORMAT",
		.choices = "spdx|cyclonedx",
		.help = "print the bill of materials that is attached, and nothing else" },
	{ .name = "provenance",
		.kind = AP_OPT_FLAG,
		.offset = AT(provenance),
		.help = "print the SLSA provenance that is attached, and nothing else" },
	{ .name = "cache-dir",
		.kind = AP_OPT_STR,
		.offset = AT(cache_dir),
		.arg = "DIR",
		.hint = AP_HINT_DIR,
		.help = "where inventories are kept" },
	{ .name = "format",
		.kind = AP_OPT_STR,
		.offset = AT(format),
		.arg = "FORMAT",
		.choices = "json|yaml|table|value(KEY)|table(KEY)",
		.help = "print as json, yaml, value(KEY) or a table of the layers" },
};

static const struct ap_opt_group groups[] = {
	{ "inspect", inspect_table, AP_LEN(inspect_table), 0 },
	AP_REGISTRY_GROUP(AT(registry)),
	AP_COMMON_GROUP(AT(common)),
};

#define OURS "autopack: " /* begins the history of what we add */

struct inspection {
	struct ap_session *s;
	const struct inspect_opts *o;
	struct ap_source *source;
	struct ap_base image;
	struct ap_inventory *inventory;
	cJSON *out;
};

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
static void describe_base(struct inspection *in)
{
	const cJSON *inner = ap_json_get(in->image.config, "config");
	const cJSON *labels = inner ? ap_json_get(inner, "Labels") : NULL;
	const char *name = labels ? ap_json_str(labels, AP_LABEL_BASE_NAME) : NULL;
	const char *digest = labels ? ap_json_str(labels, AP_LABEL_BASE_DIGEST) : NULL;
	cJSON *base;

	if (!name && !digest)
		return;
	base = ap_json_set_object(in->out, "base");
	ap_json_set_str(base, "name", name);
	ap_json_set_str(base, "digest", digest);
}

static void describe(struct inspection *in, const char *name)
{
	const cJSON *config = in->image.config;
	cJSON *layers;
	const char *os = ap_json_str(config, "os");
	const char *arch = ap_json_str(config, "architecture");
	ap_auto_free char *platform = ap_xasprintf("%s/%s", os ? os : "?", arch ? arch : "?");

	in->out = ap_json_object();
	ap_json_set_str(in->out, "image", name);
	ap_json_set_str(in->out, "digest", in->image.manifest.digest.s);
	if (in->image.index.s[0])
		ap_json_set_str(in->out, "index", in->image.index.s);
	ap_json_set_str(in->out, "mediaType", in->image.manifest.media_type);
	ap_json_set_str(in->out, "platform", platform);
	ap_json_set_str(in->out, "created", ap_json_str(config, "created"));
	if (ap_json_get(config, "config"))
		ap_json_set(in->out, "config", ap_json_dup(ap_json_get(config, "config")));
	describe_base(in);
	layers = ap_json_set_array(in->out, "layers");
	for (size_t i = 0; i < in->image.n_layers; i++) {
		const char *by = created_by(config, i);
		bool ours = by && ap_starts_with(by, OURS);
		const struct ap_descriptor *d = &in->image.layers[i];
		cJSON *one = ap_json_object();

		ap_json_set_str(one, "digest", d->digest.s);
		ap_json_set(one, "size", ap_json_number((double)d->size));
		ap_json_set_str(one, "mediaType", d->media_type);
		ap_json_set_str(one, "createdBy", by);
		ap_json_set_str(one, "origin", ours ? "added" : "base");
		ap_json_set_str(one, "what", ours ? by + strlen(OURS) : by);
		ap_json_push(layers, one);
	}
}

static void add_shares(cJSON *layer, const struct ap_shares *s)
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

static int read_shares(struct inspection *in, struct ap_err *err)
{
	cJSON *layer = ap_json_get(in->out, "layers")->child;

	for (size_t i = 0; i < in->image.n_layers; i++, layer = layer->next) {
		struct ap_shares s = { 0 };
		int rc = ap_shares_of(&s, in->source, &in->image.layers[i], in->inventory, err);

		if (rc == 0)
			add_shares(layer, &s);
		ap_shares_release(&s);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int write_inventory(const struct inspection *in, struct ap_err *err)
{
	struct ap_fs_temp t = AP_FS_TEMP_INIT;
	int rc = ap_fs_temp_open(&t, in->o->inventory_out, 0644, err);

	if (rc == 0)
		rc = ap_inventory_write(t.fd, in->inventory, err);
	if (rc == 0)
		rc = ap_fs_temp_commit(&t, err);
	ap_fs_temp_release(&t);
	return rc < 0 ? ap_err_wrap(err, "--inventory-out") : 0;
}

static int write_report(const struct inspection *in, struct ap_err *err)
{
	ap_auto_buf html = AP_BUF_INIT;

	ap_report_html(&html, in->out);
	if (ap_fs_write(in->o->report, html.p, html.len, 0644, err) < 0)
		return ap_err_wrap(err, "--report");
	return 0;
}

static int publish(struct inspection *in, const char *cache, struct ap_err *err)
{
	struct ap_remote_cache to = { .secret = in->s->env.cache_key };
	AP_CLEANUP(ap_ref_release) struct ap_ref ref = { 0 };
	int rc;

	if (ap_ref_parse(&ref, in->o->publish, err) < 0)
		return -1;
	if (ref.transport != AP_DOCKER)
		return ap_err_set(err, AP_E_USAGE, "want a registry's repository");
	rc = ap_world_sink(&to.sink, &in->s->world, &ref, err);
	for (size_t i = 0; rc == 0 && i < in->image.n_layers; i++)
		rc = ap_remote_inventory_put(&to, cache, &in->image.layers[i], err);
	ap_sink_free(to.sink);
	return rc;
}

static int read_layers(struct inspection *in, struct ap_err *err)
{
	const struct inspect_opts *o = in->o;
	const char *cache = o->cache_dir ? o->cache_dir : ap_env_get(&in->s->env, AP_KEY_CACHE_DIR);
	ap_auto_fd int shared = -1;

	if (!o->inventory_out && !o->publish && !o->report && !o->distributions)
		return 0;
	ap_cache_share(&shared, cache);
	if (ap_inventory_of(&in->inventory, in->source, &in->image, "python3", cache,
		    &in->s->display.progress, err) < 0)
		return -1;
	if (o->inventory_out && write_inventory(in, err) < 0)
		return -1;
	if (o->publish && publish(in, cache, err) < 0)
		return ap_err_wrap(err, "--publish=%s", o->publish);
	if (!o->report && !o->distributions)
		return 0;
	if (read_shares(in, err) < 0)
		return -1;
	return o->report ? write_report(in, err) : 0;
}

/* Not to be able to look is no failure: the image is what was asked for. */
static int add_attached(struct inspection *in, struct ap_err *err)
{
	cJSON *list = NULL;

	if (ap_attached_list(&list, in->source, &in->image.manifest.digest, err) == 0) {
		ap_json_set(in->out, "attached", list);
		return 0;
	}
	if (err->code == AP_E_CANCELLED)
		return -1;
	ap_emit_debug(&in->s->display.progress, AP_STEP_MANIFEST, "%s", err->msg);
	ap_err_clear(err);
	return 0;
}

static int print_attached(const struct inspection *in, struct ap_err *err)
{
	enum ap_bom_format f = AP_BOM_SPDX;
	ap_auto_buf text = AP_BUF_INIT;
	bool bom = in->o->sbom && ap_bom_format_of(&f, in->o->sbom);

	if (ap_attached_get(&text, in->source, &in->image.manifest.digest,
		    bom ? ap_bom_media_type(f) : AP_IN_TOTO_MEDIA_TYPE,
		    bom ? NULL : AP_PROVENANCE_PREDICATE, err) < 0)
		return -1;
	return ap_stdout(text.p, text.len, err);
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

static void add_summary(struct ap_buf *out, const cJSON *j)
{
	static const char *const names[] = { "image", "digest", "index", "platform", "mediaType",
		"created" };
	const cJSON *config = ap_json_get(j, "config");
	const cJSON *entry = config ? ap_json_get(config, "Entrypoint") : NULL;
	const cJSON *layer;
	const cJSON *s;

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
	cJSON_ArrayForEach(layer, ap_json_get(j, "layers"))
	{
		const char *what = ap_json_str(layer, "what");
		ap_auto_buf size = AP_BUF_INIT;

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
	add_attached_lines(out, ap_json_get(j, "attached"));
}

static int inspect(struct inspection *in, const char *name, struct ap_err *err)
{
	const char *platform =
		in->o->platform ? in->o->platform : ap_env_get(&in->s->env, AP_KEY_PLATFORM);
	struct ap_ref ref = { 0 };
	ap_auto_buf out = AP_BUF_INIT;
	int rc;

	if (ap_ref_parse(&ref, name, err) < 0)
		return -1;
	in->s->world.login_host = ref.registry;
	rc = ap_world_source(&in->source, &in->s->world, &ref, err);
	ap_ref_release(&ref);
	if (rc < 0 ||
		ap_base_load(&in->image, in->source, platform ? platform : "linux/amd64", err) < 0)
		return -1;
	if (in->o->sbom || in->o->provenance)
		return print_attached(in, err);
	describe(in, name);
	if (add_attached(in, err) < 0 || read_layers(in, err) < 0)
		return -1;
	if (!in->o->format)
		add_summary(&out, in->out);
	else if (ap_render(&out,
			 ap_starts_with(in->o->format, "table") ? ap_json_get(in->out, "layers")
								: in->out,
			 in->o->format, "digest,size,createdBy", err) < 0)
		return -1;
	ap_display_settle(&in->s->display);
	return ap_stdout(out.p, out.len, err);
}

static int run(struct ap_call *call, struct ap_err *err)
{
	struct inspect_opts *o = call->opts;
	struct ap_session s;
	struct inspection in = { .s = &s, .o = o };
	int rc = ap_session_open(&s, &o->common, &o->registry, NULL, err);

	if (rc == 0 && o->sbom && o->provenance)
		rc = ap_err_set(err, AP_E_USAGE, "--sbom and --provenance: one document at a time");
	if (rc == 0)
		rc = inspect(&in, call->args->v[0], err);
	cJSON_Delete(in.out);
	ap_inventory_free(in.inventory);
	ap_base_release(&in.image);
	ap_source_free(in.source);
	ap_session_close(&s);
	return rc;
}

const struct ap_cmd ap_cmd_inspect = {
	.name = "inspect",
	.summary = "manifest, layers and inventory of an image",
	.description =
		"Shows an image of a registry, an OCI layout or an archive: digest, configuration, layers and what "
		"made them. The layers themselves are read only where a flag asks for what is in them.",
	.example = "autopack inspect us-docker.pkg.dev/PROJECT/REPO/train --report=train.html",
	.groups = groups,
	.n_groups = AP_LEN(groups),
	.opts_size = sizeof(struct inspect_opts),
	.args = { .name = "IMAGE",
		.help = "a registry's image, oci:DIR[:TAG], oci-archive:FILE or docker-archive:FILE",
		.min = 1,
		.max = 1,
		.hint = AP_HINT_FILE },
	.run = run,
};
