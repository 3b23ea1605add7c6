#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>
#include <zstd.h>

#include "base/fs.h"
#include "deps/dists.h"
#include "deps/inventory.h"
#include "deps/layer_scan.h"
#include "deps/paths.h"
#include "deps/unpack.h"

/* ---- layers made here ---- */

struct member {
	const char *path; /* "dir/" is a directory */
	const char *text; /* "-> target" a link, "=> path" a hard link */
	unsigned mode;    /* 0: 0644 or 0755 */
};

#define M(...)                        \
	(const struct member[])       \
	{                             \
		__VA_ARGS__,          \
		{                     \
			NULL, NULL, 0 \
		}                     \
	}

static la_ssize_t to_buf(struct archive *a AP_UNUSED, void *ctx, const void *p, size_t n)
{
	ap_buf_add(ctx, p, n);
	return (la_ssize_t)n;
}

static void make_tar(struct ap_buf *out, const struct member *m, int filter)
{
	struct archive *a = archive_write_new();

	archive_write_set_format_pax_restricted(a);
	archive_write_add_filter(a, filter);
	archive_write_set_bytes_in_last_block(a, 1);
	assert_int_equal(archive_write_open(a, out, NULL, to_buf, NULL), ARCHIVE_OK);
	for (; m->path; m++) {
		struct archive_entry *e = archive_entry_new();
		const char *text = m->text ? m->text : "";

		archive_entry_set_pathname(e, m->path);
		archive_entry_set_perm(e, (mode_t)(m->mode ? m->mode : 0644));
		archive_entry_set_filetype(e, AE_IFREG);
		if (ap_ends_with(m->path, "/")) {
			archive_entry_set_filetype(e, AE_IFDIR);
		} else if (ap_starts_with(text, "-> ")) {
			archive_entry_set_filetype(e, AE_IFLNK);
			archive_entry_set_symlink(e, text + 3);
		} else if (ap_starts_with(text, "=> ")) {
			archive_entry_set_hardlink(e, text + 3);
		} else {
			archive_entry_set_size(e, (la_int64_t)strlen(text));
		}
		assert_true(
			archive_write_header(a, e) >= ARCHIVE_WARN); /* a name that is not UTF-8 */
		if (archive_entry_size(e))
			archive_write_data(a, text, strlen(text));
		archive_entry_free(e);
	}
	archive_write_close(a);
	archive_write_free(a);
}

struct layer {
	struct ap_buf tar;
	struct ap_digest digest;
	unsigned opened;
};

static int open_layer(void *ctx, struct ap_reader **out, struct ap_err *err AP_UNUSED)
{
	struct layer *l = ctx;
	struct ap_reader *inner;

	l->opened++;
	ap_mem_reader(&inner, l->tar.p, l->tar.len);
	ap_verify_reader(out, inner, &l->digest, l->tar.len);
	return 0;
}

#define MAX_LAYERS 8

struct image {
	struct layer layers[MAX_LAYERS];
	struct ap_layer_stream streams[MAX_LAYERS];
	size_t n;
};

static void image_release(struct image *i)
{
	for (size_t k = 0; k < i->n; k++)
		ap_buf_release(&i->layers[k].tar);
}

static void image_add(struct image *i, const struct member *m)
{
	struct layer *l = &i->layers[i->n];

	ap_buf_init(&l->tar, SIZE_MAX / 2);
	make_tar(&l->tar, m, i->n % 2 ? ARCHIVE_FILTER_ZSTD : ARCHIVE_FILTER_GZIP);
	ap_sha256_of(&l->digest, l->tar.p, l->tar.len);
	i->streams[i->n++] = (struct ap_layer_stream){
		.digest = l->digest.s, .size = l->tar.len, .open = open_layer, .ctx = l
	};
}

static void inventory_freep(struct ap_inventory **i)
{
	ap_inventory_free(*i);
}

#define AUTO_IMAGE AP_CLEANUP(image_release) struct image
#define AUTO_INV   AP_CLEANUP(inventory_freep) struct ap_inventory *

static struct ap_inventory *read_with(
	struct image *i, const char *path, const char *word, const char *cache)
{
	struct ap_inventory_opts o = { .env_path = path,
		.interpreter = word,
		.os = "linux",
		.arch = "amd64",
		.cache_dir = cache };
	struct ap_inventory *inv = NULL;
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_inventory_read(&inv, i->streams, i->n, &o, &err), &err);
	return inv;
}

static struct ap_inventory *read_image(struct image *i)
{
	return read_with(i, "/usr/local/bin:/usr/bin:/bin", "python3", NULL);
}

static void write_text(struct ap_buf *text, const struct ap_inventory *inv)
{
	ap_auto_fd int fd = memfd_create("inventory", MFD_CLOEXEC);
	ap_auto_reader r = NULL;
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_inventory_write(fd, inv, &err), &err);
	ap_fd_reader(&r, dup(fd), 0, UINT64_MAX);
	assert_ok(ap_read_all(r, text, &err), &err);
}

static cJSON *as_json(const struct ap_inventory *inv)
{
	ap_auto_buf text = AP_BUF_INIT;
	cJSON *j = NULL;
	struct ap_err err = AP_ERR_INIT;

	write_text(&text, inv);
	assert_ok(ap_json_parse(&j, text.p, text.len, &err), &err);
	return j;
}

static void assert_kinds(
	const struct ap_inventory *inv, const char *const *paths, enum ap_path_kind kind)
{
	for (; *paths; paths++) {
		if (ap_inventory_lookup(inv, *paths) != kind)
			fail_msg("%s is %d, want %d", *paths, (int)ap_inventory_lookup(inv, *paths),
				(int)kind);
	}
}

/* ---- merging ---- */

