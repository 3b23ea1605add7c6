#include "deps/build_inside.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/toml.h"
#include "deps/parcel.h"

enum { MAX_PYPROJECT = 4 << 20, MAX_SAID = 1 << 20 };

/* One call of the backend, in the build's own environment. */
#define HOOK_PY                                                                                             \
	"hook = r'''\n"                                                                                     \
	"import importlib, json, os, sys\n"                                                                 \
	"spec, what, out, result = sys.argv[1:]\n"                                                          \
	"spec = json.load(open(spec))\n"                                                                    \
	"sys.path = [os.path.abspath(p) for p in spec['path']] + [p for p in sys.path if p]\n"              \
	"module, _, name = spec['backend'].partition(':')\n"                                                \
	"backend = importlib.import_module(module)\n"                                                       \
	"for part in filter(None, name.split('.')): backend = getattr(backend, part)\n"                     \
	"if what == 'need': value = getattr(backend, 'get_requires_for_build_wheel', lambda c: [])(None)\n" \
	"else: value = backend.build_wheel(out, None)\n"                                                    \
	"json.dump(value, open(result, 'w'))\n"                                                             \
	"'''\n"

/*
 * In: spec.json, site/ (what the build requires, as uv installed it), source/
 * or an archive.  Out: a wheel; or "need", a list of more that is required; or
 * "failed", what was said, and "lacks".
 */
static const char program[] = AP_PARCEL_PY HOOK_PY
	"import glob, json, os, shutil, subprocess, sysconfig, venv\n"
	"os.umask(0o22)\n"
	"top = '/tmp/autopack-build'\n" /* compilers write it into what they make */
	"shutil.rmtree(top, ignore_errors=True)\n"
	"os.makedirs(top)\n"
	"def place(kind, name, data):\n"
	"    path = os.path.join(top, name)\n"
	"    if kind == 'd': os.makedirs(path, exist_ok=True)\n"
	"    elif kind == 'l': os.symlink(data, os.fsencode(path))\n"
	"    else:\n"
	"        with open(path, 'wb') as f: f.write(data)\n"
	"        os.chmod(path, 0o755 if kind == 'x' else 0o644)\n"
	"def environment():\n"
	"    venv.EnvBuilder(symlinks=True, with_pip=False).create(top + '/venv')\n"
	"    lib = glob.glob(top + '/venv/lib/python*/site-packages')[0]\n"
	"    programs = top + '/site/bin'\n"
	"    for name in os.listdir(programs) if os.path.isdir(programs) else ():\n"
	"        with open(programs + '/' + name, 'rb') as f: text = f.read()\n"
	"        head, _, rest = text.partition(b'\\n')\n"
	"        if head == b'#!/bin/sh' and rest.startswith(b\"'''exec'\"):\n"
	"            rest = rest.split(b'\\n', 2)[2]\n"
	"        elif not (head.startswith(b'#!') and b'python' in head): rest = None\n"
	"        if rest is not None: text = b'#!' + os.fsencode(top) + b'/venv/bin/python\\n' + rest\n"
	"        place('x', 'venv/bin/' + name, text)\n"
	"    for name in os.listdir(top + '/site'):\n"
	"        if name != 'bin': os.rename(top + '/site/' + name, lib + '/' + name)\n"
	"def call(what):\n"
	"    env = dict(os.environ, HOME=top + '/home', TMPDIR=top, VIRTUAL_ENV=top + '/venv',\n"
	"               PATH=top + '/venv/bin:' + os.environ.get('PATH', os.defpath),\n"
	"               SOURCE_DATE_EPOCH='315532800')\n"
	"    with open(top + '/log', 'wb') as log:\n"
	"        status = subprocess.call([top + '/venv/bin/python', '-c', hook, top + '/spec.json', what,\n"
	"            top + '/out', top + '/result.json'], cwd=source, env=env, stdin=subprocess.DEVNULL,\n"
	"            stdout=log, stderr=log)\n"
	"    if status == 0:\n"
	"        with open(top + '/result.json') as f: return json.load(f)\n"
	"    with open(top + '/log', 'rb') as f: said = f.read()\n"
	"    put('e', 'failed', said[-4000:] or b'it ended with status %d and said nothing' % status)\n"
	"    compiler = os.path.basename((sysconfig.get_config_var('CC') or 'cc').split()[0])\n"
	"    if compiler.encode() in said and not shutil.which(compiler):\n"
	"        put('e', 'lacks', b'no C compiler (%s)' % compiler.encode())\n"
	"    elif b'Python.h' in said and not os.path.exists(sysconfig.get_path('include') + '/Python.h'):\n"
	"        put('e', 'lacks', b'no Python.h (python3-dev)')\n"
	"try:\n"
	"    for name in 'home', 'out', 'site': place('d', name, b'')\n"
	"    while True:\n"
	"        item = take()\n"
	"        if not item: break\n"
	"        place(*item)\n"
	"    with open(top + '/spec.json') as f: spec = json.load(f)\n"
	"    source = top + '/source'\n"
	"    if spec['archive']:\n"
	"        shutil.unpack_archive(top + '/' + spec['archive'], source)\n"
	"        inner = os.listdir(source)\n"
	"        if len(inner) == 1: source += '/' + inner[0]\n"
	"    environment()\n"
	"    need = [] if spec['final'] else call('need')\n"
	"    if need: put('r', 'need', json.dumps(need).encode())\n"
	"    elif need is not None:\n"
	"        wheel = call('wheel')\n"
	"        if wheel:\n"
	"            with open(top + '/out/' + os.path.basename(wheel), 'rb') as f: put('f', os.path.basename(wheel), f.read())\n"
	"    end()\n"
	"finally: shutil.rmtree(top, ignore_errors=True)\n";

