"""Every command that speaks to Vertex AI, against the stand-in of tests/server/vertex.py.

Each created body is also parsed by the API's own message type (vertex_types.py).
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import time

import pytest

import support

sys.path.insert(0, str(support.ROOT / "tests" / "server"))
import vertex as stand_in  # noqa: E402
import vertex_types  # noqa: E402

ROOT = support.ROOT
BOX = "--worker-pool-spec=machine-type=n1-standard-4,container-image-uri=gcr.io/my-project/trainer:1"
CREATE = ["custom-jobs", "create", "--region=us-central1", "--display-name=my-job"]
PARENT = "projects/my-project/locations/us-central1"
NUMBERED = f"projects/{stand_in.PROJECT_NUMBER}/locations/us-central1"
STUDY = """
studySpec:
  metrics: [{metricId: loss, goal: MINIMIZE}]
  parameters: [{parameterId: lr, doubleValueSpec: {minValue: 0.1, maxValue: 1}}]
trialJobSpec:
  workerPoolSpecs:
  - machineSpec: {machineType: n1-standard-4}
    containerSpec: {imageUri: gcr.io/my-project/trainer:1}
"""


@pytest.fixture(scope="module")
def types():
    t = vertex_types.Types()
    yield t
    t.close()


@pytest.fixture
def service(types):
    v = stand_in.Vertex(check=types)
    yield v
    v.stop()


@pytest.fixture
def ap(autopack, service, tmp_path):
    """autopack(*args) with the stand-in as its service and quick polls."""
    token = tmp_path / "token"
    token.write_text("fake-access-token\n")
    env = {**service.environment(token), "NO_COLOR": "1"}

    def run(*args, env_more=None, **kw):
        return autopack(*args, env={**env, **(env_more or {})}, **kw)

    run.popen = lambda *args, **kw: autopack.popen(*args, env=env, **kw)
    return run


def only(service):
    assert len(service.sent) == 1
    return service.sent[0]


# ---- custom jobs ----


def test_create_prints_the_name_alone_and_says_how_to_follow(ap, service):
    r = ap(*CREATE, BOX)
    assert re.fullmatch(NUMBERED + r"/customJobs/\d+\n", r.stdout)
    assert "autopack custom-jobs stream-logs" in r.stderr and "console.cloud.google.com" in r.stderr
    assert only(service).body["jobSpec"]["workerPoolSpecs"][0]["replicaCount"] == "1"


def test_create_with_format_prints_the_resource(ap):
    r = ap(*CREATE, BOX, "--format=json")
    assert json.loads(r.stdout)["state"] == "JOB_STATE_PENDING"
    r = ap(*CREATE, BOX, "--format=value(state,displayName)")
    assert r.stdout == "JOB_STATE_PENDING\tmy-job\n"


def test_dry_run_sends_nothing_and_is_what_is_sent(ap, service):
    dry = ap(*CREATE, BOX, "--dry-run", "--format=json")
    assert not service.requests
    ap(*CREATE, BOX)
    assert json.loads(dry.stdout) == only(service).body


def test_yaml_dry_run_is_a_config_file_of_the_same_job(ap, service, tmp_path):
    flags = [BOX, "--labels=a=b", "--timeout=1h", BOX, "--worker-pool-spec=", "--args=no,1:30,~,x y"]
    config = tmp_path / "c.yaml"
    config.write_text(ap(*CREATE, *flags, "--dry-run", "--format=yaml").stdout)
    want = json.loads(ap(*CREATE, *flags, "--dry-run", "--format=json").stdout)
    again = ap("custom-jobs", "create", "--region=us-central1", f"--config={config}", "--dry-run", "--format=json")
    assert json.loads(again.stdout) == want


def test_curl_dry_run_runs(ap, service, tmp_path):
    fake = tmp_path / "bin" / "gcloud"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho fake-access-token\n")
    fake.chmod(0o755)
    line = ap(*CREATE, BOX, "--labels=a=b", "--args=it's,$HOME", "--dry-run", "--format=curl").stdout
    p = subprocess.run(["sh", "-c", line], capture_output=True, text=True,
                       env={"PATH": f"{fake.parent}:/usr/bin:/bin", "no_proxy": "*"})
    assert p.returncode == 0, p.stderr
    assert only(service).body["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]["args"] == ["it's", "$HOME"]
    assert json.loads(p.stdout)["displayName"] == "my-job"


def test_a_field_of_v1beta1_alone_switches_the_call(ap, service, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("workerPoolSpecs:\n- machineSpec: {machineType: a, minGpuDriverVersion: '5'}\n"
                      "  containerSpec: {imageUri: i}\n")
    ap(*CREATE, f"--config={config}")
    assert only(service).version == "v1beta1"


@pytest.mark.parametrize("end,status,words", [
    ("SUCCEEDED", 0, ""),
    ("FAILED", 3, "JOB_STATE_FAILED: out of luck"),
    ("CANCELLED", 4, "was cancelled"),
])
def test_wait_ends_with_the_jobs_outcome(ap, service, end, status, words):
    service.states = ["PENDING", end]
    service.job_error = {"code": 9, "message": "out of luck"} if end == "FAILED" else None
    r = ap(*CREATE, BOX, "--wait", check=status)
    assert words in r.stderr and r.stdout.startswith(NUMBERED)


def test_describe_list_cancel(ap, service):
    a = service.add("customJobs", "1", {"displayName": "old", "state": "JOB_STATE_RUNNING", "createTime": "2025-01-01T00:00:00Z"})
    service.add("customJobs", "2", {"displayName": "new", "state": "JOB_STATE_PENDING", "createTime": "2025-02-01T00:00:00Z"})
    assert ap("custom-jobs", "describe", "1", "--region=us-central1", "--format=value(displayName)").stdout == "old\n"
    assert ap("custom-jobs", "describe", a, "--format=json").json()["displayName"] == "old"
    names = "--format=value(displayName)"
    where = ["custom-jobs", "list", "--region=us-central1"]
    assert ap(*where, names).stdout == "new\nold\n"
    assert ap(*where, names, "--sort-by=createTime").stdout == "old\nnew\n"
    assert ap(*where, names, "--sort-by=~createTime", "--limit=1").stdout == "new\n"
    assert ap(*where, names, '--filter=display_name="old"').stdout == "old\n"
    assert ap(*where, names, '--filter=displayName="old"').stdout == "old\n"  # gcloud's key
    assert service.requests[-1].query["filter"] == 'display_name="old"'
    assert ap(*where, names, "--page-size=1").stdout == "new\nold\n"
    assert ap(*where, "--uri").stdout == f"{service.url}/v1/{NUMBERED}/customJobs/2\n{service.url}/v1/{NUMBERED}/customJobs/1\n"
    assert ap("custom-jobs", "describe", f"https://host/v1/{a}", "--format=value(displayName)").stdout == "old\n"
    assert ap(*where).stdout.startswith("---\ncreateTime: ")
    table = ap(*where, "--format=table").stdout.splitlines()
    assert table[0].split() == ["ID", "NAME", "STATE", "CREATED", "ENDED"]
    assert table[1].split()[:3] == ["2", "new", "PENDING"]
    assert ap("custom-jobs", "cancel", "1", "--region=us-central1").stdout == ""
    assert service.resources[a]["state"] == "JOB_STATE_CANCELLED"


def test_an_empty_list_prints_nothing_and_says_so(ap):
    r = ap("custom-jobs", "list", "--region=us-central1")
    assert r.stdout == "" and "no custom jobs in us-central1" in r.stderr


def test_lists_follow_pages_and_refuse_one_that_repeats(ap, service):
    for i in range(25):
        service.add("customJobs", str(i), {"displayName": f"j{i}"})
    r = ap("custom-jobs", "list", "--region=us-central1", "--page-size=10", "--format=value(displayName)")
    assert len(r.stdout.splitlines()) == 25
    service.fail("GET", "customJobs", times=9, answer=stand_in.Answer.json(200, {"customJobs": [], "nextPageToken": "x"}))
    r = ap("custom-jobs", "list", "--region=us-central1", check=1)
    assert "repeats a page" in r.stderr


def test_stream_logs_ends_with_the_job_and_prints_each_entry_once(ap, service):
    service.add("customJobs", "7", {"state": "JOB_STATE_RUNNING"})
    service.states = ["RUNNING", "SUCCEEDED"]
    service.log("7", "first\nsecond", offset=-50)
    service.log("7", None, offset=-40, jsonPayload={"message": "third \x1b[31m"}, severity="ERROR")
    service.log("7", "other task", offset=-30, task="workerpool1-0")
    service.log_pages = 2
    r = ap("custom-jobs", "stream-logs", "7", "--region=us-central1", "--polling-interval=1")
    lines = r.stdout.splitlines()
    assert [line.split("  ")[-1] for line in lines] == ["first", "second", "third \\x1b[31m", "other task"]
    assert lines[2].startswith("ERROR ") and lines[0].split()[2] == "workerpool0-0"
    one = ap("custom-jobs", "stream-logs", "7", "--region=us-central1", "--task-name=workerpool1-0", "--polling-interval=1")
    assert one.stdout.count("\n") == 1 and "other task" in one.stdout


# ---- what the service says ----


def test_errors_have_the_services_words_and_who_said_the_field(ap, service, tmp_path):
    field = "job_spec.worker_pool_specs[0].machine_spec.machine_type"
    service.fail("POST", times=1, answer=stand_in.error(
        400, "INVALID_ARGUMENT", f'List of found errors:\t1.Field: {field}; Message: Machine type "x" is not supported.\t'))
    r = ap(*CREATE, BOX, check=1)
    assert 'Machine type "x" is not supported.' in r.stderr
    assert "(from --worker-pool-spec machine-type)" in r.stderr
    config = tmp_path / "c.yaml"
    config.write_text("workerPoolSpecs:\n- machineSpec:\n    machineType: x\n  containerSpec: {imageUri: i}\n")
    for written in (field, f"custom_job.{field}", "jobSpec.workerPoolSpecs[0].machineSpec.machineType"):
        service.fail("POST", times=1, answer=stand_in.error(400, "INVALID_ARGUMENT", f"Field: '{written}'; Message: no"))
        r = ap(*CREATE, f"--config={config}", check=1)
        assert f"(from {config}: line 3, column 18)" in r.stderr


def says(service, field):
    """The next creation is refused for this field."""
    service.fail("POST", times=1, answer=stand_in.error(400, "INVALID_ARGUMENT", f"Invalid value at '{field}': no"))


def test_fields_of_every_resource_are_traced_to_who_said_them(ap, service, compiled, tmp_path):
    pr = [*PR, POOL, "--labels=a=b"]
    config = tmp_path / "pr.yaml"
    config.write_text("resourcePools:\n- machineSpec: {machineType: a}\n  replicaCount: 1\n")
    study = tmp_path / "study.yaml"
    study.write_text(STUDY)
    tune = ["hp-tuning-jobs", "create", "--region=us-central1", "--display-name=t", f"--config={study}", "--max-trial-count=4"]
    run = ["pipelines", "run", compiled / "p.yaml", "--region=us-central1", "--parameter=epochs=3"]
    for argv, field, where in [
        (pr, "persistent_resource.resource_pools[0].machine_spec.machine_type", "--resource-pool-spec machine-type"),
        (pr, "resource_pools[0].disk_spec.boot_disk_size_gb", "--resource-pool-spec disk-size"),
        (pr, "persistent_resource.labels", "--labels"),
        ([*pr, f"--config={config}"], "resourcePools[0].machineSpec.machineType", f"{config}: line 2, column 30"),
        ([*pr, f"--config={config}"], "resource_pools[1].replica_count", "--resource-pool-spec replica-count"),
        ([*CREATE, BOX, "--timeout=1h"], "custom_job.job_spec.scheduling.timeout", "--timeout"),
        (tune, "hyperparameter_tuning_job.max_trial_count", "--max-trial-count"),
        (tune, "hyperparameter_tuning_job.study_spec.metrics[0].goal", f"{study}: line 3, column 36"),
        (run, "pipeline_job.runtime_config.parameter_values.epochs", "--parameter=epochs"),
        ([*run, "--pipeline-root=gs://b/r"], "pipelineJob.runtimeConfig.gcsOutputDirectory", "--pipeline-root"),
    ]:
        says(service, field)
        r = ap(*argv, check=1)
        assert f"(from {where})" in r.stderr, (field, r.stderr)
    assert not service.sent


def test_403_names_the_role_and_a_disabled_api_the_command(ap, service):
    service.fail("POST", answer=stand_in.error(403, "PERMISSION_DENIED", "Permission 'aiplatform.customJobs.create' denied"))
    assert "roles/aiplatform.user on project my-project" in ap(*CREATE, BOX, check=1).stderr
    service.fail("POST", answer=stand_in.error(403, "PERMISSION_DENIED", "Vertex AI API has not been used in project 1 before or it is disabled."))
    assert "gcloud services enable aiplatform.googleapis.com --project=my-project" in ap(*CREATE, BOX, check=1).stderr


def test_token_goes_to_no_endpoint_that_is_not_googles(ap, service):
    r = ap(*CREATE, BOX, env_more={"CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM": "https://example.com/"}, check=2)
    assert "would be given your access token" in r.stderr
    assert not service.requests


def test_token_stays_out_of_output_and_redirects_are_not_followed(ap, service, tmp_path):
    thief = stand_in.wire.recorder()
    service.fail("POST", answer=stand_in.Answer(307, {"Location": thief.url + "/x"}))
    r = ap(*CREATE, BOX, "--verbosity=debug", check=1)
    assert "fake-access-token" not in r.stderr + r.stdout
    assert not thief.requests
    thief.stop()


def test_refused_token_is_an_error_that_says_how_to_log_in(ap, service):
    service.tokens = {"another"}
    r = ap(*CREATE, BOX, check=1)
    assert "UNAUTHENTICATED" in r.stderr and "gcloud auth login" in r.stderr


# ---- a service that stumbles ----


def test_reads_and_cancels_are_tried_again_and_creations_of_ours_too(ap, service):
    for i in range(3):
        service.add("customJobs", str(i), {"displayName": f"j{i}"})
    service.fail("GET", r"customJobs\?", answer=stand_in.Answer(503, {}, "<html>"))
    service.fail("GET", "pageToken", after="reset")
    service.fail("POST", ":cancel", answer=stand_in.Answer(502, {}, ""))
    r = ap("custom-jobs", "list", "--region=us-central1", "--page-size=1", "--format=value(displayName)")
    assert len(r.stdout.splitlines()) == 3
    ap("custom-jobs", "cancel", "1", "--region=us-central1")
    assert not any(times for times, *_ in service.faults)


def test_operation_is_followed_through_an_outage(ap, service):
    service.operation_looks = 3
    service.fail("GET", "operations", answer=stand_in.Answer(503, {}, ""))
    service.fail("GET", "operations", answer=stand_in.Answer(501, {}, ""))  # http alone would not repeat this one
    assert ap(*PR, POOL).stdout == f"{NUMBERED}/persistentResources/my-pr\n"


def test_job_is_followed_when_the_token_ends(ap, service, tmp_path):
    service.states = ["PENDING", "RUNNING", "RUNNING", "RUNNING", "SUCCEEDED"]
    p = ap.popen(*CREATE, BOX, "--wait", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not service.sent:
        time.sleep(0.05)
    time.sleep(2.5)
    with service.lock:
        service.tokens = {"second-token"}
        (tmp_path / "token").write_text("second-token\n")
    out, err = p.communicate(timeout=120)
    assert p.returncode == 0, err
    assert "second-token" not in out + err
    refused = [r for r in service.requests if r.headers.get("authorization") == "Bearer fake-access-token"]
    assert refused and service.requests[-1].headers["authorization"] == "Bearer second-token"


def test_logs_go_on_after_an_outage_and_print_nothing_twice(ap, service):
    service.add("customJobs", "7", {"state": "JOB_STATE_RUNNING"})
    service.states = ["RUNNING", "RUNNING", "RUNNING", "SUCCEEDED"]
    for i in range(5):
        service.log("7", f"line {i}", offset=-50 + i)
    service.log_pages = 2
    service.fail("GET", "customJobs/7", answer=stand_in.Answer(501, {}, ""))
    service.fail("POST", "entries:list", answer=stand_in.Answer(501, {}, ""))
    r = ap("custom-jobs", "stream-logs", "7", "--region=us-central1", "--polling-interval=1")
    assert [line.rsplit("  ", 1)[1] for line in r.stdout.splitlines()] == [f"line {i}" for i in range(5)]
    service.fail("POST", "entries:list", times=1, answer=stand_in.error(403, "PERMISSION_DENIED", "logging.logEntries.list denied"))
    r = ap("custom-jobs", "stream-logs", "7", "--region=us-central1", "--polling-interval=1", check=1)
    assert "roles/logging.viewer" in r.stderr


# ---- creation is never doubled ----


def test_lost_answer_after_creation_finds_the_job(ap, service):
    service.fail("POST", "customJobs", after="reset")
    r = ap(*CREATE, BOX)
    assert len(service.sent) == 1 and r.stdout.strip() == list(service.resources.values())[0]["name"]
    assert "the answer was lost, but the custom job was created" in r.stderr


def test_lost_answer_before_creation_tries_again(ap, service):
    service.fail("POST", "customJobs", before="reset")
    service.fail("POST", "customJobs", answer=stand_in.Answer(503, {}, "<html>"))
    ap(*CREATE, BOX)
    assert len(service.sent) == 1


def test_an_older_equal_job_is_not_taken_for_ours(ap, service):
    ap(*CREATE, BOX)
    for r in service.resources.values():
        r["createTime"] = stand_in.now(-30)
    service.fail("POST", "customJobs", before="reset")
    ap(*CREATE, BOX)
    assert len(service.sent) == 2


def test_two_equal_jobs_after_a_lost_answer_are_reported(ap, service):
    spec = {"workerPoolSpecs": [{"machineSpec": {"machineType": "n1-standard-4"}, "replicaCount": "1",
                                 "containerSpec": {"imageUri": "gcr.io/my-project/trainer:1"}}]}
    for i in "12":
        service.add("customJobs", i, {"displayName": "my-job", "jobSpec": spec, "createTime": stand_in.now(5)})
    service.fail("POST", "customJobs", before="reset")
    r = ap(*CREATE, BOX, check=1)
    assert "several equal ones" in r.stderr and "customJobs/1" in r.stderr
    assert not service.sent


# ---- persistent resources ----

PR = ["persistent-resources", "create", "--region=us-central1", "--persistent-resource-id=my-pr"]
POOL = "--resource-pool-spec=machine-type=n1-standard-4,replica-count=4,disk-type=pd-ssd,disk-size=200"


def test_persistent_resource_is_created_followed_and_deleted(ap, service):
    service.operation_looks = 2
    r = ap(*PR, POOL, "--enable-custom-service-account")
    assert r.stdout == f"{NUMBERED}/persistentResources/my-pr\n"
    assert "billed until deleted" in r.stderr and "step 1" in r.stderr
    s = only(service)
    assert s.query["persistentResourceId"] == "my-pr"
    assert s.body["resourceRuntimeSpec"] == {"serviceAccountSpec": {"enableCustomServiceAccount": True}}
    r = ap("persistent-resources", "list", "--region=us-central1", "--format=value(state)")
    assert r.stdout == "RUNNING\n"
    ap("persistent-resources", "reboot", "my-pr", "--region=us-central1", "--async")
    ap("persistent-resources", "delete", f"{PARENT}/persistentResources/my-pr")
    assert not service.resources


def test_persistent_resource_async_names_the_operation(ap, service):
    r = ap(*PR, POOL, "--async")
    name = re.search(r"autopack operations describe (\S+)", r.stderr)[1]
    service.operation_looks = 1
    assert ap("operations", "describe", name, "--format=value(done)").stdout == "True\n"
    id = name.rsplit("/", 1)[1]
    # The documentation prints operations below their resource, too.
    below = f"{PARENT}/persistentResources/my-pr/operations/{id}"
    assert ap("operations", "describe", below, "--format=value(done)").stdout == "True\n"
    assert ap("operations", "describe", id, "--region=us-central1", "--format=json").json()["name"] == name


def test_persistent_resource_that_fails_says_why(ap, service):
    r = ap(*PR, POOL, "--async")
    op = list(service.operations.values())[0]
    op[2] = {"error": {"code": 8, "message": "no quota"}}
    service.fail("POST", "persistentResources", answer=stand_in.Answer.json(200, {"name": list(service.operations)[0]}))
    r = ap(*PR, POOL, check=3)
    assert "no quota" in r.stderr


def test_describe_tells_used_and_free_replicas(ap, service):
    service.add("persistentResources", "pr", {"resourcePools": [{"id": "a", "replicaCount": "4", "usedReplicaCount": "1"}]})
    r = ap("persistent-resources", "describe", "pr", "--region=us-central1")
    assert "a: 1 of 4 replicas used, 3 free" in r.stderr and "usedReplicaCount: \"1\"" in r.stdout


# ---- jobs on a persistent resource ----


def resource(service, **pool):
    service.add("persistentResources", "pr", {"state": "RUNNING", "resourcePools": [{
        "id": "pool-0", "machineSpec": {"machineType": "n1-standard-4"}, "replicaCount": "2",
        "diskSpec": {"bootDiskType": "pd-ssd", "bootDiskSizeGb": 100}, **pool}]})


def test_job_that_fits_is_sent(ap, service):
    resource(service)
    ap(*CREATE, BOX, "--persistent-resource-id=pr")
    assert only(service).body["jobSpec"]["persistentResourceId"] == "pr"


def test_job_that_does_not_fit_is_refused_with_a_table(ap, service):
    resource(service, machineSpec={"machineType": "n1-standard-8"})
    r = ap(*CREATE, BOX, "--persistent-resource-id=pr", check=2)
    assert "the nearest, pool-0, has machine type n1-standard-8, not n1-standard-4" in r.stderr
    assert "worker pool 1  pool-0" in r.stderr
    assert not service.sent
    ap(*CREATE, BOX, "--persistent-resource-id=pr", "--no-fit-check")
    assert len(service.sent) == 1


def test_too_few_free_replicas_and_unreadable_resources_are_warnings(ap, service):
    resource(service, usedReplicaCount="2")
    assert "has 0 free now" in ap(*CREATE, BOX, "--persistent-resource-id=pr").stderr
    service.fail("GET", "persistentResources", answer=stand_in.error(403, "PERMISSION_DENIED", "no"))
    assert "the fit is not checked" in ap(*CREATE, BOX, "--persistent-resource-id=pr").stderr
    assert len(service.sent) == 2


def test_a_resource_that_is_not_there_is_an_error(ap, service):
    r = ap(*CREATE, BOX, "--persistent-resource-id=pr", check=1)
    assert "persistent resource pr" in r.stderr and not service.sent


def test_full_name_of_a_resource_becomes_its_id(ap, service):
    resource(service)
    ap(*CREATE, BOX, f"--persistent-resource-id={PARENT}/persistentResources/pr")
    assert only(service).body["jobSpec"]["persistentResourceId"] == "pr"


def test_tuning_jobs_and_training_pipelines_are_checked_for_fit_too(ap, service, tmp_path):
    resource(service, machineSpec={"machineType": "n1-standard-8"})
    config = tmp_path / "study.yaml"
    config.write_text(STUDY)
    on = "--persistent-resource-id=pr"
    tune = ["hp-tuning-jobs", "create", "--region=us-central1", "--display-name=t", f"--config={config}", on]
    train = ["training-pipelines", "create", "--region=us-central1", "--display-name=t", BOX, on]
    for argv in (tune, train):
        assert "has machine type n1-standard-8, not n1-standard-4" in ap(*argv, check=2).stderr
    assert not service.sent
    resource(service)
    ap(*tune)
    ap(*train)
    assert service.sent[0].body["trialJobSpec"]["persistentResourceId"] == "pr"
    assert service.sent[1].body["trainingTaskInputs"]["persistentResourceId"] == "pr"


# ---- tuning, training pipelines ----


def test_tuning_job(ap, service, tmp_path):
    config = tmp_path / "study.yaml"
    config.write_text(STUDY)
    r = ap("hp-tuning-jobs", "create", "--region=us-central1", "--display-name=tune", f"--config={config}",
           "--max-trial-count=4", "--algorithm=random-search", "--wait")
    assert only(service).body["studySpec"]["algorithm"] == "RANDOM_SEARCH"
    name = r.stdout.strip()
    assert ap("hp-tuning-jobs", "describe", name, "--format=value(maxTrialCount)").stdout == "4\n"
    assert ap("hp-tuning-jobs", "list", "--region=us-central1", "--uri").stdout.strip().endswith(f"/v1/{name}")
    ap("hp-tuning-jobs", "cancel", name)
    service.log(name.rsplit("/", 1)[1], "trial 1")
    assert "trial 1" in ap("hp-tuning-jobs", "stream-logs", name, "--polling-interval=1").stdout


def test_training_pipeline(ap, service):
    r = ap("training-pipelines", "create", "--region=us-central1", "--display-name=tp", BOX, "--base-output-dir=gs://b/o",
           "--model-display-name=m", "--model-container-image-uri=serve", "--wait")
    s = only(service)
    assert s.body["trainingTaskInputs"]["baseOutputDirectory"] == {"outputUriPrefix": "gs://b/o"}
    assert s.body["modelToUpload"]["displayName"] == "m" and "parentModel" not in s.body
    name = r.stdout.strip()
    assert ap("training-pipelines", "describe", name, "--format=value(displayName)").stdout == "tp\n"
    ap("training-pipelines", "cancel", name)
    assert ap("training-pipelines", "list", "--region=us-central1", "--format=value(state)").stdout == "PIPELINE_STATE_CANCELLED\n"


def test_parent_model_is_an_id_or_a_full_name(ap, service):
    train = ["training-pipelines", "create", "--region=us-central1", "--display-name=tp", BOX, "--model-display-name=m",
             "--model-container-image-uri=serve"]
    for given, sent in [("7", f"{PARENT}/models/7"), ("projects/p/locations/us-central1/models/7@2", None)]:
        ap(*train, f"--parent-model={given}")
        assert service.sent[-1].body["parentModel"] == (sent or given)
    assert "--parent-model: want an ID" in ap(*train, "--parent-model=a/b", check=2).stderr


# ---- pipelines ----

PIPELINE = '''
from typing import Dict, List
from kfp import compiler, dsl

@dsl.component(base_image="python:3.11")
def train(epochs: int, lr: float, flags: List[str], cfg: Dict[str, int] = {"a": 1}) -> str:
    return "x"

@dsl.component(base_image="python:3.11")
def use(x: str):
    print(x)

@dsl.pipeline(name="My Pipeline", pipeline_root="gs://bucket/root")
def pipeline(epochs: int, lr: float = 0.1, flags: List[str] = ["a"], name: str = None, deep: bool = True):
    t = train(epochs=epochs, lr=lr, flags=flags)
    with dsl.If(deep == True):
        use(x=t.output).set_caching_options(False)

compiler.Compiler().compile(pipeline, "p.yaml")
compiler.Compiler().compile(pipeline, "p.json")
'''


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    d = tmp_path_factory.mktemp("kfp")
    (d / "p.py").write_text(PIPELINE)
    support.run(vertex_types.PYTHON, "p.py", cwd=d)
    return d


@pytest.mark.parametrize("form", ["p.yaml", "p.json"])
def test_pipeline_of_the_kfp_compiler_runs(ap, service, compiled, form):
    r = ap("pipelines", "run", compiled / form, "--region=us-central1", "--parameter=epochs=3",
           "--parameter=flags=[\"x,y\"]", "--parameter=deep=false", "--labels=a=b", "--wait")
    s = only(service)
    config = s.body["runtimeConfig"]
    assert config["parameterValues"] == {"epochs": 3, "flags": ["x,y"], "deep": False}
    assert config["gcsOutputDirectory"] == "gs://bucket/root" and s.version == "v1"
    assert s.body["pipelineSpec"]["pipelineInfo"]["name"] == "my-pipeline"
    assert r.stdout.strip() == f"{NUMBERED}/pipelineJobs/{s.query['pipelineJobId']}"
    assert s.query["pipelineJobId"].startswith("my-pipeline-20")


def test_pipeline_on_a_persistent_resource(ap, service, compiled):
    ap("pipelines", "run", compiled / "p.yaml", "--region=us-central1", "--parameter=epochs=3",
       "--persistent-resource-id=pr", "--wait-time=10m", "--on-unavailable=fall-back", "--no-enable-caching")
    s = only(service)
    assert s.version == "v1beta1"
    assert s.body["runtimeConfig"]["defaultRuntime"]["persistentResourceRuntimeDetail"] == {
        "persistentResourceName": f"{PARENT}/persistentResources/pr",
        "taskResourceUnavailableWaitTimeMs": "600000",
        "taskResourceUnavailableTimeoutBehavior": "FALL_BACK_TO_ON_DEMAND"}
    tasks = [t for c in [s.body["pipelineSpec"]["root"], *s.body["pipelineSpec"]["components"].values()]
             for t in c.get("dag", {}).get("tasks", {}).values()]
    assert len(tasks) == 3 and all(t["cachingOptions"] == {"enableCache": False} for t in tasks)


def test_pipeline_from_cloud_storage(ap, service, compiled):
    service.objects["bucket/a b/p.yaml"] = (compiled / "p.yaml").read_bytes()
    r = ap("pipelines", "run", "gs://bucket/a b/p.yaml", "--region=us-central1", "--parameter=epochs=3", "--job-id=mine")
    assert r.stdout.strip().endswith("/pipelineJobs/mine")
    ap("pipelines", "cancel", "mine", "--region=us-central1")
    assert ap("pipelines", "describe", "mine", "--region=us-central1", "--format=value(state)").stdout == "PIPELINE_STATE_CANCELLED\n"
    assert ap("pipelines", "list", "--region=us-central1", "--uri").stdout.strip().endswith("/v1/" + r.stdout.strip())
    missing = ap("pipelines", "run", "gs://bucket/none.yaml", "--region=us-central1", check=1)
    assert "gs://bucket/none.yaml" in missing.stderr


def test_pipeline_parameters_are_checked_before_anything_is_sent(ap, service, compiled):
    for flags, words in [
        ([], "needs a value for epochs"),
        (["--parameter=epoch=3"], "did you mean epochs?"),
        (["--parameter=epochs=x"], "want a whole number"),
        (["--parameter=epochs=1", "--wait-time=1m"], "needs --persistent-resource-id"),
    ]:
        r = ap("pipelines", "run", compiled / "p.yaml", "--region=us-central1", *flags, check=2)
        assert words in r.stderr
    assert not service.requests


def test_pipeline_lost_answer_is_not_doubled(ap, service, compiled):
    service.fail("POST", "pipelineJobs", after="reset")
    ap("pipelines", "run", compiled / "p.yaml", "--region=us-central1", "--parameter=epochs=3")
    assert len(service.sent) == 1


# ---- Python packages ----

PY = "--worker-pool-spec=machine-type=n1-standard-4,executor-image-uri=gcr.io/my-project/base,python-module=trainer.task"


def test_local_package_is_uploaded_once_under_its_content(ap, service, tmp_path):
    package = tmp_path / "trainer-1.0.tar.gz"
    package.write_bytes(b"x" * 300_000)
    flags = [*CREATE, PY, f"--python-package-uris={package}", "--staging-bucket=gs://bucket/dir/"]
    dry = ap(*flags, "--dry-run")
    assert not service.requests
    ap(*flags)
    [uri] = only(service).body["jobSpec"]["workerPoolSpecs"][0]["pythonPackageSpec"]["packageUris"]
    assert re.fullmatch(r"gs://bucket/dir/autopack/[0-9a-f]{64}/trainer-1.0.tar.gz", uri) and uri in dry.stdout
    assert service.objects[uri[5:]] == package.read_bytes()
    before = len([r for r in service.requests if "upload" in r.path])
    ap(*flags)
    assert len([r for r in service.requests if "upload" in r.path]) == before


def test_upload_that_breaks_off_is_resumed(ap, service, tmp_path):
    package = tmp_path / "trainer-1.0.tar.gz"
    package.write_bytes(bytes(range(256)) * 4000)
    service.fail("PUT", "upload-session", after="reset")
    service.fail("PUT", "upload-session", answer=stand_in.Answer(503, {}, ""))
    ap(*CREATE, PY, f"--python-package-uris={package}", "--staging-bucket=gs://bucket")
    assert list(service.objects.values()) == [package.read_bytes()]


def test_upload_takes_no_range_beyond_its_end(ap, service, tmp_path):
    package = tmp_path / "trainer-1.0.tar.gz"
    package.write_bytes(bytes(range(256)) * 4000)
    service.fail("PUT", "upload-session", answer=stand_in.Answer(503, {}, ""))
    service.fail("PUT", "upload-session", answer=stand_in.Answer(308, {"Range": f"bytes=0-{256 * 4000}"}))
    ap(*CREATE, PY, f"--python-package-uris={package}", "--staging-bucket=gs://bucket", timeout=60)
    assert list(service.objects.values()) == [package.read_bytes()]


def test_upload_begins_again_when_its_session_is_gone(ap, service, tmp_path):
    package = tmp_path / "trainer-1.0.tar.gz"
    package.write_bytes(bytes(range(256)) * 4000)
    gone = stand_in.Answer(410, {}, "")
    service.fail("PUT", "upload-session", times=2, answer=gone)
    ap(*CREATE, PY, f"--python-package-uris={package}", "--staging-bucket=gs://bucket")
    assert list(service.objects.values()) == [package.read_bytes()]
    assert len([r for r in service.requests if "uploadType=resumable" in r.target]) == 2


def test_upload_that_never_goes_through_sends_no_job(ap, service, tmp_path):
    package = tmp_path / "trainer-1.0.tar.gz"
    package.write_bytes(b"x")
    service.fail("POST", "uploadType=resumable", times=99, answer=stand_in.error(403, "PERMISSION_DENIED", "storage.objects.create denied"))
    r = ap(*CREATE, PY, f"--python-package-uris={package}", "--staging-bucket=gs://bucket", check=1)
    assert "roles/storage.objectAdmin" in r.stderr and not service.sent


def test_upload_is_not_sent_to_another_host(ap, service, tmp_path):
    package = tmp_path / "a.whl"
    package.write_bytes(b"a")
    thief = stand_in.wire.recorder()
    service.fail("POST", "uploadType=resumable", answer=stand_in.Answer(200, {"Location": thief.url + "/x"}))
    r = ap(*CREATE, PY, f"--python-package-uris={package}", "--staging-bucket=gs://bucket", check=1)
    assert "another host" in r.stderr and not thief.requests and not service.sent
    thief.stop()


def test_local_package_needs_a_bucket_and_must_exist(ap, service, tmp_path):
    r = ap(*CREATE, PY, "--python-package-uris=a.whl", cwd=tmp_path, check=2)
    assert "--staging-bucket" in r.stderr
    r = ap(*CREATE, PY, "--python-package-uris=a.whl", "--staging-bucket=gs://bucket", cwd=tmp_path, check=2)
    assert "a.whl" in r.stderr
    assert not service.requests


SETUP = "from setuptools import setup\nsetup(name='trainer', version='2.0', packages=['trainer'])\n"
PROJECT = {"code/setup.py": SETUP, "code/trainer/__init__.py": "", "code/trainer/task.py": "print('task')\n"}


def test_directory_is_built_into_an_sdist_and_uploaded_once(ap, service, project, tmp_path):
    work = project(PROJECT)
    flags = [*CREATE, PY, "--python-package-uris=code", "--staging-bucket=gs://bucket"]
    dry = ap(*flags, "--dry-run", "--format=json", cwd=work)
    assert not service.requests and "building" not in dry.stderr
    first = ap(*flags, cwd=work)
    assert "building" in first.stderr and only(service).body == dry.json()
    [uri] = only(service).body["jobSpec"]["workerPoolSpecs"][0]["pythonPackageSpec"]["packageUris"]
    assert re.fullmatch(r"gs://bucket/autopack/[0-9a-f]{64}/code.tar.gz", uri)
    # pip, not we, says what it is.
    sdist, target = tmp_path / "code.tar.gz", tmp_path / "target"
    sdist.write_bytes(service.objects[uri[5:]])
    pip = [support.ENV_BIN / "python", "-m", "pip", "install", "--no-deps", "--target", target, sdist]
    support.run(*pip, env={**support.index_env(), "HOME": str(tmp_path), "PATH": os.environ["PATH"]})
    assert (target / "trainer" / "task.py").read_text() == "print('task')\n"
    assert (target / "trainer-2.0.dist-info").is_dir()
    uploads = len([r for r in service.requests if "upload" in r.path])
    again = ap(*flags, cwd=work)
    assert "building" not in again.stderr
    assert len([r for r in service.requests if "upload" in r.path]) == uploads
    (work / "code/trainer/task.py").write_text("print('other')\n")
    ap(*flags, cwd=work)
    assert len(service.objects) == 2


def test_local_packages_of_a_config_file_are_uploaded_too(ap, service, project):
    work = project({**PROJECT, "a-1.0.tar.gz": "a", "job.yaml": """