TEST(inventory_merges_layers_as_an_engine_does)
{
	AUTO_IMAGE i = { 0 };
	AUTO_INV inv = NULL;

	image_add(&i, M({ "usr/bin/", NULL, 0755 }, { "bin", "-> usr/bin", 0 }, { "./a/x", "1", 0 },
			      { "/a/sub/y", "1", 0 }, { "b/old", "1", 0 }, { "b/deep/z", "1", 0 },
			      { "c", "1", 0 }, { "d/f", "1", 0 }, { "e/f", "1", 0 },
			      { "h1", "text", 0 }, { "h2", "=> h1", 0 }, { "abs", "-> /a", 0 }));
	image_add(&i, M({ "bin/tool", "1", 0755 }, { "b/new", "1", 0 }, { "b/.wh..wh..opq", "", 0 },
			      { ".wh.c", "", 0 }, { "a/.wh.sub", "", 0 }, { "d", "now a file", 0 },
			      { "e/", NULL, 0700 }, { ".wh..wh.plnk", "", 0 },
			      { "abs/through", "1", 0 }, { "fresh/dir/file", "1", 0 }));
	inv = read_image(&i);
	assert_kinds(inv,
		(const char *const[]){ "/usr/bin/tool", "/bin/tool", "/b/new", "/a/x", "/d", "/e/f",
			"/h2", "/a/through", "/fresh/dir/file", NULL },
		AP_PATH_FILE);
	assert_kinds(inv, (const char *const[]){ "/usr/bin", "/a", "/e", "/fresh/dir", "/", NULL },
		AP_PATH_DIR);
	assert_kinds(inv, (const char *const[]){ "/bin", "/abs", NULL }, AP_PATH_LINK);
	assert_kinds(inv,
		(const char *const[]){ "/b/old", "/b/deep", "/c", "/a/sub", "/a/sub/y", "/d/f",
			"/.wh.c", "/.wh..wh.plnk", "/b/.wh..wh..opq", "/a/x/y", "/nothing", NULL },
		AP_PATH_NONE);
}

TEST(inventory_lets_a_directory_replace_a_link_and_a_whiteout_spare_its_own_layer)
{
	AUTO_IMAGE i = { 0 };
	AUTO_INV inv = NULL;

	image_add(&i, M({ "t/f", "1", 0 }, { "l", "-> t", 0 }, { "w/old", "1", 0 }));
	image_add(&i, M({ "l/", NULL, 0755 }, { "l/g", "1", 0 }, { "w/new", "1", 0 },
			      { ".wh.w", "", 0 }));
	inv = read_image(&i);
	assert_kinds(inv, (const char *const[]){ "/l/g", "/t/f", "/w/new", NULL }, AP_PATH_FILE);
	assert_kinds(inv, (const char *const[]){ "/t/g", "/l/f", "/w/old", NULL }, AP_PATH_NONE);
}

TEST(inventory_resolves_links_of_parents)
{
	static const char *const cases[][2] = {
		{ "/lib/x/new", "/usr/lib/x/new" },
		{ "/lib", "/lib" },
		{ "/lib/../lib/y", "/usr/lib/y" },
		{ "/rel/q", "/usr/lib/q" },
		{ "/dangling/q", "/not/there/q" },
		{ "/dangling/a/b", "/not/there/a/b" },
		{ "/loop1/q", "/loop1/q" },
		{ "/no/such/dir/", "/no/such/dir" },
		{ "/x", "/x" },
	};
	AUTO_IMAGE i = { 0 };
	AUTO_INV inv = NULL;

	image_add(&i, M({ "usr/lib/x/f", "1", 0 }, { "lib", "-> usr/lib", 0 },
			      { "rel", "-> ./usr/../lib", 0 }, { "dangling", "-> /not/there", 0 },
			      { "loop1", "-> loop2", 0 }, { "loop2", "-> loop1", 0 }));
	inv = read_image(&i);
	for (size_t k = 0; k < AP_LEN(cases); k++) {
		ap_auto_free char *real = ap_inventory_real_parent(inv, cases[k][0]);

		assert_string_equal(real, cases[k][1]);
	}
}

