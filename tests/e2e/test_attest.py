"""What is attached to an image: bills of materials, provenance, signatures; read by others than us."""

import base64
import hashlib
import json
import subprocess
import sys

import pytest

import support

sys.path.insert(0, str(support.ROOT / "tests" / "server"))
from registry import Registry as Fake  # noqa: E402
from wire import Answer  # noqa: E402

CODE = {"trainer/__init__.py": "", "trainer/task.py": "print('trained')\n"}
SPDX, CYCLONEDX, IN_TOTO = "application/spdx+json", "application/vnd.cyclonedx+json", "application/vnd.in-toto+json"
INDEX = "application/vnd.oci.image.index.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"

VALIDATE = {
    "spdx": """
import sys
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
import importlib.resources, json, jsonschema
# The published schema of SPDX 2.3 as lib4sbom brings it; it forbids members that it does not know.
schema = json.loads((importlib.resources.files("lib4sbom") / "schemas/spdx/2.3-schema.json").read_text())
for e in jsonschema.Draft201909Validator(schema).iter_errors(json.load(open(sys.argv[1]))):
    print("schema:", e.json_path, e.message)
for m in validate_full_spdx_document(parse_file(sys.argv[1])):
    print(m.validation_message)
""",
    "cyclonedx": """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
bad = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
if bad:
    print(bad)
""",
}


def validate(kind, path):
    """What the format's own validator and its published schema have against a document; empty: nothing."""
    python = support.ROOT / "build" / "env-sbom" / "bin" / "python"
    return support.run(python, "-c", VALIDATE[kind], path).stdout


@pytest.mark.parametrize("kind", VALIDATE)
def test_the_validators_see_what_is_wrong(kind, autopack, base, project, tmp_path):
    """One member too many, one missing, one of another type: no validator that is content with everything."""
    path = tmp_path / {"spdx": "x.spdx.json", "cyclonedx": "x.cdx.json"}[kind]
    autopack(
        "build", f"--executor-image-uri=oci:{base('tiny-python')}:latest", f"--local-package-path={project(CODE)}",
        "--script=trainer/task.py", f"--image=oci:{tmp_path}/image", f"--sbom-out={path}",
    )  # fmt: skip
    text = path.read_text()
    assert validate(kind, path) == ""
    one = "creationInfo" if kind == "spdx" else "metadata"
    for change in (lambda d: d.update(unknown=1), lambda d: d[one].update(unknown=1), lambda d: d.update({one: "a word"})):
        document = json.loads(text)
        change(document)
        path.write_text(json.dumps(document))
        with pytest.raises(AssertionError):
            assert validate(kind, path) == ""


@pytest.fixture
def wheels(tmp_path):
    """Three wheels that say their licence in three ways, in a directory of a project."""

    def make(where):
        d = where / "dist"
        d.mkdir()
        support.wheel(d, "plain", "1.0", metadata="License-Expression: MIT OR Apache-2.0\n")
        support.wheel(d, "words", "2.0+local", metadata='License: the "do what you want" one\nX: é\n')
        support.wheel(d, "classified", "3", metadata="Classifier: License :: OSI Approved :: BSD License\n")
        return "--extra-packages=" + ",".join(f"dist/{p.name}" for p in sorted(d.iterdir()))

    return make


@pytest.fixture
def build(autopack, base, registry, repo):
    def go(where, *flags, executor="minbase", out=None, runner=None, **kw):
        return (runner or autopack)(
            "build",
            f"--executor-image-uri={base.push(executor)}",
            f"--local-package-path={where}",
            "--script=trainer/task.py",
            *([f"--output-image-uri={registry.name(out or repo)}"] if out != "" else []),
            *flags,
            **kw,
        )

    return go


@pytest.fixture
def key(tmp_path):
    """A P-256 key by openssl: (private, public)."""

    def make(name="key", algorithm=("EC", "ec_paramgen_curve:prime256v1"), *flags):
        private, public = tmp_path / f"{name}.pem", tmp_path / f"{name}.pub"
        argv = ["openssl", "genpkey", "-algorithm", algorithm[0], "-out", private]
        support.run(*argv, *(["-pkeyopt", algorithm[1]] if algorithm[1] else []), *flags)
        support.run("openssl", "pkey", "-in", private, "-pubout", "-out", public, *(["-passin", flags[-1]] if flags else []))
        return private, public

    return make


def tag_of(digest, suffix=""):
    return digest.replace(":", "-") + suffix


