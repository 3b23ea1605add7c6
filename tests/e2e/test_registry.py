"""Copies through Debian's docker-registry: plain, with tokens, over TLS; read back by programs that are not ours."""

import base64
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from support import ROOT, Registry, oci, run, skopeo_inspect

sys.path.insert(0, str(ROOT / "tests" / "server"))
from registry import PASSWORD, USER, TokenServer  # noqa: E402
from registry import Registry as Fake  # noqa: E402
from wire import Answer, Server  # noqa: E402

INDEX = "application/vnd.oci.image.index.v1+json"


def layout_digest(path, tag="latest"):
    index = json.loads((path / "index.json").read_text())
    for m in index["manifests"]:
        if m.get("annotations", {}).get("org.opencontainers.image.ref.name") == tag:
            return m["digest"]
    raise AssertionError(f"no {tag} in {path}")


@pytest.mark.parametrize("tag", ["latest", "docker", "index", "list"])
def test_there_and_back_keeps_the_digest(autopack, base, registry, repo, tmp_path, tag):
    layout = base("tiny-python3")
    want = layout_digest(layout, tag)
    there = autopack("copy", f"oci:{layout}:{tag}", f"docker://{registry.name(repo)}:{tag}")
    assert there.digest == want
    assert registry.manifest(repo, tag)[1] == want
    back = autopack("copy", f"{registry.name(repo)}:{tag}", f"oci:{tmp_path / 'back'}:{tag}")
    assert back.digest == want
    assert layout_digest(tmp_path / "back", tag) == want


def test_readers_accept_what_was_copied(autopack, base, registry, repo, tmp_path):
    layout = base("tiny-python3")
    autopack("copy", f"oci:{layout}:latest", f"{registry.name(repo)}:x")
    ref = f"{registry.name(repo)}:x"
    assert skopeo_inspect(ref)["Digest"] == layout_digest(layout)
    run("skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{ref}", f"oci:{tmp_path / 'o'}:x")
    run("umoci", "unpack", *([] if os.geteuid() == 0 else ["--rootless"]), "--image", f"{tmp_path / 'o'}:x", tmp_path / "bundle")
    assert (tmp_path / "bundle" / "rootfs" / "usr" / "bin" / "python3").exists()
    root = ["--root", tmp_path / "b", "--runroot", tmp_path / "br", "--storage-driver", "vfs"]
    run("buildah", *root, "pull", "-q", "--tls-verify=false", f"docker://{ref}", timeout=120)


def test_all_platforms_or_one(autopack, base, registry, repo, tmp_path):
    layout = base("tiny-python3")
    autopack("copy", f"oci:{layout}:index", f"{registry.name(repo)}:all")
    index, _, media_type = registry.manifest(repo, "all")
    assert media_type == INDEX and len(index["manifests"]) == 2
    for m in index["manifests"]:
        assert registry.has_manifest(repo, m["digest"])
    one = autopack("copy", "--platform=linux/arm64", f"{registry.name(repo)}:all", f"{registry.name(repo)}:one")
    assert skopeo_inspect(f"{registry.name(repo)}:one", config=True)["architecture"] == "arm64"
    assert one.digest in [m["digest"] for m in index["manifests"]]
    r = autopack("copy", "--platform=linux/riscv64", f"{registry.name(repo)}:all", f"oci:{tmp_path / 'no'}:x", check=1)
    assert "riscv64" in r.stderr and "arm64" in r.stderr


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_archives_there_and_back(autopack, base, registry, repo, tmp_path, kind):
    layout = base("tiny-python3")
    want = layout_digest(layout)
    archive = tmp_path / "image.tar"
    autopack("copy", f"oci:{layout}:latest", f"{registry.name(repo)}:a")
    autopack("copy", f"{registry.name(repo)}:a", f"{kind}:{archive}")
    run("skopeo", "inspect", f"{kind}:{archive}")
    back = autopack("copy", f"{kind}:{archive}", f"{registry.name(repo)}:b")
    if kind == "oci-archive":
        assert back.digest == want
    a, b = (skopeo_inspect(f"{registry.name(repo)}:{t}", config=True) for t in "ab")
    assert a["rootfs"] == b["rootfs"]


