#include "pack/stat_cache.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"

#define MAGIC     "autopack stat 1\n"
#define MAX_FILE  (UINT64_C(1) << 30)
#define SECOND    INT64_C(1000000000)
#define FINE_TICK (SECOND / 20)

struct known {
	char *path; /* borrowed from the file's text, or owned by `strings` */
	char *look;
	struct ap_local_stat st;
	struct ap_digest digest;
	char *text; /* of `old`: the record in the file's text, */
	bool kept;  /* and it holds still */
};

struct list {
	struct known *v;
	size_t n, cap;
};

struct ap_stat_cache {
	char *path;
	struct ap_buf text;
	struct list old; /* sorted by path */
	struct list now; /* what `old` does not know */
	struct ap_strv strings;
	size_t n_kept; /* of `old` */
};

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->path, ((const struct known *)b)->path);
}

static struct known *add(struct list *l)
{
	AP_GROW(l->v, l->n, l->cap);
	l->v[l->n] = (struct known){ 0 };
	return &l->v[l->n++];
}

/* The file ends in the digest of all before it. */
static bool checksum_ok(const struct ap_buf *b)
{
	struct ap_digest d;

	if (b->len < sizeof(MAGIC) - 1 + AP_DIGEST_LEN ||
		memcmp(b->p, MAGIC, sizeof(MAGIC) - 1) != 0)
		return false;
	ap_sha256_of(&d, b->p, b->len - AP_DIGEST_LEN);
	return memcmp(d.s, b->p + b->len - AP_DIGEST_LEN, AP_DIGEST_LEN) == 0;
}

/* One record: numbers and digest, a tab, look, a tab, path, NUL. */
static bool parse_record(struct known *k, char *p)
{
	char *look = strchr(p, '\t');
	char *path = look ? strchr(look + 1, '\t') : NULL;

	if (!path)
		return false;
	*look = *path = '\0';
	k->text = p;
	k->look = look + 1;
	k->path = path + 1;
	k->st.dev = strtoull(p, &p, 10);
	k->st.ino = strtoull(p, &p, 10);
	k->st.size = strtoull(p, &p, 10);
	k->st.mtime_ns = strtoll(p, &p, 10);
	k->st.ctime_ns = strtoll(p, &p, 10);
	if (*p != ' ' || !ap_digest_ok(p + 1))
		return false;
	memcpy(k->digest.s, p + 1, AP_DIGEST_LEN);
	return true;
}

static void parse(struct ap_stat_cache *c)
{
	char *end = c->text.p + c->text.len - AP_DIGEST_LEN;

	for (char *p = c->text.p + sizeof(MAGIC) - 1; p < end;) {
		size_t n = strnlen(p, (size_t)(end - p));

		if (p + n == end || !parse_record(add(&c->old), p)) {
			c->old.n = 0;
			return;
		}
		p += n + 1;
	}
}

/* Ours, and nobody else's to write. */
static bool trusted(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH));
}

void ap_stat_cache_open(struct ap_stat_cache **out, const char *dir, const char *root)
{
	struct ap_stat_cache *c = ap_xcalloc(1, sizeof(*c));
	struct ap_err err = AP_ERR_INIT;
	struct ap_digest d;

	ap_sha256_of(&d, root, strlen(root));
	c->path = ap_xasprintf("%s/stat/%s", dir, ap_digest_hex(&d));
	ap_buf_init(&c->text, MAX_FILE);
	if (trusted(c->path)) {
		if (ap_fs_read(&c->text, c->path, &err) < 0)
			ap_err_clear(&err);
		else if (checksum_ok(&c->text))
			parse(c);
	}
	*out = c;
}

void ap_stat_cache_free(struct ap_stat_cache *c)
{
	if (!c)
		return;
	free(c->path);
	ap_buf_release(&c->text);
	free(c->old.v);
	free(c->now.v);
	ap_strv_release(&c->strings);
	free(c);
}

void ap_stat_cache_freep(struct ap_stat_cache **c)
{
	ap_stat_cache_free(*c);
	*c = NULL;
}

