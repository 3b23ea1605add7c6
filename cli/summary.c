#include "cli/summary.h"

static void add_times(struct ap_buf *out, const struct ap_run *r)
{
	static const char *const names[] = { "plan", "look", "resolve", "layers", "image", "push",
		"attest", "spec", "submit" };
	const char *sep = "";
	double all = 0;

	for (size_t i = 0; i < AP_LEN(names); i++) {
		all += r->seconds[i];
		if (r->seconds[i] < 0.05)
			continue;
		ap_buf_addf(out, "%s%s %.1f s", sep, names[i], r->seconds[i]);
		sep = ", ";
	}
	ap_buf_addf(out, "%s%.2f s in all", *sep ? "; " : "", all);
}

void ap_summary(const struct ap_run *r)
{
	struct ap_display *d = r->world->display;
	ap_auto_buf sent = AP_BUF_INIT;
	ap_auto_buf total = AP_BUF_INIT;
	ap_auto_buf times = AP_BUF_INIT;

	if (!(r->done & AP_DO_PUSH) || !r->ask.has_image)
		return;
	add_times(&times, r);
	if (r->was_there) {
		ap_say(d, "image     %s: nothing to build or push (%s)", r->image_uri, times.p);
		return;
	}
	ap_buf_add_bytes(&sent, r->stats.sent_bytes);
	ap_buf_add_bytes(&total, r->stats.total_bytes);
	ap_say(d, "image     %s", r->image_uri);
	ap_say(d, "layers    %zu added to %zu of the executor image; %s sent of %s", r->n_layers,
		r->base.n_layers, sent.p, total.p);
	ap_say(d, "time      %s", times.p);
}
