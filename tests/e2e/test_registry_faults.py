"""What a push or a pull survives, and how it fails: one scenario for each clause of DESIGN section 7.

Every scenario ends in one of two ways: the image at the destination is complete and
byte-identical, or the failure is clear, bounded in time, and left nothing half done.
In all of them no credential left its origin (`World.check_secrets`).
"""

import hashlib
import json
import random
import re
import sys
import time

import pytest

from support import MODE, ROOT

sys.path.insert(0, str(ROOT / "tests" / "server"))
from registry import PASSWORD, USER, Registry, Rule, TokenServer, error  # noqa: E402
from wire import Answer, recorder  # noqa: E402

OCI = "application/vnd.oci.image.manifest.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
REPO = "team/app"
PUT_BLOB = r"/blobs/uploads/."
START = r"/blobs/uploads/(\?|$)"
BLOB = r"/blobs/sha256:"
MANIFEST = r"/manifests/"


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Image:
    """Two layers, one of 3 MB so that bodies have a middle; never compressible, never checked as tar."""

    def __init__(self, seed=1, media_type=OCI):
        rnd = random.Random(seed)
        self.layers = [rnd.randbytes(3_000_000), rnd.randbytes(2_000)]
        diff_ids = [sha(x) for x in self.layers]
        self.config = json.dumps(
            {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}, "config": {}}
        ).encode()
        self.media_type = media_type
        self.manifest = json.dumps(self.document()).encode()

    def document(self):
        docker = self.media_type == DOCKER
        base = "application/vnd.docker." if docker else "application/vnd.oci.image."
        layer = base + ("image.rootfs.diff.tar.gzip" if docker else "layer.v1.tar+gzip")
        config = base + ("container.image.v1+json" if docker else "config.v1+json")

        def d(t, x):
            return {"mediaType": t, "digest": sha(x), "size": len(x)}

        return {
            "schemaVersion": 2,
            "mediaType": self.media_type,
            "config": d(config, self.config),
            "layers": [d(layer, x) for x in self.layers],
        }

    @property
    def blobs(self):
        return [*self.layers, self.config]

    def layout(self, path, tag="t"):
        blobs = path / "blobs" / "sha256"
        blobs.mkdir(parents=True, exist_ok=True)
        for b in [*self.blobs, self.manifest]:
            (blobs / sha(b)[7:]).write_bytes(b)
        (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        ref = {"org.opencontainers.image.ref.name": tag}
        desc = {"mediaType": self.media_type, "digest": sha(self.manifest), "size": len(self.manifest), "annotations": ref}
        (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [desc]}))
        return f"oci:{path}:{tag}"

    def into(self, registry, repo=REPO, tag="t", media_type=None):
        for b in self.blobs:
            registry.put(repo, b)
        registry.put_manifest(repo, tag, self.manifest, media_type or self.media_type)


class World:
    """One run of `autopack copy` and what it may touch."""

    def __init__(self, autopack, tmp):
        self.autopack, self.tmp, self.closing = autopack, tmp, []
        self.image = Image()
        self.env = {"AUTOPACK_STALL_TIMEOUT": "1", "AUTOPACK_RETRY_TIME": "12"}
        self.registry = self.add(Registry())
        self.tokens = None
        self.args = []
        self.result = None
        self.thieves = []
        self.untouched = None  # a server that nobody may ask anything

    def add(self, server):
        self.closing.append(server)
        return server

    def close(self):
        for s in self.closing:
            s.stop()

    def thief(self, answer=None, **kw):
        t = self.add(recorder(answer=answer, **kw))
        self.thieves.append(t)
        return t

    def use(self, **kw):
        """Another registry in the place of the first."""
        self.registry.stop()
        self.registry = self.add(Registry(**kw))
        return self.registry

    def with_tokens(self, **kw):
        self.tokens = self.add(TokenServer(**kw))
        self.use(auth=self.tokens)
        self.login()

    def login(self, entry=None, host=None):
        import base64

        auth = {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()} if entry is None else entry
        path = self.tmp / "auth.json"
        path.write_text(json.dumps({"auths": {host or self.registry.host: auth}}))
        self.args = ["--authfile", path]

    def copy(self, source, dest, check, timeout=60):
        # Memory that is written to is bounded, stacks of threads included; the sanitizers need far more.
        limit = ["prlimit", f"--data={160 << 20}"] if MODE == "release" else []
        self.result = self.autopack(
            "copy", source, dest, *self.args, "--verbosity=debug", env=self.env, check=check, timeout=timeout, prefix=limit
        )
        return self.result

    def push(self, check=0, **kw):
        return self.copy(self.image.layout(self.tmp / "layout"), f"{self.registry.host}/{REPO}:t", check, **kw)

    def pull(self, check=0, **kw):
        return self.copy(f"{self.registry.host}/{REPO}:t", f"oci:{self.tmp / 'out'}:t", check, **kw)

    def mount(self, check=0, **kw):
        return self.copy(f"{self.registry.host}/{REPO}:t", f"{self.registry.host}/team/copy:t", check, **kw)

    # -- checks

    def check_pushed(self, repo=REPO, registry=None):
        r = registry or self.registry
        data, media_type = r.manifests[repo]["t"]
        assert data == self.image.manifest and media_type == self.image.media_type
        assert r.complete(repo, "t")
        for b in self.image.blobs:
            assert r.blobs[repo][sha(b)] == b
        assert r.put_order[-1] == "t", "the manifest comes last"
        assert sha(self.image.manifest) in self.result.stdout

    def check_pulled(self):
        blobs = self.tmp / "out" / "blobs" / "sha256"
        for b in [*self.image.blobs, self.image.manifest]:
            assert (blobs / sha(b)[7:]).read_bytes() == b
        index = json.loads((self.tmp / "out" / "index.json").read_text())
        assert index["manifests"][0]["digest"] == sha(self.image.manifest)

    def check_not_pulled(self):
        index = self.tmp / "out" / "index.json"
        assert not index.exists() or not json.loads(index.read_text())["manifests"]
        assert not [p for p in (self.tmp / "out").rglob("*") if ".tmp" in p.name or "partial" in p.name]

    def check_not_pushed(self):
        assert "t" not in self.registry.manifests.get(REPO, {})

    def check_secrets(self):
        """Credentials were seen by their own origins only, and are in no output."""
        tokens = list(self.tokens.tokens) if self.tokens else []
        for r in self.result.stdout, self.result.stderr:
            assert PASSWORD not in r and "tok-" not in r and "cm9ib3Q6" not in r
        for thief in self.thieves:
            for req in thief.requests:
                seen = req.raw + req.body
                assert b"authorization" not in seen.lower(), f"{thief.name} got {req.raw!r}"
                assert PASSWORD.encode() not in seen and not any(t.encode() in seen for t in tokens)
        if self.tokens:  # the password is for the token server, not for the registry
            for req in self.registry.requests:
                assert PASSWORD.encode() not in req.raw and b"Basic " not in req.raw