def attached(registry, repo, digest):
    """{artifact type: (document, descriptor)} by the registry's own answers."""
    index, _, kind = registry.manifest(repo, tag_of(digest))
    assert kind == INDEX and index["mediaType"] == INDEX and index["schemaVersion"] == 2
    out = {}
    for d in index["manifests"]:
        manifest, found, _ = registry.manifest(repo, d["digest"])
        assert found == d["digest"] and manifest["artifactType"] == d["artifactType"]
        assert manifest["subject"]["digest"] == digest and manifest["config"]["mediaType"].endswith(".empty.v1+json")
        assert registry.blob(repo, manifest["config"]["digest"]) == b"{}"
        (layer,) = manifest["layers"]
        assert layer["mediaType"] == manifest["artifactType"]
        assert d["artifactType"] not in out
        out[d["artifactType"]] = registry.blob(repo, layer["digest"]), d
    return out


def test_bills_of_materials_are_valid_and_say_what_is_in_the_image(build, project, wheels, registry, repo, tmp_path):
    where = project(CODE)
    flag = wheels(where)
    plain = build(where, flag)
    assert not [t for t in registry.tags(repo) if t.startswith("sha256-")]
    r = build(where, flag, "--sbom=spdx,cyclonedx", f"--sbom-out={tmp_path}/a.spdx.json", f"--sbom-out={tmp_path}/a.cdx.json")
    assert r.digest == plain.digest
    manifest, _, _ = registry.manifest(repo, r.digest)
    found = attached(registry, repo, r.digest)
    assert set(found) == {SPDX, CYCLONEDX}
    for kind, type_, name in (("spdx", SPDX, "a.spdx.json"), ("cyclonedx", CYCLONEDX, "a.cdx.json")):
        assert (tmp_path / name).read_bytes() == found[type_][0]
        assert validate(kind, tmp_path / name) == ""

    layers = {x["digest"] for x in manifest["layers"]}
    sums = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (where / "dist").iterdir()}
    spdx, cdx = json.loads(found[SPDX][0]), json.loads(found[CYCLONEDX][0])
    assert spdx["creationInfo"]["created"] == cdx["metadata"]["timestamp"] == "1980-01-01T00:00:00Z"

    by_name = {p["name"]: p for p in spdx["packages"]}
    words = by_name["words"]
    assert words["versionInfo"] == "2.0+local" and words["packageFileName"] in sums
    assert words["checksums"] == [{"algorithm": "SHA256", "checksumValue": sums[words["packageFileName"]]}]
    assert words["externalRefs"][0]["referenceLocator"] == "pkg:pypi/words@2.0%2Blocal"
    quoted = {x["licenseId"]: x["extractedText"] for x in spdx["hasExtractedLicensingInfos"]}
    assert quoted[words["licenseDeclared"]] == 'the "do what you want" one'
    assert quoted[by_name["classified"]["licenseDeclared"]] == "BSD License"
    assert by_name["plain"]["licenseDeclared"] == "MIT OR Apache-2.0"
    related = {(x["spdxElementId"], x["relationshipType"], x["relatedSpdxElement"]) for x in spdx["relationships"]}
    assert ("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-image") in related
    holder = next(a for a, how, b in related if how == "CONTAINS" and b == words["SPDXID"])
    layer = next(p for p in spdx["packages"] if p["SPDXID"] == holder)
    assert "sha256:" + layer["checksums"][0]["checksumValue"] in layers
    assert ("SPDXRef-image", "CONTAINS", holder) in related
    pip = by_name["pip"]  # the executor image's own
    assert ("SPDXRef-base", "CONTAINS", pip["SPDXID"]) in related

    parts = {c["name"]: c for c in cdx["components"]}
    assert cdx["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": r.digest[7:]}]
    assert parts["words"]["purl"] == "pkg:pypi/words@2.0%2Blocal"
    assert parts["words"]["licenses"] == [{"license": {"name": 'the "do what you want" one'}}]
    assert parts["plain"]["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert parts["words"]["properties"][0]["value"] in layers
    assert parts["code"]["hashes"][0]["content"] in {x[7:] for x in layers}
    needs = {x["ref"]: x["dependsOn"] for x in cdx["dependencies"]}
    image = cdx["metadata"]["component"]["bom-ref"]
    assert {parts[n]["bom-ref"] for n in ("plain", "words", "classified", "code")} < set(needs[image])
    assert parts["pip"]["bom-ref"] in needs["executor"]
    assert str(tmp_path) not in found[SPDX][0].decode() + found[CYCLONEDX][0].decode()


def test_the_same_inputs_give_the_same_documents_on_another_machine(build, project, wheels, registry, repo, tmp_path):
    where = project(CODE, name="one/x")
    flag = wheels(where)
    flags = (flag, "--sbom=spdx", "--sbom=cyclonedx", "--provenance")
    first = attached(registry, repo, build(where, *flags).digest)
    there = project({k: (0o640, v) for k, v in CODE.items()}, name="two/y")
    (there / "dist").mkdir()
    for p in (where / "dist").iterdir():
        (there / "dist" / p.name).write_bytes(p.read_bytes())
    other = support.Autopack(tmp_path / "other home")
    r = build(there, *flags, runner=other, env={"TZ": "Asia/Tokyo", "LC_ALL": "C"})
    assert attached(registry, repo, r.digest) == first


def test_documents_say_when_the_source_is_from(build, project, registry, repo, tmp_path):
    r = build(
        project(CODE),
        "--sbom=spdx",
        f"--sbom-out={tmp_path}/b.cdx.json",
        executor="tiny-python",
        env={"SOURCE_DATE_EPOCH": "1700000000"},
    )
    spdx = json.loads(attached(registry, repo, r.digest)[SPDX][0])
    assert spdx["creationInfo"]["created"] == "2023-11-14T22:13:20Z"
    cdx = json.loads((tmp_path / "b.cdx.json").read_text())
    assert cdx["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    assert [c["type"] for c in cdx["components"]] == ["file", "container"]
    assert validate("cyclonedx", tmp_path / "b.cdx.json") == ""


def test_provenance_names_what_went_in_and_no_secret(build, project, wheels, registry, repo, base):
    where = project(CODE)
    flag = wheels(where)
    for argv in (["init", "-q"], ["add", "trainer"], ["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "x"]):
        support.run("git", "-C", where, *argv)
    support.run("git", "-C", where, "remote", "add", "origin", "https://me:pw-origin@code.example/team/x.git")
    r = build(
        where, flag, "--provenance", "--builder-id=https://ci.example/runner", "--env=TOKEN=s3cret,MODE=a",
        env={"PIP_EXTRA_INDEX_URL": ""},
    )
    text, d = attached(registry, repo, r.digest)[IN_TOTO]
    assert d["annotations"] == {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"}
    s = json.loads(text)
    assert s["_type"] == "https://in-toto.io/Statement/v1" and s["predicateType"] == "https://slsa.dev/provenance/v1"
    assert s["subject"] == [{"name": registry.name(repo), "digest": {"sha256": r.digest[7:]}}]
    definition, details = s["predicate"]["buildDefinition"], s["predicate"]["runDetails"]
    asked = definition["externalParameters"]
    assert definition["buildType"] == "urn:autopack:build:v1"
    assert asked["script"] == "trainer/task.py" and asked["environment"] == ["TOKEN", "MODE"]
    assert asked["executorImage"] == base.push("minbase") and asked["requestTag"] in registry.tags(repo)
    used = {x["name"]: x for x in definition["resolvedDependencies"]}
    _, base_digest, _ = registry.manifest("base/minbase", "latest")
    assert used["executor image"]["digest"] == {"sha256": base_digest[7:]}
    for p in (where / "dist").iterdir():
        assert used[p.name]["digest"] == {"sha256": hashlib.sha256(p.read_bytes()).hexdigest()}
    head = support.run("git", "-C", where, "rev-parse", "HEAD").stdout.strip()
    assert used["source"]["digest"] == {"gitCommit": head} and used["source"]["uri"].endswith("code.example/team/x.git")
    assert details["builder"]["id"] == "https://ci.example/runner" and "autopack" in details["builder"]["version"]
    assert b"s3cret" not in text and b"pw-origin" not in text and str(where).encode() not in text


def test_what_hangs_there_already_stays_and_nothing_is_added_twice(build, project, registry, repo):
    where = project(CODE)
    r = build(where, executor="tiny-python")
    foreign = json.dumps({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/x.foreign",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": registry.put_blob(repo, b"{}"), "size": 2},
        "layers": [],
        "subject": {"mediaType": "x/y", "digest": r.digest, "size": 1},
    }).encode()
    d = "sha256:" + hashlib.sha256(foreign).hexdigest()
    registry.put_manifest(repo, d, foreign, "application/vnd.oci.image.manifest.v1+json")
    entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": d, "size": len(foreign), "x-own": "kept"}
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry], "annotations": {"k": "v"}}).encode()
    registry.put_manifest(repo, tag_of(r.digest), index, INDEX)
    build(where, "--sbom=spdx", executor="tiny-python")
    one, digest, _ = registry.manifest(repo, tag_of(r.digest))
    assert one["manifests"][0] == entry and one["annotations"] == {"k": "v"} and len(one["manifests"]) == 2
    seen = len(registry.requests())
    build(where, "--sbom=spdx", executor="tiny-python")
    assert registry.manifest(repo, tag_of(r.digest))[1] == digest
    assert not [x for x in registry.requests(seen) if x[0] == "PUT" and "sha256-" in x[1]]


def test_writers_at_once_lose_nothing_of_each_other(autopack, build, project, registry, repo, base):
    where = project(CODE)
    digest = build(where, executor="tiny-python").digest
    runs = [
        autopack.popen(
            "build", f"--executor-image-uri={base.push('tiny-python')}", f"--local-package-path={where}",
            "--script=trainer/task.py", f"--output-image-uri={registry.name(repo)}", "--provenance", f"--builder-id=urn:ci:{n}",
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )
        for n in range(5)
    ]
    for p in runs:
        assert p.wait(120) == 0, p.stderr.read()
    index, _, _ = registry.manifest(repo, tag_of(digest))
    assert len(index["manifests"]) == 5


def test_a_tag_of_somebody_elses_is_not_overwritten(build, project, registry, repo, key):
    where = project(CODE)
    r = build(where, executor="tiny-python")
    manifest, _, kind = registry.manifest(repo, r.digest)
    body = registry.request("GET", f"/v2/{repo}/manifests/{r.digest}", {"Accept": kind})[2]
    registry.put_manifest(repo, tag_of(r.digest), body, kind)
    again = build(where, "--sbom=spdx", executor="tiny-python", check=1)
    assert "lists no referrers" in again.stderr
    assert registry.manifest(repo, tag_of(r.digest))[1] == r.digest


def verified(public, signature, data, tmp_path):
    (tmp_path / "sig").write_bytes(base64.b64decode(signature, validate=True))
    (tmp_path / "data").write_bytes(data)
    argv = ["openssl", "dgst", "-sha256", "-verify", public, "-signature", tmp_path / "sig", tmp_path / "data"]
    return support.run(*argv, check=False).returncode == 0


def pae(kind, body):
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(body), body)


