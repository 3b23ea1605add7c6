#include "deps/warm.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/fs.h"
#include "deps/uv.h"

#define ERROUT (64u << 10)

struct ap_warm {
	const struct ap_dep_request *req;
	const struct ap_resolve_opts *o;
	struct ap_uv uv;
	atomic_bool stop;
	pthread_t thread;
	bool begun;
};

/* What comes from an index, with its marker: whose Python it is for is not known yet. */
static void print_named(struct ap_buf *out, const struct ap_dep_request *req)
{
	for (size_t i = 0; i < req->n_lines; i++) {
		const struct ap_dep_line *l = &req->lines[i];

		if (l->kind != AP_DEP_NAMED || l->constraint)
			continue;
		ap_requirement_print(out, &l->req, l->req.specs, l->req.marker);
		ap_buf_addc(out, '\n');
	}
}

static void *work(void *arg)
{
	const struct ap_warm *w = arg;
	const struct ap_uv *uv = &w->uv;
	struct ap_err err = AP_ERR_INIT;
	static const char *const fixed[] = { "pip", "compile", "in.txt", "-o", "out.txt",
		"--config-file", "uv.toml", "--no-header", "--no-annotate", "--quiet",
		"--only-binary=:all:", "--python-platform=x86_64-manylinux_2_28" };
	ap_auto_free char *in = ap_fs_join(uv->dir, "in.txt");
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_buf said = AP_BUF_MAX(ERROUT);
	ap_auto_strv words = { 0 };
	int status;

	print_named(&text, w->req);
	for (size_t i = 0; i < AP_LEN(fixed); i++)
		ap_strv_add(&words, fixed[i]);
	if (text.len && ap_fs_write(in, text.p, text.len, 0600, &err) == 0 &&
		ap_uv_run(uv, &status, &words, &said, &err) == 0)
		ap_emit_debug(w->o->progress, AP_STEP_RESOLVE,
			"the index was asked before the base was read: status %d", status);
	ap_err_clear(&err);
	return NULL;
}

static int open_uv(struct ap_warm *w, struct ap_err *err)
{
	AP_CLEANUP(ap_index_config_release) struct ap_index_config index = { 0 };
	struct ap_uv_opts o = { .uv = w->o->uv,
		.cache_dir = w->o->cache_dir,
		.index = &index,
		.env = w->o->env ? w->o->env : ap_uv_getenv,
		.offline = w->o->offline };

	ap_index_config_read(&index, &w->req->index, o.env);
	if (w->o->token && ap_index_config_authorize(&index, w->o->token, w->o->token_ctx, err) < 0)
		return -1;
	return ap_uv_open(&w->uv, &o, err);
}

int ap_warm_begin(struct ap_warm **out, const struct ap_dep_request *req,
	const struct ap_resolve_opts *o, struct ap_err *err)
{
	struct ap_warm *w = ap_xcalloc(1, sizeof(*w));

	w->req = req;
	w->o = o;
	if (open_uv(w, err) < 0) {
		free(w);
		return -1;
	}
	atomic_init(&w->stop, false);
	w->uv.stop = &w->stop;
	w->begun = pthread_create(&w->thread, NULL, work, w) == 0;
	*out = w;
	return 0;
}

void ap_warm_end(struct ap_warm *w)
{
	if (!w)
		return;
	atomic_store(&w->stop, true);
	if (w->begun)
		pthread_join(w->thread, NULL);
	ap_uv_release(&w->uv);
	free(w);
}
