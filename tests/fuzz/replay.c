/*
 * Feeds files, or every file of the directories named, to one fuzz target:
 * the corpus under a plain compiler, with no fuzzing engine.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t n_inputs;

static void one(const char *path)
{
	ap_auto_buf b = AP_BUF_MAX(64 << 20);
	struct ap_err err = AP_ERR_INIT;
	uint8_t *copy;

	if (ap_fs_read(&b, path, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		exit(1);
	}
	/* Exactly sized, so that ASan sees a read past the end. */
	copy = malloc(b.len ? b.len : 1);
	if (!copy)
		abort();
	memcpy(copy, b.p, b.len);
	/* Named before it runs: a crash then says which input it was. */
	fprintf(stderr, "  %s\n", path);
	LLVMFuzzerTestOneInput(copy, b.len);
	free(copy);
	n_inputs++;
}

static void every(const char *dir)
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort);

	if (n < 0) {
		perror(dir);
		exit(1);
	}
	for (int i = 0; i < n; i++) {
		char *path = ap_xasprintf("%s/%s", dir, names[i]->d_name);
		struct stat st;

		if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
			one(path);
		free(path);
		free(names[i]);
	}
	free(names);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			every(argv[i]);
		else
			one(argv[i]);
	}
	printf("%zu\n", n_inputs);
	return n_inputs ? 0 : 1;
}
