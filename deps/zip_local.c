/* Local headers and data descriptors: that they agree with the central directory and fill the file. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "deps/zip_priv.h"

enum { LOCAL_LEN = 30 };

/* Find extra field `id`; *p NULL when absent. */
int ap_zip_extra(const struct ap_zip *z, const char *member, const unsigned char *x, size_t n,
	unsigned id, const unsigned char **p, size_t *len, struct ap_err *err)
{
	*p = NULL;
	*len = 0;
	while (n) {
		size_t k;

		if (n < 4 || (k = ap_zip_u16(x + 2)) > n - 4)
			return ap_zip_bad(z, member, err, "extra field is cut short");
		if (ap_zip_u16(x) == AP_ZIP_EXTRA_UNICODE_PATH)
			return ap_zip_bad(z, member, err, "second name in an extra field");
		if (ap_zip_u16(x) == id) {
			if (*p)
				return ap_zip_bad(z, member, err, "zip64 field occurs twice");
			*p = x + 4;
			*len = k;
		}
		x += 4 + k;
		n -= 4 + k;
	}
	return 0;
}

/* The data descriptor that fills the gap between a member's bytes and what follows. */
static int check_descriptor(
	struct ap_zip *z, const struct ap_zip_member *m, uint64_t gap, struct ap_err *err)
{
	unsigned char d[24];
	const unsigned char *p = d;
	uint64_t csize, size;

	if (gap != 12 && gap != 16 && gap != 20 && gap != 24)
		return ap_zip_bad(z, m->name, err,
			"%" PRIu64 " bytes behind its data, not a data descriptor", gap);
	if (ap_zip_pread(z, d, (size_t)gap, m->offset + m->csize, err) < 0)
		return -1;
	if (gap == 16 || gap == 24) {
		if (ap_zip_u32(p) != 0x08074b50)
			return ap_zip_bad(z, m->name, err, "data descriptor without signature");
		p += 4;
	}
	csize = gap > 16 ? ap_zip_u64(p + 4) : ap_zip_u32(p + 4);
	size = gap > 16 ? ap_zip_u64(p + 12) : ap_zip_u32(p + 8);
	if (ap_zip_u32(p) != m->crc)
		return ap_zip_bad(z, m->name, err,
			"CRC differs between data descriptor and central directory");
	if (csize != m->csize || size != m->size)
		return ap_zip_bad(z, m->name, err,
			"size differs between data descriptor and central directory");
	return 0;
}

/* CRC and sizes of a local header; with a data descriptor they may be zero. */
static int check_local_sizes(struct ap_zip *z, const struct ap_zip_member *m, unsigned flags,
	const unsigned char *h, const unsigned char *extra, size_t extra_len, struct ap_err *err)
{
	uint64_t csize = ap_zip_u32(h + 18);
	uint64_t size = ap_zip_u32(h + 22);
	bool may_be_zero = flags & AP_ZIP_FLAG_DESCRIPTOR;
	const unsigned char *x;
	size_t n;

	if (ap_zip_extra(z, m->name, extra, extra_len, AP_ZIP_EXTRA_ZIP64, &x, &n, err) < 0)
		return -1;
	if (x && n != 16)
		return ap_zip_bad(z, m->name, err,
			"zip64 field of the local header has %zu bytes, want 16", n);
	if (!x && (csize == AP_ZIP_NONE32 || size == AP_ZIP_NONE32))
		return ap_zip_bad(z, m->name, err, "local header without its zip64 field");
	if (x && size == AP_ZIP_NONE32)
		size = ap_zip_u64(x);
	else if (x && ap_zip_u64(x) && ap_zip_u64(x) != m->size)
		return ap_zip_bad(z, m->name, err, "two sizes in the local header");
	if (x && csize == AP_ZIP_NONE32)
		csize = ap_zip_u64(x + 8);
	else if (x && ap_zip_u64(x + 8) && ap_zip_u64(x + 8) != m->csize)
		return ap_zip_bad(z, m->name, err, "two sizes in the local header");
	if (ap_zip_u32(h + 14) != m->crc && !(may_be_zero && !ap_zip_u32(h + 14)))
		return ap_zip_bad(
			z, m->name, err, "CRC differs between local header and central directory");
	if ((csize != m->csize && !(may_be_zero && !csize)) ||
		(size != m->size && !(may_be_zero && !size)))
		return ap_zip_bad(
			z, m->name, err, "size differs between local header and central directory");
	return 0;
}

