"""Where gcloud 528 is wrong, we are right: each of its defects that users met, with our behaviour.

Names of cases are those of fixtures/oracle, which has what gcloud did.
"""

import json
import re
import sys

import pytest

import oracle
import support

sys.path.insert(0, str(support.ROOT / "tests" / "server"))
import vertex as stand_in  # noqa: E402

CASES = {c["name"]: c for c in oracle.cases()}
PREBUILT = "us-docker.pkg.dev/vertex-ai/training/tf-cpu.2-8:latest"
TASK = {"app/trainer/__init__.py": "", "app/trainer/task.py": "print('task')\n"}


def create(autopack, work, keys, *flags, image=PREBUILT, **kw):
    pool = f"--worker-pool-spec=machine-type=n1-standard-4,executor-image-uri={image},local-package-path=app,{keys}"
    return autopack("custom-jobs", "create", "--project=my-project", "--region=us-central1", "--display-name=my-job", pool,
                    "--dry-run", *flags, cwd=work, **kw)


def dockerfile(*args, **kw):
    return oracle.instructions(create(*args, "--dockerfile=-", **kw).stdout)


def case(autopack, tmp_path, name, *flags):
    return oracle.Case(CASES[name], tmp_path).run(autopack, *flags)


def test_setup_py_is_copied_with_its_source(autopack, tmp_path):
    r = case(autopack, tmp_path, "dep-setup-src-layout", "--dry-run", "--dockerfile=-")
    lines = oracle.instructions(r.stdout)
    [copied] = [i for i, line in enumerate(lines) if line.startswith('COPY [".", ')]
    where = json.loads(lines[copied][5:])[1]
    assert where in lines[copied + 1] and "install" in lines[copied + 1]


def test_pyproject_toml_is_installed(autopack, project):
    work = project({**TASK, "app/pyproject.toml": '[project]\nname = "app"\nversion = "1"\ndependencies = ["six"]\n'})
    lines = dockerfile(autopack, work, "script=trainer/task.py")
    assert any(line.startswith('COPY [".", ') for line in lines)
    assert any(line.startswith("RUN pip") and "install" in line for line in lines)


def test_what_requirements_txt_includes_is_copied(autopack, tmp_path):
    r = case(autopack, tmp_path, "dep-requirements-txt-includes", "--dry-run", "--dockerfile=-")
    copied = [json.loads(line[5:])[0] for line in oracle.instructions(r.stdout) if line.startswith("COPY ")]
    assert {"base.txt", "constraints.txt", "wheels/dep-1.0-py3-none-any.whl"} <= {c.removeprefix("./") for c in copied}


def test_directory_of_extra_packages_is_never_a_name_of_the_index(autopack, project):
    """pip install six, where six is a directory, would take another's six."""
    work = project({**TASK, "app/six/setup.py": "from setuptools import setup\nsetup(name='ours')\n"})
    lines = dockerfile(autopack, work, "script=trainer/task.py,extra-packages=six")
    [install] = [line for line in lines if line.startswith("RUN pip")]
    words = install.split()
    assert "six" not in words and any(re.fullmatch(r"(\.?/.*)?/?six/?", w) and "/" in w for w in words), install


def test_module_brings_its_parents(autopack, project):
    work = project({"app/a/__init__.py": "", "app/a/x.py": "", "app/a/other/y.py": "", "app/a/b/__init__.py": "", "app/a/b/c.py": ""})
    lines = dockerfile(autopack, work, "python-module=a.b.c")
    copied = [w for line in lines if line.startswith("COPY ") for w in json.loads(line[5:])[:-1]]
    assert "a/b" in copied and {"a/__init__.py", "a/x.py"} <= set(copied)
    assert not any(c.startswith("a/other") or c == "a" for c in copied)


def test_names_are_no_patterns(autopack, tmp_path):
    r = case(autopack, tmp_path, "path-glob", "--dry-run", "--dockerfile=-")
    assert 'COPY ["tr[[]a]in[*]er", "tr[a]in*er"]' in oracle.instructions(r.stdout)


@pytest.mark.parametrize("ignore,flags", [(".dockerignore", []), (".gcloudignore", ["--ignore-file=app/.gcloudignore"])])
def test_ignore_files_are_read(autopack, project, ignore, flags):
    work = project({**TASK, f"app/{ignore}": "trainer/*.csv\n"})
    before = create(autopack, work, "script=trainer/task.py", *flags)
    (work / "app/trainer/data.csv").write_text("1,2\n")
    after = create(autopack, work, "script=trainer/task.py", *flags)
    assert after.json() == before.json() and "data.csv" in after.stderr
    (work / f"app/{ignore}").write_text("# nothing\n")
    assert create(autopack, work, "script=trainer/task.py", *flags).json() != before.json()