def test_signatures_are_cosigns_and_openssl_agrees(build, project, registry, repo, key, tmp_path):
    where = project(CODE)
    private, public = key()
    flags = (f"--sign-key={private}", "--sbom=spdx,cyclonedx", "--provenance")
    r = build(where, *flags, executor="tiny-python")
    sig, _, _ = registry.manifest(repo, tag_of(r.digest, ".sig"))
    (layer,) = sig["layers"]
    payload = registry.blob(repo, layer["digest"])
    assert layer["mediaType"] == "application/vnd.dev.cosign.simplesigning.v1+json"
    assert json.loads(payload)["critical"] == {
        "identity": {"docker-reference": registry.name(repo)},
        "image": {"docker-manifest-digest": r.digest},
        "type": "cosign container image signature",
    }
    assert verified(public, layer["annotations"][SIGNATURE], payload, tmp_path)
    assert not verified(public, layer["annotations"][SIGNATURE], payload + b" ", tmp_path)
    assert registry.config(repo, tag_of(r.digest, ".sig"))["rootfs"]["diff_ids"] == [layer["digest"]]

    att, att_digest, _ = registry.manifest(repo, tag_of(r.digest, ".att"))
    documents = attached(registry, repo, r.digest)
    kinds = {}
    for x in att["layers"]:
        envelope = json.loads(registry.blob(repo, x["digest"]))
        body = base64.b64decode(envelope["payload"], validate=True)
        assert envelope["payloadType"] == IN_TOTO and x["mediaType"] == "application/vnd.dsse.envelope.v1+json"
        (s,) = envelope["signatures"]
        assert verified(public, s["sig"], pae(IN_TOTO, body), tmp_path)
        statement = json.loads(body)
        assert statement["subject"][0]["digest"] == {"sha256": r.digest[7:]}
        assert x["annotations"]["predicateType"] == statement["predicateType"]
        kinds[statement["predicateType"]] = statement
    assert kinds["https://spdx.dev/Document"]["predicate"] == json.loads(documents[SPDX][0])
    assert kinds["https://cyclonedx.org/bom"]["predicate"] == json.loads(documents[CYCLONEDX][0])
    assert kinds["https://slsa.dev/provenance/v1"] == json.loads(documents[IN_TOTO][0])

    # Again: our own signature is found, no blob is sent. With another key: one more beside it.
    build(where, *flags, executor="tiny-python")
    seen = len(registry.requests())
    build(where, f"--sign-key={private}", "--provenance", executor="tiny-python")
    assert not [x for x in registry.requests(seen) if x[0] == "PUT" and ("uploads" in x[1] or "manifests/sha256-" in x[1])]
    assert registry.manifest(repo, tag_of(r.digest, ".sig"))[0] == sig
    assert registry.manifest(repo, tag_of(r.digest, ".att"))[1] == att_digest
    second, second_public = key("second")
    build(where, f"--sign-key={second}", "--provenance", executor="tiny-python")
    assert len(registry.manifest(repo, tag_of(r.digest, ".att"))[0]["layers"]) == 4
    both = registry.manifest(repo, tag_of(r.digest, ".sig"))[0]["layers"]
    assert both[0] == layer and len(both) == 2
    assert verified(second_public, both[1]["annotations"][SIGNATURE], payload, tmp_path)


