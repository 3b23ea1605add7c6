#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "cli/cache_use.h"
#include "cli/cmds.h"
#include "cli/display.h"
#include "cli/render.h"

struct cache_opts {
	struct ap_common_opts common;
	char *cache_dir, *format, *older_than, *max_size;
	int all, dry_run;
};

#define AT(field) offsetof(struct cache_opts, field)

static const struct ap_opt info_table[] = {
	{ .name = "cache-dir",
		.kind = AP_OPT_STR,
		.offset = AT(cache_dir),
		.arg = "DIR",
		.hint = AP_HINT_DIR,
		.help = "the cache (default: as the settings say)" },
	{ .name = "format",
		.kind = AP_OPT_STR,
		.offset = AT(format),
		.arg = "FORMAT",
		.choices = "json|yaml|table|value(KEY)|table(KEY)",
		.help = "print as table (default), json, yaml or value(KEY)" },
};

static const struct ap_opt prune_table[] = {
	{ .name = "cache-dir",
		.kind = AP_OPT_STR,
		.offset = AT(cache_dir),
		.arg = "DIR",
		.hint = AP_HINT_DIR,
		.help = "the cache (default: as the settings say)" },
	{ .name = "older-than",
		.kind = AP_OPT_UINT,
		.offset = AT(older_than),
		.arg = "DAYS",
		.help = "remove what was not used for so many days (default 30)" },
	{ .name = "max-size",
		.kind = AP_OPT_STR,
		.offset = AT(max_size),
		.arg = "SIZE",
		.help = "remove what was used longest ago until at most so much is left: 500MB, 10GB" },
	{ .name = "all", .kind = AP_OPT_FLAG, .offset = AT(all), .help = "remove everything" },
	{ .name = "dry-run",
		.kind = AP_OPT_FLAG,
		.offset = AT(dry_run),
		.help = "only say what would be removed" },
};

static const struct ap_opt_group info_groups[] = {
	{ "cache", info_table, AP_LEN(info_table), 0 },
	AP_COMMON_GROUP(AT(common)),
};
static const struct ap_opt_group prune_groups[] = {
	{ "cache", prune_table, AP_LEN(prune_table), 0 },
	AP_COMMON_GROUP(AT(common)),
};

/* A file, or a part that goes as a whole. */
struct aged {
	time_t used;
	uint64_t bytes;
};

struct usage {
	struct aged *v; /* when `listed` */
	size_t n, room;
	bool listed;
	uint64_t files, bytes;
	time_t newest, oldest;
	time_t before; /* remove what is older; 0: remove nothing */
	uint64_t removed_files, removed_bytes;
	bool dry_run;
};

static time_t last_use(const struct stat *st)
{
	return AP_MAX(st->st_atime, st->st_mtime);
}

static void list(struct usage *u, time_t used, uint64_t bytes)
{
	if (u->n == u->room) {
		u->room = u->room * 2 + 64;
		u->v = ap_xreallocarray(u->v, u->room, sizeof(*u->v));
	}
	u->v[u->n++] = (struct aged){ used, bytes };
}

static void visit_file(struct usage *u, int dir, const char *name, const struct stat *st)
{
	time_t used = last_use(st);

	u->files++;
	u->bytes += (uint64_t)st->st_size;
	u->newest = AP_MAX(u->newest, used);
	u->oldest = u->oldest ? AP_MIN(u->oldest, used) : used;
	if (u->listed)
		list(u, used, (uint64_t)st->st_size);
	if (!u->before || used >= u->before)
		return;
	if (!u->dry_run && unlinkat(dir, name, 0) != 0)
		return;
	u->removed_files++;
	u->removed_bytes += (uint64_t)st->st_size;
}

static void visit(struct usage *u, int parent, const char *name, unsigned depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d))) {
		struct stat st;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
			fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < 32)
			visit(u, fd, e->d_name, depth + 1);
		else if (!S_ISDIR(st.st_mode))
			visit_file(u, fd, e->d_name, &st);
	}
	closedir(d);
}

