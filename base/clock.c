#include "base/clock.h"

#include <time.h>

#include "base/progress.h"

double ap_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

bool ap_sleep(double seconds)
{
	double end = ap_clock() + seconds;

	for (;;) {
		double left = end - ap_clock();
		struct timespec t = { 0, 0 };

		if (ap_interrupted())
			return false;
		if (left <= 0)
			return true;
		t.tv_nsec = (long)(AP_MIN(left, 0.1) * 1e9);
		nanosleep(&t, NULL);
	}
}