P256 = ("EC", "ec_paramgen_curve:prime256v1")


@pytest.mark.parametrize(
    "name, algorithm, flags, env, says",
    [
        ("encrypted", P256, ("-aes256", "-pass", "pass:pw"), {"AUTOPACK_KEY_PASSWORD": "pw"}, None),
        ("cosign's variable", P256, ("-aes256", "-pass", "pass:pw"), {"COSIGN_PASSWORD": "pw"}, None),
        ("wrong password", P256, ("-aes256", "-pass", "pass:pw"), {"COSIGN_PASSWORD": "other"}, "not with the password given"),
        ("no password", P256, ("-aes256", "-pass", "pass:pw"), {}, "AUTOPACK_KEY_PASSWORD"),
        ("another curve", ("EC", "ec_paramgen_curve:P-384"), (), {}, "want ECDSA on P-256"),
        ("RSA", ("RSA", "rsa_keygen_bits:2048"), (), {}, "want ECDSA on P-256"),
        ("Ed25519", ("ED25519", None), (), {}, "want ECDSA on P-256"),
        ("public", None, (), {}, "is no private key"),
        ("missing", None, (), {}, "No such file"),
    ],
)
def test_keys(build, project, registry, repo, key, name, algorithm, flags, env, says):
    private, public = key("key", algorithm or P256, *flags)
    if name == "public":
        private = public
    if name == "missing":
        private = "nowhere.pem"
    seen = len(registry.requests())
    r = build(project(CODE), f"--sign-key={private}", executor="tiny-python", env=env, check=None)
    if says:
        assert r.returncode in (1, 2) and says in r.stderr and "--sign-key" in r.stderr
        assert not [x for x in registry.requests(seen) if f"/{repo}/" in x[1]]
    else:
        assert r.returncode == 0 and registry.has_manifest(repo, tag_of(r.digest, ".sig"))


