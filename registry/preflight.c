#include "registry/preflight.h"

#include <string.h>

/* The part before the first '/', and what is behind it. */
static struct ap_str head(const char *path, const char **rest)
{
	size_t n = strcspn(path, "/");

	*rest = path[n] ? path + n + 1 : path + n;
	return ap_str_n(path, n);
}

static void artifact_registry(struct ap_buf *out, const char *host, const char *repository)
{
	struct ap_str location = { host, strlen(host) - strlen("-docker.pkg.dev") };
	const char *rest;
	struct ap_str project = head(repository, &rest);
	struct ap_str name = head(rest, &rest);

	if (!ap_ends_with(host, "-docker.pkg.dev"))
		return;
	ap_buf_addf(out,
		"; create it with `gcloud artifacts repositories create %.*s "
		"--repository-format=docker --location=%.*s --project=%.*s`",
		(int)name.n, name.p, (int)location.n, location.p, (int)project.n, project.p);
}

/* gcr.io names are kept in Artifact Registry repositories of the same name. */
static void container_registry(struct ap_buf *out, const char *host, const char *repository)
{
	const char *rest;
	struct ap_str project = head(repository, &rest);
	const char *location = ap_starts_with(host, "eu.")     ? "europe"
			       : ap_starts_with(host, "asia.") ? "asia"
							       : "us";

	ap_buf_addf(out,
		"; create it with `gcloud artifacts repositories create %s "
		"--repository-format=docker --location=%s --project=%.*s`",
		host, location, (int)project.n, project.p);
}

void ap_preflight_remedy(struct ap_buf *out, const char *host, const char *repository,
	enum ap_err_code code, unsigned flags)
{
	bool google = ap_registry_is_google(host);

	if (google && code == AP_E_NOT_FOUND) {
		if (ap_ends_with(host, "gcr.io"))
			container_registry(out, host, repository);
		else
			artifact_registry(out, host, repository);
		ap_buf_adds(out, ", or name one that exists with --output-image-uri");
	} else if (google && (flags & AP_REMEDY_ANONYMOUS)) {
		ap_buf_adds(out, AP_REMEDY_GOOGLE_LOGIN);
	} else if (google) {
		ap_buf_adds(out, "; the account needs roles/artifactregistry.writer on the "
				 "repository (and, if it is missing, a repository: "
				 "roles/artifactregistry.createOnPushWriter)");
	} else if (code == AP_E_NOT_FOUND) {
		ap_buf_adds(out, "; create the repository first, or name one that exists with "
				 "--output-image-uri");
	} else {
		ap_buf_addf(out,
			"; log in with `docker login %s`, or use --authfile, or --username "
			"with --password-stdin",
			host);
	}
}

int ap_preflight(const struct ap_repo *r, char **session, struct ap_err *err)
{
	ap_auto_buf remedy = AP_BUF_INIT;
	enum ap_err_code code;
	int http;

	if (ap_upload_begin(r, session, err) == 0)
		return 0;
	code = err->code;
	http = err->http;
	if (code == AP_E_AUTH || code == AP_E_NOT_FOUND) {
		char first[sizeof(err->msg)];

		ap_preflight_remedy(&remedy, r->host->bare, r->name, code,
			r->host->anonymous ? AP_REMEDY_ANONYMOUS : 0);
		memcpy(first, err->msg, sizeof(first));
		ap_err_clear(err);
		ap_err_set(err, code, "%.600s%s", first, remedy.p);
		err->http = http;
	}
	return ap_err_wrap(err, "no push to %s/%s", r->host->name, r->name);
}
