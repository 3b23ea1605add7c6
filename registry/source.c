#include "registry/registry.h"

#include <stdlib.h>

#include "registry/hint.h"
#include "registry/manifest.h"
#include "registry/referrers.h"

struct registry_source {
	struct ap_source base;
	struct ap_repo repo;
};
_Static_assert(offsetof(struct registry_source, base) == 0, "base must come first");

static struct registry_source *self(struct ap_source *s)
{
	return AP_CONTAINER(s, struct registry_source, base);
}

static int source_get_manifest(struct ap_source *s, const char *reference,
	struct ap_descriptor *desc, struct ap_buf *body, struct ap_err *err)
{
	struct registry_source *r = self(s);
	bool tagged = !reference && !s->ref.digest.s[0];

	if (tagged)
		reference = s->ref.tag ? s->ref.tag : "latest";
	else if (!reference)
		reference = s->ref.digest.s;
	if (ap_manifest_get(
		    &r->repo, r->repo.pull, reference, AP_MANIFEST_PATIENT, desc, body, err) == 0)
		return 0;
	if (tagged)
		ap_hint_unreadable(&r->repo, reference, err);
	return -1;
}

static int source_find_manifest(struct ap_source *s, const char *reference,
	struct ap_descriptor *desc, struct ap_buf *body, struct ap_err *err)
{
	struct registry_source *r = self(s);

	return ap_manifest_get(&r->repo, r->repo.pull, reference, 0, desc, body, err);
}

static int source_get_referrers(struct ap_source *s, const struct ap_digest *subject,
	struct ap_buf *index, bool *known, struct ap_err *err)
{
	return ap_repo_referrers(&self(s)->repo, subject, index, known, err);
}

static int source_open_blob(struct ap_source *s, const struct ap_descriptor *desc,
	struct ap_reader **out, struct ap_err *err)
{
	return ap_blob_open(&self(s)->repo, desc, out, err);
}

static int source_open_range(struct ap_source *s, const struct ap_descriptor *desc, uint64_t from,
	uint64_t size, struct ap_reader **out, struct ap_err *err)
{
	return ap_blob_open_range(&self(s)->repo, desc, from, size, out, err);
}

static void source_free(struct ap_source *s)
{
	struct registry_source *r = self(s);

	ap_repo_release(&r->repo);
	free(r);
}

static const struct ap_source_ops ops = { .name = "docker",
	.get_manifest = source_get_manifest,
	.open_blob = source_open_blob,
	.find_manifest = source_find_manifest,
	.get_referrers = source_get_referrers,
	.open_range = source_open_range,
	.free = source_free };

int ap_registry_source(struct ap_source **out, const struct ap_ref *ref, struct ap_registry *reg,
	struct ap_err *err)
{
	struct registry_source *r;

	if (ref->transport != AP_DOCKER)
		return ap_err_set(err, AP_E_INPUT, "not an image of a registry");
	r = ap_xcalloc(1, sizeof(*r));
	r->base.ops = &ops;
	ap_ref_copy(&r->base.ref, ref);
	ap_repo_init(&r->repo, reg, ref);
	*out = &r->base;
	return 0;
}