def test_a_key_of_the_older_form_works(build, project, registry, repo, key, tmp_path):
    private, _ = key()
    support.run("openssl", "ec", "-in", private, "-out", tmp_path / "sec1.pem")
    assert "BEGIN EC PRIVATE KEY" in (tmp_path / "sec1.pem").read_text()
    r = build(project(CODE), f"--sign-key={tmp_path}/sec1.pem", executor="tiny-python")
    assert registry.has_manifest(repo, tag_of(r.digest, ".sig"))


COSIGN_KEY = """
import base64, hashlib, json, sys
from nacl.secret import SecretBox
der, out, name, password, n = *sys.argv[1:5], int(sys.argv[5])
salt = b"salt" * 8
key = hashlib.scrypt(password.encode(), salt=salt, n=n, r=8, p=1, dklen=32, maxmem=1 << 30)
box = SecretBox(key).encrypt(open(der, "rb").read())
b64 = lambda b: base64.b64encode(b).decode()
j = {"kdf": {"name": "scrypt", "params": {"N": n, "r": 8, "p": 1}, "salt": b64(salt)},
     "cipher": {"name": "nacl/secretbox", "nonce": b64(box.nonce)}, "ciphertext": b64(box.ciphertext)}
text = base64.encodebytes(json.dumps(j).encode()).decode().replace("\\n", "")
lines = "\\n".join(text[i:i + 64] for i in range(0, len(text), 64))
open(out, "w").write(f"-----BEGIN ENCRYPTED {name} PRIVATE KEY-----\\n{lines}\\n-----END ENCRYPTED {name} PRIVATE KEY-----\\n")
"""


