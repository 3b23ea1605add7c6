#include "tests/unit/unit.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "deps/resolve.h"
#include "deps/stand_in.h"

/*
 * A stand-in for uv: it notes what it was given beside itself and answers
 * with what the test has put there.
 */
static const char fake_uv[] =
	"#!/bin/sh\n"
	"here=$(dirname \"$0\")\n"
	"env >\"$here/env\"\n"
	"echo \"$@\" >>\"$here/argv\"\n"
	"case \"$*\" in\n"
	"--version) cat \"$here/version\"; exit ;;\n"
	"esac\n"
	"stat -c %a uv.toml >\"$here/config.mode\"\n"
	"cp uv.toml \"$here/config\"\n"
	"[ ! -f \"$here/need\" ] || case \"$*\" in\n"
	"*$(cat \"$here/need\")*) ;;\n"
	"*) echo 'building from source is disabled' >&2; exit 1 ;;\n"
	"esac\n"
	"[ ! -f \"$here/fail\" ] || { cat \"$here/fail\" >&2; exit 1; }\n"
	"case \"$*\" in\n"
	"*pylock*) cp add.txt \"$here/add\"; cp \"$here/pylock\" pylock.toml ;;\n"
	"*) cp in.txt \"$here/in\"; cp limits.txt \"$here/limits\"; cp chosen.txt \"$here/pins\"\n"
	"   ls base >\"$here/base\"; cp \"$here/chosen\" chosen.txt ;;\n"
	"esac\n";

struct fixture {
	char *dir, *uv, *bin, *cache;
	struct ap_inventory *inv;
	struct ap_dep_request req;
	struct ap_lock lock;
	struct ap_strv requirements, packages, warnings;
	struct ap_progress progress;
	struct ap_resolve_opts o;
};

static const char *secret_env(const char *name)
{
	if (strcmp(name, "PATH") == 0)
		return "/usr/bin:/bin";
	if (strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0 || strcmp(name, "GITHUB_TOKEN") == 0)
		return "geheim-env";
	return NULL;
}

static void put(const char *dir, const char *name, const char *text, mode_t mode)
{
	ap_auto_free char *path = ap_fs_join(dir, name);
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_fs_write(path, text, strlen(text), mode, &err), &err);
}

static char *get(const char *dir, const char *name)
{
	ap_auto_free char *path = ap_fs_join(dir, name);
	struct ap_buf b = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_fs_read(&b, path, &err), &err);
	return ap_buf_steal(&b);
}

static void on_event(void *ctx, const struct ap_event *ev)
{
	struct fixture *f = ctx;

	if (ev->kind == AP_EV_WARN || ev->kind == AP_EV_NOTE)
		ap_strv_add(&f->warnings, ev->note);
}

#define DIST(name, version, rest)                                                        \
	"{\"name\":\"" name "\",\"version\":\"" version                                  \
	"\",\"path\":\"/usr/lib/python3.11/site-packages/" name "-" version              \
	".dist-info\",\"site\":\"/usr/lib/python3.11/site-packages\",\"removable\":true" \
	",\"hasRecord\":true" rest "}"

static const char base_json[] =
	"{\"format\":\"autopack.inventory.v1\",\"os\":\"linux\",\"arch\":\"amd64\",\"libc\":\"glibc\","
	"\"libcVersion\":\"2.36\",\"hasPython\":true,\"hasPython3\":true,"
	"\"python\":\"/usr/bin/python3.11\",\"pythonVersion\":\"3.11.2\",\"implementation\":\"cpython\","
	"\"scheme\":{\"prefix\":\"/usr\",\"purelib\":\"/usr/lib/python3.11/site-packages\","
	"\"platlib\":\"/usr/lib/python3.11/site-packages\",\"scripts\":\"/usr/bin\",\"data\":\"/usr\","
	"\"headers\":\"/usr/include/python3.11\",\"interpreter\":\"/usr/bin/python3\"},"
	"\"siteDirs\":[\"/usr/lib/python3.11/site-packages\"],\"distributions\":[" DIST(
		"numpy", "1.26.4", "") "," DIST("torch", "2.3.0+cu121",
		",\"requires\":[\"numpy<2\"]") "," DIST("Odd_Name", "0.0.0-unknown",
		"") "],\"tree\":{}}";

