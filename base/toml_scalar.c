#include "base/toml_scalar.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool two_digits(const char **p, const char *end, int max, int *out)
{
	if (end - *p < 2 || !ap_is_digit((*p)[0]) || !ap_is_digit((*p)[1]))
		return false;
	*out = ((*p)[0] - '0') * 10 + ((*p)[1] - '0');
	*p += 2;
	return *out <= max;
}

static bool time_of_day(const char **p, const char *end)
{
	int v;

	if (!two_digits(p, end, 23, &v) || *p == end || *(*p)++ != ':' ||
		!two_digits(p, end, 59, &v) || *p == end || *(*p)++ != ':' ||
		!two_digits(p, end, 60, &v))
		return false;
	if (*p < end && **p == '.') {
		const char *digits = ++*p;

		while (*p < end && ap_is_digit(**p))
			++*p;
		return *p > digits;
	}
	return true;
}

static bool offset(const char **p, const char *end)
{
	int v;

	if (*p < end && (**p == 'Z' || **p == 'z')) {
		++*p;
		return true;
	}
	if (*p == end || (**p != '+' && **p != '-'))
		return false;
	++*p;
	return two_digits(p, end, 23, &v) && *p < end && *(*p)++ == ':' &&
	       two_digits(p, end, 59, &v);
}

static bool date(const char **p, const char *end)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int hi, lo, year, month, day;

	if (!two_digits(p, end, 99, &hi) || !two_digits(p, end, 99, &lo) || *p == end ||
		*(*p)++ != '-' || !two_digits(p, end, 12, &month) || *p == end || *(*p)++ != '-' ||
		!two_digits(p, end, 31, &day) || month < 1 || day < 1)
		return false;
	year = hi * 100 + lo;
	if (month == 2 && ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0))
		return day <= 29;
	return day <= days[month - 1];
}

static bool is_datetime(const char *p, const char *end)
{
	if (end - p >= 3 && p[2] == ':')
		return time_of_day(&p, end) && p == end;
	if (!date(&p, end))
		return false;
	if (p == end)
		return true;
	if (*p != 'T' && *p != 't' && *p != ' ')
		return false;
	p++;
	if (!time_of_day(&p, end))
		return false;
	return p == end || (offset(&p, end) && p == end);
}

/* Copy digits without their underscores; each of those must stand between two digits. */
static bool plain_digits(struct ap_buf *out, const char *p, const char *end, bool hex)
{
	for (const char *c = p; c < end; c++) {
		if (*c == '_') {
			bool before = c > p && ap_hex(c[-1]) >= 0;
			bool after = c + 1 < end && ap_hex(c[1]) >= 0;

			if (!before || !after ||
				(!hex && (!ap_is_digit(c[-1]) || !ap_is_digit(c[1]))))
				return false;
		} else {
			ap_buf_addc(out, *c);
		}
	}
	return out->len > 0;
}

static enum ap_toml_verdict integer(cJSON **out, const char *digits, int base, bool negative)
{
	unsigned long long v;
	char *rest;

	errno = 0;
	v = strtoull(digits, &rest, base);
	if (errno || *rest || v > (uint64_t)INT64_MAX + negative)
		return AP_TOML_BEYOND;
	*out = ap_json_number(negative ? -(double)v : (double)v);
	return AP_TOML_OK;
}

static bool all_of(const char *s, bool (*is)(char))
{
	for (; *s; s++) {
		if (!is(*s))
			return false;
	}
	return true;
}

static bool is_hex(char c)
{
	return ap_hex(c) >= 0;
}

static bool is_oct(char c)
{
	return c >= '0' && c <= '7';
}

static bool is_bin(char c)
{
	return c == '0' || c == '1';
}

/* digits [. digits] [e [sign] digits], without a leading zero; *frac: is there more than digits? */
static bool decimal_shape(const char *s, bool *frac)
{
	const char *p = s;

	while (ap_is_digit(*p))
		p++;
	if (p == s || (s[0] == '0' && p > s + 1))
		return false;
	*frac = *p != '\0';
	if (*p == '.') {
		const char *d = ++p;

		while (ap_is_digit(*p))
			p++;
		if (p == d)
			return false;
	}
	if (*p == 'e' || *p == 'E') {
		const char *d;

		p++;
		if (*p == '+' || *p == '-')
			p++;
		d = p;
		while (ap_is_digit(*p))
			p++;
		if (p == d)
			return false;
	}
	return !*p;
}

static enum ap_toml_verdict number(cJSON **out, const char *from, const char *end)
{
	ap_auto_buf text = AP_BUF_INIT;
	const char *p = from;
	bool sign = *p == '+' || *p == '-';
	bool negative = *p == '-';
	bool frac;

	if (sign)
		p++;
	if (end - p == 3 && (memcmp(p, "inf", 3) == 0 || memcmp(p, "nan", 3) == 0)) {
		double v = *p == 'i' ? (double)INFINITY : (double)NAN;

		*out = ap_json_number(negative ? -v : v);
		return AP_TOML_OK;
	}
	if (!sign && end - p > 2 && p[0] == '0' && strchr("xob", p[1]) && p[1]) {
		char kind = p[1];

		bool (*is)(char) = kind == 'x' ? is_hex : kind == 'o' ? is_oct : is_bin;
		int base = kind == 'x' ? 16 : kind == 'o' ? 8 : 2;

		if (plain_digits(&text, p + 2, end, true) && all_of(text.p, is))
			return integer(out, text.p, base, false);
	} else if (plain_digits(&text, p, end, false) && decimal_shape(text.p, &frac)) {
		if (!frac)
			return integer(out, text.p, 10, negative);
		*out = ap_json_number(negative ? -strtod(text.p, NULL) : strtod(text.p, NULL));
		return AP_TOML_OK;
	}
	return AP_TOML_NO_VALUE;
}

enum ap_toml_verdict ap_toml_scalar(cJSON **out, const char *p, const char *end)
{
	size_t n = (size_t)(end - p);

	if (n == 4 && memcmp(p, "true", 4) == 0) {
		*out = ap_json_bool(1);
	} else if (n == 5 && memcmp(p, "false", 5) == 0) {
		*out = ap_json_bool(0);
	} else if (is_datetime(p, end)) {
		ap_auto_free char *s = ap_xstrndup(p, n);

		*out = ap_json_string(s);
	} else {
		return number(out, p, end);
	}
	return AP_TOML_OK;
}
