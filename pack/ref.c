#include "pack/ref.h"

#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 255
#define TAG_MAX_LEN  128

void ap_ref_release(struct ap_ref *r)
{
	free(r->registry);
	free(r->repository);
	free(r->path);
	free(r->tag);
	*r = (struct ap_ref){ 0 };
}

void ap_ref_copy(struct ap_ref *to, const struct ap_ref *from)
{
	*to = (struct ap_ref){
		.transport = from->transport,
		.registry = ap_dup(from->registry),
		.repository = ap_dup(from->repository),
		.path = ap_dup(from->path),
		.tag = ap_dup(from->tag),
		.digest = from->digest,
	};
}

static bool is_lower_alnum(char c)
{
	return ap_is_digit(c) || (c >= 'a' && c <= 'z');
}

static bool is_separator(char c)
{
	return c == '.' || c == '_' || c == '-';
}

/* Length of a legal separator at p: one dot, one or two underscores, any dashes; 0: none. */
static size_t separator(const char *p)
{
	size_t n = 0;

	if (p[0] == '.')
		return 1;
	if (p[0] == '_')
		return p[1] == '_' ? 2 : 1;
	while (p[n] == '-')
		n++;
	return n;
}

/* [a-z0-9]+ ( (\.|_|__|-+) [a-z0-9]+ )*, parted by '/'. */
static bool repository_ok(const char *s)
{
	for (;;) {
		size_t n;

		if (!is_lower_alnum(*s))
			return false;
		while (is_lower_alnum(*s))
			s++;
		if (!*s)
			return true;
		n = *s == '/' ? 1 : separator(s);
		if (!n)
			return false;
		s += n;
	}
}

bool ap_ref_tag_ok(const char *tag)
{
	size_t n = strlen(tag);

	if (!n || n > TAG_MAX_LEN || tag[0] == '.' || tag[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!ap_is_alnum(tag[i]) && !is_separator(tag[i]))
			return false;
	}
	return true;
}

/* Names, IPv4 addresses and bracketed IPv6 addresses, with an optional port. */
static bool registry_ok(const char *s)
{
	const char *port = strchr(s[0] == '[' ? s + strcspn(s, "]") : s, ':');
	size_t n = port ? (size_t)(port - s) : strlen(s);
	uint64_t number;

	if (port && (!ap_parse_u64(port + 1, 65535, &number) || !number))
		return false;
	if (s[0] == '[') {
		if (n < 4 || s[n - 1] != ']')
			return false;
		return strspn(s + 1, "0123456789abcdefABCDEF:.") == n - 2;
	}
	if (!n || !ap_is_alnum(s[0]) || !ap_is_alnum(s[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!ap_is_alnum(s[i]) && s[i] != '-' && s[i] != '.')
			return false;
		if (s[i] == '.' && s[i + 1] == '.')
			return false;
	}
	return true;
}

/* As Docker decides: the part before the first '/' is a host if it cannot be a path. */
static bool looks_like_host(const char *p, size_t n)
{
	bool upper = false;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '.' || p[i] == ':')
			return true;
		if (p[i] >= 'A' && p[i] <= 'Z')
			upper = true;
	}
	return upper || ap_str_eq(ap_str_n(p, n), "localhost");
}

static int bad(struct ap_err *err, const char *text, const char *why)
{
	ap_auto_buf shown = AP_BUF_INIT;

	ap_buf_add_printable(&shown, text, AP_MIN(strlen(text), (size_t)300));
	return ap_err_set(err, AP_E_INPUT, "image reference \"%s\": %s", shown.p, why);
}

static void split_host(struct ap_ref *r, const char *name)
{
	const char *slash = strchr(name, '/');

	if (slash && looks_like_host(name, (size_t)(slash - name))) {
		r->registry = ap_xstrndup(name, (size_t)(slash - name));
		for (char *c = r->registry; *c; c++)
			*c = ap_lower(*c);
		/* A bare word is a host by its upper case alone: in lower case it is a path of Docker Hub. */
		if (!looks_like_host(r->registry, strlen(r->registry)))
			memcpy(r->registry, name, strlen(r->registry));
		r->repository = ap_xstrdup(slash + 1);
	} else {
		r->registry = ap_xstrdup("docker.io");
		r->repository = ap_xstrdup(name);
	}
	if (strcmp(r->registry, "docker.io") != 0 && strcmp(r->registry, "index.docker.io") != 0)
		return;
	free(r->registry);
	r->registry = ap_xstrdup("registry-1.docker.io");
	if (!strchr(r->repository, '/')) {
		char *full = ap_xasprintf("library/%s", r->repository);

		free(r->repository);
		r->repository = full;
	}
}

