"""The stand-in service is fair: Google's own client library drives it over REST, and gcloud where it is
installed, without a special word."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

import support

sys.path.insert(0, str(support.ROOT / "tests" / "server"))
import vertex as stand_in  # noqa: E402
import vertex_types  # noqa: E402

CLIENT = """
import sys
from google.auth.credentials import Credentials
from google.cloud import aiplatform_v1 as v1

class Token(Credentials):
    def __init__(self):
        super().__init__()
        self.token = "fake-access-token"
    def refresh(self, request):
        pass

def client(cls):
    transport = cls.get_transport_class("rest")(host=sys.argv[1], url_scheme="http", credentials=Token())
    return cls(transport=transport)

parent = "projects/my-project/locations/us-central1"
pool = {"machine_spec": {"machine_type": "n1-standard-4", "accelerator_type": "NVIDIA_L4", "accelerator_count": 1},
        "replica_count": 1, "container_spec": {"image_uri": "gcr.io/p/i"}}
jobs = client(v1.JobServiceClient)
job = jobs.create_custom_job(parent=parent, custom_job={"display_name": "sdk", "job_spec": {"worker_pool_specs": [pool]}})
assert job.state == v1.JobState.JOB_STATE_PENDING, job
for _ in range(2):
    job = jobs.get_custom_job(name=job.name)
assert job.state == v1.JobState.JOB_STATE_RUNNING, job
jobs.create_custom_job(parent=parent, custom_job={"display_name": "other", "job_spec": {"worker_pool_specs": [pool]}})
names = [j.display_name for j in jobs.list_custom_jobs(request={"parent": parent, "page_size": 1})]
assert sorted(names) == ["other", "sdk"], names
found = list(jobs.list_custom_jobs(request={"parent": parent, "filter": 'display_name="sdk"'}))
assert [j.name for j in found] == [job.name]
jobs.cancel_custom_job(name=job.name)
assert jobs.get_custom_job(name=job.name).state == v1.JobState.JOB_STATE_CANCELLED
try:
    jobs.get_custom_job(name=parent + "/customJobs/1")
except Exception as e:
    assert type(e).__name__ == "NotFound", e
else:
    raise SystemExit("found what is not there")

resources = client(v1.PersistentResourceServiceClient)
made = resources.create_persistent_resource(parent=parent, persistent_resource_id="pr", persistent_resource={
    "resource_pools": [{"machine_spec": {"machine_type": "n1-standard-4"}, "replica_count": 2}]})
assert "/operations/" in made.operation.name
got = resources.get_persistent_resource(name=parent + "/persistentResources/pr")
assert got.resource_pools[0].replica_count == 2
resources.delete_persistent_resource(name=parent + "/persistentResources/pr")

study = {"metrics": [{"metric_id": "loss", "goal": "MINIMIZE"}],
         "parameters": [{"parameter_id": "lr", "double_value_spec": {"min_value": 0.1, "max_value": 1}}]}
tuning = jobs.create_hyperparameter_tuning_job(parent=parent, hyperparameter_tuning_job={
    "display_name": "tune", "study_spec": study, "max_trial_count": 2, "parallel_trial_count": 1,
    "trial_job_spec": {"worker_pool_specs": [pool]}})
assert [j.name for j in jobs.list_hyperparameter_tuning_jobs(parent=parent)] == [tuning.name]
jobs.cancel_hyperparameter_tuning_job(name=tuning.name)

pipelines = client(v1.PipelineServiceClient)
run = pipelines.create_pipeline_job(parent=parent, pipeline_job_id="mine", pipeline_job={
    "display_name": "run", "pipeline_spec": {"pipelineInfo": {"name": "p"}},
    "runtime_config": {"gcs_output_directory": "gs://b/r"}})
assert run.name.endswith("/pipelineJobs/mine") and run.state == v1.PipelineState.PIPELINE_STATE_PENDING
pipelines.cancel_pipeline_job(name=run.name)
train = pipelines.create_training_pipeline(parent=parent, training_pipeline={
    "display_name": "train", "training_task_definition": "gs://google-cloud-aiplatform/schema/trainingjob/definition/custom_task_1.0.0.yaml",
    "training_task_inputs": {"workerPoolSpecs": [{"machineSpec": {"machineType": "n1-standard-4"}, "replicaCount": "1",
                                                  "containerSpec": {"imageUri": "gcr.io/p/i"}}]}})
