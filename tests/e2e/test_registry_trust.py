"""Where credentials come from and where they may go: each place with its own, and servers that try to get more."""

import base64
import json
import os
import sys

import pytest

from support import ROOT, oci, run
from test_registry import ca, login, public  # noqa: F401

sys.path.insert(0, str(ROOT / "tests" / "server"))
from registry import PASSWORD, USER, TokenServer, digest_of  # noqa: E402
from registry import Registry as Fake  # noqa: E402
from wire import Answer, Server  # noqa: E402

AUTH = {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}


def helper(tmp_path, name, script):
    path = tmp_path / "bin" / f"docker-credential-{name}"
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return {"PATH": f"{path.parent}:{os.environ['PATH']}"}


ANSWER = f'read server\necho \'{{"ServerURL":"x","Username":"{USER}","Secret":"{PASSWORD}"}}\'\n'
PLACES = {
    "docker config": ("docker/config.json", lambda h: {"auths": {h: AUTH}}, {}),
    "docker config in HOME": ("home/.docker/config.json", lambda h: {"auths": {h: AUTH}}, {"DOCKER_CONFIG": None}),
    "docker config by address": ("docker/config.json", lambda h: {"auths": {f"http://{h}/v2/": AUTH}}, {}),
    "user and password": ("docker/config.json", lambda h: {"auths": {h: {"username": USER, "password": PASSWORD}}}, {}),
    "credHelpers": ("docker/config.json", lambda h: {"credHelpers": {h: "works"}, "auths": {h: {}}}, {}),
    "credsStore": ("docker/config.json", lambda h: {"credsStore": "works"}, {}),
    "containers in the runtime directory": ("run/containers/auth.json", lambda h: {"auths": {h: AUTH}}, {}),
    "containers in the configuration": ("config/containers/auth.json", lambda h: {"auths": {h: AUTH}}, {}),
    "REGISTRY_AUTH_FILE": ("elsewhere.json", lambda h: {"auths": {h: AUTH}}, {"REGISTRY_AUTH_FILE": "elsewhere.json"}),
    "name space": ("docker/config.json", lambda h: {"auths": {f"{h}/team": AUTH, h: {"auth": "b3RoZXI6cHc="}}}, {}),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["basic", "token"])
def test_every_place_of_credentials_works_and_is_told(autopack, base, tmp_path, place, kind):
    path, content, env = PLACES[place]
    tokens = TokenServer() if kind == "token" else None
    reg = Fake(auth=tokens or "basic")
    try:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content(reg.host)))
        where = {
            "DOCKER_CONFIG": tmp_path / "docker", "XDG_RUNTIME_DIR": tmp_path / "run", "XDG_CONFIG_HOME": tmp_path / "config",
            "HOME": tmp_path / "home", **helper(tmp_path, "works", ANSWER),
            **{k: v and tmp_path / v for k, v in env.items()},
        }
        r = autopack("copy", f"oci:{base('tiny-python3')}:latest", f"{reg.host}/team/a:x", "--verbosity=debug", env=where)
        assert reg.complete("team/a", "x")
        used = [x for x in r.stderr.splitlines() if ": using " in x]
        assert used and (path in used[0] or "docker-credential-works" in used[0]), used
        assert PASSWORD not in r.stderr and AUTH["auth"] not in r.stderr
    finally:
        reg.stop()
        if tokens:
            tokens.stop()


@pytest.mark.parametrize(
    "name, script",
    [("hangs", "sleep 100\n"), ("endless", "yes secret\n"), ("fails", "echo secret; exit 1\n"), ("broken", "echo secret\n")],
)
def test_a_helper_that_misbehaves_is_an_error_and_no_other_credential(autopack, base, tmp_path, name, script):
    reg = Fake(auth="basic")
    try:
        (tmp_path / "docker").mkdir()
        config = {"credHelpers": {reg.host: name}, "auths": {reg.host: AUTH}}
        (tmp_path / "docker" / "config.json").write_text(json.dumps(config))
        env = {"DOCKER_CONFIG": tmp_path / "docker", **helper(tmp_path, name, script)}
        r = autopack("copy", f"oci:{base('tiny-python3')}:latest", f"{reg.host}/a/b:x", env=env, check=1, timeout=90)
        assert f"docker-credential-{name}" in r.stderr and "secret" not in r.stderr
        assert not [q for q in reg.requests if b"uthorization" in q.raw]
    finally:
        reg.stop()