def test_what_is_there_is_not_sent_again(autopack, base, registry, repo):
    layout = base("tiny-python3")
    autopack("copy", f"oci:{layout}:latest", f"{registry.name(repo)}:x")
    before = len(registry.requests())
    autopack("copy", f"oci:{layout}:latest", f"{registry.name(repo)}:y")
    new = registry.requests(before)
    assert not [r for r in new if r[0] in ("PUT", "PATCH") and "/blobs/" in r[1]], new


def test_blobs_of_the_same_registry_are_mounted(autopack, base, registry, repo):
    ref = base.push("tiny-python3")
    before = len(registry.requests())
    autopack("copy", ref, f"{registry.name(repo)}:m")
    new = registry.requests(before)
    assert [r for r in new if "mount=" in r[1] and r[2] == 201]
    assert not [r for r in new if r[0] == "PUT" and "/blobs/" in r[1]], new
    assert not [r for r in new if r[0] == "GET" and "/blobs/" in r[1]], new


def test_nested_names_and_ports(autopack, base, registry, repo):
    name = f"{registry.host}/{repo}/a/b-c/d_e.f"
    autopack("copy", f"oci:{base('tiny-python3')}:latest", f"{name}:V1.0_x-y")
    assert registry.tags(f"{repo}/a/b-c/d_e.f") == ["V1.0_x-y"]


def test_digest_file_and_output(autopack, base, registry, repo, tmp_path):
    r = autopack("copy", "--digest-file", tmp_path / "d", f"oci:{base('tiny-python3')}:latest", registry.name(repo))
    assert (tmp_path / "d").read_text() == r.digest + "\n"
    assert r.stdout == f"{registry.name(repo)}@{r.digest}\n"
    # Neither source nor destination says a tag: the layout's is "latest".
    assert registry.tags(repo) == ["latest"]


# ---- tokens: the registry checks them itself


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    """(certificate authority, server certificate, key): throwaway, for 127.0.0.1 and names of example.test."""
    d = tmp_path_factory.mktemp("ca")

    def openssl(*argv):
        run("openssl", *argv, cwd=d)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test ca", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=server", "-keyout", "server.key", "-out", "server.csr")
    (d / "ext").write_text(
        "subjectAltName=IP:127.0.0.1,IP:::1,DNS:*.example.test,DNS:gcr.io,DNS:*.pkg.dev,DNS:*.docker.io,"
        "DNS:notgcr.io,DNS:gcr.io.example.test,DNS:evilpkg.dev\n"
    )
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", "server.pem")
    return d / "ca.pem", d / "server.pem", d / "server.key"


class SignedTokens:
    """A token server whose tokens docker-registry accepts: JWTs signed by the throwaway key."""

    def __init__(self, ca):
        self.ca = ca
        self.server = Server(self, "signed-tokens")

    def stop(self):
        self.server.stop()

    def __call__(self, req):
        want = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if req.headers.get("authorization") != want:
            return Answer(401, {}, b"{}")
        access = []
        for s in req.query_all.get("scope", []):
            kind, rest = s.split(":", 1)
            name, actions = rest.rsplit(":", 1)
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        chain = [base64.b64encode(subprocess.run(["openssl", "x509", "-in", self.ca[1], "-outform", "DER"], capture_output=True, check=True).stdout).decode()]
        now = int(time.time())
        claims = {"iss": "e2e", "sub": USER, "aud": "e2e", "exp": now + 60, "nbf": now - 5, "iat": now, "jti": os.urandom(8).hex(), "access": access}

        def b64(x):
            return base64.urlsafe_b64encode(x if isinstance(x, bytes) else json.dumps(x).encode()).rstrip(b"=")

        text = b64({"typ": "JWT", "alg": "RS256", "x5c": chain}) + b"." + b64(claims)
        sig = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.ca[2]], input=text, capture_output=True, check=True).stdout
        return Answer.json(200, {"token": (text + b"." + b64(sig)).decode(), "expires_in": 60})


