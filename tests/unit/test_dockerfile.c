#include "tests/unit/unit.h"

#include <stdlib.h>

#include "dockerfile/emit.h"

/* A plan by hand: nothing here reads a file. */
struct given {
	struct ap_plan plan;
	struct ap_plan_part part;
	struct ap_image_request req;
	struct ap_lock lock;
};

static void given_init(struct given *g)
{
	*g = (struct given){ 0 };
	g->plan.workdir = ap_xstrdup("/home/u/app");
	g->plan.parts = &g->part;
	g->plan.n_parts = 1;
	ap_strv_add(&g->plan.env, "HOME=/home");
	ap_strv_add(&g->plan.env, "PYTHONDONTWRITEBYTECODE=1");
	ap_strv_add(&g->plan.entrypoint, "python");
	ap_strv_add(&g->plan.entrypoint, "trainer/task.py");
	ap_strv_add(&g->part.copies, "trainer");
	g->req.executor_image = ap_xstrdup("python:3.11");
}

static void given_release(struct given *g)
{
	g->plan.parts = NULL;
	g->plan.n_parts = 0;
	ap_strv_release(&g->part.copies);
	ap_strv_release(&g->plan.deps.includes);
	free(g->plan.workdir);
	ap_strv_release(&g->plan.env);
	ap_strv_release(&g->plan.entrypoint);
	ap_strv_release(&g->plan.labels);
	ap_strv_release(&g->plan.whiteouts);
	ap_image_request_release(&g->req);
	free(g->lock.v);
}

#define HEAD                                                                       \
	"FROM python:3.11\nRUN mkdir -m 777 -p /usr/app /home\nWORKDIR /usr/app\n" \
	"ENV HOME=/home\nENV PYTHONDONTWRITEBYTECODE=1\n"
#define TAIL "COPY [\"trainer\", \"trainer\"]\nENTRYPOINT [\"python\", \"trainer/task.py\"]\n"

static void check(struct given *g, const struct ap_lock *lock, const char *want)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf out = AP_BUF_INIT;

	assert_ok(ap_dockerfile_emit(&out, &g->plan, &g->req, lock, &err), &err);
	assert_string_equal(out.p, want);
}

TEST(dockerfile_has_gclouds_sequence)
{
	AP_CLEANUP(given_release) struct given g;

	given_init(&g);
	check(&g, NULL, HEAD TAIL);
	g.plan.deps.has_requirements_txt = true;
	ap_strv_add(&g.plan.deps.includes, "base.txt");
	ap_strv_add(&g.req.extra_packages, "dist/a-1.tar.gz");
	ap_strv_add(&g.req.extra_packages, "libs/foo");
	ap_strv_add(&g.req.requirements, "joblib>1");
	check(&g, NULL,
		HEAD "COPY [\"./requirements.txt\", \"./requirements.txt\"]\n"
		     "COPY [\"base.txt\", \"base.txt\"]\n"
		     "RUN pip install --no-cache-dir -r ./requirements.txt\n"
		     "COPY [\"dist/a-1.tar.gz\", \"a-1.tar.gz\"]\n"
		     "RUN pip install --no-cache-dir a-1.tar.gz\n"
		     "COPY [\"libs/foo\", \"foo\"]\n"
		     "RUN pip install --no-cache-dir ./foo\n"
		     "RUN pip install --no-cache-dir --upgrade 'joblib>1'\n" TAIL);
}

TEST(dockerfile_copies_the_whole_project_that_setup_py_installs)
{
	AP_CLEANUP(given_release) struct given g;

	given_init(&g);
	g.plan.deps.project = AP_SETUP_PY;
	g.plan.prebuilt = true;
	ap_strv_add(&g.plan.whiteouts, "/var/sitecustomize");
	check(&g, NULL,
		HEAD
		"RUN rm -rf /var/sitecustomize\n"
		"COPY [\".\", \"/tmp/autopack-project\"]\n"
		"RUN pip3 install --no-cache-dir /tmp/autopack-project && rm -rf /tmp/autopack-project\n" TAIL);
}

