#include "deps/compile.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "deps/install.h"

#define FORMAT "autopack.bytecode.v1"

enum { SEAL = 's' };

/*
 * In: for each wheel a directory entry, its library, and then its sources.
 * Out: the same entries, with bytecode in the place of sources.
 * Source: PEP 552; flags 1: by hash, unchecked.
 */
static const char program[] = AP_PARCEL_PY
	"import importlib.util, marshal, os\n"
	"if sys.version_info < (3, 7): sys.exit('want Python 3.7 or newer in the base')\n"
	"head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, 'little')\n"
	"def work(path, data, fd):\n"
	"    status = 1\n"
	"    try:\n"
	"        try:\n"
	"            code = compile(data, path, 'exec', dont_inherit=True)\n"
	"        except Exception:\n"
	"            status = 3\n"
	"            return\n"
	"        with open(fd, 'wb') as out:\n"
	"            out.write(head + importlib.util.source_hash(data) + marshal.dumps(code))\n"
	"        status = 0\n"
	"    finally:\n"
	"        os._exit(status)\n"
	"def start(lib, name, data):\n"
	"    path = lib + '/' + name\n"
	"    r, w = os.pipe()\n"
	"    pid = os.fork()\n"
	"    if not pid: work(path, data, w)\n"
	"    os.close(w)\n"
	"    pyc = os.path.relpath(importlib.util.cache_from_source(path), lib)\n"
	"    return pid, r, pyc, path\n"
	"def finish(pid, r, pyc, path):\n"
	"    with open(r, 'rb') as f: data = f.read()\n"
	"    status = os.waitpid(pid, 0)[1]\n"
	"    if status == 0: put('f', pyc, data)\n"
	"    elif status != 3 << 8: sys.exit('compiling %s: status %d' % (path, status))\n"
	"jobs, lib = [], None\n"
	"workers = len(os.sched_getaffinity(0))\n"
	"while True:\n"
	"    item = take()\n"
	"    while jobs and (len(jobs) >= workers or not item or item[0] == 'd'):\n"
	"        finish(*jobs.pop(0))\n"
	"    if not item: break\n"
	"    if item[0] == 'd':\n"
	"        lib = item[1]\n"
	"        put('d', lib, b'')\n"
	"    else:\n"
	"        jobs.append(start(lib, *item[1:]))\n"
	"end()\n";

struct ap_compile {
	struct ap_inside *in;
	const struct ap_inventory *inv;
	char *kept; /* where bytecode is kept */
	char *dir;  /* of this run */
	char *input;
	int fd; /* of input */
	pthread_mutex_t lock;
	struct ap_strv finals; /* where the bytecode of each added wheel goes */
};

int ap_compile_new(struct ap_compile **out, struct ap_inside *in, const struct ap_inventory *inv,
	const char *cache_dir, struct ap_err *err)
{
	ap_auto_free char *kept = ap_fs_join(cache_dir, "bytecode");
	ap_auto_free char *dir = ap_fs_join(kept, "run.tmp.XXXXXX");
	ap_auto_free char *input = NULL;
	ap_auto_fd int fd = -1;
	struct ap_compile *c;

	if (ap_fs_mkdirs(kept, 0700, err) < 0)
		return -1;
	if (!mkdtemp(dir))
		return ap_err_sys(err, "make directory %s", dir);
	input = ap_fs_join(dir, "in");
	fd = open(input, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		ap_err_sys(err, "%s", input);
		rmdir(dir);
		return -1;
	}
	c = ap_xcalloc(1, sizeof(*c));
	*c = (struct ap_compile){ .in = in,
		.inv = inv,
		.kept = AP_STEAL(kept),
		.dir = AP_STEAL(dir),
		.input = AP_STEAL(input),
		.fd = AP_STEAL_FD(fd) };
	pthread_mutex_init(&c->lock, NULL);
	*out = c;
	return 0;
}

void ap_compile_free(struct ap_compile *c)
{
	struct ap_err ignored = AP_ERR_INIT;

	if (!c)
		return;
	ap_close_p(&c->fd);
	(void)!ap_fs_remove_tree(c->dir, &ignored);
	ap_strv_release(&c->finals);
	pthread_mutex_destroy(&c->lock);
	free(c->kept);
	free(c->dir);
	free(c->input);
	free(c);
}

