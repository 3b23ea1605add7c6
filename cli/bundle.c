#include "cli/bundle.h"

#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "cli/runtime.h"

/* Source: runtime-spec 1.0 config.md. */

static cJSON *member(cJSON *obj, const char *name)
{
	cJSON *m = cJSON_GetObjectItemCaseSensitive(obj, name);

	return m ? m : ap_json_set_object(obj, name);
}

static cJSON *list(cJSON *obj, const char *name)
{
	cJSON *m = cJSON_GetObjectItemCaseSensitive(obj, name);

	return m ? m : ap_json_set_array(obj, name);
}

static cJSON *mount_at(cJSON *mounts, const char *destination)
{
	for (cJSON *m = mounts->child; m; m = m->next) {
		if (ap_streq(ap_json_str(m, "destination"), destination))
			return m;
	}
	return NULL;
}

static void bind(cJSON *mounts, const char *source, const char *destination)
{
	static const char *const how[] = { "rbind", "ro" };
	cJSON *m, *options;

	if (mount_at(mounts, destination))
		return;
	m = ap_json_object();
	ap_json_push(mounts, m);
	ap_json_set_str(m, "destination", destination);
	ap_json_set_str(m, "type", "bind");
	ap_json_set_str(m, "source", source);
	options = ap_json_set_array(m, "options");
	for (size_t i = 0; i < AP_LEN(how); i++)
		ap_json_push(options, ap_json_string(how[i]));
}

/* 64 MiB are too few for the workers of a data loader; podman and docker get --ipc host. */
static void free_shm(cJSON *mounts)
{
	cJSON *shm = mount_at(mounts, "/dev/shm");
	cJSON *options = cJSON_GetObjectItemCaseSensitive(shm, "options");
	cJSON *next;

	for (cJSON *o = options ? options->child : NULL; o; o = next) {
		next = o->next;
		if (cJSON_IsString(o) && ap_starts_with(o->valuestring, "size="))
			cJSON_Delete(cJSON_DetachItemViaPointer(options, o));
	}
}

static void drop_namespace(cJSON *config, const char *type)
{
	cJSON *spaces = list(member(config, "linux"), "namespaces");

	for (cJSON *s = spaces->child; s; s = s->next) {
		if (ap_streq(ap_json_str(s, "type"), type)) {
			cJSON_Delete(cJSON_DetachItemViaPointer(spaces, s));
			return;
		}
	}
}

static void add_words(cJSON *to, const struct ap_strv *words)
{
	for (size_t i = 0; words && i < words->n; i++)
		ap_json_push(to, ap_json_string(words->v[i]));
}

void ap_bundle_config(cJSON *config, const struct ap_local_run *r)
{
	cJSON *process = member(config, "process");
	cJSON *mounts = list(config, "mounts");
	cJSON *args = ap_json_set_array(process, "args");

	add_words(args, r->entrypoint);
	add_words(args, r->args);
	ap_json_set(process, "terminal", ap_json_bool(0));
	if (r->key) {
		ap_json_push(list(process, "env"),
			ap_json_string("GOOGLE_APPLICATION_CREDENTIALS=" AP_RUNNER_KEY));
		bind(mounts, r->key, AP_RUNNER_KEY);
	}
	drop_namespace(config, "network");
	/* Limits that need cgroups and BPF; without CAP_MKNOD inside, /dev is what crun puts there. */
	cJSON_DeleteItemFromObjectCaseSensitive(member(config, "linux"), "resources");
	cJSON_DeleteItemFromObjectCaseSensitive(process, "rlimits"); /* ours, as with podman */
	bind(mounts, "/etc/resolv.conf", "/etc/resolv.conf");
	bind(mounts, "/etc/hosts", "/etc/hosts");
	free_shm(mounts);
}

void ap_bundle_inside(cJSON *config, const struct ap_strv *argv)
{
	cJSON *process = member(config, "process");
	cJSON *user = ap_json_set_object(process, "user");
	cJSON *network = ap_json_object();

	add_words(ap_json_set_array(process, "args"), argv);
	ap_json_set_str(process, "cwd", "/");
	ap_json_set(user, "uid", ap_json_number(0));
	ap_json_set(user, "gid", ap_json_number(0));
	drop_namespace(config, "network");
	ap_json_set_str(network, "type", "network");
	ap_json_push(list(member(config, "linux"), "namespaces"), network);
}

static int unpack(const struct ap_local_run *r, struct ap_err *err)
{
	const char *argv[8];
	size_t n = 0;
	struct ap_runtime_call c = { .argv = argv, .flags = AP_RUNTIME_SHOWS };

	argv[n++] = "umoci";
	argv[n++] = "unpack";
	if (geteuid() != 0)
		argv[n++] = "--rootless";
	argv[n++] = "--image";
	argv[n++] = r->layout;
	argv[n++] = r->bundle;
	argv[n] = NULL;
	return ap_runtime_run(&c, err);
}

int ap_bundle_make(const struct ap_local_run *r, struct ap_err *err)
{
	ap_auto_free char *path = ap_fs_join(r->bundle, "config.json");
	ap_auto_buf text = AP_BUF_MAX(4 << 20);
	ap_auto_buf out = AP_BUF_INIT;
	ap_auto_json config = NULL;

	if (unpack(r, err) < 0 || ap_fs_read(&text, path, err) < 0)
		return -1;
	if (ap_json_parse(&config, text.p, text.len, err) < 0)
		return ap_err_wrap(err, "%s", path);
	ap_bundle_config(config, r);
	ap_json_print(&out, config, 0);
	return ap_fs_write(path, out.p, out.len, 0644, err);
}
