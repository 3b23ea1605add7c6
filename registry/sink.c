#include "registry/registry.h"

#include <stdlib.h>

#include "registry/manifest.h"
#include "registry/preflight.h"

#define MAX_SMALL_BLOB ((uint64_t)16 << 20)

struct registry_sink {
	struct ap_sink base;
	struct ap_repo repo;
	pthread_mutex_t lock;
	struct ap_strv sessions; /* opened by the preflight or a mount, not used yet */
};
_Static_assert(offsetof(struct registry_sink, base) == 0, "base must come first");

static struct registry_sink *self(struct ap_sink *s)
{
	return AP_CONTAINER(s, struct registry_sink, base);
}

static void keep_session(struct registry_sink *r, const char *session)
{
	if (!session)
		return;
	pthread_mutex_lock(&r->lock);
	ap_strv_add(&r->sessions, session);
	pthread_mutex_unlock(&r->lock);
}

static char *take_session(struct registry_sink *r)
{
	char *session = NULL;

	pthread_mutex_lock(&r->lock);
	if (r->sessions.n)
		session = r->sessions.v[--r->sessions.n];
	pthread_mutex_unlock(&r->lock);
	return session;
}

static int sink_has_blob(
	struct ap_sink *s, const struct ap_descriptor *desc, bool *present, struct ap_err *err)
{
	return ap_blob_has(&self(s)->repo, desc, present, err);
}

static int sink_mount(struct ap_sink *s, const struct ap_descriptor *desc,
	const struct ap_ref *from, bool *done, struct ap_err *err)
{
	struct registry_sink *r = self(s);
	ap_auto_free char *session = NULL;

	if (ap_blob_mount(&r->repo, desc, from, done, &session, err) < 0)
		return -1;
	keep_session(r, session);
	return 0;
}

static int sink_put_blob(struct ap_sink *s, const struct ap_descriptor *desc,
	struct ap_reader *body, struct ap_err *err)
{
	struct registry_sink *r = self(s);
	char *session = take_session(r);

	return ap_blob_put(&r->repo, desc, body, &session, err);
}

static int sink_put_manifest(struct ap_sink *s, const struct ap_descriptor *desc, const void *json,
	const char *tag, struct ap_err *err)
{
	return ap_manifest_put(&self(s)->repo, desc, json, tag, err);
}

static int sink_put_referrer(struct ap_sink *s, const struct ap_descriptor *desc, const void *json,
	bool *listed, struct ap_err *err)
{
	return ap_manifest_put_referrer(&self(s)->repo, desc, json, listed, err);
}

static int sink_get_manifest(struct ap_sink *s, const char *reference, struct ap_descriptor *desc,
	struct ap_buf *body, struct ap_err *err)
{
	struct registry_sink *r = self(s);

	return ap_manifest_get(&r->repo, r->repo.push, reference, 0, desc, body, err);
}

static int sink_get_blob(struct ap_sink *s, const struct ap_descriptor *desc, struct ap_buf *body,
	struct ap_err *err)
{
	ap_auto_reader r = NULL;

	if (desc->size > MAX_SMALL_BLOB)
		return ap_err_set(err, AP_E_LIMIT, "blob %s is no small one", desc->digest.s);
	if (ap_blob_open(&self(s)->repo, desc, &r, err) < 0)
		return -1;
	return ap_read_all(r, body, err);
}

static int sink_preflight(struct ap_sink *s, struct ap_err *err)
{
	struct registry_sink *r = self(s);
	ap_auto_free char *session = NULL;

	if (ap_preflight(&r->repo, &session, err) < 0)
		return -1;
	keep_session(r, session);
	return 0;
}

static void sink_free(struct ap_sink *s)
{
	struct registry_sink *r = self(s);

	for (size_t i = 0; i < r->sessions.n; i++)
		ap_upload_cancel(&r->repo, r->sessions.v[i]);
	ap_strv_release(&r->sessions);
	pthread_mutex_destroy(&r->lock);
	ap_repo_release(&r->repo);
	free(r);
}

static const struct ap_sink_ops ops = { .name = "docker",
	.has_blob = sink_has_blob,
	.mount = sink_mount,
	.put_blob = sink_put_blob,
	.put_manifest = sink_put_manifest,
	.put_referrer = sink_put_referrer,
	.get_manifest = sink_get_manifest,
	.get_blob = sink_get_blob,
	.preflight = sink_preflight,
	.free = sink_free };

int ap_registry_sink(
	struct ap_sink **out, const struct ap_ref *ref, struct ap_registry *reg, struct ap_err *err)
{
	struct registry_sink *r;

	if (ref->transport != AP_DOCKER)
		return ap_err_set(err, AP_E_INPUT, "not a repository of a registry");
	r = ap_xcalloc(1, sizeof(*r));
	r->base.ops = &ops;
	pthread_mutex_init(&r->lock, NULL);
	ap_ref_copy(&r->base.ref, ref);
	ap_repo_init(&r->repo, reg, ref);
	*out = &r->base;
	return 0;
}
