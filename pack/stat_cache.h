/*
 * Digests of local files, kept by what stat() says of them, so that an
 * unchanged tree costs no reads.
 *
 * A file whose times are as young as the moment it was read could be written
 * again without a trace: such an entry is not kept, as git's index does not
 * trust it.
 */
#ifndef AP_PACK_STAT_CACHE_H
#define AP_PACK_STAT_CACHE_H

#include "base/digest.h"
#include "pack/local.h"

struct ap_stat_cache;

/*
 * The cache of the working directory `root` below DIR/stat.  A file that is
 * missing, damaged or somebody else's counts as empty.  *out:
 * ap_stat_cache_free().
 */
void ap_stat_cache_open(struct ap_stat_cache **out, const char *dir, const char *root);
void ap_stat_cache_free(struct ap_stat_cache *c);
void ap_stat_cache_freep(struct ap_stat_cache **c);

/* What is known of a file in exactly this state: its digest and what it looks like (secret.h, "" for nothing). */
bool ap_stat_cache_find(struct ap_digest *digest, char **look, const struct ap_stat_cache *c,
	const char *path, const struct ap_local_stat *st);

/*
 * Remember a file for the next time; `began` is when its reading began
 * (ap_stat_cache_now()).  False: it is too young to be trusted.
 */
bool ap_stat_cache_put(struct ap_stat_cache *c, const char *path, const struct ap_local_stat *st,
	const struct ap_digest *digest, const char *look, int64_t began);
int64_t ap_stat_cache_now(void);

/*
 * Write what was put since the opening, when that differs from what was
 * there.  Not synced: a torn file fails its checksum and counts as empty.
 * Failure is no error: the next run reads the files again.
 */
void ap_stat_cache_save(struct ap_stat_cache *c);

#endif
