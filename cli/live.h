/*
 * What is under way and what is done, kept from events, and laid out as lines
 * for a screen.  No terminal and no clock of its own: progress_tty.c has both.
 */
#ifndef AP_CLI_LIVE_H
#define AP_CLI_LIVE_H

#include "base/progress.h"
#include "base/str.h"

enum { AP_LIVE_ITEMS = 64, AP_LIVE_BARS = 8, AP_LIVE_NOTES = 8 };

/* Something under way. */
struct ap_live_item {
	enum ap_step step;
	char *id, *label;
	uint64_t done, total; /* bytes */
	double began;
};

struct ap_live {
	char *stage; /* of the run; NULL between runs */
	struct ap_live_item items[AP_LIVE_ITEMS];
	size_t n_items;
	struct {
		char *note;
		unsigned n;
	} skips[AP_LIVE_NOTES]; /* why, and how many */
	size_t n_skips;
	unsigned n_done[AP_STEP_COUNT];
	uint64_t sent;
	double began;
	char *waiting; /* for what; NULL: for nothing that is worth a line */
	double waiting_since;
};

void ap_live_release(struct ap_live *l);

/* now: seconds of any clock. */
void ap_live_take(struct ap_live *l, const struct ap_event *ev, double now);

/* Nothing is under way any more. */
void ap_live_settle(struct ap_live *l);

/* Is there anything to show? */
bool ap_live_busy(const struct ap_live *l);

/* At most rows - 1 lines, each of fewer than cols columns; the first tells of the whole. */
void ap_live_lines(
	struct ap_strv *out, const struct ap_live *l, unsigned rows, unsigned cols, double now);

#endif
