/*
 * Parameters of a compiled pipeline: its inputs, and values for them.
 */
#ifndef AP_VERTEX_PARAMETERS_H
#define AP_VERTEX_PARAMETERS_H

#include "base/json.h"

/*
 * Put one "K=V" into values, V read by the type that `inputs` (the
 * pipeline's root.inputDefinitions.parameters) gives K.
 * Errors: AP_E_USAGE naming the parameter, the nearest one, wanted and found.
 */
int ap_parameter_set(
	cJSON *values, const cJSON *inputs, const char *text, struct ap_err *err) AP_CHECK;

/* Check values from a file: known names, right types. */
int ap_parameters_check(
	const cJSON *values, const cJSON *inputs, const char *file, struct ap_err *err) AP_CHECK;

/* Is there a value or a default for every input?  Errors: AP_E_USAGE naming all that lack one. */
int ap_parameters_complete(const cJSON *values, const cJSON *inputs, struct ap_err *err) AP_CHECK;

/*
 * The form of pipelines of schema 2.0.0: { "k": {"intValue": "3"} }.
 * *out: owned.
 */
int ap_parameters_old(
	cJSON **out, const cJSON *values, const cJSON *inputs, struct ap_err *err) AP_CHECK;

#endif
