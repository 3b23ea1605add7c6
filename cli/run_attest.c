/* Stage attest: what the image is made of, how, and who says so; nothing of it changes the image. */
#include <stdlib.h>
#include <string.h>

#include "attest/bom.h"
#include "attest/cosign.h"
#include "attest/provenance.h"
#include "attest/referrers.h"
#include "cli/outfile.h"
#include "cli/run_deps.h"

/* Documents to attach, and what is to be signed about the image. */
struct attesting {
	struct ap_run *run;
	const struct ap_descriptor *image;
	char *name;
	struct ap_attachment documents[AP_BOM_FORMATS + 1];
	size_t n_documents;
	struct ap_cosign_statement statements[AP_BOM_FORMATS + 1];
	size_t n_statements;
};

bool ap_run_wants_bom(const struct ap_run *r)
{
	return r->ask.pack->sbom.n || r->ask.pack->sbom_out.n;
}

bool ap_run_attaches(const struct ap_run *r)
{
	return r->ask.pack->sbom.n || r->ask.pack->provenance || r->ask.key;
}

static int make_bom(struct ap_bom *out, struct attesting *a, struct ap_err *err)
{
	struct ap_run *r = a->run;
	ap_auto_strv wheels = { 0 };
	struct ap_bom_inputs in = {
		.dest = &r->ask.dest,
		.digest = &a->image->digest,
		.platform = r->ask.image.platform,
		.epoch = r->plan.epoch,
		.base = &r->base,
		.layers = r->layers,
		.n_layers = r->n_layers,
		.lock = &r->lock,
		.layer_of = r->layer_of,
		.wheels = &wheels,
		.inventory = r->inventory,
	};

	/* Licences are in the wheels, which a layer that was known did not need. */
	if (r->lock.n && ap_wheels_fetch_sources(r, &wheels, &r->lock, err) < 0)
		return -1;
	return ap_bom_make(out, &in, err);
}

static void print_bom(struct ap_buf *out, const struct ap_bom *b, enum ap_bom_format f)
{
	ap_auto_json j = ap_bom_document(b, f);

	ap_json_print(out, j, AP_JSON_PRETTY);
}

static void add_statement(struct attesting *a, const char *predicate_type, cJSON *predicate)
{
	ap_auto_json j = ap_statement(a->name, &a->image->digest, predicate_type, predicate);
	struct ap_buf text = AP_BUF_INIT;
	struct ap_cosign_statement *s = &a->statements[a->n_statements++];

	ap_json_print(&text, j, 0);
	s->predicate_type = predicate_type;
	s->n = text.len;
	s->p = ap_buf_steal(&text);
}

static void attach_bom(struct attesting *a, const struct ap_bom *b, enum ap_bom_format f)
{
	struct ap_attachment *d = &a->documents[a->n_documents++];
	struct ap_buf text = AP_BUF_INIT;

	print_bom(&text, b, f);
	d->artifact_type = ap_bom_media_type(f);
	d->n = text.len;
	d->p = ap_buf_steal(&text);
	add_statement(a, ap_bom_predicate(f), ap_bom_document(b, f));
}

static int write_boms(const struct ap_bom *b, const struct ap_strv *files, struct ap_err *err)
{
	for (size_t i = 0; i < files->n; i++) {
		ap_auto_buf text = AP_BUF_INIT;

		print_bom(&text, b,
			ap_ends_with(files->v[i], ".cdx.json") ? AP_BOM_CYCLONEDX : AP_BOM_SPDX);
		if (ap_outfile_write("--sbom-out", files->v[i], text.p, text.len, err) < 0)
			return -1;
	}
	return 0;
}

static int add_boms(struct attesting *a, struct ap_err *err)
{
	const struct ap_pack_opts *p = a->run->ask.pack;
	struct ap_bom b = { 0 };
	int rc;

	if (make_bom(&b, a, err) < 0)
		return ap_err_wrap(err, "bill of materials");
	for (enum ap_bom_format f = 0; f < AP_BOM_FORMATS; f++) {
		if (ap_strv_has(&p->sbom, ap_bom_word(f)))
			attach_bom(a, &b, f);
	}
	rc = write_boms(&b, &p->sbom_out, err);
	ap_bom_release(&b);
	return rc;
}

/* The statement itself is attached, so that it can be read without a key. */
static void add_provenance(struct attesting *a)
{
	struct ap_run *r = a->run;
	struct ap_attachment *d = &a->documents[a->n_documents++];
	struct ap_provenance_inputs in = {
		.request = &r->ask.image,
		.plan = &r->plan,
		.base = &r->base,
		.lock = &r->lock,
		.builder_id = r->ask.pack->builder_id,
	};
	const struct ap_cosign_statement *s = &a->statements[a->n_statements];

	add_statement(a, AP_PROVENANCE_PREDICATE, ap_provenance(&in));
	d->artifact_type = AP_IN_TOTO_MEDIA_TYPE;
	d->note = AP_PREDICATE_NOTE;
	d->note_value = AP_PROVENANCE_PREDICATE;
	d->n = s->n;
	d->p = ap_xmemdup(s->p, s->n);
}

static int sign(struct attesting *a, struct ap_err *err)
{
	struct ap_run *r = a->run;

	if (!r->ask.key)
		return 0;
	if (ap_cosign_sign(r->sink, a->image, a->name, r->ask.key, err) < 0)
		return -1;
	return ap_cosign_attest(r->sink, a->image, a->statements, a->n_statements, r->ask.key, err);
}

static int attest(struct attesting *a, struct ap_err *err)
{
	if (ap_run_wants_bom(a->run) && add_boms(a, err) < 0)
		return -1;
	if (a->run->ask.pack->provenance)
		add_provenance(a);
	if (a->n_documents &&
		ap_referrers_attach(a->run->sink, a->image, a->documents, a->n_documents, err) < 0)
		return -1;
	return sign(a, err);
}

int ap_run_attest(struct ap_run *r, struct ap_err *err)
{
	struct attesting a = { .run = r };
	int rc;

	if (!r->ask.has_image || !(ap_run_wants_bom(r) || ap_run_attaches(r)))
		return 0;
	a.image = r->was_there ? &r->there : &r->image.manifest;
	a.name = ap_attest_name(&r->ask.dest);
	rc = attest(&a, err);
	for (size_t i = 0; i < a.n_documents; i++)
		ap_attachment_release(&a.documents[i]);
	for (size_t i = 0; i < a.n_statements; i++)
		ap_cosign_statement_release(&a.statements[i]);
	free(a.name);
	return rc;
}