@pytest.fixture
def world(autopack, tmp_path):
    w = World(autopack, tmp_path)
    yield w
    w.close()


# ---- scenarios: clause, name, how the server is set up, and what is expected

SCENARIOS = []


def scenario(clause, name=None, op="push", fails=None, within=20, most=100, check=None, code=1):
    """Register a set-up function.  fails: words of the error, else it must succeed; most: requests."""

    def register(setup):
        SCENARIOS.append(
            dict(
                clause=clause, name=name or setup.__name__, op=op, fails=fails, within=within, most=most, check=check,
                setup=setup, code=code,
            )
        )
        return setup

    return register


def fault(clause, name, op="push", **kw):
    """A scenario that is one rule."""
    expect = {k: kw.pop(k) for k in ("fails", "within", "most", "check") if k in kw}

    def setup(w):
        w.registry.rule(**kw)

    scenario(clause, name, op, **expect)(setup)


def seed(w):
    w.image.into(w.registry)


# transport: before, in and after the body
for what, path, method in (
    ("ping", r"^/v2/$", "GET"),
    ("blob check", BLOB, "HEAD"),
    ("upload start", START, "POST"),
    ("blob upload", PUT_BLOB, "PUT"),
    ("manifest upload", MANIFEST, "PUT"),
):
    fault("reset before the body", f"reset before {what}", method=method, path=path, before="reset")
    fault("stalls in either direction", f"stall before {what}", method=method, path=path, before="stall")
    fault("500-504", f"503 once for {what}", method=method, path=path, answer=error(503, "UNAVAILABLE"))
    if method != "HEAD" and what != "ping":
        fault("a lost 201 too", f"{what} done, answer lost", method=method, path=path, faults={"after": "reset"})
fault("reset in the body", "reset in a blob's body", method="PUT", path=PUT_BLOB, inside="reset", read=200_000)
fault("reset in the body", "connection closed in a blob's body", method="PUT", path=PUT_BLOB, inside="close", read=200_000)
fault("reset in the body", "closed in the body twice", method="PUT", path=PUT_BLOB, inside="close", read=500_000, times=2)
fault("reset after the body", "closed after the body without an answer", method="PUT", path=PUT_BLOB, faults={"after": "close"})
fault("stalls in either direction", "server stops reading a blob", method="PUT", path=PUT_BLOB, inside="stall", read=100_000, within=25)
fault("stalls in either direction", "server reads a blob and stalls", method="PUT", path=PUT_BLOB, faults={"after": "stall"}, within=25)
fault("keep-alive races", "connection closed silently after every answer", times=0, faults={"silent": True})
fault("keep-alive races", "connection reset silently after every answer", times=0, faults={"silent": True, "end": "reset"})
fault("short bodies", "answer ends in its headers", method="POST", path=START, answer=Answer(raw="HTTP/1.1 202 Accepted\r\nLocat"))
fault("short bodies", "answer is garbage", method="POST", path=START, answer=Answer(raw="\x00\x01garbage\r\n\r\n"))
fault("keep-alive races", "answers in HTTP/1.0", method="HEAD", path=BLOB, times=0, answer=Answer(raw="HTTP/1.0 404 Not Found\r\n\r\n"))
fault("chunked encoding", "answers in chunks", times=0, faults={"chunked": True})


@scenario("an outage of seconds", most=60)
def outage_in_the_middle(w):
    def down(registry, req):
        registry.server.down = True
        import threading

        threading.Timer(2.0, lambda: setattr(registry.server, "down", False)).start()

    w.registry.rule(method="PUT", path=PUT_BLOB, do=down, before="reset")


