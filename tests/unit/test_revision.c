#include "tests/unit/unit.h"

#include "pack/revision.h"
#include "pack/secret.h"

TEST(source_is_plain_https_without_secrets)
{
	static const struct {
		const char *remote, *source;
	} cases[] = {
		{ "https://github.com/o/r.git", "https://github.com/o/r.git" },
		{ "https://user:token@github.com/o/r", "https://github.com/o/r" },
		{ "https://u@x:p@host.example/o/r?token=1#f", "https://host.example/o/r" },
		{ "http://host.example:8080/o/r/", "https://host.example:8080/o/r" },
		{ "git@github.com:o/r.git", "https://github.com/o/r.git" },
		{ "ssh://git@host.example:2222/o/r.git", "https://host.example/o/r.git" },
		{ "git://host.example/o/r", "https://host.example/o/r" },
		{ "/srv/git/r.git", NULL },
		{ "../r", NULL },
		{ "file:///srv/r.git", NULL },
		{ "C:\\r", NULL },
		{ "https://host.example", NULL },
		{ "https://host.example?x=/y", NULL },
		{ "https://ho st/o", NULL },
		{ "ext::sh -c id", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *source = ap_revision_source(cases[i].remote);

		print_message("  case: %s\n", cases[i].remote);
		if (cases[i].source)
			assert_string_equal(source, cases[i].source);
		else
			assert_null(source);
	}
}

TEST(revision_of_a_directory_without_repository_is_none)
{
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_revision r;

	ap_revision_read(&r, dir, NULL);
	assert_null(r.revision);
	assert_null(r.source);
	ap_revision_release(&r);
}

TEST(credentials_are_known_by_name_and_by_content)
{
	static const struct {
		const char *path, *head;
		bool secret;
	} cases[] = {
		{ "app/.env", "", true },
		{ ".netrc", "", true },
		{ "x.netrc", "", false },
		{ "keys/id_ed25519", "", true },
		{ "keys/id_ed25519.pub", "", false },
		{ "cert.pem", "-----BEGIN CERTIFICATE-----\n", false },
		{ "key.pem", "-----BEGIN RSA PRIVATE KEY-----\nMII", true },
		{ "sa.json", "{\n \"type\": \"service_account\",\n \"private_key\": \"-----",
			true },
		{ "adc.json", "{\"client_id\":\"c\",\"refresh_token\" : \"1//\"}", true },
		{ "secrets.json", "{\"web\":{\"client_id\":\"c\",\n\"client_secret\":\n\"s\"}}",
			true },
		{ "empty.json", "{\"client_id\":\"c\",\"client_secret\":\"\"}", false },
		{ "schema.json",
			"{\"client_id\":{\"type\":\"string\"},\"refresh_token\":{\"type\":\"string\"}}",
			false },
		{ "columns.json", "{\"private_key\": \"primary\"}", false },
		{ ".env.local", "", true },
		{ "app/.env.production", "", true },
		{ "app/.env.example", "", false },
		{ ".env.sample", "", false },
		{ "env.py", "", false },
		{ "a.ipynb",
			"\"os.environ['HF_TOKEN']='hf_aB3dEfGhIjKlMnOpQrStUvWxYzAbCdEfGh'\\n\"",
			true },
		{ "a.py", "T='ghp_aB3dEfGhIjKlMnOpQrStUvWxYzAbCdEfGhIj'", true },
		{ "a.yaml", "key: AKIAIOSFODNN7ABCDEFG\n", true },
		{ "a.md", "such as AKIAIOSFODNN7EXAMPLE", false },
		{ "a.md", "hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", false },
		{ "a.py", "half_aB3dEfGhIjKlMnOpQrStUvWxYzAbCdEfGh", false },
		{ "a.py", "def hf_model_with_a_long_name_that_holds_no_digits_at_all():", false },
		{ "a.py", "hf_tooshort1", false },
		{ "a.py", "AKIA", false },
		{ "data.json", "{\"rows\": []}", false },
		{ "task.py", "print('-----BEGIN ' + kind + ' PRIVATE KEY-----')", false },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		print_message("  case: %s\n", cases[i].path);
		assert_int_equal(
			ap_secret_look(cases[i].path, cases[i].head, strlen(cases[i].head)) != NULL,
			cases[i].secret);
	}
}