static void setup(struct fixture *f)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_json j = NULL;

	*f = (struct fixture){ 0 };
	f->dir = unit_tmpdir();
	f->bin = unit_tmpdir();
	f->cache = unit_tmpdir();
	f->uv = ap_fs_join(f->bin, "uv");
	put(f->bin, "uv", fake_uv, 0755);
	put(f->bin, "version", "uv 0.9.1 (abc)\n", 0644);
	put(f->bin, "chosen", "numpy==1.26.4\n", 0644);
	assert_ok(ap_json_parse(&j, base_json, sizeof(base_json) - 1, &err), &err);
	assert_ok(ap_inventory_from_json(&f->inv, j, &err), &err);
	ap_progress_init(&f->progress, on_event, f);
	f->o = (struct ap_resolve_opts){
		.cache_dir = f->cache, .uv = f->uv, .env = secret_env, .progress = &f->progress
	};
}

static void teardown(struct fixture *f)
{
	free(f->dir);
	free(f->uv);
	free(f->bin);
	free(f->cache);
	ap_inventory_free(f->inv);
	ap_dep_request_release(&f->req);
	ap_lock_release(&f->lock);
	ap_strv_release(&f->requirements);
	ap_strv_release(&f->packages);
	ap_strv_release(&f->warnings);
	ap_progress_release(&f->progress);
}

#define FIXTURE(f)                             \
	AP_CLEANUP(teardown) struct fixture f; \
	setup(&f)

static int resolve(struct fixture *f, struct ap_err *err)
{
	ap_dep_request_release(&f->req);
	ap_lock_release(&f->lock);
	if (ap_dep_request_read(&f->req, f->dir, &f->requirements, &f->packages, NULL, NULL, err) <
		0)
		return -1;
	return ap_resolve(&f->lock, &f->req, f->inv, &f->o, err);
}

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define PYLOCK "lock-version = \"1.0\"\ncreated-by = \"uv\"\n"
#define PACKAGE(name, version, hash)                                                       \
	"[[packages]]\nname = \"" name "\"\nversion = \"" version "\"\nwheels = [{ url = " \
	"\"https://u:geheim@h/" name "-" version                                           \
	"-py3-none-any.whl\", hashes = { sha256 = \"" hash "\" } }]\n"

TEST(resolve_adds_what_the_base_lacks_and_leaves_the_rest_alone)
{
	FIXTURE(f);
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *pins = NULL;
	ap_auto_free char *base = NULL;
	ap_auto_free char *add = NULL;
	ap_auto_free char *argv = NULL;

	put(f.dir, "requirements.txt", "accelerate\nnumpy\n", 0644);
	put(f.bin, "chosen", "accelerate==1.0\nnumpy==1.26.4\ntorch==2.3.0+cu121\npsutil==7.0\n",
		0644);
	put(f.bin, "pylock",
		PYLOCK PACKAGE("psutil", "7.0", HASH_B) PACKAGE("accelerate", "1.0", HASH_A), 0644);
	assert_ok(resolve(&f, &err), &err);
	assert_int_equal(f.lock.n, 2);
	assert_string_equal(f.lock.v[0].name, "accelerate");
	assert_true(f.lock.v[0].requested);
	assert_false(f.lock.v[1].requested);
	assert_int_equal(f.lock.removes.n, 0);
	assert_string_equal(f.lock.v[0].url, "https://h/accelerate-1.0-py3-none-any.whl");
	pins = get(f.bin, "pins");
	assert_string_equal(pins, "numpy==1.26.4\ntorch==2.3.0+cu121\n");
	base = get(f.bin, "base");
	assert_string_equal(
		base, "numpy-1.26.4-py3-none-any.whl\ntorch-2.3.0+cu121-py3-none-any.whl\n");
	add = get(f.bin, "add");
	assert_string_equal(add, "accelerate==1.0\npsutil==7.0\n");
	argv = get(f.bin, "argv");
	assert_non_null(strstr(argv, "--python-version=3.11.2"));
	assert_non_null(strstr(argv, "--python-platform=x86_64-manylinux_2_36"));
	assert_non_null(strstr(argv, "--only-binary=:all:"));
}