@scenario("an outage of seconds", most=60)
def outage_at_the_start(w):
    import threading

    w.registry.server.down = True
    threading.Timer(1.0, lambda: setattr(w.registry.server, "down", False)).start()


@scenario("retries are bounded", fails="127.0.0.1", within=15, most=0)
def registry_is_not_there(w):
    w.registry.stop()
    time.sleep(0.1)


# status
for status in (408, 425, 429, 499, 500, 501, 502, 503, 504):
    fault(f"{status}", f"{status} once for an upload", method="PUT", path=PUT_BLOB, answer=error(status, "TOOMANYREQUESTS"))
fault("429 with seconds", "429 with seconds for a manifest", method="PUT", path=MANIFEST, answer=error(429, "TOOMANYREQUESTS", **{"Retry-After": "1"}))
fault("429 with seconds", "429 with seconds for a blob", method="PUT", path=PUT_BLOB, answer=error(429, "TOOMANYREQUESTS", **{"Retry-After": "1"}))
fault(
    "429 with a date", "429 with a date", method="POST", path=START,
    answer=lambda r: error(429, "TOOMANYREQUESTS", **{"Retry-After": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 2))}),
)
fault("Retry-After kept", "429 for an hour is no wait", method="POST", path=START, times=0, answer=error(429, "TOOMANYREQUESTS", "come back later", **{"Retry-After": "3600"}), fails="HTTP 429", within=5, most=4)
fault("an HTML 502", "502 in HTML once", method="PUT", path=PUT_BLOB, answer=Answer(502, {"Content-Type": "text/html"}, "<html><body><h1>502 Bad Gateway</h1></body></html>"))
fault("the last answer is the error", "502 in HTML for ever", method="PUT", path=MANIFEST, times=0, answer=Answer(502, {"Content-Type": "text/html"}, "<html><h1>502 Bad Gateway</h1><script>x</script></html>"), fails="HTTP 502: 502 Bad Gateway", within=25, most=40)
fault("the last answer is the error", "503 for ever", path=PUT_BLOB, method="PUT", times=0, answer=error(503, "UNAVAILABLE", "try later"), fails="UNAVAILABLE: try later", within=40, most=80)
fault("500-504", "an upload done and answered 500", method="PUT", path=PUT_BLOB, execute=True, answer=error(500, "UNKNOWN"))
fault("500-504", "a manifest stored and answered 504", method="PUT", path=MANIFEST, execute=True, answer=error(504, "UNKNOWN"))
fault("retries only what may pass", "403 is not tried again", path=START, method="POST", times=0, answer=error(403, "DENIED", "no push for you"), fails="DENIED: no push for you", within=3, most=4)
fault("error bodies are capped", "endless error body", path=START, method="POST", times=0, answer=Answer(403, {}, b"", flood="body", length=None), fails="HTTP 403", within=5)
fault("headers are limited", "endless headers", path=START, method="POST", times=0, answer=Answer(202, {}, b"", flood="headers"), fails="headers", within=5, most=3)
fault("control characters", "escape codes in an error", path=START, method="POST", times=0, answer=error(403, "DENIED", "\x1b[2Jgone"), fails=r"\x1b[2Jgone", within=3)
fault("control characters", "escape codes in a header", path=START, method="POST", times=0, answer=Answer(202, {"Location": "/v2/x/\x1b[2J"}), fails="control character", within=3)
fault("before building", "repository is missing", path=START, method="POST", times=0, answer=error(404, "NAME_UNKNOWN", "repository name not known"), fails="create the repository first", within=3, most=4)

# upload
fault("Location absolute", "Location absolute", method="POST", path=START, times=0, headers={"Location": lambda r: r.server.url + f"/v2/{REPO}/blobs/uploads/" + list_last(r)})
fault("Location relative", "Location is a path", method="POST", path=START, times=0, headers={"Location": lambda r: f"/v2/{REPO}/blobs/uploads/" + list_last(r)})
fault("Location relative", "Location is the last part of a path", method="POST", path=START, times=0, headers={"Location": lambda r: list_last(r)})
fault("Location relative", "Location without a scheme", method="POST", path=START, times=0, headers={"Location": lambda r: f"//{r.server.host}/v2/{REPO}/blobs/uploads/" + list_last(r)})
fault("Location missing", "Location missing", method="POST", path=START, times=0, headers={"Location": None}, fails="no Location", within=3)
fault("an upload session that vanished", "session vanished", method="PUT", path=PUT_BLOB, do=lambda reg, req: reg.uploads.clear())
fault("an upload session that vanished", "session vanished twice", method="PUT", path=PUT_BLOB, times=2, do=lambda reg, req: reg.uploads.clear())
fault("a digest wrongly refused once", "digest wrongly refused once", method="PUT", path=PUT_BLOB, answer=error(400, "DIGEST_INVALID"))
fault("a digest wrongly refused", "digest wrongly refused for ever", method="PUT", path=PUT_BLOB, times=0, answer=error(400, "DIGEST_INVALID", "no match"), fails="DIGEST_INVALID", within=20, most=50)
fault("Range off by one", "416 once", method="PUT", path=PUT_BLOB, answer=error(416, "BLOB_UPLOAD_INVALID"))
fault("refused early", "413 before the body is read, then taken", method="PUT", path=PUT_BLOB, early=True, answer=Answer(500, {}, b"", end="close"))
fault("HEAD refused", "HEAD refused with 405", method="HEAD", path=BLOB, times=0, answer=Answer(405))
fault("HEAD refused", "HEAD answered 400", method="HEAD", path=BLOB, times=0, answer=Answer(400))
fault("HEAD of another size", "HEAD tells another size", method="HEAD", path=BLOB, times=0, answer=Answer(200, {"Content-Length": "17"}))
fault("everything is verified", "registry says it stored another blob", method="PUT", path=PUT_BLOB, headers={"Docker-Content-Digest": sha(b"x")}, fails="the registry stored sha256:", within=5)
fault("everything is verified", "registry says it stored another manifest", method="PUT", path=MANIFEST, headers={"Docker-Content-Digest": sha(b"x")}, fails="the registry stored sha256:", within=5, check="stored")
fault("a blob that shows late", "blob shows late to the manifest", method="PUT", path=MANIFEST, times=2, answer=error(400, "MANIFEST_BLOB_UNKNOWN"))
fault("200 for 201", "200 for 201", method="PUT", path=PUT_BLOB, times=0, execute=True, answer=Answer(200))


