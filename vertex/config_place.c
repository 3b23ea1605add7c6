#include "vertex/config.h"

#include <stdlib.h>
#include <string.h>

/* Does a key, camelCase or snake_case, mean the part of a path written in either way? */
static bool same_name(const char *key, struct ap_str part)
{
	size_t i = 0;

	for (; *key; key++) {
		if (*key == '_')
			continue;
		while (i < part.n && part.p[i] == '_')
			i++;
		if (i == part.n || ap_lower(part.p[i++]) != ap_lower(*key))
			return false;
	}
	return i == part.n;
}

const struct ap_yaml *ap_config_locate(const struct ap_yaml *y, const char *path)
{
	const struct ap_yaml *at = NULL;
	const char *p = path;

	while (y && *p) {
		size_t n = strcspn(p, ".[");
		const struct ap_yaml *next = NULL;

		if (*p == '[') {
			size_t i = (size_t)strtoul(p + 1, NULL, 10);

			p += strcspn(p, "]");
			p += *p == ']';
			if (y->kind == AP_YAML_SEQ && i < y->n)
				next = y->v[i];
			else if (y->kind == AP_YAML_MAP && i == 0)
				next = y;
		} else if (y->kind == AP_YAML_MAP) {
			for (size_t i = 0; i < y->n && !next; i++) {
				if (same_name(y->keys[i]->text, ap_str_n(p, n)))
					next = y->v[i];
			}
			p += n;
		}
		if (!next)
			break;
		at = y = next;
		p += *p == '.';
	}
	return at;
}

char *ap_config_where(const struct ap_yaml *file, const char *name, const char *path)
{
	const struct ap_yaml *y = file ? ap_config_locate(file, path) : NULL;

	return y ? ap_xasprintf("%s: line %u, column %u", name, y->line, y->column) : NULL;
}

int ap_config_at(const struct ap_yaml *file, const char *name, const char *path, struct ap_err *err)
{
	ap_auto_free char *where = ap_config_where(file, name, path);

	if (!where)
		return -1;
	err->code = AP_E_INPUT;
	return ap_err_wrap(err, "%s", where);
}

const char *ap_config_name(const char *file)
{
	return ap_streq(file, "-") ? "standard input" : file;
}
