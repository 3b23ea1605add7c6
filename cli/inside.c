#include "cli/inside.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/fs.h"
#include "cli/bundle.h"
#include "cli/runtime.h"
#include "cli/world.h"
#include "pack/copy.h"

enum { MAX_SAID = 1 << 20 };

struct inside {
	struct ap_inside in; /* first */
	struct ap_inside_opts o;
	const char *runtime; /* NULL: none is at work yet */
	char *image;         /* its name there; buildah: the container; crun: the bundle */
	char *dir;           /* what was copied; NULL: nothing */
	char *name;          /* of containers */
	pthread_mutex_t lock;
};

static bool is(const char *runtime, const char *name)
{
	return strcmp(runtime, name) == 0;
}

void ap_inside_argv(struct ap_strv *out, const char *runtime, const char *image, const char *name,
	const struct ap_strv *argv)
{
	ap_strv_add(out, runtime);
	ap_strv_add(out, "run");
	if (is(runtime, "crun")) {
		ap_strv_add(out, "--bundle");
		ap_strv_add(out, image);
		ap_strv_add(out, name);
		return;
	}
	if (is(runtime, "buildah")) {
		ap_strv_add(out, "--isolation=chroot");
		ap_strv_add(out, "--user=0:0");
		ap_strv_add(out, "--workingdir=/");
		ap_strv_add(out, image);
		ap_strv_add(out, "--");
		ap_strv_copy(out, argv);
		return;
	}
	ap_strv_add(out, "--rm");
	ap_strv_add(out, "--interactive");
	ap_strv_addf(out, "--name=%s", name);
	ap_strv_add(out, "--network=none");
	ap_strv_add(out, "--pull=never");
	ap_strv_add(out, "--user=0:0");
	ap_strv_add(out, "--workdir=/");
	if (is(runtime, "podman"))
		ap_strv_add(out, "--http-proxy=false"); /* it may hold a password */
	ap_strv_addf(out, "--entrypoint=%s", argv->v[0]);
	ap_strv_add(out, image);
	for (size_t i = 1; i < argv->n; i++)
		ap_strv_add(out, argv->v[i]);
}

/* ---- bringing the base to a runtime ---- */

static int make_dir(struct inside *s, struct ap_err *err)
{
	ap_auto_free char *dir = ap_fs_join(s->o.cache_dir, "inside.tmp.XXXXXX");

	if (s->dir)
		return 0;
	if (!mkdtemp(dir))
		return ap_err_sys(err, "make directory %s", dir);
	s->dir = realpath(dir, NULL);
	return s->dir ? 0 : ap_err_sys(err, "%s", dir);
}

/* The base as "TRANSPORT:DIR/NAME"; *path: the part behind the colon, owned. */
static int copy_base(char **path, struct inside *s, const char *transport, const char *name,
	const char *tag, struct ap_err *err)
{
	AP_CLEANUP(ap_descriptor_release) struct ap_descriptor copied = { 0 };
	AP_CLEANUP(ap_ref_release) struct ap_ref to = { 0 };
	ap_auto_strv tags = { 0 };
	ap_auto_free char *text = NULL;
	ap_auto_free char *file = NULL;
	struct ap_push_stats stats = { 0 };
	struct ap_sink *sink = NULL;
	uint64_t bytes = 0;
	int rc;

	if (make_dir(s, err) < 0)
		return -1;
	file = ap_fs_join(s->dir, name);
	text = ap_xasprintf("%s:%s", transport, file);
	if (access(file, F_OK) == 0) {
		*path = AP_STEAL(file);
		return 0;
	}
	for (size_t i = 0; i < s->o.base->n_layers; i++)
		bytes += s->o.base->layers[i].size;
	ap_emit_note(s->o.progress, AP_STEP_BASE,
		"copying the executor image to this machine, to run its Python: %.1f MB",
		(double)bytes / 1e6);
	if (tag)
		ap_strv_add(&tags, tag);
	if (ap_ref_parse(&to, text, err) < 0 || ap_world_sink(&sink, s->o.world, &to, err) < 0)
		return -1;
	rc = ap_image_copy(&copied, &stats, s->o.source, sink, s->o.platform, &tags, NULL, err);
	ap_sink_free(sink);
	if (rc < 0)
		return ap_err_wrap(err, "copy the executor image");
	if (!ap_digest_eq(&copied.digest, &s->o.base->manifest.digest))
		return ap_err_set(err, AP_E_CHANGED, "the executor image changed meanwhile");
	*path = AP_STEAL(file);
	return 0;
}

