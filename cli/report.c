#include "cli/report.h"

#include <stdlib.h>
#include <string.h>

#include "cli/display.h"

struct box {
	double x, y, w, h;
};

static void add_text(struct ap_buf *out, const char *s)
{
	for (; s && *s; s++) {
		if (*s == '&')
			ap_buf_adds(out, "&amp;");
		else if (*s == '<')
			ap_buf_adds(out, "&lt;");
		else if (*s == '>')
			ap_buf_adds(out, "&gt;");
		else if (*s == '"')
			ap_buf_adds(out, "&quot;");
		else if ((unsigned char)*s >= ' ' || *s == '\n')
			ap_buf_addc(out, *s);
	}
}

/* At most n bytes of it, an ellipsis in place of the rest. */
static void add_cut(struct ap_buf *out, const char *s, size_t n)
{
	ap_auto_free char *cut = s && strlen(s) > n ? ap_xstrndup(s, n) : NULL;

	add_text(out, cut ? cut : s);
	ap_buf_adds(out, cut ? "…" : "");
}

static double bytes_of(const cJSON *j)
{
	const cJSON *n = ap_json_get(j, "bytes");

	return n && cJSON_IsNumber(n) && n->valuedouble > 0 ? n->valuedouble : 0;
}

static void add_size(struct ap_buf *out, const cJSON *j, const char *name)
{
	const cJSON *n = ap_json_get(j, name);

	ap_buf_add_bytes(out, n && cJSON_IsNumber(n) ? (uint64_t)n->valuedouble : 0);
}

/* One rectangle with its name, where it fits, and a title for the pointer. */
static void add_rect(struct ap_buf *out, const cJSON *share, const struct box *b, unsigned hue)
{
	const char *name = ap_json_str(share, "name");
	bool is_dist = cJSON_IsTrue(ap_json_get(share, "distribution"));
	unsigned room = (unsigned)(b->w / 7);

	ap_buf_adds(out, "<g><title>");
	add_text(out, name);
	ap_buf_adds(out, ": ");
	add_size(out, share, "bytes");
	ap_buf_addf(out,
		"</title><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
		"fill=\"hsl(%u,%s,%s)\" stroke=\"#fff\"/>",
		b->x, b->y, b->w, b->h, hue, is_dist ? "60%" : "18%", is_dist ? "72%" : "82%");
	if (b->h > 14 && room > 3 && name) {
		ap_buf_addf(out, "<text x=\"%.1f\" y=\"%.1f\">", b->x + 3, b->y + 12);
		if (strlen(name) > room)
			add_cut(out, name, room - 1);
		else
			add_text(out, name);
		ap_buf_adds(out, "</text>");
		if (b->h > 30 && b->w > 60) {
			ap_buf_addf(out, "<text x=\"%.1f\" y=\"%.1f\">", b->x + 3, b->y + 26);
			add_size(out, share, "bytes");
			ap_buf_adds(out, "</text>");
		}
	}
	ap_buf_adds(out, "</g>\n");
}

typedef void (*leaf_fn)(struct ap_buf *out, const cJSON *j, const struct box *b, unsigned hue);

/* Cut the box in two of about equal weight, again and again; v is sorted, largest first. */
static void lay_out(struct ap_buf *out, const cJSON *const *v, size_t n, struct box b, unsigned hue,
	leaf_fn leaf)
{
	double all = 0;
	double part = 0;
	size_t cut = 0;
	struct box first = b;
	struct box rest = b;

	if (!n || b.w < 0.5 || b.h < 0.5)
		return;
	if (n == 1) {
		leaf(out, v[0], &b, hue);
		return;
	}
	for (size_t i = 0; i < n; i++)
		all += bytes_of(v[i]);
	while (cut + 1 < n && (!cut || part + bytes_of(v[cut]) / 2 < all / 2))
		part += bytes_of(v[cut++]);
	if (all <= 0)
		return;
	if (b.w >= b.h) {
		first.w = b.w * part / all;
		rest.x += first.w;
		rest.w -= first.w;
	} else {
		first.h = b.h * part / all;
		rest.y += first.h;
		rest.h -= first.h;
	}
	lay_out(out, v, cut, first, hue, leaf);
	lay_out(out, v + cut, n - cut, rest, hue, leaf);
}

