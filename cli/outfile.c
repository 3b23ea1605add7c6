#include "cli/outfile.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(const char *by, const char *path, const char *why, struct ap_err *err)
{
	return ap_err_set(err, AP_E_INPUT, "%s: \"%s\" %s", by, path, why);
}

int ap_outfile_check(const char *by, const char *path, struct ap_err *err)
{
	ap_auto_free char *dir = ap_fs_dir_of(path);
	struct stat st;
	bool there = stat(path, &st) == 0;

	if (strcmp(path, "-") == 0)
		return refuse(by, path, "is no file: standard output holds the result", err);
	if (there && S_ISDIR(st.st_mode))
		return refuse(by, path, "is a directory, wanted a file", err);
	if (there && !S_ISREG(st.st_mode))
		return access(path, W_OK) == 0 ? 0 : refuse(by, path, "may not be written to", err);
	if (!ap_fs_is_dir(dir)) {
		(void)!refuse(by, dir, "is no directory", err);
		return ap_fs_suggest(err, dir);
	}
	return access(dir, W_OK) == 0 ? 0 : refuse(by, dir, "may not be written to", err);
}

int ap_outfile_write(const char *by, const char *path, const void *p, size_t n, struct ap_err *err)
{
	struct ap_fs_temp t = AP_FS_TEMP_INIT;
	int rc = ap_fs_temp_open_named(&t, path, 0644, err);

	if (rc == 0 && ap_write_all(t.fd, p, n, err) < 0)
		rc = ap_err_wrap(err, "%s", path);
	if (rc == 0)
		rc = ap_fs_temp_commit(&t, err);
	ap_fs_temp_release(&t);
	return rc < 0 ? ap_err_wrap(err, "%s", by) : 0;
}