/* ---- [build-system] ---- */

/* The pyproject.toml beside what an archive's only directory holds; empty: it has none. */
static int pyproject_in(struct ap_buf *text, const char *archive, struct ap_err *err)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	int rc;

	if (!a)
		ap_oom();
	archive_read_support_filter_all(a);
	archive_read_support_format_tar(a);
	archive_read_support_format_zip(a);
	rc = archive_read_open_filename(a, archive, 1 << 16);
	while (rc == ARCHIVE_OK && (rc = archive_read_next_header(a, &e)) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(e);
		const char *slash;
		char chunk[8192];
		la_ssize_t n;

		while (name && ap_starts_with(name, "./"))
			name += 2;
		slash = name ? strchr(name, '/') : NULL;
		if (!slash || strcmp(slash, "/pyproject.toml") != 0)
			continue;
		while ((n = archive_read_data(a, chunk, sizeof(chunk))) > 0)
			ap_buf_add(text, chunk, (size_t)n);
		rc = n < 0 ? ARCHIVE_FATAL : ARCHIVE_EOF;
	}
	if (rc != ARCHIVE_EOF)
		ap_err_set(err, AP_E_INPUT, "%s: %s", archive, archive_error_string(a));
	archive_read_free(a);
	return rc == ARCHIVE_EOF ? ap_buf_check(text, "pyproject.toml", err) : -1;
}

/* What pip does where nothing is said.  Source: PEP 517, PEP 518. */
struct system {
	struct ap_strv requires;
	cJSON *spec;
};

static void system_release(struct system *s)
{
	ap_strv_release(&s->requires);
	cJSON_Delete(s->spec);
}

static int read_system(struct system *s, const char *source, bool is_dir, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(MAX_PYPROJECT);
	ap_auto_free char *path = is_dir ? ap_fs_join(source, "pyproject.toml") : NULL;
	ap_auto_json j = NULL;
	const cJSON *table, *given, *dirs, *item;
	const char *slash = strrchr(source, '/');
	cJSON *paths;
	const char *backend;

	if (is_dir ? ap_fs_is_file(path) && ap_fs_read(&text, path, err) < 0
		   : pyproject_in(&text, source, err) < 0)
		return -1;
	if (ap_toml_parse(&j, text.p, text.len, err) < 0)
		return ap_err_wrap(err, "pyproject.toml");
	table = ap_json_get(j, "build-system");
	backend = table ? ap_json_str(table, "build-backend") : NULL;
	given = table ? ap_json_get(table, "requires") : NULL;
	dirs = table ? ap_json_get(table, "backend-path") : NULL;
	s->spec = ap_json_object();
	ap_json_set_str(s->spec, "backend", backend ? backend : "setuptools.build_meta:__legacy__");
	ap_json_set_str(s->spec, "archive", is_dir ? "" : slash ? slash + 1 : source);
	paths = ap_json_set_array(s->spec, "path");
	cJSON_ArrayForEach(item, dirs) if (cJSON_IsString(item))
		ap_json_push(paths, ap_json_string(item->valuestring));
	cJSON_ArrayForEach(item, given) if (cJSON_IsString(item))
		ap_strv_add(&s->requires, item->valuestring);
	if (!given)
		ap_strv_add(&s->requires, "setuptools>=40.8.0");
	return 0;
}

