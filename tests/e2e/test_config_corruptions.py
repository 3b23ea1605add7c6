"""200 seeded corruptions of valid --config files: each is refused with line and column, or gives a
body that the API's own message accepts.  Run with MODE=asan as well: none may crash."""

import json
import random
import re
import sys

import pytest

import support

sys.path.insert(0, str(support.ROOT / "tests" / "server"))
import vertex_types  # noqa: E402

VALID = [
    """workerPoolSpecs:
- machineSpec:
    machineType: n1-standard-4
    acceleratorType: NVIDIA_TESLA_T4
    acceleratorCount: 2
  replicaCount: 1
  diskSpec: {bootDiskType: pd-ssd, bootDiskSizeGb: 200}
  containerSpec:
    imageUri: gcr.io/p/i
    args: [--epochs=3, "x y"]
    env:
    - {name: FOO, value: bar}
- &second
  machineSpec: {machineType: n1-standard-8}
  replicaCount: 3
  pythonPackageSpec:
    executorImageUri: gcr.io/p/base
    packageUris: [gs://b/a.tar.gz]
    pythonModule: a.b
  nfsMounts:
  - {server: 10.0.0.2, path: /share, mountPoint: data}
- <<: *second
  replicaCount: 4
scheduling:
  timeout: 3600s
  restartJobOnWorkerRestart: true
  strategy: SPOT
serviceAccount: sa@p.iam.gserviceaccount.com
network: projects/1/global/networks/n
reservedIpRanges: [a, b]
baseOutputDirectory: {outputUriPrefix: gs://b/o}
enableWebAccess: true
""",
    json.dumps({
        "displayName": "x",
        "labels": {"a": "b"},
        "jobSpec": {
            "workerPoolSpecs": [{
                "machineSpec": {"machineType": "a2-highgpu-1g", "reservationAffinity": {
                    "reservationAffinityType": "SPECIFIC_RESERVATION", "key": "k", "values": ["v"]}},
                "replicaCount": "2",
                "containerSpec": {"imageUri": "i", "command": ["a"], "args": ["\u00e9\U0001f680"]},
            }],
            "scheduling": {"timeout": "1.5s", "maxWaitDuration": "60s"},
            "pscInterfaceConfig": {"networkAttachment": "na"},
        },
    }, indent=1),
    """worker_pool_specs:
  machine_spec: {machine_type: n1-highmem-2}
  replica_count: 1
  container_spec: {image_uri: gcr.io/p/i}
persistent_resource_id: pr
tensorboard: projects/1/locations/us-central1/tensorboards/2
""",
]
TOKENS = ["null", "{}", "[]", "-1", "1e99", "99999999999999999999", "0x10", "yes", '"', "'", "&a", "*a", "!!int", "|", ">",
          ": ", "- ", "#", "\t", "---\n", "...\n", "\u2028", "\x00", "\x07", "<<: ", "? ", "\\ud800", "NaN", ".inf", "{", "]"]


def corrupt(text, r):
    for _ in range(r.choice([1, 1, 1, 2, 3])):
        at = r.randrange(len(text))
        kind = r.randrange(6)
        if kind == 0:
            text = text[:at] + text[at + 1 + r.randrange(4):]
        elif kind == 1:
            text = text[:at] + r.choice(TOKENS) + text[at:]
        elif kind == 2:
            text = text[:at] + chr(r.randrange(0x20, 0x7f)) + text[at + 1:]
        elif kind == 3:  # a value becomes something else
            values = [m for m in re.finditer(r"(?<=: )[^\n,{}\[\]]+", text)]
            if values:
                m = r.choice(values)
                text = text[:m.start()] + r.choice(TOKENS[:16]) + text[m.end():]
        elif kind == 4:  # a line twice, or gone
            lines = text.split("\n")
            i = r.randrange(len(lines))
            lines[i:i + 1] = [lines[i]] * r.choice([0, 2])
            text = "\n".join(lines) or "x"
        else:  # two words change places
            words = [m for m in re.finditer(r"\w{3,}", text)]
            a, b = sorted(r.sample(range(len(words)), 2)) if len(words) > 1 else (0, 0)
            a, b = words[a], words[b]
            text = text[:a.start()] + b[0] + text[a.end():b.start()] + a[0] + text[b.end():]
    return text


@pytest.fixture(scope="module")
def types():
    t = vertex_types.Types()
    yield t
    t.close()


def run(autopack, config):
    return autopack("custom-jobs", "create", "--project=my-project", "--region=us-central1", "--display-name=x",
                    f"--config={config}", "--dry-run", "--format=json", check=None)


@pytest.mark.parametrize("text", VALID, ids=["yaml", "json", "snake"])
def test_the_files_are_valid_before(autopack, types, tmp_path, text):
    config = tmp_path / "c.yaml"
    config.write_text(text)
    r = run(autopack, config)
    assert r.returncode == 0 and types("v1beta1", "CustomJob", r.json()) is None, repr(r)


def test_200_corruptions_are_refused_with_a_place_or_give_a_legal_body(autopack, types, tmp_path):
    refused = 0
    for seed in range(200):
        r = random.Random(seed)
        config = tmp_path / "c.yaml"
        config.write_bytes(corrupt(r.choice(VALID), r).encode("utf-8", "surrogatepass"))
        p = run(autopack, config)
        if p.returncode == 0:
            wrong = types("v1beta1", "CustomJob", p.json())
            assert wrong is None, f"seed {seed}: {wrong}\n{config.read_text()}"
            continue
        refused += 1
        assert p.returncode == 2 and p.stdout == "", f"seed {seed}: {p!r}"
        assert re.search(r"c\.yaml: line \d+, column \d+: ", p.stderr), f"seed {seed}: {p.stderr}\n{config.read_text()}"
    assert 80 < refused < 200
