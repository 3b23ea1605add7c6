/*
 * What a base image holds, read once from its layers: the Python that its
 * PATH means, what is installed in it, and enough of the file system to
 * install beside it.
 */
#ifndef AP_DEPS_INVENTORY_H
#define AP_DEPS_INVENTORY_H

#include "base/io.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/str.h"

/* A layer as a stream of compressed tar; the caller verifies digests (ap_verify_reader). */
struct ap_layer_stream {
	const char *digest; /* key of the per-layer cache */
	const char *media_type;
	uint64_t size; /* compressed */
	int (*open)(void *ctx, struct ap_reader **out, struct ap_err *err);
	/* A part of it, not verified; NULL: not possible.  For layers with a table of contents. */
	int (*open_range)(void *ctx, uint64_t from, uint64_t size, struct ap_reader **out,
		struct ap_err *err);
	const cJSON *annotations; /* of its descriptor, or NULL; borrowed */
	const struct ap_strv
		*also; /* files of which the content is kept, too ("opt/x"), or NULL; borrowed */
	void *ctx;
};

/* An installed distribution. */
struct ap_dist {
	char *name, *version; /* as METADATA has them */
	char *normalized;     /* PEP 503 */
	char *path;           /* of the .dist-info / .egg-info, absolute in the image */
	char *site;           /* the directory on sys.path that holds it */
	char *installer;      /* content of INSTALLER, or NULL */
	bool has_record;
	bool removable; /* pip in that base would remove it: inside the scheme's own prefix */
	struct ap_strv requires; /* Requires-Dist */
	char *requires_python;
	/*
	 * RECORD's or installed-files.txt's paths, absolute in the image; of an
	 * .egg-info with neither, what its top_level.txt names: PATH, PATH.py,
	 * PATH.pyc, PATH.pyo as far as they are there, as pip removes them.
	 */
	struct ap_strv files;
};

/* The install scheme of the chosen Python: absolute directories in the image. */
struct ap_scheme {
	char *prefix; /* sys.prefix, or the scheme's base: /usr/local on Debian */
	char *purelib, *platlib, *scripts, *data,
		*headers;  /* headers without the distribution's name */
	char *interpreter; /* for #! lines: /usr/bin/python3 */
};

/* What pip in the image is told that decides what it installs; see base_pip.h. */
struct ap_base_pip {
	bool known;                 /* false: an inventory that does not say */
	struct ap_strv settings;    /* WHERE, NAME, VALUE, ...: "/etc/pip.conf", "pre", "true" */
	struct ap_strv constraints; /* WHERE, TEXT, ...: "/etc/limits.txt:3", "numpy<2" */
	char *error;                /* why the constraints cannot be followed, or NULL */
};

struct ap_inventory {
	char *os, *arch; /* of the image */
	char *libc;      /* "glibc" or "musl" */
	unsigned libc_major, libc_minor;
	bool has_python, has_python3; /* PATH has these names: */
	char *python_at, *python3_at; /* here, as PATH says it */
	char *python_path; /* the interpreter that the entry point's word means, links resolved */
	unsigned py_major, py_minor, py_micro;
	char *implementation; /* "cpython" */
	bool externally_managed;
	bool venv;        /* pyvenv.cfg beside it */
	char *sys_prefix; /* sys.prefix; NULL: not known */
	struct ap_base_pip pip;
	struct ap_scheme scheme;
	struct ap_strv site_dirs;  /* sys.path's site directories in order */
	struct ap_strv added_dirs; /* of these, what PYTHONPATH and .pth files name */
	struct ap_dist *dists;     /* sorted by normalized name; all on site_dirs, first one wins */
	size_t n_dists;
	bool partial; /* from pip inspect: what `paths` lacks may be there all the same */
	void *paths;  /* the image's merged file system, private: see ap_inventory_lookup */
};

enum ap_path_kind { AP_PATH_NONE, AP_PATH_FILE, AP_PATH_DIR, AP_PATH_LINK };

/*
 * Read the layers (bottom first), merging whiteouts, and derive the rest.
 * `env_path` is the PATH of the image's configuration; `interpreter` the word
 * the entry point uses ("python", "python3").  `cache_dir` (may be NULL)
 * keeps one record per layer digest.
 *
 * Errors: AP_E_PROTO for a broken layer; AP_E_UNSUPPORTED "no python on
 * PATH ..." only from ap_inventory_need_python.
 */
struct ap_inventory_opts {
	const char *env_path;
	const char *interpreter;
	const char *os, *arch;
	const struct ap_strv
		*env; /* what its processes get, HOME too, "NAME=VALUE"; NULL: nothing */
	const char *cache_dir;
	struct ap_progress *progress;
};
int ap_inventory_read(struct ap_inventory **out, const struct ap_layer_stream *layers, size_t n,
	const struct ap_inventory_opts *o, struct ap_err *err) AP_CHECK;

/*
 * The record of a layer in the cache: is it there, its bytes, and keeping
 * one that came from elsewhere.  A record is believed as far as its bytes.
 *
 * Errors: AP_E_PROTO when it is no record; AP_E_IO, also without a cache.
 */
bool ap_inventory_has_record(const char *cache_dir, const char *digest);
bool ap_inventory_load_record(struct ap_buf *out, const char *cache_dir, const char *digest);
int ap_inventory_keep_record(struct ap_buf *record, const char *cache_dir, const char *digest,
	struct ap_err *err) AP_CHECK;

/* Errors: AP_E_UNSUPPORTED naming what PATH has and lacks. */
int ap_inventory_need_python(const struct ap_inventory *i, struct ap_err *err) AP_CHECK;

/*
 * Make `word`, by which the entry point calls Python, the interpreter of an
 * inventory that was made for the other word.
 *
 * Errors: AP_E_INPUT when the two words are two Pythons.
 */
int ap_inventory_use_word(struct ap_inventory *i, const char *word, struct ap_err *err) AP_CHECK;

/* What the image has at an absolute path; the last component is not followed, earlier links are. */
enum ap_path_kind ap_inventory_lookup(const struct ap_inventory *i, const char *path);

/* The path with every link on the way resolved (of the parents only): where a file put there really lands.  *out: owned. */
char *ap_inventory_real_parent(const struct ap_inventory *i, const char *path);

/*
 * Visit everything below a directory (not the directory itself), parents
 * first, links not followed; `path` is absolute.  Stops when visit returns
 * false, and then returns false.
 */
bool ap_inventory_walk(const struct ap_inventory *i, const char *dir,
	bool (*visit)(void *ctx, const char *path, enum ap_path_kind kind), void *ctx);

const struct ap_dist *ap_inventory_dist(const struct ap_inventory *i, const char *normalized);

#define AP_INVENTORY_FORMAT "autopack.inventory.v1"

/*
 * As JSON, for `inspect --inventory-out` and `--inventory`; pip inspect's is
 * read too.  Written piece by piece: the memory does not grow with the paths.
 */
int ap_inventory_write(int fd, const struct ap_inventory *i, struct ap_err *err) AP_CHECK;
int ap_inventory_from_json(struct ap_inventory **out, const cJSON *j, struct ap_err *err) AP_CHECK;

void ap_inventory_free(struct ap_inventory *i);

#endif