/* Where the bytecode of a wheel is kept: by all that it depends on. */
static char *kept_at(const struct ap_compile *c, const struct ap_locked *l)
{
	const struct ap_scheme *s = &c->inv->scheme;
	const char *const parts[] = { FORMAT, c->in->base, c->in->python, l->digest.s, l->filename,
		s->purelib, s->platlib, s->scripts, s->data, s->headers, s->interpreter };
	ap_auto_buf b = AP_BUF_INIT;
	struct ap_digest d;

	for (size_t i = 0; i < AP_LEN(parts); i++)
		ap_buf_add(&b, parts[i] ? parts[i] : "", parts[i] ? strlen(parts[i]) + 1 : 1);
	ap_sha256_of(&d, b.p, b.len);
	return ap_fs_join(c->kept, ap_digest_hex(&d));
}

/* What is kept ends with the digest of all before: is it as it was written? */
static int check_kept(struct ap_parcels *p, struct ap_err *err)
{
	struct ap_parcel *last = p->n ? &p->v[p->n - 1] : NULL;
	struct ap_digest d;

	if (!last || last->kind != SEAL)
		return ap_err_set(err, AP_E_DIGEST, "%s: has no digest", p->path);
	if (ap_fs_digest(&d, NULL, p->path, last->at - strlen("s 0 \n") - strlen(last->name), err) <
		0)
		return -1;
	if (strcmp(last->name, d.s) != 0)
		return ap_err_set(
			err, AP_E_DIGEST, "%s: want %s, found %s", p->path, last->name, d.s);
	free(last->name);
	p->n--;
	return 0;
}

bool ap_compile_get(struct ap_parcels *out, const struct ap_compile *c, const struct ap_locked *l)
{
	AP_CLEANUP(ap_parcels_release) struct ap_parcels p = { 0 };
	ap_auto_free char *path = kept_at(c, l);
	struct ap_err ignored = AP_ERR_INIT;

	if (ap_parcels_open(&p, path, &ignored) < 0 || check_kept(&p, &ignored) < 0)
		return false;
	*out = p;
	p = (struct ap_parcels){ 0 };
	return true;
}

int ap_compile_add(
	struct ap_compile *c, const char *path, const struct ap_locked *l, struct ap_err *err)
{
	int rc;

	pthread_mutex_lock(&c->lock);
	rc = ap_install_sources(c->fd, path, l, c->inv, err);
	ap_strv_own(&c->finals, kept_at(c, l));
	pthread_mutex_unlock(&c->lock);
	return rc;
}

/* What came out, from v[*at] on, to the next wheel's directory entry. */
static int keep_one(const char *final, const struct ap_parcels *out, size_t *at, struct ap_err *err)
{
	AP_CLEANUP(ap_fs_temp_release) struct ap_fs_temp t = AP_FS_TEMP_INIT;
	struct ap_digest d;

	if (ap_fs_temp_open(&t, final, 0600, err) < 0)
		return -1;
	for (; *at < out->n && out->v[*at].kind != AP_PARCEL_DIR; (*at)++) {
		ap_auto_reader r = NULL;

		if (ap_parcels_reader(&r, out, &out->v[*at], err) < 0 ||
			ap_parcel_put(t.fd, AP_PARCEL_FILE, out->v[*at].name, r, out->v[*at].size,
				err) < 0)
			return -1;
	}
	if (ap_fs_digest(&d, NULL, t.temp, UINT64_MAX, err) < 0 ||
		ap_parcel_put_bytes(t.fd, SEAL, d.s, "", 0, err) < 0 ||
		ap_parcel_end(t.fd, err) < 0)
		return -1;
	return ap_fs_temp_commit(&t, err);
}

static int keep_all(const struct ap_compile *c, const struct ap_parcels *out, struct ap_err *err)
{
	size_t at = 0;

	for (size_t i = 0; i < c->finals.n; i++) {
		if (at >= out->n || out->v[at].kind != AP_PARCEL_DIR)
			return ap_err_set(err, AP_E_PROTO,
				"bytecode of %zu wheels was wanted, and of %zu came", c->finals.n,
				i);
		at++;
		if (keep_one(c->finals.v[i], out, &at, err) < 0)
			return -1;
	}
	return 0;
}

int ap_compile_run(struct ap_compile *c, struct ap_err *err)
{
	AP_CLEANUP(ap_parcels_release) struct ap_parcels out = { 0 };
	ap_auto_free char *output = ap_fs_join(c->dir, "out");

	if (!c->finals.n)
		return 0;
	if (ap_parcel_end(c->fd, err) < 0)
		return -1;
	if (ap_inside_python(c->in, program, "LD_LIBRARY_PATH", c->input, output, err) < 0 ||
		ap_parcels_open(&out, output, err) < 0)
		return ap_err_wrap(err, "compiling to bytecode inside the base");
	return keep_all(c, &out, err);
}
