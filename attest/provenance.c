#include "attest/provenance.h"

#include <string.h>

#include "attest/bom.h"
#include "base/url.h"

#define LABEL_REVISION "org.opencontainers.image.revision="
#define LABEL_SOURCE   "org.opencontainers.image.source="
#define DIRTY          "-dirty"

void ap_requirement_public(struct ap_buf *out, const char *requirement)
{
	const char *url = strstr(requirement, "://");
	ap_auto_free char *text = NULL;
	ap_auto_free char *public = NULL;
	size_t n;

	if (!url) {
		ap_buf_adds(out, requirement);
		return;
	}
	while (url > requirement && (ap_is_alnum(url[-1]) || strchr("+-.", url[-1])))
		url--;
	n = strcspn(url, " \t;");
	text = ap_xstrndup(url, n);
	public = ap_url_public(text);
	ap_buf_add(out, requirement, (size_t)(url - requirement));
	ap_buf_adds(out, public);
	ap_requirement_public(out, url + n);
}

static void set_list(cJSON *j, const char *name, const struct ap_strv *l,
	void (*add)(struct ap_buf *out, const char *text))
{
	cJSON *list;

	if (!l->n)
		return;
	list = ap_json_set_array(j, name);
	for (size_t i = 0; i < l->n; i++) {
		ap_auto_buf text = AP_BUF_INIT;

		add(&text, l->v[i]);
		ap_json_push(list, ap_json_string(text.p));
	}
}

static void add_url(struct ap_buf *out, const char *text)
{
	ap_auto_free char *public = ap_url_public(text);

	ap_buf_adds(out, public);
}

/* Values may be secrets; who may read the image finds them there. */
static void add_name(struct ap_buf *out, const char *text)
{
	ap_buf_add(out, text, strcspn(text, "="));
}

static void set_base_name(cJSON *j, const char *name, const struct ap_base *b)
{
	ap_auto_free char *text = NULL;
	struct ap_ref ref = b->ref;

	/* A path of this machine says nothing elsewhere; the digest does. */
	if (b->ref.transport != AP_DOCKER)
		return;
	ref.digest.s[0] = '\0';
	text = ap_ref_name(&ref);
	ap_json_set_str(j, name, text);
}

static cJSON *parameters(const struct ap_provenance_inputs *in)
{
	const struct ap_image_request *q = in->request;
	cJSON *j = ap_json_object();

	set_base_name(j, "executorImage", in->base);
	ap_json_set_str(j, "script", q->script);
	ap_json_set_str(j, "pythonModule", q->python_module);
	set_list(j, "requirements", &q->requirements, ap_requirement_public);
	set_list(j, "extraPackages", &q->extra_packages, ap_requirement_public);
	set_list(j, "extraDirs", &q->extra_dirs, ap_buf_adds);
	set_list(j, "environment", &q->env, add_name);
	ap_json_set_str(j, "platform", q->platform);
	ap_json_set_str(j, "compression", q->compression == AP_ZSTD ? "zstd" : "gzip");
	if (q->compile)
		ap_json_set(j, "compile", ap_json_bool(true));
	set_list(j, "indexUrls", &q->index_urls, add_url);
	ap_json_set_str(j, "requestTag", in->plan->tag);
	return j;
}

static cJSON *resource(const char *name, const char *uri, const char *algorithm, const char *hex)
{
	cJSON *j = ap_json_object();

	ap_json_set_str(j, "name", name);
	ap_json_set_str(j, "uri", uri);
	ap_json_set_str(ap_json_set_object(j, "digest"), algorithm, hex);
	return j;
}

static const char *label(const struct ap_plan *p, const char *prefix)
{
	for (size_t i = 0; i < p->labels.n; i++) {
		if (ap_starts_with(p->labels.v[i], prefix))
			return p->labels.v[i] + strlen(prefix);
	}
	return NULL;
}

static void add_revision(cJSON *list, const struct ap_plan *p)
{
	const char *revision = label(p, LABEL_REVISION);
	const char *source = label(p, LABEL_SOURCE);
	ap_auto_free char *commit = NULL;
	ap_auto_free char *uri = NULL;
	bool dirty;
	cJSON *one;

	if (!revision)
		return;
	dirty = ap_ends_with(revision, DIRTY);
	commit = ap_xstrndup(revision, strlen(revision) - (dirty ? strlen(DIRTY) : 0));
	uri = source ? ap_xasprintf("git+%s", source) : NULL;
	one = resource("source", uri, "gitCommit", commit);
	if (dirty)
		ap_json_set(ap_json_set_object(one, "annotations"), "dirty", ap_json_bool(true));
	ap_json_push(list, one);
}

static cJSON *dependencies(const struct ap_provenance_inputs *in)
{
	const struct ap_digest *base = &in->base->manifest.digest;
	ap_auto_buf purl = AP_BUF_INIT;
	cJSON *list = ap_json_array();

	if (in->base->ref.transport == AP_DOCKER) {
		ap_auto_free char *name = ap_attest_name(&in->base->ref);

		ap_purl_oci(&purl, name, base, NULL);
	}
	ap_json_push(list, resource("executor image", purl.len ? purl.p : NULL, "sha256",
				   ap_digest_hex(base)));
	for (size_t i = 0; i < in->lock->n; i++) {
		const struct ap_locked *l = &in->lock->v[i];
		ap_auto_free char *url = l->url ? ap_url_public(l->url) : NULL;

		ap_json_push(list, resource(l->filename, url, "sha256", ap_digest_hex(&l->digest)));
	}
	add_revision(list, in->plan);
	return list;
}

cJSON *ap_provenance(const struct ap_provenance_inputs *in)
{
	cJSON *j = ap_json_object();
	cJSON *definition = ap_json_set_object(j, "buildDefinition");
	cJSON *builder;

	ap_json_set_str(definition, "buildType", AP_BUILD_TYPE);
	ap_json_set(definition, "externalParameters", parameters(in));
	ap_json_set_object(definition, "internalParameters");
	ap_json_set(definition, "resolvedDependencies", dependencies(in));
	builder = ap_json_set_object(ap_json_set_object(j, "runDetails"), "builder");
	ap_json_set_str(builder, "id", in->builder_id ? in->builder_id : AP_BUILDER_ID);
	ap_json_set_str(ap_json_set_object(builder, "version"), "autopack", AP_VERSION);
	return j;
}

cJSON *ap_statement(const char *name, const struct ap_digest *digest, const char *predicate_type,
	cJSON *predicate)
{
	cJSON *j = ap_json_object();
	cJSON *subject = ap_json_object();

	ap_json_set_str(j, "_type", AP_STATEMENT_TYPE);
	ap_json_set_str(subject, "name", name);
	ap_json_set_str(ap_json_set_object(subject, "digest"), "sha256", ap_digest_hex(digest));
	ap_json_push(ap_json_set_array(j, "subject"), subject);
	ap_json_set_str(j, "predicateType", predicate_type);
	ap_json_set(j, "predicate", predicate);
	return j;
}
