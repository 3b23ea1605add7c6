/*
 * One runner for all unit tests; TEST(name) registers itself.
 */
#ifndef AP_TESTS_UNIT_H
#define AP_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/err.h"

void unit_register(const char *name, CMUnitTestFunction fn);

#define TEST(name)                                                     \
	static void name(void **state);                                \
	static void __attribute__((constructor)) register_##name(void) \
	{                                                              \
		unit_register(#name, name);                            \
	}                                                              \
	static void name(void **state AP_UNUSED)

/* A literal ten times. */
#define X10(s) s s s s s s s s s s

/* The call succeeded; prints the error otherwise. */
#define assert_ok(call, err)                                          \
	do {                                                          \
		if ((call) < 0)                                       \
			fail_msg("unexpected error: %s", (err)->msg); \
	} while (0)

/* The call failed with that code and a message that has `part` in it; clears the error. */
#define assert_fails(call, err, want, part)                                                        \
	do {                                                                                       \
		if ((call) >= 0)                                                                   \
			fail_msg("succeeded, wanted a failure with \"%s\"", (part));               \
		if ((err)->code != (want) || !strstr((err)->msg, (part)))                          \
			fail_msg("failed with %s \"%s\", wanted %s with \"%s\"",                   \
				ap_err_code_name((err)->code), (err)->msg, ap_err_code_name(want), \
				(part));                                                           \
		ap_err_clear(err);                                                                 \
	} while (0)

/* A fresh directory below $TMPDIR; owned by the caller, removed at exit. */
char *unit_tmpdir(void);

#endif
