"""The stand-in service is fair: Google's own client library drives it over REST, without a special word."""

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
print("fair")
"""


@pytest.fixture(scope="module")
def types():
    t = vertex_types.Types()
    yield t
    t.close()


def test_the_client_library_drives_the_stand_in(types, tmp_path):
    service = stand_in.Vertex(check=types)
    try:
        p = subprocess.run([str(vertex_types.PYTHON), "-c", CLIENT, service.server.host], capture_output=True, text=True,
                           cwd=tmp_path, env={"HOME": str(tmp_path), "no_proxy": "*"}, timeout=120)
        assert p.returncode == 0 and p.stdout == "fair\n", p.stderr[-2000:]
        assert [s.message for s in service.sent] == ["CustomJob", "CustomJob", "PersistentResource"]
    finally:
        service.stop()
