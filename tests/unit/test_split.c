#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pack/split.h"

#define auto_plan AP_CLEANUP(ap_plan_release) struct ap_plan

/* A plan of one part: n files of `size` bytes in ten directories, and an empty directory. */
static struct ap_plan plan_of(unsigned n, uint64_t size)
{
	struct ap_plan p = { .parts = ap_xcalloc(1, sizeof(*p.parts)), .n_parts = 1 };
	struct ap_tree *t = &p.parts[0].tree;

	p.parts[0].title = ap_xstrdup("code");
	ap_strv_add(&p.parts[0].copies, "trainer");
	ap_tree_add_dir(t, "home", 0777);
	ap_tree_add_dir(t, "usr/app", 0777);
	ap_tree_add_dir(t, "usr/app/empty", 0755);
	for (unsigned d = 0; d < 10; d++) {
		char dir[64];

		snprintf(dir, sizeof(dir), "usr/app/d%u", d);
		ap_tree_add_dir(t, dir, 0755);
		for (unsigned i = d; i < n; i += 10) {
			char path[96];

			snprintf(path, sizeof(path), "%s/f%u", dir, i);
			ap_tree_add_file(t, path, 0644, size, NULL);
		}
	}
	ap_tree_add_link(t, "usr/app/link", "d1/f1");
	ap_tree_sort(t);
	return p;
}

static size_t times(const struct ap_plan *p, const char *path)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_parts; i++)
		n += ap_tree_find(&p->parts[i].tree, path) != NULL;
	return n;
}

TEST(split_leaves_a_small_part_whole)
{
	auto_plan p = plan_of(100, 1000);

	ap_plan_split(&p);
	assert_int_equal(p.n_parts, 1);
	assert_string_equal(p.parts[0].title, "code");
	assert_int_equal(p.parts[0].copies.n, 1);
}

TEST(split_gives_each_file_one_layer_and_each_layer_the_way_to_its_files)
{
	auto_plan whole = plan_of(2000, 100);
	auto_plan p = plan_of(2000, 100);
	size_t copies = 0;

	ap_plan_split(&p);
	assert_int_equal(p.n_parts, 4);
	for (size_t i = 0; i < whole.parts[0].tree.n; i++) {
		const struct ap_entry *e = &whole.parts[0].tree.v[i];
		size_t n = times(&p, e->path);

		if (e->type != AP_ENTRY_DIR || strcmp(e->path, "usr/app/empty") == 0)
			assert_int_equal(n, 1);
		else
			assert_true(n >= 1);
	}
	for (size_t i = 0; i < p.n_parts; i++) {
		const struct ap_tree *t = &p.parts[i].tree;

		copies += p.parts[i].copies.n;
		assert_true(t->n > 300 && t->n < 700);
		for (size_t k = 0; k < t->n; k++) {
			ap_auto_free char *up = ap_xstrdup(t->v[k].path);
			char *slash = strrchr(up, '/');
			const struct ap_entry *dir;

			assert_true(k == 0 || ap_path_cmp(t->v[k - 1].path, t->v[k].path) < 0);
			if (!slash || strcmp(up, "usr/app") == 0)
				continue;
			*slash = '\0';
			dir = ap_tree_find(t, up);
			assert_non_null(dir);
			assert_int_equal(dir->mode, strcmp(up, "usr/app") ? 0755 : 0777);
		}
	}
	assert_int_equal(copies, 1);
}

TEST(split_lets_a_new_file_change_one_layer)
{
	auto_plan a = plan_of(2000, 100);
	auto_plan b = plan_of(2000, 100);
	size_t changed = 0;

	ap_tree_add_file(&b.parts[0].tree, "usr/app/d3/new", 0644, 7, NULL);
	ap_tree_sort(&b.parts[0].tree);
	ap_plan_split(&a);
	ap_plan_split(&b);
	assert_int_equal(a.n_parts, b.n_parts);
	for (size_t i = 0; i < a.n_parts; i++) {
		assert_string_equal(a.parts[i].title, b.parts[i].title);
		changed += a.parts[i].tree.n != b.parts[i].tree.n;
	}
	assert_int_equal(changed, 1);
}

TEST(split_keeps_large_files_apart)
{
	auto_plan p = plan_of(5, 100);

	ap_tree_add_file(&p.parts[0].tree, "usr/app/d1/weights.bin", 0644, AP_SPLIT_LARGE, NULL);
	ap_tree_sort(&p.parts[0].tree);
	ap_plan_split(&p);
	assert_int_equal(p.n_parts, 2);
	assert_string_equal(p.parts[0].title, "code, weights.bin");
	assert_int_equal(p.parts[0].tree.n, 3);
	assert_string_equal(p.parts[0].tree.v[1].path, "usr/app/d1");
	assert_string_equal(p.parts[1].title, "code");
}

TEST(split_never_makes_more_layers_than_it_may)
{
	for (size_t n = 1; n <= 40; n += 3) {
		auto_plan p = { .parts = ap_xcalloc(n, sizeof(*p.parts)), .n_parts = n };

		for (size_t i = 0; i < n; i++) {
			struct ap_plan one = plan_of(20000, 1000);

			for (unsigned k = 0; k < 100; k++) {
				ap_auto_free char *path = ap_xasprintf("usr/app/large%u", k);

				ap_tree_add_file(
					&one.parts[0].tree, path, 0644, AP_SPLIT_LARGE, NULL);
			}
			ap_tree_sort(&one.parts[0].tree);
			p.parts[i] = one.parts[0];
			free(one.parts);
		}
		ap_plan_split(&p);
		print_message("  case: %zu parts become %zu\n", n, p.n_parts);
		assert_true(p.n_parts <= AP_MAX((size_t)AP_SPLIT_LAYERS, n));
		assert_true(p.n_parts >= n);
		if (n == 1)
			assert_int_equal(p.n_parts, 2 * AP_SPLIT_WAYS);
	}
}
