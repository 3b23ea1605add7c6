#include "base/progress.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/str.h"

/* Written by a signal handler, read by every thread. */
static atomic_int interrupt_signal;
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler may not wait for a lock");

bool ap_interrupted(void)
{
	return atomic_load(&interrupt_signal) != 0;
}

int ap_interrupt_signal(void)
{
	return atomic_load(&interrupt_signal);
}

void ap_interrupt_set(int signal)
{
	atomic_store(&interrupt_signal, signal);
}

void ap_progress_init(
	struct ap_progress *p, void (*on_event)(void *, const struct ap_event *), void *ctx)
{
	pthread_mutex_t *m = ap_xmalloc(sizeof(*m));

	pthread_mutex_init(m, NULL);
	p->on_event = on_event;
	p->ctx = ctx;
	p->lock = m;
}

void ap_progress_release(struct ap_progress *p)
{
	if (p->lock)
		pthread_mutex_destroy(p->lock);
	free(p->lock);
	*p = (struct ap_progress){ 0 };
}

void ap_emit(struct ap_progress *p, const struct ap_event *ev)
{
	if (!p || !p->on_event)
		return;
	pthread_mutex_lock(p->lock);
	p->on_event(p->ctx, ev);
	pthread_mutex_unlock(p->lock);
}

static void emit_text(struct ap_progress *p, enum ap_step step, enum ap_event_kind kind,
	const char *fmt, va_list ap)
{
	ap_auto_buf b = AP_BUF_INIT;

	if (!p || !p->on_event)
		return;
	ap_buf_vaddf(&b, fmt, ap);
	ap_emit(p, &(struct ap_event){ .step = step, .kind = kind, .note = b.p });
}

void ap_emit_note(struct ap_progress *p, enum ap_step step, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit_text(p, step, AP_EV_NOTE, fmt, ap);
	va_end(ap);
}

void ap_emit_warn(struct ap_progress *p, enum ap_step step, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit_text(p, step, AP_EV_WARN, fmt, ap);
	va_end(ap);
}

void ap_emit_debug(struct ap_progress *p, enum ap_step step, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit_text(p, step, AP_EV_DEBUG, fmt, ap);
	va_end(ap);
}

const char *ap_step_name(enum ap_step step)
{
	static const char *const names[AP_STEP_COUNT] = {
		[AP_STEP_PLAN] = "plan",
		[AP_STEP_BASE] = "base",
		[AP_STEP_INVENTORY] = "inventory",
		[AP_STEP_RESOLVE] = "resolve",
		[AP_STEP_DOWNLOAD] = "download",
		[AP_STEP_LAYER] = "layer",
		[AP_STEP_UPLOAD] = "upload",
		[AP_STEP_MANIFEST] = "manifest",
		[AP_STEP_SUBMIT] = "submit",
		[AP_STEP_HTTP] = "http",
	};

	return names[step];
}