static int parse_docker(struct ap_ref *r, const char *text, const char *rest, struct ap_err *err)
{
	ap_auto_free char *name = ap_xstrdup(rest);
	char *at = strchr(name, '@');
	char *colon;

	if (at) {
		*at = '\0';
		if (!ap_digest_ok(at + 1))
			return bad(err, text, "after '@' want sha256:<64 hex>");
		memcpy(r->digest.s, at + 1, AP_DIGEST_LEN + 1);
	}
	colon = strrchr(name, ':');
	if (colon && !strchr(colon, '/')) {
		*colon = '\0';
		if (!ap_ref_tag_ok(colon + 1))
			return bad(err, text,
				"after ':' want a tag of 1 to 128 letters, digits, '_', '.' and '-'");
		r->tag = ap_xstrdup(colon + 1);
	}
	if (!*name)
		return bad(err, text, "want a name");
	split_host(r, name);
	if (!registry_ok(r->registry))
		return bad(err, text, "the registry is no host[:port]");
	if (strlen(r->repository) > NAME_MAX_LEN)
		return bad(err, text, "the repository is longer than 255 characters");
	if (!repository_ok(r->repository))
		return bad(err, text,
			"a repository is lower-case letters and digits, parted by "
			"single '.', '_', '__', '-' or '/'");
	return 0;
}

static int parse_name(struct ap_ref *r, const char *text, const char *name, struct ap_err *err)
{
	const char *colon = strrchr(name, ':');

	if (colon && strchr(colon, '/'))
		colon = NULL;
	if (colon && !ap_ref_tag_ok(colon + 1))
		return bad(err, text, "after the last ':' want a tag");
	r->repository = colon ? ap_xstrndup(name, (size_t)(colon - name)) : ap_xstrdup(name);
	r->tag = ap_xstrdup(colon ? colon + 1 : "latest");
	if (!*r->repository)
		return bad(err, text, "want FILE[:NAME[:TAG]]");
	for (const char *p = r->repository; *p; p++) {
		if (!is_lower_alnum(*p) && !is_separator(*p) && *p != '/' && *p != ':')
			return bad(err, text, "NAME has characters that no image name has");
	}
	return 0;
}

static int parse_path(struct ap_ref *r, const char *text, const char *rest, struct ap_err *err)
{
	size_t n = strlen(rest);
	const char *colon;

	if (n > AP_DIGEST_LEN && rest[n - AP_DIGEST_LEN - 1] == '@' &&
		ap_digest_ok(rest + n - AP_DIGEST_LEN)) {
		memcpy(r->digest.s, rest + n - AP_DIGEST_LEN, AP_DIGEST_LEN + 1);
		n -= AP_DIGEST_LEN + 1;
	}
	/* The first colon ends the path, as in the tools that made these forms common. */
	colon = memchr(rest, ':', n);
	r->path = ap_xstrndup(rest, colon ? (size_t)(colon - rest) : n);
	if (!*r->path)
		return bad(err, text, "want a path after the transport");
	if (!colon)
		return 0;
	if (r->digest.s[0])
		return bad(err, text, "a tag or a digest, not both");
	if (r->transport == AP_DOCKER_ARCHIVE)
		return parse_name(r, text, colon + 1, err);
	r->tag = ap_xstrdup(colon + 1);
	if (!ap_ref_tag_ok(r->tag))
		return bad(err, text,
			"after the path's ':' want a tag of 1 to 128 letters, digits, '_', "
			"'.' and '-'");
	return 0;
}

static const struct {
	const char *prefix;
	enum ap_transport transport;
} transports[] = {
	{ "docker://", AP_DOCKER },
	{ "oci-archive:", AP_OCI_ARCHIVE },
	{ "docker-archive:", AP_DOCKER_ARCHIVE },
	{ "oci:", AP_OCI },
};