TEST(inventory_refuses_hostile_layers)
{
	static const struct {
		const char *name;
		struct member m[3];
		enum ap_err_code code;
		const char *fails_with;
	} cases[] = {
		{ "dot dot", { { "a/../../x", "1", 0 } }, AP_E_PROTO, "\"..\" in a name" },
		{ "dot dot in a hard link", { { "a", "=> ../x", 0 } }, AP_E_PROTO,
			"\"..\" in a name" },
		{ "hard link to nothing", { { "a", "=> b", 0 } }, AP_E_PROTO,
			"which is not there" },
		{ "below a file", { { "a", "1", 0 }, { "a/b", "1", 0 } }, AP_E_PROTO,
			"parent is no directory" },
		{ "below a circle", { { "a", "-> a", 0 }, { "a/b", "1", 0 } }, AP_E_PROTO,
			"parent is no directory" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t k = 0; k < AP_LEN(cases); k++) {
		AUTO_IMAGE i = { 0 };
		struct ap_inventory *inv = NULL;
		struct ap_inventory_opts o = { .interpreter = "python" };

		print_message("  case: %s\n", cases[k].name);
		image_add(&i, cases[k].m);
		assert_fails(ap_inventory_read(&inv, i.streams, i.n, &o, &err), &err, cases[k].code,
			cases[k].fails_with);
		assert_null(inv);
	}
}

TEST(inventory_refuses_a_layer_that_is_cut_damaged_or_another)
{
	struct ap_err err = AP_ERR_INIT;

	for (int how = 0; how < 4; how++) {
		AUTO_IMAGE i = { 0 };
		struct ap_inventory *inv = NULL;
		struct ap_inventory_opts o = { .interpreter = "python" };
		struct layer *l = &i.layers[0];

		image_add(&i, M({ "a", "some text that is long enough", 0 }, { "b/", NULL, 0 }));
		if (how == 0)
			ap_buf_truncate(&l->tar, l->tar.len - 12);
		else if (how == 1)
			l->tar.p[l->tar.len / 2] ^= 0x40;
		else if (how == 2)
			ap_buf_adds(&l->tar, "more");
		if (how < 3)
			ap_sha256_of(&l->digest, l->tar.p, l->tar.len);
		else
			l->digest.s[10] = l->digest.s[10] == 'a' ? 'b' : 'a';
		assert_fails(ap_inventory_read(&inv, i.streams, i.n, &o, &err), &err,
			how < 3 ? AP_E_PROTO : AP_E_DIGEST, "read the base: layer sha256:");
	}
}

/* ---- the cache ---- */

TEST(inventory_reads_a_layer_once)
{
	ap_auto_free char *cache = unit_tmpdir();
	AUTO_IMAGE i = { 0 };
	AUTO_INV first = NULL;
	AUTO_INV again = NULL;
	AUTO_INV damaged = NULL;
	ap_auto_json a = NULL;
	ap_auto_json b = NULL;
	ap_auto_free char *file = NULL;
	struct ap_err err = AP_ERR_INIT;

	image_add(&i,
		M({ "usr/bin/python3.11", "x\0", 0755 }, { "usr/bin/python3", "-> python3.11", 0 },
			{ "usr/lib/python3.11/os.py", "", 0 },
			{ "usr/lib/python3.11/site-packages/a-1.dist-info/METADATA",
				"Name: a\nVersion: 1\n\nlong", 0 },
			{ "usr/lib/python3.11/site-packages/a-1.dist-info/RECORD",
				"a.py,sha256=x,1\n\"q,\"\"r\",,\n", 0 }));
	image_add(&i,
		M({ "usr/lib/python3.11/.wh.os.py", "", 0 }, { "h", "=> usr/bin/python3.11", 0 }));
	first = read_with(&i, "/usr/bin", "python", cache);
	again = read_with(&i, "/usr/bin", "python", cache);
	assert_int_equal(i.layers[0].opened, 1);
	assert_int_equal(i.layers[1].opened, 1);
	a = as_json(first);
	b = as_json(again);
	assert_true(ap_json_equal(a, b));
	assert_int_equal(first->n_dists, 1);
	assert_string_equal(first->dists[0].files.v[1], "/usr/lib/python3.11/site-packages/q,\"r");

	file = ap_xasprintf("%s/inventory/1/%s", cache, ap_digest_hex(&i.layers[0].digest));
	assert_ok(ap_fs_write(file, "damaged", 7, 0600, &err), &err);
	damaged = read_with(&i, "/usr/bin", "python", cache);
	assert_int_equal(i.layers[0].opened, 2);
	assert_int_equal(damaged->n_dists, 1);
}

TEST(inventory_survives_its_own_json)
{
	AUTO_IMAGE i = { 0 };
	AUTO_INV inv = NULL;
	AUTO_INV back = NULL;
	ap_auto_json a = NULL;
	ap_auto_json b = NULL;
	struct ap_err err = AP_ERR_INIT;

	image_add(&i,
		M({ "usr/bin/python3.11", "x", 0755 }, { "usr/bin/python3", "-> python3.11", 0 },
			{ "usr/lib/python3.11/os.py", "", 0 }, { "empty/", NULL, 0 },
			{ "usr/lib/python3.11/site-packages/A_b-1.dist-info/METADATA",
				"Name: A_b\nVersion: 1\nRequires-Dist: c>1\n", 0 }));
	inv = read_with(&i, "/usr/bin", "python3", NULL);
	a = as_json(inv);
	assert_ok(ap_inventory_from_json(&back, a, &err), &err);
	b = as_json(back);
	assert_true(ap_json_equal(a, b));
	assert_non_null(ap_inventory_dist(back, "a-b"));
	assert_int_equal(ap_inventory_lookup(back, "/usr/bin/python3"), AP_PATH_LINK);
	ap_json_set_str(ap_json_set_object(a, "scheme"), "prefix", "/a/../b");
	ap_inventory_free(back);
	back = NULL;
	assert_fails(
		ap_inventory_from_json(&back, a, &err), &err, AP_E_INPUT, "want an absolute path");
	ap_json_set_str(a, "format", "other");
	assert_fails(
		ap_inventory_from_json(&back, a, &err), &err, AP_E_INPUT, "autopack.inventory.v1");
}

TEST(inventory_writes_names_that_are_not_utf8)
{
	AUTO_IMAGE i = { 0 };
	AUTO_INV inv = NULL;
	AUTO_INV back = NULL;
	ap_auto_json j = NULL;
	struct ap_err err = AP_ERR_INIT;

	image_add(&i, M({ "opt/caf\xe9/x", "", 0 }, { "opt/to", "-> caf\xe9", 0 },
			      { "opt/quote\"\\\x01", "", 0 }));
	inv = read_image(&i);
	j = as_json(inv);
	assert_ok(ap_inventory_from_json(&back, j, &err), &err);
	assert_int_equal(ap_inventory_lookup(back, "/opt/caf%E9/x"), AP_PATH_FILE);
	assert_int_equal(ap_inventory_lookup(back, "/opt/to/x"), AP_PATH_FILE);
	assert_int_equal(ap_inventory_lookup(back, "/opt/quote\"\\\x01"), AP_PATH_FILE);
}

/* A path of n directories "d", at `at`. */
static char *nested(const char *at, size_t n)
{
	struct ap_buf out = AP_BUF_INIT;

	ap_buf_adds(&out, at);
	for (size_t i = 0; i < n; i++)
		ap_buf_adds(&out, "/d");
	return ap_buf_steal(&out);
}

TEST(inventory_reads_back_whatever_depth_it_writes)
{
	static const size_t depths[] = { 59, 60, 61, 62, 63, 64, 200, 2040 };

	for (size_t k = 0; k < AP_LEN(depths); k++) {
		AUTO_IMAGE i = { 0 };
		AUTO_INV inv = NULL;
		AUTO_INV back = NULL;
		ap_auto_free char *dir = nested("opt", depths[k]);
		ap_auto_free char *file = ap_xasprintf("%s/file", dir);
		ap_auto_free char *link = ap_xasprintf("%s/link", dir);
		ap_auto_free char *empty = ap_xasprintf("%s/empty/", dir);
		ap_auto_free char *found = ap_xasprintf("/%s/link/x/y", dir);
		ap_auto_buf a = AP_BUF_INIT;
		ap_auto_buf b = AP_BUF_INIT;
		ap_auto_json j = NULL;
		struct ap_err err = AP_ERR_INIT;

		print_message("  case: %zu\n", depths[k]);
		image_add(&i, M({ file, "1", 0 }, { link, "-> /srv", 0 }, { empty, NULL, 0 },
				      { "srv/x/y", "", 0 }));
		inv = read_image(&i);
		write_text(&a, inv);
		j = as_json(inv);
		assert_ok(ap_inventory_from_json(&back, j, &err), &err);
		assert_int_equal(ap_inventory_lookup(back, found), AP_PATH_FILE);
		write_text(&b, back);
		assert_string_equal(a.p, b.p);
	}
}

TEST(inventory_has_no_path_that_no_system_could_name)
{
	AUTO_IMAGE i = { 0 };
	ap_auto_free char *deep = nested("a", 2000);
	ap_auto_free char *at = ap_xasprintf("-> /%s", deep);
	ap_auto_free char *beyond = nested("to", 100);
	struct ap_inventory_opts o = { .interpreter = "python" };
	struct ap_inventory *inv = NULL;
	struct ap_err err = AP_ERR_INIT;

	image_add(&i, M({ deep, "", 0 }, { "to", at, 0 }));
	image_add(&i, M({ "a/.wh.d", "", 0 }, { beyond, "", 0 }));
	assert_fails(ap_inventory_read(&inv, i.streams, i.n, &o, &err), &err, AP_E_LIMIT,
		"more than 4096 bytes");
}

static char *pip_of(const struct ap_inventory *inv)
{
	ap_auto_free char *settings = ap_strv_join(&inv->pip.settings, " ");
	ap_auto_free char *limits = ap_strv_join(&inv->pip.constraints, " ");

	return ap_xasprintf("%s | %s | %s", settings, limits, inv->pip.error ? inv->pip.error : "");
}

TEST(inventory_tells_what_pip_in_the_image_is_told)
{
	static char v0[] = "PIP_CONSTRAINT=/opt/a.list", v1[] = "HOME=/data";
	char *vars[] = { v0, v1 };
	struct ap_strv env = { .v = vars, .n = 2 };
	struct ap_inventory_opts o = {
		.env_path = "/usr/bin", .interpreter = "python3", .env = &env
	};
	AUTO_IMAGE i = { 0 };
	AUTO_INV inv = NULL;
	AUTO_INV back = NULL;
	ap_auto_json j = NULL;
	ap_auto_free char *a = NULL;
	ap_auto_free char *b = NULL;
	struct ap_err err = AP_ERR_INIT;

	image_add(&i,
		M({ "usr/bin/python3.11", "x", 0755 }, { "usr/bin/python3", "-> python3.11", 0 },
			{ "usr/lib/python3.11/os.py", "", 0 }, { "opt/b", "y<1\n", 0 },
			{ "etc/pip.conf", "[global]\nno-index = 1\n", 0 },
			{ "usr/pip.conf", "[install]\nindex-url = https://me:geheim@h/s\n", 0 }));
	image_add(
		&i, M({ "opt/a.list",
			      "# pins\nx == 2 # two\n-c b\n--extra-index-url https://me@i/s\n", 0 },
			    { "etc/.wh.pip.conf", "", 0 },
			    { "data/.config/pip/pip.conf", "[global]\npre: yes\nquiet = 1\n", 0 }));
	assert_ok(ap_inventory_read(&inv, i.streams, i.n, &o, &err), &err);
	a = pip_of(inv);
	assert_string_equal(a,
		"/data/.config/pip/pip.conf pre yes /usr/pip.conf index-url https://@h/s "
		"/opt/a.list:4 extra-index-url https://@i/s"
		" | /opt/a.list:2 x == 2 /opt/b:1 y<1 | ");
	j = as_json(inv);
	assert_ok(ap_inventory_from_json(&back, j, &err), &err);
	b = pip_of(back);
	assert_string_equal(a, b);
	assert_true(back->pip.known);
	assert_int_equal(i.layers[0].opened + i.layers[1].opened, 2);
}

static int is_kept(void *ctx, const struct ap_path_op *op, struct ap_err *err AP_UNUSED)
{
	*(bool *)ctx = op->content != NULL;
	return 0;
}

TEST(inventory_keeps_what_begins_as_a_list_of_requirements)
{
	static const struct {
		const char *path, *text;
		bool kept;
	} cases[] = {
		{ "a", "x==1", true },
		{ "a", "\n# pins\n\r\n  X.y_z[a,b] >= 2.0 # two\r\nz\n", true },
		{ "a", "x @ https://h/x.whl", true },
		{ "a", "x===1", true },
		{ "a", "-c other", true },
		{ "a", "--index-url https://h", true },
		{ "a", "# only this", false },
		{ "a", "x", false },
		{ "a", "x = 1", false },
		{ "a", "x <b>", false },
		{ "a", "x[y", false },
		{ "a", "return <<'END';", false },
		{ "a", "ACTION==\"add\"", false },
		{ "a", "me @ home", false },
		{ "a", "---\nx: 1", false },
		{ "a", "-1 5:2.5", false },
		{ "a", "==1", false },
		{ "etc/pip/what", "", true },
		{ "opt/pip.conf", "", true },
		{ "opt/x-constraints.txt", "# only this", true },
		{ "opt/notes.txt", "# only this", false },
	};

	for (size_t k = 0; k < AP_LEN(cases); k++) {
		AUTO_IMAGE i = { 0 };
		struct ap_reader *r;
		struct ap_err err = AP_ERR_INIT;
		bool kept = false;

		print_message("  case: %s: %s\n", cases[k].path, cases[k].text);
		image_add(&i, M({ cases[k].path, cases[k].text, 0 }));
		assert_ok(i.streams[0].open(i.streams[0].ctx, &r, &err), &err);
		assert_ok(ap_layer_scan(r, NULL, is_kept, &kept, &err), &err);
		assert_int_equal(kept, cases[k].kept);
	}
}

static int no_op(
	void *ctx AP_UNUSED, const struct ap_path_op *op AP_UNUSED, struct ap_err *err AP_UNUSED)
{
	return 0;
}

TEST(inventory_record_of_a_layer_is_whole)
{
	ap_auto_buf record = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;
	size_t whole;

	ap_layer_record_begin(&record);
	ap_layer_record_add(&record, &(struct ap_path_op){ .type = AP_OP_FILE, .path = "a/b" });
	whole = record.len;
	assert_ok(ap_layer_record_replay(record.p, whole, no_op, NULL, &err), &err);
	assert_fails(ap_layer_record_replay(record.p, 3, no_op, NULL, &err), &err, AP_E_PROTO,
		"not the record of a layer");
	assert_fails(ap_layer_record_replay(record.p + 1, whole - 1, no_op, NULL, &err), &err,
		AP_E_PROTO, "not the record of a layer");
	assert_fails(ap_layer_record_replay(record.p, whole - 1, no_op, NULL, &err), &err,
		AP_E_PROTO, "damaged record");
	ap_buf_addc(&record, 0x7f);
	ap_buf_add(&record, "\0\0", 3);
	assert_fails(ap_layer_record_replay(record.p, record.len, no_op, NULL, &err), &err,
		AP_E_PROTO, "damaged record");
}

TEST(inventory_from_json_believes_nothing)
{
	static const struct {
		const char *in, *fails_with;
	} cases[] = {
		{ "{\"format\":\"autopack.inventory.v1\"}", "inventory" },
		{ "{\"format\":\"autopack.inventory.v1\",\"os\":\"linux\",\"arch\":\"amd64\","
		  "\"distributions\":[{\"version\":\"1\"}]}",
			"a distribution without name or version" },
		{ "{\"format\":\"autopack.inventory.v1\",\"os\":\"linux\",\"arch\":\"amd64\","
		  "\"distributions\":[{\"name\":\"../x\",\"version\":\"1\"}]}",
			"a distribution without name or version" },
		{ "{\"format\":\"autopack.inventory.v1\",\"os\":\"linux\",\"arch\":\"amd64\","
		  "\"tree\":{\"..\":{}}}",
			"a name that is none" },
		{ "{\"format\":\"autopack.inventory.v1\",\"os\":\"linux\",\"arch\":\"amd64\","
		  "\"tree\":{\"a//b\":{}}}",
			"a name that is none" },
		{ "{\"format\":\"autopack.inventory.v1\",\"os\":\"linux\",\"arch\":\"amd64\","
		  "\"tree\":{\"a/../b\":{}}}",
			"a name that is none" },
		{ "{\"format\":\"autopack.inventory.v1\",\"os\":\"linux\",\"arch\":\"amd64\","
		  "\"tree\":{\"/a\":{}}}",
			"a name that is none" },
		{ "{\"format\":\"autopack.inventory.v1\",\"os\":\"linux\",\"arch\":\"amd64\","
		  "\"pip\":{\"known\":true,\"settings\":[\"/etc/pip.conf\",\"pre\"]}}",
			"by threes" },
		{ "{\"format\":\"autopack.inventory.v1\",\"os\":\"linux\",\"arch\":\"amd64\","
		  "\"pip\":{\"known\":true,\"constraints\":[\"x<1\"]}}",
			"by twos" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_err err = AP_ERR_INIT;
		struct ap_inventory *inv = NULL;
		ap_auto_json j = NULL;

		print_message("  case: %s\n", cases[i].in);
		assert_ok(ap_json_parse(&j, cases[i].in, strlen(cases[i].in), &err), &err);
		assert_fails(ap_inventory_from_json(&inv, j, &err), &err, AP_E_INPUT,
			cases[i].fails_with);
		assert_null(inv);
	}
}

TEST(python_must_be_one_that_wheels_are_for)
{
	char pypy[] = "pypy", cpython[] = "cpython";
	char where[] = "/usr/bin/python3";
	struct ap_inventory inv = { .has_python3 = true,
		.python_path = where,
		.implementation = pypy,
		.py_major = 3,
		.py_minor = 11 };
	struct ap_err err = AP_ERR_INIT;

	assert_fails(ap_inventory_need_python(&inv, &err), &err, AP_E_UNSUPPORTED, "CPython only");
	inv.implementation = cpython;
	assert_ok(ap_inventory_need_python(&inv, &err), &err);
	inv.py_minor = 5;
	assert_fails(ap_inventory_need_python(&inv, &err), &err, AP_E_UNSUPPORTED, "3.5");
	inv.has_python3 = false;
	assert_fails(
		ap_inventory_need_python(&inv, &err), &err, AP_E_UNSUPPORTED, "neither python");
}

TEST(inventory_has_no_endless_names)
{
	static char name[4098], link[4101] = "-> ";
	const struct member names[][2] = { { { name, "1", 0 } }, { { "a", link, 0 } } };
	struct ap_err err = AP_ERR_INIT;

	memset(name, 'a', sizeof(name) - 1);
	memset(link + 3, 'a', sizeof(link) - 4);
	for (size_t k = 0; k < AP_LEN(names); k++) {
		AUTO_IMAGE i = { 0 };
		struct ap_inventory *inv = NULL;
		struct ap_inventory_opts o = { .interpreter = "python" };

		image_add(&i, names[k]);
		assert_int_equal(ap_inventory_read(&inv, i.streams, i.n, &o, &err), -1);
		ap_err_clear(&err);
	}
}

TEST(inventory_of_one_word_serves_the_other_where_both_are_one_python)
{
	AUTO_IMAGE i = { 0 };
	AUTO_INV inv = NULL;
	struct ap_err err = AP_ERR_INIT;

	image_add(&i,
		M({ "usr/bin/python3.11", "x", 0755 }, { "usr/bin/python3", "-> python3.11", 0 },
			{ "usr/lib/python3.11/os.py", "", 0 }, { "opt/v/pyvenv.cfg", "", 0 },
			{ "opt/v/bin/python3", "-> python", 0 },
			{ "opt/v/bin/python", "-> /usr/bin/python3", 0 }));
	inv = read_with(&i, "/opt/v/bin:/usr/bin", "python3", NULL);
	assert_string_equal(inv->scheme.interpreter, "/opt/v/bin/python3");
	assert_ok(ap_inventory_use_word(inv, "python", &err), &err);
	assert_string_equal(inv->scheme.interpreter, "/opt/v/bin/python");
	ap_inventory_free(inv);
	/* The words lead to one file, and yet only one of them is the virtual environment's. */
	image_add(&i, M({ "opt/v/bin/.wh.python3", "", 0 }));
	inv = read_with(&i, "/opt/v/bin:/usr/bin", "python", NULL);
	assert_fails(ap_inventory_use_word(inv, "python3", &err), &err, AP_E_INPUT,
		"is of /opt/v/bin/python, the entry point's \"python3\" is /usr/bin/python3");
}

/* ---- which Python ---- */

#define DIST(dir, name, version)                                    \
	{                                                           \
		dir "/" name "-" version ".dist-info/METADATA",     \
			"Name: " name "\nVersion: " version "\n", 0 \
	}

TEST(python_of_debian_installs_below_usr_local)
{
	AUTO_IMAGE i = { 0 };
	AUTO_INV inv = NULL;

	image_add(&i, M({ "etc/os-release", "ID=debian\n", 0 }, { "usr/bin/python3.11", "x", 0755 },
			      { "usr/bin/python3", "-> python3.11", 0 },
			      { "etc/alternatives/py", "-> /usr/bin/python3", 0 },
			      { "usr/bin/python", "-> /etc/alternatives/py", 0 },
			      { "usr/lib/python3.11/os.py", "", 0 },
			      { "usr/lib/python3.11/EXTERNALLY-MANAGED", "", 0 },
			      DIST("usr/lib/python3/dist-packages", "apt-owned", "1.0"),
			      DIST("usr/lib/python3/dist-packages", "both", "1.0"),
			      DIST("usr/local/lib/python3.11/dist-packages", "both", "2.0"),
			      { "usr/lib/python3/dist-packages/egg-3.egg-info",
				      "Name: egg\nVersion: 3\n", 0 }));
	inv = read_with(&i, "/usr/local/bin:/usr/bin", "python", NULL);
	assert_string_equal(inv->python_path, "/usr/bin/python3.11");
	assert_string_equal(inv->scheme.interpreter, "/usr/bin/python");
	assert_string_equal(inv->scheme.prefix, "/usr/local");
	assert_string_equal(inv->scheme.purelib, "/usr/local/lib/python3.11/dist-packages");
	assert_string_equal(inv->scheme.scripts, "/usr/local/bin");
	assert_string_equal(inv->scheme.headers, "/usr/include/python3.11");
	assert_true(inv->externally_managed && !inv->venv && inv->has_python && inv->has_python3);
	assert_int_equal(inv->n_dists, 3);
	assert_false(ap_inventory_dist(inv, "apt-owned")->removable);
	assert_false(ap_inventory_dist(inv, "egg")->removable);
	assert_true(ap_inventory_dist(inv, "both")->removable);
	assert_string_equal(ap_inventory_dist(inv, "both")->version, "2.0");
}

TEST(python_of_a_venv_on_the_path_is_the_venv)
{
	AUTO_IMAGE i = { 0 };
	AUTO_INV inv = NULL;

	image_add(&i,
		M({ "usr/bin/python3.9", "x", 0755 }, { "usr/lib/python3.9/os.py", "", 0 },
			{ "opt/venv/pyvenv.cfg",
				"home = /usr/bin\ninclude-system-site-packages = true\nversion = 3.9.5\n",
				0 },
			{ "opt/venv/bin/python3", "-> /usr/bin/python3.9", 0 },
			DIST("opt/venv/lib/python3.9/site-packages", "mine", "1"),
			DIST("usr/lib/python3.9/site-packages", "theirs", "1")));
	inv = read_with(&i, "/opt/venv/bin:/usr/bin", "python3", NULL);
	assert_true(inv->venv);
	assert_int_equal(inv->py_minor, 9);
	assert_int_equal(inv->py_micro, 5);
	assert_string_equal(inv->scheme.purelib, "/opt/venv/lib/python3.9/site-packages");
	assert_string_equal(inv->scheme.headers, "/opt/venv/include/site/python3.9");
	assert_string_equal(inv->scheme.interpreter, "/opt/venv/bin/python3");
	assert_true(ap_inventory_dist(inv, "mine")->removable);
	assert_false(ap_inventory_dist(inv, "theirs")->removable);
	assert_false(inv->has_python);
}

TEST(python_of_conda_alpine_and_fedora_is_understood)
{
	static const struct {
		const char *name, *path, *bin, *link, *os, *stdlib, *libc, *libc_text, *site,
			*platlib;
		unsigned minor;
	} cases[] = {
		{ "conda", "/opt/conda/bin:/usr/bin", "opt/conda/bin/python3.10",
			"opt/conda/bin/python3", "ID=debian\n", "opt/conda/lib/python3.10/os.py",
			"lib/x86_64-linux-gnu/libc.so.6",
			"GNU C Library (Debian GLIBC 2.31-13) stable release version 2.31.\n",
			"/opt/conda/lib/python3.10/site-packages",
			"/opt/conda/lib/python3.10/site-packages", 10 },
		{ "alpine", "/usr/bin", "usr/bin/python3.12", "usr/bin/python3", "ID=alpine\n",
			"usr/lib/python3.12/os.py", "lib/ld-musl-x86_64.so.1", NULL,
			"/usr/lib/python3.12/site-packages", "/usr/lib/python3.12/site-packages",
			12 },
		{ "fedora", "/usr/bin", "usr/bin/python3.12", "usr/bin/python3", "ID=fedora\n",
			"usr/lib64/python3.12/os.py", "lib64/libc.so.6",
			"GNU C Library (GNU libc) stable release version 2.39.\n",
			"/usr/local/lib/python3.12/site-packages",
			"/usr/local/lib64/python3.12/site-packages", 12 },
	};

	for (size_t k = 0; k < AP_LEN(cases); k++) {
		AUTO_IMAGE i = { 0 };
		AUTO_INV inv = NULL;
		ap_auto_free char *target = ap_xasprintf("-> %s", strrchr(cases[k].bin, '/') + 1);

		print_message("  case: %s\n", cases[k].name);
		image_add(&i,
			M({ cases[k].bin, "x", 0755 }, { cases[k].link, target, 0 },
				{ "etc/os-release", cases[k].os, 0 }, { cases[k].stdlib, "", 0 },
				{ cases[k].libc, cases[k].libc_text ? cases[k].libc_text : "x",
					0 }));
		inv = read_with(&i, cases[k].path, "python3", NULL);
		assert_int_equal(inv->py_minor, cases[k].minor);
		assert_string_equal(inv->scheme.purelib, cases[k].site);
		assert_string_equal(inv->scheme.platlib, cases[k].platlib);
		if (cases[k].libc_text) {
			assert_string_equal(inv->libc, "glibc");
			assert_int_equal(inv->libc_minor, k == 0 ? 31 : 39);
		}
	}
}

TEST(python_is_taken_from_the_first_directory_of_the_path_that_can_run_it)
{
	AUTO_IMAGE i = { 0 };
	AUTO_INV inv = NULL;
	AUTO_INV none = NULL;
	struct ap_err err = AP_ERR_INIT;

	image_add(&i, M({ "a/python3", "not executable", 0644 }, { "b/python3", "-> nowhere", 0 },
			      { "c/python3/", NULL, 0755 }, { "d/bin/python3.8", "x", 0755 },
			      { "d/bin/python3", "-> python3.8", 0 },
			      { "d/lib/python3.8/os.py", "", 0 }));
	inv = read_with(&i, "relative:/a:/b:/c:/d/bin/", "python", NULL);
	assert_string_equal(inv->scheme.interpreter, "/d/bin/python3");
	assert_false(inv->has_python);
	assert_ok(ap_inventory_need_python(inv, &err), &err);
	none = read_with(&i, "/a:/b", "python", NULL);
	assert_fails(ap_inventory_need_python(none, &err), &err, AP_E_UNSUPPORTED,
		"neither python nor python3");
}

TEST(versions_are_found_in_binaries)
{
	static const struct {
		const char *name, *bytes;
		size_t n;
		const char *version;
	} cases[] = {
#define B(s) s, sizeof(s) - 1
		{ "python3.11",
			B("x\0"
			  "3.11\0 3.9.1\0\0"
			  "3.11.2\0y"),
			"3.11.2" },
		{ "libpython3.13.so.1.0",
			B("\0"
			  "3.13.0rc2\0"),
			"3.13.0" },
		{ "python3",
			B("\0"
			  "3.12.1+\0"),
			"3.12.1" },
		{ "libc.so.6",
			B("GNU C Library (Ubuntu GLIBC 2.35-0) stable release version 2.35.\n"),
			"glibc 2.35" },
		{ "ld-musl-x86_64.so.1",
			B("\0"
			  "1.1\0\0"
			  "1.2.4\0"),
			"musl 1.2.4" },
		{ "python3.11",
			B("\0"
			  "3.11.2 and more\0"),
			NULL },
		{ "libc.so.6", B("release version 2."), NULL },
	};

	for (size_t k = 0; k < AP_LEN(cases); k++) {
		ap_auto_buf out = AP_BUF_INIT;
		bool found = ap_scan_version(&out, cases[k].name, cases[k].bytes, cases[k].n);

		assert_int_equal(found, cases[k].version != NULL);
		if (found)
			assert_string_equal(out.p, cases[k].version);
	}
}

TEST(distributions_without_record_name_what_pip_would_remove)
{
	static const char site[] = "/usr/lib/python3.11/site-packages";
	AUTO_IMAGE i = { 0 };
	AUTO_INV inv = NULL;
	const struct ap_dist *d;

	image_add(&i,
		M({ "usr/bin/python3.11", "x", 0755 }, { "usr/bin/python3", "-> python3.11", 0 },
			{ "usr/lib/python3.11/os.py", "", 0 },
			{ "usr/lib/python3.11/site-packages/old-1.egg-info/PKG-INFO",
				"Name: old\nVersion: 1\n", 0 },
			{ "usr/lib/python3.11/site-packages/old-1.egg-info/installed-files.txt",
				"../old/__init__.py\nPKG-INFO\n", 0 },
			{ "usr/lib/python3.11/site-packages/top-2-py3.11.egg-info/top_level.txt",
				"top\n", 0 },
			{ "usr/lib/python3.11/site-packages/top.py", "", 0 },
			{ "usr/lib/python3.11/site-packages/none-3.dist-info/INSTALLER", "conda\n",
				0 },
			{ "usr/lib/python3.11/site-packages/~broken-1.dist-info/METADATA", "",
				0 }));
	inv = read_image(&i);
	assert_int_equal(inv->n_dists, 3);
	d = ap_inventory_dist(inv, "old");
	assert_int_equal(d->files.n, 2);
	assert_string_equal(d->files.v[0], "/usr/lib/python3.11/site-packages/old/__init__.py");
	d = ap_inventory_dist(inv, "top");
	assert_string_equal(d->version, "2");
	assert_int_equal(d->files.n, 1);
	assert_string_equal(d->site, site);
	d = ap_inventory_dist(inv, "none");
	assert_string_equal(d->installer, "conda");
	assert_false(d->has_record);
}

/* ---- unpacking ---- */

static void compress_to(struct ap_buf *out, const char *p, size_t n, int filter)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();

	archive_write_set_format_raw(a);
	archive_write_add_filter(a, filter);
	archive_write_set_bytes_in_last_block(a, 1);
	archive_write_open(a, out, NULL, to_buf, NULL);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_write_header(a, e);
	archive_write_data(a, p, n);
	archive_entry_free(e);
	archive_write_close(a);
	archive_write_free(a);
}

static int unpack(struct ap_buf *out, const struct ap_buf *in, uint64_t limit, struct ap_err *err)
{
	ap_auto_reader r = NULL;
	struct ap_reader *inner;

	ap_mem_reader(&inner, in->p, in->len);
	if (ap_unpack_reader(&r, inner, limit, err) < 0)
		return -1;
	return ap_read_all(r, out, err);
}

TEST(unpack_joins_members_and_stops_at_damage)
{
	static const int filters[] = { ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf plain = AP_BUF_INIT;

	for (int k = 0; k < 100000; k++)
		ap_buf_addf(&plain, "%d,", k * 7919 % 10007);
	for (size_t f = 0; f < AP_LEN(filters); f++) {
		ap_auto_buf packed = AP_BUF_INIT;
		ap_auto_buf out = AP_BUF_INIT;
		ap_auto_buf none = AP_BUF_INIT;

		compress_to(&packed, plain.p, plain.len, filters[f]);
		compress_to(&packed, "tail", 4, filters[f]);
		assert_ok(unpack(&out, &packed, UINT64_MAX, &err), &err);
		assert_int_equal(out.len, plain.len + 4);
		assert_memory_equal(out.p, plain.p, plain.len);
		assert_string_equal(out.p + plain.len, "tail");
		assert_fails(
			unpack(&none, &packed, 1000, &err), &err, AP_E_PROTO, "more than 1000");
		for (size_t cut = 1; cut < 12; cut++) {
			ap_buf_truncate(&packed, packed.len - 1);
			assert_fails(
				unpack(&none, &packed, UINT64_MAX, &err), &err, AP_E_PROTO, "");
		}
	}
}

TEST(unpack_refuses_damaged_data_and_goes_on_refusing)
{
	static const int filters[] = { ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD };
	static const char *const words[] = { "gzip: damaged data", "zstd: " };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf plain = AP_BUF_INIT;

	for (int k = 0; k < 100000; k++)
		ap_buf_addf(&plain, "%d,", k * 7919 % 10007);
	for (size_t f = 0; f < AP_LEN(filters); f++) {
		ap_auto_buf packed = AP_BUF_INIT;
		ap_auto_buf out = AP_BUF_INIT;
		ap_auto_reader r = NULL;
		struct ap_reader *inner;

		compress_to(&packed, plain.p, plain.len, filters[f]);
		memset(packed.p + 12, 0xff, packed.len / 4);
		ap_mem_reader(&inner, packed.p, packed.len);
		assert_ok(ap_unpack_reader(&r, inner, UINT64_MAX, &err), &err);
		assert_fails(ap_read_all(r, &out, &err), &err, AP_E_PROTO, words[f]);
		assert_fails(ap_read_all(r, &out, &err), &err, AP_E_PROTO, "has failed before");
	}
}

TEST(inventory_records_are_kept_under_a_digest_only)
{
	static const char *const names[] = { "sha256:../../x", "../x", "", "sha256:AB" };
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(names); i++) {
		ap_auto_buf record = AP_BUF_INIT;

		print_message("  case: \"%s\"\n", names[i]);
		assert_fails(ap_inventory_keep_record(&record, dir, names[i], &err), &err, AP_E_IO,
			"no cache");
		assert_false(ap_inventory_has_record(dir, names[i]));
		assert_false(ap_inventory_load_record(&record, dir, names[i]));
	}
}
