#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "pack/tree.h"

static void put(const char *dir, const char *name, const char *text, mode_t mode)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *path = ap_fs_join(dir, name);
	ap_auto_free char *up = ap_xstrndup(path, (size_t)(strrchr(path, '/') - path));

	assert_ok(ap_fs_mkdirs(up, 0755, &err), &err);
	assert_ok(ap_fs_write(path, text, strlen(text), mode, &err), &err);
}

static void put_link(const char *dir, const char *name, const char *target)
{
	ap_auto_free char *path = ap_fs_join(dir, name);

	assert_int_equal(symlink(target, path), 0);
}

struct walked {
	struct ap_local_root *root;
	struct ap_ignore *ignore;
	struct ap_strv left;
	struct ap_walk walk;
	struct ap_tree tree;
};

static void walked_release(struct walked *w)
{
	ap_tree_release(&w->tree);
	ap_local_root_unref(w->root);
	ap_ignore_free(w->ignore);
	ap_strv_release(&w->left);
}

static int walk(struct walked *w, const char *dir, const char *path, struct ap_err *err)
{
	*w = (struct walked){ 0 };
	assert_ok(ap_local_root_open(&w->root, dir, err), err);
	assert_ok(ap_ignore_load(&w->ignore, dir, NULL, err), err);
	w->walk = (struct ap_walk){
		.root = w->root,
		.ignore = w->ignore,
		.prefix = "usr/app",
		.left = &w->left,
	};
	if (ap_walk_add(&w->tree, &w->walk, path, 0, err) < 0)
		return -1;
	ap_tree_sort(&w->tree);
	return 0;
}

static char *list(const struct ap_tree *t)
{
	ap_auto_buf b = AP_BUF_INIT;

	for (size_t i = 0; i < t->n; i++)
		ap_buf_addf(&b, "%s%s%s:%o", i ? " " : "", t->v[i].path,
			t->v[i].type == AP_ENTRY_DIR       ? "/"
			: t->v[i].type == AP_ENTRY_SYMLINK ? "@"
							   : "",
			t->v[i].mode);
	return ap_buf_steal(&b);
}

TEST(tree_has_normal_modes_and_nothing_that_never_belongs_there)
{
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_err err = AP_ERR_INIT;
	AP_CLEANUP(walked_release) struct walked w = { 0 };

	put(dir, "t/task.py", "x", 0600);
	put(dir, "t/run.sh", "x", 0711);
	put(dir, "t/__pycache__/task.pyc", "x", 0644);
	put(dir, "t/.git/config", "x", 0644);
	put(dir, "t/env/pyvenv.cfg", "x", 0644);
	put(dir, "t/env/bin/python", "x", 0755);
	put(dir, "t/sub/.git", "gitdir: elsewhere", 0644);
	put(dir, "other/x", "x", 0644);
	assert_ok(walk(&w, dir, "t", &err), &err);
	{
		ap_auto_free char *have = list(&w.tree);
		ap_auto_free char *left = ap_strv_join(&w.left, " ");

		assert_string_equal(have,
			"usr/app/t/:755 usr/app/t/run.sh:755 usr/app/t/sub/:755 usr/app/t/task.py:644");
		assert_string_equal(left, "t/.git/ t/__pycache__/ t/env/ t/sub/.git");
		assert_int_equal(w.walk.n_left, 4);
	}
}

TEST(tree_finds_what_an_exception_brings_back)
{
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_err err = AP_ERR_INIT;
	AP_CLEANUP(walked_release) struct walked w = { 0 };

	put(dir, ".dockerignore", "**/data\n!**/data/keep.txt\n", 0644);
	put(dir, "data/keep.txt", "x", 0644);
	put(dir, "data/drop.txt", "x", 0644);
	put(dir, "a/data/drop.txt", "x", 0644);
	assert_ok(walk(&w, dir, "", &err), &err);
	{
		ap_auto_free char *have = list(&w.tree);

		assert_string_equal(have,
			"usr/app/.dockerignore:644 usr/app/a/:755 usr/app/data/:755 usr/app/data/keep.txt:644");
	}
}

TEST(tree_keeps_links_and_refuses_those_that_leave)
{
	static const struct {
		const char *name, *target;
		bool ok;
	} cases[] = {
		{ "beside it", "task.py", true },
		{ "up, but inside", "../other", true },
		{ "absolute", "/etc/passwd", false },
		{ "above the working directory", "../../x", false },
		{ "above it and back", "../../t/task.py", false },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *dir = unit_tmpdir();
		struct ap_err err = AP_ERR_INIT;
		AP_CLEANUP(walked_release) struct walked w = { 0 };

		print_message("  case: %s\n", cases[i].name);
		put(dir, "t/task.py", "x", 0644);
		put_link(dir, "t/link", cases[i].target);
		if (!cases[i].ok) {
			assert_fails(
				walk(&w, dir, "t", &err), &err, AP_E_INPUT, "t/link: the link to");
			continue;
		}
		assert_ok(walk(&w, dir, "t", &err), &err);
		assert_string_equal(w.tree.v[1].path, "usr/app/t/link");
		assert_string_equal(w.tree.v[1].target, cases[i].target);
	}
}

