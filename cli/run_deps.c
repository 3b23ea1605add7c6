/* Dependencies: what the base holds, what is to be added, and the wheels as layers. */
#include "cli/run_deps.h"

static int refuse(struct ap_err *err)
{
	return ap_err_set(err, AP_E_UNSUPPORTED,
		"this version packages code only; the working directory asks for packages to be installed");
}

int ap_run_deps_resolve(struct ap_run *r, struct ap_err *err)
{
	(void)r;
	return refuse(err);
}

void ap_run_deps_digest(struct ap_digest *out, const struct ap_run *r)
{
	(void)r;
	*out = (struct ap_digest){ "" };
}

int ap_run_deps_layers(
	struct ap_layer_list *l, struct ap_run *r, struct ap_pool *pool, struct ap_err *err)
{
	(void)l;
	(void)r;
	(void)pool;
	return refuse(err);
}

int ap_run_deps_write_lock(const struct ap_run *r, const char *path, struct ap_err *err)
{
	(void)r;
	(void)path;
	return refuse(err);
}

int ap_run_deps_read_lock(struct ap_lock *out, const char *path, struct ap_err *err)
{
	(void)out;
	(void)path;
	return refuse(err);
}

void ap_run_deps_release(struct ap_run *r)
{
	(void)r;
}
