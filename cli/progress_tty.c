/* Events as a live display: what is under way has a bar, what is over is counted. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/display.h"

enum { MAX_ITEMS = 64, MAX_BARS = 8, MAX_NOTES = 8, BAR_WIDTH = 20, TICK_MS = 100 };

struct item {
	enum ap_step step;
	char *id;
	uint64_t done, total;
	double began;
};

/* Why things were skipped, and how many. */
struct skip {
	char *note;
	unsigned n;
};

struct tty {
	struct ap_view view;
	pthread_mutex_t lock;
	pthread_cond_t stop_now;
	pthread_t ticker;
	bool has_ticker, stop, color;
	struct item items[MAX_ITEMS];
	size_t n_items;
	struct skip skips[MAX_NOTES];
	size_t n_skips;
	unsigned n_done;
	uint64_t sent;
	double began;
	unsigned drawn; /* lines of the live part on the screen */
};
_Static_assert(offsetof(struct tty, view) == 0, "view must come first");

static void screen_size(unsigned *rows, unsigned *cols, FILE *out)
{
	struct winsize w = { 0 };

	if (ioctl(fileno(out), TIOCGWINSZ, &w) != 0 || !w.ws_col || !w.ws_row) {
		w.ws_col = 80;
		w.ws_row = 24;
	}
	*rows = w.ws_row;
	*cols = w.ws_col;
}

/* At most `cols` columns: a line that wraps would break the counting of lines. */
static void add_cut(struct ap_buf *out, const char *text, unsigned cols)
{
	unsigned n = 0;

	for (const char *p = text; *p && n + 1 < cols; p++) {
		ap_buf_addc(out, *p);
		n += (*p & 0xc0) != 0x80;
	}
}

static void erase(struct tty *t, struct ap_buf *out)
{
	for (unsigned i = 0; i < t->drawn; i++)
		ap_buf_adds(out, "\033[1A\033[2K");
	if (t->drawn)
		ap_buf_adds(out, "\r");
	t->drawn = 0;
}

static void add_head(const struct tty *t, struct ap_buf *line)
{
	ap_buf_addf(line, "%5.1f s  %u done", ap_clock() - t->began, t->n_done);
	if (t->sent) {
		ap_buf_adds(line, ", ");
		ap_buf_add_bytes(line, t->sent);
		ap_buf_adds(line, " sent");
	}
	for (size_t i = 0; i < t->n_skips; i++)
		ap_buf_addf(
			line, "%s%u %s", i ? ", " : "; skipped: ", t->skips[i].n, t->skips[i].note);
}

static void add_bar(const struct item *it, struct ap_buf *line)
{
	double seconds = ap_clock() - it->began;
	uint64_t total = it->total;
	ap_auto_buf id = AP_BUF_INIT;

	ap_buf_add_id(&id, it->id ? it->id : "");
	ap_buf_addf(line, "%-9s %-28.28s ", ap_step_name(it->step), id.p);
	if (total) {
		unsigned full =
			(unsigned)((double)AP_MIN(it->done, total) / (double)total * BAR_WIDTH);

		ap_buf_addc(line, '[');
		for (unsigned i = 0; i < BAR_WIDTH; i++)
			ap_buf_addc(line, i < full ? '#' : '-');
		ap_buf_adds(line, "] ");
	}
	if (it->done || total)
		ap_buf_add_bytes(line, it->done);
	if (total) {
		ap_buf_adds(line, " of ");
		ap_buf_add_bytes(line, total);
	}
	if (it->done && seconds > 0.5) {
		ap_buf_adds(line, ", ");
		ap_buf_add_bytes(line, (uint64_t)((double)it->done / seconds));
		ap_buf_adds(line, "/s");
	} else if (!it->done) {
		ap_buf_addf(line, "%.0f s", seconds);
	}
}

static void draw(struct tty *t)
{
	ap_auto_buf out = AP_BUF_INIT;
	unsigned rows;
	unsigned cols;
	size_t bars;

	screen_size(&rows, &cols, t->view.out);
	erase(t, &out);
	bars = AP_MIN(t->n_items, (size_t)MAX_BARS);
	if (bars + 2 > rows)
		bars = rows > 2 ? rows - 2 : 0;
	for (size_t i = 0; i <= bars; i++) {
		ap_auto_buf line = AP_BUF_INIT;

		if (i)
			add_bar(&t->items[i - 1], &line);
		else
			add_head(t, &line);
		add_cut(&out, line.p, cols);
		ap_buf_addc(&out, '\n');
	}
	t->drawn = (unsigned)bars + 1;
	fwrite(out.p, 1, out.len, t->view.out);
	fflush(t->view.out);
}