def login(tmp_path, host, user=USER, password=PASSWORD):
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    path = tmp_path / "auth.json"
    path.write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    return path


@pytest.fixture
def token_registry(tmp_path, ca):
    tokens = SignedTokens(ca)
    extra = {
        "auth.token.realm": tokens.server.url + "/token",
        "auth.token.service": "e2e",
        "auth.token.issuer": "e2e",
        "auth.token.rootcertbundle": str(ca[0]),
    }
    r = Registry(tmp_path / "token-registry", extra=extra)
    r.tokens = tokens
    yield r
    r.stop()
    tokens.stop()


def test_docker_registry_with_tokens(autopack, base, token_registry, tmp_path):
    authfile = login(tmp_path, token_registry.host)
    ref = f"{token_registry.host}/team/app:x"
    r = autopack("copy", "--authfile", authfile, f"oci:{base('tiny-python3')}:latest", ref)
    back = autopack("copy", "--authfile", authfile, ref, f"oci:{tmp_path / 'back'}:x")
    assert back.digest == r.digest
    mounted = autopack("copy", "--authfile", authfile, ref, f"{token_registry.host}/team/other:x", "--verbosity=debug")
    assert mounted.digest == r.digest and "mounted" in mounted.stderr
    r = autopack("copy", ref, f"oci:{tmp_path / 'no'}:x", check=1)
    assert "HTTP 401" in r.stderr


def test_username_and_password_go_to_the_destination_only(autopack, base, token_registry, tmp_path):
    dest = f"{token_registry.host}/team/app:x"
    argv = ["copy", "--username", USER, "--password-stdin"]
    r = autopack(*argv, f"oci:{base('tiny-python3')}:latest", dest, input=PASSWORD + "\n")
    assert r.digest
    wants = Fake(auth="basic")
    try:
        source = f"{wants.host}/x:y"
        r = autopack(*argv, source, dest, input=PASSWORD + "\n", check=1)
        assert "HTTP 401" in r.stderr
        for req in wants.requests:
            assert b"uthorization" not in req.raw
    finally:
        wants.stop()
    r = autopack("copy", "--username", USER, "oci:x", dest, check=2)
    assert "--password-stdin" in r.stderr


def test_a_credential_helper_is_asked_once_a_run(autopack, base, token_registry, tmp_path):
    helper = tmp_path / "bin" / "docker-credential-counting"
    helper.parent.mkdir()
    asked = tmp_path / "asked"
    helper.write_text(
        f'#!/bin/sh\nread server\necho "$1 $server" >> {asked}\n'
        f'echo \'{{"ServerURL":"x","Username":"{USER}","Secret":"{PASSWORD}"}}\'\n'
    )
    helper.chmod(0o755)
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_text(json.dumps({"credHelpers": {token_registry.host: "counting"}}))
    env = {"DOCKER_CONFIG": tmp_path / "docker", "PATH": f"{helper.parent}:{os.environ['PATH']}"}
    autopack("copy", f"oci:{base('tiny-python3')}:latest", f"{token_registry.host}/team/a:x", env=env)
    assert asked.read_text().splitlines() == [f"get {token_registry.host}"]
    asked.unlink()
    r = autopack("copy", f"{token_registry.host}/team/a:x", f"{token_registry.host}/team/b:x", "--verbosity=debug", env=env)
    assert asked.read_text().splitlines() == [f"get {token_registry.host}"]
    assert PASSWORD not in r.stderr


