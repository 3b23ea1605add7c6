#include "cli/live.h"

#include <stdlib.h>
#include <string.h>

#include "cli/display.h"

enum {
	STEP_COLUMNS = 10,
	LABEL_COLUMNS = 26,
	AMOUNT_COLUMNS = 27, /* "9.9 MB of 9.9 MB, 9.9 MB/s" */
	BAR_MIN = 8,
	WAITING_SECONDS = 10, /* after the last word about it */
	BAR_MAX = 30,
	NARROW = STEP_COLUMNS + LABEL_COLUMNS + AMOUNT_COLUMNS,
};

/* ---- state ---- */

static struct ap_live_item *find(struct ap_live *l, const struct ap_event *ev)
{
	for (size_t i = 0; i < l->n_items; i++)
		if (l->items[i].step == ev->step && ap_streq(l->items[i].id, ev->id))
			return &l->items[i];
	return NULL;
}

static char *label_of(const struct ap_event *ev)
{
	struct ap_buf b = AP_BUF_INIT;

	if (ev->kind == AP_EV_START && ev->note)
		ap_buf_add_printable(&b, ev->note, strlen(ev->note));
	else if (ev->id)
		ap_buf_add_id(&b, ev->id);
	return ap_buf_steal(&b);
}

static struct ap_live_item *begin(struct ap_live *l, const struct ap_event *ev, double now)
{
	struct ap_live_item *it = find(l, ev);

	if (it || l->n_items == AP_LIVE_ITEMS)
		return it;
	it = &l->items[l->n_items++];
	*it = (struct ap_live_item){
		.step = ev->step,
		.id = ev->id ? ap_xstrdup(ev->id) : NULL,
		.label = label_of(ev),
		.total = ev->total,
		.began = now,
	};
	return it;
}

static void drop(struct ap_live *l, struct ap_live_item *it)
{
	free(it->id);
	free(it->label);
	memmove(it, it + 1, (size_t)(&l->items[l->n_items] - (it + 1)) * sizeof(*it));
	l->n_items--;
}

static void end(struct ap_live *l, const struct ap_event *ev)
{
	struct ap_live_item *it = find(l, ev);

	if (it)
		drop(l, it);
}

static void count_skip(struct ap_live *l, const char *note)
{
	for (size_t i = 0; i < l->n_skips; i++)
		if (strcmp(l->skips[i].note, note) == 0) {
			l->skips[i].n++;
			return;
		}
	if (l->n_skips < AP_LEN(l->skips)) {
		l->skips[l->n_skips].note = ap_xstrdup(note);
		l->skips[l->n_skips++].n = 1;
	}
}

static void set_stage(struct ap_live *l, const char *name)
{
	free(l->stage);
	l->stage = name ? ap_xstrdup(name) : NULL;
}

static void set_waiting(struct ap_live *l, const char *for_what, double now)
{
	struct ap_buf b = AP_BUF_INIT;

	free(l->waiting);
	l->waiting = NULL;
	l->waiting_since = now;
	if (!for_what)
		return;
	ap_buf_adds(&b, "waiting   ");
	ap_buf_add_printable(&b, for_what, strlen(for_what));
	l->waiting = ap_buf_steal(&b);
}

void ap_live_take(struct ap_live *l, const struct ap_event *ev, double now)
{
	struct ap_live_item *it;

	if (l->began <= 0)
		l->began = now;
	switch (ev->kind) {
	case AP_EV_START:
		(void)begin(l, ev, now);
		break;
	case AP_EV_BYTES:
		it = begin(l, ev, now);
		if (it) {
			it->done = ev->done;
			it->total = ev->total ? ev->total : it->total;
		}
		break;
	case AP_EV_DONE:
		end(l, ev);
		l->n_done[ev->step]++;
		l->sent += ev->step == AP_STEP_UPLOAD ? ev->done : 0;
		break;
	case AP_EV_SKIP:
		end(l, ev);
		if (ev->step != AP_STEP_RESOLVE)
			count_skip(l, ev->note ? ev->note : "");
		break;
	case AP_EV_STAGE:
		set_stage(l, ev->note);
		break;
	case AP_EV_RETRY:
		set_waiting(l, ev->note, now);
		return;
	case AP_EV_NOTE:
	case AP_EV_WARN:
	case AP_EV_DEBUG:
		return;
	}
	set_waiting(l, NULL, now);
}

void ap_live_settle(struct ap_live *l)
{
	while (l->n_items)
		drop(l, &l->items[l->n_items - 1]);
	set_stage(l, NULL);
	set_waiting(l, NULL, 0);
}

void ap_live_release(struct ap_live *l)
{
	ap_live_settle(l);
	for (size_t i = 0; i < l->n_skips; i++)
		free(l->skips[i].note);
	*l = (struct ap_live){ 0 };
}

