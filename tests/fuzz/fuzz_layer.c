/* A layer of any content, compressed or not: read, merged, recorded, replayed; what pip in it is told. */
#include <stdlib.h>
#include <string.h>

#include "deps/base_pip.h"
#include "deps/layer_scan.h"
#include "deps/paths.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct both {
	struct ap_paths *paths;
	struct ap_buf record;
};

static int on_op(void *ctx, const struct ap_path_op *op, struct ap_err *err)
{
	struct both *b = ctx;

	ap_auto_free char *walled = ap_xasprintf("/%s/", op->path);

	/* What could leave the root must never get this far. */
	if (op->path[0] == '/' || strstr(walled, "/../"))
		abort();
	ap_layer_record_add(&b->record, op);
	return ap_paths_apply(b->paths, op, err);
}

static int again(void *ctx, const struct ap_path_op *op, struct ap_err *err)
{
	return ap_paths_apply(ctx, op, err);
}

static void check_all(const struct ap_paths *p, ap_path_id dir, unsigned depth)
{
	for (ap_path_id id = ap_paths_first(p, dir); id; id = ap_paths_next(p, id)) {
		ap_auto_free char *path = ap_paths_full(p, id);
		ap_auto_free char *real = ap_paths_real_parent(p, path);

		if (ap_paths_find(p, path, 0) != id || strcmp(real, path) != 0)
			abort();
		if (ap_paths_kind(p, id) == AP_PATH_DIR && depth < 200)
			check_all(p, id, depth + 1);
	}
}

static void ask_pip(const struct ap_paths *p)
{
	char limits[] = "PIP_CONSTRAINT=/c ../../d file:///e%20f", home[] = "HOME=/h";
	char *vars[] = { limits, home };
	struct ap_strv env = { .v = vars, .n = AP_LEN(vars) };
	ap_auto_strv lacks = { 0 };
	struct ap_base_pip said = { 0 };
	struct ap_pip_place at = { .vars = &env, .paths = p, .prefix = "/usr", .lacks = &lacks };

	ap_base_pip_find(&said, &at);
	for (size_t i = 0; i < said.settings.n; i += 3) {
		const char *host = strstr(said.settings.v[i + 2], "://");

		/* Nothing stands before the '@' of an address. */
		if (host && memrchr(host + 4, '@', strcspn(host + 4, "/?# \t\r\n")))
			abort();
	}
	ap_base_pip_release(&said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct both b = { ap_paths_new(), AP_BUF_INIT };
	struct ap_err err = AP_ERR_INIT;
	struct ap_reader *r;

	ap_mem_reader(&r, data, size);
	ap_layer_record_begin(&b.record);
	ap_paths_next_layer(b.paths);
	if (ap_layer_scan(r, NULL, on_op, &b, &err) == 0) {
		struct ap_paths *second = ap_paths_new();

		ap_paths_next_layer(second);
		if (ap_layer_record_replay(b.record.p, b.record.len, again, second, &err) < 0 ||
			ap_paths_count(second) != ap_paths_count(b.paths))
			abort();
		check_all(b.paths, AP_PATH_ROOT, 0);
		ask_pip(b.paths);
		ap_paths_free(second);
	}
	ap_err_clear(&err);
	/* The input as a record, which a cache could hold damaged. */
	if (ap_layer_record_replay(data, size, again, b.paths, &err) < 0)
		ap_err_clear(&err);
	ap_buf_release(&b.record);
	ap_paths_free(b.paths);
	return 0;
}
