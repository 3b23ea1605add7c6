/* Events as plain lines, for logs and for terminals that can do no more. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/display.h"

enum { ALIVE_SECONDS = 10, MAX_OPEN = 64 };

/* A transfer under way, so that a long one is not silent. */
struct open_item {
	enum ap_step step;
	char *id;
	uint64_t total;
	double said; /* when it was last mentioned */
};

struct lines {
	struct ap_view view;
	bool dated;
	struct open_item open[MAX_OPEN];
	size_t n_open;
};
_Static_assert(offsetof(struct lines, view) == 0, "view must come first");

static void print(struct lines *l, const char *text)
{
	if (l->dated) {
		char when[32];
		time_t now = time(NULL);
		struct tm tm;

		gmtime_r(&now, &tm);
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
		fprintf(l->view.out, "%s ", when);
	}
	fprintf(l->view.out, "%s\n", text);
	fflush(l->view.out);
}

static void head(struct ap_buf *b, const struct ap_event *ev)
{
	ap_buf_addf(b, "%-9s ", ap_step_name(ev->step));
	if (ev->id)
		ap_buf_add_id(b, ev->id);
}

static void note(struct ap_buf *b, const char *text)
{
	if (text)
		ap_buf_add_printable(b, text, strlen(text));
}

static struct open_item *find(struct lines *l, const struct ap_event *ev)
{
	for (size_t i = 0; i < l->n_open; i++)
		if (l->open[i].step == ev->step && ap_streq(l->open[i].id, ev->id))
			return &l->open[i];
	return NULL;
}

static void begin(struct lines *l, const struct ap_event *ev)
{
	if (find(l, ev) || l->n_open == MAX_OPEN || !ev->id)
		return;
	l->open[l->n_open++] =
		(struct open_item){ ev->step, ap_xstrdup(ev->id), ev->total, ap_clock() };
}

static void end(struct lines *l, const struct ap_event *ev)
{
	struct open_item *o = find(l, ev);

	if (!o)
		return;
	free(o->id);
	*o = l->open[--l->n_open];
}

static void add_amount(struct ap_buf *b, uint64_t done, uint64_t total)
{
	ap_buf_adds(b, "  ");
	ap_buf_add_bytes(b, done);
	if (!total)
		return;
	ap_buf_adds(b, " of ");
	ap_buf_add_bytes(b, total);
}

static void on_bytes(struct lines *l, const struct ap_event *ev, struct ap_buf *b)
{
	struct open_item *o = find(l, ev);

	if (!o || ap_clock() - o->said < ALIVE_SECONDS)
		return;
	o->said = ap_clock();
	head(b, ev);
	add_amount(b, ev->done, ev->total ? ev->total : o->total);
}

static void on_event(void *ctx, const struct ap_event *ev)
{
	struct lines *l = ctx;
	ap_auto_buf b = AP_BUF_INIT;

	switch (ev->kind) {
	case AP_EV_START:
		begin(l, ev);
		return;
	case AP_EV_BYTES:
		on_bytes(l, ev, &b);
		break;
	case AP_EV_DONE:
		end(l, ev);
		head(&b, ev);
		if (ev->done)
			add_amount(&b, ev->done, 0);
		if (ev->note)
			ap_buf_adds(&b, "  ");
		note(&b, ev->note);
		break;
	case AP_EV_SKIP:
		end(l, ev);
		head(&b, ev);
		ap_buf_adds(&b, "  skipped: ");
		note(&b, ev->note);
		break;
	case AP_EV_RETRY:
		head(&b, ev);
		ap_buf_adds(&b, "  waiting: ");
		note(&b, ev->note);
		break;
	case AP_EV_WARN:
		ap_buf_adds(&b, "autopack: warning: ");
		note(&b, ev->note);
		break;
	case AP_EV_DEBUG:
		ap_buf_addf(&b, "debug %s: ", ap_step_name(ev->step));
		note(&b, ev->note);
		break;
	case AP_EV_STAGE:
		return;
	case AP_EV_NOTE:
		note(&b, ev->note);
		break;
	}
	if (b.len)
		print(l, b.p);
}

static void lines_free(struct ap_view *v)
{
	struct lines *l = AP_CONTAINER(v, struct lines, view);

	for (size_t i = 0; i < l->n_open; i++)
		free(l->open[i].id);
	free(l);
}

struct ap_view *ap_view_lines(FILE *out, enum ap_level level, bool dated)
{
	struct lines *l = ap_xcalloc(1, sizeof(*l));

	l->view = (struct ap_view){ on_event, lines_free, NULL, level, out };
	l->dated = dated;
	return &l->view;
}
