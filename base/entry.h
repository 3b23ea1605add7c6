/*
 * One path of a layer to be: the type that local trees and wheels are turned
 * into, and that tar layers are written from.
 */
#ifndef AP_BASE_ENTRY_H
#define AP_BASE_ENTRY_H

#include "base/io.h"

enum ap_entry_type {
	AP_ENTRY_FILE,
	AP_ENTRY_DIR,
	AP_ENTRY_SYMLINK,
};

struct ap_content;

/*
 * Where deflated bytes of a file lie as they are, for splicing: `csize` bytes
 * at `offset` of `fd` are one raw deflate stream (method 8) or the bytes
 * themselves (method 0), which inflate to `size` bytes with `crc`.
 */
struct ap_raw {
	int fd;
	int method;
	uint32_t crc;
	uint64_t offset, csize, size;
	unsigned hash_bits; /* 256, 384 or 512 of SHA-2 over what it inflates to; 0: none known */
	const unsigned char *hash; /* borrowed from the content */
};

struct ap_content_ops {
	/* *out: owned by the caller.  Threads: yes. */
	int (*open)(const struct ap_content *c, struct ap_reader **out, struct ap_err *err);
	/* False when there is no such stream; NULL: never. */
	bool (*raw)(const struct ap_content *c, struct ap_raw *out);
	void (*free)(struct ap_content *c);
};

/* First member of every implementation: the bytes of one file. */
struct ap_content {
	const struct ap_content_ops *ops;
};

struct ap_entry {
	char *path; /* below the root, no leading or trailing slash, '/' between */
	enum ap_entry_type type;
	uint32_t mode;              /* permission bits */
	uint64_t size;              /* of a file's content */
	char *target;               /* of a symbolic link */
	struct ap_content *content; /* of a file; NULL: empty */
};

/* A list of entries; owns them. */
struct ap_tree {
	struct ap_entry *v;
	size_t n, cap;
};

void ap_tree_release(struct ap_tree *t);
#define ap_auto_tree AP_CLEANUP(ap_tree_release) struct ap_tree

/* Additions; path is copied, content is taken. */
void ap_tree_add_dir(struct ap_tree *t, const char *path, uint32_t mode);
void ap_tree_add_link(struct ap_tree *t, const char *path, const char *target);
void ap_tree_add_file(struct ap_tree *t, const char *path, uint32_t mode, uint64_t size,
	struct ap_content *content);
void ap_tree_add_bytes(struct ap_tree *t, const char *path, uint32_t mode, const void *p, size_t n);

/* Move all entries of `from` to the end of `to`; `from` is empty after. */
void ap_tree_move(struct ap_tree *to, struct ap_tree *from);

/*
 * Sort so that parents come before what is in them and siblings stand in the
 * order of their bytes: '/' sorts before every other byte.
 */
void ap_tree_sort(struct ap_tree *t);

/* Of several entries with one path in a sorted tree, keep the first. */
void ap_tree_unique(struct ap_tree *t);

/* The entry of that path in a sorted tree, or NULL.  borrowed. */
const struct ap_entry *ap_tree_find(const struct ap_tree *t, const char *path);

/* Compare two paths in the order of ap_tree_sort(). */
int ap_path_cmp(const char *a, const char *b);

/* Bytes in memory as content; p is copied. */
struct ap_content *ap_content_bytes(const void *p, size_t n);

#endif
