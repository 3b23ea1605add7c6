/*
 * What workers tell about their work.  They emit events and never print; the
 * consumer is chosen in cli/.
 */
#ifndef AP_BASE_PROGRESS_H
#define AP_BASE_PROGRESS_H

#include "base/compiler.h"

enum ap_step {
	AP_STEP_PLAN,
	AP_STEP_BASE,      /* manifest and configuration of the executor image */
	AP_STEP_INVENTORY, /* reading the base's layers */
	AP_STEP_RESOLVE,
	AP_STEP_DOWNLOAD, /* wheels */
	AP_STEP_LAYER,    /* making a layer */
	AP_STEP_UPLOAD,
	AP_STEP_MANIFEST,
	AP_STEP_SUBMIT,
	AP_STEP_HTTP, /* a request: only with --verbosity=debug */
	AP_STEP_COUNT,
};

enum ap_event_kind {
	AP_EV_START, /* id, total (0: unknown); note: what it is, for people */
	AP_EV_BYTES, /* id, done: bytes so far */
	AP_EV_DONE,  /* id, done; note: what it was, or what came of it */
	AP_EV_SKIP,  /* id, note: why there was nothing to do */
	AP_EV_NOTE,  /* note: a line for the user */
	AP_EV_WARN,  /* note: a warning for the user */
	AP_EV_DEBUG, /* note: shown with --verbosity=debug; never a secret */
	AP_EV_RETRY, /* id, note: what is being waited for */
	AP_EV_STAGE, /* note: the part of the run that begins; NULL: it is over */
};

struct ap_event {
	enum ap_step step;
	enum ap_event_kind kind;
	const char *id;       /* names the thing within the step; may be NULL */
	const char *note;     /* may be NULL */
	uint64_t done, total; /* bytes */
};

/* A consumer of events.  Threads: on_event is called by any, one at a time. */
struct ap_progress {
	void (*on_event)(void *ctx, const struct ap_event *ev);
	void *ctx;
	void *lock; /* pthread_mutex_t *; set by ap_progress_init */
};

/* on_event NULL: events are dropped. */
void ap_progress_init(
	struct ap_progress *p, void (*on_event)(void *, const struct ap_event *), void *ctx);
void ap_progress_release(struct ap_progress *p);

/* p may be NULL: nobody listens. */
void ap_emit(struct ap_progress *p, const struct ap_event *ev);
void ap_emit_note(struct ap_progress *p, enum ap_step step, const char *fmt, ...) AP_PRINTF(3, 4);
void ap_emit_warn(struct ap_progress *p, enum ap_step step, const char *fmt, ...) AP_PRINTF(3, 4);
void ap_emit_debug(struct ap_progress *p, enum ap_step step, const char *fmt, ...) AP_PRINTF(3, 4);

/* The word for a step: "upload". */
const char *ap_step_name(enum ap_step step);

/*
 * Has SIGINT or SIGTERM come?  Set by cli/main's handler; long loops and
 * transfers ask it and stop with AP_E_CANCELLED.
 */
bool ap_interrupted(void);
int ap_interrupt_signal(void);     /* 0, or the signal */
void ap_interrupt_set(int signal); /* async-signal-safe */

#endif
