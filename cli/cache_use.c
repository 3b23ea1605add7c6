#include "cli/cache_use.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fs.h"

#define CACHE_DEPTH 2 /* CACHE/wheels/sha256 */

static int open_lock(const char *dir)
{
	ap_auto_free char *path = ap_fs_join(dir, "in-use");

	return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

void ap_cache_share(int *fd, const char *dir)
{
	struct ap_err err = AP_ERR_INIT;

	*fd = -1;
	if (!dir || ap_fs_mkdirs(dir, 0700, &err) < 0)
		return;
	*fd = open_lock(dir);
	if (*fd < 0)
		return;
	/* Nobody else is at work here: what killed runs left, secrets among it, can go. */
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
		ap_fs_sweep_tree(dir, CACHE_DEPTH, "uv");
	(void)flock(*fd, LOCK_SH);
}

int ap_cache_scratch(
	char **dir, const char *cache, struct ap_progress *progress, struct ap_err *err)
{
	const char *tmp = getenv("TMPDIR");
	ap_auto_free char *made = ap_xasprintf("%s/autopack-XXXXXX", tmp && *tmp ? tmp : "/tmp");

	if (!mkdtemp(made))
		return ap_err_sys(err, "make directory %s", made);
	if (cache)
		ap_emit_warn(progress, AP_STEP_PLAN,
			"%s cannot be written: nothing is kept for the next run", cache);
	*dir = AP_STEAL(made);
	return 0;
}

int ap_cache_alone(int *fd, const char *dir, struct ap_err *err)
{
	ap_auto_fd int lock = open_lock(dir);

	if (lock < 0)
		return ap_err_sys(err, "%s", dir);
	for (int i = 0; i < 100 && !ap_interrupted(); i++) {
		if (flock(lock, LOCK_EX | LOCK_NB) == 0) {
			*fd = AP_STEAL_FD(lock);
			return 0;
		}
		usleep(100000);
	}
	return ap_err_set(
		err, AP_E_IO, "%s: in use by a running build; try again when it has ended", dir);
}