def list_last(req):
    reg = req.server.handler
    return list(reg.uploads)[-1] + "?_state=" + "x" * 2000


@scenario("HEAD without length")
def head_without_length(w):
    for b in w.image.blobs:
        w.registry.put(REPO, b)
    w.registry.rule(method="HEAD", path=BLOB, times=0, headers={"Content-Length": None}, faults={"length": None})
    w.registry.rule(method="PUT", path=PUT_BLOB, times=0, answer=error(403, "DENIED", "it is there"))


@scenario("refused chunked encoding")
def put_with_a_body_refused(w):
    w.use(chunked="only")


@scenario("refused PATCH")
def patch_refused_put_taken(w):
    w.use(no_patch=True)


@scenario("chunks only where the registry wants them", most=80)
def large_bodies_refused(w):
    w.use(chunked="only", max_chunk=20 << 20)


@scenario("Range missing")
def range_missing_in_patch_answers(w):
    w.use(chunked="only")
    w.registry.rule(method="PATCH", times=0, headers={"Range": None})


@scenario("Range off by one")
def range_off_by_one_in_patch_answers(w):
    w.use(chunked="only")
    w.registry.rule(method="PATCH", times=0, headers={"Range": "0-17"})


@scenario("reset in the body")
def patch_reset_in_the_body(w):
    w.use(chunked="only")
    w.registry.rule(method="PATCH", inside="reset", read=100_000)


@scenario("immutable tags", check="immutable")
def tag_is_immutable(w):
    w.use(immutable=True)
    other = Image(seed=2)
    other.into(w.registry)


@scenario("everything is verified", fails="want sha256:", within=5)
def local_blob_changed(w):
    path = w.tmp / "layout"
    w.image.layout(path)
    blob = path / "blobs" / "sha256" / sha(w.image.layers[0])[7:]
    blob.write_bytes(b"x" + w.image.layers[0][1:])
    w.image.layout = lambda p: f"oci:{p}:t"
    # A registry that believes everything must not get them either.
    w.registry.rule(method="PUT", path=PUT_BLOB, times=0, answer=Answer(201))


# redirects and Locations
@scenario("an upload Location on another origin gets no credentials")
def location_on_another_origin(w):
    w.with_tokens()
    second = w.add(Registry())
    w.thieves.append(second.server)
    second.blobs = w.registry.blobs
    second.uploads = w.registry.uploads
    second.put_order = w.registry.put_order

    def elsewhere(req):
        return second.url + f"/v2/{REPO}/blobs/uploads/" + list(w.registry.uploads)[-1] + "?_state=1"

    w.registry.rule(method="POST", path=START, times=0, headers={"Location": elsewhere})


@scenario("redirects: no credentials to another origin", fails="", within=20)
def upload_redirected_to_a_thief(w):
    w.with_tokens()
    thief = w.thief(lambda req: Answer(403, {}, b"no"))
    w.registry.rule(method="PUT", path=PUT_BLOB, times=0, answer=Answer(307, {"Location": thief.url + "/x"}))


@scenario("redirects: no credentials to another origin", fails="HTTP 401", within=20)
def upload_start_redirected_to_a_thief(w):
    w.with_tokens()
    thief = w.thief(lambda req: Answer(401, {"WWW-Authenticate": 'Basic realm="give"'}, b"no"))
    w.registry.rule(method="POST", path=START, times=0, answer=Answer(307, {"Location": thief.url + "/x"}))


@scenario("redirects: no credentials to another origin")
def blob_check_redirected_to_a_thief(w):
    w.with_tokens()
    thief = w.thief(lambda req: Answer(404))
    w.registry.rule(method="HEAD", path=BLOB, times=0, answer=lambda r: Answer(307, {"Location": thief.url + r.path}))


@scenario("HEAD refused")
def head_redirected_to_storage_signed_for_get(w):
    storage = w.thief(lambda req: Answer(403))
    w.registry.rule(method="HEAD", path=BLOB, times=0, answer=lambda r: Answer(307, {"Location": storage.url + r.path}))


@scenario("redirects: at most 5", op="pull", fails="more than 5 redirects", within=5, most=12)
def redirect_loop(w):
    seed(w)
    w.registry.rule(method="GET", path=MANIFEST, times=0, answer=lambda r: Answer(302, {"Location": r.target}))