TEST(tree_follows_a_named_link_only_inside_the_root)
{
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_err err = AP_ERR_INIT;
	AP_CLEANUP(walked_release) struct walked w = { 0 };
	AP_CLEANUP(walked_release) struct walked away = { 0 };

	put(dir, "real/task.py", "x", 0644);
	put_link(dir, "t", "real");
	put_link(dir, "away", "/etc");
	put_link(dir, "loop", "loop");
	assert_ok(walk(&w, dir, "t", &err), &err);
	{
		ap_auto_free char *have = list(&w.tree);

		assert_string_equal(have, "usr/app/t/:755 usr/app/t/task.py:644");
	}
	assert_fails(walk(&away, dir, "away", &err), &err, AP_E_INPUT, "outside");
	walked_release(&away);
	assert_fails(walk(&away, dir, "loop", &err), &err, AP_E_INPUT, "too many links");
}

TEST(tree_refuses_what_no_image_can_hold)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *fifo = ap_fs_join(dir, "fifo");
	struct ap_err err = AP_ERR_INIT;
	AP_CLEANUP(walked_release) struct walked w = { 0 };

	assert_int_equal(mkfifo(fifo, 0644), 0);
	assert_fails(walk(&w, dir, "", &err), &err, AP_E_INPUT, "fifo is a FIFO");
	walked_release(&w);
	assert_fails(walk(&w, dir, "fifo", &err), &err, AP_E_INPUT, "fifo is a FIFO");
	walked_release(&w);
	unlink(fifo);
	put(dir, "a/.wh.b", "x", 0644);
	assert_fails(walk(&w, dir, "", &err), &err, AP_E_INPUT, "a/.wh.b");
	walked_release(&w);
	put(dir, ".dockerignore", "a/.wh.*\n", 0644);
	assert_ok(walk(&w, dir, "", &err), &err);
	walked_release(&w);
	put(dir, "\xff", "x", 0644);
	assert_fails(walk(&w, dir, "", &err), &err, AP_E_INPUT, "not UTF-8");
}

/* Directories inside each other, deeper than one path can say. */
static void nest(const char *dir, const char *name, unsigned n)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (unsigned i = 0; i < n; i++) {
		int down;

		assert_int_equal(mkdirat(fd, name, 0755), 0);
		down = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(down >= 0);
		close(fd);
		fd = down;
	}
	close(fd);
}

TEST(tree_has_limits)
{
	ap_auto_free char *deep = unit_tmpdir();
	ap_auto_free char *longer = unit_tmpdir();
	ap_auto_free char *many = unit_tmpdir();
	ap_auto_free char *name = ap_xmalloc(201);
	struct ap_err err = AP_ERR_INIT;
	AP_CLEANUP(walked_release) struct walked w = { 0 };

	memset(name, 'n', 200);
	name[200] = '\0';
	nest(deep, "d", AP_WALK_DEPTH);
	assert_ok(walk(&w, deep, "", &err), &err);
	walked_release(&w);
	assert_ok(ap_fs_remove_tree(deep, &err), &err);
	assert_ok(ap_fs_mkdirs(deep, 0755, &err), &err);
	nest(deep, "d", AP_WALK_DEPTH + 1);
	assert_fails(walk(&w, deep, "", &err), &err, AP_E_LIMIT, "deeper than 200");
	walked_release(&w);
	nest(longer, name, 20);
	assert_fails(walk(&w, longer, "", &err), &err, AP_E_LIMIT, "the path is too long");
	walked_release(&w);
	put(many, "f", "x", 0644);
	assert_ok(walk(&w, many, "", &err), &err);
	w.walk.n_entries = AP_WALK_ENTRIES;
	assert_fails(ap_walk_add(&w.tree, &w.walk, "", 0, &err), &err, AP_E_LIMIT,
		"more than 2000000 files");
}

static const struct ap_content *content_of(const struct walked *w, const char *path)
{
	const struct ap_entry *e = ap_tree_find(&w->tree, path);

	assert_non_null(e);
	return e->content;
}

static int read_content(const struct ap_content *c, struct ap_err *err)
{
	ap_auto_reader r = NULL;
	ap_auto_buf all = AP_BUF_INIT;

	if (c->ops->open(c, &r, err) < 0)
		return -1;
	return ap_read_all(r, &all, err);
}

TEST(content_that_changed_since_the_walk_is_refused)
{
	static const struct {
		const char *name;
		const char *text;
		bool replace, remove;
	} cases[] = {
		{ "grown", "hello, world", false, false },
		{ "shrunk", "h", false, false },
		{ "another file of the same size", "HELLO", true, false },
		{ "a link in its place", NULL, true, false },
		{ "gone", NULL, false, true },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *dir = unit_tmpdir();
		ap_auto_free char *path = ap_fs_join(dir, "f");
		struct ap_err err = AP_ERR_INIT;
		AP_CLEANUP(walked_release) struct walked w = { 0 };
		const struct ap_content *c;

		print_message("  case: %s\n", cases[i].name);
		put(dir, "f", "hello", 0644);
		assert_ok(walk(&w, dir, "", &err), &err);
		c = content_of(&w, "usr/app/f");
		if (cases[i].remove) {
			unlink(path);
		} else if (cases[i].replace && !cases[i].text) {
			unlink(path);
			put_link(dir, "f", "/etc/passwd");
		} else if (cases[i].replace) {
			put(dir, "f", cases[i].text, 0644);
		} else {
			int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

			assert_true(fd >= 0);
			assert_int_equal(write(fd, cases[i].text, strlen(cases[i].text)),
				(ssize_t)strlen(cases[i].text));
			close(fd);
		}
		assert_fails(read_content(c, &err), &err, AP_E_CHANGED, "f ");
	}
}

