#include "tests/unit/unit.h"

#include "deps/reqfile.h"

static const char *fake_env(const char *name)
{
	return strcmp(name, "TOKEN") == 0 ? "secret" : strcmp(name, "EMPTY") == 0 ? "" : NULL;
}

TEST(requirements_file_is_read_as_pip_reads_it)
{
	static const struct {
		const char *name, *in;
		enum ap_reqline_kind kind;
		const char *value;
		unsigned line;
	} cases[] = {
		{ "plain", "numpy", AP_REQ_TEXT, "numpy", 1 },
		{ "mark, CRLF, comment lines", "\xef\xbb\xbf# c\r\n\r\nnumpy # x\r\n", AP_REQ_TEXT,
			"numpy", 3 },
		{ "a # without a blank is no comment", "a @ https://h/a.whl#sha256=1", AP_REQ_TEXT,
			"a @ https://h/a.whl#sha256=1", 1 },
		{ "continuation", "numpy \\\n  >=1\\\n,<2", AP_REQ_TEXT, "numpy   >=1,<2", 1 },
		{ "a comment ends a continuation", "numpy \\\n # no\n", AP_REQ_TEXT, "numpy", 1 },
		{ "variable", "a @ https://${TOKEN}@h/a.whl", AP_REQ_TEXT,
			"a @ https://secret@h/a.whl", 1 },
		{ "unset, empty and lower-case variables stay", "a${NO}${EMPTY}${token}$TOKEN",
			AP_REQ_TEXT, "a${NO}${EMPTY}${token}$TOKEN", 1 },
		{ "include", "-r base.txt", AP_REQ_INCLUDE, "base.txt", 1 },
		{ "include, joined", "-rbase.txt", AP_REQ_INCLUDE, "base.txt", 1 },
		{ "include, long", "--requirement=base.txt", AP_REQ_INCLUDE, "base.txt", 1 },
		{ "include, quoted", "--requirement 'my base.txt'", AP_REQ_INCLUDE, "my base.txt",
			1 },
		{ "constraint", "-c c.txt", AP_REQ_CONSTRAIN, "c.txt", 1 },
		{ "editable", "-e ./lib[dev]", AP_REQ_EDITABLE, "./lib[dev]", 1 },
		{ "index", "-i https://h/simple", AP_REQ_INDEX, "https://h/simple", 1 },
		{ "extra index", "--extra-index-url https://h/simple", AP_REQ_EXTRA_INDEX,
			"https://h/simple", 1 },
		{ "links", "-f ./wheels", AP_REQ_FIND_LINKS, "./wheels", 1 },
		{ "pre", "--pre", AP_REQ_PRE, "", 1 },
		{ "marker", "a; python_version<'3'", AP_REQ_TEXT, "a; python_version<'3'", 1 },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_reqfile_release) struct ap_reqfile f = { 0 };

		print_message("  case: %s\n", cases[i].name);
		assert_ok(ap_reqfile_parse(
				  &f, "r.txt", cases[i].in, strlen(cases[i].in), fake_env, &err),
			&err);
		assert_int_equal(f.n, 1);
		assert_int_equal(f.v[0].kind, cases[i].kind);
		assert_string_equal(f.v[0].value, cases[i].value);
		assert_int_equal(f.v[0].line, cases[i].line);
	}
}

TEST(requirements_file_of_utf_16_is_read_by_its_mark)
{
#define UTF16(s)                 \
	{                        \
		s, sizeof(s) - 1 \
	}
	static const struct {
		const char *name;
		struct ap_str in;
		const char *value; /* NULL: refused */
	} cases[] = {
		{ "little end first",
			UTF16("\xff\xfe"
			      "a\0=\0=\0"
			      "1\0\r\0\n\0#\0\xe9\0"),
			"a==1" },
		{ "big end first",
			UTF16("\xfe\xff"
			      "\0a\0=\0=\0"
			      "1\0\n"),
			"a==1" },
		{ "a pair of surrogates",
			UTF16("\xff\xfe"
			      ".\0/\0\x3d\xd8\x00\xde"),
			"./\xf0\x9f\x98\x80" },
		{ "three bytes",
			UTF16("\xfe\xff"
			      "\0.\0/\x20\xac"),
			"./\xe2\x82\xac" },
		{ "half a pair",
			UTF16("\xff\xfe"
			      "a\0\x3d\xd8"),
			NULL },
		{ "half a unit",
			UTF16("\xff\xfe"
			      "a\0b"),
			NULL },
		{ "zero",
			UTF16("\xff\xfe"
			      "a\0\0\0b\0"),
			NULL },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_reqfile_release) struct ap_reqfile f = { 0 };
		int rc;

		print_message("  case: %s\n", cases[i].name);
		rc = ap_reqfile_parse(&f, "r.txt", cases[i].in.p, cases[i].in.n, NULL, &err);
		if (!cases[i].value) {
			assert_fails(rc, &err, AP_E_INPUT, "not valid UTF-8");
			continue;
		}
		assert_ok(rc, &err);
		assert_int_equal(f.n, 1);
		assert_string_equal(f.v[0].value, cases[i].value);
	}
}

TEST(requirements_file_keeps_hashes_with_their_requirement)
{
#define H64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF"
	static const char text[] = "a==1 \\\n    --hash=sha256:" H64 " \\\n    --hash sha256:" H64
				   "\n--index-url https://h --pre\n";
	AP_CLEANUP(ap_reqfile_release) struct ap_reqfile f = { 0 };
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_reqfile_parse(&f, "r.txt", text, strlen(text), fake_env, &err), &err);
	assert_int_equal(f.n, 3);
	assert_string_equal(f.v[0].value, "a==1");
	assert_int_equal(f.v[0].hashes.n, 2);
	assert_true(ap_ends_with(f.v[0].hashes.v[0], "abcdef"));
	assert_int_equal(f.v[1].kind, AP_REQ_INDEX);
	assert_int_equal(f.v[2].kind, AP_REQ_PRE);
}

TEST(requirements_file_with_a_mistake_is_refused_by_line)
{
	static const struct {
		const char *name, *in, *fails_with;
	} cases[] = {
		{ "unknown option", "a\n--upgrade", "r.txt:2: option not known" },
		{ "misspelt option", "--extra-index https://h", "did you mean --extra-index-url" },
		{ "option without a value", "-r", "option without a value" },
		{ "short hash", "a --hash=sha256:00", "want --hash=sha256:<64 hex digits>" },
		{ "md5", "a --hash=md5:d41d8cd98f00b204e9800998ecf8427e", "want --hash=sha256" },
		{ "open quote", "-r 'x", "quote without its end" },
		{ "control character", "a\x1b[2J", "control character" },
		{ "build options", "a --config-settings=x=y", "options for a build" },
		{ "not utf-8", "a\xff", "not valid UTF-8" },
		{ "half a unit of utf-16",
			"\xff\xfe"
			"a",
			"not valid UTF-8" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_reqfile f;

		print_message("  case: %s\n", cases[i].name);
		assert_fails(ap_reqfile_parse(
				     &f, "r.txt", cases[i].in, strlen(cases[i].in), fake_env, &err),
			&err, AP_E_INPUT, cases[i].fails_with);
	}
}
