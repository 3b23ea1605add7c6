#include "cli/mend.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/child.h"

static bool has(const char *program)
{
	ap_auto_free char *path = ap_child_find(program, NULL);

	return path != NULL;
}

char *ap_mend_setting(const char *property, const char *variable, const char *value)
{
	return has("gcloud") ? ap_xasprintf("gcloud config set %s %s", property, value)
			     : ap_xasprintf("export %s=%s", variable, value);
}

char *ap_mend_login(void)
{
	return ap_xstrdup(has("gcloud") ? "gcloud auth login"
					: "export GOOGLE_APPLICATION_CREDENTIALS=FILE.json");
}

char *ap_mend_grant(const struct ap_env *env, const char *role)
{
	const char *project = ap_env_get(env, AP_KEY_PROJECT);
	const char *account = ap_env_get(env, AP_KEY_ACCOUNT);
	bool robot = account && ap_ends_with(account, ".gserviceaccount.com");

	return ap_xasprintf("gcloud projects add-iam-policy-binding %s --member=%s:%s --role=%s",
		project ? project : "PROJECT_ID", robot ? "serviceAccount" : "user",
		account ? account : "EMAIL", role);
}

char *ap_mend_package(const char *name)
{
	return ap_xasprintf("%sapt-get install -y %s", geteuid() == 0 ? "" : "sudo ", name);
}

/* There is a pip, and nothing forbids to use it. */
static bool pip_may_install(void)
{
	static const char *const argv[] = { "python3", "-c",
		"import importlib.util, os, sys, sysconfig\n"
		"mark = os.path.join(sysconfig.get_path('stdlib'), 'EXTERNALLY-MANAGED')\n"
		"managed = sys.prefix == sys.base_prefix and os.path.exists(mark)\n"
		"sys.exit(managed or not importlib.util.find_spec('pip'))",
		NULL };
	ap_auto_buf out = AP_BUF_MAX(4096);
	struct ap_err err = AP_ERR_INIT;
	struct ap_child_opts o = { .argv = argv, .out = &out, .errout = &out, .timeout = 20 };
	int status = 1;

	return ap_child_run(&o, &status, &err) == 0 && status == 0;
}

char *ap_mend_uv(void)
{
	if (has("pipx"))
		return ap_xstrdup("pipx install uv");
	if (pip_may_install())
		return ap_xstrdup("python3 -m pip install uv");
	if (has("apt-get") && !has("curl")) {
		ap_auto_free char *pipx = ap_mend_package("pipx");

		return ap_xasprintf("%s && pipx install uv", pipx);
	}
	return ap_xstrdup("curl -LsSf https://astral.sh/uv/install.sh | sh");
}