def test_a_helper_that_fails_is_seen_under_a_parent_that_ignores_its_children(autopack, base, tmp_path):
    reg = Fake(auth="basic")
    try:
        (tmp_path / "docker").mkdir()
        (tmp_path / "docker" / "config.json").write_text(json.dumps({"credsStore": "late"}))
        env = {"DOCKER_CONFIG": tmp_path / "docker", **helper(tmp_path, "late", ANSWER + "exit 3\n")}
        copy = ("copy", f"oci:{base('tiny-python3')}:latest", f"{reg.host}/a/b:x")
        r = autopack(*copy, env=env, check=1, prefix=("env", "--ignore-signal=CHLD"))
        assert "docker-credential-late" in r.stderr and "exit status 3" in r.stderr
        assert not [q for q in reg.requests if b"uthorization" in q.raw]
    finally:
        reg.stop()


def test_a_password_that_never_ends_is_refused(autopack, base):
    copy = ("copy", f"oci:{base('tiny-python3')}:latest", "127.0.0.1:1/a/b:x", "--username=u", "--password-stdin")
    r = autopack(*copy, prefix=("bash", "-c", "yes | \"$@\"", "bash"), check=None, timeout=30)
    assert r.returncode in (1, 2) and "--password-stdin is over the limit of 65536 bytes" in r.stderr


def test_a_helpers_name_is_no_path(autopack, base, tmp_path):
    (tmp_path / "docker").mkdir()
    ran = tmp_path / "ran"
    env = {"DOCKER_CONFIG": tmp_path / "docker", **helper(tmp_path, "x", f"touch {ran}\n")}
    reg = Fake(auth="basic")
    try:
        for name in ("../docker-credential-x", f"x;touch {ran}", "$(touch ran)", "x y"):
            (tmp_path / "docker" / "config.json").write_text(json.dumps({"credsStore": name}))
            r = autopack("copy", f"oci:{base('tiny-python3')}:latest", f"{reg.host}/a/b:x", env=env, check=None)
            assert r.returncode in (1, 2) and "helper" in r.stderr
        assert not ran.exists()
    finally:
        reg.stop()


@pytest.mark.parametrize("name", ["notgcr.io", "gcr.io.example.test", "evilpkg.dev"])
def test_googles_token_is_for_googles_names_only(autopack, base, ca, public, tmp_path, name):  # noqa: F811
    seen = []
    reg = Fake(auth="basic", tls=ca[1:])
    try:
        (tmp_path / "access").write_text("ya29.from-file\n")
        env = {**public({f"{name}:443": reg.server}), "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": tmp_path / "access"}
        r = autopack("copy", f"oci:{base('tiny-python3')}:latest", f"{name}/p/img:x", env=env, check=1)
        assert "HTTP 401" in r.stderr and reg.requests
        seen = [q.raw for q in reg.requests if b"uthorization" in q.raw]
        assert not seen
    finally:
        reg.stop()


