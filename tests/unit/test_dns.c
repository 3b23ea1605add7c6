#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/dns.h"

struct second {
	struct ap_dns *d;
	const char *host;
	atomic_int said; /* -1: still waiting */
};

static void *meet(void *arg)
{
	struct second *s = arg;

	atomic_store(&s->said, ap_dns_meet(s->d, s->host));
	return NULL;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ 0, ms * 1000000L }, NULL);
}

TEST(dns_lets_one_transfer_reach_a_host_before_the_others_ask_for_it)
{
	struct ap_dns *d = NULL;
	struct second same = { .host = "example.com" };
	struct second other = { .host = "example.org" };
	pthread_t a, b;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	ap_dns_new(&d);
	same.d = other.d = d;
	atomic_init(&same.said, -1);
	atomic_init(&other.said, -1);
	assert_true(ap_dns_meet(d, "example.com"));
	pthread_create(&a, NULL, meet, &same);
	pthread_create(&b, NULL, meet, &other);
	pthread_join(b, NULL);
	assert_int_equal(atomic_load(&other.said), 1);
	pause_ms(150);
	assert_int_equal(atomic_load(&same.said), -1);
	ap_dns_met(d, "example.com");
	pthread_join(a, NULL);
	assert_int_equal(atomic_load(&same.said), 0);
	assert_false(ap_dns_meet(d, "example.com"));
	ap_dns_free(d);
	curl_global_cleanup();
}

TEST(dns_has_nothing_to_look_up_for_an_address)
{
	struct ap_dns *d = NULL;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	ap_dns_new(&d);
	for (int i = 0; i < 2; i++) {
		assert_false(ap_dns_meet(d, "127.0.0.1"));
		assert_false(ap_dns_meet(d, "::1"));
	}
	ap_dns_free(d);
	curl_global_cleanup();
}
