/* Events as a live display below lines that stay; live.c knows what is in it. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/display.h"
#include "cli/live.h"

enum { TICK_MS = 100 };

struct tty {
	struct ap_view view;
	pthread_mutex_t lock;
	pthread_cond_t stop_now;
	pthread_t ticker;
	bool has_ticker, stop, color;
	struct ap_live live;
	struct ap_strv drawn; /* the live lines on the screen */
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

static size_t columns_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

/* Back to where the live part begins.  A screen made narrower since has wrapped its lines. */
static void add_erase(struct tty *t, struct ap_buf *out, unsigned cols)
{
	size_t rows = 0;

	for (size_t i = 0; i < t->drawn.n; i++)
		rows += AP_MAX((columns_of(t->drawn.v[i]) + cols - 1) / cols, (size_t)1);
	if (rows)
		ap_buf_addf(out, "\033[%zuA\r\033[J", rows);
	ap_strv_release(&t->drawn);
}

/* In one write: the old live part goes, text that stays comes, and the new live part. */
static void redraw(struct tty *t, const char *text)
{
	ap_auto_buf out = AP_BUF_INIT;
	unsigned rows;
	unsigned cols;

	screen_size(&rows, &cols, t->view.out);
	add_erase(t, &out, cols);
	ap_buf_adds(&out, text);
	if (ap_live_busy(&t->live) && !t->stop)
		ap_live_lines(&t->drawn, &t->live, rows, cols, ap_clock());
	for (size_t i = 0; i < t->drawn.n; i++)
		ap_buf_addf(&out, "%s\n", t->drawn.v[i]);
	if (!out.len)
		return;
	fwrite(out.p, 1, out.len, t->view.out);
	fflush(t->view.out);
}

static void print(struct tty *t, const char *color, const char *prefix, const char *text)
{
	ap_auto_buf out = AP_BUF_INIT;

	if (color && t->color)
		ap_buf_adds(&out, color);
	ap_buf_adds(&out, prefix);
	if (color && t->color)
		ap_buf_adds(&out, "\033[0m");
	ap_buf_add_printable(&out, text, strlen(text));
	ap_buf_addc(&out, '\n');
	redraw(t, out.p);
}

static void take(struct tty *t, const struct ap_event *ev)
{
	const char *note = ev->note ? ev->note : "";

	switch (ev->kind) {
	case AP_EV_WARN:
		print(t, "\033[33m", "warning: ", note);
		break;
	case AP_EV_DEBUG:
		print(t, "\033[2m", "debug: ", note);
		break;
	case AP_EV_NOTE:
		print(t, NULL, "", note);
		break;
	default:
		ap_live_take(&t->live, ev, ap_clock());
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
			redraw(t, "");
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void tty_settle(struct ap_view *v)
{
	struct tty *t = AP_CONTAINER(v, struct tty, view);

	pthread_mutex_lock(&t->lock);
	ap_live_settle(&t->live);
	redraw(t, "");
	pthread_mutex_unlock(&t->lock);
}

static void tty_free(struct ap_view *v)
{
	struct tty *t = AP_CONTAINER(v, struct tty, view);

	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->stop_now);
	pthread_mutex_unlock(&t->lock);
	if (t->has_ticker)
		pthread_join(t->ticker, NULL);
	redraw(t, "");
	ap_live_release(&t->live);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->stop_now);
	free(t);
}

struct ap_view *ap_view_tty(FILE *out, enum ap_level level, bool color)
{
	struct tty *t = ap_xcalloc(1, sizeof(*t));

	t->view = (struct ap_view){ on_event, tty_free, tty_settle, level, out };
	t->color = color;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->stop_now, NULL);
	t->has_ticker = pthread_create(&t->ticker, NULL, tick, t) == 0;
	return &t->view;
}
