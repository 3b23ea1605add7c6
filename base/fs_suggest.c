#include "base/fs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_NAMES = 10000 }; /* of a directory that is looked at */

/* The name in `dir` that is most like `name`, owned; NULL: none is. */
static char *near_name(const char *dir, const char *name)
{
	ap_auto_strv names = { 0 };
	const char *near;
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && names.n < MAX_NAMES && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			ap_strv_add(&names, e->d_name);
	if (d)
		closedir(d);
	ap_strv_sort(&names);
	near = ap_did_you_mean(name, (const char *const *)names.v, names.n);
	return near ? ap_xstrdup(near) : NULL;
}

/* The path with its first missing part mended, owned; NULL when that leads to nothing. */
static char *near_path(const char *path)
{
	ap_auto_free char *copy = ap_xstrdup(path);
	ap_auto_free char *found = NULL;
	char *part = copy;
	char *end;

	for (;; part = end + 1) {
		char c;

		end = part + strcspn(part, "/");
		c = *end;
		*end = '\0';
		if (*copy && access(copy, F_OK) != 0)
			break;
		*end = c;
		if (!c)
			return NULL;
	}
	if (part == copy) {
		found = near_name(".", part);
	} else {
		ap_auto_free char *name = NULL;
		ap_auto_free char *dir = ap_xstrndup(copy, (size_t)(part - copy));

		name = near_name(dir, part);
		found = name ? ap_fs_join(dir, name) : NULL;
	}
	if (found && path[end - copy]) {
		char *whole = ap_xasprintf("%s%s", found, path + (end - copy));

		free(found);
		found = whole;
	}
	return found && access(found, F_OK) == 0 ? AP_STEAL(found) : NULL;
}

static int suggest(struct ap_err *err, const char *near)
{
	size_t used = strlen(err->msg);

	if (near)
		snprintf(err->msg + used, sizeof(err->msg) - used, "; did you mean \"%s\"?", near);
	return -1;
}

int ap_fs_suggest(struct ap_err *err, const char *path)
{
	ap_auto_free char *near = near_path(path);

	return suggest(err, near);
}

int ap_fs_suggest_in(struct ap_err *err, const char *dir, const char *path)
{
	ap_auto_free char *at = ap_fs_join(dir, path);
	ap_auto_free char *near = near_path(at);
	size_t n = strlen(dir);

	while (n && dir[n - 1] == '/')
		n--;
	if (n && strncmp(path, dir, n) == 0 && path[n] == '/') {
		ap_auto_free char *once = ap_fs_join(dir, path + n + strspn(path + n, "/"));

		if (access(once, F_OK) == 0)
			return suggest(err, path + n + strspn(path + n, "/"));
	}
	if (near && path[0] != '/' && strncmp(near, dir, n) == 0 && near[n] == '/')
		return suggest(err, near + n + strspn(near + n, "/"));
	return suggest(err, near);
}