/* ---- what the build requires ---- */

static int bring_requires(const struct ap_strv *requires, const char *temp, const char *site,
	const struct ap_build_opts *o, struct ap_err *err)
{
	static const char *const fixed[] = { "pip", "install", "--config-file", "uv.toml",
		"--quiet", "--link-mode=copy", "--only-binary=:all:" };
	ap_auto_free char *platform = ap_uv_platform(o->inv);
	ap_auto_free char *path = ap_fs_join(temp, "requires.txt");
	ap_auto_free char *text = ap_strv_join(requires, "\n");
	ap_auto_strv words = { 0 };
	ap_auto_buf said = AP_BUF_MAX(MAX_SAID);
	ap_auto_buf shown = AP_BUF_INIT;
	int status;

	if (ap_fs_mkdirs(site, 0700, err) < 0 || !requires->n)
		return err->code ? -1 : 0;
	if (ap_fs_write(path, text, strlen(text), 0600, err) < 0)
		return -1;
	for (size_t i = 0; i < AP_LEN(fixed); i++)
		ap_strv_add(&words, fixed[i]);
	ap_strv_addf(&words, "--target=%s", site);
	ap_strv_addf(&words, "--python-version=%u.%u.%u", o->inv->py_major, o->inv->py_minor,
		o->inv->py_micro);
	ap_strv_addf(&words, "--python-platform=%s", platform);
	ap_strv_add(&words, "--requirements");
	ap_strv_add(&words, path);
	if (ap_uv_run(o->uv, &status, &words, &said, err) < 0)
		return -1;
	if (status == 0)
		return 0;
	ap_inside_last_words(&shown, said.p, said.len);
	return ap_err_set(
		err, AP_E_RESOLVE, "what the build requires, as wheels for the base: %s", shown.p);
}

/* ---- one run inside ---- */