@scenario("redirects: http and https only", op="pull", fails="redirect", within=5, most=4)
def redirect_to_a_file(w):
    seed(w)
    w.registry.rule(method="GET", path=BLOB, times=0, answer=Answer(302, {"Location": "file:///etc/passwd"}))


@scenario("redirects: http and https only", op="pull", fails="user information", within=5)
def redirect_with_a_password(w):
    seed(w)
    w.registry.rule(method="GET", path=BLOB, times=0, answer=Answer(302, {"Location": "http://a:b@127.0.0.1/x"}))


@scenario("redirects are followed", op="pull")
def blobs_from_another_host(w):
    w.with_tokens()
    seed(w)
    cdn = w.thief(lambda req: Answer(200, {}, w.registry.blobs[REPO][req.path.rsplit("/", 1)[1]]))
    w.registry.rule(method="GET", path=BLOB, times=0, answer=lambda r: Answer(307, {"Location": f"{cdn.url}/data/{r.path.rsplit('/', 1)[1]}?sig=1"}))


@scenario("credentials only to the origin that asked", op="pull", fails="HTTP 401", within=10)
def another_host_asks_for_the_password(w):
    w.with_tokens()
    seed(w)
    thief = w.thief(lambda req: Answer(401, {"WWW-Authenticate": 'Basic realm="x"'}, b""))
    w.registry.rule(method="GET", path=BLOB, times=0, answer=lambda r: Answer(307, {"Location": thief.url + r.path}))


# authorization
for form in ("token", "access_token", "both", "post"):

    def _form(w, form=form):
        w.with_tokens(form=form)

    scenario("token auth", f"token server answers in the form {form}")(_form)


@scenario("basic auth")
def basic_auth(w):
    w.use(auth="basic")
    w.login()


@scenario("tokens that do not say how long they live")
def no_life_said(w):
    w.with_tokens(life=None)


@scenario("identity tokens")
def identity_token(w):
    w.with_tokens(identity="refresh-me", form="access_token")
    w.login({"identitytoken": "refresh-me"})


@scenario("tokens that lie about their life", most=60)
def tokens_are_good_for_two_requests(w):
    w.with_tokens(uses=2)


@scenario("tokens that expire before the body", most=60)
def tokens_live_half_a_second(w):
    w.with_tokens(real=0.4)
    w.registry.rule(method="HEAD", path=BLOB, times=0, faults={"linger": 0.25})


@scenario("tokens that expire in the body", most=60)
def token_ends_in_the_body(w):
    w.with_tokens()
    w.registry.rule(method="PUT", path=PUT_BLOB, do=lambda reg, req: reg.auth.tokens.clear())


@scenario("tokens that expire in the body", most=60)
def token_refused_before_the_body_is_read(w):
    w.with_tokens()
    w.registry.rule(
        method="PUT", path=PUT_BLOB, early=True,
        answer=lambda r: Answer(401, w.registry.challenge(None), b"", end="close"),
    )


@scenario("tokens that expire after the body", most=60)
def blob_stored_but_answered_401(w):
    w.with_tokens()
    w.registry.rule(method="PUT", path=PUT_BLOB, execute=True, answer=lambda r: Answer(401, w.registry.challenge(None)))


@scenario("clear failures: credentials", fails="incorrect username or password", within=5, most=6)
def wrong_password(w):
    import base64

    w.with_tokens()
    w.login({"auth": base64.b64encode(b"robot:wrong").decode()})


@scenario("clear failures: credentials", fails="docker login", within=5, most=6)
def no_credentials(w):
    w.with_tokens()
    w.login({}, host="elsewhere.example")


@scenario("clear failures: credentials", fails="HTTP 401", within=10, most=12)
def token_never_good_enough(w):
    w.with_tokens()
    w.registry.rule(path=START, times=0, answer=lambda r: Answer(401, w.registry.challenge(None)))


@scenario("anonymous pull", op="pull")
def anonymous_pull(w):
    w.with_tokens(anonymous_pull=True)
    w.login({}, host="elsewhere.example")
    seed(w)


def token_rule(clause, name, fails=None, times=1, **kw):
    def setup(w):
        w.with_tokens()
        rule = Rule(times=times, **kw)
        holder = type("H", (), {"rules": [rule]})()
        w.tokens.plan = lambda req: Registry.plan(holder, req)

    scenario(clause, name, fails=fails, within=20)(setup)


token_rule("500-504", "token server answers 503 once", answer=error(503, "UNAVAILABLE"))
token_rule("429 with seconds", "token server answers 429 once", answer=error(429, "TOOMANYREQUESTS", **{"Retry-After": "1"}))
token_rule("reset before the body", "token server resets once", before="reset")
token_rule("stalls in either direction", "token server stalls once", before="stall")
token_rule("limits: token answer 1 MiB", "token answer without end", times=0, answer=Answer(200, {}, b"", flood="body", length=None), fails="over the limit")
token_rule("control characters", "token with a line break", times=0, answer=Answer.json(200, {"token": "a\r\nX-Evil: 1"}), fails="characters")
token_rule("limits: JSON depth", "token answer too deep", times=0, answer=Answer(200, {}, "[" * 100 + "]" * 100), fails="deeper than")
token_rule("clear failures: token", "token answer is no JSON", times=0, answer=Answer(200, {}, "<html>"), fails="token server")
token_rule("clear failures: token", "token answer without a token", times=0, answer=Answer.json(200, {"expires_in": 3}), fails="neither")
token_rule("redirects: no credentials to another origin", "token server redirects in a loop", times=0, answer=Answer(302, {"Location": "/token"}), fails="redirects")