@pytest.mark.parametrize("name, password", [("SIGSTORE", "pä55"), ("COSIGN", "")])
def test_a_key_as_cosign_encrypts_it_works(build, project, registry, repo, key, tmp_path, name, password):
    private, public = key()
    der, ours = tmp_path / "k.der", tmp_path / "cosign.key"
    support.run("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", private, "-outform", "DER", "-out", der)
    python = support.ROOT / "build" / "env-sbom" / "bin" / "python"
    support.run(python, "-c", COSIGN_KEY, der, ours, name, password, 65536)
    r = build(project(CODE), f"--sign-key={ours}", executor="tiny-python", env={"COSIGN_PASSWORD": password})
    (layer,) = registry.manifest(repo, tag_of(r.digest, ".sig"))[0]["layers"]
    assert verified(public, layer["annotations"][SIGNATURE], registry.blob(repo, layer["digest"]), tmp_path)
    where = project(CODE)
    r = build(where, f"--sign-key={ours}", executor="tiny-python", env={"COSIGN_PASSWORD": "x"}, check=2)
    assert "not with the password given" in r.stderr
    assert "COSIGN_PASSWORD" in build(where, f"--sign-key={ours}", executor="tiny-python", check=2).stderr


def test_a_layout_takes_all_of_it_and_others_still_read_the_image(build, project, key, tmp_path):
    private, public = key()
    out = tmp_path / "out"
    flags = (f"--image=oci:{out}:v1", f"--sign-key={private}", "--sbom=spdx", "--provenance")
    r = build(project(CODE), *flags, executor="tiny-python", out="")
    digest = r.stdout.strip().rpartition("@")[2]
    names = {
        m["annotations"]["org.opencontainers.image.ref.name"]: m["digest"]
        for m in json.loads((out / "index.json").read_text())["manifests"]
    }
    assert names["v1"] == digest and set(names) == {"v1", *(tag_of(digest, s) for s in ("", ".sig", ".att"))}

    def blob(d):
        return (out / "blobs" / "sha256" / d[7:]).read_bytes()

    kinds = {m["artifactType"] for m in json.loads(blob(names[tag_of(digest)]))["manifests"]}
    assert kinds == {SPDX, IN_TOTO}
    (layer,) = json.loads(blob(names[tag_of(digest, ".sig")]))["layers"]
    assert verified(public, layer["annotations"][SIGNATURE], blob(layer["digest"]), tmp_path)
    assert support.skopeo_inspect(f"oci:{out}:v1")["Digest"] == digest
    assert (support.umoci_unpack(f"oci:{out}:v1", tmp_path / "bundle") / "usr/app/trainer/task.py").exists()


@pytest.mark.parametrize("flag", ["--sbom=spdx", "--provenance", "--sign-key"])
def test_an_archive_takes_nothing_and_says_so_first(build, project, key, flag, tmp_path):
    flag = f"--sign-key={key()[0]}" if flag == "--sign-key" else flag
    r = build(project(CODE), f"--image=oci-archive:{tmp_path}/x.tar", flag, executor="tiny-python", out="", check=2)
    assert "archive" in r.stderr and "--sbom-out" in r.stderr and not (tmp_path / "x.tar").exists()
    build(project(CODE), f"--image=oci-archive:{tmp_path}/x.tar", f"--sbom-out={tmp_path}/x.json", executor="tiny-python", out="")
    assert validate("spdx", tmp_path / "x.json") == ""


def test_nothing_is_asked_or_sent_unless_wanted(build, project, registry, repo):
    seen = len(registry.requests())
    build(project(CODE), executor="tiny-python")
    assert not [x for x in registry.requests(seen) if "referrers" in x[1] or "sha256-" in x[1]]


def test_a_dry_run_makes_nothing(build, project, registry, repo, key, tmp_path):
    private, _ = key()
    seen = len(registry.requests())
    build(
        project(CODE), "--dry-run", "--sbom=spdx", f"--sbom-out={tmp_path}/x.json", f"--sign-key={private}", executor="tiny-python"
    )
    assert registry.requests(seen) == [] and not (tmp_path / "x.json").exists()
    r = build(project(CODE), "--dry-run", "--sign-key=nowhere.pem", executor="tiny-python", check=None)
    assert r.returncode and "nowhere.pem" in r.stderr


