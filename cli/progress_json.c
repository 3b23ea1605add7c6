/* Events as JSON, one object a line, for programs that show them elsewhere. */
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "cli/display.h"

static const char *kind_name(enum ap_event_kind kind)
{
	static const char *const names[] = {
		[AP_EV_START] = "start",
		[AP_EV_BYTES] = "bytes",
		[AP_EV_DONE] = "done",
		[AP_EV_SKIP] = "skip",
		[AP_EV_NOTE] = "note",
		[AP_EV_WARN] = "warning",
		[AP_EV_DEBUG] = "debug",
		[AP_EV_RETRY] = "retry",
		[AP_EV_STAGE] = "stage",
	};

	return names[kind];
}

static void on_event(void *ctx, const struct ap_event *ev)
{
	struct ap_view *v = ctx;
	ap_auto_json j = ap_json_object();
	ap_auto_buf text = AP_BUF_INIT;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	ap_json_set(j, "time", ap_json_number((double)now.tv_sec));
	ap_json_set_str(j, "step", ap_step_name(ev->step));
	ap_json_set_str(j, "event", kind_name(ev->kind));
	ap_json_set_str(j, "id", ev->id);
	ap_json_set_str(j, "note", ev->note);
	if (ev->kind == AP_EV_START || ev->kind == AP_EV_BYTES || ev->kind == AP_EV_DONE)
		ap_json_set(j, "done", ap_json_number((double)ev->done));
	if (ev->total)
		ap_json_set(j, "total", ap_json_number((double)ev->total));
	ap_json_print(&text, j, 0);
	fprintf(v->out, "%s\n", text.p);
	fflush(v->out);
}

static void json_free(struct ap_view *v)
{
	free(v);
}

struct ap_view *ap_view_json(FILE *out, enum ap_level level)
{
	struct ap_view *v = ap_xcalloc(1, sizeof(*v));

	*v = (struct ap_view){ on_event, json_free, NULL, level, out };
	return v;
}
