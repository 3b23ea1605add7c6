#include "cli/display.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void ap_buf_add_bytes(struct ap_buf *out, uint64_t n)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB" };
	double v = (double)n;
	size_t u = 0;

	if (n < 1000) {
		ap_buf_addf(out, "%u bytes", (unsigned)n);
		return;
	}
	for (v /= 1000; v >= 999.5 && u + 1 < AP_LEN(units); u++)
		v /= 1000;
	ap_buf_addf(out, v < 9.95 ? "%.1f %s" : "%.0f %s", v, units[u]);
}

void ap_buf_add_id(struct ap_buf *out, const char *id)
{
	ap_buf_add_printable(out, id, ap_digest_ok(id) ? 7 + 12 : strlen(id));
}

/* Does an event pass the level? */
static bool shows(enum ap_level level, const struct ap_event *ev)
{
	switch (ev->kind) {
	case AP_EV_DEBUG:
		return level >= AP_LEVEL_DEBUG;
	case AP_EV_WARN:
		return level >= AP_LEVEL_WARN;
	default:
		return level >= AP_LEVEL_INFO;
	}
}

static enum ap_level level_of(const struct ap_env *env, bool quiet)
{
	static const struct {
		const char *word;
		enum ap_level level;
	} words[] = {
		{ "debug", AP_LEVEL_DEBUG },
		{ "info", AP_LEVEL_INFO },
		/* gcloud's default, which hides none of its messages */
		{ "warning", AP_LEVEL_INFO },
		{ "error", AP_LEVEL_ERROR },
		{ "critical", AP_LEVEL_ERROR },
		{ "none", AP_LEVEL_NONE },
	};
	const char *word = ap_env_get(env, AP_KEY_VERBOSITY);
	enum ap_level level = AP_LEVEL_INFO;

	for (size_t i = 0; word && i < AP_LEN(words); i++)
		if (strcmp(words[i].word, word) == 0)
			level = words[i].level;
	if (ap_env_bool(env, AP_KEY_LOG_HTTP, false))
		level = AP_LEVEL_DEBUG;
	if (quiet || !ap_env_bool(env, AP_KEY_USER_OUTPUT, true))
		level = AP_MIN(level, AP_LEVEL_WARN);
	return level;
}

/* The lock of ap_emit() also covers messages: both go through it as events. */
static void on_event(void *ctx, const struct ap_event *ev)
{
	struct ap_display *d = ctx;

	if (d->view && shows(d->level, ev))
		d->view->on_event(d->view, ev);
}

static bool wants_tty(const struct ap_env *env, const char *how)
{
	if (env->dumb_terminal || !isatty(STDERR_FILENO))
		return false;
	return how && strcmp(how, "auto") != 0 ? strcmp(how, "tty") == 0 : !env->ci;
}

static struct ap_view *choose(const struct ap_env *env, enum ap_level level)
{
	const char *how = ap_env_get(env, AP_KEY_PROGRESS);

	if (how && strcmp(how, "json") == 0)
		return ap_view_json(stderr, level);
	if (level >= AP_LEVEL_INFO && wants_tty(env, how))
		return ap_view_tty(stderr, level, !env->no_color);
	return ap_view_lines(stderr, level, env->ci || (how && strcmp(how, "plain") == 0));
}

void ap_display_open(struct ap_display *d, const struct ap_env *env, bool quiet)
{
	const char *how = ap_env_get(env, AP_KEY_PROGRESS);

	d->level = level_of(env, quiet);
	if (how && strcmp(how, "none") == 0)
		d->level = AP_MIN(d->level, AP_LEVEL_WARN);
	d->view = choose(env, d->level);
	ap_progress_init(&d->progress, on_event, d);
}

void ap_display_close(struct ap_display *d)
{
	struct ap_view *v = AP_STEAL(d->view);

	if (v)
		v->free(v);
	ap_progress_release(&d->progress);
}

void ap_display_settle(struct ap_display *d)
{
	if (d->view && d->view->settle)
		d->view->settle(d->view);
}

void ap_say(struct ap_display *d, const char *fmt, ...)
{
	ap_auto_buf text = AP_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	ap_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	ap_emit(&d->progress,
		&(struct ap_event){ .step = AP_STEP_PLAN, .kind = AP_EV_NOTE, .note = text.p });
}
