#include "vertex/schema.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MANY = 2 }; /* values that a part is in: more, and none of them is meant */

const struct ap_schema_message *ap_schema_message(const char *name)
{
	for (size_t i = 0; i < ap_schema_n_messages; i++) {
		if (strcmp(ap_schema_messages[i].name, name) == 0)
			return &ap_schema_messages[i];
	}
	assert(!"no such message in the schema");
	abort();
}

const struct ap_schema_enum *ap_schema_enum(const char *name)
{
	for (size_t i = 0; i < ap_schema_n_enums; i++) {
		if (strcmp(ap_schema_enums[i].name, name) == 0)
			return &ap_schema_enums[i];
	}
	assert(!"no such enum in the schema");
	abort();
}

const struct ap_schema_field *ap_schema_field(const struct ap_schema_message *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->fields[i].name, name) == 0 || strcmp(m->fields[i].snake, name) == 0)
			return &m->fields[i];
	}
	return NULL;
}

const struct ap_schema_value *ap_schema_value(const struct ap_schema_enum *e, const char *name)
{
	for (size_t i = 0; i < e->n; i++) {
		if (strcmp(e->v[i].name, name) == 0)
			return &e->v[i];
	}
	return NULL;
}

/* Lower case without `-` and `_`. */
static void squeeze(struct ap_buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s != '-' && *s != '_')
			ap_buf_addc(out, ap_lower(*s));
	}
}

static const char *nearest(const char *const *names, size_t n, const char *word)
{
	ap_auto_buf want = AP_BUF_INIT;
	ap_auto_strv squeezed = { 0 };
	const char *hit;

	squeeze(&want, word);
	for (size_t i = 0; i < n; i++) {
		ap_auto_buf b = AP_BUF_INIT;

		squeeze(&b, names[i]);
		ap_strv_add(&squeezed, b.p);
	}
	if (!n)
		return NULL;
	hit = ap_did_you_mean(want.p, (const char *const *)squeezed.v, n);
	for (size_t i = 0; hit && i < n; i++) {
		if (squeezed.v[i] == hit)
			return names[i];
	}
	return NULL;
}

const char *ap_schema_nearest_field(const struct ap_schema_message *m, const char *word)
{
	ap_auto_free const char **names = ap_xcalloc(m->n + 1, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		if (!(m->fields[i].flags & AP_SCHEMA_OUTPUT))
			names[n++] = m->fields[i].name;
	}
	return nearest(names, n, word);
}

/* Are the parts of `word`, between - and _, parts of `name` in this order, as T4 is of NVIDIA_TESLA_T4? */
static bool has_parts(const char *name, const char *word)
{
	while (*name && *word) {
		size_t n = strcspn(name, "-_");
		size_t k = strcspn(word, "-_");

		if (n == k && strncasecmp(name, word, n) == 0)
			word += k + strspn(word + k, "-_");
		name += n + strspn(name + n, "-_");
	}
	return !*word;
}

/* A part left out is not a letter mistyped: NVIDIA_T4 is no NVIDIA_L4. */
const char *ap_schema_nearest_value(const struct ap_schema_enum *e, const char *word)
{
	ap_auto_free const char **names = ap_xcalloc(e->n + 1, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < e->n; i++)
		if (*word && has_parts(e->v[i].name, word))
			names[n++] = e->v[i].name;
	if (n && n <= MANY)
		return names[0];
	for (size_t i = 0; i < e->n; i++)
		names[i] = e->v[i].name;
	return nearest(names, e->n, word);
}

static uint64_t unit_seconds(const char **p)
{
	static const struct {
		char c;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };

	for (size_t i = 0; i < AP_LEN(units); i++) {
		if (**p == units[i].c) {
			(*p)++;
			return units[i].seconds;
		}
	}
	return 0;
}

/* protobuf's Duration reaches to 10,000 years. */
#define MAX_SECONDS UINT64_C(315576000000)

