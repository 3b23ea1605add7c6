#include "tests/unit/peer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
	pthread_t thread;
	pthread_mutex_t lock;
	int fd;
	char url[64];
	struct ap_strv answers, requests;
	atomic_bool stop;
};

static bool readable(struct peer *p, int fd)
{
	struct pollfd f = { .fd = fd, .events = POLLIN };

	while (!atomic_load(&p->stop)) {
		if (poll(&f, 1, 20) > 0)
			return true;
	}
	return false;
}

static size_t body_length(const char *head)
{
	const char *at = strcasestr(head, "\r\ncontent-length:");

	return at ? strtoul(at + 17, NULL, 10) : 0;
}

/* One request, whole; false at the end of the connection. */
static bool read_request(struct peer *p, int fd, struct ap_buf *req)
{
	char chunk[65536];

	for (;;) {
		const char *end = strstr(req->p, "\r\n\r\n");
		ssize_t k;

		if (end && req->len >= (size_t)(end + 4 - req->p) + body_length(req->p))
			return true;
		if (!readable(p, fd))
			return false;
		k = read(fd, chunk, sizeof(chunk));
		if (k <= 0)
			return false;
		ap_buf_add(req, chunk, (size_t)k);
	}
}

/* The answer is written; false: close. */
static bool answer(struct peer *p, int fd, const struct ap_buf *req)
{
	const char *a;
	size_t i;

	pthread_mutex_lock(&p->lock);
	i = AP_MIN(p->requests.n, p->answers.n - 1);
	ap_strv_add_n(&p->requests, req->p, req->len);
	a = p->answers.v[i];
	pthread_mutex_unlock(&p->lock);
	if (strcmp(a, "STALL") == 0) {
		while (!atomic_load(&p->stop))
			usleep(10000);
		return false;
	}
	for (size_t n = strlen(a); n;) {
		ssize_t k = send(fd, a, n, MSG_NOSIGNAL);

		if (k <= 0)
			return false;
		a += k;
		n -= (size_t)k;
	}
	return *p->answers.v[i] && !strcasestr(p->answers.v[i], "connection: close");
}

struct link {
	struct peer *p;
	int fd;
};

static void *serve_one(void *arg)
{
	struct link *l = arg;
	bool more = true;

	while (more) {
		ap_auto_buf req = AP_BUF_INIT;

		more = read_request(l->p, l->fd, &req) && answer(l->p, l->fd, &req);
	}
	close(l->fd);
	free(l);
	return NULL;
}

static void *serve(void *arg)
{
	struct peer *p = arg;
	pthread_t links[256];
	size_t n = 0;

	while (readable(p, p->fd) && n < AP_LEN(links)) {
		struct link *l = ap_xcalloc(1, sizeof(*l));

		l->p = p;
		l->fd = accept(p->fd, NULL, NULL);
		if (l->fd < 0 || pthread_create(&links[n], NULL, serve_one, l) != 0)
			abort();
		n++;
	}
	while (n)
		pthread_join(links[--n], NULL);
	return NULL;
}

void peer_start(struct peer **out, const char *const *answers, size_t n, const char *other)
{
	struct peer *p = ap_xcalloc(1, sizeof(*p));
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);

	for (size_t i = 0; i < n; i++) {
		const char *at = strstr(answers[i], "%P");

		if (at && other)
			ap_strv_addf(&p->answers, "%.*s%s%s", (int)(at - answers[i]), answers[i],
				other, at + 2);
		else
			ap_strv_add(&p->answers, answers[i]);
	}
	pthread_mutex_init(&p->lock, NULL);
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->fd < 0 || bind(p->fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
		listen(p->fd, 16) < 0 || getsockname(p->fd, (struct sockaddr *)&a, &len) < 0 ||
		pthread_create(&p->thread, NULL, serve, p) != 0)
		abort();
	snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%u", ntohs(a.sin_port));
	*out = p;
}

const char *peer_url(const struct peer *p)
{
	return p->url;
}

size_t peer_count(struct peer *p)
{
	size_t n;

	pthread_mutex_lock(&p->lock);
	n = p->requests.n;
	pthread_mutex_unlock(&p->lock);
	return n;
}

const char *peer_request(struct peer *p, size_t i)
{
	const char *s;

	pthread_mutex_lock(&p->lock);
	s = i < p->requests.n ? p->requests.v[i] : "";
	pthread_mutex_unlock(&p->lock);
	return s;
}

void peer_stop(struct peer *p)
{
	atomic_store(&p->stop, true);
	pthread_join(p->thread, NULL);
	close(p->fd);
	pthread_mutex_destroy(&p->lock);
	ap_strv_release(&p->answers);
	ap_strv_release(&p->requests);
	free(p);
}