int ap_ref_parse(struct ap_ref *out, const char *text, struct ap_err *err)
{
	AP_CLEANUP(ap_ref_release) struct ap_ref r = { .transport = AP_DOCKER };
	const char *rest = text;

	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return bad(err, text, "has a control character");
	}
	if (ap_starts_with(text, "docker-daemon:") || ap_starts_with(text, "containers-storage:"))
		return bad(err, text,
			"lies in an engine's store; want a registry's name, oci:DIR or an archive");
	for (size_t i = 0; i < AP_LEN(transports); i++) {
		if (!ap_starts_with(text, transports[i].prefix))
			continue;
		r.transport = transports[i].transport;
		rest = text + strlen(transports[i].prefix);
		break;
	}
	if (r.transport == AP_DOCKER ? parse_docker(&r, text, rest, err) < 0
				     : parse_path(&r, text, rest, err) < 0)
		return -1;
	*out = r;
	r = (struct ap_ref){ 0 };
	return 0;
}

/* The name without tag and digest. */
static char *bare(const struct ap_ref *r)
{
	const char *host = r->registry;
	const char *name = r->repository;

	switch (r->transport) {
	case AP_OCI:
		return ap_xasprintf("oci:%s", r->path);
	case AP_OCI_ARCHIVE:
		return ap_xasprintf("oci-archive:%s", r->path);
	case AP_DOCKER_ARCHIVE:
		return ap_xasprintf("docker-archive:%s", r->path);
	case AP_DOCKER:
		break;
	}
	if (strcmp(host, "registry-1.docker.io") == 0)
		host = "docker.io";
	return ap_xasprintf("%s/%s", host, name);
}

char *ap_ref_with_tag(const struct ap_ref *r, const char *tag)
{
	ap_auto_free char *name = bare(r);

	if (r->transport == AP_DOCKER_ARCHIVE && r->repository)
		return ap_xasprintf("%s:%s:%s", name, r->repository, tag);
	return ap_xasprintf("%s:%s", name, tag);
}

char *ap_ref_with_digest(const struct ap_ref *r, const struct ap_digest *d)
{
	ap_auto_free char *name = bare(r);

	return ap_xasprintf("%s@%s", name, d->s);
}

bool ap_ref_is_archive(const struct ap_ref *r)
{
	return r->transport == AP_OCI_ARCHIVE || r->transport == AP_DOCKER_ARCHIVE;
}

char *ap_ref_name(const struct ap_ref *r)
{
	if (r->digest.s[0])
		return ap_ref_with_digest(r, &r->digest);
	if (r->tag)
		return ap_ref_with_tag(r, r->tag);
	return bare(r);
}

/* The grammar allows one dot, one or two underscores, or dashes between words: make runs so. */
static void mend_separators(char *s)
{
	char *to = s;
	const char *from = s;

	while (*from) {
		size_t run = strspn(from, "._-");

		if (!run) {
			*to++ = *from++;
			continue;
		}
		if (to != s && from[run]) {
			size_t keep = separator(from) == run ? run : 1;

			memmove(to, from, keep);
			to += keep;
		}
		from += run;
	}
	*to = '\0';
}

#define SANITISED_MAX 128

char *ap_ref_sanitise(const char *name)
{
	ap_auto_free char *s = ap_xstrdup(name);
	struct ap_digest d;
	char *to = s;

	/* gcloud: lower case, anything else becomes a dot, dots do not repeat, none at the ends. */
	for (const char *p = s; *p; p++) {
		char c = ap_lower(*p);

		if (!is_lower_alnum(c) && !is_separator(c))
			c = '.';
		if (c == '.' && to != s && to[-1] == '.')
			continue;
		*to++ = c;
	}
	*to = '\0';
	mend_separators(s);
	if (*s && strlen(s) <= SANITISED_MAX)
		return AP_STEAL(s);
	/* Nothing is left, or too much: the digest keeps different names apart. */
	ap_sha256_of(&d, name, strlen(name));
	if (!*s)
		return ap_xasprintf("job-%.12s", ap_digest_hex(&d));
	s[SANITISED_MAX - 13] = '\0';
	mend_separators(s);
	return ap_xasprintf("%s-%.12s", s, ap_digest_hex(&d));
}