@scenario("redirects: no credentials to another origin", fails="token", within=10)
def token_server_redirects_to_a_thief(w):
    w.with_tokens()
    thief = w.thief(lambda r: Answer(401, {"WWW-Authenticate": 'Basic realm="x"'}))
    w.tokens.plan = lambda req: {"answer": lambda r: Answer(307, {"Location": thief.url + "/token"})}


@scenario("realm hijack: the registry names no realm", fails="without a realm", within=5)
def challenge_without_realm(w):
    w.with_tokens()
    w.registry.rule(times=0, answer=Answer(401, {"WWW-Authenticate": "Bearer service=x"}))


@scenario("several challenges")
def basic_and_bearer_are_offered(w):
    w.with_tokens()
    plain = w.registry.challenge

    w.registry.challenge = lambda scope: {"WWW-Authenticate": ['Basic realm="no"', "Negotiate", plain(scope)["WWW-Authenticate"]]}


# mount
@scenario("cross-repository mount", op="mount", check="mounted")
def mount_taken(w):
    seed(w)


@scenario("both scopes in one token for a mount", op="mount", check="mounted")
def mount_with_tokens(w):
    w.with_tokens()
    seed(w)


@scenario("202 means send the bytes", op="mount", check="sessions used")
def mount_answered_202(w):
    seed(w)
    w.registry.rule(method="POST", path=r"mount=", times=0, answer=lambda r: w.registry.upload(strip_query(r), "team/copy", ""))


@scenario("401 means again without mount", op="mount")
def mount_answered_401(w):
    w.with_tokens()
    seed(w)
    w.registry.rule(method="POST", path=r"mount=", times=0, answer=lambda r: Answer(401, w.registry.challenge(None)))


@scenario("401 means again without mount", op="mount")
def token_server_refuses_two_scopes(w):
    w.with_tokens()
    w.tokens.refuse_scopes = 1
    seed(w)


for status in (400, 403, 404, 405):

    def _mount(w, status=status):
        seed(w)
        w.registry.rule(method="POST", path=r"mount=", times=0, answer=error(status, "UNSUPPORTED"))

    scenario("refused mount", f"mount answered {status}", op="mount")(_mount)


@scenario("reset before the body", op="mount")
def mount_reset(w):
    seed(w)
    w.registry.rule(method="POST", path=r"mount=", before="reset")


def strip_query(req):
    req.query = {}
    return req


# pull
def pull(clause, name, fails=None, within=20, most=100, **kw):
    def setup(w):
        seed(w)
        w.registry.rule(**kw)

    scenario(clause, name, "pull", fails=fails, within=within, most=most)(setup)


BIG = f"/blobs/{sha(Image().layers[0])}"
pull("short bodies", "blob cut short once", method="GET", path=BIG, faults={"cut": 1_000_000})
pull("short bodies", "blob cut short again and again", method="GET", path=BIG, times=4, faults={"cut": 500_000})
pull("short bodies", "blob cut short without a length", method="GET", path=BIG, faults={"cut": 700_000, "length": None})
pull("reset in the body", "blob reset in the middle", method="GET", path=BIG, faults={"cut": 1_000_000, "end": "reset"})
pull("stalls in either direction", "blob stalls in the middle", method="GET", path=BIG, faults={"cut": 1_000_000, "end": "stall"})
pull("stalls in either direction", "manifest stalls in the middle", method="GET", path=MANIFEST, faults={"cut": 100, "end": "stall"})
pull("stalls: a speed limit", "blob comes in drops", method="GET", path=BIG, faults={"drip": 20}, within=20)
pull("500-504", "blob answered 503 once", method="GET", path=BIG, answer=error(503, "UNAVAILABLE"))
pull("a blob that shows late", "blob shows late", method="GET", path=BIG, answer=error(404, "BLOB_UNKNOWN"))
pull("a manifest that shows late", "manifest shows late", method="GET", path=MANIFEST, answer=error(404, "MANIFEST_UNKNOWN"))
pull("clear failures: not there", "manifest is not there", method="GET", path=MANIFEST, times=0, answer=error(404, "MANIFEST_UNKNOWN", "manifest unknown"), fails="MANIFEST_UNKNOWN", within=5, most=6)
pull("clear failures: not there", "blob is not there", method="GET", path=BIG, times=0, answer=error(404, "BLOB_UNKNOWN"), fails="BLOB_UNKNOWN", within=5)
pull("everything is verified", "blob of other bytes", method="GET", path=BIG, times=0, answer=Answer(200, {}, b"x" * 3_000_000), fails="want sha256:", within=10)
pull("everything is verified", "blob longer than it should be", method="GET", path=BIG, times=0, answer=lambda r: Answer(200, {}, Image().layers[0] + b"x"), fails="3000000 bytes", within=10)
pull("everything is verified", "endless blob", method="GET", path=BIG, times=0, answer=Answer(200, {}, b"", flood="body", length=None), fails="3000000 bytes", within=10)
pull("everything is verified", "manifest of other bytes than its digest", method="GET", path=MANIFEST, times=0, headers={"Docker-Content-Digest": sha(b"x")}, fails="want sha256:", within=5)
pull("limits: manifest 4 MiB", "manifest of 5 MiB", method="GET", path=MANIFEST, times=0, answer=Answer(200, {"Content-Type": OCI}, b" " * (5 << 20)), fails="over the limit", within=5, most=5)
pull("Content-Type and mediaType must agree", "content type of another kind", method="GET", path=MANIFEST, times=0, headers={"Content-Type": "application/vnd.oci.image.index.v1+json"}, fails="manifest", within=5)
pull("Content-Type parameters aside", "content type with parameters", method="GET", path=MANIFEST, times=0, headers={"Content-Type": OCI + "; charset=utf-8"})
pull("Content-Type that says nothing", "content type text/plain", method="GET", path=MANIFEST, times=0, headers={"Content-Type": "text/plain; charset=utf-8"})
pull("Content-Type that says nothing", "content type missing", method="GET", path=MANIFEST, times=0, headers={"Content-Type": None})
pull("a document of two kinds", "document of two kinds", method="GET", path=MANIFEST, times=0, answer=lambda r: Answer(200, {"Content-Type": OCI}, json.dumps({**Image().document(), "manifests": []})), fails="manifest", within=5)
def bent(**changes):
    """The image's manifest with its first layer's descriptor changed."""

    def answer(req):
        m = Image().document()
        m["layers"][0].update(changes)
        return Answer(200, {"Content-Type": OCI}, json.dumps(m))

    return answer


