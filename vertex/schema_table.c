/*
 * Made by `make schema` from google-cloud-aiplatform 2.7.0.  Do not edit.
 */
#include "vertex/schema.h"

/* clang-format off */
static const struct ap_schema_value values_0[] = {
	{ "NVIDIA_TESLA_K80", 3 },
	{ "NVIDIA_TESLA_P100", 3 },
	{ "NVIDIA_TESLA_V100", 3 },
	{ "NVIDIA_TESLA_P4", 3 },
	{ "NVIDIA_TESLA_T4", 3 },
	{ "TPU_V2", 3 },
	{ "TPU_V3", 3 },
	{ "NVIDIA_TESLA_A100", 3 },
	{ "NVIDIA_A100_80GB", 3 },
	{ "TPU_V4_POD", 3 },
	{ "NVIDIA_L4", 3 },
	{ "TPU_V5_LITEPOD", 3 },
	{ "NVIDIA_H100_80GB", 3 },
	{ "NVIDIA_H100_MEGA_80GB", 3 },
	{ "NVIDIA_H200_141GB", 3 },
	{ "NVIDIA_B200", 3 },
	{ "NVIDIA_GB200", 3 },
	{ "NVIDIA_RTX_PRO_6000", 3 },
};
static const struct ap_schema_value values_1[] = {
	{ "PENDING", 3 },
	{ "LIVE", 3 },
};
static const struct ap_schema_value values_2[] = {
	{ "JSONL", 3 },
};
static const struct ap_schema_value values_3[] = {
	{ "NEW", 3 },
	{ "RUNNING", 3 },
	{ "COMPLETE", 3 },
	{ "FAILED", 3 },
	{ "CACHED", 3 },
	{ "CANCELLED", 3 },
};
static const struct ap_schema_value values_4[] = {
	{ "IDENTITY", 3 },
	{ "BAG_OF_FEATURES", 3 },
	{ "BAG_OF_FEATURES_SPARSE", 3 },
	{ "INDICATOR", 3 },
	{ "COMBINED_EMBEDDING", 3 },
	{ "CONCAT_EMBEDDING", 3 },
};
static const struct ap_schema_value values_5[] = {
	{ "PINK_GREEN", 3 },
	{ "VIRIDIS", 3 },
	{ "RED", 3 },
	{ "GREEN", 3 },
	{ "PINK_WHITE_GREEN", 3 },
	{ "RED_GREEN", 3 },
};
static const struct ap_schema_value values_6[] = {
	{ "NONE", 3 },
	{ "ORIGINAL", 3 },
	{ "GRAYSCALE", 3 },
	{ "MASK_BLACK", 3 },
};
static const struct ap_schema_value values_7[] = {
	{ "POSITIVE", 3 },
	{ "NEGATIVE", 3 },
	{ "BOTH", 3 },
};
static const struct ap_schema_value values_8[] = {
	{ "PIXELS", 3 },
	{ "OUTLINES", 3 },
};
static const struct ap_schema_value values_9[] = {
	{ "JOB_STATE_QUEUED", 3 },
	{ "JOB_STATE_PENDING", 3 },
	{ "JOB_STATE_RUNNING", 3 },
	{ "JOB_STATE_SUCCEEDED", 3 },
	{ "JOB_STATE_FAILED", 3 },
	{ "JOB_STATE_CANCELLING", 3 },
	{ "JOB_STATE_CANCELLED", 3 },
	{ "JOB_STATE_PAUSED", 3 },
	{ "JOB_STATE_EXPIRED", 3 },
	{ "JOB_STATE_UPDATING", 3 },
	{ "JOB_STATE_PARTIALLY_SUCCEEDED", 3 },
};
static const struct ap_schema_value values_10[] = {
	{ "DEDICATED_RESOURCES", 3 },
	{ "AUTOMATIC_RESOURCES", 3 },
	{ "SHARED_RESOURCES", 3 },
};
static const struct ap_schema_value values_11[] = {
	{ "ARTIFACT", 3 },
	{ "IMAGE", 3 },
};
static const struct ap_schema_value values_12[] = {
	{ "AUTOML", 3 },
	{ "CUSTOM", 3 },
	{ "BQML", 3 },
	{ "MODEL_GARDEN", 3 },
	{ "GENIE", 3 },
	{ "CUSTOM_TEXT_EMBEDDING", 3 },
	{ "MARKETPLACE", 3 },
};
static const struct ap_schema_value values_13[] = {
	{ "PROVISIONING", 3 },
	{ "RUNNING", 3 },
	{ "STOPPING", 3 },
	{ "ERROR", 3 },
	{ "REBOOTING", 3 },
	{ "UPDATING", 3 },
};
static const struct ap_schema_value values_14[] = {
	{ "PIPELINE_FAILURE_POLICY_FAIL_SLOW", 3 },
	{ "PIPELINE_FAILURE_POLICY_FAIL_FAST", 3 },
};
static const struct ap_schema_value values_15[] = {
	{ "FAIL", 2 },
	{ "FALL_BACK_TO_ON_DEMAND", 2 },
};
static const struct ap_schema_value values_16[] = {
	{ "PIPELINE_STATE_QUEUED", 3 },
	{ "PIPELINE_STATE_PENDING", 3 },
	{ "PIPELINE_STATE_RUNNING", 3 },
	{ "PIPELINE_STATE_SUCCEEDED", 3 },
	{ "PIPELINE_STATE_FAILED", 3 },
	{ "PIPELINE_STATE_CANCELLING", 3 },
	{ "PIPELINE_STATE_CANCELLED", 3 },
	{ "PIPELINE_STATE_PAUSED", 3 },
};
static const struct ap_schema_value values_17[] = {
	{ "PENDING", 3 },
	{ "RUNNING", 3 },
	{ "SUCCEEDED", 3 },
	{ "CANCEL_PENDING", 3 },
	{ "CANCELLING", 3 },
	{ "CANCELLED", 3 },
	{ "FAILED", 3 },
	{ "SKIPPED", 3 },
	{ "NOT_TRIGGERED", 3 },
};
static const struct ap_schema_value values_18[] = {
	{ "IMAGE", 3 },
	{ "TEXT", 3 },
	{ "TABULAR", 3 },
};
static const struct ap_schema_value values_19[] = {
	{ "PRECISE", 3 },
	{ "FAST", 3 },
};
static const struct ap_schema_value values_20[] = {
	{ "NO_RESERVATION", 3 },
	{ "ANY_RESERVATION", 3 },
	{ "SPECIFIC_RESERVATION", 3 },
};
static const struct ap_schema_value values_21[] = {
	{ "ON_DEMAND", 3 },
	{ "LOW_COST", 3 },
	{ "STANDARD", 3 },
	{ "SPOT", 3 },
	{ "FLEX_START", 3 },
};
static const struct ap_schema_value values_22[] = {
	{ "GRID_SEARCH", 3 },
	{ "RANDOM_SEARCH", 3 },
};
static const struct ap_schema_value values_23[] = {
	{ "LAST_MEASUREMENT", 3 },
	{ "BEST_MEASUREMENT", 3 },
};
static const struct ap_schema_value values_24[] = {
	{ "MAXIMIZE", 3 },
	{ "MINIMIZE", 3 },
};
static const struct ap_schema_value values_25[] = {
	{ "LOW", 3 },
	{ "HIGH", 3 },
};
static const struct ap_schema_value values_26[] = {
	{ "UNIT_LINEAR_SCALE", 3 },
	{ "UNIT_LOG_SCALE", 3 },
	{ "UNIT_REVERSE_LOG_SCALE", 3 },
};
static const struct ap_schema_value values_27[] = {
	{ "REQUESTED", 3 },
	{ "ACTIVE", 3 },
	{ "STOPPING", 3 },
	{ "SUCCEEDED", 3 },
	{ "INFEASIBLE", 3 },
};

const struct ap_schema_enum ap_schema_enums[] = {
	{ "AcceleratorType", values_0, AP_LEN(values_0) },
	{ "Artifact.State", values_1, AP_LEN(values_1) },
	{ "Examples.ExampleGcsSource.DataFormat", values_2, AP_LEN(values_2) },
	{ "Execution.State", values_3, AP_LEN(values_3) },
	{ "ExplanationMetadata.InputMetadata.Encoding", values_4, AP_LEN(values_4) },
	{ "ExplanationMetadata.InputMetadata.Visualization.ColorMap", values_5, AP_LEN(values_5) },
	{ "ExplanationMetadata.InputMetadata.Visualization.OverlayType", values_6, AP_LEN(values_6) },
	{ "ExplanationMetadata.InputMetadata.Visualization.Polarity", values_7, AP_LEN(values_7) },
	{ "ExplanationMetadata.InputMetadata.Visualization.Type", values_8, AP_LEN(values_8) },
	{ "JobState", values_9, AP_LEN(values_9) },
	{ "Model.DeploymentResourcesType", values_10, AP_LEN(values_10) },
	{ "Model.ExportFormat.ExportableContent", values_11, AP_LEN(values_11) },
	{ "ModelSourceInfo.ModelSourceType", values_12, AP_LEN(values_12) },
	{ "PersistentResource.State", values_13, AP_LEN(values_13) },
	{ "PipelineFailurePolicy", values_14, AP_LEN(values_14) },
	{ "PipelineJob.RuntimeConfig.PersistentResourceRuntimeDetail.TaskResourceUnavailableTimeoutBehavior", values_15, AP_LEN(values_15) },
	{ "PipelineState", values_16, AP_LEN(values_16) },
	{ "PipelineTaskDetail.State", values_17, AP_LEN(values_17) },
	{ "Presets.Modality", values_18, AP_LEN(values_18) },
	{ "Presets.Query", values_19, AP_LEN(values_19) },
	{ "ReservationAffinity.Type", values_20, AP_LEN(values_20) },
	{ "Scheduling.Strategy", values_21, AP_LEN(values_21) },
	{ "StudySpec.Algorithm", values_22, AP_LEN(values_22) },
	{ "StudySpec.MeasurementSelectionType", values_23, AP_LEN(values_23) },
	{ "StudySpec.MetricSpec.GoalType", values_24, AP_LEN(values_24) },
	{ "StudySpec.ObservationNoise", values_25, AP_LEN(values_25) },
	{ "StudySpec.ParameterSpec.ScaleType", values_26, AP_LEN(values_26) },
	{ "Trial.State", values_27, AP_LEN(values_27) },
};
const size_t ap_schema_n_enums = AP_LEN(ap_schema_enums);

