#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/progress.h"

struct job {
	struct job *next;
	ap_job_fn fn;
	void (*drop)(void *arg); /* NULL: nothing to let go of */
	void *arg;
};

struct ap_pool {
	pthread_mutex_t lock;
	pthread_cond_t work, idle;
	struct job *first, **last;
	pthread_t *threads;
	unsigned n_threads, n_running;
	bool closing;
	atomic_bool stopped;
	struct ap_err err;
};

static void drop_queue(struct ap_pool *p)
{
	while (p->first) {
		struct job *j = p->first;

		p->first = j->next;
		if (j->drop)
			j->drop(j->arg);
		free(j);
	}
	p->last = &p->first;
}

static void keep_error(struct ap_pool *p, const struct ap_err *err)
{
	if (p->err.code == AP_E_NONE || p->err.code == AP_E_CANCELLED)
		p->err = *err;
	atomic_store(&p->stopped, true);
	drop_queue(p);
}

static void *worker(void *arg)
{
	struct ap_pool *p = arg;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct ap_err err = AP_ERR_INIT;
		struct job *j;
		int rc;

		while (!p->first && !p->closing)
			pthread_cond_wait(&p->work, &p->lock);
		if (!p->first)
			break;
		j = p->first;
		p->first = j->next;
		if (!p->first)
			p->last = &p->first;
		p->n_running++;
		pthread_mutex_unlock(&p->lock);
		rc = j->fn(j->arg, &err);
		free(j);
		pthread_mutex_lock(&p->lock);
		p->n_running--;
		if (rc < 0)
			keep_error(p, &err);
		if (!p->first && !p->n_running)
			pthread_cond_broadcast(&p->idle);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static unsigned default_threads(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 2 ? 2 : n > 16 ? 16 : (unsigned)n;
}

void ap_pool_new(struct ap_pool **out, unsigned n_threads)
{
	struct ap_pool *p = ap_xcalloc(1, sizeof(*p));

	p->n_threads = n_threads ? n_threads : default_threads();
	p->threads = ap_xcalloc(p->n_threads, sizeof(*p->threads));
	p->last = &p->first;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->idle, NULL);
	for (unsigned i = 0; i < p->n_threads; i++) {
		if (pthread_create(&p->threads[i], NULL, worker, p) != 0)
			ap_oom();
	}
	*out = p;
}

void ap_pool_free(struct ap_pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	drop_queue(p);
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->idle);
	free(p->threads);
	free(p);
}

void ap_pool_freep(struct ap_pool **p)
{
	ap_pool_free(*p);
	*p = NULL;
}

void ap_pool_submit_or_drop(struct ap_pool *p, ap_job_fn fn, void (*drop)(void *arg), void *arg)
{
	struct job *j = NULL;

	pthread_mutex_lock(&p->lock);
	if (!atomic_load(&p->stopped)) {
		j = ap_xcalloc(1, sizeof(*j));
		j->fn = fn;
		j->drop = drop;
		j->arg = arg;
		*p->last = j;
		p->last = &j->next;
		pthread_cond_signal(&p->work);
	}
	pthread_mutex_unlock(&p->lock);
	if (!j && drop)
		drop(arg);
}

void ap_pool_submit(struct ap_pool *p, ap_job_fn fn, void *arg)
{
	ap_pool_submit_or_drop(p, fn, NULL, arg);
}

int ap_pool_wait(struct ap_pool *p, struct ap_err *err)
{
	int rc = 0;

	pthread_mutex_lock(&p->lock);
	while (p->first || p->n_running)
		pthread_cond_wait(&p->idle, &p->lock);
	if (p->err.code != AP_E_NONE) {
		*err = p->err;
		rc = -1;
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

bool ap_pool_stopped(const struct ap_pool *p)
{
	return atomic_load(&p->stopped) || ap_interrupted();
}

unsigned ap_pool_threads(const struct ap_pool *p)
{
	return p->n_threads;
}
