#include <stdlib.h>
#include <string.h>

#include "attest/attached.h"
#include "cli/cmds.h"
#include "cli/outfile.h"
#include "cli/summary.h"
#include "cli/world.h"
#include "pack/copy.h"

struct copy_opts {
	char *platform, *digest_file;
	int referrers;
	struct ap_registry_opts registry;
	struct ap_common_opts common;
};

#define AT(field) offsetof(struct copy_opts, field)

static const struct ap_opt copy_table[] = {
	{ .name = "platform",
		.kind = AP_OPT_STR,
		.offset = AT(platform),
		.arg = "OS/ARCH",
		.hint = AP_HINT_PLATFORM,
		.help = "of an index, copy this platform's image only (default: all of it)" },
	{ .name = "digest-file",
		.kind = AP_OPT_STR,
		.offset = AT(digest_file),
		.arg = "FILE",
		.hint = AP_HINT_FILE,
		.help = "write the digest of what was copied to FILE" },
	{ .name = "referrers",
		.kind = AP_OPT_FLAG,
		.offset = AT(referrers),
		.help = "copy what is attached to the image too: bills of materials, provenance, signatures" },
};

static const struct ap_opt_group groups[] = {
	{ "copy", copy_table, AP_LEN(copy_table), 0 },
	AP_REGISTRY_GROUP(AT(registry)),
	AP_COMMON_GROUP(AT(common)),
};

/* The name that the copy gets: its own, else the source's, else docker's "latest". */
static void tags_for(struct ap_strv *tags, const struct ap_ref *from, const struct ap_ref *to)
{
	if (to->tag)
		ap_strv_add(tags, to->tag);
	else if (from->tag && !to->digest.s[0])
		ap_strv_add(tags, from->tag);
	else if (to->transport == AP_DOCKER && !to->digest.s[0])
		ap_strv_add(tags, "latest");
}

static int check_digest(
	const struct ap_ref *to, const struct ap_descriptor *copied, struct ap_err *err)
{
	if (!to->digest.s[0] || ap_digest_eq(&to->digest, &copied->digest))
		return 0;
	return ap_err_set(err, AP_E_DIGEST, "the destination names %s, what was copied is %s",
		to->digest.s, copied->digest.s);
}

static int report(const struct ap_ref *to, const struct ap_descriptor *copied,
	const struct copy_opts *o, struct ap_err *err)
{
	ap_auto_free char *name = ap_ref_with_digest(to, &copied->digest);
	ap_auto_free char *line = ap_xasprintf("%s\n", name);

	if (o->digest_file) {
		ap_auto_free char *digest = ap_xasprintf("%s\n", copied->digest.s);

		if (ap_outfile_write("--digest-file", o->digest_file, digest, strlen(digest), err) <
			0)
			return -1;
	}
	return ap_stdout(line, strlen(line), err);
}

static int copy(struct ap_world *w, const struct copy_opts *o, const struct ap_ref *from,
	const struct ap_ref *to, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor copied = { 0 };
	ap_auto_strv tags = { 0 };
	struct ap_push_stats stats = { 0 };
	struct ap_source *src = NULL;
	struct ap_sink *sink = NULL;
	struct ap_registry *reg;
	int rc;

	w->login_host = to->transport == AP_DOCKER ? to->registry : from->registry;
	tags_for(&tags, from, to);
	/* What is wrong with the flags comes before what is wrong with the files. */
	if (ap_world_registry(&reg, w, err) < 0)
		return -1;
	rc = ap_world_source(&src, w, from, err);
	if (rc == 0)
		rc = ap_world_sink(&sink, w, to, err);
	if (rc == 0 && sink->ops->preflight)
		rc = sink->ops->preflight(sink, err);
	if (rc == 0)
		rc = ap_image_copy(
			&copied, &stats, src, sink, o->platform, &tags, &w->display->progress, err);
	if (rc == 0 && o->referrers)
		rc = ap_attached_copy(src, sink, &copied.digest, &w->display->progress, err);
	ap_sink_free(sink);
	ap_source_free(src);
	if (rc < 0 || check_digest(to, &copied, err) < 0)
		return -1;
	ap_display_settle(w->display);
	ap_summary_sent(w->display, &stats);
	return report(to, &copied, o, err);
}

static int run(struct ap_call *call, struct ap_err *err)
{
	const struct copy_opts *o = call->opts;
	struct ap_ref from = { 0 };
	struct ap_ref to = { 0 };
	struct ap_session s;
	int rc = ap_session_open(&s, &o->common, &o->registry, NULL, err);

	if (rc == 0)
		rc = ap_ref_parse(&from, call->args->v[0], err);
	if (rc == 0)
		rc = ap_ref_parse(&to, call->args->v[1], err);
	if (rc == 0 && o->referrers && ap_ref_is_archive(&to))
		rc = ap_err_set(err, AP_E_USAGE,
			"--referrers: an archive holds an image and nothing beside it");
	if (rc == 0 && ap_ref_is_archive(&to))
		rc = ap_outfile_check("DEST", to.path, err);
	if (rc == 0 && o->digest_file)
		rc = ap_outfile_check("--digest-file", o->digest_file, err);
	if (rc == 0)
		rc = copy(&s.world, o, &from, &to, err);
	ap_ref_release(&from);
	ap_ref_release(&to);
	ap_session_close(&s);
	return rc;
}

const struct ap_cmd ap_cmd_copy = {
	.name = "copy",
	.summary = "copy an image between registry, OCI layout and archive",
	.description =
		"Copies an image, or an index with all its platforms, byte for byte: the digest stays. "
		"What the destination has is not sent; blobs of the same registry are mounted; others "
		"are streamed, never stored.",
	.example = "autopack copy oci:build/image us-docker.pkg.dev/PROJECT/REPO/train:v1\n"
		   "autopack copy --platform=linux/amd64 python:3.11 oci-archive:python.tar",
	.groups = groups,
	.n_groups = AP_LEN(groups),
	.opts_size = sizeof(struct copy_opts),
	.args = { .name = "SOURCE DEST",
		.help = "a registry's image, oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:TAG]",
		.min = 2,
		.max = 2 },
	.run = run,
};