TEST(dockerfile_with_a_lock_installs_by_hash)
{
	AP_CLEANUP(given_release) struct given g;
	char name[] = "numpy", version[] = "1.26.4", file[] = "p-1-py3-none-any.whl", p[] = "p",
	     one[] = "1", url[] = "https://index.example/numpy.whl", built[] = "proj",
	     built_file[] = "proj-1-py3-none-any.whl";

	given_init(&g);
	g.lock.v = ap_xcalloc(3, sizeof(*g.lock.v));
	g.lock.n = 3;
	g.lock.v[0] = (struct ap_locked){ .name = name, .version = version, .url = url };
	/* Neither of an index: one lies in the working directory, one was built. */
	g.lock.v[1] = (struct ap_locked){ .name = p, .version = one, .filename = file };
	g.lock.v[2] = (struct ap_locked){ .name = built, .version = one, .filename = built_file };
	ap_sha256_of(&g.lock.v[0].digest, "a", 1);
	ap_sha256_of(&g.lock.v[1].digest, "b", 1);
	ap_strv_add(&g.req.extra_packages, "dist/p-1-py3-none-any.whl");
	ap_strv_add(&g.req.extra_packages, "libs/foo");
	ap_strv_add(&g.req.requirements, "numpy");
	check(&g, &g.lock,
		HEAD
		"COPY [\"dist/p-1-py3-none-any.whl\", \"p-1-py3-none-any.whl\"]\n"
		"RUN printf '%s\\n' \\\n"
		"    'numpy==1.26.4 --hash=sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb' \\\n"
		"    './p-1-py3-none-any.whl --hash=sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d' \\\n"
		"    > /tmp/autopack-lock.txt && pip install --no-cache-dir --no-deps --require-hashes -r /tmp/autopack-lock.txt && rm /tmp/autopack-lock.txt\n"
		"COPY [\"libs/foo\", \"foo\"]\n"
		"RUN pip install --no-cache-dir --no-deps ./foo\n" TAIL);
}

TEST(dockerfile_has_platform_environment_and_labels)
{
	AP_CLEANUP(given_release) struct given g;
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf out = AP_BUF_INIT;

	given_init(&g);
	g.req.platform = ap_xstrdup("linux/arm64");
	ap_strv_add(&g.plan.env, "A=b $c");
	ap_strv_add(&g.plan.labels, "org.opencontainers.image.created=1980-01-01T00:00:00Z");
	ap_strv_add(&g.plan.labels, "team=ml");
	assert_ok(ap_dockerfile_emit(&out, &g.plan, &g.req, NULL, &err), &err);
	assert_non_null(strstr(out.p, "FROM --platform=linux/arm64 python:3.11\n"));
	assert_non_null(strstr(out.p, "ENV A=\"b \\$c\"\n"));
	assert_non_null(strstr(out.p, "LABEL team=\"ml\"\n"));
	assert_null(strstr(out.p, "1980"));
}

TEST(dockerfile_refuses_what_it_cannot_say)
{
	AP_CLEANUP(given_release) struct given g;
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf out = AP_BUF_INIT;

	given_init(&g);
	ap_strv_add(&g.plan.env, "A=b\nRUN id");
	assert_fails(ap_dockerfile_emit(&out, &g.plan, &g.req, NULL, &err), &err, AP_E_INPUT,
		"the value of A has a line break");
	free(g.req.executor_image);
	g.req.executor_image = ap_xstrdup("oci:dir");
	assert_fails(ap_dockerfile_emit(&out, &g.plan, &g.req, NULL, &err), &err, AP_E_INPUT,
		"wanted an executor image of a registry");
}

TEST(dockerfile_never_lets_a_word_become_another_instruction)
{
	AP_CLEANUP(given_release) struct given g;
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf out = AP_BUF_INIT;

	given_init(&g);
	ap_strv_add(&g.req.requirements, "a\nRUN id");
	ap_strv_add(&g.req.requirements, "a<<EOF");
	ap_strv_add(&g.req.extra_packages, "d/a\nRUN id.whl");
	assert_ok(ap_dockerfile_emit(&out, &g.plan, &g.req, NULL, &err), &err);
	assert_null(strstr(out.p, "\nRUN id"));
	assert_non_null(strstr(out.p,
		"RUN [\"pip\", \"install\", \"--no-cache-dir\", \"--upgrade\", \"a<<EOF\"]\n"));
}