@pytest.mark.parametrize(
    "location, words",
    [
        ("http://cdn.example.test/b", "https to http"),
        ("https://127.0.0.1:{port}/b", "private address"),
        ("https://[::1]:{port}/b", "private address"),
        ("https://169.254.169.254/b", "private address"),
        ("https://cdn.example.test:8443/b", None),
    ],
)
def test_redirects_of_a_public_registry_stay_public_and_over_tls(autopack, ca, public, tmp_path, location, words):  # noqa: F811
    """A blob may come from another host, port or scheme; the password goes to none of them."""
    blobs = {}
    cdn = Server(lambda req: Answer(200, {}, blobs[req.query["d"]]), tls=ca[1:])
    reg = Fake(auth="basic", tls=ca[1:])
    try:
        layout = oci.Layout(tmp_path / "layout")
        layout.tag(layout.image([oci.tar_of_members({"a": (0o644, "a")})], {}), "latest")
        for p in (tmp_path / "layout" / "blobs" / "sha256").iterdir():
            blobs["sha256:" + p.name] = reg_put(reg, p.read_bytes())
        index = json.loads((tmp_path / "layout" / "index.json").read_text())["manifests"][0]
        reg.put_manifest("a/b", "x", blobs[index["digest"]], index["mediaType"])
        to = location.format(port=cdn.port)
        reg.rule(method="GET", path="/blobs/sha256:", times=0, answer=lambda q: Answer(307, {"Location": f"{to}?d={q.path.rsplit('/', 1)[1]}"}))
        env = public({"registry.example.test:443": reg.server, "cdn.example.test:8443": cdn})
        r = autopack(
            "copy", "--authfile", login(tmp_path, "registry.example.test"), "registry.example.test/a/b:x",
            f"oci:{tmp_path / 'out'}:x", env=env, check=1 if words else 0,
        )
        assert not [q for q in cdn.requests if b"uthorization" in q.raw]
        assert words in r.stderr and not cdn.requests if words else cdn.requests
    finally:
        reg.stop()
        cdn.stop()


def reg_put(reg, data):
    reg.put("a/b", data)
    return data


def test_docker_hub_by_its_short_names(autopack, base, ca, public, tmp_path):  # noqa: F811
    """python:3.11 is library/python at registry-1.docker.io; credentials are kept under its old address."""
    tokens = TokenServer(tls=ca[1:])
    tokens.realm = "https://auth.docker.io/token"
    hub = Fake(auth=tokens, tls=ca[1:])
    try:
        env = public({"registry-1.docker.io:443": hub.server, "auth.docker.io:443": tokens.server})
        authfile = login(tmp_path, "https://index.docker.io/v1/")
        source = f"oci:{base('tiny-python3')}:latest"
        r = autopack("copy", "--authfile", authfile, source, "python:3.11", env=env)
        assert hub.complete("library/python", "3.11")
        for name in ("docker.io/python:3.11", "docker.io/library/python:3.11", "index.docker.io/library/python:3.11"):
            back = autopack("copy", "--authfile", authfile, name, f"oci:{tmp_path / 'back'}:x", env=env)
            assert back.digest == r.digest
    finally:
        hub.stop()
        tokens.stop()


def test_registry_at_an_ipv6_address(autopack, base, tmp_path):
    reg = Fake(auth="basic", host="::1")
    try:
        authfile = login(tmp_path, reg.host)
        ref = f"{reg.host}/team/app:x"
        r = autopack("copy", "--authfile", authfile, f"oci:{base('tiny-python3')}:latest", ref)
        assert r.stdout == f"[::1]:{reg.server.port}/team/app@{r.digest}\n"
        assert autopack("copy", "--authfile", authfile, ref, f"oci:{tmp_path / 'back'}:x").digest == r.digest
    finally:
        reg.stop()


@pytest.fixture(scope="module")
def bad_certificates(ca, tmp_path_factory):  # noqa: F811
    """kind -> (certificate, key) signed by the test's authority, and good for nothing here."""
    d = tmp_path_factory.mktemp("bad")
    (d / "ext").write_text("subjectAltName=DNS:another.example.test\n")
    (d / "right").write_text("subjectAltName=IP:127.0.0.1\n")
    run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=bad", "-keyout", d / "key", "-out", d / "csr")
    sign = ["openssl", "x509", "-req", "-in", d / "csr", "-CA", ca[0], "-CAkey", ca[0].parent / "ca.key", "-CAcreateserial"]
    run(*sign, "-days", "2", "-extfile", d / "ext", "-out", d / "name.pem")
    run(*sign, "-days", "-1", "-extfile", d / "right", "-out", d / "expired.pem")
    return {"of another name": (d / "name.pem", d / "key"), "expired": (d / "expired.pem", d / "key")}


