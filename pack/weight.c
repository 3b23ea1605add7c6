#include "pack/weight.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pack/scan.h"

#define NAMED 3
#define MB    UINT64_C(1000000)

/* What one name holds of a directory: itself, or all that is below it. */
struct share {
	const char *name; /* borrowed, not terminated */
	size_t n;
	uint64_t bytes;
};

static int compare(const struct share *x, const struct share *y)
{
	int c = strncmp(x->name, y->name, AP_MIN(x->n, y->n));

	return c ? c : x->n < y->n ? -1 : x->n > y->n;
}

static int by_name(const void *a, const void *b)
{
	return compare(a, b);
}

static int bigger_first(const void *a, const void *b)
{
	const struct share *x = a;
	const struct share *y = b;

	return x->bytes != y->bytes ? (x->bytes < y->bytes ? 1 : -1) : compare(x, y);
}

/* *out: one share for each file that is not large, named by its whole path. */
static size_t list(struct share **out, const struct ap_plan *plan)
{
	size_t n = 0;
	size_t cap = 0;

	for (size_t i = 0; i < plan->n_parts; i++)
		for (size_t k = 0; k < plan->parts[i].tree.n; k++) {
			const struct ap_entry *e = &plan->parts[i].tree.v[k];
			const char *name = ap_scan_shown(e);

			if (e->type != AP_ENTRY_FILE || e->size > AP_LARGE)
				continue;
			AP_GROW(*out, n, cap);
			(*out)[n++] = (struct share){ name, strlen(name), e->size };
		}
	return n;
}

/* The length of the directory that holds them all: "trainer/", or "". */
static size_t common_directory(const struct share *v, size_t n)
{
	const struct share *last = &v[n - 1];
	size_t k = 0;

	while (k < v[0].n && k < last->n && v[0].name[k] == last->name[k])
		k++;
	while (k && v[0].name[k - 1] != '/')
		k--;
	return k;
}

/* Files below the same name become one share.  Sorted by name before. */
static size_t join(struct share *v, size_t n)
{
	size_t skip = common_directory(v, n);
	size_t to = 0;

	for (size_t i = 0; i < n; i++) {
		const char *slash = memchr(v[i].name + skip, '/', v[i].n - skip);
		struct share s = v[i];

		s.n = slash ? (size_t)(slash - s.name) + 1 : s.n;
		if (to && compare(&v[to - 1], &s) == 0)
			v[to - 1].bytes += s.bytes;
		else
			v[to++] = s;
	}
	return to;
}

void ap_weight_warn(const struct ap_plan *plan, struct ap_progress *progress)
{
	struct share *v = NULL;
	size_t n = list(&v, plan);
	ap_auto_buf most = AP_BUF_INIT;
	uint64_t all = 0;

	for (size_t i = 0; i < n; i++)
		all += v[i].bytes;
	if (all > AP_LARGE) {
		qsort(v, n, sizeof(*v), by_name);
		n = join(v, n);
		qsort(v, n, sizeof(*v), bigger_first);
		for (size_t i = 0; i < n && i < NAMED && v[i].bytes >= MB; i++)
			ap_buf_addf(&most, "%s%.*s %" PRIu64 " MB", i ? ", " : "", (int)v[i].n,
				v[i].name, v[i].bytes / MB);
		ap_emit_warn(progress, AP_STEP_PLAN,
			"%" PRIu64 " MB of files go into the image%s%s; name in .dockerignore what "
			"is not needed",
			all / MB, most.len ? ": " : "", most.p);
	}
	free(v);
}