/* The base in the store of podman (buildah's too) or docker, under `name`. */
static int bring_to_store(
	struct inside *s, const char *runtime, const char *name, struct ap_err *err)
{
	struct ap_err missing = AP_ERR_INIT;
	ap_auto_free char *file = NULL;
	ap_auto_free char *from = NULL;
	ap_auto_free char *line = NULL;
	int rc;

	rc = is(runtime, "buildah")
		     ? AP_ASK(NULL, 0, &missing, runtime, "inspect", "--type=image", name)
		     : AP_ASK(NULL, 0, &missing, runtime, "image", "inspect", name);
	if (rc == 0)
		return 0;
	/* A docker whose engine is not there is not worth a copy of the image. */
	if (missing.code == AP_E_CANCELLED ||
		(is(runtime, "docker") && !strcasestr(missing.msg, "no such image")))
		return ap_err_set(err, missing.code, "%s", missing.msg);
	if (copy_base(&file, s, "docker-archive", "base.tar", NULL, err) < 0)
		return -1;
	from = ap_xasprintf("docker-archive:%s", file);
	rc = is(runtime, "docker")
		     ? AP_ASK(&line, 0, err, runtime, "load", "--quiet", "--input", file)
		     : AP_ASK(&line, 0, err, runtime, "pull", "--quiet", from);
	return rc < 0 ? -1 : AP_ASK(NULL, 0, err, runtime, "tag", ap_runtime_loaded(line), name);
}

static int bring_bundle(struct inside *s, struct ap_err *err)
{
	ap_auto_free char *layout = NULL;
	ap_auto_free char *tagged = NULL;
	ap_auto_free char *umoci = ap_child_find("umoci", NULL);
	struct ap_local_run how = { .runner = "crun" };

	if (!umoci)
		return ap_err_set(err, AP_E_NOT_FOUND,
			"crun needs umoci to unpack the image, which is not on PATH");
	if (copy_base(&layout, s, "oci", "layout", "base", err) < 0)
		return -1;
	s->image = ap_fs_join(s->dir, "bundle");
	tagged = ap_xasprintf("%s:base", layout);
	how.layout = tagged;
	how.bundle = s->image;
	return ap_bundle_make(&how, err);
}

static int bring(struct inside *s, const char *runtime, struct ap_err *err)
{
	ap_auto_free char *name = ap_xasprintf(
		"localhost/autopack-base:%.16s", ap_digest_hex(&s->o.base->manifest.digest));

	if (is(runtime, "crun"))
		return bring_bundle(s, err);
	if (bring_to_store(s, runtime, name, err) < 0)
		return -1;
	if (is(runtime, "buildah"))
		return AP_ASK(&s->image, 0, err, runtime, "from", "--pull-never", name);
	s->image = AP_STEAL(name);
	return 0;
}

/* ---- running ---- */

/* The bundle's program, as root and with no network. */
static int set_bundle(const struct inside *s, const struct ap_strv *argv, struct ap_err *err)
{
	ap_auto_free char *path = ap_fs_join(s->image, "config.json");
	ap_auto_buf text = AP_BUF_MAX(4 << 20);
	ap_auto_buf out = AP_BUF_INIT;
	ap_auto_json config = NULL;

	if (ap_fs_read(&text, path, err) < 0 || ap_json_parse(&config, text.p, text.len, err) < 0)
		return -1;
	ap_bundle_inside(config, argv);
	ap_json_print(&out, config, 0);
	return ap_fs_write(path, out.p, out.len, 0644, err);
}

/* A container whose client is gone may still be at work. */
static void remove_container(const struct inside *s, const char *runtime)
{
	struct ap_err ignored = AP_ERR_INIT;

	if (is(runtime, "crun"))
		(void)!AP_ASK(NULL, AP_RUNTIME_CLEANS_UP, &ignored, runtime, "delete", "--force",
			s->name);
	else if (!is(runtime, "buildah"))
		(void)!AP_ASK(
			NULL, AP_RUNTIME_CLEANS_UP, &ignored, runtime, "rm", "--force", s->name);
}

