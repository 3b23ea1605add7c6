#include "pack/cache.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

#define RECORD_MAX 4096u

static char *layers_dir(const char *dir)
{
	return ap_fs_join(dir, "layers");
}

static char *record_path(const char *dir, const struct ap_digest *key)
{
	return ap_xasprintf("%s/layers/%s.json", dir, ap_digest_hex(key));
}

/* Ours, and nobody else may write to it: what is in it decides what images hold. */
static bool is_private(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH));
}

static int parse(struct ap_cache_record *out, const cJSON *j, struct ap_err *err)
{
	const char *digest;
	const char *diff_id;

	if (ap_json_need_str(&digest, j, "digest", err) < 0 ||
		ap_digest_parse(&out->digest, digest, err) < 0 ||
		ap_json_need_str(&diff_id, j, "diffId", err) < 0 ||
		ap_digest_parse(&out->diff_id, diff_id, err) < 0)
		return -1;
	return ap_json_need_u64(&out->size, j, "size", err);
}

static int read_record(struct ap_cache_record *out, const char *dir, const struct ap_digest *key,
	struct ap_err *err)
{
	ap_auto_free char *path = record_path(dir, key);
	ap_auto_buf text = AP_BUF_MAX(RECORD_MAX);
	ap_auto_json j = NULL;

	if (ap_fs_read(&text, path, err) < 0 || ap_json_parse(&j, text.p, text.len, err) < 0)
		return -1;
	if (!ap_streq(ap_json_str(j, "key"), key->s))
		return ap_err_set(err, AP_E_PROTO, "%s: the record of another key", path);
	return parse(out, j, err);
}

bool ap_cache_get(struct ap_cache_record *out, const char *dir, const struct ap_digest *key)
{
	ap_auto_free char *layers = dir ? layers_dir(dir) : NULL;
	struct ap_cache_record r = { 0 };
	struct ap_err err = AP_ERR_INIT;

	if (!layers || !is_private(layers) || read_record(&r, dir, key, &err) < 0)
		return false;
	*out = r;
	return true;
}

static int open_layers(const char *dir, struct ap_err *err)
{
	ap_auto_free char *layers = layers_dir(dir);

	if (ap_fs_mkdirs(layers, 0700, err) < 0)
		return -1;
	if (!is_private(layers))
		return ap_err_set(err, AP_E_INPUT,
			"%s: want a directory that is ours and that nobody else can write to",
			layers);
	return 0;
}

int ap_cache_put(const char *dir, const struct ap_digest *key, const struct ap_cache_record *r,
	struct ap_err *err)
{
	ap_auto_free char *path = NULL;
	ap_auto_json j = ap_json_object();
	ap_auto_buf text = AP_BUF_INIT;

	if (!dir)
		return 0;
	if (open_layers(dir, err) < 0)
		return -1;
	path = record_path(dir, key);
	ap_json_set_str(j, "key", key->s);
	ap_json_set_str(j, "digest", r->digest.s);
	ap_json_set_str(j, "diffId", r->diff_id.s);
	ap_json_set(j, "size", ap_json_number((double)r->size));
	ap_json_print(&text, j, 0);
	return ap_fs_write(path, text.p, text.len, 0600, err);
}

/* Is the blob in the destination, or does it come there without its bytes? */
static int present(struct ap_sink *sink, const struct ap_remote_cache *c,
	const struct ap_descriptor *d, bool *yes, struct ap_err *err)
{
	if (sink->ops->has_blob(sink, d, yes, err) < 0)
		return -1;
	if (*yes || !c || !c->sink || c->sink == sink || !sink->ops->mount)
		return 0;
	return sink->ops->mount(sink, d, &c->sink->ref, yes, err);
}

int ap_layer_known(struct ap_layer *out, bool *found, const char *dir,
	const struct ap_remote_cache *c, struct ap_sink *sink, const struct ap_digest *key,
	const char *title, const char *media_type, struct ap_err *err)
{
	AP_CLEANUP(ap_layer_release) struct ap_layer l = { 0 };
	struct ap_cache_record r = { 0 };
	struct ap_err ignored = AP_ERR_INIT;
	bool local = ap_cache_get(&r, dir, key);

	*found = false;
	if (!local && !(c && ap_remote_cache_get(&r, c, key)))
		return 0;
	l.desc = (struct ap_descriptor){
		.media_type = ap_xstrdup(media_type), .digest = r.digest, .size = r.size
	};
	if (present(sink, c, &l.desc, found, err) < 0)
		return -1;
	if (!*found)
		return 0;
	l.diff_id = r.diff_id;
	l.title = ap_xstrdup(title);
	/* What another machine knew is known here from now on; if that fails, it is asked again. */
	if (!local && ap_cache_put(dir, key, &r, &ignored) < 0)
		ap_err_clear(&ignored);
	*out = l;
	l = (struct ap_layer){ 0 };
	return 0;
}