static int write_input(const struct system *s, const char *source, bool is_dir, const char *site,
	const char *input, struct ap_err *err)
{
	ap_auto_fd int fd = open(input, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ap_auto_buf spec = AP_BUF_INIT;
	ap_auto_reader r = NULL;
	const char *archive = ap_json_str(s->spec, "archive");
	struct stat st;
	int in;

	if (fd < 0)
		return ap_err_sys(err, "%s", input);
	ap_json_print(&spec, s->spec, 0);
	if (ap_parcel_put_bytes(fd, AP_PARCEL_FILE, "spec.json", spec.p, spec.len, err) < 0 ||
		ap_parcel_put_tree(fd, "site", site, err) < 0)
		return -1;
	if (is_dir)
		return ap_parcel_put_tree(fd, "source", source, err) < 0 ? -1
									 : ap_parcel_end(fd, err);
	in = ap_fs_open_file(source, err);
	if (in < 0)
		return -1;
	ap_fd_reader(&r, in, 0, UINT64_MAX);
	if (fstat(in, &st) < 0)
		return ap_err_sys(err, "%s", source);
	return ap_parcel_put(fd, AP_PARCEL_FILE, archive, r, (uint64_t)st.st_size, err) < 0
		       ? -1
		       : ap_parcel_end(fd, err);
}

static int text_of(
	struct ap_buf *text, const struct ap_parcels *p, const char *name, struct ap_err *err)
{
	for (size_t i = 0; i < p->n; i++) {
		ap_auto_reader r = NULL;

		if (strcmp(p->v[i].name, name) == 0)
			return ap_parcels_reader(&r, p, &p->v[i], err) < 0
				       ? -1
				       : ap_read_all(r, text, err);
	}
	return 0;
}

static int failed(const struct ap_parcels *p, struct ap_err *err)
{
	ap_auto_buf said = AP_BUF_MAX(MAX_SAID);
	ap_auto_buf lacks = AP_BUF_MAX(MAX_SAID);
	ap_auto_buf shown = AP_BUF_INIT;
	ap_auto_buf lacking = AP_BUF_INIT;

	if (text_of(&said, p, "failed", err) < 0 || text_of(&lacks, p, "lacks", err) < 0)
		return -1;
	ap_inside_last_lines(&shown, said.p, said.len);
	ap_inside_last_words(&lacking, lacks.p, lacks.len);
	if (lacking.len)
		return ap_err_set(err, AP_E_BUILD,
			"the build inside the base fails; the base has %s:%s", lacking.p, shown.p);
	return ap_err_set(err, AP_E_BUILD, "the build inside the base fails:%s", shown.p);
}

static int take_wheel(const struct ap_parcels *p, const struct ap_parcel *one, const char *out,
	struct ap_err *err)
{
	AP_CLEANUP(ap_fs_temp_release) struct ap_fs_temp t = AP_FS_TEMP_INIT;
	ap_auto_free char *path = ap_fs_join(out, one->name);
	ap_auto_free char *chunk = ap_xmalloc(1 << 16);
	ap_auto_reader r = NULL;
	size_t got = 1;

	if (strchr(one->name, '/') || *one->name == '.')
		return ap_err_set(err, AP_E_PROTO, "\"%.100s\" is no name of a wheel", one->name);
	if (ap_fs_temp_open(&t, path, 0600, err) < 0 || ap_parcels_reader(&r, p, one, err) < 0)
		return -1;
	while (got)
		if (ap_read(r, chunk, 1 << 16, &got, err) < 0 ||
			ap_write_all(t.fd, chunk, got, err) < 0)
			return -1;
	return ap_fs_temp_commit(&t, err);
}

/* "need" of what came out, added to what is required; *more: there was such a list. */
static int take_need(struct system *s, bool *more, const struct ap_parcels *p, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(MAX_SAID);
	ap_auto_json j = NULL;
	const cJSON *item;

	*more = false;
	if (text_of(&text, p, "need", err) < 0)
		return -1;
	if (!text.len)
		return 0;
	if (ap_json_parse(&j, text.p, text.len, err) < 0)
		return ap_err_wrap(err, "what the build needs");
	cJSON_ArrayForEach(item, j) if (cJSON_IsString(item))
		ap_strv_add(&s->requires, item->valuestring);
	*more = true;
	return 0;
}

/* Once, and where the backend names more that it needs, with that once more. */
static int run(struct system *s, bool final, bool *more, const char *source, bool is_dir,
	const char *temp, const char *out, const struct ap_build_opts *o, struct ap_err *err)
{
	AP_CLEANUP(ap_parcels_release) struct ap_parcels came = { 0 };
	ap_auto_free char *site = ap_xasprintf("%s/site%d", temp, final);
	ap_auto_free char *input = ap_fs_join(temp, "to-base");
	ap_auto_free char *output = ap_fs_join(temp, "from-base");

	ap_json_set(s->spec, "final", ap_json_bool(final));
	if (bring_requires(&s->requires, temp, site, o, err) < 0 ||
		write_input(s, source, is_dir, site, input, err) < 0 ||
		ap_inside_python(o->inside, program, NULL, input, output, err) < 0 ||
		ap_parcels_open(&came, output, err) < 0 || take_need(s, more, &came, err) < 0)
		return -1;
	if (*more)
		return 0;
	if (!came.n || came.v[0].kind != AP_PARCEL_FILE)
		return failed(&came, err);
	return take_wheel(&came, &came.v[0], out, err);
}

int ap_build_inside(const char *source, bool is_dir, const char *temp, const char *out,
	const struct ap_build_opts *o, struct ap_err *err)
{
	AP_CLEANUP(system_release) struct system s = { 0 };
	bool more = false;

	if (read_system(&s, source, is_dir, err) < 0 ||
		run(&s, false, &more, source, is_dir, temp, out, o, err) < 0)
		return -1;
	return more ? run(&s, true, &more, source, is_dir, temp, out, o, err) : 0;
}
