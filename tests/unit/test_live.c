#include "tests/unit/unit.h"

#include "cli/cost.h"
#include "cli/live.h"

#define D                                                         \
	"sha256:0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef"

/* Two things under way, some over, at 10 seconds. */
static void fill(struct ap_live *l)
{
	static const struct ap_event events[] = {
		{ .kind = AP_EV_STAGE, .note = "layers" },
		{ AP_STEP_UPLOAD, AP_EV_START, D, "layer 1 of 3 of the base", 0, 99000000 },
		{ AP_STEP_UPLOAD, AP_EV_BYTES, D, NULL, 51000000, 0 },
		{ AP_STEP_LAYER, AP_EV_START, "charset-normalizer 3.5.3, idna 3.20", NULL, 0, 0 },
		{ AP_STEP_DOWNLOAD, AP_EV_START, "a.whl", NULL, 0, 0 },
		{ AP_STEP_DOWNLOAD, AP_EV_DONE, "a.whl", NULL, 1000, 0 },
		{ AP_STEP_UPLOAD, AP_EV_SKIP, "b", "mounted", 0, 0 },
		{ AP_STEP_UPLOAD, AP_EV_SKIP, "c", "mounted", 0, 0 },
		{ AP_STEP_RESOLVE, AP_EV_SKIP, "lock", "same inputs", 0, 0 },
	};

	for (size_t i = 0; i < AP_LEN(events); i++)
		ap_live_take(l, &events[i], 8.3);
}

static char *shown(const struct ap_live *l, unsigned rows, unsigned cols)
{
	ap_auto_strv lines = { 0 };

	ap_live_lines(&lines, l, rows, cols, 10.0);
	return ap_strv_join(&lines, "\n");
}

TEST(live_tells_stage_rates_and_why_things_are_skipped)
{
	struct ap_live l = { 0 };
	ap_auto_free char *text = NULL;

	fill(&l);
	text = shown(&l, 24, 100);
	assert_string_equal(text,
		"  1.7 s  layers  1 downloaded; skipped: 2 mounted\n"
		"upload    layer 1 of 3 of the base  [###############---------------] "
		"51 MB of 99 MB, 30 MB/s\n"
		"layer     charset-normalizer 3.5.3, 2 s");
	ap_live_release(&l);
}

TEST(live_gives_up_bar_and_step_before_the_amount)
{
	struct ap_live l = { 0 };
	ap_auto_free char *text = NULL;

	fill(&l);
	text = shown(&l, 24, 40);
	assert_string_equal(text, "  1.7 s  layers  1 downloaded; skipped:\n"
				  "layer 1 of  51 MB of 99 MB, 30 MB/s\n"
				  "charset-nor 2 s");
	ap_live_release(&l);
}

TEST(live_never_fills_the_last_column_nor_row)
{
	struct ap_live l = { 0 };

	fill(&l);
	for (unsigned cols = 2; cols < 200; cols++) {
		for (unsigned rows = 1; rows < 6; rows++) {
			ap_auto_strv lines = { 0 };

			ap_live_lines(&lines, &l, rows, cols, 10.0);
			assert_true(lines.n == 1 || lines.n < rows);
			for (size_t i = 0; i < lines.n; i++)
				assert_true(strlen(lines.v[i]) < cols);
		}
	}
	ap_live_release(&l);
}

TEST(live_is_idle_without_a_stage_and_without_items)
{
	struct ap_live l = { 0 };

	assert_false(ap_live_busy(&l));
	fill(&l);
	assert_true(ap_live_busy(&l));
	ap_live_take(&l, &(struct ap_event){ .kind = AP_EV_STAGE }, 9);
	assert_true(ap_live_busy(&l));
	ap_live_settle(&l);
	assert_false(ap_live_busy(&l));
	ap_live_release(&l);
}

TEST(cost_tells_the_wire_only_where_it_was_used)
{
	static const struct {
		const char *name;
		struct ap_cost cost;
		const char *want;
	} cases[] = {
		{ "local", { 0.5, 0.25, { 0 } }, "0.50 s, 0.25 s of processor" },
		{ "one", { 1, 0, { 1, 300, 2000000 } },
			"1.00 s, 0.00 s of processor, 1 request, 300 bytes sent, 2.0 MB received" },
		{ "many", { 1, 0, { 12, 0, 0 } },
			"1.00 s, 0.00 s of processor, 12 requests, 0 bytes sent, 0 bytes received" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_buf text = AP_BUF_INIT;

		print_message("  case: %s\n", cases[i].name);
		ap_cost_describe(&cases[i].cost, &text);
		assert_string_equal(text.p, cases[i].want);
	}
}