bool ap_live_busy(const struct ap_live *l)
{
	return l->stage || l->n_items;
}

/* ---- lines ---- */

/* At most `cols` columns of text; pad: exactly so many. */
static void add_column(struct ap_buf *out, const char *text, unsigned cols, bool pad)
{
	unsigned n = 0;

	for (const char *p = text; *p; p++) {
		n += (*p & 0xc0) != 0x80;
		if (n > cols) {
			n--;
			break;
		}
		ap_buf_addc(out, *p);
	}
	for (; pad && n < cols; n++)
		ap_buf_addc(out, ' ');
}

static void add_head(struct ap_buf *line, const struct ap_live *l, double now)
{
	static const struct {
		enum ap_step step;
		const char *what;
	} counted[] = {
		{ AP_STEP_LAYER, "made" },
		{ AP_STEP_DOWNLOAD, "downloaded" },
		{ AP_STEP_INVENTORY, "read" },
	};
	const char *sep = "  ";

	ap_buf_addf(line, "%5.1f s  %s", now - l->began, l->stage ? l->stage : "");
	if (l->sent) {
		ap_buf_adds(line, sep);
		ap_buf_add_bytes(line, l->sent);
		ap_buf_adds(line, " sent");
		sep = ", ";
	}
	for (size_t i = 0; i < AP_LEN(counted); i++)
		if (l->n_done[counted[i].step]) {
			ap_buf_addf(
				line, "%s%u %s", sep, l->n_done[counted[i].step], counted[i].what);
			sep = ", ";
		}
	for (size_t i = 0; i < l->n_skips; i++)
		ap_buf_addf(
			line, "%s%u %s", i ? ", " : "; skipped: ", l->skips[i].n, l->skips[i].note);
}

static void add_amount(struct ap_buf *line, const struct ap_live_item *it, double now)
{
	double seconds = now - it->began;

	if (!it->done && !it->total) {
		ap_buf_addf(line, "%.0f s", seconds);
		return;
	}
	ap_buf_add_bytes(line, it->done);
	if (it->total) {
		ap_buf_adds(line, " of ");
		ap_buf_add_bytes(line, it->total);
	}
	if (it->done && seconds > 0.5) {
		ap_buf_adds(line, ", ");
		ap_buf_add_bytes(line, (uint64_t)((double)it->done / seconds));
		ap_buf_adds(line, "/s");
	}
}

static void add_bar(struct ap_buf *line, const struct ap_live_item *it, unsigned width)
{
	double part = (double)AP_MIN(it->done, it->total) / (double)it->total;

	ap_buf_addc(line, '[');
	for (unsigned i = 0; i < width; i++)
		ap_buf_addc(line, i < (unsigned)(part * width) ? '#' : '-');
	ap_buf_adds(line, "] ");
}

/* The bar gives way first, then the step's name, then the label's end. */
static void add_item(struct ap_buf *line, const struct ap_live_item *it, unsigned cols, double now)
{
	bool narrow = cols <= NARROW;
	unsigned label = LABEL_COLUMNS;

	if (narrow)
		label = cols > AMOUNT_COLUMNS + 10 ? cols - AMOUNT_COLUMNS - 1 : 10;
	else
		add_column(line, ap_step_name(it->step), STEP_COLUMNS - 1, true);
	if (!narrow)
		ap_buf_addc(line, ' ');
	add_column(line, it->label, label - 1, true);
	ap_buf_addc(line, ' ');
	if (it->total && cols >= NARROW + BAR_MIN + 3)
		add_bar(line, it, AP_MIN(cols - NARROW - 3, (unsigned)BAR_MAX));
	add_amount(line, it, now);
}

static void add_line(struct ap_strv *out, struct ap_buf *line, unsigned cols)
{
	struct ap_buf cut = AP_BUF_INIT;

	add_column(&cut, line->p, cols - 1, false);
	ap_strv_own(out, ap_buf_steal(&cut));
	ap_buf_reset(line);
}

void ap_live_lines(
	struct ap_strv *out, const struct ap_live *l, unsigned rows, unsigned cols, double now)
{
	bool waiting = l->waiting && now - l->waiting_since < WAITING_SECONDS && rows > 3;
	size_t taken = waiting ? 3 : 2; /* the head, and the row of the cursor */
	size_t bars = AP_MIN(l->n_items, (size_t)AP_LIVE_BARS);
	ap_auto_buf line = AP_BUF_INIT;

	if (bars + taken > rows)
		bars = rows > taken ? rows - taken : 0;
	add_head(&line, l, now);
	add_line(out, &line, cols);
	if (waiting) {
		ap_buf_adds(&line, l->waiting);
		add_line(out, &line, cols);
	}
	for (size_t i = 0; i < bars; i++) {
		add_item(&line, &l->items[i], cols, now);
		add_line(out, &line, cols);
	}
}
