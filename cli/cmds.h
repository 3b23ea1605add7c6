/*
 * The commands, one file each; cli/tree.c puts them together.
 */
#ifndef AP_CLI_CMDS_H
#define AP_CLI_CMDS_H

#include "cli/cmd.h"

extern const struct ap_cmd ap_cmd_build;
extern const struct ap_cmd ap_cmd_cache;
extern const struct ap_cmd ap_cmd_completion;
extern const struct ap_cmd ap_cmd_config;
extern const struct ap_cmd ap_cmd_copy;
extern const struct ap_cmd ap_cmd_custom_jobs;
extern const struct ap_cmd ap_cmd_doctor;
extern const struct ap_cmd ap_cmd_inspect;
extern const struct ap_cmd ap_cmd_hp_tuning_jobs;
extern const struct ap_cmd ap_cmd_local_run;
extern const struct ap_cmd ap_cmd_operations;
extern const struct ap_cmd ap_cmd_persistent_resources;
extern const struct ap_cmd ap_cmd_pipelines;
extern const struct ap_cmd ap_cmd_training_pipelines;

#endif
