#include "deps/headers.h"

#include <string.h>
#include <strings.h>

enum { MAX_FIELDS = 100000 };

void ap_headers_release(struct ap_headers *h)
{
	ap_strv_release(&h->names);
	ap_strv_release(&h->values);
}

static struct ap_str chomp(struct ap_str line)
{
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static int one(struct ap_headers *h, struct ap_str line, size_t number, struct ap_err *err)
{
	const char *colon;
	struct ap_str value;

	if (line.p[0] == ' ' || line.p[0] == '\t') {
		if (!h->values.n)
			return ap_err_set(err, AP_E_PROTO, "line %zu continues nothing", number);
		return 0;
	}
	colon = memchr(line.p, ':', line.n);
	if (!colon || colon == line.p)
		return ap_err_set(err, AP_E_PROTO, "line %zu is not \"Name: value\"", number);
	for (const char *c = line.p; c < colon; c++)
		if (*c <= ' ' || *c >= 0x7f)
			return ap_err_set(
				err, AP_E_PROTO, "line %zu is not \"Name: value\"", number);
	if (h->names.n >= MAX_FIELDS)
		return ap_err_set(err, AP_E_LIMIT, "more than %d fields", MAX_FIELDS);
	value = ap_str_trim(ap_str_n(colon + 1, line.n - (size_t)(colon + 1 - line.p)));
	ap_strv_add_n(&h->names, line.p, (size_t)(colon - line.p));
	ap_strv_add_n(&h->values, value.p, value.n);
	return 0;
}

int ap_headers_parse(struct ap_headers *out, const char *p, size_t n, struct ap_err *err)
{
	AP_CLEANUP(ap_headers_release) struct ap_headers h = { 0 };
	struct ap_str rest, line;
	size_t number = 0;

	if (!ap_utf8_ok(p, n))
		return ap_err_set(err, AP_E_PROTO, "is not valid UTF-8");
	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		return ap_err_set(err, AP_E_PROTO, "begins with a byte order mark");
	rest = ap_str_n(p, n);
	while (ap_str_next(&rest, '\n', &line)) {
		number++;
		line = chomp(line);
		if (!line.n)
			break;
		if (one(&h, line, number, err) < 0)
			return -1;
	}
	*out = h;
	h = (struct ap_headers){ 0 };
	return 0;
}

const char *ap_headers_get(const struct ap_headers *h, const char *name)
{
	for (size_t i = 0; i < h->names.n; i++)
		if (strcasecmp(h->names.v[i], name) == 0)
			return h->values.v[i];
	return NULL;
}

size_t ap_headers_count(const struct ap_headers *h, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < h->names.n; i++)
		n += strcasecmp(h->names.v[i], name) == 0;
	return n;
}