static int run_in(struct inside *s, const char *runtime, const struct ap_strv *argv, int in_fd,
	int out_fd, struct ap_err *err)
{
	ap_auto_strv words = { 0 };
	ap_auto_buf nothing = AP_BUF_MAX(MAX_SAID);
	struct ap_runtime_call c = {
		.out = out_fd ? NULL : &nothing, .in_fd = in_fd, .out_fd = out_fd
	};

	if (is(runtime, "crun") && set_bundle(s, argv, err) < 0)
		return -1;
	ap_inside_argv(&words, runtime, s->image, s->name, argv);
	c.argv = (const char *const *)words.v;
	if (ap_runtime_run(&c, err) == 0)
		return 0;
	remove_container(s, runtime);
	return -1;
}

static void leave(struct inside *s, const char *runtime)
{
	struct ap_err ignored = AP_ERR_INIT;

	if (s->image && is(runtime, "buildah"))
		(void)!AP_ASK(NULL, AP_RUNTIME_CLEANS_UP, &ignored, runtime, "rm", s->image);
	free(s->image);
	s->image = NULL;
}

/* Can this one run the base's Python? */
static int try(struct inside *s, const char *runtime, struct ap_err *err)
{
	const char *const words[] = { s->in.python, "-I", "-S", "-c", "pass" };
	ap_auto_strv argv = { 0 };

	for (size_t i = 0; i < AP_LEN(words); i++)
		ap_strv_add(&argv, words[i]);
	if (bring(s, runtime, err) == 0 && run_in(s, runtime, &argv, 0, 0, err) == 0)
		return 0;
	leave(s, runtime);
	return -1;
}

static int choose(struct inside *s, struct ap_err *err)
{
	const char *const *runtimes = ap_runtime_names();
	ap_auto_buf why = AP_BUF_INIT;

	for (size_t i = 0; runtimes[i]; i++) {
		ap_auto_free char *path = ap_child_find(runtimes[i], NULL);
		struct ap_err one = AP_ERR_INIT;

		if (!path)
			continue;
		if (try(s, runtimes[i], &one) == 0) {
			s->runtime = runtimes[i];
			return 0;
		}
		if (one.code == AP_E_CANCELLED)
			return ap_err_set(err, one.code, "%s", one.msg);
		ap_emit_debug(s->o.progress, AP_STEP_BASE, "%s", one.msg);
		/* There is room for a few words of each. */
		ap_buf_addf(&why, "%s%.150s", why.len ? "; " : "", one.msg);
	}
	if (!why.len)
		return ap_err_set(
			err, AP_E_NOT_FOUND, "none of podman, docker, buildah and crun is on PATH");
	return ap_err_set(
		err, AP_E_CHILD, "nothing on this machine can run the base's Python: %s", why.p);
}

static int ready(struct ap_inside *in, struct ap_err *err)
{
	struct inside *s = AP_CONTAINER(in, struct inside, in);
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = s->runtime ? 0 : choose(s, err);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int run(
	struct ap_inside *in, const struct ap_strv *argv, int in_fd, int out_fd, struct ap_err *err)
{
	struct inside *s = AP_CONTAINER(in, struct inside, in);
	int rc;

	if (ready(in, err) < 0)
		return -1;
	pthread_mutex_lock(&s->lock);
	rc = run_in(s, s->runtime, argv, in_fd, out_fd, err);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

void ap_inside_new(struct ap_inside **out, const struct ap_inside_opts *o)
{
	struct inside *s = ap_xcalloc(1, sizeof(*s));

	s->in.base = ap_xstrdup(o->base->manifest.digest.s);
	s->in.ready = ready;
	s->in.run = run;
	s->o = *o;
	s->name = ap_xasprintf("autopack-%ld", (long)getpid());
	pthread_mutex_init(&s->lock, NULL);
	*out = &s->in;
}

void ap_inside_free(struct ap_inside *in)
{
	struct inside *s = in ? AP_CONTAINER(in, struct inside, in) : NULL;
	struct ap_err ignored = AP_ERR_INIT;

	if (!s)
		return;
	if (s->runtime)
		leave(s, s->runtime);
	if (s->dir)
		(void)!ap_fs_remove_tree(s->dir, &ignored);
	pthread_mutex_destroy(&s->lock);
	free(s->in.base);
	free(s->in.python);
	free(s->dir);
	free(s->name);
	free(s);
}
