/*
 * A clock that only goes forward, and sleep that ends with a signal.
 */
#ifndef AP_BASE_CLOCK_H
#define AP_BASE_CLOCK_H

#include <stdbool.h>

/* Seconds since some moment. */
double ap_clock(void);

/* False when a signal came before the seconds were over. */
bool ap_sleep(double seconds);

#endif
