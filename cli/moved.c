#include "cli/moved.h"

#define POOL(key)                                                                      \
	{                                                                              \
		.name = key, .kind = AP_OPT_STR, .arg = "X",                           \
		.is_not = "it is a key of a worker pool: --worker-pool-spec=" key "=X" \
	}

const struct ap_opt ap_moved_to_pool[AP_MOVED_TO_POOL_N] = {
	POOL("machine-type"),
	POOL("replica-count"),
	POOL("accelerator-type"),
	POOL("accelerator-count"),
	POOL("disk-type"),
	POOL("disk-size"),
	POOL("container-image-uri"),
	POOL("executor-image-uri"),
	POOL("local-package-path"),
	POOL("script"),
	POOL("python-module"),
	POOL("requirements"),
	POOL("extra-packages"),
	POOL("extra-dirs"),
	POOL("output-image-uri"),
	POOL("env"),
};

#define HERE(old, ours)                                                                      \
	{                                                                                    \
		.name = old, .kind = AP_OPT_STR, .arg = "X", .is_not = "its name is --" ours \
	}
#define JOB(flag)                                                                        \
	{                                                                                \
		.name = flag, .kind = AP_OPT_STR, .arg = "X",                            \
		.is_not = "build makes the image only; \"autopack custom-jobs create\" " \
			  "has it"                                                       \
	}

const struct ap_opt ap_moved_from_build[AP_MOVED_FROM_BUILD_N] = {
	HERE("base-image", "executor-image-uri"),
	HERE("work-dir", "local-package-path"),
	HERE("context", "local-package-path"),
	HERE("tag", "output-image-uri"),
	HERE("entrypoint", "script or --python-module"),
	HERE("destination", "output-image-uri"),
	JOB("region"),
	JOB("container-image-uri"),
	JOB("display-name"),
	JOB("worker-pool-spec"),
	JOB("machine-type"),
	JOB("replica-count"),
	JOB("accelerator-type"),
	JOB("service-account"),
	JOB("args"),
	JOB("config"),
};
