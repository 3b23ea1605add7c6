/*
 * The merged file system of an image: layers are applied operation by
 * operation, as an engine would unpack them, but only names, links, modes
 * and a few contents are kept (about 70 bytes a path).
 */
#ifndef AP_DEPS_PATHS_H
#define AP_DEPS_PATHS_H

#include "base/str.h"
#include "deps/inventory.h"

enum ap_op_type {
	AP_OP_DIR,
	AP_OP_FILE,
	AP_OP_LINK,     /* symbolic; `target` */
	AP_OP_HARD,     /* `target` is a path of the image */
	AP_OP_WHITEOUT, /* `path` of lower layers goes */
	AP_OP_OPAQUE,   /* what lower layers have in `path` goes */
};

/* One entry of a layer; all borrowed. */
struct ap_path_op {
	enum ap_op_type type;
	const char *path; /* "usr/bin/x": no leading slash, no "." or ".." */
	const char *target;
	uint16_t mode;
	const char *content; /* kept bytes, NUL behind them; NULL: none */
	size_t content_len;
};

struct ap_paths;
typedef uint32_t ap_path_id; /* 0: nothing is there */

#define AP_PATH_ROOT ((ap_path_id)1)

struct ap_paths *ap_paths_new(void);
void ap_paths_free(struct ap_paths *p);

/* Begin the next layer: whiteouts affect what was there before. */
void ap_paths_next_layer(struct ap_paths *p);

/* Errors: AP_E_LIMIT for too many paths or links in a circle, AP_E_PROTO. */
int ap_paths_apply(struct ap_paths *p, const struct ap_path_op *op, struct ap_err *err) AP_CHECK;

/* The number of the layer that put it there, from 1. */
uint16_t ap_paths_layer(const struct ap_paths *p, ap_path_id id);

/*
 * Give a file that is there, put by layer number `layer`, the content that
 * its op has and that was not known when it was applied.
 */
void ap_paths_fill(struct ap_paths *p, uint16_t layer, const struct ap_path_op *op);

/* What an absolute path means, links followed (of the parents only without AP_FOLLOW). */
enum { AP_FOLLOW = 1 << 0 };
ap_path_id ap_paths_find(const struct ap_paths *p, const char *path, unsigned flags);

enum ap_path_kind ap_paths_kind(const struct ap_paths *p, ap_path_id id);
uint16_t ap_paths_mode(const struct ap_paths *p, ap_path_id id);
const char *ap_paths_name(const struct ap_paths *p, ap_path_id id);   /* last component */
const char *ap_paths_target(const struct ap_paths *p, ap_path_id id); /* of a link */

/* Kept content or NULL; *n may be NULL.  borrowed. */
const char *ap_paths_content(const struct ap_paths *p, ap_path_id id, size_t *n);

/* Full path, "/usr/bin/x".  *out: owned. */
char *ap_paths_full(const struct ap_paths *p, ap_path_id id);

/* What is in a directory: first, then next; 0 ends.  No order is promised. */
ap_path_id ap_paths_first(const struct ap_paths *p, ap_path_id dir);
ap_path_id ap_paths_next(const struct ap_paths *p, ap_path_id id);

size_t ap_paths_count(const struct ap_paths *p); /* ever seen */

/* Shorthands. */
bool ap_paths_is_dir(const struct ap_paths *p, const char *path);  /* links followed */
bool ap_paths_is_file(const struct ap_paths *p, const char *path); /* links followed */

/*
 * `path` with every link of its parents resolved, also where the last parts
 * do not exist yet.  *out: owned.
 */
char *ap_paths_real_parent(const struct ap_paths *p, const char *path);

#endif