for digest in ("sha256:../../../../outside", "sha256:" + "A" * 64, "sha256:" + "0" * 63, "sha512:" + "0" * 128, "../x", ""):
    pull("digests match a strict pattern", f"digest {digest[:20]}", method="GET", path=MANIFEST, times=0, answer=bent(digest=digest), fails="digest", within=5, most=5)
for size in (-1, 1.5, 1e30, "17", 2**64, None):
    pull("sizes are checked", f"size {size!r}", method="GET", path=MANIFEST, times=0, answer=bent(size=size), fails="size", within=5, most=5)
pull("limits: JSON depth", "manifest too deep", method="GET", path=MANIFEST, times=0, answer=Answer(200, {"Content-Type": OCI}, "[" * 100_000), fails="deeper than", within=5, most=5)
pull("schema 1", "schema 1", method="GET", path=MANIFEST, times=0, answer=Answer(200, {"Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws"}, '{"schemaVersion": 1, "fsLayers": []}'), fails="manifest", within=5)
pull("chunked encoding", "everything in chunks", times=0, faults={"chunked": True})
pull("206 of another range", "206 of another range once", method="GET", path=BIG, nth=2, headers={"Content-Range": "bytes 5-9/10"})


@scenario("resuming without Range", op="pull")
def blob_cut_short_and_ranges_unknown(w):
    w.use(no_range=True)
    seed(w)
    w.registry.rule(method="GET", path=BIG, times=2, faults={"cut": 1_000_000})


@scenario("206 of another range", op="pull")
def wrong_range_when_resuming(w):
    seed(w)
    w.registry.rule(method="GET", path=BIG, faults={"cut": 1_000_000})
    w.registry.rule(method="GET", path=BIG, headers={"Content-Range": "bytes 0-9/3000000"})


