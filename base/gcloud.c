#include "base/gcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

#define MAX_FILE ((size_t)1 << 20)

static bool name_ok(const char *s)
{
	for (const char *c = s; *c; c++) {
		if (!ap_is_alnum(*c) && !strchr("-_", *c))
			return false;
	}
	return *s != '\0';
}

/* The value of name in section of an INI text.  *out: owned, or NULL. */
static char *ini_get(const char *text, size_t n, const char *section, const char *name)
{
	struct ap_str rest = ap_str_n(text, n);
	struct ap_str line;
	bool inside = false;
	char *found = NULL;

	while (ap_str_next(&rest, '\n', &line)) {
		const char *eq;
		struct ap_str key;
		struct ap_str value;

		line = ap_str_trim(line);
		if (!line.n || line.p[0] == '#' || line.p[0] == ';')
			continue;
		if (line.p[0] == '[' && line.p[line.n - 1] == ']') {
			inside = ap_str_eq(ap_str_n(line.p + 1, line.n - 2), section);
			continue;
		}
		eq = memchr(line.p, '=', line.n);
		if (!inside || !eq)
			continue;
		key = ap_str_trim(ap_str_n(line.p, (size_t)(eq - line.p)));
		value = ap_str_trim(ap_str_n(eq + 1, (size_t)(line.p + line.n - eq - 1)));
		if (ap_str_eq(key, name) && value.n) {
			free(found);
			found = ap_xstrndup(value.p, value.n);
		}
	}
	return found;
}

static int read_optional(struct ap_buf *out, const char *path, bool *there, struct ap_err *err)
{
	*there = true;
	if (ap_fs_read(out, path, err) == 0)
		return 0;
	if (err->sys != ENOENT && err->sys != ENOTDIR && err->sys != EACCES)
		return -1;
	ap_err_clear(err);
	*there = false;
	return 0;
}

int ap_gcloud_property(char **out, const struct ap_gcp_opts *opts, const char *section,
	const char *name, struct ap_err *err)
{
	ap_auto_buf active = AP_BUF_MAX(4096);
	ap_auto_buf text = AP_BUF_MAX(MAX_FILE);
	ap_auto_free char *active_path = NULL;
	ap_auto_free char *config = NULL;
	ap_auto_free char *path = NULL;
	bool there;

	*out = NULL;
	if (!opts->config_dir)
		return 0;
	if (opts->configuration) {
		config = ap_xstrdup(opts->configuration);
	} else {
		struct ap_str s;

		active_path = ap_fs_join(opts->config_dir, "active_config");
		if (read_optional(&active, active_path, &there, err) < 0)
			return ap_err_wrap(err, "gcloud configuration");
		s = ap_str_trim(ap_str_n(active.p, active.len));
		config = there && s.n ? ap_xstrndup(s.p, s.n) : ap_xstrdup("default");
	}
	/* gcloud's own word for "no configuration at all". */
	if (strcmp(config, "NONE") == 0)
		return 0;
	if (!name_ok(config))
		return ap_err_set(err, AP_E_INPUT,
			"\"%.60s\" is not a name of a gcloud configuration", config);
	path = ap_xasprintf("%s/configurations/config_%s", opts->config_dir, config);
	if (read_optional(&text, path, &there, err) < 0)
		return ap_err_wrap(err, "gcloud configuration");
	if (!there && opts->configuration && strcmp(config, "default") != 0)
		return ap_err_set(
			err, AP_E_INPUT, "gcloud has no configuration \"%s\" (%s)", config, path);
	*out = ini_get(text.p, text.len, section, name);
	return 0;
}