static int prune_whole(
	const char *dir, const struct ap_cache_part *b, struct usage *u, struct ap_err *err)
{
	ap_auto_free char *path = ap_fs_join(dir, b->name);

	if (u->newest >= u->before || !u->files)
		return 0;
	if (!u->dry_run && ap_fs_remove_tree(path, err) < 0)
		return -1;
	u->removed_files = u->files;
	u->removed_bytes = u->bytes;
	return 0;
}

static int look_at(
	struct usage *u, const char *dir, const struct ap_cache_part *b, struct ap_err *err)
{
	ap_auto_fd int top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	time_t before = u->before;

	if (top < 0)
		return 0;
	if (b->whole)
		u->before = 0;
	visit(u, top, b->name, 0);
	u->before = before;
	return b->whole && before ? prune_whole(dir, b, u, err) : 0;
}

static int older_first(const void *a, const void *b)
{
	const struct aged *x = a;
	const struct aged *y = b;

	return (x->used > y->used) - (x->used < y->used);
}

/* What was last used before *before has to go for at most `most` bytes to stay. */
static int time_for_size(time_t *before, const char *dir, uint64_t most, struct ap_err *err)
{
	struct usage all = { .listed = true };
	uint64_t bytes = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < AP_CACHE_PARTS; i++) {
		struct usage one = { .listed = !ap_cache_parts[i].whole };

		rc = look_at(&one, dir, &ap_cache_parts[i], err);
		if (ap_cache_parts[i].whole && one.files)
			list(&one, one.newest, one.bytes);
		for (size_t k = 0; k < one.n; k++)
			list(&all, one.v[k].used, one.v[k].bytes);
		bytes += one.bytes;
		free(one.v);
	}
	*before = 0;
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), older_first);
	for (size_t i = 0; i < all.n && bytes > most; i++) {
		bytes -= all.v[i].bytes;
		*before = all.v[i].used + 1;
	}
	free(all.v);
	return rc;
}

/* "500MB", "10GB", "1000": decimal units, as they are shown. */
static int parse_size(uint64_t *out, const char *text, struct ap_err *err)
{
	static const char *const units[] = { "", "kB", "MB", "GB", "TB" };
	size_t digits = strspn(text, "0123456789");
	ap_auto_free char *number = ap_xstrndup(text, digits);
	uint64_t scale = 1;

	for (size_t i = 0; digits && i < AP_LEN(units); i++, scale *= 1000) {
		if (strcasecmp(text + digits, units[i]) == 0 &&
			ap_parse_u64(number, UINT64_MAX / scale, out)) {
			*out *= scale;
			return 0;
		}
	}
	return ap_err_set(
		err, AP_E_USAGE, "--max-size=%.40s: want a size such as 500MB or 10GB", text);
}

struct limits {
	bool by_age, by_size, all;
	uint64_t days, bytes;
};

static int limits_of(struct limits *l, const struct cache_opts *o, struct ap_err *err)
{
	*l = (struct limits){ !o->max_size || o->older_than, o->max_size, o->all, 30, 0 };
	if (o->older_than && !ap_parse_u64(o->older_than, 36500, &l->days))
		return ap_err_set(
			err, AP_E_USAGE, "--older-than=%s: at most 36500 days", o->older_than);
	return o->max_size ? parse_size(&l->bytes, o->max_size, err) : 0;
}

/* Everything last used before *before goes. */
static int time_to_prune(
	time_t *before, const struct limits *l, const char *dir, struct ap_err *err)
{
	*before = 0;
	if (l->by_size && time_for_size(before, dir, l->bytes, err) < 0)
		return -1;
	if (l->by_age) {
		time_t old = time(NULL) - (time_t)l->days * 86400 + (l->days == 0);

		*before = AP_MAX(*before, old);
	}
	if (l->all)
		*before = time(NULL) + 86400;
	return 0;
}

static int open_cache(
	struct ap_env *env, const struct cache_opts *o, const char **dir, struct ap_err *err)
{
	if (ap_env_load(env, &o->common, NULL, err) < 0)
		return -1;
	*dir = o->cache_dir ? o->cache_dir : ap_env_get(env, AP_KEY_CACHE_DIR);
	if (!*dir)
		return ap_err_set(err, AP_E_INPUT, "no cache: HOME is not set; give --cache-dir");
	return 0;
}

