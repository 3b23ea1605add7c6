#include "deps/linked.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "deps/download.h"
#include "deps/inputs.h"

int ap_linked_take(struct ap_lock *lock, struct ap_err *err)
{
	for (size_t i = 0; i < lock->n; i++) {
		struct ap_locked *l = &lock->v[i];

		if (!l->url || !ap_starts_with(l->url, "file:"))
			continue;
		l->local = ap_path_of_file_url(l->url);
		if (!l->local)
			return ap_err_set(
				err, AP_E_INPUT, "%s: %s: want file:///PATH", l->name, l->url);
		free(AP_STEAL(l->url));
	}
	return 0;
}

char *ap_linked_find(
	const struct ap_strv *places, const char *filename, const struct ap_digest *digest)
{
	for (size_t i = 0; i < places->n; i++) {
		const char *place = places->v[i];
		ap_auto_free char *dir = ap_starts_with(place, "file:") ? ap_path_of_file_url(place)
									: ap_xstrdup(place);
		ap_auto_free char *path =
			dir && ap_fs_is_dir(dir) ? ap_fs_join(dir, filename) : AP_STEAL(dir);
		struct ap_err err = AP_ERR_INIT;
		bool ok = false;

		if (path && ap_fs_is_file(path) &&
			ap_download_check(&ok, path, digest, 0, &err) == 0 && ok)
			return AP_STEAL(path);
	}
	return NULL;
}
