#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "pack/group.h"

#define N 60

static char names[N][16];
static struct ap_locked locked[N];

static struct ap_lock some(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "dist%02zu", i);
		locked[i] = (struct ap_locked){ .name = names[i], .version = names[i] + 4 };
	}
	return (struct ap_lock){ .v = locked, .n = n };
}

static size_t count_members(const struct ap_groups *g, size_t n)
{
	bool seen[N] = { false };
	size_t count = 0;

	for (size_t i = 0; i < g->n; i++) {
		for (size_t k = 0; k < g->v[i].n; k++) {
			assert_true(g->v[i].members[k] < n);
			assert_false(seen[g->v[i].members[k]]);
			seen[g->v[i].members[k]] = true;
			count++;
		}
	}
	return count;
}

static bool same_group(const struct ap_group *a, const struct ap_group *b)
{
	return a->n == b->n && memcmp(a->members, b->members, a->n * sizeof(size_t)) == 0;
}

TEST(every_wheel_has_one_layer_and_big_ones_their_own)
{
	struct ap_lock lock = some(N);
	uint64_t sizes[N] = { 0 };
	struct ap_groups g;
	struct ap_err err = AP_ERR_INIT;

	sizes[7] = sizes[30] = AP_GROUP_BIG;
	assert_ok(ap_groups_make(&g, &lock, sizes, 100, &err), &err);
	assert_int_equal(count_members(&g, N), N);
	assert_int_equal(g.n, 2 + AP_GROUP_BUCKETS);
	assert_string_equal(g.v[0].title, "dist07 07");
	assert_int_equal(g.v[0].n, 1);
	assert_int_equal(g.v[1].members[0], 30);
	ap_groups_release(&g);
}

TEST(one_more_wheel_changes_one_layer)
{
	uint64_t sizes[N] = { 0 };
	struct ap_lock few = some(N - 1), more = some(N);
	struct ap_groups a, b;
	struct ap_err err = AP_ERR_INIT;
	size_t same = 0;

	assert_ok(ap_groups_make(&a, &few, sizes, 100, &err), &err);
	assert_ok(ap_groups_make(&b, &more, sizes, 100, &err), &err);
	assert_int_equal(a.n, b.n);
	for (size_t i = 0; i < a.n; i++)
		same += same_group(&a.v[i], &b.v[i]);
	assert_int_equal(same, a.n - 1);
	ap_groups_release(&a);
	ap_groups_release(&b);
}

TEST(groups_keep_to_the_room_there_is)
{
	struct ap_lock lock = some(N);
	uint64_t sizes[N];
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < N; i++)
		sizes[i] = (uint64_t)AP_GROUP_BIG + i;
	for (size_t room = 1; room < 80; room++) {
		struct ap_groups g;

		assert_ok(ap_groups_make(&g, &lock, sizes, room, &err), &err);
		assert_true(g.n <= room);
		assert_int_equal(count_members(&g, N), N);
		ap_groups_release(&g);
	}
	assert_fails(ap_groups_make(&(struct ap_groups){ 0 }, &lock, sizes, 0, &err), &err,
		AP_E_UNSUPPORTED, "no room for another layer");
}

TEST(a_shared_layer_is_called_after_what_is_in_it)
{
	static const struct {
		size_t wheels;
		const char *title;
	} cases[] = {
		{ 1, "dist00 00" },
		{ 2, "dist00 00, dist01 01" },
		{ 4, "dist00 00, dist01 01, dist02 02, dist03 03" },
		{ 6, "dist00 00, dist01 01, dist02 02 and 3 more" },
	};
	uint64_t sizes[N] = { 0 };

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_lock lock = some(cases[i].wheels);
		struct ap_err err = AP_ERR_INIT;
		struct ap_groups g;

		print_message("  case: %zu wheels\n", cases[i].wheels);
		assert_ok(ap_groups_make(&g, &lock, sizes, 1, &err), &err);
		assert_int_equal(g.n, 1);
		assert_string_equal(g.v[0].title, cases[i].title);
		ap_groups_release(&g);
	}
}