TEST(resolve_upgrades_what_the_flag_names_and_warns_of_what_breaks)
{
	FIXTURE(f);
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *in = NULL;
	ap_auto_free char *pins = NULL;
	ap_auto_free char *argv = NULL;

	put(f.dir, "requirements.txt", "numpy[x]<1.27\nother ; python_version < '3'\n-c c.txt\n",
		0644);
	put(f.dir, "c.txt", "numpy<1.99\nscipy<9\n", 0644);
	ap_strv_add(&f.requirements, "numpy>=2");
	put(f.bin, "chosen", "numpy==2.1\n", 0644);
	put(f.bin, "pylock", PYLOCK PACKAGE("numpy", "2.1", HASH_A), 0644);
	assert_ok(resolve(&f, &err), &err);
	assert_int_equal(f.lock.removes.n, 1);
	assert_string_equal(f.lock.removes.v[0], "numpy");
	in = get(f.bin, "in");
	assert_string_equal(in, "numpy[x]\nnumpy>=2\n");
	free(in);
	in = get(f.bin, "limits");
	assert_string_equal(in, "scipy<9\n");
	pins = get(f.bin, "pins");
	assert_null(strstr(pins, "numpy"));
	argv = get(f.bin, "argv");
	assert_non_null(strstr(argv, "--upgrade-package=numpy"));
	assert_int_equal(f.warnings.n, 1);
	assert_string_equal(
		f.warnings.v[0], "torch 2.3.0+cu121 of the base wants numpy<2, and gets numpy 2.1");
}

TEST(resolve_shows_why_there_is_no_answer_and_what_of_the_base_is_in_the_way)
{
	FIXTURE(f);
	struct ap_err err = AP_ERR_INIT;

	put(f.dir, "requirements.txt", "accelerate\n", 0644);
	put(f.bin, "fail", "error: no solution\n  because torch==2.3.0 is \x1b[31mbad\n", 0644);
	assert_fails(resolve(&f, &err), &err, AP_E_RESOLVE,
		"no solution\nbecause torch==2.3.0 is \\x1b[31mbad; the base has torch 2.3.0+cu121");
	ap_err_clear(&err);
	put(f.bin, "fail", "error: pytorch==1 wants my-torch>=2 and torch-geometric<3\n", 0644);
	assert_fails(resolve(&f, &err), &err, AP_E_RESOLVE, "pytorch==1");
	assert_null(strstr(err.msg, "the base has"));
}

TEST(resolve_says_that_a_managed_python_is_added_to_once)
{
	FIXTURE(f);
	struct ap_err err = AP_ERR_INIT;

	put(f.dir, "requirements.txt", "accelerate\n", 0644);
	put(f.bin, "chosen", "accelerate==1.0\n", 0644);
	put(f.bin, "pylock", PYLOCK PACKAGE("accelerate", "1.0", HASH_A), 0644);
	f.inv->externally_managed = true;
	assert_ok(resolve(&f, &err), &err);
	assert_int_equal(f.warnings.n, 1);
	assert_non_null(strstr(f.warnings.v[0], "EXTERNALLY-MANAGED"));
	/* The lock is there now: one who builds again knows. */
	assert_ok(resolve(&f, &err), &err);
	assert_int_equal(f.warnings.n, 1);
}

