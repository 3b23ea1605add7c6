"""packaging/: the steps for GitHub Actions, GitLab CI and Cloud Build fit their schemas, and their scripts do it."""

import json
import os
import re
import subprocess
import sys

import pytest

import support
from support import ROOT

sys.path.insert(0, str(ROOT / "tests" / "server"))
import vertex as stand_in  # noqa: E402

PACKAGING = ROOT / "packaging"
ENV = ROOT / "build" / "env-vertex" / "bin"
# File: its schema, and what no such file may have.
FILES = {
    "github/action.yml": ("github-actions", {"runs": {"using": 7}}),
    "github/example.yml": ("github-workflows", {"jobs": {"train": {"steps": 7}}}),
    "gitlab/autopack.gitlab-ci.yml": ("gitlab-ci", {"autopack-build": {"script": 7}}),
    "cloudbuild/cloudbuild.yaml": ("cloudbuild", {"steps": 7}),
}
JOB = r"projects/\d+/locations/europe-west4/customJobs/\d+\n"


def load(name):
    script = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)"
    # YAML 1.1 reads the key "on" as true.
    return json.loads(support.run(ENV / "python", "-c", script, PACKAGING / name).stdout.replace('"true":', '"on":'))


def scripts(name):
    """{where: (text, variables set for it)}"""
    d = load(name)
    if name == "github/action.yml":
        return {s["id"]: (s["run"], s.get("env", {})) for s in d["runs"]["steps"] if "run" in s}
    if name == "github/example.yml":
        return {s["name"]: (s["run"], {**d["env"], **s["env"]}) for s in d["jobs"]["train"]["steps"] if "run" in s}
    if name.startswith("gitlab"):
        before = "\n".join(d[".autopack"]["before_script"])
        return {
            job: (before + "\n" + "\n".join(d[job]["script"]), d["variables"]) for job in (".autopack-build", ".autopack-submit")
        }
    return {s["id"]: (s["script"], d["substitutions"]) for s in d["steps"]}


@pytest.mark.parametrize("name", FILES)
def test_the_file_fits_its_systems_schema(name, tmp_path):
    schema, mistake = FILES[name]
    check = [ENV / "check-jsonschema", "--builtin-schema", f"vendor.{schema}"]
    env = {**os.environ, "HOME": str(tmp_path)}
    support.run(*check, PACKAGING / name, env=env)
    # The schema looks away from GitLab's hidden jobs: so they are shown to it.  JSON is YAML.
    shown = json.loads(re.sub(r'"\.(autopack[a-z-]*)"', r'"\1"', json.dumps(load(name))))
    for copy, document in (("right", shown), ("wrong", {**shown, **mistake})):
        path = tmp_path / copy / os.path.basename(name)
        path.parent.mkdir()
        path.write_text(json.dumps(document))
    support.run(*check, tmp_path / "right" / path.name, env=env)
    p = support.run(*check, path, check=False, env=env)
    assert p.returncode == 1 and "Schema validation errors" in p.stdout


@pytest.mark.parametrize("name", FILES)
def test_its_scripts_pass_shellcheck(name, tmp_path):
    found = scripts(name)
    assert found
    for where, (text, given) in found.items():
        assert "${{" not in text, f"{name}: {where}: a value put into a script can be a command"
        # AUTOPACK_FLAGS is several words on purpose; a variable of the system is not assigned here; all three run it with -e.
        p = support.run("shellcheck", "-s", "bash", "-e", "SC2154,SC2086", "-", input="set -eo pipefail\n" + text, check=False)
        assert p.returncode == 0, f"{name}: {where}\n{p.stdout}"


@pytest.fixture
def system(autopack, registry, base, repo, project, tmp_path):
    """Runs a script of a CI system in a checkout, with the variables that the system and the user set."""
    service = stand_in.Vertex()
    token = tmp_path / "token"
    token.write_text("fake-access-token")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "autopack").symlink_to(support.BINARY)
    where = project({"trainer/train.py": "print('trained')\n"})

    def run(text, **env):
        env = {k: str(v) for k, v in env.items()}
        env = {**autopack.environ({**service.environment(token), "PATH": f"{tmp_path}/bin:{autopack.env['PATH']}", "CI": "true"}), **env}
        p = subprocess.run(["bash", "-eo", "pipefail", "-c", text], cwd=where, env=env, capture_output=True, text=True, timeout=300)
        assert p.returncode == 0, f"{text}\n{p.stdout}\n{p.stderr}"
        return p.stdout

    run.where, run.service = where, service
    run.base, run.dest = base.push("tiny-python"), registry.name(repo)
    yield run
    service.stop()


