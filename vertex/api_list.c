#include "vertex/api.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PAGES 10000

/* The query of one page. */
static void page_query(struct ap_buf *out, const struct ap_vertex_list *how, const char *token)
{
	char sep = '?';

	if (how->filter) {
		ap_buf_addf(out, "%cfilter=", sep);
		ap_url_escape(out, how->filter);
		sep = '&';
	}
	if (how->page_size) {
		ap_buf_addf(out, "%cpageSize=%u", sep, how->page_size);
		sep = '&';
	}
	if (token) {
		ap_buf_addf(out, "%cpageToken=", sep);
		ap_url_escape(out, token);
	}
}

static const cJSON *path_get(const cJSON *j, const char *path)
{
	struct ap_str rest = ap_str(path);
	struct ap_str part;

	while (j && ap_str_next(&rest, '.', &part)) {
		ap_auto_free char *name = ap_xstrndup(part.p, part.n);

		j = ap_json_get(j, name);
	}
	return j;
}

struct sort_item {
	cJSON *j;
	char *key;
	size_t index;
	bool down;
};

static int by_sort_key(const void *a, const void *b)
{
	const struct sort_item *x = a;
	const struct sort_item *y = b;
	int c = strcmp(x->key, y->key);

	if (!c)
		return x->index < y->index ? -1 : 1;
	return x->down ? -c : c;
}

static void sort_list(cJSON **list, const char *sort_by)
{
	size_t n = (size_t)cJSON_GetArraySize(*list);
	ap_auto_free struct sort_item *items = ap_xcalloc(n + 1, sizeof(*items));
	cJSON *sorted = ap_json_array();
	size_t i = 0;

	while ((*list)->child) {
		cJSON *j = cJSON_DetachItemFromArray(*list, 0);
		const cJSON *v = path_get(j, sort_by + (*sort_by == '~'));
		ap_auto_buf text = AP_BUF_INIT;

		if (v && cJSON_IsString(v))
			ap_buf_adds(&text, v->valuestring);
		else if (v)
			ap_json_print(&text, v, 0);
		items[i] = (struct sort_item){ j, ap_buf_steal(&text), i, *sort_by == '~' };
		i++;
	}
	qsort(items, n, sizeof(*items), by_sort_key);
	for (i = 0; i < n; i++) {
		ap_json_push(sorted, items[i].j);
		free(items[i].key);
	}
	cJSON_Delete(*list);
	*list = sorted;
}

static bool take_page(cJSON *all, cJSON *page, const char *collection, uint64_t limit)
{
	cJSON *items = cJSON_GetObjectItemCaseSensitive(page, collection);

	while (items && items->child) {
		if (limit && (uint64_t)cJSON_GetArraySize(all) == limit)
			return false;
		ap_json_push(all, cJSON_DetachItemFromArray(items, 0));
	}
	return !limit || (uint64_t)cJSON_GetArraySize(all) < limit;
}

int ap_vertex_list(cJSON **out, struct ap_vertex *v, const char *version, const char *collection,
	const struct ap_vertex_list *how, struct ap_err *err)
{
	ap_auto_json all = ap_json_array();
	ap_auto_free char *parent = ap_vertex_parent(v);
	ap_auto_free char *token = NULL;
	/* Sorting is ours, so that a limit can only be applied after it. */
	uint64_t limit = how->sort_by ? 0 : how->limit;

	for (size_t pages = 0;; pages++) {
		ap_auto_buf path = AP_BUF_INIT;
		ap_auto_json page = NULL;
		const char *next;
		bool more;

		if (pages == MAX_PAGES)
			return ap_err_set(err, AP_E_LIMIT, "list of %s: more than %d pages",
				collection, MAX_PAGES);
		ap_buf_addf(&path, "%s/%s", parent, collection);
		page_query(&path, how, token);
		if (ap_vertex_call(&page, v, "GET", version, path.p, NULL, AP_VERTEX_RETRY, err) <
			0)
			return -1;
		more = take_page(all, page, collection, limit);
		next = ap_json_str(page, "nextPageToken");
		if (!more || !next || !*next)
			break;
		if (token && strcmp(token, next) == 0)
			return ap_err_set(err, AP_E_PROTO, "list of %s: the service repeats a page",
				collection);
		free(token);
		token = ap_xstrdup(next);
	}
	if (how->sort_by) {
		sort_list(&all, how->sort_by);
		while (how->limit && (uint64_t)cJSON_GetArraySize(all) > how->limit)
			cJSON_DeleteItemFromArray(all, cJSON_GetArraySize(all) - 1);
	}
	*out = AP_STEAL(all);
	return 0;
}
