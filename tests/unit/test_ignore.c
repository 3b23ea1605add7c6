#include "tests/unit/unit.h"

#include "base/fs.h"
#include "pack/glob.h"
#include "pack/ignore.h"

static bool glob(const char *pattern, const char *path, unsigned flags)
{
	struct ap_err err = AP_ERR_INIT;
	struct ap_glob *g = NULL;
	bool yes;

	assert_ok(ap_glob_compile(&g, pattern, strlen(pattern), flags, &err), &err);
	yes = ap_glob_match(g, path);
	ap_glob_free(g);
	return yes;
}

TEST(glob_matches_as_docker_does)
{
	static const struct {
		const char *pattern, *path;
		bool yes;
	} cases[] = {
		{ "**", "file", true },
		{ "**", "dir/file", true },
		{ "**/**", "dir/file", true },
		{ "dir/**", "dir/file", true },
		{ "dir/**", "dir/dir2/file", true },
		{ "dir/**", "dir", false },
		{ "**/dir", "dir", true },
		{ "**/dir", "a/b/dir", true },
		{ "**/dir", "adir", false },
		{ "**/dir2/*", "dir/dir2/file", true },
		{ "**/dir2/**", "dir/dir2/dir2/file", true },
		{ "**file", "dir/dir/file", true },
		{ "**file", "dir/afile", false },
		{ "**/file*", "dir/dir/file.txt", true },
		{ "**/**/*.txt", "dir/dir/file.txt", true },
		{ "**/**/*.txt2", "dir/dir/file.txt", false },
		{ "**/*.txt", "file.txt", true },
		{ "a**/*.txt", "a/file.txt", true },
		{ "a**/*.txt", "a/dir/dir/file.txt", true },
		{ "a/*.txt", "a/dir/file.txt", false },
		{ "a/*.txt**", "a/file.txt", true },
		{ "a[b-d]e", "ace", true },
		{ "a[b-d]e", "aae", false },
		{ "a[^b-d]e", "aze", true },
		{ "a[^b-d]e", "a/e", false },
		{ ".*", ".foo", true },
		{ ".*", "foo", false },
		{ "abc.def", "abcZdef", false },
		{ "abc?def", "abcZdef", true },
		{ "abc?def", "abc/def", false },
		{ "abc?def",
			"abc\xc3\xa9"
			"def",
			true },
		{ "a\\*b", "a*b", true },
		{ "a\\*b", "axb", false },
		{ "**/.foo", "bar.foo", false },
		{ "a.|)$(}+{bc", "a.|)$(}+{bc", true },
		{ "*", "a/b", false },
		{ "*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		print_message("  case: %s against %s\n", cases[i].pattern, cases[i].path);
		assert_int_equal(glob(cases[i].pattern, cases[i].path, 0), cases[i].yes);
	}
}

TEST(glob_matches_as_git_does)
{
	static const struct {
		const char *pattern, *path;
		bool yes;
	} cases[] = {
		{ "**/foo", "a/b/foo", true },
		{ "**/foo", "foo", true },
		{ "a/**/b", "a/b", true },
		{ "a/**/b", "a/x/y/b", true },
		{ "a/**", "a/b/c", true },
		{ "a/**", "a", false },
		{ "a**b", "axb", true },
		{ "a**b", "a/b", false },
		{ "[!a]b", "cb", true },
		{ "[!a]b", "ab", false },
		{ "[[:digit:]]x", "7x", true },
		{ "[[:digit:]]x", "ax", false },
		{ "[]-]x", "]x", true },
		{ "[abc", "[abc", false },
		{ "f?o", "f/o", false },
		{ "f?o", "f\xc3\xa9o", false },
		{ "f??o", "f\xc3\xa9o", true },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		print_message("  case: %s against %s\n", cases[i].pattern, cases[i].path);
		assert_int_equal(glob(cases[i].pattern, cases[i].path, AP_GLOB_GIT), cases[i].yes);
	}
}

/* The verdict on a path, asked as a walk from the root asks. */
static bool left_out(const struct ap_ignore *ig, const char *path)
{
	struct ap_ignore_state up = { 0 };
	bool out = false;

	for (const char *slash = strchr(path, '/');; slash = strchr(slash + 1, '/')) {
		ap_auto_free char *part =
			slash ? ap_xstrndup(path, (size_t)(slash - path)) : ap_xstrdup(path);
		struct ap_ignore_state own = { 0 };

		out = ap_ignore_test(ig, slash ? &own : NULL, &up, part, slash != NULL);
		ap_ignore_state_release(&up);
		up = own;
		if (!slash || (out && !ap_ignore_may_return(ig, part)))
			break;
	}
	ap_ignore_state_release(&up);
	return out;
}

struct ignore_case {
	const char *name, *text, *path;
	bool out;
};

static void check_cases(const struct ignore_case *cases, size_t n, enum ap_ignore_rules rules)
{
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < n; i++) {
		ap_auto_ignore ig = NULL;

		print_message("  case: %s\n", cases[i].name);
		assert_ok(ap_ignore_parse(
				  &ig, cases[i].text, strlen(cases[i].text), rules, "f", &err),
			&err);
		assert_int_equal(left_out(ig, cases[i].path), cases[i].out);
	}
}