def job_of(system):
    return system.service.sent[-1].body["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]["imageUri"]


def test_the_github_action_builds_and_the_example_submits(system, tmp_path):
    given = {
        "executor-image-uri": system.base,
        "local-package-path": "trainer",
        "script": "train.py",
        "output-image-uri": system.dest,
        "flags": "--no-vcs-labels\n--env=GREETING=two words\n",
    }
    action = load("github/action.yml")
    assert set(given) <= set(action["inputs"])
    inputs = {k: given.get(k, v.get("default", "")) for k, v in action["inputs"].items()}
    text, env = scripts("github/action.yml")["build"]
    used = {re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", v).group(1) for v in env.values()}
    assert used == set(inputs)
    env = {k: inputs[re.search(r"inputs\.([a-z-]+)", v).group(1)] for k, v in env.items()}
    out = tmp_path / "outputs"
    system(text, GITHUB_OUTPUT=out, **env)
    outputs = dict(line.split("=", 1) for line in out.read_text().splitlines())
    assert set(outputs) == {re.search(r"steps\.build\.outputs\.(\w+)", o["value"]).group(1) for o in action["outputs"].values()}
    assert re.fullmatch(re.escape(system.dest) + r"@sha256:[0-9a-f]{64}", outputs["image"])
    assert outputs["image"].endswith(outputs["digest"])
    assert "GREETING=two words" in support.skopeo_inspect(outputs["image"], config=True)["config"]["Env"]
    text, env = scripts("github/example.yml")["submit the job"]
    assert re.fullmatch(JOB, system(text, **{**env, "IMAGE": outputs["image"]}))
    assert job_of(system) == outputs["image"]


def test_the_github_action_finds_the_sources_it_came_with(system, tmp_path):
    text, _ = scripts("github/action.yml")["sources"]
    out = tmp_path / "outputs"
    system(text, GITHUB_OUTPUT=out, ACTION=PACKAGING / "github")
    outputs = dict(line.split("=", 1) for line in out.read_text().splitlines())
    assert outputs["top"] == str(ROOT) and re.fullmatch("[0-9a-f]{16}", outputs["key"])
    install, _ = scripts("github/action.yml")["install"]
    assert "make -j" in install and (ROOT / "packaging/deb.sh").is_file()


def test_the_gitlab_jobs_build_and_submit(system, tmp_path):
    jobs = scripts("gitlab/autopack.gitlab-ci.yml")
    env = {
        **jobs[".autopack-build"][1],
        "EXECUTOR_IMAGE_URI": system.base,
        "LOCAL_PACKAGE_PATH": "trainer",
        "SCRIPT": "train.py",
        "OUTPUT_IMAGE_URI": system.dest,
        "AUTOPACK_FLAGS": "--no-vcs-labels --progress=plain",
        "CI_PROJECT_DIR": str(system.where),
        "CI_PROJECT_NAME": "train",
        "PROJECT": "my-project",
        "REGION": "europe-west4",
        "MACHINE_TYPE": "n1-standard-8",
    }
    system(jobs[".autopack-build"][0], **env)
    name, image = (system.where / "autopack.env").read_text().strip().split("=", 1)
    assert name == "IMAGE" and re.fullmatch(re.escape(system.dest) + r"@sha256:[0-9a-f]{64}", image)
    env.update(IMAGE=image, AUTOPACK_FLAGS="")
    # The token of the job becomes a file of credentials that no other user can read; the test's own token comes first.
    env.update(GOOGLE_PROVIDER="projects/1/locations/global/workloadIdentityPools/p/providers/gitlab")
    env.update(GOOGLE_ID_TOKEN="header.claims.signature", GOOGLE_SERVICE_ACCOUNT="ci@my-project.iam.gserviceaccount.com")
    assert re.fullmatch(JOB, system(jobs[".autopack-submit"][0], **env))
    assert job_of(system) == image
    written = system.where.parent / f"{system.where.name}.credentials"
    credentials = json.loads(written.read_text())
    assert written.stat().st_mode & 0o777 == 0o600 and credentials["type"] == "external_account"
    with open(credentials["credential_source"]["file"]) as f:
        assert f.read() == "header.claims.signature"


def test_cloud_builds_steps_build_and_submit(system):
    steps = scripts("cloudbuild/cloudbuild.yaml")
    assert list(steps) == ["image", "job"]
    env = {**steps["image"][1], "PROJECT_ID": "my-project", "_EXECUTOR_IMAGE_URI": system.base, "_OUTPUT_IMAGE_URI": system.dest}
    # /workspace is Cloud Build's checkout.
    texts = [t.replace("cd /workspace", f"cd {system.where}") for t, _ in steps.values()]
    assert all(f"cd {system.where}" in t for t in texts)
    system(texts[0], **env)
    image = (system.where / "image.name").read_text().strip()
    assert re.fullmatch(re.escape(system.dest) + r"@sha256:[0-9a-f]{64}", image)
    assert re.fullmatch(JOB, system(texts[1], **env))
    assert job_of(system) == image