TEST(resolve_keeps_secrets_in_a_private_file)
{
	FIXTURE(f);
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf printed = AP_BUF_INIT;
	static const char *const clean[] = { "argv", "env" };
	ap_auto_free char *config = NULL;
	ap_auto_free char *mode = NULL;
	ap_auto_free char *left = NULL;

	put(f.dir, "requirements.txt", "-i https://me:geheim@h/simple\naccelerate\n", 0644);
	put(f.bin, "chosen", "accelerate==1.0\n", 0644);
	put(f.bin, "pylock", PYLOCK PACKAGE("accelerate", "1.0", HASH_A), 0644);
	assert_ok(resolve(&f, &err), &err);
	config = get(f.bin, "config");
	assert_non_null(strstr(config, "index-url = \"https://me:geheim@h/simple\""));
	mode = get(f.bin, "config.mode");
	assert_string_equal(mode, "600\n");
	for (size_t i = 0; i < AP_LEN(clean); i++) {
		ap_auto_free char *text = get(f.bin, clean[i]);

		assert_null(strstr(text, "geheim"));
	}
	ap_lock_print(&printed, &f.lock);
	assert_null(strstr(printed.p, "geheim"));
	/* What is left in the cache is the lock and nothing that was private. */
	left = ap_xasprintf("grep -rl geheim %s", f.cache);
	assert_int_not_equal(system(left), 0);
}

TEST(resolve_without_uv_or_with_an_old_one_says_how_to_get_it)
{
	FIXTURE(f);
	struct ap_err err = AP_ERR_INIT;

	put(f.dir, "requirements.txt", "a\n", 0644);
	put(f.bin, "version", "uv 0.1.0\n", 0644);
	assert_fails(resolve(&f, &err), &err, AP_E_UNSUPPORTED,
		"uv is 0.1.0, want 0.7.0 or newer: \"autopack doctor\" says");
	put(f.bin, "version", "something else\n", 0644);
	assert_fails(resolve(&f, &err), &err, AP_E_CHILD, "want \"uv X.Y.Z\"");
	f.o.uv = "/no/such/uv";
	assert_fails(resolve(&f, &err), &err, AP_E_NOT_FOUND, "no program \"/no/such/uv\"");
}

static size_t runs(const struct fixture *f)
{
	ap_auto_free char *argv = get(f->bin, "argv");
	size_t n = 0;

	for (const char *p = argv; (p = strstr(p, "pip compile")); p++)
		n++;
	return n;
}

TEST(resolve_reuses_the_lock_of_the_same_inputs)
{
	FIXTURE(f);
	struct ap_err err = AP_ERR_INIT;

	put(f.dir, "requirements.txt", "accelerate\n", 0644);
	put(f.bin, "chosen", "accelerate==1.0\n", 0644);
	put(f.bin, "pylock", PYLOCK PACKAGE("accelerate", "1.0", HASH_A), 0644);
	assert_ok(resolve(&f, &err), &err);
	assert_int_equal(runs(&f), 2);
	put(f.dir, "task.py", "an edit of the code", 0644);
	assert_ok(resolve(&f, &err), &err);
	assert_int_equal(runs(&f), 2);
	assert_int_equal(f.lock.n, 1);
	assert_true(f.lock.v[0].requested);
	f.o.refresh = true;
	assert_ok(resolve(&f, &err), &err);
	assert_int_equal(runs(&f), 4);
	f.o.refresh = false;
	put(f.dir, "requirements.txt", "accelerate>0\n", 0644);
	assert_ok(resolve(&f, &err), &err);
	assert_int_equal(runs(&f), 6);
	free(f.inv->dists[0].version);
	f.inv->dists[0].version = ap_xstrdup("1.26.5");
	assert_ok(resolve(&f, &err), &err);
	assert_int_equal(runs(&f), 8);
}