@pytest.mark.parametrize("kind", ["of another name", "expired"])
def test_a_certificate_that_is_no_good_is_refused_at_once(autopack, base, ca, bad_certificates, tmp_path, kind):  # noqa: F811
    reg = Fake(auth="basic", tls=bad_certificates[kind])
    try:
        argv = ["copy", "--authfile", login(tmp_path, reg.host), f"oci:{base('tiny-python3')}:latest", f"{reg.host}/a/b:x"]
        r = autopack(*argv, env={"SSL_CERT_FILE": ca[0]}, check=1)
        assert "certificate" in r.stderr and r.seconds < 10
        assert not reg.requests
        autopack(*argv, f"--insecure-registry={reg.host}", env={"SSL_CERT_FILE": ca[0]})
        assert reg.complete("a/b", "x")
    finally:
        reg.stop()


def test_tls_that_breaks_in_the_handshake_is_tried_again(autopack, base, ca, tmp_path):  # noqa: F811
    import threading

    reg = Fake(tls=ca[1:])
    try:
        reg.server.down = True
        threading.Timer(1.0, lambda: setattr(reg.server, "down", False)).start()
        autopack("copy", f"oci:{base('tiny-python3')}:latest", f"{reg.host}/a/b:x", env={"SSL_CERT_FILE": ca[0]})
        assert reg.complete("a/b", "x")
    finally:
        reg.stop()


def test_zstd_layers_pass_through(autopack, registry, repo, tmp_path):
    layout = oci.Layout(tmp_path / "zstd")
    plain = layout.image([oci.tar_of_members({"a": (0o644, "a" * 5000)})], {}, compression="none")
    body = json.loads((tmp_path / "zstd/blobs/sha256" / plain["digest"][7:]).read_text())
    tar = (tmp_path / "zstd/blobs/sha256" / body["layers"][0]["digest"][7:]).read_bytes()
    body["layers"] = [layout.blob(run("zstd", "-qc", text=False, input=tar).stdout, oci.OCI + "layer.v1.tar+zstd")]
    layout.tag(layout.json(body, plain["mediaType"]), "latest")
    there = autopack("copy", f"oci:{tmp_path / 'zstd'}:latest", f"{registry.name(repo)}:z")
    manifest, digest, _ = registry.manifest(repo, "z")
    assert digest == there.digest and manifest["layers"][0]["mediaType"].endswith("tar+zstd")
    data = registry.blob(repo, manifest["layers"][0]["digest"])
    assert data[:4] == b"\x28\xb5\x2f\xfd" and digest_of(data) == manifest["layers"][0]["digest"]
    for dest in (f"oci:{tmp_path / 'b'}:z", f"oci-archive:{tmp_path / 'b.tar'}:z"):
        assert autopack("copy", f"{registry.name(repo)}:z", dest).digest == digest
    run("skopeo", "copy", "-q", f"oci:{tmp_path / 'b'}:z", f"dir:{tmp_path / 'dir'}")


def test_a_manifest_of_nearly_4_mib_and_none_larger(autopack, registry, repo, tmp_path):
    for size, status in ((4_190_000, 0), (4_200_000, 1)):
        layout = oci.Layout(tmp_path / str(size))
        m = layout.image([oci.tar_of_members({"a": (0o644, "a")})], {})
        body = json.loads((tmp_path / str(size) / "blobs/sha256" / m["digest"][7:]).read_text())
        body["annotations"] = {"long": "x" * (size - 1000)}
        layout.tag(layout.json(body, m["mediaType"]), "latest")
        r = autopack("copy", f"oci:{tmp_path / str(size)}:latest", f"{registry.name(repo)}:{size}", check=status)
        if status:
            assert "limit" in r.stderr and not registry.has_manifest(repo, str(size))
            continue
        back = autopack("copy", f"{registry.name(repo)}:{size}", f"oci:{tmp_path / 'back'}:x")
        assert back.digest == r.digest == registry.manifest(repo, str(size))[1]
