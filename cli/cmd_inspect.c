#include <stdlib.h>
#include <string.h>

#include "attest/attached.h"
#include "attest/bom.h"
#include "attest/provenance.h"
#include "base/fs.h"
#include "cli/cache_use.h"
#include "cli/cmds.h"
#include "cli/description.h"
#include "cli/outfile.h"
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
		.hint = AP_HINT_PLATFORM,
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

struct inspection {
	struct ap_session *s;
	const struct inspect_opts *o;
	struct ap_source *source;
	struct ap_base image;
	struct ap_inventory *inventory;
	struct ap_ref publish; /* of --publish */
	cJSON *out;
};

static int read_shares(struct inspection *in, struct ap_err *err)
{
	cJSON *layer = ap_json_get(in->out, "layers")->child;

	for (size_t i = 0; i < in->image.n_layers; i++, layer = layer->next) {
		struct ap_shares s = { 0 };
		int rc = ap_shares_of(&s, in->source, &in->image.layers[i], in->inventory, err);

		if (rc == 0)
			ap_description_add_shares(layer, &s);
		ap_shares_release(&s);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int write_inventory(const struct inspection *in, struct ap_err *err)
{
	struct ap_fs_temp t = AP_FS_TEMP_INIT;
	int rc = ap_fs_temp_open_named(&t, in->o->inventory_out, 0644, err);

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
	return ap_outfile_write("--report", in->o->report, html.p, html.len, err);
}

static int publish(struct inspection *in, const char *cache, struct ap_err *err)
{
	struct ap_remote_cache to = { .secret = in->s->env.cache_key };
	int rc = ap_world_sink(&to.sink, &in->s->world, &in->publish, err);

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
	in->out = ap_description_make(&in->image, name);
	if (add_attached(in, err) < 0 || read_layers(in, err) < 0)
		return -1;
	if (!in->o->format)
		ap_description_print(&out, in->out);
	else if (ap_render(&out,
			 ap_starts_with(in->o->format, "table") ? ap_json_get(in->out, "layers")
								: in->out,
			 in->o->format, "digest,size,createdBy", err) < 0)
		return -1;
	ap_display_settle(&in->s->display);
	return ap_stdout(out.p, out.len, err);
}

/* Where results go is known to be right before layers are read, which may take long. */
static int check_flags(struct inspection *in, struct ap_err *err)
{
	const struct inspect_opts *o = in->o;

	if (o->sbom && o->provenance)
		return ap_err_set(
			err, AP_E_USAGE, "--sbom and --provenance: one document at a time");
	if ((o->report && ap_outfile_check("--report", o->report, err) < 0) ||
		(o->inventory_out &&
			ap_outfile_check("--inventory-out", o->inventory_out, err) < 0))
		return -1;
	if (o->publish && ap_ref_parse(&in->publish, o->publish, err) < 0)
		return ap_err_wrap(err, "--publish=%s", o->publish);
	if (o->publish && in->publish.transport != AP_DOCKER)
		return ap_err_set(
			err, AP_E_USAGE, "--publish=%s: want a registry's repository", o->publish);
	return 0;
}

static int run(struct ap_call *call, struct ap_err *err)
{
	struct inspect_opts *o = call->opts;
	struct ap_session s;
	struct inspection in = { .s = &s, .o = o };
	int rc = ap_session_open(&s, &o->common, &o->registry, NULL, err);

	if (rc == 0)
		rc = check_flags(&in, err);
	if (rc == 0)
		rc = inspect(&in, call->args->v[0], err);
	cJSON_Delete(in.out);
	ap_inventory_free(in.inventory);
	ap_base_release(&in.image);
	ap_ref_release(&in.publish);
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