static bool same(const struct ap_local_stat *a, const struct ap_local_stat *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

static struct known *find(const struct ap_stat_cache *c, const char *path)
{
	size_t lo = 0;
	size_t hi = c->old.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = strcmp(path, c->old.v[mid].path);

		if (order == 0)
			return &c->old.v[mid];
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

bool ap_stat_cache_find(struct ap_digest *digest, char **look, const struct ap_stat_cache *c,
	const char *path, const struct ap_local_stat *st)
{
	const struct known *k = find(c, path);

	if (!k || !same(&k->st, st))
		return false;
	*digest = k->digest;
	*look = ap_xstrdup(k->look);
	return true;
}

/*
 * File systems stamp with the kernel's tick; those that know whole seconds
 * only are known by their round times.
 */
static bool racy(const struct ap_local_stat *st, int64_t began)
{
	int64_t youngest = AP_MAX(st->mtime_ns, st->ctime_ns);
	int64_t tick = st->mtime_ns % SECOND && st->ctime_ns % SECOND ? FINE_TICK : 2 * SECOND;

	return youngest > began - tick;
}

bool ap_stat_cache_put(struct ap_stat_cache *c, const char *path, const struct ap_local_stat *st,
	const struct ap_digest *digest, const char *look, int64_t began)
{
	struct known *before = find(c, path);
	struct known *k;

	if (racy(st, began) || strpbrk(look, "\t\n"))
		return false;
	if (before && same(&before->st, st)) {
		c->n_kept += !before->kept;
		before->kept = true;
		return true;
	}
	k = add(&c->now);
	ap_strv_add(&c->strings, path);
	k->path = c->strings.v[c->strings.n - 1];
	ap_strv_add(&c->strings, look);
	k->look = c->strings.v[c->strings.n - 1];
	k->st = *st;
	k->digest = *digest;
	return true;
}

int64_t ap_stat_cache_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

/* A record that holds still is copied as it was read, less what reading made of its tabs. */
static void print_kept(struct ap_buf *b, const struct known *k)
{
	size_t at = b->len;

	ap_buf_add(b, k->text, (size_t)(k->path - k->text) + strlen(k->path) + 1);
	if (!b->overflow)
		b->p[at + (size_t)(k->look - 1 - k->text)] =
			b->p[at + (size_t)(k->path - 1 - k->text)] = '\t';
}

static void print_new(struct ap_buf *b, const struct known *k)
{
	ap_buf_addf(b, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %s\t%s\t%s",
		k->st.dev, k->st.ino, k->st.size, k->st.mtime_ns, k->st.ctime_ns, k->digest.s,
		k->look, k->path);
	ap_buf_addc(b, '\0');
}

/* Old and new, by path, each path once. */
static void print(struct ap_buf *b, struct ap_stat_cache *c)
{
	struct list *l = &c->now;
	struct ap_digest d;
	size_t i = 0;

	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), by_path);
	ap_buf_adds(b, MAGIC);
	for (size_t k = 0; k <= l->n; k++) {
		if (k && k < l->n && strcmp(l->v[k - 1].path, l->v[k].path) == 0)
			continue;
		for (; i < c->old.n; i++) {
			int order = k < l->n ? strcmp(c->old.v[i].path, l->v[k].path) : -1;

			if (order > 0)
				break;
			if (order < 0 && c->old.v[i].kept)
				print_kept(b, &c->old.v[i]);
		}
		if (k < l->n)
			print_new(b, &l->v[k]);
	}
	ap_sha256_of(&d, b->p, b->len);
	ap_buf_adds(b, d.s);
}

static bool write_aside(const char *path, const struct ap_buf *b)
{
	ap_auto_free char *temp = ap_xasprintf("%s.tmp.XXXXXX", path);
	ap_auto_fd int fd = mkostemp(temp, O_CLOEXEC);
	struct ap_err err = AP_ERR_INIT;

	if (fd < 0)
		return false;
	if (ap_write_all(fd, b->p, b->len, &err) == 0 && rename(temp, path) == 0)
		return true;
	ap_err_clear(&err);
	unlink(temp);
	return false;
}

void ap_stat_cache_save(struct ap_stat_cache *c)
{
	ap_auto_free char *dir = ap_xstrndup(c->path, (size_t)(strrchr(c->path, '/') - c->path));
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf b = AP_BUF_MAX(MAX_FILE);

	/* A few records of files that are gone do no harm. */
	if (!c->now.n && c->n_kept >= c->old.n / 2)
		return;
	print(&b, c);
	if (b.overflow || ap_fs_mkdirs(dir, 0700, &err) < 0) {
		ap_err_clear(&err);
		return;
	}
	write_aside(c->path, &b);
}
