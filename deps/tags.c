#include "deps/tags.h"

#include <string.h>

#include "deps/wheel.h"

const char *ap_tags_arch(const char *image_arch)
{
	static const char *const known[][2] = {
		{ "amd64", "x86_64" },
		{ "arm64", "aarch64" },
		{ "386", "i686" },
		{ "arm", "armv7l" },
		{ "ppc64le", "ppc64le" },
		{ "s390x", "s390x" },
		{ "riscv64", "riscv64" },
	};

	for (size_t i = 0; i < AP_LEN(known); i++) {
		if (ap_streq(image_arch, known[i][0]))
			return known[i][1];
	}
	return NULL;
}

/* Old names of some glibc levels.  Source: PEP 600, legacy manylinux tags. */
static const char *legacy_name(unsigned minor)
{
	return minor == 17   ? "manylinux2014"
	       : minor == 12 ? "manylinux2010"
	       : minor == 5  ? "manylinux1"
			     : NULL;
}

static void add_glibc(struct ap_strv *out, unsigned minor, const char *arch)
{
	bool old = strcmp(arch, "x86_64") == 0 || strcmp(arch, "i686") == 0;

	for (unsigned m = minor; m >= (old ? 5U : 17U); m--) {
		ap_strv_addf(out, "manylinux_2_%u_%s", m, arch);
		if (legacy_name(m))
			ap_strv_addf(out, "%s_%s", legacy_name(m), arch);
	}
}

static int platforms(struct ap_strv *out, const struct ap_inventory *inv, struct ap_err *err)
{
	const char *arch = ap_tags_arch(inv->arch);

	if (!arch)
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"no wheel tags are known for architecture \"%s\"", inv->arch);
	if (ap_streq(inv->libc, "glibc") && inv->libc_major == 2)
		add_glibc(out, inv->libc_minor, arch);
	else if (ap_streq(inv->libc, "musl") && inv->libc_major == 1)
		for (unsigned m = inv->libc_minor + 1; m-- > 0;)
			ap_strv_addf(out, "musllinux_1_%u_%s", m, arch);
	else
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"the base's C library (%s %u.%u) has no wheel tags known to us",
			inv->libc ? inv->libc : "none found", inv->libc_major, inv->libc_minor);
	ap_strv_addf(out, "linux_%s", arch);
	return 0;
}

static void add_all(
	struct ap_strv *out, const char *python, const char *abi, const struct ap_strv *plats)
{
	for (size_t i = 0; i < plats->n; i++)
		ap_strv_addf(out, "%s-%s-%s", python, abi, plats->v[i]);
}

int ap_tags_make(struct ap_tags *out, const struct ap_inventory *inv, struct ap_err *err)
{
	ap_auto_strv plats = { 0 };

	if (!ap_streq(inv->implementation, "cpython") || inv->py_major != 3)
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"want CPython 3 in the base, found %s %u.%u",
			inv->implementation ? inv->implementation : "no Python", inv->py_major,
			inv->py_minor);
	if (platforms(&plats, inv, err) < 0)
		return -1;
	ap_auto_free char *own = ap_xasprintf("cp3%u", inv->py_minor);
	add_all(&out->v, own, own, &plats);
	add_all(&out->v, own, "abi3", &plats);
	add_all(&out->v, own, "none", &plats);
	for (unsigned m = inv->py_minor; m-- > 2;) {
		ap_auto_free char *older = ap_xasprintf("cp3%u", m);

		add_all(&out->v, older, "abi3", &plats);
	}
	ap_auto_free char *generic = ap_xasprintf("py3%u", inv->py_minor);
	add_all(&out->v, generic, "none", &plats);
	add_all(&out->v, "py3", "none", &plats);
	for (unsigned m = inv->py_minor; m-- > 0;) {
		ap_auto_free char *older = ap_xasprintf("py3%u", m);

		add_all(&out->v, older, "none", &plats);
	}
	ap_strv_addf(&out->v, "%s-none-any", own);
	ap_strv_addf(&out->v, "%s-none-any", generic);
	ap_strv_add(&out->v, "py3-none-any");
	for (unsigned m = inv->py_minor; m-- > 0;)
		ap_strv_addf(&out->v, "py3%u-none-any", m);
	return 0;
}

void ap_tags_release(struct ap_tags *t)
{
	ap_strv_release(&t->v);
}

/* Is `word` one of the parts of "a.b.c"? */
static bool one_of(const char *set, struct ap_str word)
{
	struct ap_str rest = ap_str(set);
	struct ap_str part;

	while (ap_str_next(&rest, '.', &part)) {
		if (part.n == word.n && memcmp(part.p, word.p, word.n) == 0)
			return true;
	}
	return false;
}

static bool fits(const struct ap_wheel_name *w, const char *tag)
{
	struct ap_str rest = ap_str(tag);
	struct ap_str python, abi;

	/* The platform part holds no '-', so the rest is the platform. */
	return ap_str_next(&rest, '-', &python) && ap_str_next(&rest, '-', &abi) &&
	       one_of(w->platform, rest) && one_of(w->abi, abi) && one_of(w->python, python);
}

size_t ap_tags_rank(const struct ap_tags *t, const char *filename)
{
	AP_CLEANUP(ap_wheel_name_release) struct ap_wheel_name w = { 0 };
	struct ap_err err = AP_ERR_INIT;

	if (ap_wheel_name_parse(&w, filename, &err) < 0)
		return AP_TAGS_NO_FIT;
	for (size_t i = 0; i < t->v.n; i++) {
		if (fits(&w, t->v.v[i]))
			return i;
	}
	return AP_TAGS_NO_FIT;
}
