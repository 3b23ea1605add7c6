/*
 * What the user sees while work goes on: all of it on stderr.  One of the
 * consumers progress_lines, progress_tty or progress_json takes the events.
 */
#ifndef AP_CLI_DISPLAY_H
#define AP_CLI_DISPLAY_H

#include <stdio.h>

#include "base/progress.h"
#include "cli/env.h"

enum ap_level {
	AP_LEVEL_NONE,  /* not even warnings */
	AP_LEVEL_ERROR, /* the error line only */
	AP_LEVEL_WARN,  /* and warnings: --quiet */
	AP_LEVEL_INFO,
	AP_LEVEL_DEBUG,
};

/* A consumer; first member of every implementation. */
struct ap_view {
	void (*on_event)(void *ctx, const struct ap_event *ev);
	/* The end: what is live on the screen is settled. */
	void (*free)(struct ap_view *v);
	/* Take what is live off the screen, before others write there; NULL: nothing is live. */
	void (*settle)(struct ap_view *v);
	enum ap_level level;
	FILE *out;
};

struct ap_display {
	struct ap_progress progress;
	struct ap_view *view;
	enum ap_level level;
};

/* Choose by settings, terminal and flags; `quiet` is --quiet. */
void ap_display_open(struct ap_display *d, const struct ap_env *env, bool quiet);
void ap_display_close(struct ap_display *d);

/* Nothing is under way any more: the screen is free for a result, or another program. */
void ap_display_settle(struct ap_display *d);

/* A message to the user, at the level "info"; control characters are escaped. */
void ap_say(struct ap_display *d, const char *fmt, ...) AP_PRINTF(2, 3);

/* The views.  dated: each line begins with the time. */
struct ap_view *ap_view_lines(FILE *out, enum ap_level level, bool dated);
/* A live display; nothing of it stays on the screen but lines of text. */
struct ap_view *ap_view_tty(FILE *out, enum ap_level level, bool color);
struct ap_view *ap_view_json(FILE *out, enum ap_level level);

/* "113 MB", "4.2 kB", "17 bytes": decimal units. */
void ap_buf_add_bytes(struct ap_buf *out, uint64_t n);

/* A name for the screen: digests short, control characters escaped. */
void ap_buf_add_id(struct ap_buf *out, const char *id);

#endif