TEST(dockerignore_leaves_out_what_docker_leaves_out)
{
	static const struct ignore_case cases[] = {
		{ "plain name at the root", "data\n", "data", true },
		{ "what is in a matched directory", "data\n", "data/a/b", true },
		{ "a name is anchored", "data\n", "src/data", false },
		{ "leading slash", "/data\n", "data", true },
		{ "trailing slash", "data/\n", "data/x", true },
		{ "dots are cleaned", "./a/../data\n", "data", true },
		{ "comment", "# data\ndata2\n", "data", false },
		{ "a comment begins at the first column only", " #x\n", "#x", true },
		{ "blanks at both ends", "  data  \n", "data", true },
		{ "carriage return", "data\r\n", "data", true },
		{ "byte order mark",
			"\xef\xbb\xbf"
			"data\n",
			"data", true },
		{ "exception", "*\n!trainer\n", "trainer/task.py", false },
		{ "exception, the rest", "*\n!trainer\n", "other", true },
		{ "exception below a directory left out", "data\n!data/keep.txt\n", "data/keep.txt",
			false },
		{ "left out again", "*.md\n!README*.md\nREADME-secret.md\n", "README-secret.md",
			true },
		{ "exception with stars in the middle", "*\n!src/**/*.py\n", "src/a/b.py", false },
		{ "exception anywhere", "*\n!**/keep\n", "a/b/keep", false },
		{ "exception with stars at its end", "data\n!data/train/**\n", "data/train/x/y",
			false },
		{ "order counts", "!a.md\n*.md\n", "a.md", true },
		{ "blank behind the !", "*\n! a\n", "a", false },
		{ "the directory itself cannot be left out", ".\n/\n", "a", false },
		{ "dir/** keeps nothing below", "data/**\n", "data/x/y", true },
	};

	check_cases(cases, AP_LEN(cases), AP_IGNORE_DOCKER);
}

TEST(gitignore_leaves_out_what_git_leaves_out)
{
	static const struct ignore_case cases[] = {
		{ "a name matches at any level", "data\n", "src/data", true },
		{ "leading slash anchors", "/data\n", "src/data", false },
		{ "a slash in the middle anchors", "a/b\n", "x/a/b", false },
		{ "directories only", "data/\n", "data", false },
		{ "directories only, below", "data/\n", "data/x", true },
		{ "the last pattern wins", "*.log\n!keep.log\n", "keep.log", false },
		{ "no way back below a directory left out", "data/\n!data/keep\n", "data/keep",
			true },
		{ "blanks at the end", "data   \n", "data", true },
		{ "a blank that is meant", "data\\ \n", "data ", true },
		{ "escaped #", "\\#x\n", "#x", true },
		{ "escaped !", "\\!x\n", "!x", true },
		{ "** in the middle", "a/**/z\n", "a/b/c/z", true },
	};

	check_cases(cases, AP_LEN(cases), AP_IGNORE_GIT);
}

TEST(ignore_files_name_the_line_that_is_wrong)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_ignore ig = NULL;

	assert_fails(ap_ignore_parse(&ig, "a\n[b\n", 5, AP_IGNORE_DOCKER, ".dockerignore", &err),
		&err, AP_E_INPUT, ".dockerignore:2: pattern \"[b\"");
	assert_fails(ap_ignore_parse(&ig, "!\n", 2, AP_IGNORE_DOCKER, ".dockerignore", &err), &err,
		AP_E_INPUT, ".dockerignore:1: \"!\" without a pattern");
}

TEST(gcloudignore_includes_the_file_beside_it)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *file = ap_xasprintf("%s/.gcloudignore", dir);
	ap_auto_free char *git = ap_xasprintf("%s/.gitignore", dir);
	struct ap_err err = AP_ERR_INIT;
	ap_auto_ignore ig = NULL;

	assert_ok(ap_fs_write(file, "#!include:.gitignore\n*.csv\n", 27, 0644, &err), &err);
	assert_ok(ap_fs_write(git, "*.log\n", 6, 0644, &err), &err);
	assert_ok(ap_ignore_load(&ig, dir, file, &err), &err);
	assert_true(left_out(ig, "a/b.log"));
	assert_true(left_out(ig, "a/b.csv"));
	assert_false(left_out(ig, "a/b.py"));
}

TEST(ignore_file_that_was_named_must_be_there)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *file = ap_xasprintf("%s/nope", dir);
	struct ap_err err = AP_ERR_INIT;
	ap_auto_ignore ig = NULL;

	assert_fails(ap_ignore_load(&ig, dir, file, &err), &err, AP_E_INPUT, "--ignore-file");
	assert_ok(ap_ignore_load(&ig, dir, NULL, &err), &err);
	assert_false(left_out(ig, "anything"));
}

TEST(ignored_directories_are_entered_only_where_something_may_come_back)
{
	static const struct {
		const char *text, *dir;
		bool may;
	} cases[] = {
		{ "data\n", "data", false },
		{ "data\n!README.md\n", "data", false },
		{ "data\n!data/x\n", "data", true },
		{ "data\n!data/x/*\n", "data", true },
		{ "data\n!data2/x\n", "data", false },
		{ "data\n!**/x\n", "data", true },
		{ "data\n!da*/x\n", "data", true },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_err err = AP_ERR_INIT;
		ap_auto_ignore ig = NULL;

		print_message("  case: %s\n", cases[i].text);
		assert_ok(ap_ignore_parse(&ig, cases[i].text, strlen(cases[i].text),
				  AP_IGNORE_DOCKER, "f", &err),
			&err);
		assert_int_equal(ap_ignore_may_return(ig, cases[i].dir), cases[i].may);
	}
}
