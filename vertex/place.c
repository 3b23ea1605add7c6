#include <stdlib.h>
#include <string.h>

#include "vertex/api.h"

/* Source: cloud.google.com/vertex-ai/docs/general/locations, custom training. */
const char *const ap_vertex_regions[] = { "africa-south1", "asia-east1", "asia-east2",
	"asia-northeast1", "asia-northeast2", "asia-northeast3", "asia-south1", "asia-southeast1",
	"asia-southeast2", "australia-southeast1", "australia-southeast2", "europe-central2",
	"europe-north1", "europe-southwest1", "europe-west1", "europe-west2", "europe-west3",
	"europe-west4", "europe-west6", "europe-west8", "europe-west9", "europe-west12",
	"me-central1", "me-central2", "me-west1", "northamerica-northeast1",
	"northamerica-northeast2", "southamerica-east1", "southamerica-west1", "us-central1",
	"us-east1", "us-east4", "us-east5", "us-south1", "us-west1", "us-west2", "us-west3",
	"us-west4" };
const size_t ap_vertex_n_regions = AP_LEN(ap_vertex_regions);

/* Source: Resource Manager: 6 to 30 of [a-z0-9-], optionally "domain:"; or the number. */
static bool project_ok(const char *s)
{
	const char *colon = strchr(s, ':');
	const char *id = colon ? colon + 1 : s;
	size_t n = strlen(id);

	if (n > 63 || !n)
		return false;
	for (const char *p = s; *p; p++) {
		if (!((*p >= 'a' && *p <= 'z') || ap_is_digit(*p) || *p == '-' ||
			    (colon && p < colon && *p == '.') || p == colon))
			return false;
	}
	return true;
}

static int check_region(const char *s, struct ap_err *err)
{
	size_t n = strlen(s);
	const char *near;

	for (size_t i = 0; i < ap_vertex_n_regions; i++) {
		if (strcmp(ap_vertex_regions[i], s) == 0)
			return 0;
	}
	if (n > 2 && s[n - 2] == '-' && s[n - 1] >= 'a' && s[n - 1] <= 'z')
		return ap_err_set(err, AP_E_USAGE,
			"--region: \"%.60s\" is a zone; want its region, \"%.*s\"", s, (int)n - 2,
			s);
	near = ap_did_you_mean(s, ap_vertex_regions, ap_vertex_n_regions);
	return ap_err_set(err, AP_E_USAGE, "--region: unknown region \"%.60s\"%s%s%s", s,
		near ? "; did you mean " : "; want one such as us-central1", near ? near : "",
		near ? "?" : "");
}

int ap_vertex_place(
	struct ap_vertex_place *out, const char *project, const char *region, struct ap_err *err)
{
	ap_auto_free char *p = NULL;
	ap_auto_free char *r = NULL;
	const char *locations;

	if (!region || !*region)
		return ap_err_set(err, AP_E_USAGE,
			"--region: no region; give it here, with AUTOPACK_REGION or with `gcloud "
			"config set ai/region`");
	if (ap_starts_with(region, "projects/")) {
		locations = strstr(region, "/locations/");
		if (!locations)
			return ap_err_set(err, AP_E_USAGE,
				"--region: want REGION or projects/PROJECT/locations/REGION, found "
				"\"%.100s\"",
				region);
		p = ap_xstrndup(region + 9, (size_t)(locations - region - 9));
		r = ap_xstrdup(locations + 11);
	} else {
		p = project ? ap_xstrdup(project) : NULL;
		r = ap_xstrdup(region);
	}
	if (!p || !*p)
		return ap_err_set(err, AP_E_USAGE,
			"--project: no project; give it here, with AUTOPACK_PROJECT or with "
			"`gcloud config set project`");
	if (!project_ok(p))
		return ap_err_set(err, AP_E_USAGE,
			"--project: want a project ID such as my-project-1, found \"%.60s\"", p);
	if (check_region(r, err) < 0)
		return -1;
	out->project = AP_STEAL(p);
	out->region = AP_STEAL(r);
	return 0;
}

void ap_vertex_place_release(struct ap_vertex_place *p)
{
	free(p->project);
	free(p->region);
	*p = (struct ap_vertex_place){ 0 };
}