TEST(content_that_changes_while_it_is_read_is_refused)
{
	static const struct {
		const char *name, *text;
		off_t size;
	} cases[] = {
		{ "appended to", "!", -1 },
		{ "cut", "", 2 },
		{ "written into", "H", 5 },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *dir = unit_tmpdir();
		ap_auto_free char *path = ap_fs_join(dir, "f");
		struct ap_err err = AP_ERR_INIT;
		AP_CLEANUP(walked_release) struct walked w = { 0 };
		const struct ap_content *c;
		ap_auto_reader r = NULL;
		ap_auto_buf all = AP_BUF_INIT;
		struct timespec then[2] = { { 1, 0 }, { 1, 0 } };
		char byte;
		size_t got;
		int fd;

		print_message("  case: %s\n", cases[i].name);
		put(dir, "f", "hello", 0644);
		assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
		assert_ok(walk(&w, dir, "", &err), &err);
		c = content_of(&w, "usr/app/f");
		assert_ok(c->ops->open(c, &r, &err), &err);
		assert_ok(ap_read(r, &byte, 1, &got, &err), &err);
		fd = open(path, O_WRONLY | O_CLOEXEC | (cases[i].size < 0 ? O_APPEND : 0));
		assert_true(fd >= 0);
		assert_int_equal(write(fd, cases[i].text, strlen(cases[i].text)),
			(ssize_t)strlen(cases[i].text));
		if (cases[i].size >= 0)
			assert_int_equal(ftruncate(fd, cases[i].size), 0);
		close(fd);
		assert_fails(ap_read_all(r, &all, &err), &err, AP_E_CHANGED, "changed while");
		/* Nor when all looks as before again. */
		assert_int_equal(truncate(path, 5), 0);
		assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
		assert_fails(
			ap_read(r, &byte, 1, &got, &err), &err, AP_E_CHANGED, "already failed");
	}
}

TEST(content_can_be_read_again_and_outlives_the_root)
{
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_err err = AP_ERR_INIT;
	AP_CLEANUP(walked_release) struct walked w = { 0 };
	const struct ap_content *c;
	ap_auto_reader r = NULL;

	put(dir, "a/f", "hello", 0644);
	put(dir, "a/empty", "", 0644);
	assert_ok(walk(&w, dir, "a", &err), &err);
	assert_null(content_of(&w, "usr/app/a/empty"));
	c = content_of(&w, "usr/app/a/f");
	ap_local_root_unref(w.root);
	w.root = NULL;
	assert_ok(c->ops->open(c, &r, &err), &err);
	for (int i = 0; i < 2; i++) {
		ap_auto_buf all = AP_BUF_INIT;

		assert_ok(ap_read_all(r, &all, &err), &err);
		assert_string_equal(all.p, "hello");
		assert_ok(ap_rewind(r, &err), &err);
	}
}

TEST(paths_are_taken_as_below_the_working_directory)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *real = realpath(dir, NULL);
	ap_auto_free char *absolute = ap_xasprintf("%s/a/b.py", real);
	ap_auto_free char *sibling = ap_xasprintf("%s2/a", real);
	ap_auto_free char *elsewhere = unit_tmpdir();
	ap_auto_free char *link = ap_fs_join(elsewhere, "link");
	ap_auto_free char *through = ap_fs_join(link, "a/b.py");
	struct ap_err err = AP_ERR_INIT;
	ap_auto_local_root root = NULL;
	const struct {
		const char *in, *out;
	} cases[] = {
		{ "a/b.py", "a/b.py" },
		{ "./a//b.py", "a/b.py" },
		{ "a/../a/b.py", "a/b.py" },
		{ ".", "" },
		{ absolute, "a/b.py" },
		{ real, "" },
		{ through, "a/b.py" },
		{ "..", NULL },
		{ "a/../../x", NULL },
		{ "/etc/passwd", NULL },
		{ sibling, NULL },
	};

	put(dir, "a/b.py", "", 0644);
	assert_int_equal(symlink(dir, link), 0);
	assert_ok(ap_local_root_open(&root, dir, &err), &err);
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *out = NULL;

		print_message("  case: %s\n", cases[i].in);
		if (!cases[i].out) {
			assert_fails(ap_local_path(&out, root, dir, cases[i].in, &err), &err,
				AP_E_INPUT, "outside the working directory");
			continue;
		}
		assert_ok(ap_local_path(&out, root, dir, cases[i].in, &err), &err);
		assert_string_equal(out, cases[i].out);
	}
}