@scenario("foreign layers are never fetched", op="pull")
def foreign_layer(w):
    """The descriptor is kept, the address in it is left alone."""
    elsewhere = w.untouched = w.thief()
    m = w.image.document()
    m["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    m["layers"][0]["urls"] = [elsewhere.url + "/layer"]
    w.image.manifest = json.dumps(m).encode()
    w.image.layers = w.image.layers[1:]
    seed(w)


@scenario("schema 2", op="pull")
def schema_2_image(w):
    w.image = Image(media_type=DOCKER)
    seed(w)


@scenario("between registries, streamed", op="cross")
def from_one_registry_to_another(w):
    pass


@scenario("reset in the body", op="cross")
def source_breaks_while_streaming(w):
    w.other.rule(method="GET", path=BIG, faults={"cut": 1_000_000, "end": "reset"})


@scenario("reset in the body", op="cross")
def destination_breaks_while_streaming(w):
    w.registry.rule(method="PUT", path=PUT_BLOB, times=2, inside="reset", read=300_000)


@scenario("everything is verified", op="cross", fails="want sha256:", within=10)
def source_lies_while_streaming(w):
    w.other.rule(method="GET", path=BIG, times=0, answer=Answer(200, {}, b"x" * 3_000_000))


def run_cross(w, check):
    w.image.into(w.other)
    return w.copy(f"{w.other.host}/{REPO}:t", f"{w.registry.host}/{REPO}:t", check)


def find_temporaries(top):
    return [p for p in top.rglob("*") if re.search(r"\.tmp\.|\.partial", p.name)]


@pytest.mark.parametrize("s", SCENARIOS, ids=[s["name"].replace(" ", "_") for s in SCENARIOS])
def test_fault(world, s):
    w = world
    if s["op"] == "cross":
        w.other = w.add(Registry(name="source"))
    s["setup"](w)
    want = 0 if s["fails"] is None else s["code"]
    begun = time.monotonic()
    op = {"push": w.push, "pull": w.pull, "mount": w.mount, "cross": lambda check: run_cross(w, check)}[s["op"]]
    r = op(check=want)
    assert time.monotonic() - begun < s["within"], f"took too long: {r!r}"
    w.check_secrets()
    for server in w.closing:
        requests = server.requests
        assert len(requests) <= s["most"], requests
    assert not find_temporaries(w.tmp)
    assert w.untouched is None or w.untouched.requests == []
    if s["fails"] is not None:
        assert s["fails"] in r.stderr, repr(r)
        assert r.stdout == ""
        if s["op"] == "pull":
            w.check_not_pulled()
        elif s["op"] != "mount" and s["check"] != "stored":
            w.check_not_pushed()
        assert w.registry.bad_uploads == 0, "bytes of a wrong digest were sent to the end"
        return
    if s["check"] == "immutable":
        assert "does not let the tag t be moved" in r.stderr
        assert w.registry.complete(REPO, sha(w.image.manifest))
        assert w.registry.manifests[REPO]["t"][0] != w.image.manifest
        return
    if s["op"] == "pull":
        w.check_pulled()
    else:
        w.check_pushed("team/copy" if s["op"] == "mount" else REPO)
    if s["check"] == "sessions used":
        assert w.registry.uploads == {} and w.registry.count("POST", START) == 1 + len(w.image.blobs)
    if s["check"] == "mounted":
        assert w.registry.count("PUT", r"/blobs/uploads/") == 0


def test_silence_is_explained(world):
    """Who looks at a still screen is told whom we wait for, before the stall ends it."""
    world.env["AUTOPACK_STALL_TIMEOUT"] = "20"
    world.registry.rule(method="PUT", path=PUT_BLOB, faults={"linger": 6})
    r = world.push()
    assert re.search(r"waiting: 127\.0\.0\.1:\d+ has sent nothing for 5 s, its answer is due", r.stderr), repr(r)
    world.check_pushed()


# DESIGN section 7, "Survives" and "Trust", in its words -> words that a clause above begins with.
CLAUSES = {
    "reset before the body": "reset before the body",
    "reset in the body": "reset in the body",
    "reset after the body": "reset after the body",
    "a lost 201 too": "a lost 201 too",
    "short bodies": "short bodies",
    "keep-alive races": "keep-alive races",
    "stalls in either direction (a speed limit, not a hang)": "stalls",
    "408": "408",
    "429 with seconds": "429 with seconds",
    "429 with a date": "429 with a date",
    "429 with nothing": "429",
    "500-504": "500-504",
    "an HTML 502": "an HTML 502",
    "an outage of seconds": "an outage of seconds",
    "tokens that expire before the body": "tokens that expire before",
    "tokens that expire in the body": "tokens that expire in",
    "tokens that expire after the body": "tokens that expire after",
    "tokens that lie about their life": "tokens that lie",
    "refused PATCH": "refused PATCH",
    "refused mount": "refused mount",
    "refused chunked encoding": "refused chunked encoding",
    "Location relative": "Location relative",
    "Location absolute, with query": "Location absolute",
    "Range missing": "Range missing",
    "Range off by one": "Range off by one",
    "an upload session that vanished": "an upload session that vanished",
    "a digest wrongly refused once": "a digest wrongly refused once",
    "a manifest that shows late": "a manifest that shows late",
    "a blob that shows late": "a blob that shows late",
    "HEAD without length": "HEAD without length",
    "bounded by count and total time": "retries are bounded",
    "Retry-After kept": "Retry-After kept",
    "the last answer is the error": "the last answer is the error",
    "everything read is verified": "everything is verified",
    "Authorization only to the origin that asked": "credentials only to the origin",
    "redirects, no credentials to another origin": "redirects: no credentials",
    "at most 5": "redirects: at most 5",
    "an upload Location on another origin": "an upload Location on another origin",
    "token answer 1 MiB": "limits: token answer",
    "error body 64 KiB": "error bodies are capped",
    "manifest 4 MiB": "limits: manifest",
    "headers 256 KiB": "headers are limited",
    "JSON depth 64": "limits: JSON depth",
    "control characters": "control characters",
    "digests match a strict pattern": "digests match",
    "unsigned checked arithmetic on every size": "sizes are checked",
    "foreign layers": "foreign layers",
    "the token realm": "realm hijack",
    "identity tokens": "identity tokens",
    "cross-repository mount": "cross-repository mount",
    "202 means send the bytes": "202 means",
    "401 means again without mount": "401 means",
    "both scopes in one token": "both scopes",
    "immutable tags": "immutable tags",
    "chunked PATCH only where wanted": "chunks only",
    "Content-Type and mediaType must agree": "Content-Type and mediaType",
    "a document of two kinds": "a document of two kinds",
}


def test_every_clause_has_a_scenario():
    for clause, begins in CLAUSES.items():
        assert [s for s in SCENARIOS if s["clause"].startswith(begins)], clause


def test_there_are_at_least_a_hundred_scenarios_of_different_names():
    names = [s["name"] for s in SCENARIOS]
    assert len(names) == len(set(names)) and len(names) >= 100
    assert len({s["clause"] for s in SCENARIOS}) >= 40