static const struct ap_schema_field fields_0[] = {
	{ "name", "name", AP_SCHEMA_STRING, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "displayName", "display_name", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "uri", "uri", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "etag", "etag", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "labels", "labels", AP_SCHEMA_STRING, 0, AP_SCHEMA_MAP, 0, 3 },
	{ "createTime", "create_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "updateTime", "update_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "state", "state", AP_SCHEMA_ENUM, 1, 0, 0, 3 },
	{ "schemaTitle", "schema_title", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "schemaVersion", "schema_version", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "metadata", "metadata", AP_SCHEMA_STRUCT, 0, 0, 0, 3 },
	{ "description", "description", AP_SCHEMA_STRING, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_1[] = {
	{ "schemaTitle", "schema_title", AP_SCHEMA_STRING, 0, 0, 1, 2 },
	{ "schemaUri", "schema_uri", AP_SCHEMA_STRING, 0, 0, 1, 2 },
	{ "instanceSchema", "instance_schema", AP_SCHEMA_STRING, 0, 0, 1, 2 },
	{ "schemaVersion", "schema_version", AP_SCHEMA_STRING, 0, 0, 0, 2 },
};
static const struct ap_schema_field fields_2[] = {
	{ "outputUri", "output_uri", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
};
static const struct ap_schema_field fields_3[] = {
	{ "maxBlurSigma", "max_blur_sigma", AP_SCHEMA_FLOAT, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_4[] = {
	{ "checkpointId", "checkpoint_id", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "epoch", "epoch", AP_SCHEMA_INT64, 0, 0, 0, 3 },
	{ "step", "step", AP_SCHEMA_INT64, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_5[] = {
	{ "imageUri", "image_uri", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "command", "command", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 3 },
	{ "args", "args", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 3 },
	{ "env", "env", AP_SCHEMA_MESSAGE, 13, AP_SCHEMA_LIST, 0, 3 },
};
static const struct ap_schema_field fields_6[] = {
	{ "name", "name", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "displayName", "display_name", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "etag", "etag", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "labels", "labels", AP_SCHEMA_STRING, 0, AP_SCHEMA_MAP, 0, 3 },
	{ "createTime", "create_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "updateTime", "update_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "parentContexts", "parent_contexts", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST | AP_SCHEMA_OUTPUT, 0, 3 },
	{ "schemaTitle", "schema_title", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "schemaVersion", "schema_version", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "metadata", "metadata", AP_SCHEMA_STRUCT, 0, 0, 0, 3 },
	{ "description", "description", AP_SCHEMA_STRING, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_7[] = {
	{ "name", "name", AP_SCHEMA_STRING, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "displayName", "display_name", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "jobSpec", "job_spec", AP_SCHEMA_MESSAGE, 8, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "state", "state", AP_SCHEMA_ENUM, 9, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "createTime", "create_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "startTime", "start_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "endTime", "end_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "updateTime", "update_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "error", "error", AP_SCHEMA_MESSAGE, 116, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "labels", "labels", AP_SCHEMA_STRING, 0, AP_SCHEMA_MAP, 0, 3 },
	{ "encryptionSpec", "encryption_spec", AP_SCHEMA_MESSAGE, 12, 0, 0, 3 },
	{ "webAccessUris", "web_access_uris", AP_SCHEMA_STRING, 0, AP_SCHEMA_MAP | AP_SCHEMA_OUTPUT, 0, 3 },
	{ "satisfiesPzs", "satisfies_pzs", AP_SCHEMA_BOOL, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "satisfiesPzi", "satisfies_pzi", AP_SCHEMA_BOOL, 0, AP_SCHEMA_OUTPUT, 0, 3 },
};
static const struct ap_schema_field fields_8[] = {
	{ "persistentResourceId", "persistent_resource_id", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "workerPoolSpecs", "worker_pool_specs", AP_SCHEMA_MESSAGE, 114, AP_SCHEMA_LIST | AP_SCHEMA_REQUIRED, 0, 3 },
	{ "scheduling", "scheduling", AP_SCHEMA_MESSAGE, 86, 0, 0, 3 },
	{ "serviceAccount", "service_account", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "network", "network", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "reservedIpRanges", "reserved_ip_ranges", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 3 },
	{ "pscInterfaceConfig", "psc_interface_config", AP_SCHEMA_MESSAGE, 74, 0, 0, 3 },
	{ "baseOutputDirectory", "base_output_directory", AP_SCHEMA_MESSAGE, 28, 0, 0, 3 },
	{ "protectedArtifactLocationId", "protected_artifact_location_id", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "tensorboard", "tensorboard", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "enableWebAccess", "enable_web_access", AP_SCHEMA_BOOL, 0, 0, 0, 3 },
	{ "enableDashboardAccess", "enable_dashboard_access", AP_SCHEMA_BOOL, 0, 0, 0, 3 },
	{ "experiment", "experiment", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "experimentRun", "experiment_run", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "models", "models", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 3 },
};
static const struct ap_schema_field fields_9[] = {
	{ "endpoint", "endpoint", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "deployedModelId", "deployed_model_id", AP_SCHEMA_STRING, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_10[] = {
	{ "bootDiskType", "boot_disk_type", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "bootDiskSizeGb", "boot_disk_size_gb", AP_SCHEMA_INT32, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_11[] = {
	{ "domain", "domain", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "targetProject", "target_project", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "targetNetwork", "target_network", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
};
static const struct ap_schema_field fields_12[] = {
	{ "kmsKeyName", "kms_key_name", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
};
static const struct ap_schema_field fields_13[] = {
	{ "name", "name", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "value", "value", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
};
static const struct ap_schema_field fields_14[] = {
	{ "exampleGcsSource", "example_gcs_source", AP_SCHEMA_MESSAGE, 15, 0, 0, 3 },
	{ "nearestNeighborSearchConfig", "nearest_neighbor_search_config", AP_SCHEMA_VALUE, 0, 0, 1, 3 },
	{ "presets", "presets", AP_SCHEMA_MESSAGE, 67, 0, 1, 3 },
	{ "neighborCount", "neighbor_count", AP_SCHEMA_INT32, 0, 0, 0, 3 },
	{ "gcsSource", "gcs_source", AP_SCHEMA_MESSAGE, 29, 0, 0, 2 },
};
static const struct ap_schema_field fields_15[] = {
	{ "dataFormat", "data_format", AP_SCHEMA_ENUM, 2, 0, 0, 3 },
	{ "gcsSource", "gcs_source", AP_SCHEMA_MESSAGE, 29, 0, 0, 3 },
};
static const struct ap_schema_field fields_16[] = {
	{ "name", "name", AP_SCHEMA_STRING, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "displayName", "display_name", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "state", "state", AP_SCHEMA_ENUM, 3, 0, 0, 3 },
	{ "etag", "etag", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "labels", "labels", AP_SCHEMA_STRING, 0, AP_SCHEMA_MAP, 0, 3 },
	{ "createTime", "create_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "updateTime", "update_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "schemaTitle", "schema_title", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "schemaVersion", "schema_version", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "metadata", "metadata", AP_SCHEMA_STRUCT, 0, 0, 0, 3 },
	{ "description", "description", AP_SCHEMA_STRING, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_17[] = {
	{ "inputs", "inputs", AP_SCHEMA_MESSAGE, 18, AP_SCHEMA_MAP | AP_SCHEMA_REQUIRED, 0, 3 },
	{ "outputs", "outputs", AP_SCHEMA_MESSAGE, 21, AP_SCHEMA_MAP | AP_SCHEMA_REQUIRED, 0, 3 },
	{ "featureAttributionsSchemaUri", "feature_attributions_schema_uri", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "latentSpaceSource", "latent_space_source", AP_SCHEMA_STRING, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_18[] = {
	{ "inputBaselines", "input_baselines", AP_SCHEMA_VALUE, 0, AP_SCHEMA_LIST, 0, 3 },
	{ "inputTensorName", "input_tensor_name", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "encoding", "encoding", AP_SCHEMA_ENUM, 4, 0, 0, 3 },
	{ "modality", "modality", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "featureValueDomain", "feature_value_domain", AP_SCHEMA_MESSAGE, 19, 0, 0, 3 },
	{ "indicesTensorName", "indices_tensor_name", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "denseShapeTensorName", "dense_shape_tensor_name", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "indexFeatureMapping", "index_feature_mapping", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 3 },
	{ "encodedTensorName", "encoded_tensor_name", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "encodedBaselines", "encoded_baselines", AP_SCHEMA_VALUE, 0, AP_SCHEMA_LIST, 0, 3 },
	{ "visualization", "visualization", AP_SCHEMA_MESSAGE, 20, 0, 0, 3 },
	{ "groupName", "group_name", AP_SCHEMA_STRING, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_19[] = {
	{ "minValue", "min_value", AP_SCHEMA_FLOAT, 0, 0, 0, 3 },
	{ "maxValue", "max_value", AP_SCHEMA_FLOAT, 0, 0, 0, 3 },
	{ "originalMean", "original_mean", AP_SCHEMA_FLOAT, 0, 0, 0, 3 },
	{ "originalStddev", "original_stddev", AP_SCHEMA_FLOAT, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_20[] = {
	{ "type", "type_", AP_SCHEMA_ENUM, 8, 0, 0, 3 },
	{ "polarity", "polarity", AP_SCHEMA_ENUM, 7, 0, 0, 3 },
	{ "colorMap", "color_map", AP_SCHEMA_ENUM, 5, 0, 0, 3 },
	{ "clipPercentUpperbound", "clip_percent_upperbound", AP_SCHEMA_FLOAT, 0, 0, 0, 3 },
	{ "clipPercentLowerbound", "clip_percent_lowerbound", AP_SCHEMA_FLOAT, 0, 0, 0, 3 },
	{ "overlayType", "overlay_type", AP_SCHEMA_ENUM, 6, 0, 0, 3 },
};
static const struct ap_schema_field fields_21[] = {
	{ "indexDisplayNameMapping", "index_display_name_mapping", AP_SCHEMA_VALUE, 0, 0, 1, 3 },
	{ "displayNameMappingKey", "display_name_mapping_key", AP_SCHEMA_STRING, 0, 0, 1, 3 },
	{ "outputTensorName", "output_tensor_name", AP_SCHEMA_STRING, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_22[] = {
	{ "sampledShapleyAttribution", "sampled_shapley_attribution", AP_SCHEMA_MESSAGE, 85, 0, 1, 3 },
	{ "integratedGradientsAttribution", "integrated_gradients_attribution", AP_SCHEMA_MESSAGE, 33, 0, 1, 3 },
	{ "xraiAttribution", "xrai_attribution", AP_SCHEMA_MESSAGE, 115, 0, 1, 3 },
	{ "examples", "examples", AP_SCHEMA_MESSAGE, 14, 0, 1, 3 },
	{ "topK", "top_k", AP_SCHEMA_INT32, 0, 0, 0, 3 },
	{ "outputIndices", "output_indices", AP_SCHEMA_LIST_VALUE, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_23[] = {
	{ "parameters", "parameters", AP_SCHEMA_MESSAGE, 22, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "metadata", "metadata", AP_SCHEMA_MESSAGE, 17, 0, 0, 3 },
};
static const struct ap_schema_field fields_24[] = {
	{ "noiseSigma", "noise_sigma", AP_SCHEMA_MESSAGE, 25, AP_SCHEMA_LIST, 0, 3 },
};
static const struct ap_schema_field fields_25[] = {
	{ "name", "name", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "sigma", "sigma", AP_SCHEMA_FLOAT, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_26[] = {
	{ "trainingFilter", "training_filter", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "validationFilter", "validation_filter", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "testFilter", "test_filter", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
};
static const struct ap_schema_field fields_27[] = {
	{ "trainingFraction", "training_fraction", AP_SCHEMA_DOUBLE, 0, 0, 0, 3 },
	{ "validationFraction", "validation_fraction", AP_SCHEMA_DOUBLE, 0, 0, 0, 3 },
	{ "testFraction", "test_fraction", AP_SCHEMA_DOUBLE, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_28[] = {
	{ "outputUriPrefix", "output_uri_prefix", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
};
static const struct ap_schema_field fields_29[] = {
	{ "uris", "uris", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST | AP_SCHEMA_REQUIRED, 0, 3 },
};
static const struct ap_schema_field fields_30[] = {
	{ "baseModelUri", "base_model_uri", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
};
static const struct ap_schema_field fields_31[] = {
	{ "name", "name", AP_SCHEMA_STRING, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "displayName", "display_name", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "studySpec", "study_spec", AP_SCHEMA_MESSAGE, 90, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "maxTrialCount", "max_trial_count", AP_SCHEMA_INT32, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "parallelTrialCount", "parallel_trial_count", AP_SCHEMA_INT32, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "maxFailedTrialCount", "max_failed_trial_count", AP_SCHEMA_INT32, 0, 0, 0, 3 },
	{ "trialJobSpec", "trial_job_spec", AP_SCHEMA_MESSAGE, 8, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "trials", "trials", AP_SCHEMA_MESSAGE, 111, AP_SCHEMA_LIST | AP_SCHEMA_OUTPUT, 0, 3 },
	{ "state", "state", AP_SCHEMA_ENUM, 9, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "createTime", "create_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "startTime", "start_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "endTime", "end_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "updateTime", "update_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "error", "error", AP_SCHEMA_MESSAGE, 116, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "labels", "labels", AP_SCHEMA_STRING, 0, AP_SCHEMA_MAP, 0, 3 },
	{ "encryptionSpec", "encryption_spec", AP_SCHEMA_MESSAGE, 12, 0, 0, 3 },
	{ "satisfiesPzs", "satisfies_pzs", AP_SCHEMA_BOOL, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "satisfiesPzi", "satisfies_pzi", AP_SCHEMA_BOOL, 0, AP_SCHEMA_OUTPUT, 0, 3 },
};
static const struct ap_schema_field fields_32[] = {
	{ "fractionSplit", "fraction_split", AP_SCHEMA_MESSAGE, 27, 0, 1, 3 },
	{ "filterSplit", "filter_split", AP_SCHEMA_MESSAGE, 26, 0, 1, 3 },
	{ "predefinedSplit", "predefined_split", AP_SCHEMA_MESSAGE, 65, 0, 1, 3 },
	{ "timestampSplit", "timestamp_split", AP_SCHEMA_MESSAGE, 109, 0, 1, 3 },
	{ "stratifiedSplit", "stratified_split", AP_SCHEMA_MESSAGE, 89, 0, 1, 3 },
	{ "gcsDestination", "gcs_destination", AP_SCHEMA_MESSAGE, 28, 0, 2, 3 },
	{ "bigqueryDestination", "bigquery_destination", AP_SCHEMA_MESSAGE, 2, 0, 2, 3 },
	{ "datasetId", "dataset_id", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "annotationsFilter", "annotations_filter", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "annotationSchemaUri", "annotation_schema_uri", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "savedQueryId", "saved_query_id", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "persistMlUseAssignment", "persist_ml_use_assignment", AP_SCHEMA_BOOL, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_33[] = {
	{ "stepCount", "step_count", AP_SCHEMA_INT32, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "smoothGradConfig", "smooth_grad_config", AP_SCHEMA_MESSAGE, 88, 0, 0, 3 },
	{ "blurBaselineConfig", "blur_baseline_config", AP_SCHEMA_MESSAGE, 3, 0, 0, 3 },
};
static const struct ap_schema_field fields_34[] = {
	{ "instanceIp", "instance_ip", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "volumeHandle", "volume_handle", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "filesystem", "filesystem", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "mountPoint", "mount_point", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
};
static const struct ap_schema_field fields_35[] = {
	{ "machineType", "machine_type", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "acceleratorType", "accelerator_type", AP_SCHEMA_ENUM, 0, 0, 0, 3 },
	{ "acceleratorCount", "accelerator_count", AP_SCHEMA_INT32, 0, 0, 0, 3 },
	{ "gpuPartitionSize", "gpu_partition_size", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "tpuTopology", "tpu_topology", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "reservationAffinity", "reservation_affinity", AP_SCHEMA_MESSAGE, 79, 0, 0, 3 },
	{ "multihostGpuNodeCount", "multihost_gpu_node_count", AP_SCHEMA_INT32, 0, 0, 0, 2 },
	{ "minGpuDriverVersion", "min_gpu_driver_version", AP_SCHEMA_STRING, 0, 0, 0, 2 },
};
static const struct ap_schema_field fields_36[] = {
	{ "elapsedDuration", "elapsed_duration", AP_SCHEMA_DURATION, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "stepCount", "step_count", AP_SCHEMA_INT64, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "metrics", "metrics", AP_SCHEMA_MESSAGE, 37, AP_SCHEMA_LIST | AP_SCHEMA_OUTPUT, 0, 3 },
};
static const struct ap_schema_field fields_37[] = {
	{ "metricId", "metric_id", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "value", "value", AP_SCHEMA_DOUBLE, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_38[] = {
	{ "name", "name", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "versionId", "version_id", AP_SCHEMA_STRING, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "versionAliases", "version_aliases", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 3 },
	{ "versionCreateTime", "version_create_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "versionUpdateTime", "version_update_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "displayName", "display_name", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "description", "description", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "versionDescription", "version_description", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "defaultCheckpointId", "default_checkpoint_id", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "predictSchemata", "predict_schemata", AP_SCHEMA_MESSAGE, 66, 0, 0, 3 },
	{ "metadataSchemaUri", "metadata_schema_uri", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "metadata", "metadata", AP_SCHEMA_VALUE, 0, 0, 0, 3 },
	{ "supportedExportFormats", "supported_export_formats", AP_SCHEMA_MESSAGE, 41, AP_SCHEMA_LIST | AP_SCHEMA_OUTPUT, 0, 3 },
	{ "trainingPipeline", "training_pipeline", AP_SCHEMA_STRING, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "pipelineJob", "pipeline_job", AP_SCHEMA_STRING, 0, 0, 0, 1 },
	{ "containerSpec", "container_spec", AP_SCHEMA_MESSAGE, 43, 0, 0, 3 },
	{ "artifactUri", "artifact_uri", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "supportedDeploymentResourcesTypes", "supported_deployment_resources_types", AP_SCHEMA_ENUM, 10, AP_SCHEMA_LIST | AP_SCHEMA_OUTPUT, 0, 3 },
	{ "supportedInputStorageFormats", "supported_input_storage_formats", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST | AP_SCHEMA_OUTPUT, 0, 3 },
	{ "supportedOutputStorageFormats", "supported_output_storage_formats", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST | AP_SCHEMA_OUTPUT, 0, 3 },
	{ "createTime", "create_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "updateTime", "update_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "deployedModels", "deployed_models", AP_SCHEMA_MESSAGE, 9, AP_SCHEMA_LIST | AP_SCHEMA_OUTPUT, 0, 3 },
	{ "explanationSpec", "explanation_spec", AP_SCHEMA_MESSAGE, 23, 0, 0, 3 },
	{ "etag", "etag", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "labels", "labels", AP_SCHEMA_STRING, 0, AP_SCHEMA_MAP, 0, 3 },
	{ "dataStats", "data_stats", AP_SCHEMA_MESSAGE, 40, 0, 0, 1 },
	{ "encryptionSpec", "encryption_spec", AP_SCHEMA_MESSAGE, 12, 0, 0, 3 },
	{ "modelSourceInfo", "model_source_info", AP_SCHEMA_MESSAGE, 45, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "originalModelInfo", "original_model_info", AP_SCHEMA_MESSAGE, 42, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "metadataArtifact", "metadata_artifact", AP_SCHEMA_STRING, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "baseModelSource", "base_model_source", AP_SCHEMA_MESSAGE, 39, 0, 0, 3 },
	{ "satisfiesPzs", "satisfies_pzs", AP_SCHEMA_BOOL, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "satisfiesPzi", "satisfies_pzi", AP_SCHEMA_BOOL, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "checkpoints", "checkpoints", AP_SCHEMA_MESSAGE, 4, AP_SCHEMA_LIST, 0, 3 },
};
static const struct ap_schema_field fields_39[] = {
	{ "modelGardenSource", "model_garden_source", AP_SCHEMA_MESSAGE, 44, 0, 1, 3 },
	{ "genieSource", "genie_source", AP_SCHEMA_MESSAGE, 30, 0, 1, 3 },
};
static const struct ap_schema_field fields_40[] = {
	{ "trainingDataItemsCount", "training_data_items_count", AP_SCHEMA_INT64, 0, 0, 0, 1 },
	{ "validationDataItemsCount", "validation_data_items_count", AP_SCHEMA_INT64, 0, 0, 0, 1 },
	{ "testDataItemsCount", "test_data_items_count", AP_SCHEMA_INT64, 0, 0, 0, 1 },
	{ "trainingAnnotationsCount", "training_annotations_count", AP_SCHEMA_INT64, 0, 0, 0, 1 },
	{ "validationAnnotationsCount", "validation_annotations_count", AP_SCHEMA_INT64, 0, 0, 0, 1 },
	{ "testAnnotationsCount", "test_annotations_count", AP_SCHEMA_INT64, 0, 0, 0, 1 },
};
static const struct ap_schema_field fields_41[] = {
	{ "id", "id", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "exportableContents", "exportable_contents", AP_SCHEMA_ENUM, 11, AP_SCHEMA_LIST, 0, 3 },
};
static const struct ap_schema_field fields_42[] = {
	{ "model", "model", AP_SCHEMA_STRING, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_43[] = {
	{ "imageUri", "image_uri", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "command", "command", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 3 },
	{ "args", "args", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 3 },
	{ "env", "env", AP_SCHEMA_MESSAGE, 13, AP_SCHEMA_LIST, 0, 3 },
	{ "ports", "ports", AP_SCHEMA_MESSAGE, 64, AP_SCHEMA_LIST, 0, 3 },
	{ "predictRoute", "predict_route", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "healthRoute", "health_route", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "invokeRoutePrefix", "invoke_route_prefix", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "grpcPorts", "grpc_ports", AP_SCHEMA_MESSAGE, 64, AP_SCHEMA_LIST, 0, 3 },
	{ "deploymentTimeout", "deployment_timeout", AP_SCHEMA_DURATION, 0, 0, 0, 3 },
	{ "sharedMemorySizeMb", "shared_memory_size_mb", AP_SCHEMA_INT64, 0, 0, 0, 3 },
	{ "startupProbe", "startup_probe", AP_SCHEMA_MESSAGE, 68, 0, 0, 3 },
	{ "healthProbe", "health_probe", AP_SCHEMA_MESSAGE, 68, 0, 0, 3 },
	{ "livenessProbe", "liveness_probe", AP_SCHEMA_MESSAGE, 68, 0, 0, 3 },
};
static const struct ap_schema_field fields_44[] = {
	{ "publicModelName", "public_model_name", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "versionId", "version_id", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "skipHfModelCache", "skip_hf_model_cache", AP_SCHEMA_BOOL, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_45[] = {
	{ "sourceType", "source_type", AP_SCHEMA_ENUM, 12, 0, 0, 3 },
	{ "copy", "copy", AP_SCHEMA_BOOL, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_46[] = {
	{ "server", "server", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "path", "path", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "mountPoint", "mount_point", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
};
static const struct ap_schema_field fields_47[] = {
	{ "name", "name", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "displayName", "display_name", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "resourcePools", "resource_pools", AP_SCHEMA_MESSAGE, 80, AP_SCHEMA_LIST | AP_SCHEMA_REQUIRED, 0, 3 },
	{ "state", "state", AP_SCHEMA_ENUM, 13, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "error", "error", AP_SCHEMA_MESSAGE, 116, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "createTime", "create_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "startTime", "start_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "updateTime", "update_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "labels", "labels", AP_SCHEMA_STRING, 0, AP_SCHEMA_MAP, 0, 3 },
	{ "network", "network", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "pscInterfaceConfig", "psc_interface_config", AP_SCHEMA_MESSAGE, 74, 0, 0, 3 },
	{ "encryptionSpec", "encryption_spec", AP_SCHEMA_MESSAGE, 12, 0, 0, 3 },
	{ "resourceRuntimeSpec", "resource_runtime_spec", AP_SCHEMA_MESSAGE, 83, 0, 0, 3 },
	{ "resourceRuntime", "resource_runtime", AP_SCHEMA_MESSAGE, 82, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "reservedIpRanges", "reserved_ip_ranges", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 3 },
	{ "satisfiesPzs", "satisfies_pzs", AP_SCHEMA_BOOL, 0, AP_SCHEMA_OUTPUT, 0, 2 },
	{ "satisfiesPzi", "satisfies_pzi", AP_SCHEMA_BOOL, 0, AP_SCHEMA_OUTPUT, 0, 2 },
};
static const struct ap_schema_field fields_48[] = {
	{ "name", "name", AP_SCHEMA_STRING, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "displayName", "display_name", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "createTime", "create_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "startTime", "start_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "endTime", "end_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "updateTime", "update_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "pipelineSpec", "pipeline_spec", AP_SCHEMA_STRUCT, 0, 0, 0, 3 },
	{ "state", "state", AP_SCHEMA_ENUM, 16, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "jobDetail", "job_detail", AP_SCHEMA_MESSAGE, 53, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "error", "error", AP_SCHEMA_MESSAGE, 116, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "labels", "labels", AP_SCHEMA_STRING, 0, AP_SCHEMA_MAP, 0, 3 },
	{ "runtimeConfig", "runtime_config", AP_SCHEMA_MESSAGE, 49, 0, 0, 3 },
	{ "encryptionSpec", "encryption_spec", AP_SCHEMA_MESSAGE, 12, 0, 0, 3 },
	{ "serviceAccount", "service_account", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "network", "network", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "reservedIpRanges", "reserved_ip_ranges", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 3 },
	{ "pscInterfaceConfig", "psc_interface_config", AP_SCHEMA_MESSAGE, 74, 0, 0, 3 },
	{ "templateUri", "template_uri", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "templateMetadata", "template_metadata", AP_SCHEMA_MESSAGE, 63, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "scheduleName", "schedule_name", AP_SCHEMA_STRING, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "preflightValidations", "preflight_validations", AP_SCHEMA_BOOL, 0, 0, 0, 3 },
	{ "satisfiesPzs", "satisfies_pzs", AP_SCHEMA_BOOL, 0, AP_SCHEMA_OUTPUT, 0, 2 },
	{ "satisfiesPzi", "satisfies_pzi", AP_SCHEMA_BOOL, 0, AP_SCHEMA_OUTPUT, 0, 2 },
	{ "originalPipelineJobId", "original_pipeline_job_id", AP_SCHEMA_INT64, 0, 0, 0, 2 },
	{ "pipelineTaskRerunConfigs", "pipeline_task_rerun_configs", AP_SCHEMA_MESSAGE, 60, AP_SCHEMA_LIST, 0, 2 },
};
static const struct ap_schema_field fields_49[] = {
	{ "parameters", "parameters", AP_SCHEMA_MESSAGE, 113, AP_SCHEMA_MAP, 0, 3 },
	{ "gcsOutputDirectory", "gcs_output_directory", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "parameterValues", "parameter_values", AP_SCHEMA_VALUE, 0, AP_SCHEMA_MAP, 0, 3 },
	{ "failurePolicy", "failure_policy", AP_SCHEMA_ENUM, 14, 0, 0, 3 },
	{ "inputArtifacts", "input_artifacts", AP_SCHEMA_MESSAGE, 51, AP_SCHEMA_MAP, 0, 3 },
	{ "defaultRuntime", "default_runtime", AP_SCHEMA_MESSAGE, 50, 0, 0, 2 },
};
static const struct ap_schema_field fields_50[] = {
	{ "persistentResourceRuntimeDetail", "persistent_resource_runtime_detail", AP_SCHEMA_MESSAGE, 52, 0, 0, 2 },
};
static const struct ap_schema_field fields_51[] = {
	{ "artifactId", "artifact_id", AP_SCHEMA_STRING, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_52[] = {
	{ "persistentResourceName", "persistent_resource_name", AP_SCHEMA_STRING, 0, 0, 0, 2 },
	{ "taskResourceUnavailableWaitTimeMs", "task_resource_unavailable_wait_time_ms", AP_SCHEMA_INT64, 0, 0, 0, 2 },
	{ "taskResourceUnavailableTimeoutBehavior", "task_resource_unavailable_timeout_behavior", AP_SCHEMA_ENUM, 15, 0, 0, 2 },
};
static const struct ap_schema_field fields_53[] = {
	{ "pipelineContext", "pipeline_context", AP_SCHEMA_MESSAGE, 6, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "pipelineRunContext", "pipeline_run_context", AP_SCHEMA_MESSAGE, 6, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "taskDetails", "task_details", AP_SCHEMA_MESSAGE, 54, AP_SCHEMA_LIST | AP_SCHEMA_OUTPUT, 0, 3 },
};
static const struct ap_schema_field fields_54[] = {
	{ "taskId", "task_id", AP_SCHEMA_INT64, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "parentTaskId", "parent_task_id", AP_SCHEMA_INT64, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "taskName", "task_name", AP_SCHEMA_STRING, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "createTime", "create_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "startTime", "start_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "endTime", "end_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "executorDetail", "executor_detail", AP_SCHEMA_MESSAGE, 57, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "state", "state", AP_SCHEMA_ENUM, 17, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "execution", "execution", AP_SCHEMA_MESSAGE, 16, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "error", "error", AP_SCHEMA_MESSAGE, 116, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "pipelineTaskStatus", "pipeline_task_status", AP_SCHEMA_MESSAGE, 56, AP_SCHEMA_LIST | AP_SCHEMA_OUTPUT, 0, 3 },
	{ "inputs", "inputs", AP_SCHEMA_MESSAGE, 55, AP_SCHEMA_MAP | AP_SCHEMA_OUTPUT, 0, 3 },
	{ "outputs", "outputs", AP_SCHEMA_MESSAGE, 55, AP_SCHEMA_MAP | AP_SCHEMA_OUTPUT, 0, 3 },
	{ "taskUniqueName", "task_unique_name", AP_SCHEMA_STRING, 0, AP_SCHEMA_OUTPUT, 0, 3 },
};
static const struct ap_schema_field fields_55[] = {
	{ "artifacts", "artifacts", AP_SCHEMA_MESSAGE, 0, AP_SCHEMA_LIST, 0, 3 },
};
static const struct ap_schema_field fields_56[] = {
	{ "updateTime", "update_time", AP_SCHEMA_TIMESTAMP, 0, 0, 0, 3 },
	{ "state", "state", AP_SCHEMA_ENUM, 17, 0, 0, 3 },
	{ "error", "error", AP_SCHEMA_MESSAGE, 116, 0, 0, 3 },
};
static const struct ap_schema_field fields_57[] = {
	{ "containerDetail", "container_detail", AP_SCHEMA_MESSAGE, 58, AP_SCHEMA_OUTPUT, 1, 3 },
	{ "customJobDetail", "custom_job_detail", AP_SCHEMA_MESSAGE, 59, AP_SCHEMA_OUTPUT, 1, 3 },
};
static const struct ap_schema_field fields_58[] = {
	{ "mainJob", "main_job", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "preCachingCheckJob", "pre_caching_check_job", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "failedMainJobs", "failed_main_jobs", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 3 },
	{ "failedPreCachingCheckJobs", "failed_pre_caching_check_jobs", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 3 },
};
static const struct ap_schema_field fields_59[] = {
	{ "job", "job", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "failedJobs", "failed_jobs", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 3 },
};
static const struct ap_schema_field fields_60[] = {
	{ "taskId", "task_id", AP_SCHEMA_INT64, 0, 0, 0, 2 },
	{ "taskName", "task_name", AP_SCHEMA_STRING, 0, 0, 0, 2 },
	{ "inputs", "inputs", AP_SCHEMA_MESSAGE, 62, 0, 0, 2 },
	{ "skipTask", "skip_task", AP_SCHEMA_BOOL, 0, 0, 0, 2 },
	{ "skipDownstreamTasks", "skip_downstream_tasks", AP_SCHEMA_BOOL, 0, 0, 0, 2 },
};
static const struct ap_schema_field fields_61[] = {
	{ "artifacts", "artifacts", AP_SCHEMA_MESSAGE, 84, AP_SCHEMA_LIST, 0, 2 },
};
static const struct ap_schema_field fields_62[] = {
	{ "artifacts", "artifacts", AP_SCHEMA_MESSAGE, 61, AP_SCHEMA_MAP, 0, 2 },
	{ "parameterValues", "parameter_values", AP_SCHEMA_VALUE, 0, AP_SCHEMA_MAP, 0, 2 },
};
static const struct ap_schema_field fields_63[] = {
	{ "version", "version", AP_SCHEMA_STRING, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_64[] = {
	{ "containerPort", "container_port", AP_SCHEMA_INT32, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_65[] = {
	{ "key", "key", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
};
static const struct ap_schema_field fields_66[] = {
	{ "instanceSchemaUri", "instance_schema_uri", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "parametersSchemaUri", "parameters_schema_uri", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "predictionSchemaUri", "prediction_schema_uri", AP_SCHEMA_STRING, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_67[] = {
	{ "query", "query", AP_SCHEMA_ENUM, 19, 0, 0, 3 },
	{ "modality", "modality", AP_SCHEMA_ENUM, 18, 0, 0, 3 },
};
static const struct ap_schema_field fields_68[] = {
	{ "exec", "exec_", AP_SCHEMA_MESSAGE, 69, 0, 1, 3 },
	{ "httpGet", "http_get", AP_SCHEMA_MESSAGE, 71, 0, 1, 3 },
	{ "grpc", "grpc", AP_SCHEMA_MESSAGE, 70, 0, 1, 3 },
	{ "tcpSocket", "tcp_socket", AP_SCHEMA_MESSAGE, 73, 0, 1, 3 },
	{ "periodSeconds", "period_seconds", AP_SCHEMA_INT32, 0, 0, 0, 3 },
	{ "timeoutSeconds", "timeout_seconds", AP_SCHEMA_INT32, 0, 0, 0, 3 },
	{ "failureThreshold", "failure_threshold", AP_SCHEMA_INT32, 0, 0, 0, 3 },
	{ "successThreshold", "success_threshold", AP_SCHEMA_INT32, 0, 0, 0, 3 },
	{ "initialDelaySeconds", "initial_delay_seconds", AP_SCHEMA_INT32, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_69[] = {
	{ "command", "command", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 3 },
};
static const struct ap_schema_field fields_70[] = {
	{ "port", "port", AP_SCHEMA_INT32, 0, 0, 0, 3 },
	{ "service", "service", AP_SCHEMA_STRING, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_71[] = {
	{ "path", "path", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "port", "port", AP_SCHEMA_INT32, 0, 0, 0, 3 },
	{ "host", "host", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "scheme", "scheme", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "httpHeaders", "http_headers", AP_SCHEMA_MESSAGE, 72, AP_SCHEMA_LIST, 0, 3 },
};
static const struct ap_schema_field fields_72[] = {
	{ "name", "name", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "value", "value", AP_SCHEMA_STRING, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_73[] = {
	{ "port", "port", AP_SCHEMA_INT32, 0, 0, 0, 3 },
	{ "host", "host", AP_SCHEMA_STRING, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_74[] = {
	{ "networkAttachment", "network_attachment", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "dnsPeeringConfigs", "dns_peering_configs", AP_SCHEMA_MESSAGE, 11, AP_SCHEMA_LIST, 0, 3 },
};
static const struct ap_schema_field fields_75[] = {
	{ "executorImageUri", "executor_image_uri", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "packageUris", "package_uris", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST | AP_SCHEMA_REQUIRED, 0, 3 },
	{ "pythonModule", "python_module", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "args", "args", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 3 },
	{ "env", "env", AP_SCHEMA_MESSAGE, 13, AP_SCHEMA_LIST, 0, 3 },
};
static const struct ap_schema_field fields_76[] = {
	{ "disabled", "disabled", AP_SCHEMA_BOOL, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_77[] = {
	{ "disabled", "disabled", AP_SCHEMA_BOOL, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_78[] = {
	{ "imageUri", "image_uri", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "resourcePoolImages", "resource_pool_images", AP_SCHEMA_STRING, 0, AP_SCHEMA_MAP, 0, 3 },
	{ "headNodeResourcePoolId", "head_node_resource_pool_id", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "rayMetricSpec", "ray_metric_spec", AP_SCHEMA_MESSAGE, 77, 0, 0, 3 },
	{ "rayLogsSpec", "ray_logs_spec", AP_SCHEMA_MESSAGE, 76, 0, 0, 3 },
	{ "nfsMounts", "nfs_mounts", AP_SCHEMA_MESSAGE, 46, AP_SCHEMA_LIST, 0, 2 },
};
static const struct ap_schema_field fields_79[] = {
	{ "reservationAffinityType", "reservation_affinity_type", AP_SCHEMA_ENUM, 20, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "key", "key", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "values", "values", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 3 },
};
static const struct ap_schema_field fields_80[] = {
	{ "id", "id", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "machineSpec", "machine_spec", AP_SCHEMA_MESSAGE, 35, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "replicaCount", "replica_count", AP_SCHEMA_INT64, 0, 0, 0, 3 },
	{ "diskSpec", "disk_spec", AP_SCHEMA_MESSAGE, 10, 0, 0, 3 },
	{ "usedReplicaCount", "used_replica_count", AP_SCHEMA_INT64, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "autoscalingSpec", "autoscaling_spec", AP_SCHEMA_MESSAGE, 81, 0, 0, 3 },
};
static const struct ap_schema_field fields_81[] = {
	{ "minReplicaCount", "min_replica_count", AP_SCHEMA_INT64, 0, 0, 0, 3 },
	{ "maxReplicaCount", "max_replica_count", AP_SCHEMA_INT64, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_82[] = {
	{ "accessUris", "access_uris", AP_SCHEMA_STRING, 0, AP_SCHEMA_MAP | AP_SCHEMA_OUTPUT, 0, 3 },
	{ "notebookRuntimeTemplate", "notebook_runtime_template", AP_SCHEMA_STRING, 0, AP_SCHEMA_OUTPUT, 0, 2 },
};
static const struct ap_schema_field fields_83[] = {
	{ "serviceAccountSpec", "service_account_spec", AP_SCHEMA_MESSAGE, 87, 0, 0, 3 },
	{ "raySpec", "ray_spec", AP_SCHEMA_MESSAGE, 78, 0, 0, 3 },
};
static const struct ap_schema_field fields_84[] = {
	{ "name", "name", AP_SCHEMA_STRING, 0, 0, 0, 2 },
	{ "type", "type_", AP_SCHEMA_MESSAGE, 1, 0, 0, 2 },
	{ "uri", "uri", AP_SCHEMA_STRING, 0, 0, 0, 2 },
	{ "properties", "properties", AP_SCHEMA_MESSAGE, 113, AP_SCHEMA_MAP, 0, 2 },
	{ "customProperties", "custom_properties", AP_SCHEMA_MESSAGE, 113, AP_SCHEMA_MAP, 0, 2 },
	{ "metadata", "metadata", AP_SCHEMA_STRUCT, 0, 0, 0, 2 },
};
static const struct ap_schema_field fields_85[] = {
	{ "pathCount", "path_count", AP_SCHEMA_INT32, 0, AP_SCHEMA_REQUIRED, 0, 3 },
};
static const struct ap_schema_field fields_86[] = {
	{ "timeout", "timeout", AP_SCHEMA_DURATION, 0, 0, 0, 3 },
	{ "restartJobOnWorkerRestart", "restart_job_on_worker_restart", AP_SCHEMA_BOOL, 0, 0, 0, 3 },
	{ "strategy", "strategy", AP_SCHEMA_ENUM, 21, 0, 0, 3 },
	{ "disableRetries", "disable_retries", AP_SCHEMA_BOOL, 0, 0, 0, 3 },
	{ "maxWaitDuration", "max_wait_duration", AP_SCHEMA_DURATION, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_87[] = {
	{ "enableCustomServiceAccount", "enable_custom_service_account", AP_SCHEMA_BOOL, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "serviceAccount", "service_account", AP_SCHEMA_STRING, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_88[] = {
	{ "noiseSigma", "noise_sigma", AP_SCHEMA_FLOAT, 0, 0, 1, 3 },
	{ "featureNoiseSigma", "feature_noise_sigma", AP_SCHEMA_MESSAGE, 24, 0, 1, 3 },
	{ "noisySampleCount", "noisy_sample_count", AP_SCHEMA_INT32, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_89[] = {
	{ "trainingFraction", "training_fraction", AP_SCHEMA_DOUBLE, 0, 0, 0, 3 },
	{ "validationFraction", "validation_fraction", AP_SCHEMA_DOUBLE, 0, 0, 0, 3 },
	{ "testFraction", "test_fraction", AP_SCHEMA_DOUBLE, 0, 0, 0, 3 },
	{ "key", "key", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
};
static const struct ap_schema_field fields_90[] = {
	{ "decayCurveStoppingSpec", "decay_curve_stopping_spec", AP_SCHEMA_MESSAGE, 93, 0, 1, 3 },
	{ "medianAutomatedStoppingSpec", "median_automated_stopping_spec", AP_SCHEMA_MESSAGE, 94, 0, 1, 3 },
	{ "convexAutomatedStoppingSpec", "convex_automated_stopping_spec", AP_SCHEMA_MESSAGE, 91, 0, 1, 3 },
	{ "metrics", "metrics", AP_SCHEMA_MESSAGE, 95, AP_SCHEMA_LIST | AP_SCHEMA_REQUIRED, 0, 3 },
	{ "parameters", "parameters", AP_SCHEMA_MESSAGE, 97, AP_SCHEMA_LIST | AP_SCHEMA_REQUIRED, 0, 3 },
	{ "algorithm", "algorithm", AP_SCHEMA_ENUM, 22, 0, 0, 3 },
	{ "observationNoise", "observation_noise", AP_SCHEMA_ENUM, 25, 0, 0, 3 },
	{ "measurementSelectionType", "measurement_selection_type", AP_SCHEMA_ENUM, 23, 0, 0, 3 },
	{ "studyStoppingConfig", "study_stopping_config", AP_SCHEMA_MESSAGE, 106, 0, 0, 3 },
	{ "convexStopConfig", "convex_stop_config", AP_SCHEMA_MESSAGE, 92, 0, 1, 2 },
	{ "transferLearningConfig", "transfer_learning_config", AP_SCHEMA_MESSAGE, 107, 0, 0, 2 },
};
static const struct ap_schema_field fields_91[] = {
	{ "maxStepCount", "max_step_count", AP_SCHEMA_INT64, 0, 0, 0, 3 },
	{ "minStepCount", "min_step_count", AP_SCHEMA_INT64, 0, 0, 0, 3 },
	{ "minMeasurementCount", "min_measurement_count", AP_SCHEMA_INT64, 0, 0, 0, 3 },
	{ "learningRateParameterName", "learning_rate_parameter_name", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "useElapsedDuration", "use_elapsed_duration", AP_SCHEMA_BOOL, 0, 0, 0, 3 },
	{ "updateAllStoppedTrials", "update_all_stopped_trials", AP_SCHEMA_BOOL, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_92[] = {
	{ "maxNumSteps", "max_num_steps", AP_SCHEMA_INT64, 0, 0, 0, 2 },
	{ "minNumSteps", "min_num_steps", AP_SCHEMA_INT64, 0, 0, 0, 2 },
	{ "autoregressiveOrder", "autoregressive_order", AP_SCHEMA_INT64, 0, 0, 0, 2 },
	{ "learningRateParameterName", "learning_rate_parameter_name", AP_SCHEMA_STRING, 0, 0, 0, 2 },
	{ "useSeconds", "use_seconds", AP_SCHEMA_BOOL, 0, 0, 0, 2 },
};
static const struct ap_schema_field fields_93[] = {
	{ "useElapsedDuration", "use_elapsed_duration", AP_SCHEMA_BOOL, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_94[] = {
	{ "useElapsedDuration", "use_elapsed_duration", AP_SCHEMA_BOOL, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_95[] = {
	{ "metricId", "metric_id", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "goal", "goal", AP_SCHEMA_ENUM, 24, 0, 0, 3 },
	{ "safetyConfig", "safety_config", AP_SCHEMA_MESSAGE, 96, 0, 0, 3 },
};
static const struct ap_schema_field fields_96[] = {
	{ "safetyThreshold", "safety_threshold", AP_SCHEMA_DOUBLE, 0, 0, 0, 3 },
	{ "desiredMinSafeTrialsFraction", "desired_min_safe_trials_fraction", AP_SCHEMA_DOUBLE, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_97[] = {
	{ "doubleValueSpec", "double_value_spec", AP_SCHEMA_MESSAGE, 104, 0, 1, 3 },
	{ "integerValueSpec", "integer_value_spec", AP_SCHEMA_MESSAGE, 105, 0, 1, 3 },
	{ "categoricalValueSpec", "categorical_value_spec", AP_SCHEMA_MESSAGE, 98, 0, 1, 3 },
	{ "discreteValueSpec", "discrete_value_spec", AP_SCHEMA_MESSAGE, 103, 0, 1, 3 },
	{ "parameterId", "parameter_id", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "scaleType", "scale_type", AP_SCHEMA_ENUM, 26, 0, 0, 3 },
	{ "conditionalParameterSpecs", "conditional_parameter_specs", AP_SCHEMA_MESSAGE, 99, AP_SCHEMA_LIST, 0, 3 },
};
static const struct ap_schema_field fields_98[] = {
	{ "values", "values", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 3 },
	{ "defaultValue", "default_value", AP_SCHEMA_STRING, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_99[] = {
	{ "parentDiscreteValues", "parent_discrete_values", AP_SCHEMA_MESSAGE, 101, 0, 1, 3 },
	{ "parentIntValues", "parent_int_values", AP_SCHEMA_MESSAGE, 102, 0, 1, 3 },
	{ "parentCategoricalValues", "parent_categorical_values", AP_SCHEMA_MESSAGE, 100, 0, 1, 3 },
	{ "parameterSpec", "parameter_spec", AP_SCHEMA_MESSAGE, 97, 0, 0, 3 },
};
static const struct ap_schema_field fields_100[] = {
	{ "values", "values", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 3 },
};
static const struct ap_schema_field fields_101[] = {
	{ "values", "values", AP_SCHEMA_DOUBLE, 0, AP_SCHEMA_LIST, 0, 3 },
};
static const struct ap_schema_field fields_102[] = {
	{ "values", "values", AP_SCHEMA_INT64, 0, AP_SCHEMA_LIST, 0, 3 },
};
static const struct ap_schema_field fields_103[] = {
	{ "values", "values", AP_SCHEMA_DOUBLE, 0, AP_SCHEMA_LIST, 0, 3 },
	{ "defaultValue", "default_value", AP_SCHEMA_DOUBLE, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_104[] = {
	{ "minValue", "min_value", AP_SCHEMA_DOUBLE, 0, 0, 0, 3 },
	{ "maxValue", "max_value", AP_SCHEMA_DOUBLE, 0, 0, 0, 3 },
	{ "defaultValue", "default_value", AP_SCHEMA_DOUBLE, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_105[] = {
	{ "minValue", "min_value", AP_SCHEMA_INT64, 0, 0, 0, 3 },
	{ "maxValue", "max_value", AP_SCHEMA_INT64, 0, 0, 0, 3 },
	{ "defaultValue", "default_value", AP_SCHEMA_INT64, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_106[] = {
	{ "shouldStopAsap", "should_stop_asap", AP_SCHEMA_BOOL, 0, 0, 0, 3 },
	{ "minimumRuntimeConstraint", "minimum_runtime_constraint", AP_SCHEMA_MESSAGE, 108, 0, 0, 3 },
	{ "maximumRuntimeConstraint", "maximum_runtime_constraint", AP_SCHEMA_MESSAGE, 108, 0, 0, 3 },
	{ "minNumTrials", "min_num_trials", AP_SCHEMA_INT32, 0, 0, 0, 3 },
	{ "maxNumTrials", "max_num_trials", AP_SCHEMA_INT32, 0, 0, 0, 3 },
	{ "maxNumTrialsNoProgress", "max_num_trials_no_progress", AP_SCHEMA_INT32, 0, 0, 0, 3 },
	{ "maxDurationNoProgress", "max_duration_no_progress", AP_SCHEMA_DURATION, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_107[] = {
	{ "disableTransferLearning", "disable_transfer_learning", AP_SCHEMA_BOOL, 0, 0, 0, 2 },
	{ "priorStudyNames", "prior_study_names", AP_SCHEMA_STRING, 0, AP_SCHEMA_LIST, 0, 2 },
};
static const struct ap_schema_field fields_108[] = {
	{ "maxDuration", "max_duration", AP_SCHEMA_DURATION, 0, 0, 1, 3 },
	{ "endTime", "end_time", AP_SCHEMA_TIMESTAMP, 0, 0, 1, 3 },
};
static const struct ap_schema_field fields_109[] = {
	{ "trainingFraction", "training_fraction", AP_SCHEMA_DOUBLE, 0, 0, 0, 3 },
	{ "validationFraction", "validation_fraction", AP_SCHEMA_DOUBLE, 0, 0, 0, 3 },
	{ "testFraction", "test_fraction", AP_SCHEMA_DOUBLE, 0, 0, 0, 3 },
	{ "key", "key", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
};
static const struct ap_schema_field fields_110[] = {
	{ "name", "name", AP_SCHEMA_STRING, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "displayName", "display_name", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "inputDataConfig", "input_data_config", AP_SCHEMA_MESSAGE, 32, 0, 0, 3 },
	{ "trainingTaskDefinition", "training_task_definition", AP_SCHEMA_STRING, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "trainingTaskInputs", "training_task_inputs", AP_SCHEMA_VALUE, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "trainingTaskMetadata", "training_task_metadata", AP_SCHEMA_VALUE, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "modelToUpload", "model_to_upload", AP_SCHEMA_MESSAGE, 38, 0, 0, 3 },
	{ "modelId", "model_id", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "parentModel", "parent_model", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "state", "state", AP_SCHEMA_ENUM, 16, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "error", "error", AP_SCHEMA_MESSAGE, 116, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "createTime", "create_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "startTime", "start_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "endTime", "end_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "updateTime", "update_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "labels", "labels", AP_SCHEMA_STRING, 0, AP_SCHEMA_MAP, 0, 3 },
	{ "encryptionSpec", "encryption_spec", AP_SCHEMA_MESSAGE, 12, 0, 0, 3 },
};
static const struct ap_schema_field fields_111[] = {
	{ "name", "name", AP_SCHEMA_STRING, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "id", "id", AP_SCHEMA_STRING, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "state", "state", AP_SCHEMA_ENUM, 27, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "parameters", "parameters", AP_SCHEMA_MESSAGE, 112, AP_SCHEMA_LIST | AP_SCHEMA_OUTPUT, 0, 3 },
	{ "finalMeasurement", "final_measurement", AP_SCHEMA_MESSAGE, 36, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "measurements", "measurements", AP_SCHEMA_MESSAGE, 36, AP_SCHEMA_LIST | AP_SCHEMA_OUTPUT, 0, 3 },
	{ "startTime", "start_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "endTime", "end_time", AP_SCHEMA_TIMESTAMP, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "clientId", "client_id", AP_SCHEMA_STRING, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "infeasibleReason", "infeasible_reason", AP_SCHEMA_STRING, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "customJob", "custom_job", AP_SCHEMA_STRING, 0, AP_SCHEMA_OUTPUT, 0, 3 },
	{ "webAccessUris", "web_access_uris", AP_SCHEMA_STRING, 0, AP_SCHEMA_MAP | AP_SCHEMA_OUTPUT, 0, 3 },
};
static const struct ap_schema_field fields_112[] = {
	{ "parameterId", "parameter_id", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "value", "value", AP_SCHEMA_VALUE, 0, 0, 0, 3 },
};
static const struct ap_schema_field fields_113[] = {
	{ "intValue", "int_value", AP_SCHEMA_INT64, 0, 0, 1, 3 },
	{ "doubleValue", "double_value", AP_SCHEMA_DOUBLE, 0, 0, 1, 3 },
	{ "stringValue", "string_value", AP_SCHEMA_STRING, 0, 0, 1, 3 },
};
static const struct ap_schema_field fields_114[] = {
	{ "containerSpec", "container_spec", AP_SCHEMA_MESSAGE, 5, 0, 1, 3 },
	{ "pythonPackageSpec", "python_package_spec", AP_SCHEMA_MESSAGE, 75, 0, 1, 3 },
	{ "machineSpec", "machine_spec", AP_SCHEMA_MESSAGE, 35, 0, 0, 3 },
	{ "replicaCount", "replica_count", AP_SCHEMA_INT64, 0, 0, 0, 3 },
	{ "nfsMounts", "nfs_mounts", AP_SCHEMA_MESSAGE, 46, AP_SCHEMA_LIST, 0, 3 },
	{ "lustreMounts", "lustre_mounts", AP_SCHEMA_MESSAGE, 34, AP_SCHEMA_LIST, 0, 3 },
	{ "diskSpec", "disk_spec", AP_SCHEMA_MESSAGE, 10, 0, 0, 3 },
};
static const struct ap_schema_field fields_115[] = {
	{ "stepCount", "step_count", AP_SCHEMA_INT32, 0, AP_SCHEMA_REQUIRED, 0, 3 },
	{ "smoothGradConfig", "smooth_grad_config", AP_SCHEMA_MESSAGE, 88, 0, 0, 3 },
	{ "blurBaselineConfig", "blur_baseline_config", AP_SCHEMA_MESSAGE, 3, 0, 0, 3 },
};
static const struct ap_schema_field fields_116[] = {
	{ "code", "code", AP_SCHEMA_INT32, 0, 0, 0, 3 },
	{ "message", "message", AP_SCHEMA_STRING, 0, 0, 0, 3 },
	{ "details", "details", AP_SCHEMA_STRUCT, 0, AP_SCHEMA_LIST, 0, 3 },
};

const struct ap_schema_message ap_schema_messages[] = {
	{ "Artifact", fields_0, 12 },
	{ "ArtifactTypeSchema", fields_1, 4 },
	{ "BigQueryDestination", fields_2, 1 },
	{ "BlurBaselineConfig", fields_3, 1 },
	{ "Checkpoint", fields_4, 3 },
	{ "ContainerSpec", fields_5, 4 },
	{ "Context", fields_6, 11 },
	{ "CustomJob", fields_7, 14 },
	{ "CustomJobSpec", fields_8, 15 },
	{ "DeployedModelRef", fields_9, 2 },
	{ "DiskSpec", fields_10, 2 },
	{ "DnsPeeringConfig", fields_11, 3 },
	{ "EncryptionSpec", fields_12, 1 },
	{ "EnvVar", fields_13, 2 },
	{ "Examples", fields_14, 5 },
	{ "Examples.ExampleGcsSource", fields_15, 2 },
	{ "Execution", fields_16, 11 },
	{ "ExplanationMetadata", fields_17, 4 },
	{ "ExplanationMetadata.InputMetadata", fields_18, 12 },
	{ "ExplanationMetadata.InputMetadata.FeatureValueDomain", fields_19, 4 },
	{ "ExplanationMetadata.InputMetadata.Visualization", fields_20, 6 },
	{ "ExplanationMetadata.OutputMetadata", fields_21, 3 },
	{ "ExplanationParameters", fields_22, 6 },
	{ "ExplanationSpec", fields_23, 2 },
	{ "FeatureNoiseSigma", fields_24, 1 },
	{ "FeatureNoiseSigma.NoiseSigmaForFeature", fields_25, 2 },
	{ "FilterSplit", fields_26, 3 },
	{ "FractionSplit", fields_27, 3 },
	{ "GcsDestination", fields_28, 1 },
	{ "GcsSource", fields_29, 1 },
	{ "GenieSource", fields_30, 1 },
	{ "HyperparameterTuningJob", fields_31, 18 },
	{ "InputDataConfig", fields_32, 12 },
	{ "IntegratedGradientsAttribution", fields_33, 3 },
	{ "LustreMount", fields_34, 4 },
	{ "MachineSpec", fields_35, 8 },
	{ "Measurement", fields_36, 3 },
	{ "Measurement.Metric", fields_37, 2 },
	{ "Model", fields_38, 35 },
	{ "Model.BaseModelSource", fields_39, 2 },
	{ "Model.DataStats", fields_40, 6 },
	{ "Model.ExportFormat", fields_41, 2 },
	{ "Model.OriginalModelInfo", fields_42, 1 },
	{ "ModelContainerSpec", fields_43, 14 },
	{ "ModelGardenSource", fields_44, 3 },
	{ "ModelSourceInfo", fields_45, 2 },
	{ "NfsMount", fields_46, 3 },
	{ "PersistentResource", fields_47, 17 },
	{ "PipelineJob", fields_48, 25 },
	{ "PipelineJob.RuntimeConfig", fields_49, 6 },
	{ "PipelineJob.RuntimeConfig.DefaultRuntime", fields_50, 1 },
	{ "PipelineJob.RuntimeConfig.InputArtifact", fields_51, 1 },
	{ "PipelineJob.RuntimeConfig.PersistentResourceRuntimeDetail", fields_52, 3 },
	{ "PipelineJobDetail", fields_53, 3 },
	{ "PipelineTaskDetail", fields_54, 14 },
	{ "PipelineTaskDetail.ArtifactList", fields_55, 1 },
	{ "PipelineTaskDetail.PipelineTaskStatus", fields_56, 3 },
	{ "PipelineTaskExecutorDetail", fields_57, 2 },
	{ "PipelineTaskExecutorDetail.ContainerDetail", fields_58, 4 },
	{ "PipelineTaskExecutorDetail.CustomJobDetail", fields_59, 2 },
	{ "PipelineTaskRerunConfig", fields_60, 5 },
	{ "PipelineTaskRerunConfig.ArtifactList", fields_61, 1 },
	{ "PipelineTaskRerunConfig.Inputs", fields_62, 2 },
	{ "PipelineTemplateMetadata", fields_63, 1 },
	{ "Port", fields_64, 1 },
	{ "PredefinedSplit", fields_65, 1 },
	{ "PredictSchemata", fields_66, 3 },
	{ "Presets", fields_67, 2 },
	{ "Probe", fields_68, 9 },
	{ "Probe.ExecAction", fields_69, 1 },
	{ "Probe.GrpcAction", fields_70, 2 },
	{ "Probe.HttpGetAction", fields_71, 5 },
	{ "Probe.HttpHeader", fields_72, 2 },
	{ "Probe.TcpSocketAction", fields_73, 2 },
	{ "PscInterfaceConfig", fields_74, 2 },
	{ "PythonPackageSpec", fields_75, 5 },
	{ "RayLogsSpec", fields_76, 1 },
	{ "RayMetricSpec", fields_77, 1 },
	{ "RaySpec", fields_78, 6 },
	{ "ReservationAffinity", fields_79, 3 },
	{ "ResourcePool", fields_80, 6 },
	{ "ResourcePool.AutoscalingSpec", fields_81, 2 },
	{ "ResourceRuntime", fields_82, 2 },
	{ "ResourceRuntimeSpec", fields_83, 2 },
	{ "RuntimeArtifact", fields_84, 6 },
	{ "SampledShapleyAttribution", fields_85, 1 },
	{ "Scheduling", fields_86, 5 },
	{ "ServiceAccountSpec", fields_87, 2 },
	{ "SmoothGradConfig", fields_88, 3 },
	{ "StratifiedSplit", fields_89, 4 },
	{ "StudySpec", fields_90, 11 },
	{ "StudySpec.ConvexAutomatedStoppingSpec", fields_91, 6 },
	{ "StudySpec.ConvexStopConfig", fields_92, 5 },
	{ "StudySpec.DecayCurveAutomatedStoppingSpec", fields_93, 1 },
	{ "StudySpec.MedianAutomatedStoppingSpec", fields_94, 1 },
	{ "StudySpec.MetricSpec", fields_95, 3 },
	{ "StudySpec.MetricSpec.SafetyMetricConfig", fields_96, 2 },
	{ "StudySpec.ParameterSpec", fields_97, 7 },
	{ "StudySpec.ParameterSpec.CategoricalValueSpec", fields_98, 2 },
	{ "StudySpec.ParameterSpec.ConditionalParameterSpec", fields_99, 4 },
	{ "StudySpec.ParameterSpec.ConditionalParameterSpec.CategoricalValueCondition", fields_100, 1 },
	{ "StudySpec.ParameterSpec.ConditionalParameterSpec.DiscreteValueCondition", fields_101, 1 },
	{ "StudySpec.ParameterSpec.ConditionalParameterSpec.IntValueCondition", fields_102, 1 },
	{ "StudySpec.ParameterSpec.DiscreteValueSpec", fields_103, 2 },
	{ "StudySpec.ParameterSpec.DoubleValueSpec", fields_104, 3 },
	{ "StudySpec.ParameterSpec.IntegerValueSpec", fields_105, 3 },
	{ "StudySpec.StudyStoppingConfig", fields_106, 7 },
	{ "StudySpec.TransferLearningConfig", fields_107, 2 },
	{ "StudyTimeConstraint", fields_108, 2 },
	{ "TimestampSplit", fields_109, 4 },
	{ "TrainingPipeline", fields_110, 17 },
	{ "Trial", fields_111, 12 },
	{ "Trial.Parameter", fields_112, 2 },
	{ "Value", fields_113, 3 },
	{ "WorkerPoolSpec", fields_114, 7 },
	{ "XraiAttribution", fields_115, 3 },
	{ "google.rpc.Status", fields_116, 3 },
};
const size_t ap_schema_n_messages = AP_LEN(ap_schema_messages);