baseOutputDirectory: {outputUriPrefix: gs://bucket/out}
workerPoolSpecs:
- machineSpec: {machineType: n1-standard-4}
  pythonPackageSpec:
    executorImageUri: gcr.io/my-project/base
    packageUris: [gs://b/given.tar.gz, a-1.0.tar.gz]
    pythonModule: trainer.task
"""})
    ap(*CREATE, "--config=job.yaml", cwd=work)
    given, ours = only(service).body["jobSpec"]["workerPoolSpecs"][0]["pythonPackageSpec"]["packageUris"]
    assert given == "gs://b/given.tar.gz" and ours.startswith("gs://bucket/out/autopack/")
    assert service.objects == {ours[5:]: b"a"}
    (work / "a-1.0.tar.gz").unlink()
    r = ap(*CREATE, "--config=job.yaml", cwd=work, check=2)
    assert "job.yaml: line 7, column 40" in r.stderr and "a-1.0.tar.gz" in r.stderr


def test_what_is_no_package_is_refused_before_anything_is_sent(ap, service, project):
    work = project({"code/task.py": "", "notes.txt": ""})
    for path, words in [("code", "neither setup.py nor pyproject.toml"), ("notes.txt", "want a wheel, an sdist")]:
        r = ap(*CREATE, PY, f"--python-package-uris={path}", "--staging-bucket=gs://bucket", cwd=work, check=2)
        assert words in r.stderr
    assert not service.requests


def test_project_that_does_not_build_sends_no_job(ap, service, project):
    work = project({"code/setup.py": "raise SystemExit('no such thing')\n"})
    r = ap(*CREATE, PY, "--python-package-uris=code", "--staging-bucket=gs://bucket", cwd=work, check=2)
    assert "no such thing" in r.stderr and not service.sent and not service.objects