assert [t.display_name for t in pipelines.list_training_pipelines(parent=parent)] == ["train"]
pipelines.cancel_training_pipeline(name=train.name)
print("fair")
"""


def test_the_table_of_the_api_is_made_of_its_definition():
    made = support.run(vertex_types.PYTHON, support.ROOT / "vertex" / "schema_gen.py").stdout
    assert made == (support.ROOT / "vertex" / "schema_table.c").read_text(), "run make schema"


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


def by_library(service, tmp_path, autopack):
    p = subprocess.run([str(vertex_types.PYTHON), "-c", CLIENT, service.server.host], capture_output=True, text=True,
                       cwd=tmp_path, env={"HOME": str(tmp_path), "no_proxy": "*"}, timeout=120)
    assert p.returncode == 0 and p.stdout == "fair\n", p.stderr[-2000:]
    assert [s.message for s in service.sent] == [
        "CustomJob", "CustomJob", "PersistentResource", "HyperparameterTuningJob", "PipelineJob", "TrainingPipeline"]


STUDY = """
studySpec:
  metrics: [{metricId: loss, goal: MINIMIZE}]
  parameters: [{parameterId: lr, doubleValueSpec: {minValue: 0.1, maxValue: 1}}]
trialJobSpec:
  workerPoolSpecs:
  - machineSpec: {machineType: n1-standard-4}
    replicaCount: 1
    containerSpec: {imageUri: gcr.io/my-project/trainer:1}
"""


def by_gcloud(service, tmp_path, autopack):
    """The same words once by gcloud, once by us: the same requests, the same output where a script reads it."""
    (tmp_path / "token").write_text("fake-access-token\n")
    (tmp_path / "study.yaml").write_text(STUDY)
    env = {**service.environment(tmp_path / "token"), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
           "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1", "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1"}
    theirs = {**env, "PATH": os.environ["PATH"], "HOME": str(tmp_path), "CLOUDSDK_CONFIG": str(tmp_path / "gcloud")}

    def gcloud(*words):
        return support.run("gcloud", "ai", *words, "--region=us-central1", env=theirs, cwd=tmp_path).stdout

    def both(*words):
        ours = autopack(*words, "--region=us-central1", env=env, cwd=tmp_path).stdout
        return gcloud(*words), ours

    for words in (
        ["custom-jobs", "create", "--display-name=a", "--labels=k=v", "--args=-x,y", "--enable-web-access",
         "--worker-pool-spec=machine-type=n1-standard-4,accelerator-type=NVIDIA_L4,container-image-uri=gcr.io/p/i"],
        ["hp-tuning-jobs", "create", "--display-name=t", "--config=study.yaml", "--max-trial-count=3"],
    ):
        both(*words)
        theirs_sent, ours_sent = service.sent[-1], service.sent[-2]
        assert theirs_sent.body == ours_sent.body and theirs_sent.path == ours_sent.path
    service.states = ["RUNNING"]
    job = service.add("customJobs", "7", {"displayName": "b", "state": "JOB_STATE_RUNNING", "createTime": "2025-01-01T00:00:00Z"})
    for words in (
        ["custom-jobs", "list", "--uri"],
        ["custom-jobs", "list", "--sort-by=createTime", "--format=value(displayName,state)", "--limit=2"],
        ["custom-jobs", "list", "--sort-by=~displayName", "--page-size=1", "--format=value(name)"],
        ["custom-jobs", "list", "--format=json"],
        ["custom-jobs", "list"],
        ["custom-jobs", "describe", "7", "--format=value(labels.k,createTime)"],
        ["hp-tuning-jobs", "describe", next(n for n in service.resources if "hyper" in n).rsplit("/")[-1], "--format=json"],
    ):
        gave, ours = both(*words)
        if words[-1] == "--format=json":
            gave, ours = json.loads(gave), json.loads(ours)
        elif "--format" not in words[-1]:
            gave, ours = re.sub("['\"]", "", gave), re.sub("['\"]", "", ours)  # YAML leaves some of them to us
        assert ours == gave, words
    gcloud("custom-jobs", "cancel", "7")
    assert service.resources[job]["state"] == "JOB_STATE_CANCELLED"
    service.log("7", "a line")
    assert "a line" in gcloud("custom-jobs", "stream-logs", "7", "--polling-interval=1")
    gcloud("persistent-resources", "create", "--persistent-resource-id=pr",
           "--resource-pool-spec=machine-type=n1-standard-4,replica-count=1")
    gave, ours = both("persistent-resources", "list", "--format=value(name,resourcePools[0].machineSpec.machineType)")
    assert ours == gave and "/pr\t" in ours
    gcloud("persistent-resources", "reboot", "pr")
    gcloud("persistent-resources", "delete", "pr")


DRIVERS = [by_library, *([by_gcloud] if shutil.which("gcloud") else [])]


@pytest.mark.parametrize("drive", DRIVERS, ids=[d.__name__ for d in DRIVERS])
def test_it_is_driven(service, tmp_path, autopack, drive):
    drive(service, tmp_path, autopack)