def test_name_spaces_of_a_host_have_credentials_of_their_own(autopack, base, tmp_path):
    tokens = TokenServer()
    reg = Fake(auth=tokens)
    try:
        right = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        wrong = base64.b64encode(b"other:password").decode()
        path = tmp_path / "auth.json"
        path.write_text(json.dumps({"auths": {reg.host: {"auth": wrong}, f"{reg.host}/team": {"auth": right}}}))
        argv = ["copy", "--authfile", path, f"oci:{base('tiny-python3')}:latest"]
        autopack(*argv, f"{reg.host}/team/a:x")
        r = autopack(*argv, f"{reg.host}/teams/a:x", check=1)
        assert "incorrect username or password" in r.stderr
    finally:
        reg.stop()
        tokens.stop()


# ---- TLS


@pytest.fixture
def tls_registry(tmp_path, ca):
    r = Registry(tmp_path / "tls", extra={"http.tls.certificate": str(ca[1]), "http.tls.key": str(ca[2])}, scheme="https")
    yield r
    r.stop()


def test_tls_with_a_ca_of_ones_own(autopack, base, tls_registry, ca, tmp_path):
    ref = f"{tls_registry.host}/team/app:x"
    source = f"oci:{base('tiny-python3')}:latest"
    r = autopack("copy", source, ref, env={"SSL_CERT_FILE": ca[0]})
    back = autopack("copy", ref, f"oci:{tmp_path / 'back'}:x", env={"SSL_CERT_FILE": ca[0]})
    assert back.digest == r.digest


def test_tls_of_an_unknown_ca_is_refused_unless_the_host_is_insecure(autopack, base, tls_registry, tmp_path):
    ref = f"{tls_registry.host}/team/app:x"
    source = f"oci:{base('tiny-python3')}:latest"
    r = autopack("copy", source, ref, check=1)
    assert "certificate" in r.stderr and r.seconds < 10
    autopack("copy", f"--insecure-registry={tls_registry.host}", source, ref)
    r = autopack("copy", "--insecure-registry=127.0.0.1:1", source, ref, check=1)
    assert "certificate" in r.stderr


