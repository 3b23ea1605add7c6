#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/fs.h"
#include "cli/display.h"
#include "cli/manage.h"
#include "cli/opt_file.h"
#include "cli/render.h"
#include "cli/report.h"

static const char sample[] =
	"{\"name\":\"a\\u001b[31m\",\"n\":3,\"yes\":true,\"in\":{\"list\":[{\"k\":\"v\"},2]}}";

TEST(render_finds_members_by_path)
{
	static const struct {
		const char *path, *want;
	} cases[] = {
		{ "n", "3" },
		{ "in.list[0].k", "\"v\"" },
		{ "in.list.1", "2" },
		{ "in.list[7]", NULL },
		{ "none.of.it", NULL },
		{ "n.deeper", NULL },
	};
	struct ap_err err = AP_ERR_INIT;
	ap_auto_json j = NULL;

	assert_ok(ap_json_parse(&j, sample, strlen(sample), &err), &err);
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		const cJSON *found = ap_render_find(j, cases[i].path);
		ap_auto_buf text = AP_BUF_INIT;

		print_message("  case: %s\n", cases[i].path);
		assert_true(!found == !cases[i].want);
		if (!found)
			continue;
		ap_json_print(&text, found, 0);
		assert_string_equal(text.p, cases[i].want);
	}
}

TEST(render_prints_values_and_tables_without_control_characters)
{
	static const struct {
		const char *format, *want;
	} cases[] = {
		{ "value(n,yes)", "3\tTrue\n" },
		{ "value(name)", "a\\x1b[31m\n" },
		{ "value(missing,n)", "\t3\n" },
		{ "value(in.list[],n)", "{\"k\":\"v\"};2\t3\n" },
		{ "value(in.list[].k)", "v;\n" },
		{ "value(none[].k)", "\n" },
		{ "table(n,in.list)", "N  LIST\n3  [{\"k\":\"v\"},2]\n" },
	};
	struct ap_err err = AP_ERR_INIT;
	ap_auto_json j = NULL;

	assert_ok(ap_json_parse(&j, sample, strlen(sample), &err), &err);
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_buf out = AP_BUF_INIT;

		print_message("  case: %s\n", cases[i].format);
		assert_ok(ap_render(&out, j, cases[i].format, NULL, &err), &err);
		assert_string_equal(out.p, cases[i].want);
	}
	ap_auto_buf out = AP_BUF_INIT;
	assert_fails(ap_render(&out, j, "table", NULL, &err), &err, AP_E_USAGE, "name a key");
}

static int read_flags(struct ap_strv *words, const char *text, struct ap_err *err)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(dir, "flags.yaml");

	assert_ok(ap_fs_write(path, text, strlen(text), 0600, err), err);
	return ap_opt_file_read(words, path, err);
}

