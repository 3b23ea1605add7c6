#include "attest/license.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "deps/wheel.h"

#define METADATA_MAX (4u << 20)
#define CLASSIFIER   "License :: "

void ap_license_release(struct ap_license *l)
{
	free(l->expression);
	free(l->text);
	*l = (struct ap_license){ 0 };
}

/* Words of an SPDX expression and nothing else: it goes into documents as it is. */
static bool is_expression(const char *s)
{
	for (const char *c = s; *c; c++) {
		if (!ap_is_alnum(*c) && !strchr(" ()+-.", *c))
			return false;
	}
	return *s != '\0';
}

static bool says_nothing(const char *s)
{
	return !s || !*s || strcasecmp(s, "UNKNOWN") == 0;
}

/* "License :: OSI Approved :: MIT License" -> "MIT License"; several joined by " / ". */
static char *of_classifiers(const struct ap_headers *m)
{
	ap_auto_strv found = { 0 };

	for (size_t i = 0; i < m->names.n; i++) {
		const char *v = m->values.v[i];
		const char *last = v;

		if (strcasecmp(m->names.v[i], "Classifier") != 0 || !ap_starts_with(v, CLASSIFIER))
			continue;
		for (const char *at = v; (at = strstr(at, " :: ")); at += 4)
			last = at + 4;
		if (!ap_streq(last, "OSI Approved"))
			ap_strv_add(&found, last);
	}
	return found.n ? ap_strv_join(&found, " / ") : NULL;
}

void ap_license_of(struct ap_license *out, const struct ap_headers *metadata)
{
	const char *expression = ap_headers_get(metadata, "License-Expression");
	const char *text = ap_headers_get(metadata, "License");

	*out = (struct ap_license){ 0 };
	if (expression && is_expression(expression))
		out->expression = ap_xstrdup(expression);
	else if (!says_nothing(expression))
		out->text = ap_xstrdup(expression);
	else if (!says_nothing(text))
		out->text = ap_xstrdup(text);
	else
		out->text = of_classifiers(metadata);
}

int ap_license_of_wheel(
	struct ap_license *out, const char *path, const char *filename, struct ap_err *err)
{
	AP_CLEANUP(ap_wheel_release) struct ap_wheel w = { 0 };
	AP_CLEANUP(ap_headers_release) struct ap_headers h = { 0 };
	ap_auto_buf text = AP_BUF_MAX(METADATA_MAX);
	ap_auto_free char *name = NULL;

	if (ap_wheel_open(&w, path, filename, err) < 0)
		return -1;
	name = ap_xasprintf("%s/METADATA", w.info_dir);
	/* It is there and of this form: ap_wheel_open() has read it. */
	if (ap_zip_read(&text, w.zip, ap_zip_find(w.zip, name), err) < 0 ||
		ap_headers_parse(&h, text.p, text.len, err) < 0)
		return ap_err_wrap(err, "%s", filename);
	ap_license_of(out, &h);
	return 0;
}