class Proxy:
    """A CONNECT proxy that leads every name to one port: public names in tests, without DNS."""

    def __init__(self, targets):
        import socket
        import threading

        self.targets, self.seen, self.stopping = targets, [], False
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(16)
        self.url = f"http://127.0.0.1:{self.sock.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self):
        self.stopping = True
        self.sock.close()

    def _run(self):
        import threading

        while not self.stopping:
            try:
                s, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(s,), daemon=True).start()

    def _one(self, s):
        import select
        import socket

        head = b""
        while b"\r\n\r\n" not in head:
            part = s.recv(4096)
            if not part:
                return
            head += part
        self.seen.append(head)
        method, target, _ = head.split(b"\r\n")[0].decode().split()
        port = self.targets.get(target) if method == "CONNECT" else None
        if not port:
            s.sendall(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n")
            s.close()
            return
        t = socket.create_connection(("127.0.0.1", port))
        s.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                ready, _, _ = select.select([s, t], [], [], 30)
                for x in ready:
                    data = x.recv(65536)
                    if not data:
                        return
                    (t if x is s else s).sendall(data)
        except OSError:
            return
        finally:
            s.close()
            t.close()


@pytest.fixture
def public(ca):
    """public({"host:443": server}) -> environment in which those names lead to our TLS servers."""
    proxies = []

    def make(targets):
        p = Proxy({k: v.port for k, v in targets.items()})
        proxies.append(p)
        make.proxy = p
        return {"https_proxy": p.url, "HTTPS_PROXY": p.url, "no_proxy": None, "NO_PROXY": None, "SSL_CERT_FILE": ca[0]}

    yield make
    for p in proxies:
        p.stop()


def test_proxy_is_used_and_gets_no_credentials(autopack, base, ca, public, tmp_path):
    tokens = TokenServer(tls=ca[1:])
    tokens.realm = "https://auth.example.test/token"
    reg = Fake(auth=tokens, tls=ca[1:])
    try:
        env = public({"registry.example.test:443": reg.server, "auth.example.test:443": tokens.server})
        authfile = login(tmp_path, "registry.example.test")
        autopack("copy", "--authfile", authfile, f"oci:{base('tiny-python3')}:latest", "registry.example.test/a/b:x", env=env)
        assert reg.complete("a/b", "x")
        assert public.proxy.seen
        for head in public.proxy.seen:
            assert b"uthorization" not in head and PASSWORD.encode() not in head
    finally:
        reg.stop()
        tokens.stop()


def test_plain_http_needs_the_host_to_be_named_insecure(autopack, base, tmp_path):
    """The registry is its own HTTP proxy here: a name that is not loopback leads to it without DNS."""
    reg = Fake(auth="basic")
    try:
        env = {"http_proxy": reg.url, "https_proxy": reg.url, "no_proxy": None, "NO_PROXY": None, "AUTOPACK_RETRY_TIME": "2"}
        authfile = login(tmp_path, "registry.example.test")
        argv = ["copy", "--authfile", authfile, f"oci:{base('tiny-python3')}:latest", "registry.example.test/a/b:x"]
        autopack(*argv, env=env, check=1)
        for req in reg.requests:
            assert req.method == "CONNECT" and b"uthorization" not in req.raw
        autopack(*argv, "--insecure-registry=registry.example.test", env=env)
        assert reg.complete("a/b", "x")
    finally:
        reg.stop()


@pytest.mark.parametrize(
    "realm, words",
    [
        ("http://auth.example.test/token", "without TLS"),
        ("https://127.0.0.1:{port}/token", "private address"),
        ("https://169.254.169.254/token", "private address"),
        ("https://[::1]/token", "private address"),
        ("https://localhost/token", "private address"),
    ],
)
def test_realm_of_a_public_registry_is_public_and_over_tls(autopack, base, ca, public, tmp_path, realm, words):
    thief = Server(lambda r: Answer(200, {}, b'{"token": "x"}'), tls=ca[1:])
    tokens = TokenServer(tls=ca[1:])
    tokens.realm = realm.format(port=thief.port)
    reg = Fake(auth=tokens, tls=ca[1:])
    try:
        env = public({"registry.example.test:443": reg.server, "auth.example.test:443": thief})
        r = autopack(
            "copy", "--authfile", login(tmp_path, "registry.example.test"), f"oci:{base('tiny-python3')}:latest",
            "registry.example.test/a/b:x", env=env, check=1,
        )
        assert words in r.stderr
        assert not thief.requests
    finally:
        reg.stop()
        tokens.stop()
        thief.stop()


@pytest.mark.parametrize(
    "location, words",
    [("http://registry.example.test/up", "https to http"), ("https://127.0.0.1:{port}/up", "private address")],
)
def test_location_of_a_public_registry_stays_public_and_over_tls(autopack, base, ca, public, tmp_path, location, words):
    thief = Server(lambda r: Answer(201), tls=ca[1:])
    reg = Fake(auth="basic", tls=ca[1:])
    reg.rule(method="POST", times=0, headers={"Location": location.format(port=thief.port)})
    try:
        env = public({"registry.example.test:443": reg.server})
        r = autopack(
            "copy", "--authfile", login(tmp_path, "registry.example.test"), f"oci:{base('tiny-python3')}:latest",
            "registry.example.test/a/b:x", env=env, check=1,
        )
        assert words in r.stderr
        assert not thief.requests
    finally:
        reg.stop()
        thief.stop()


def test_google_registry_gets_googles_token_without_configuration(autopack, base, ca, public, tmp_path):
    seen = []
    reg = Fake(tls=ca[1:])

    class GoogleTokens:
        realm = "https://gcr.io/v2/token"

        def challenge(self, scope):
            return f'Bearer realm="{self.realm}",service="gcr.io"'

        def good(self, token, scope):
            return token == "registry-token"

    reg.auth = GoogleTokens()

    def token(req):
        seen.append(req.headers.get("authorization", ""))
        return Answer.json(200, {"token": "registry-token"})

    reg.rule(method="GET", path="^/v2/token", times=0, answer=token)
    try:
        (tmp_path / "access").write_text("ya29.from-file\n")
        env = public({"gcr.io:443": reg.server})
        env["CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"] = tmp_path / "access"
        r = autopack("copy", f"oci:{base('tiny-python3')}:latest", "gcr.io/my-project/img:x", env=env)
        assert reg.complete("my-project/img", "x")
        want = "Basic " + base64.b64encode(b"oauth2accesstoken:ya29.from-file").decode()
        assert seen and set(seen) == {want}
        assert "ya29" not in r.stderr
        GoogleTokens.realm = "https://auth.example.test/token"
        thief = Server(lambda r: Answer(200, {}, b'{"token": "x"}'), tls=ca[1:])
        env = {**env, **public({"gcr.io:443": reg.server, "auth.example.test:443": thief})}
        r = autopack("copy", f"oci:{base('tiny-python3')}:latest", "gcr.io/my-project/img:y", env=env, check=1)
        assert "not Google's" in r.stderr and not thief.requests
        thief.stop()
    finally:
        reg.stop()


def test_google_registry_without_credentials_says_how_to_log_in(autopack, base, ca, public):
    reg = Fake(tls=ca[1:])

    class Nobody:
        def challenge(self, scope):
            return 'Bearer realm="https://gcr.io/v2/token",service="gcr.io"'

        def good(self, token, scope):
            return scope is None or scope.endswith(":pull")

    reg.auth = Nobody()
    reg.rule(method="GET", path="^/v2/token", times=0, answer=Answer.json(200, {"token": "anonymous"}))
    try:
        env = public({"gcr.io:443": reg.server})
        r = autopack("copy", f"oci:{base('tiny-python3')}:latest", "gcr.io/p/img:x", env=env, check=1)
        assert "gcloud auth login" in r.stderr and r.seconds < 10
        for req in reg.requests:
            assert b"Basic" not in req.raw
    finally:
        reg.stop()


# ---- signals, homes, several at once


def big_layout(tmp_path, size=40_000_000, seed=3):
    data = random.Random(seed).randbytes(size)
    layers = [data[: size // 2], data[size // 2 :]]

    def d(t, x):
        return {"mediaType": t, "digest": "sha256:" + hashlib.sha256(x).hexdigest(), "size": len(x)}

    path = tmp_path / f"big{seed}"
    blobs = path / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    diff_ids = ["sha256:" + hashlib.sha256(x).hexdigest() for x in layers]
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": d("application/vnd.oci.image.config.v1+json", config),
            "layers": [d("application/vnd.oci.image.layer.v1.tar", x) for x in layers],
        }
    ).encode()
    for x in (*layers, config, manifest):
        (blobs / hashlib.sha256(x).hexdigest()).write_bytes(x)
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    desc = {**d("application/vnd.oci.image.manifest.v1+json", manifest), "annotations": {"org.opencontainers.image.ref.name": "t"}}
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [desc]}))
    return f"oci:{path}:t", desc["digest"]


