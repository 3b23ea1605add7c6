#include "cli/cost.h"

#include <sys/resource.h>

#include "base/clock.h"
#include "cli/display.h"

static double cpu_of(int who)
{
	struct rusage u = { 0 };

	getrusage(who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static struct ap_cost now(struct ap_http *http)
{
	struct ap_cost c = {
		.wall = ap_clock(),
		.cpu = cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN),
	};

	if (http)
		c.net = ap_http_traffic(http);
	return c;
}

void ap_cost_begin(struct ap_cost *c, struct ap_http *http)
{
	*c = now(http);
}

void ap_cost_end(struct ap_cost *c, struct ap_http *http)
{
	struct ap_cost end = now(http);

	c->wall = end.wall - c->wall;
	c->cpu = end.cpu - c->cpu;
	c->net.requests = end.net.requests - c->net.requests;
	c->net.sent = end.net.sent - c->net.sent;
	c->net.received = end.net.received - c->net.received;
}

void ap_cost_describe(const struct ap_cost *c, struct ap_buf *out)
{
	ap_buf_addf(out, "%.2f s, %.2f s of processor", c->wall, c->cpu);
	if (!c->net.requests)
		return;
	ap_buf_addf(out, ", %ju request%s, ", (uintmax_t)c->net.requests,
		c->net.requests == 1 ? "" : "s");
	ap_buf_add_bytes(out, c->net.sent);
	ap_buf_adds(out, " sent, ");
	ap_buf_add_bytes(out, c->net.received);
	ap_buf_adds(out, " received");
}
