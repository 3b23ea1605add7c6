#include "tests/unit/unit.h"

#include <stdlib.h>

#include "base/fs.h"
#include "deps/index_config.h"

static const char *const *vars; /* NAME, VALUE, ..., NULL */

static const char *fake_env(const char *name)
{
	for (const char *const *v = vars; v && *v; v += 2) {
		if (strcmp(v[0], name) == 0)
			return v[1];
	}
	return NULL;
}

static void assert_config(
	const struct ap_dep_index *files, const char *const *env, const char *toml)
{
	AP_CLEANUP(ap_index_config_release) struct ap_index_config c = { 0 };
	ap_auto_buf out = AP_BUF_INIT;

	vars = env;
	ap_index_config_read(&c, files, fake_env);
	ap_index_config_print(&out, &c);
	assert_string_equal(out.p, toml);
}

TEST(index_settings_of_pip_reach_uv)
{
	struct ap_dep_index none = { 0 };
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *conf = ap_fs_join(dir, "pip.conf");
	struct ap_err err = AP_ERR_INIT;
	static const char text[] =
		"# c\n[global]\nindex-url = https://u:p@one/simple\n"
		"extra_index_url =\n    https://two/simple\n    https://three/simple\n"
		"[list]\nindex-url = https://not/this\n[install]\nfind-links = /w\n"
		"trusted-host: four\npre = yes\n";

	assert_ok(ap_fs_write(conf, text, sizeof(text) - 1, 0600, &err), &err);
	assert_config(&none, (const char *[]){ "PIP_CONFIG_FILE", conf, NULL },
		"allow-insecure-host = [\"four\"]\nindex-url = \"https://u:p@one/simple\"\n"
		"extra-index-url = [\"https://two/simple\", \"https://three/simple\"]\n"
		"find-links = [\"/w\"]\nprerelease = \"allow\"\n");
	assert_config(&none,
		(const char *[]){ "PIP_CONFIG_FILE", conf, "PIP_INDEX_URL", "https://env/simple",
			"PIP_NO_INDEX", "1", "PIP_EXTRA_INDEX_URL", "https://x https://y",
			"PIP_PRE", "false", "PIP_TRUSTED_HOST", "a b", "PIP_FIND_LINKS", "/l",
			NULL },
		"allow-insecure-host = [\"a\", \"b\"]\nindex-url = \"https://env/simple\"\n"
		"extra-index-url = [\"https://x\", \"https://y\"]\nfind-links = [\"/l\"]\nno-index = true\n");
}

TEST(index_settings_of_uv_and_files_win)
{
	char mine[] = "https://file/simple";
	struct ap_dep_index none = { 0 };
	struct ap_dep_index file = { .index_url = mine };

	assert_config(&none,
		(const char *[]){ "PIP_CONFIG_FILE", "/dev/null", "PIP_INDEX_URL", "https://pip",
			"UV_DEFAULT_INDEX", "corp=https://h/simple", "UV_INDEX_CORP_USERNAME", "me",
			"UV_INDEX_CORP_PASSWORD", "p@:/", "UV_INDEX", "a=https://a https://b",
			NULL },
		"index-url = \"https://me:p%40%3A%2F@h/simple\"\n"
		"extra-index-url = [\"https://a\", \"https://b\"]\n");
	assert_config(&file,
		(const char *[]){
			"PIP_CONFIG_FILE", "/dev/null", "UV_INDEX_URL", "https://uv", NULL },
		"index-url = \"https://file/simple\"\n");
}

TEST(index_addresses_that_are_inputs_have_no_secrets)
{
	struct ap_dep_index none = { 0 };
	AP_CLEANUP(ap_index_config_release) struct ap_index_config c = { 0 };
	ap_auto_strv urls = { 0 };

	vars = (const char *[]){ "PIP_CONFIG_FILE", "/dev/null", "PIP_INDEX_URL",
		"https://u:geheim@h/simple?token=geheim", NULL };
	ap_index_config_read(&c, &none, fake_env);
	ap_index_config_public(&urls, &c);
	assert_int_equal(urls.n, 1);
	assert_string_equal(urls.v[0], "https://h/simple");
}
