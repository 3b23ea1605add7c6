/* The table of contents that a layer brings: any JSON, and files at any place. */
#include <stdlib.h>
#include <string.h>

#include "deps/layer_scan.h"
#include "deps/toc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int open_range(void *layer, uint64_t from, uint64_t n, struct ap_reader **out,
	struct ap_err *err AP_UNUSED)
{
	ap_mem_reader(out, (const char *)layer + from, (size_t)n);
	return 0;
}

static int on_op(void *ctx AP_UNUSED, const struct ap_path_op *op, struct ap_err *err AP_UNUSED)
{
	ap_auto_free char *walled = ap_xasprintf("/%s/", op->path);

	if (op->path[0] == '/' || strstr(walled, "/../"))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The input, and zero bytes behind it. */
	ap_auto_free char *layer = ap_xcalloc(1, (2u << 20) + size);
	ap_auto_json notes = ap_json_object();
	ap_auto_free char *place = ap_xasprintf("0:%zu:0:1", size);
	struct ap_layer_stream stream = { .digest = "sha256:x",
		.size = (2u << 20) + size,
		.open_range = open_range,
		.annotations = notes,
		.ctx = layer };
	struct ap_progress quiet = { 0 };
	struct ap_err err = AP_ERR_INIT;
	struct ap_reader *r = NULL;
	struct ap_digest d;

	if (size)
		memcpy(layer, data, size);
	ap_sha256_of(&d, data, size);
	ap_json_set_str(notes, "io.github.containers.zstd-chunked.manifest-checksum", d.s);
	ap_json_set_str(notes, "io.github.containers.zstd-chunked.manifest-position", place);
	if (ap_toc_open(&r, &stream, &quiet, &err) < 0 ||
		(r && ap_layer_scan(r, NULL, on_op, NULL, &err) < 0))
		ap_err_clear(&err);
	return 0;
}