@pytest.mark.parametrize("sig, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("where", ["ping", "blob", "wait"])
def test_signals_stop_within_a_second(autopack, tmp_path, sig, status, where):
    reg = Fake()
    if where == "ping":
        reg.rule(path="^/v2/$", times=0, before="stall")
    elif where == "blob":
        reg.rule(method="PUT", path="/blobs/uploads/.", times=0, inside="stall", read=100_000)
    else:
        reg.rule(method="POST", times=0, answer=Answer(503, {"Retry-After": "60"}))
    try:
        source, _ = big_layout(tmp_path, 2_000_000)
        p = autopack.popen("copy", source, f"{reg.host}/a/b:x", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 10
        wanted = {"ping": 1, "blob": 3, "wait": 2}[where]
        while len(reg.requests) < wanted and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        begun = time.monotonic()
        p.send_signal(sig)
        out, err = p.communicate(timeout=10)
        assert time.monotonic() - begun < 1.0
        assert p.returncode == status and out == "", err
        assert "x" not in reg.manifests.get("a/b", {})
    finally:
        reg.stop()


@pytest.mark.parametrize("home", ["read-only", "absent", "unset"])
def test_home_is_not_needed(autopack, base, registry, repo, tmp_path, home):
    env = {"HOME": "/proc/nothing" if home == "read-only" else tmp_path / "gone"}
    if home == "unset":
        env = {"HOME": None, "XDG_CACHE_HOME": None, "XDG_CONFIG_HOME": None, "CLOUDSDK_CONFIG": None}
    autopack("copy", f"oci:{base('tiny-python3')}:latest", f"{registry.name(repo)}:x", env=env)
    assert registry.has_manifest(repo, "x")


@pytest.mark.parametrize("dest", ["oci:{}/layout:t", "oci-archive:{}/image.tar:t", "docker-archive:{}/image.tar:t"])
def test_a_disk_that_is_full_is_a_clear_error(autopack, registry, repo, tmp_path, dest):
    source, _ = big_layout(tmp_path, 8_000_000, seed=12)
    autopack("copy", source, f"{registry.name(repo)}:t")
    out = tmp_path / "full"
    out.mkdir()
    limit = ["bash", "-c", 'ulimit -f 2000; exec "$@"', "limited"]
    r = autopack("copy", f"{registry.name(repo)}:t", dest.format(out), prefix=limit, check=1)
    assert "File too large" in r.stderr and r.stdout == ""
    assert not (out / "image.tar").exists()
    assert not [p for p in out.rglob("*") if ".tmp." in p.name]
    index = out / "layout" / "index.json"
    assert not index.exists() or json.loads(index.read_text())["manifests"] == []


def test_four_copies_at_once_do_not_disturb_each_other(autopack, registry, repo, tmp_path):
    source, digest = big_layout(tmp_path)
    runs = [
        autopack.popen("copy", source, f"{registry.name(repo)}:t{i % 2}", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for i in range(4)
    ]
    for p in runs:
        out, err = p.communicate(timeout=120)
        assert p.returncode == 0 and digest in out, err
    assert registry.manifest(repo, "t0")[1] == digest == registry.manifest(repo, "t1")[1]


KINDS = {
    "ping": ("GET", r"^/v2/$", 1),
    "start": ("POST", r"/blobs/uploads/", 1),
    "second start": ("POST", r"/blobs/uploads/", 2),
    "check": ("HEAD", r"/blobs/sha256:", 1),
    "last check": ("HEAD", r"/blobs/sha256:", 3),
    "upload": ("PUT", r"/blobs/uploads/.", 1),
    "second upload": ("PUT", r"/blobs/uploads/.", 2),
    "last upload": ("PUT", r"/blobs/uploads/.", 3),
    "manifest": ("PUT", r"/manifests/", 1),
}


@pytest.mark.parametrize("phase", ["before", "in", "after"])
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_each_kind_of_request_the_next_run_completes(autopack, tmp_path, kind, phase):
    reg = Fake()
    running = []

    def kill(registry=None, req=None):
        running[0].kill()

    def answer_then_kill(req):
        a = reg(req)
        kill()
        return a

    method, path, nth = KINDS[kind]
    try:
        old, old_digest = big_layout(tmp_path, 50_000, seed=20)
        new, new_digest = big_layout(tmp_path, 3_000_000, seed=21)
        autopack("copy", old, f"{reg.host}/a/b:t")
        if phase == "before":
            reg.rule(method=method, path=path, nth=nth, do=kill, before="close")
        elif phase == "in":
            reg.rule(method=method, path=path, nth=nth, do=kill, faults={"cut": 0})
        else:
            reg.rule(method=method, path=path, nth=nth, answer=answer_then_kill)
        # The process is known before its first request comes.
        gate = tmp_path / "gate"
        hold = ["sh", "-c", f'while [ ! -e {gate} ]; do sleep 0.01; done; exec "$@"', "held"]
        running.append(autopack.popen("copy", new, f"{reg.host}/a/b:t", prefix=hold, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        gate.touch()
        assert running[0].wait(30) == -signal.SIGKILL
        digest = "sha256:" + hashlib.sha256(reg.manifests["a/b"]["t"][0]).hexdigest()
        assert digest in (old_digest, new_digest)
        assert reg.complete("a/b", "t")
        reg.rules.clear()
        assert autopack("copy", new, f"{reg.host}/a/b:t").digest == new_digest
        assert reg.complete("a/b", "t")
        assert reg.manifests["a/b"]["t"][0] == reg.manifests["a/b"][new_digest][0]
    finally:
        reg.stop()


@pytest.mark.parametrize("n", [10, pytest.param(50, marks=pytest.mark.full)])
def test_killed_at_any_moment_the_next_run_completes(autopack, registry, repo, tmp_path, n):
    """kill -9 spread over a push; the tag is the old image or the new one, complete, and the rerun goes on."""
    old, old_digest = big_layout(tmp_path, 100_000, seed=8)
    new, new_digest = big_layout(tmp_path, 30_000_000, seed=9)
    begun = time.monotonic()
    autopack("copy", new, f"{registry.name(repo)}-timing:t")
    whole = time.monotonic() - begun
    for i in range(n):
        name = f"{registry.name(repo)}/k{i}"
        autopack("copy", old, f"{name}:t")
        p = autopack.popen("copy", new, f"{name}:t", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole * 1.1 * i / n)
        p.kill()
        p.wait()
        manifest, digest, _ = registry.settled_manifest(f"{repo}/k{i}", "t")
        assert digest in (old_digest, new_digest)
        for part in [manifest["config"], *manifest["layers"]]:
            registry.blob(f"{repo}/k{i}", part["digest"])
    autopack("copy", new, f"{registry.name(repo)}/k0:t")
    assert registry.manifest(f"{repo}/k0", "t")[1] == new_digest


@pytest.mark.parametrize("n", [10, pytest.param(50, marks=pytest.mark.full)])
def test_killed_while_writing_a_layout_the_next_run_completes(autopack, registry, repo, tmp_path, n):
    source, digest = big_layout(tmp_path, 30_000_000, seed=10)
    ref = f"{registry.name(repo)}:t"
    begun = time.monotonic()
    autopack("copy", source, ref)
    whole = time.monotonic() - begun
    out = tmp_path / "out"
    for i in range(n):
        shutil.rmtree(out, ignore_errors=True)
        p = autopack.popen("copy", ref, f"oci:{out}:t", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole * 1.1 * i / n)
        p.kill()
        p.wait()
        assert autopack("copy", ref, f"oci:{out}:t").digest == digest
        run("skopeo", "inspect", f"oci:{out}:t")
        left = sorted(x.name for x in out.rglob("*") if x.is_file() and len(x.name) != 64)
        assert left == ["index.json", "oci-layout"], left


def test_memory_stays_small_and_the_upload_keeps_up_with_curl(autopack, registry, repo, tmp_path):
    """256 MB here; make check-full and the bench take 1 GiB."""
    source, digest = big_layout(tmp_path, 256_000_000, seed=11)
    script = (
        "import resource, subprocess, sys\n"
        "p = subprocess.run(sys.argv[1:])\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)\n"
        "sys.exit(p.returncode)\n"
    )
    r = autopack("copy", "--quiet", source, f"{registry.name(repo)}:t", prefix=[sys.executable, "-c", script])
    peak = int(r.stderr.split()[-1]) * 1024
    assert r.digest == digest
    if os.environ.get("MODE", "release") == "release":
        assert peak < 40 << 20, f"{peak >> 20} MiB"
