#include "cli/summary.h"

#include <stdlib.h>

enum { LISTED = 8 }; /* layers, so that the summary stays on one screen */

static void say_times(const struct ap_run *r)
{
	ap_auto_buf text = AP_BUF_INIT;
	const char *name;
	double all = 0;

	for (size_t i = 0; (name = ap_run_stage(r, i)); i++) {
		if (!*name)
			continue;
		all += r->costs[i].wall;
		if (r->costs[i].wall >= 0.05)
			ap_buf_addf(
				&text, "%s%s %.1f s", text.len ? ", " : "", name, r->costs[i].wall);
	}
	ap_say(r->world->display, "time     %s%s%.2f s in all", text.p, text.len ? "; " : "", all);
}

static int bigger_first(const void *a, const void *b)
{
	const struct ap_layer *x = *(const struct ap_layer *const *)a;
	const struct ap_layer *y = *(const struct ap_layer *const *)b;

	if (x->desc.size != y->desc.size)
		return x->desc.size > y->desc.size ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void say_layer(const struct ap_run *r, uint64_t size, const char *title, const char *note)
{
	ap_auto_buf text = AP_BUF_INIT;

	ap_buf_add_bytes(&text, size);
	ap_say(r->world->display, "%19s  %s%s", text.p, title, note);
}

static void say_layers(const struct ap_run *r)
{
	ap_auto_free const struct ap_layer **v = ap_xcalloc(r->n_layers + 1, sizeof(*v));
	size_t listed = r->n_layers > LISTED ? LISTED - 1 : r->n_layers;
	uint64_t rest = 0;

	ap_say(r->world->display, "layers   %zu added to %zu of the executor image", r->n_layers,
		r->base.n_layers);
	for (size_t i = 0; i < r->n_layers; i++)
		v[i] = &r->layers[i];
	qsort(v, r->n_layers, sizeof(*v), bigger_first);
	for (size_t i = 0; i < r->n_layers; i++) {
		if (i < listed)
			say_layer(r, v[i]->desc.size, v[i]->title,
				ap_push_has_sent(r->push, &v[i]->desc.digest) ? ""
									      : ", already there");
		else
			rest += v[i]->desc.size;
	}
	if (listed < r->n_layers) {
		ap_auto_free char *more = ap_xasprintf("in %zu more", r->n_layers - listed);

		say_layer(r, rest, more, "");
	}
}

void ap_summary_sent(struct ap_display *d, const struct ap_push_stats *s)
{
	ap_auto_buf text = AP_BUF_INIT;

	ap_buf_add_bytes(&text, s->sent_bytes);
	ap_buf_adds(&text, " of ");
	ap_buf_add_bytes(&text, s->total_bytes);
	if (s->mounted)
		ap_buf_addf(&text, ", %ju mounted", (uintmax_t)s->mounted);
	if (s->skipped)
		ap_buf_addf(&text, ", %ju already there", (uintmax_t)s->skipped);
	ap_say(d, "sent     %s", text.p);
}

static void say_image(const struct ap_run *r)
{
	struct ap_display *d = r->world->display;
	const struct ap_ref *dest = &r->ask.dest;
	ap_auto_free char *name = dest->tag || dest->transport != AP_DOCKER
					  ? ap_ref_name(dest)
					  : ap_ref_with_tag(dest, r->plan.tag);

	ap_say(d, "image    %s", name);
	ap_say(d, "digest   %s", r->digest.s);
	if (r->was_there) {
		ap_say(d, "layers   nothing to build or push: made of the same inputs before");
	} else {
		say_layers(r);
		ap_summary_sent(d, &r->stats);
	}
	say_times(r);
}

/* Where the time went, for those who ask for it. */
static void tell_costs(const struct ap_run *r)
{
	const char *name;

	for (size_t i = 0; (name = ap_run_stage(r, i)); i++) {
		ap_auto_buf text = AP_BUF_INIT;

		if (!*name)
			continue;
		ap_cost_describe(&r->costs[i], &text);
		ap_emit_debug(r->progress, AP_STEP_PLAN, "stage %-8s %s", name, text.p);
	}
}

void ap_summary(const struct ap_run *r)
{
	ap_display_settle(r->world->display);
	if ((r->done & AP_DO_PUSH) && r->ask.has_image)
		say_image(r);
	tell_costs(r);
}