static int larger_first(const void *a, const void *b)
{
	double x = bytes_of(*(const cJSON *const *)a);
	double y = bytes_of(*(const cJSON *const *)b);

	return (x < y) - (x > y);
}

/* origin: only layers of that one; NULL: all of the list. */
static void lay_out_all(struct ap_buf *out, const cJSON *list, const char *origin, struct box b,
	unsigned hue, leaf_fn leaf)
{
	int n = list ? cJSON_GetArraySize(list) : 0;
	const cJSON **v = ap_xcalloc((size_t)n + 1, sizeof(const cJSON *));
	const cJSON *j;
	size_t k = 0;

	cJSON_ArrayForEach(j, list)
	{
		if (!origin || ap_streq(ap_json_str(j, "origin"), origin))
			v[k++] = j;
	}
	if (k)
		qsort(v, k, sizeof(const cJSON *), larger_first);
	lay_out(out, v, k, b, hue, leaf);
	free(v);
}

/* The place in the image gives the colour. */
static unsigned hue_of(const cJSON *layer)
{
	unsigned place = 0;

	for (const cJSON *j = layer->prev; j && j->next; j = j->prev)
		place++;
	return (place * 47 + 200) % 360;
}

/* A layer's box, with a frame, and its shares in it. */
static void add_layer(struct ap_buf *out, const cJSON *layer, const struct box *b, unsigned unused)
{
	struct box inner = { b->x + 1.5, b->y + 1.5, b->w - 3, b->h - 3 };

	(void)unused;
	lay_out_all(out, ap_json_get(layer, "shares"), NULL, inner, hue_of(layer), add_rect);
}

static void add_map(struct ap_buf *out, const cJSON *layers, const char *origin, double height)
{
	const struct box all = { 0, 0, 1000, height };

	ap_buf_addf(out,
		"<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"sizes of what is %s\">\n",
		all.w, all.h, origin ? origin : "in the image");
	lay_out_all(out, layers, origin, all, 0, add_layer);
	ap_buf_adds(out, "</svg>\n");
}

/* Does the executor image hold some layers, and are others added? */
static bool is_mixed(const cJSON *layers)
{
	unsigned n[2] = { 0 };
	const cJSON *layer;

	cJSON_ArrayForEach(layer, layers) n[ap_streq(ap_json_str(layer, "origin"), "added")]++;
	return n[0] && n[1];
}

static void add_layers(struct ap_buf *out, const cJSON *layers)
{
	const cJSON *layer;
	unsigned i = 0;

	ap_buf_adds(out, "<h2>Layers</h2>\n<table><tr><th></th><th>from</th><th>what</th>"
			 "<th>compressed</th><th>unpacked</th><th>digest</th></tr>\n");
	cJSON_ArrayForEach(layer, layers)
	{
		ap_buf_addf(out,
			"<tr><td class=\"n\"><i style=\"background:hsl(%u,60%%,72%%)\"></i>%u</td><td class=\"w\">",
			hue_of(layer), ++i);
		add_text(out, ap_json_str(layer, "origin"));
		ap_buf_adds(out, "</td><td>");
		add_text(out, ap_json_str(layer, "what"));
		ap_buf_adds(out, "</td><td class=\"n\">");
		add_size(out, layer, "size");
		ap_buf_adds(out, "</td><td class=\"n\">");
		add_size(out, layer, "bytes");
		ap_buf_adds(out, "</td><td class=\"w\"><code title=\"");
		add_text(out, ap_json_str(layer, "digest"));
		ap_buf_adds(out, "\">");
		add_cut(out, ap_json_str(layer, "digest"), 19);
		ap_buf_adds(out, "</code></td></tr>\n");
	}
	ap_buf_adds(out, "</table>\n");
}