TEST(resolve_takes_hashes_at_their_word)
{
	static const struct {
		const char *name, *txt;
		enum ap_err_code code;
		const char *fails_with;
	} cases[] = {
		{ "the right one",
			"a==1.0 --hash=sha256:" HASH_A " --hash=sha256:" HASH_B "\n"
			"b==1.0 --hash=sha256:" HASH_B,
			AP_E_NONE, NULL },
		{ "another", "a==1.0 --hash=sha256:" HASH_B "\nb==1.0 --hash=sha256:" HASH_B,
			AP_E_DIGEST, "requirements.txt:1: a-1.0-py3-none-any.whl is sha256:aaaa" },
		{ "none for a dependency", "a==1.0 --hash=sha256:" HASH_A, AP_E_INPUT,
			"add \"b==1.0 --hash=sha256:bbbb" },
		{ "a kind that no index tells",
			"a==1.0 --hash=sha384:" HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
			AP_E_INPUT, "want at least one --hash=sha256" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		FIXTURE(f);
		struct ap_err err = AP_ERR_INIT;

		print_message("  case: %s\n", cases[i].name);
		put(f.dir, "requirements.txt", cases[i].txt, 0644);
		put(f.bin, "chosen", "a==1.0\nb==1.0\n", 0644);
		put(f.bin, "pylock", PYLOCK PACKAGE("a", "1.0", HASH_A) PACKAGE("b", "1.0", HASH_B),
			0644);
		if (cases[i].fails_with)
			assert_fails(resolve(&f, &err), &err, cases[i].code, cases[i].fails_with);
		else
			assert_ok(resolve(&f, &err), &err);
	}
}

/* A wheel of a given name and version with nothing in it. */
static void put_wheel(const char *dir, const char *name, const char *version)
{
	ap_auto_free char *n = ap_xstrdup(name);
	ap_auto_free char *v = ap_xstrdup(version);
	struct ap_dist d = { .name = n, .normalized = n, .version = v };
	struct ap_err err = AP_ERR_INIT;
	bool written;

	assert_ok(ap_stand_in_write(&written, dir, &d, &err), &err);
	assert_true(written);
}

TEST(resolve_takes_a_local_wheel_as_the_file_it_is)
{
	FIXTURE(f);
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *in = NULL;
	ap_auto_buf printed = AP_BUF_INIT;

	put_wheel(f.dir, "my-pkg", "1.0");
	ap_strv_add(&f.packages, "my_pkg-1.0-py3-none-any.whl");
	put(f.bin, "chosen", "my-pkg @ file:///x/my_pkg-1.0-py3-none-any.whl\n", 0644);
	assert_ok(resolve(&f, &err), &err);
	in = get(f.bin, "in");
	assert_true(ap_starts_with(in, "my-pkg @ file:///"));
	assert_int_equal(f.lock.n, 1);
	assert_non_null(f.lock.v[0].local);
	assert_true(f.lock.v[0].requested);
	assert_non_null(
		strstr(f.lock.v[0].direct_url, "file:///usr/app/my_pkg-1.0-py3-none-any.whl"));
	ap_lock_print(&printed, &f.lock);
	assert_null(strstr(printed.p, f.dir));

	put(f.dir, "n-1.0-cp39-cp39-win_amd64.whl", "w", 0644);
	ap_strv_add(&f.packages, "n-1.0-cp39-cp39-win_amd64.whl");
	assert_fails(resolve(&f, &err), &err, AP_E_INPUT,
		"does not fit the base: it has Python 3.11, glibc 2.36");
}

TEST(resolve_installs_a_given_lock_for_the_base_it_finds)
{
	FIXTURE(f);
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *path = ap_fs_join(f.dir, "pylock.toml");

	put(f.dir, "pylock.toml",
		PYLOCK "requires-python = \">=3.9\"\n" PACKAGE("a", "1.0", HASH_A) PACKAGE("numpy",
			"1.26.4",
			HASH_B) "[[packages]]\nname = \"colorama\"\nversion = \"1\"\nmarker = \"sys_platform == 'win32'\"\n"
				"sdist = { url = \"https://h/c.tar.gz\", hashes = { sha256 = \"" HASH_A
				"\" } }\n",
		0644);
	put_wheel(f.dir, "l", "1.0");
	ap_strv_add(&f.packages, "l-1.0-py3-none-any.whl");
	ap_strv_add(&f.requirements, "a");
	assert_ok(
		ap_dep_request_read(&f.req, f.dir, &f.requirements, &f.packages, path, NULL, &err),
		&err);
	assert_ok(ap_resolve(&f.lock, &f.req, f.inv, &f.o, &err), &err);
	assert_int_equal(f.lock.n, 2);
	assert_string_equal(f.lock.v[0].name, "a");
	assert_true(f.lock.v[0].requested);
	assert_string_equal(f.lock.v[1].name, "l");

	put(f.dir, "pylock.toml", PYLOCK "requires-python = \">=3.12\"\n", 0644);
	ap_lock_release(&f.lock);
	assert_fails(ap_resolve(&f.lock, &f.req, f.inv, &f.o, &err), &err, AP_E_INPUT,
		"the lock is for Python >=3.12, and the base has 3.11.2");
	put(f.dir, "pylock.toml", PYLOCK "environments = [\"sys_platform == 'darwin'\"]\n", 0644);
	assert_fails(ap_resolve(&f.lock, &f.req, f.inv, &f.o, &err), &err, AP_E_INPUT,
		"other environments");
}

static int refuse_fetch(
	void *ctx, struct ap_strv *paths AP_UNUSED, const struct ap_lock *lock, struct ap_err *err)
{
	struct fixture *f = ctx;

	assert_int_equal(lock->n, 1);
	ap_strv_add(&f->warnings, lock->v[0].filename);
	ap_strv_add(&f->warnings, lock->v[0].url);
	ap_strv_add(&f->warnings, lock->v[0].digest.s);
	return ap_err_set(err, AP_E_NET, "fetched");
}

#define SDIST(name, hash)                                                                         \
	"[[packages]]\nname = \"" name "\"\nversion = \"1.0\"\nsdist = { url = \"https://h/" name \
	"-1.0.tar.gz\", hashes = { sha256 = \"" hash "\" } }\n"

TEST(resolve_builds_from_an_index_only_what_is_allowed)
{
	FIXTURE(f);
	struct ap_err err = AP_ERR_INIT;
	ap_auto_strv allow = { 0 };
	ap_auto_free char *argv = NULL;

	put(f.dir, "requirements.txt", "src\n", 0644);
	put(f.bin, "need", "--no-binary=src", 0644);
	put(f.bin, "chosen", "src==1.0\n", 0644);
	put(f.bin, "pylock", PYLOCK SDIST("src", HASH_A), 0644);
	f.o.fetch = refuse_fetch;
	f.o.fetch_ctx = &f;
	assert_fails(resolve(&f, &err), &err, AP_E_RESOLVE,
		"--allow-build=NAME lets a package be built");
	ap_strv_add(&allow, "other");
	f.o.allow_build = &allow;
	assert_fails(resolve(&f, &err), &err, AP_E_RESOLVE, "building from source is disabled");
	assert_int_equal(f.warnings.n, 0);
	ap_strv_add(&allow, "src");
	assert_fails(resolve(&f, &err), &err, AP_E_NET, "fetched");
	assert_string_equal(f.warnings.v[0], "src-1.0.tar.gz");
	assert_string_equal(f.warnings.v[1], "https://h/src-1.0.tar.gz");
	assert_string_equal(f.warnings.v[2], "sha256:" HASH_A);
	argv = get(f.bin, "argv");
	assert_non_null(strstr(argv, "--only-binary=:all: --no-binary=other --no-binary=src"));
	/* The hash of a requirement is compared before anything of the source runs. */
	put(f.dir, "requirements.txt", "src==1.0 --hash=sha256:" HASH_B "\n", 0644);
	assert_fails(resolve(&f, &err), &err, AP_E_DIGEST, "src-1.0.tar.gz is sha256:aaaa");
}

TEST(resolve_does_not_build_what_uv_lets_through)
{
	FIXTURE(f);
	struct ap_err err = AP_ERR_INIT;

	put(f.dir, "requirements.txt", "src\n", 0644);
	put(f.bin, "chosen", "src==1.0\n", 0644);
	put(f.bin, "pylock", PYLOCK SDIST("src", HASH_A), 0644);
	f.o.fetch = refuse_fetch;
	f.o.fetch_ctx = &f;
	assert_fails(resolve(&f, &err), &err, AP_E_UNSUPPORTED, "--allow-build=src");
}
