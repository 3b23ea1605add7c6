#include "cli/cache_use.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fs.h"

#define PART_DEPTH 1 /* CACHE/wheels/sha256 */
#define LOCK       "in-use"

const struct ap_cache_part ap_cache_parts[AP_CACHE_PARTS] = {
	{ "wheels", "wheels, by digest", false },
	{ "layers", "records of layers", false },
	{ "locks", "locks of earlier runs", false },
	{ "inventory", "what executor images hold", false },
	{ "stat", "digests of local files", false },
	{ "builds", "wheels built here", false },
	{ "bytecode", "bytecode, by wheel and executor image", false },
	{ "uv", "the resolver's own cache", true },
};

bool ap_cache_is_one(const char *dir)
{
	ap_auto_free char *path = ap_fs_join(dir, LOCK);

	return ap_fs_is_file(path);
}

/* What killed runs left, secrets among it. */
static void sweep(const char *dir)
{
	static const char *const dirs[] = { "uv-run", "inside" };

	for (size_t i = 0; i < AP_LEN(dirs); i++)
		ap_fs_sweep_tree(dir, 0, dirs[i]);
	for (size_t i = 0; i < AP_CACHE_PARTS; i++) {
		ap_auto_free char *part = ap_fs_join(dir, ap_cache_parts[i].name);

		if (!ap_cache_parts[i].whole)
			ap_fs_sweep_tree(part, PART_DEPTH, NULL);
	}
}

static int open_lock(const char *dir)
{
	ap_auto_free char *path = ap_fs_join(dir, LOCK);

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
	/* Nobody else is at work here. */
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
		sweep(dir);
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