static cJSON *row(const struct ap_cache_part *b, const struct usage *u)
{
	cJSON *j = ap_json_object();
	ap_auto_buf size = AP_BUF_INIT;
	time_t days = u->newest ? (time(NULL) - u->oldest) / 86400 : 0;

	ap_buf_add_bytes(&size, u->bytes);
	ap_json_set_str(j, "part", b->name);
	ap_json_set(j, "files", ap_json_number((double)u->files));
	ap_json_set(j, "bytes", ap_json_number((double)u->bytes));
	ap_json_set_str(j, "size", size.p);
	ap_json_set(j, "oldestDays", ap_json_number((double)AP_MAX(days, 0)));
	ap_json_set_str(j, "what", b->what);
	return j;
}

static int info(struct ap_call *call, struct ap_err *err)
{
	const struct cache_opts *o = call->opts;
	ap_auto_json rows = ap_json_array();
	ap_auto_buf out = AP_BUF_INIT;
	const char *dir;
	struct ap_env env;
	int rc = open_cache(&env, o, &dir, err);

	for (size_t i = 0; rc == 0 && i < AP_CACHE_PARTS; i++) {
		struct usage u = { 0 };

		rc = look_at(&u, dir, &ap_cache_parts[i], err);
		ap_json_push(rows, row(&ap_cache_parts[i], &u));
	}
	if (rc == 0)
		rc = ap_render(&out, rows, o->format ? o->format : "table",
			"part,files,size,oldestDays,what", err);
	if (rc == 0 && !o->format)
		ap_buf_addf(&out, "in %s\n", dir);
	if (rc == 0)
		rc = ap_stdout(out.p, out.len, err);
	ap_env_release(&env);
	return rc;
}

static int prune_all(
	const struct cache_opts *o, const char *dir, struct ap_buf *out, struct ap_err *err)
{
	ap_auto_fd int lock = -1;
	const bool ours = ap_cache_is_one(dir);
	struct usage sum = { 0 };
	struct limits limits;
	time_t before;

	if (limits_of(&limits, o, err) < 0)
		return -1;
	if (ours && ap_cache_alone(&lock, dir, err) < 0)
		return -1;
	if (time_to_prune(&before, &limits, dir, err) < 0)
		return -1;
	for (size_t i = 0; ours && i < AP_CACHE_PARTS; i++) {
		struct usage u = { .dry_run = o->dry_run, .before = before };

		if (look_at(&u, dir, &ap_cache_parts[i], err) < 0)
			return -1;
		sum.removed_files += u.removed_files;
		sum.removed_bytes += u.removed_bytes;
	}
	ap_buf_addf(out, "%ju files, ", (uintmax_t)sum.removed_files);
	ap_buf_add_bytes(out, sum.removed_bytes);
	ap_buf_adds(out, o->dry_run ? " would be removed\n" : " removed\n");
	return 0;
}

static int prune(struct ap_call *call, struct ap_err *err)
{
	const struct cache_opts *o = call->opts;
	ap_auto_buf out = AP_BUF_INIT;
	const char *dir;
	struct ap_env env;
	int rc = open_cache(&env, o, &dir, err);

	if (rc == 0)
		rc = prune_all(o, dir, &out, err);
	if (rc == 0)
		rc = ap_stdout(out.p, out.len, err);
	ap_env_release(&env);
	return rc;
}

static const struct ap_cmd info_cmd = {
	.name = "info",
	.summary = "what the cache holds, part by part",
	.example = "autopack cache info",
	.groups = info_groups,
	.n_groups = AP_LEN(info_groups),
	.opts_size = sizeof(struct cache_opts),
	.run = info,
};

static const struct ap_cmd prune_cmd = {
	.name = "prune",
	.summary = "remove what was not used for a while",
	.description =
		"Removes what no run has used for some days. Runs that use the cache are waited for; everything "
		"in it can be made or fetched again.",
	.example = "autopack cache prune --older-than=7",
	.groups = prune_groups,
	.n_groups = AP_LEN(prune_groups),
	.opts_size = sizeof(struct cache_opts),
	.run = prune,
};

static const struct ap_cmd *const sub[] = { &info_cmd, &prune_cmd, NULL };

const struct ap_cmd ap_cmd_cache = {
	.name = "cache",
	.summary = "what is kept on this machine: show it, remove it",
	.sub = sub,
};
