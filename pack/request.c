#include "pack/request.h"

#include <stdlib.h>

void ap_image_request_release(struct ap_image_request *r)
{
	free(r->executor_image);
	free(r->local_package_path);
	free(r->script);
	free(r->python_module);
	free(r->output_image);
	free(r->default_repository);
	free(r->platform);
	free(r->ignore_file);
	free(r->lock_file);
	free(r->cache_dir);
	ap_strv_release(&r->requirements);
	ap_strv_release(&r->extra_packages);
	ap_strv_release(&r->extra_dirs);
	ap_strv_release(&r->env);
	ap_strv_release(&r->labels);
	ap_strv_release(&r->index_urls);
	ap_strv_release(&r->allow_build);
	ap_strv_release(&r->outputs);
	*r = (struct ap_image_request){ 0 };
}