static void add_distributions(struct ap_buf *out, const cJSON *layers)
{
	const cJSON *layer;
	const cJSON *s;
	unsigned i = 0;

	ap_buf_adds(out, "<h2>Python distributions</h2>\n<table><tr><th>name</th><th>size</th>"
			 "<th>files</th><th>layer</th></tr>\n");
	cJSON_ArrayForEach(layer, layers)
	{
		i++;
		cJSON_ArrayForEach(s, ap_json_get(layer, "shares"))
		{
			const cJSON *files = ap_json_get(s, "files");

			if (!cJSON_IsTrue(ap_json_get(s, "distribution")))
				continue;
			ap_buf_adds(out, "<tr><td>");
			add_text(out, ap_json_str(s, "name"));
			ap_buf_adds(out, "</td><td class=\"n\">");
			add_size(out, s, "bytes");
			ap_buf_addf(out,
				"</td><td class=\"n\">%.0f</td><td class=\"n\">%u</td></tr>\n",
				files ? files->valuedouble : 0, i);
		}
	}
	ap_buf_adds(out, "</table>\n");
}

static void add_fact(struct ap_buf *out, const char *name, const char *value, const char *more)
{
	if (!value && !more)
		return;
	ap_buf_addf(out, "<tr><th>%s</th><td><code>", name);
	add_text(out, value);
	ap_buf_adds(out, value && more ? " " : "");
	add_text(out, more);
	ap_buf_adds(out, "</code></td></tr>\n");
}

static void add_facts(struct ap_buf *out, const cJSON *j)
{
	static const char *const names[] = { "digest", "platform", "mediaType", "created" };
	const cJSON *entry = ap_json_get(j, "config");
	const cJSON *base = ap_json_get(j, "base");
	ap_auto_buf entrypoint = AP_BUF_INIT;
	ap_auto_buf config = AP_BUF_INIT;
	const cJSON *e;

	ap_buf_adds(out, "<table>\n");
	for (size_t i = 0; i < AP_LEN(names); i++)
		add_fact(out, names[i], ap_json_str(j, names[i]), NULL);
	entry = entry ? ap_json_get(entry, "Entrypoint") : NULL;
	if (entry)
		ap_json_print(&entrypoint, entry, 0);
	add_fact(out, "entrypoint", entry ? entrypoint.p : NULL, NULL);
	if (base)
		add_fact(out, "base", ap_json_str(base, "name"), ap_json_str(base, "digest"));
	cJSON_ArrayForEach(e, ap_json_get(j, "attached")) add_fact(
		out, "attached", ap_json_str(e, "artifactType"), ap_json_str(e, "predicateType"));
	ap_buf_adds(out, "</table>\n<details><summary>configuration</summary><pre>");
	if (ap_json_get(j, "config"))
		ap_json_print(&config, ap_json_get(j, "config"), AP_JSON_PRETTY);
	add_text(out, config.p);
	ap_buf_adds(out, "</pre></details>\n");
}

void ap_report_html(struct ap_buf *out, const cJSON *j)
{
	const cJSON *layers = ap_json_get(j, "layers");

	ap_buf_adds(out,
		"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>");
	add_text(out, ap_json_str(j, "image"));
	ap_buf_adds(out,
		"</title>\n<style>\n"
		"body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:64em;padding:0 1em;color:#222;background:#fff}\n"
		"h1{font-size:1.3em;overflow-wrap:anywhere}h2{font-size:1.1em;margin-top:2em}\n"
		"table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25em .6em;border-bottom:1px solid #ddd;vertical-align:top;overflow-wrap:anywhere}\n"
		".n,.w,th{white-space:nowrap}.n{text-align:right}code,pre{font-size:.85em}pre{overflow:auto;background:#f6f6f6;padding:1em}\n"
		"td i{display:inline-block;width:.8em;height:.8em;margin-right:.5em}\n"
		"svg{width:100%;height:auto;border:1px solid #ddd}svg text{font:11px system-ui,sans-serif;fill:#222;pointer-events:none}\n"
		"@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}th,td{border-color:#444}pre{background:#222}}\n"
		"</style></head><body>\n<h1>");
	add_text(out, ap_json_str(j, "image"));
	ap_buf_adds(out, "</h1>\n");
	add_facts(out, j);
	ap_buf_adds(out,
		"<h2>What is big</h2>\n<p>Each frame is a layer; strong colours are Python distributions, pale ones directories.</p>\n");
	add_map(out, layers, NULL, 600);
	if (is_mixed(layers)) {
		ap_buf_adds(out, "<h2>What was added to the executor image</h2>\n");
		add_map(out, layers, "added", 300);
	}
	add_layers(out, layers);
	add_distributions(out, layers);
	ap_buf_adds(out, "</body></html>\n");
}
