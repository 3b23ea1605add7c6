#include "pack/layer_key.h"

#include <inttypes.h>
#include <libdeflate.h>
#include <string.h>
#include <zstd.h>

#include "pack/gzip.h"
#include "pack/request.h"
#include "pack/zstd.h"

/* Length first: no two lists of fields give the same bytes. */
static void add(struct ap_buf *b, const char *name, const char *value)
{
	if (value)
		ap_buf_addf(b, "%s %zu:%s\n", name, strlen(value), value);
	else
		ap_buf_addf(b, "%s -\n", name);
}

static void add_number(struct ap_buf *b, const char *name, int64_t v)
{
	ap_buf_addf(b, "%s %" PRId64 "\n", name, v);
}

static void add_wheel(struct ap_buf *b, const struct ap_locked *l)
{
	add(b, "wheel", l->digest.s);
	add(b, "file", l->filename);
	add_number(b, "requested", l->requested);
	add(b, "direct-url", l->direct_url);
}

/* A path as the base's links make it: the same name may lead elsewhere. */
static void add_path(
	struct ap_buf *b, const struct ap_inventory *i, const char *name, const char *path)
{
	ap_auto_free char *below = path ? ap_xasprintf("%s/x", path) : NULL;
	ap_auto_free char *real = below ? ap_inventory_real_parent(i, below) : NULL;

	add(b, name, path);
	add(b, "real", real);
}

static void add_inventory(struct ap_buf *b, const struct ap_inventory *i)
{
	if (i->partial)
		add(b, "tree", "not known");
	add_number(b, "python", i->py_major * 1000 + i->py_minor);
	add(b, "interpreter", i->scheme.interpreter);
	add_path(b, i, "prefix", i->scheme.prefix);
	add_path(b, i, "purelib", i->scheme.purelib);
	add_path(b, i, "platlib", i->scheme.platlib);
	add_path(b, i, "scripts", i->scheme.scripts);
	add_path(b, i, "data", i->scheme.data);
	add_path(b, i, "headers", i->scheme.headers);
}

/* What the key of every layer begins with. */
static void add_head(struct ap_buf *b, const char *kind, int compression, int level, int64_t epoch)
{
	add_number(b, "autopack layer", AP_LAYOUT_VERSION_LAYERS);
	add(b, "kind", kind);
	if (compression == AP_ZSTD) {
		add(b, "zstd", ZSTD_versionString());
		add_number(b, "level", AP_ZSTD_LEVEL);
	} else {
		add(b, "libdeflate", LIBDEFLATE_VERSION_STRING);
		add_number(b, "level", level);
		add_number(b, "block", AP_GZIP_BLOCK);
	}
	add_number(b, "mtime", epoch);
}

void ap_layer_key(struct ap_digest *out, const struct ap_layer_inputs *in)
{
	ap_auto_buf b = AP_BUF_INIT;
	size_t n = in->members ? in->n : in->lock->n;

	add_head(&b, in->kind, in->compression, AP_GZIP_LEVEL, in->epoch);
	for (size_t i = 0; i < in->base->n_layers; i++)
		add(&b, "base", in->base->layers[i].digest.s);
	add_inventory(&b, in->inventory);
	for (size_t i = 0; i < n; i++)
		add_wheel(&b, &in->lock->v[in->members ? in->members[i] : i]);
	for (size_t i = 0; i < in->lock->removes.n && !in->members; i++)
		add(&b, "removes", in->lock->removes.v[i]);
	for (size_t i = 0; in->extra && i < in->extra->n; i++)
		add(&b, "extra", in->extra->v[i]);
	ap_sha256_of(out, b.p, b.len);
}

void ap_layer_key_local(
	struct ap_digest *out, const struct ap_digest *content, int compression, int64_t epoch)
{
	ap_auto_buf b = AP_BUF_INIT;

	add_head(&b, "local files", compression, AP_GZIP_LEVEL_LOCAL, epoch);
	add(&b, "content", content->s);
	ap_sha256_of(out, b.p, b.len);
}