bool ap_schema_duration(char **out, const char *text)
{
	const char *p = text;
	const char *fraction = NULL;
	uint64_t total = 0;
	size_t n_fraction = 0;

	do {
		uint64_t n = 0;
		uint64_t unit;

		if (!ap_is_digit(*p))
			return false;
		for (; ap_is_digit(*p); p++) {
			if (n > MAX_SECONDS)
				return false;
			n = n * 10 + (uint64_t)(*p - '0');
		}
		if (*p == '.') {
			fraction = p + 1;
			n_fraction = strspn(fraction, "0123456789");
			p = fraction + n_fraction;
			if (n_fraction < 1 || n_fraction > 9 || (*p != 's' && *p))
				return false;
		}
		unit = *p ? unit_seconds(&p) : 1;
		if (!unit || n > MAX_SECONDS / unit || total + n * unit > MAX_SECONDS ||
			(fraction && *p))
			return false;
		total += n * unit;
	} while (*p);
	*out = fraction ? ap_xasprintf("%llu.%.*ss", (unsigned long long)total, (int)n_fraction,
				  fraction)
			: ap_xasprintf("%llus", (unsigned long long)total);
	return true;
}

static unsigned field_version(const struct ap_schema_field *f, const cJSON *value)
{
	unsigned need = f->versions & AP_SCHEMA_V1 ? AP_SCHEMA_V1 : AP_SCHEMA_V1BETA1;
	const cJSON *c = value;

	if (f->kind == AP_SCHEMA_ENUM && cJSON_IsString(value)) {
		const struct ap_schema_value *v =
			ap_schema_value(&ap_schema_enums[f->ref], value->valuestring);

		if (v && !(v->versions & AP_SCHEMA_V1))
			return AP_SCHEMA_V1BETA1;
	}
	if (f->kind != AP_SCHEMA_MESSAGE)
		return need;
	if (!(f->flags & (AP_SCHEMA_LIST | AP_SCHEMA_MAP)))
		return AP_MAX(need, ap_schema_version(&ap_schema_messages[f->ref], value));
	for (c = value->child; c; c = c->next)
		need = AP_MAX(need, ap_schema_version(&ap_schema_messages[f->ref], c));
	return need;
}

unsigned ap_schema_version(const struct ap_schema_message *m, const cJSON *body)
{
	unsigned need = AP_SCHEMA_V1;

	for (const cJSON *c = body->child; c; c = c->next) {
		const struct ap_schema_field *f = c->string ? ap_schema_field(m, c->string) : NULL;

		if (f)
			need = AP_MAX(need, field_version(f, c));
	}
	return need;
}

static char *missing_in(const struct ap_schema_field *f, const cJSON *value)
{
	const struct ap_schema_message *m = &ap_schema_messages[f->ref];
	size_t i = 0;

	if (f->kind != AP_SCHEMA_MESSAGE)
		return NULL;
	if (!(f->flags & (AP_SCHEMA_LIST | AP_SCHEMA_MAP))) {
		ap_auto_free char *sub = ap_schema_missing(m, value);

		return sub ? ap_xasprintf("%s.%s", f->name, sub) : NULL;
	}
	for (const cJSON *c = value->child; c; c = c->next, i++) {
		ap_auto_free char *sub = c->child ? ap_schema_missing(m, c) : NULL;

		if (sub && f->flags & AP_SCHEMA_LIST)
			return ap_xasprintf("%s[%zu].%s", f->name, i, sub);
		if (sub)
			return ap_xasprintf("%s.%s.%s", f->name, c->string, sub);
	}
	return NULL;
}

char *ap_schema_missing(const struct ap_schema_message *m, const cJSON *body)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct ap_schema_field *f = &m->fields[i];
		const cJSON *value = ap_json_get(body, f->name);
		char *sub;

		if (!value || (f->flags & AP_SCHEMA_LIST && !value->child)) {
			if (f->flags & AP_SCHEMA_REQUIRED && !f->oneof)
				return ap_xstrdup(f->name);
			continue;
		}
		sub = missing_in(f, value);
		if (sub)
			return sub;
	}
	return NULL;
}