TEST(flags_file_becomes_the_words_it_stands_for)
{
	static const struct {
		const char *yaml, *want;
	} cases[] = {
		{ "--region: us-east1\n", "--region=us-east1" },
		{ "--quiet:\n", "--quiet" },
		{ "--enable-web-access: false\n", "--no-enable-web-access" },
		{ "--enable-web-access: False\n", "--no-enable-web-access" },
		{ "--enable-web-access: TRUE\n", "--enable-web-access" },
		{ "--args: [a, b]\n", "--args=a,b" },
		{ "--args: [a, 'b,c']\n", "--args=^;^a;b,c" },
		{ "--labels: {a: 1, b: no}\n", "--labels=a=1,b=no" },
		{ "--pool: {k: [x, y]}\n", "--pool=k=x;y" },
		{ "--pool:\n- {k: 1}\n- {k: 2}\n", "--pool=k=1 --pool=k=2" },
		{ "- --a: 1\n- --a: 2\n", "--a=1 --a=2" },
		{ "", "" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_strv words = { 0 };
		ap_auto_free char *joined = NULL;

		print_message("  case: %s\n", cases[i].yaml);
		assert_ok(read_flags(&words, cases[i].yaml, &err), &err);
		joined = ap_strv_join(&words, " ");
		assert_string_equal(joined, cases[i].want);
	}
}

TEST(flags_file_refuses_with_a_place)
{
	static const struct {
		const char *yaml, *fails_with;
	} cases[] = {
		{ "region: x\n", "flags.yaml:1:1: a flag is wanted" },
		{ "--pool:\n  k: {a: b}\n", "flags.yaml:2:6: a mapping within" },
		{ "--args: [[a]]\n", "a list within a list" },
		{ "just text\n", "a mapping of --flag: value" },
		{ "--a: [\n", "line 2" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_strv words = { 0 };

		print_message("  case: %s\n", cases[i].yaml);
		assert_fails(read_flags(&words, cases[i].yaml, &err), &err, AP_E_INPUT,
			cases[i].fails_with);
	}
}

/* What a view writes for some events. */
static char *shown(struct ap_view *(*make)(FILE *out), const struct ap_event *ev, size_t n)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct ap_view *v = make(f);

	for (size_t i = 0; i < n; i++)
		v->on_event(v, &ev[i]);
	v->free(v);
	fclose(f);
	return text;
}

static struct ap_view *lines(FILE *out)
{
	return ap_view_lines(out, AP_LEVEL_INFO, false);
}

static struct ap_view *json(FILE *out)
{
	return ap_view_json(out, AP_LEVEL_INFO);
}

static struct ap_view *tty(FILE *out)
{
	return ap_view_tty(out, AP_LEVEL_INFO, false);
}

static const struct ap_event some[] = {
	{ .step = AP_STEP_UPLOAD, .kind = AP_EV_START, .id = "x\033[2J", .total = 2000 },
	{ .step = AP_STEP_UPLOAD, .kind = AP_EV_DONE, .id = "x\033[2J", .done = 2000 },
	{ .step = AP_STEP_UPLOAD, .kind = AP_EV_SKIP, .id = "y", .note = "mounted" },
	{ .step = AP_STEP_PLAN, .kind = AP_EV_WARN, .note = "bad\007" },
};

TEST(progress_lines_say_each_thing_once_and_print_no_control_character)
{
	ap_auto_free char *text = shown(lines, some, AP_LEN(some));

	assert_string_equal(text, "upload    x\\x1b[2J  2.0 kB\n"
				  "upload    y  skipped: mounted\n"
				  "autopack: warning: bad\\x07\n");
}

TEST(progress_json_is_one_object_a_line)
{
	ap_auto_free char *text = shown(json, some, AP_LEN(some));
	struct ap_str rest = ap_str(text);
	struct ap_str line;
	size_t n = 0;

	while (ap_str_next(&rest, '\n', &line) && line.n) {
		struct ap_err err = AP_ERR_INIT;
		ap_auto_json j = NULL;

		assert_ok(ap_json_parse(&j, line.p, line.n, &err), &err);
		assert_non_null(ap_json_str(j, "event"));
		n++;
	}
	assert_int_equal(n, AP_LEN(some));
}

TEST(progress_on_a_terminal_keeps_warnings_and_no_foreign_control_character)
{
	ap_auto_free char *text = shown(tty, some, AP_LEN(some));

	assert_non_null(strstr(text, "warning: bad\\x07\n"));
	assert_null(strstr(text, "\033[2J"));
}

TEST(sizes_are_short_and_decimal)
{
	static const struct {
		uint64_t n;
		const char *want;
	} cases[] = {
		{ 0, "0 bytes" },
		{ 999, "999 bytes" },
		{ 1000, "1.0 kB" },
		{ 9949, "9.9 kB" },
		{ 9951, "10 kB" },
		{ 999600, "1.0 MB" },
		{ 113000000, "113 MB" },
		{ UINT64_C(5000000000000), "5.0 TB" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_buf b = AP_BUF_INIT;

		ap_buf_add_bytes(&b, cases[i].n);
		assert_string_equal(b.p, cases[i].want);
	}
}

TEST(report_escapes_every_text)
{
	static const char evil[] =
		"{\"image\":\"<i>\",\"digest\":\"\\\"><script>\",\"config\":{\"Env\":[\"</pre><b>\"]},"
		"\"layers\":[{\"digest\":\"<d>\",\"size\":1,\"bytes\":9,\"what\":\"<c>\",\"origin\":\"<i>\","
		"\"shares\":[{\"name\":\"<script>\",\"bytes\":9,\"files\":1,\"distribution\":true}]}]}";
	struct ap_err err = AP_ERR_INIT;
	ap_auto_json j = NULL;
	ap_auto_buf out = AP_BUF_INIT;

	assert_ok(ap_json_parse(&j, evil, strlen(evil), &err), &err);
	ap_report_html(&out, j);
	assert_null(strstr(out.p, "<script"));
	assert_null(strstr(out.p, "<i>"));
	assert_null(strstr(out.p, "<b>"));
	assert_null(strstr(out.p, "<c>"));
	assert_null(strstr(out.p, "<d>"));
	assert_non_null(strstr(out.p, "&lt;script&gt;"));
}

TEST(times_are_ages_and_then_local_dates)
{
	static const struct {
		const char *timestamp, *want;
	} cases[] = {
		{ "2026-03-01T11:59:30Z", "30s ago" },
		{ "2026-03-01T11:30:00.5Z", "30m ago" },
		{ "2026-03-01T12:00:10Z", "0s ago" }, /* a clock that is ahead */
		{ "2026-02-27T13:00:00Z", "47h ago" },
		{ "2026-02-20T12:00:00Z", "9d ago" },
		{ "2026-01-01T20:00:00Z", "2026-01-02" }, /* in Tokyo */
		{ "yesterday", "" },
	};
	const char *zone = getenv("TZ");
	ap_auto_free char *before = zone ? ap_xstrdup(zone) : NULL;

	setenv("TZ", "JST-9", 1);
	tzset();
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_buf out = AP_BUF_INIT;

		ap_time_ago(&out, cases[i].timestamp, 1772366400); /* 2026-03-01T12:00:00Z */
		assert_string_equal(out.p, cases[i].want);
	}
	if (before)
		setenv("TZ", before, 1);
	else
		unsetenv("TZ");
	tzset();
}
