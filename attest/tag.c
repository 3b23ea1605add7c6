#include "attest/tag.h"

#include <errno.h>

#include "base/clock.h"
#include "pack/base.h"

#define TRIES    6
#define SHORTEST 0.02
#define LONGEST  0.5

/*
 * Another writer who read what we read will have written when a few times
 * our own reading and writing are over.
 */
static int settle(double took, struct ap_err *err)
{
	if (ap_sleep(AP_MIN(AP_MAX(4 * took, SHORTEST), LONGEST)))
		return 0;
	return ap_err_set(err, AP_E_CANCELLED, "stopped by a signal");
}

static int absent(bool *there, struct ap_err *err)
{
	if (err->code != AP_E_NOT_FOUND)
		return -1;
	ap_err_clear(err);
	*there = false;
	return 0;
}

int ap_tag_find(bool *there, struct ap_source *src, const char *tag, struct ap_descriptor *d,
	struct ap_buf *body, struct ap_err *err)
{
	*there = true;
	if ((src->ops->find_manifest ? src->ops->find_manifest : src->ops->get_manifest)(
		    src, tag, d, body, err) == 0)
		return 0;
	return absent(there, err);
}

static int read_tag(cJSON **out, struct ap_sink *sink, const char *tag, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	ap_auto_buf body = AP_BUF_MAX(AP_MANIFEST_MAX);
	bool there;
	int kind;

	if (sink->ops->get_manifest(sink, tag, &d, &body, err) < 0)
		return absent(&there, err);
	return ap_manifest_parse(out, &kind, d.media_type, body.p, body.len, err);
}

static int write_tag(struct ap_sink *sink, const char *tag, const cJSON *j, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor d = { 0 };
	ap_auto_buf text = AP_BUF_MAX(AP_MANIFEST_MAX);

	ap_json_print(&text, j, 0);
	if (ap_buf_check(&text, "it", err) < 0)
		return -1;
	d.media_type = ap_xstrdup(ap_json_str(j, "mediaType"));
	ap_sha256_of(&d.digest, text.p, text.len);
	d.size = text.len;
	return sink->ops->put_manifest(sink, &d, text.p, tag, err);
}

static int update_once(bool *done, struct ap_sink *sink, const char *tag, ap_merge_fn merge,
	void *ctx, struct ap_err *err)
{
	ap_auto_json there = NULL;
	ap_auto_json next = NULL;
	double from = ap_clock();

	if (read_tag(&there, sink, tag, err) < 0 || merge(ctx, &next, there, err) < 0)
		return -1;
	*done = !next;
	if (*done)
		return 0;
	return write_tag(sink, tag, next, err) < 0 ? -1 : settle(ap_clock() - from, err);
}

int ap_tag_update(
	struct ap_sink *sink, const char *tag, ap_merge_fn merge, void *ctx, struct ap_err *err)
{
	bool done = false;

	for (unsigned n = 0; n < TRIES && !done; n++) {
		if (update_once(&done, sink, tag, merge, ctx, err) < 0)
			return ap_err_wrap(err, "%s", tag);
	}
	if (!done)
		return ap_err_set(
			err, AP_E_CHANGED, "%s: others write to it all the time; try again", tag);
	return 0;
}

int ap_small_blob_put(
	struct ap_sink *sink, struct ap_descriptor *d, const void *p, size_t n, struct ap_err *err)
{
	ap_auto_reader r = NULL;
	bool there = false;

	ap_sha256_of(&d->digest, p, n);
	d->size = n;
	if (sink->ops->has_blob(sink, d, &there, err) < 0)
		return -1;
	ap_mem_reader(&r, p, n);
	return there ? 0 : sink->ops->put_blob(sink, d, r, err);
}
