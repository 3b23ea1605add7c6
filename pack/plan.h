/*
 * The pure, local stage: a request becomes mapped files, an entry point,
 * dependency inputs and the request tag.  Reads local files, writes nothing,
 * asks no network.
 */
#ifndef AP_PACK_PLAN_H
#define AP_PACK_PLAN_H

#include "base/entry.h"
#include "base/progress.h"
#include "deps/request.h"
#include "pack/request.h"

/* Changes whenever the same inputs would make other bytes. */
#define AP_LAYOUT_VERSION "2"

/*
 * One directory or file set that becomes a layer of its own; big ones are
 * several (pack/split.h).  Every tree has usr/app (0777) on its way, one of
 * the code's also home (0777).
 */
struct ap_plan_part {
	char *title; /* "code", "extra-dir data" */
	struct ap_tree
		tree; /* paths in the image, sorted, parents included only where the image must have them */
	struct ap_strv copies; /* relative sources as gcloud's COPY names them, for dockerfile/ */
	struct ap_digest content; /* of paths, types, modes and contents of the tree */
	bool settled;             /* no file is so young that it may change again without a trace */
};

struct ap_plan {
	char *workdir; /* absolute path on the host, for messages and dockerfile/ */
	bool prebuilt; /* a Vertex prebuilt image: python3, pip3, no /var/sitecustomize */
	bool runs_python; /* entrypoint[0] is "python" or "python3", which may be swapped for the other */
	struct ap_strv entrypoint;  /* ["python", "trainer/task.py"] */
	struct ap_strv env;         /* HOME=/home, PYTHONDONTWRITEBYTECODE=1, then the user's */
	struct ap_plan_part *parts; /* of extra dirs in their order, of the code last */
	size_t n_parts;
	/*
	 * Absolute image paths that the base must lose (/var/sitecustomize on
	 * prebuilt bases): whiteouts of the first layer that is added.
	 */
	struct ap_strv whiteouts;
	struct ap_dep_request deps;
	struct ap_strv labels;  /* config labels known before the base is: K=V, sorted */
	char tag[64];           /* the request tag: a legal tag */
	size_t n_ignored;       /* files and whole directories left out */
	struct ap_strv ignored; /* some of their names, for the report; directories end in '/' */
	int64_t epoch;          /* mtime of every file */
};

/*
 * Errors: AP_E_INPUT naming the key and what was wanted (missing script,
 * outside the working directory, ...); warnings go to progress.
 */
int ap_plan_make(struct ap_plan *out, const struct ap_image_request *req,
	struct ap_progress *progress, struct ap_err *err) AP_CHECK;
void ap_plan_release(struct ap_plan *p);

#endif