@pytest.mark.parametrize(
    "flags, says",
    [
        (["--sbom=sdpx"], "spdx"),
        (["--builder-id=urn:x"], "--provenance"),
        (["--provenance", "--builder-id=me"], "not a URI"),
    ],
)
def test_wrong_words_are_status_2(build, project, flags, says):
    assert says in build(project(CODE), *flags, executor="tiny-python", check=2).stderr


@pytest.fixture
def fake():
    made = []

    def go(**options):
        made.append(Fake(**options))
        return made[-1]

    yield go
    for r in made:
        r.stop()


ALL = ("--sbom=spdx,cyclonedx", "--provenance")


@pytest.mark.parametrize("page", [1, 100])
def test_a_registry_with_the_api_needs_no_tag(autopack, base, project, fake, page):
    api = fake(referrers=page)
    r = autopack(
        "build", f"--executor-image-uri=oci:{base('tiny-python')}:latest", f"--local-package-path={project(CODE)}",
        "--script=trainer/task.py", f"--output-image-uri={api.host}/team/x", *ALL,
    )
    assert not [t for t in api.manifests["team/x"] if t.startswith("sha256-")]
    seen = autopack("inspect", r.reference, "--format=json").json()["attached"]
    assert sorted(x["artifactType"] for x in seen) == sorted([SPDX, CYCLONEDX, IN_TOTO])
    assert api.count("GET", "/referrers/") == (1 if page == 100 else 3)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"Content-Type": "text/html"}, b"<html>"),
        Answer(405, {}, b""),
        Answer(400, {"Content-Type": "application/json"}, b"{}"),
    ],
    ids=["a page for people", "405", "400"],
)
def test_whatever_stands_for_no_api_the_tag_is_read(autopack, base, project, fake, answer):
    odd = fake()
    r = autopack(
        "build", f"--executor-image-uri=oci:{base('tiny-python')}:latest", f"--local-package-path={project(CODE)}",
        "--script=trainer/task.py", f"--output-image-uri={odd.host}/team/x", "--sbom=spdx",
    )
    odd.rule(path="/referrers/", times=0, answer=answer)
    (seen,) = autopack("inspect", r.reference, "--format=json").json()["attached"]
    assert seen["artifactType"] == SPDX


def test_pages_of_another_origin_are_not_followed(autopack, base, project, fake):
    api, other = fake(referrers=1), fake(referrers=1)
    r = autopack(
        "build", f"--executor-image-uri=oci:{base('tiny-python')}:latest", f"--local-package-path={project(CODE)}",
        "--script=trainer/task.py", f"--output-image-uri={api.host}/team/x", *ALL,
    )
    api.rule(path="/referrers/", times=0, headers={"Link": f'<{other.url}/v2/team/x/referrers/y>; rel="next"'})
    r = autopack("inspect", r.reference, "--sbom=spdx", check=1)
    assert "another origin" in r.stderr and not other.requests


def test_inspect_lists_and_prints_what_is_attached(autopack, build, project, registry, repo, key, tmp_path):
    private, _ = key()
    where = project(CODE)
    r = build(where, *ALL, f"--sign-key={private}", f"--sbom-out={tmp_path}/a.json", executor="tiny-python")
    seen = autopack("inspect", r.reference, "--format=json").json()["attached"]
    kinds = {x["artifactType"]: x for x in seen}
    assert set(kinds) == {
        SPDX, CYCLONEDX, IN_TOTO, "application/vnd.dev.cosign.simplesigning.v1+json", "application/vnd.dsse.envelope.v1+json",
    }
    assert kinds[IN_TOTO]["predicateType"] == "https://slsa.dev/provenance/v1"
    assert kinds["application/vnd.dsse.envelope.v1+json"]["signatures"] == 3
    text = autopack("inspect", r.reference).stdout
    assert len([line for line in text.splitlines() if line.startswith("attached ")]) == 5
    documents = attached(registry, repo, r.digest)
    assert autopack("inspect", r.reference, "--sbom=spdx").stdout == (tmp_path / "a.json").read_text()
    assert autopack("inspect", r.reference, "--sbom=cyclonedx").stdout.encode() == documents[CYCLONEDX][0]
    assert autopack("inspect", r.reference, "--provenance").stdout.encode() == documents[IN_TOTO][0]
    autopack("inspect", r.reference, "--provenance", "--sbom=spdx", check=2)
    plain = build(project({**CODE, "trainer/more.py": ""}), executor="tiny-python")
    none = autopack("inspect", plain.reference, "--sbom=spdx", check=1)
    assert f"nothing of type {SPDX} is attached" in none.stderr
    assert autopack("inspect", plain.reference, "--format=json").json()["attached"] == []