def test_markers_stay_with_their_requirement(autopack, tmp_path):
    r = case(autopack, tmp_path, "dep-requirements-marker", "--dry-run", "--dockerfile=-")
    assert re.search(r"""'tomli ; python_version < "3.11"'""", r.stdout)


@pytest.mark.parametrize("name,words", [
    ("ep-script-missing-file", 'script "trainer/missing.py"'),
    ("ep-module-missing-file", 'python-module "trainer.nope"'),
    ("dep-extra-packages-missing", 'extra-packages "missing.whl"'),
    ("ep-module-empty", "script"),
    ("hp-create-empty", "config.yaml"),
    ("name-long-300", "display name"),
    ("cfg-unknown-key", "config.yaml: line 11, column 1"),
])
def test_bad_input_is_refused_first_and_in_words(autopack, tmp_path, name, words):
    r = case(autopack, tmp_path, name, "--cache-dir", tmp_path / "cache")
    assert r.returncode == 2 and r.stdout == "" and not (tmp_path / "cache").exists()
    assert words in r.stderr and "Error:" not in r.stderr and "Traceback" not in r.stderr


def test_image_names_are_legal(autopack, tmp_path):
    body = case(autopack, tmp_path, "name-all-unicode", "--dry-run", "--format=json").json()
    image = body["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]["imageUri"]
    # Source: the grammar of github.com/distribution/reference.
    assert re.fullmatch(r"gcr\.io(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)+:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", image)


def test_pools_of_the_file_survive_a_flag(autopack, project):
    work = project({**TASK, "job.yaml": """
workerPoolSpecs:
- machineSpec: {machineType: n1-standard-4}
  diskSpec: {bootDiskType: pd-standard, bootDiskSizeGb: 500}
  containerSpec: {imageUri: gcr.io/p/old, args: [--a]}
- machineSpec: {machineType: n1-highmem-8}
  replicaCount: 3
  containerSpec: {imageUri: gcr.io/p/worker}
"""})
    r = autopack("custom-jobs", "create", "--project=my-project", "--region=us-central1", "--display-name=j", "--config=job.yaml",
                 "--worker-pool-spec=machine-type=n1-standard-8,container-image-uri=gcr.io/p/new", "--dry-run", "--format=json", cwd=work)
    first, second = r.json()["jobSpec"]["workerPoolSpecs"]
    assert first["machineSpec"] == {"machineType": "n1-standard-8"} and first["diskSpec"]["bootDiskSizeGb"] == 500
    assert first["containerSpec"] == {"imageUri": "gcr.io/p/new", "args": ["--a"]}
    assert second["replicaCount"] == "3" and second["containerSpec"]["imageUri"] == "gcr.io/p/worker"


def test_whole_file_of_a_persistent_resource_counts(autopack, tmp_path):
    body = case(autopack, tmp_path, "pr-cfg-other-fields", "--dry-run", "--format=json").json()
    assert {"displayName", "labels", "network", "encryptionSpec", "resourceRuntimeSpec"} <= set(body)


@pytest.mark.parametrize("image", [
    "us-docker.pkg.dev/vertex-ai/training/training-tf-cpu.2-1:latest",
    "europe-docker.pkg.dev/vertex-ai/training/tf-cpu.2-8:latest",
    "asia-docker.pkg.dev/vertex-ai/training/pytorch-gpu.2-1:latest",
    "us-docker.pkg.dev/vertex-ai-restricted/training/tf-cpu.2-8:latest",
])
def test_every_prebuilt_image_is_known_as_one(autopack, project, image):
    lines = dockerfile(autopack, project(TASK), "script=trainer/task.py", image=image)
    assert "RUN rm -rf /var/sitecustomize" in lines and lines[-1].startswith('ENTRYPOINT ["python3"')


def test_stdout_is_the_result_and_the_job_names_a_digest(autopack, base, project, registry, repo, tmp_path):
    service = stand_in.Vertex()
    token = tmp_path / "token"
    token.write_text("fake-access-token\n")
    image = base.push("tiny-python")
    try:
        r = autopack("custom-jobs", "create", "--region=us-central1", "--display-name=j",
                     f"--worker-pool-spec=machine-type=n1-standard-4,executor-image-uri={image},local-package-path=app,"
                     f"script=trainer/task.py,output-image-uri={registry.name(repo)}:mine",
                     cwd=project(TASK), env=service.environment(token))
    finally:
        service.stop()
    assert re.fullmatch(r"projects/\d+/locations/us-central1/customJobs/\d+\n", r.stdout)
    [sent] = service.sent
    autopack.bodies.append((sent.message, sent.body))
    _, digest, _ = registry.manifest(repo, "mine")
    assert sent.body["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]["imageUri"] == f"{registry.name(repo)}@{digest}"
