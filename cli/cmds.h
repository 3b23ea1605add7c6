/*
 * The commands, one file each; cli/tree.c puts them together.
 */
#ifndef AP_CLI_CMDS_H
#define AP_CLI_CMDS_H

#include "cli/cmd.h"

extern const struct ap_cmd ap_cmd_build;
extern const struct ap_cmd ap_cmd_completion;
extern const struct ap_cmd ap_cmd_config;
extern const struct ap_cmd ap_cmd_copy;
extern const struct ap_cmd ap_cmd_custom_jobs;

#endif