/* A line that stays, above the live part. */
static void print(struct tty *t, const char *color, const char *prefix, const char *text)
{
	ap_auto_buf out = AP_BUF_INIT;

	erase(t, &out);
	if (color && t->color)
		ap_buf_adds(&out, color);
	ap_buf_adds(&out, prefix);
	if (color && t->color)
		ap_buf_adds(&out, "\033[0m");
	ap_buf_add_printable(&out, text, strlen(text));
	ap_buf_addc(&out, '\n');
	fwrite(out.p, 1, out.len, t->view.out);
	fflush(t->view.out);
}

static struct item *find(struct tty *t, const struct ap_event *ev)
{
	for (size_t i = 0; i < t->n_items; i++)
		if (t->items[i].step == ev->step && ap_streq(t->items[i].id, ev->id))
			return &t->items[i];
	return NULL;
}

static struct item *begin(struct tty *t, const struct ap_event *ev)
{
	struct item *it = find(t, ev);

	if (it || t->n_items == MAX_ITEMS)
		return it;
	it = &t->items[t->n_items++];
	*it = (struct item){ ev->step, ev->id ? ap_xstrdup(ev->id) : NULL, 0, ev->total,
		ap_clock() };
	return it;
}

static void end(struct tty *t, const struct ap_event *ev)
{
	struct item *it = find(t, ev);

	if (!it)
		return;
	free(it->id);
	memmove(it, it + 1, (size_t)(&t->items[t->n_items] - (it + 1)) * sizeof(*it));
	t->n_items--;
}

static void count_skip(struct tty *t, const char *note)
{
	for (size_t i = 0; i < t->n_skips; i++)
		if (ap_streq(t->skips[i].note, note)) {
			t->skips[i].n++;
			return;
		}
	if (t->n_skips < MAX_NOTES) {
		ap_auto_buf clean = AP_BUF_INIT;

		ap_buf_add_printable(&clean, note, strlen(note));
		t->skips[t->n_skips++] = (struct skip){ ap_buf_steal(&clean), 1 };
	}
}

static void on_bytes(struct tty *t, const struct ap_event *ev)
{
	struct item *it = begin(t, ev);

	if (!it)
		return;
	it->done = ev->done;
	if (ev->total)
		it->total = ev->total;
}

static void retry(struct tty *t, const struct ap_event *ev)
{
	ap_auto_free char *text = ap_xasprintf("%s %s: %s", ap_step_name(ev->step),
		ev->id ? ev->id : "", ev->note ? ev->note : "");

	print(t, "\033[33m", "again    ", text);
}

static void take(struct tty *t, const struct ap_event *ev)
{
	const char *note = ev->note ? ev->note : "";

	switch (ev->kind) {
	case AP_EV_START:
		(void)begin(t, ev);
		break;
	case AP_EV_BYTES:
		on_bytes(t, ev);
		break;
	case AP_EV_DONE:
		end(t, ev);
		t->n_done++;
		if (ev->step == AP_STEP_UPLOAD)
			t->sent += ev->done;
		break;
	case AP_EV_SKIP:
		end(t, ev);
		count_skip(t, note);
		break;
	case AP_EV_RETRY:
		retry(t, ev);
		break;
	case AP_EV_WARN:
		print(t, "\033[33m", "warning: ", note);
		break;
	case AP_EV_DEBUG:
		print(t, "\033[2m", "debug: ", note);
		break;
	case AP_EV_NOTE:
		print(t, NULL, "", note);
		break;
	}
}

static void on_event(void *ctx, const struct ap_event *ev)
{
	struct tty *t = ctx;

	pthread_mutex_lock(&t->lock);
	take(t, ev);
	pthread_mutex_unlock(&t->lock);
}

static void *tick(void *arg)
{
	struct tty *t = arg;

	pthread_mutex_lock(&t->lock);
	while (!t->stop) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += TICK_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&t->stop_now, &t->lock, &until);
		if (!t->stop)
			draw(t);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void tty_free(struct ap_view *v)
{
	struct tty *t = AP_CONTAINER(v, struct tty, view);
	ap_auto_buf out = AP_BUF_INIT;

	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->stop_now);
	pthread_mutex_unlock(&t->lock);
	if (t->has_ticker)
		pthread_join(t->ticker, NULL);
	erase(t, &out);
	fwrite(out.p, 1, out.len, t->view.out);
	fflush(t->view.out);
	for (size_t i = 0; i < t->n_items; i++)
		free(t->items[i].id);
	for (size_t i = 0; i < t->n_skips; i++)
		free(t->skips[i].note);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->stop_now);
	free(t);
}

struct ap_view *ap_view_tty(FILE *out, enum ap_level level, bool color)
{
	struct tty *t = ap_xcalloc(1, sizeof(*t));

	t->view = (struct ap_view){ on_event, tty_free, level, out };
	t->color = color;
	t->began = ap_clock();
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->stop_now, NULL);
	t->has_ticker = pthread_create(&t->ticker, NULL, tick, t) == 0;
	return &t->view;
}
