/*
 * --flags-file: flags written as YAML, turned into the words they stand for.
 */
#ifndef AP_CLI_OPT_FILE_H
#define AP_CLI_OPT_FILE_H

#include "base/str.h"

/*
 * Read a mapping (or a list of mappings) of --flag to value: null or true
 * gives the bare flag, false gives --no-flag, a list or a mapping gives a
 * list or dictionary, a list of mappings repeats the flag.
 *
 * Errors: AP_E_INPUT with line and column.
 */
int ap_opt_file_read(struct ap_strv *words, const char *path, struct ap_err *err) AP_CHECK;

#endif
