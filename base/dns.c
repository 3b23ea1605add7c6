#include "base/dns.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/progress.h"
#include "base/str.h"

enum {
	TICK_MS = 50,
	TICKS = 8000 / TICK_MS, /* longer than a lost question takes */
};

struct ap_dns {
	CURLSH *share;
	pthread_mutex_t locks[CURL_LOCK_DATA_LAST];
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t moved;
	struct ap_strv met;     /* was reached, or could not be */
	struct ap_strv meeting; /* somebody is on the way to it */
};

static void on_lock(
	CURL *e AP_UNUSED, curl_lock_data what, curl_lock_access access AP_UNUSED, void *ctx)
{
	pthread_mutex_lock(&((struct ap_dns *)ctx)->locks[what]);
}

static void on_unlock(CURL *e AP_UNUSED, curl_lock_data what, void *ctx)
{
	pthread_mutex_unlock(&((struct ap_dns *)ctx)->locks[what]);
}

void ap_dns_new(struct ap_dns **out)
{
	struct ap_dns *d = ap_xcalloc(1, sizeof(*d));

	for (size_t i = 0; i < AP_LEN(d->locks); i++)
		pthread_mutex_init(&d->locks[i], NULL);
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->moved, NULL);
	d->share = curl_share_init();
	if (!d->share)
		ap_oom();
	curl_share_setopt(d->share, CURLSHOPT_LOCKFUNC, on_lock);
	curl_share_setopt(d->share, CURLSHOPT_UNLOCKFUNC, on_unlock);
	curl_share_setopt(d->share, CURLSHOPT_USERDATA, d);
	curl_share_setopt(d->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	*out = d;
}

void ap_dns_free(struct ap_dns *d)
{
	if (!d)
		return;
	curl_share_cleanup(d->share);
	for (size_t i = 0; i < AP_LEN(d->locks); i++)
		pthread_mutex_destroy(&d->locks[i]);
	pthread_mutex_destroy(&d->lock);
	pthread_cond_destroy(&d->moved);
	ap_strv_release(&d->met);
	ap_strv_release(&d->meeting);
	free(d);
}

void ap_dns_share(struct ap_dns *d, CURL *e)
{
	curl_easy_setopt(e, CURLOPT_SHARE, d->share);
}

/* Addresses need no looking up. */
static bool is_name(const char *host)
{
	return !strchr(host, ':') && host[strspn(host, "0123456789.")];
}

static void wait_a_tick(struct ap_dns *d)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += TICK_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_cond_timedwait(&d->moved, &d->lock, &until);
}

bool ap_dns_meet(struct ap_dns *d, const char *host)
{
	bool first = false;

	if (!is_name(host))
		return false;
	pthread_mutex_lock(&d->lock);
	for (unsigned n = 0; !ap_strv_has(&d->met, host); n++) {
		first = !ap_strv_has(&d->meeting, host);
		if (first) {
			ap_strv_add(&d->meeting, host);
			break;
		}
		if (n == TICKS || ap_interrupted())
			break;
		wait_a_tick(d);
	}
	pthread_mutex_unlock(&d->lock);
	return first;
}

void ap_dns_met(struct ap_dns *d, const char *host)
{
	pthread_mutex_lock(&d->lock);
	ap_strv_add(&d->met, host);
	pthread_cond_broadcast(&d->moved);
	pthread_mutex_unlock(&d->lock);
}