/* The local header of one member; `next`: where the following thing begins. */
static int check_local(
	struct ap_zip *z, const struct ap_zip_seen *s, uint64_t next, struct ap_err *err)
{
	uint64_t at = s->local;
	struct ap_zip_member *m = &z->v[s->index];
	unsigned char h[LOCAL_LEN];
	ap_auto_free unsigned char *rest = NULL;
	size_t name_len, extra_len;
	uint64_t room;

	if (next - at < LOCAL_LEN)
		return ap_zip_bad(z, m->name, err, "overlaps the next member");
	if (ap_zip_pread(z, h, sizeof(h), at, err) < 0)
		return -1;
	if (ap_zip_u32(h) != 0x04034b50)
		return ap_zip_bad(z, m->name, err, "no local header where it should be");
	name_len = ap_zip_u16(h + 26);
	extra_len = ap_zip_u16(h + 28);
	room = next - at - LOCAL_LEN;
	if (name_len + extra_len > room || m->csize > room - name_len - extra_len)
		return ap_zip_bad(z, m->name, err, "runs into what follows it");
	rest = ap_xmalloc(name_len + extra_len + 1);
	if (ap_zip_pread(z, rest, name_len + extra_len, at + LOCAL_LEN, err) < 0)
		return -1;
	if (name_len != s->raw_len || memcmp(rest, s->raw, name_len) != 0)
		return ap_zip_bad(z, m->name, err, "has another name in its local header");
	if (ap_zip_u16(h + 6) != s->flags)
		return ap_zip_bad(
			z, m->name, err, "flags differ between local header and central directory");
	if (ap_zip_u16(h + 8) != m->method)
		return ap_zip_bad(z, m->name, err,
			"method differs between local header and central directory");
	if (check_local_sizes(z, m, s->flags, h, rest + name_len, extra_len, err) < 0)
		return -1;
	m->offset = at + LOCAL_LEN + name_len + extra_len;
	room -= name_len + extra_len + m->csize;
	if (s->flags & AP_ZIP_FLAG_DESCRIPTOR)
		return check_descriptor(z, m, room, err);
	if (room)
		return ap_zip_bad(z, m->name, err, "%" PRIu64 " bytes behind its data", room);
	return 0;
}

static int by_local(const void *a, const void *b)
{
	const struct ap_zip_seen *x = a;
	const struct ap_zip_seen *y = b;

	return x->local < y->local ? -1 : x->local > y->local;
}

/* Every byte before the central directory belongs to exactly one member. */
int ap_zip_check_layout(struct ap_zip *z, struct ap_zip_seen *seen, const struct ap_zip_place *at,
	struct ap_err *err)
{
	qsort(seen, z->n, sizeof(*seen), by_local);
	if (z->n ? seen[0].local : at->cd)
		return ap_zip_bad(z, NULL, err,
			"%" PRIu64 " bytes before the first member belong to nothing",
			z->n ? seen[0].local : at->cd);
	if (z->n && seen[z->n - 1].local >= at->cd)
		return ap_zip_bad(z, z->v[seen[z->n - 1].index].name, err,
			"local header lies in the central directory");
	for (size_t i = 0; i < z->n; i++) {
		uint64_t next = i + 1 < z->n ? seen[i + 1].local : at->cd;

		if (check_local(z, &seen[i], next, err) < 0)
			return -1;
	}
	return 0;
}