def test_a_document_that_is_not_its_digest_is_not_printed(autopack, build, project, registry, repo):
    r = build(project(CODE), "--sbom=spdx", executor="tiny-python")
    _, d = attached(registry, repo, r.digest)[SPDX]
    (layer,) = registry.manifest(repo, d["digest"])[0]["layers"]
    path = registry.storage / "docker/registry/v2/blobs/sha256" / layer["digest"][7:9] / layer["digest"][7:] / "data"
    path.write_bytes(path.read_bytes().replace(b"SPDX-2.3", b"SPDX-9.9"))
    bad = autopack("inspect", r.reference, "--sbom=spdx", check=1)
    assert "SPDX-9.9" not in bad.stdout


def test_copy_takes_along_what_is_attached_when_asked(autopack, build, project, registry, repo, key, tmp_path):
    private, public = key()
    r = build(project(CODE), *ALL, f"--sign-key={private}", executor="tiny-python")
    # A signature of a statement: something that hangs on what hangs there.
    documents = attached(registry, repo, r.digest)
    config = registry.put_blob(repo, b"{}")
    inner = json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": "x/inner",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2}, "layers": [],
        "subject": {k: documents[SPDX][1][k] for k in ("mediaType", "digest", "size")},
    }).encode()
    d = "sha256:" + hashlib.sha256(inner).hexdigest()
    registry.put_manifest(repo, d, inner, "application/vnd.oci.image.manifest.v1+json")
    entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": d, "size": len(inner)}
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode()
    registry.put_manifest(repo, tag_of(documents[SPDX][1]["digest"]), index, INDEX)

    autopack("copy", r.reference, f"{registry.name(repo + '/plain')}:v1")
    assert not [t for t in registry.tags(repo + "/plain") if t.startswith("sha256-")]
    autopack("copy", "--referrers", r.reference, f"oci:{tmp_path}/out:v1")
    there = repo + "/there"
    assert autopack("copy", "--referrers", f"oci:{tmp_path}/out", f"{registry.name(there)}:v1").digest == r.digest
    assert attached(registry, there, r.digest) == documents
    for suffix in (".sig", ".att"):
        assert registry.manifest(there, tag_of(r.digest, suffix)) == registry.manifest(repo, tag_of(r.digest, suffix))
    assert registry.manifest(there, tag_of(documents[SPDX][1]["digest"]))[0]["manifests"][0]["digest"] == d

    # What the destination had stays: a signature of somebody else's.
    second, _ = key("second")
    build(project(CODE, name="again"), f"--sign-key={second}", executor="tiny-python", out=repo + "/mine")
    autopack("copy", "--referrers", r.reference, registry.name(repo + "/mine") + ":v1")
    both = registry.manifest(repo + "/mine", tag_of(r.digest, ".sig"))[0]["layers"]
    assert len(both) == 2 and both[1] == registry.manifest(repo, tag_of(r.digest, ".sig"))[0]["layers"][0]
    config = registry.config(repo + "/mine", tag_of(r.digest, ".sig"))
    assert config["rootfs"]["diff_ids"] == [x["digest"] for x in both]
    assert "archive" in autopack("copy", "--referrers", r.reference, f"oci-archive:{tmp_path}/x.tar", check=2).stderr


def test_copy_of_an_index_takes_along_what_its_images_have(autopack, base, registry, repo, fake):
    registry.push_layout(base("tiny-python"), "index", repo)
    image = registry.manifest(repo, "index")[0]["manifests"][1]
    config = registry.put_blob(repo, b"{}")
    ours = json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": "x/y",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2}, "layers": [],
        "subject": {k: image[k] for k in ("mediaType", "digest", "size")},
    }).encode()
    d = "sha256:" + hashlib.sha256(ours).hexdigest()
    registry.put_manifest(repo, d, ours, "application/vnd.oci.image.manifest.v1+json")
    entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": d, "size": len(ours)}
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode()
    registry.put_manifest(repo, tag_of(image["digest"]), index, INDEX)
    api = fake(referrers=10)
    autopack("copy", "--referrers", f"{registry.name(repo)}:index", f"{api.host}/team/x:v1")
    assert api.manifests["team/x"][d][0] == ours and tag_of(image["digest"]) not in api.manifests["team/x"]
