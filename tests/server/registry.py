"""A registry in memory, a token server, and faults on request.

Registry().rule(method=..., path=..., nth=..., times=..., **what) makes it
misbehave; see Rule.  TokenServer issues the tokens that it wants to see.
"""

import base64
import hashlib
import json
import re
import threading
import time
import urllib.parse
import uuid

from wire import Answer, Server

USER, PASSWORD = "robot", "s3cret-Pa55word"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def error(status, code, message="", **headers):
    return Answer.json(status, {"errors": [{"code": code, "message": message or code.lower()}]}, **headers)


class Rule:
    """Which requests (method and path are regular expressions, `nth` counts matching
    ones from 1, `times` how many of them; 0: all) and what happens to them:

    answer: Answer or function(request) instead of the registry's own; `execute` first
        carries the request out
    faults: Answer faults laid over the registry's own answer
    headers: changes of the answer's headers (None takes one away)
    before, inside (with `read`), early: see wire.Answer
    do: function(registry, request) called first
    """

    def __init__(self, method=".*", path=".*", nth=1, times=1, **what):
        self.method, self.path, self.nth, self.times, self.what = re.compile(method), re.compile(path), nth, times, what
        self.seen = self.used = 0
        self.lock = threading.Lock()

    def hits(self, req):
        if not self.method.fullmatch(req.method) or not self.path.search(req.target):
            return False
        with self.lock:
            self.seen += 1
            if self.seen < self.nth or (self.times and self.used >= self.times):
                return False
            self.used += 1
            return True


class Registry:
    """The distribution API over dictionaries.

    auth: None, "basic", or a TokenServer.  chunked: "only" refuses a PUT with a body.
    referrers: N serves the referrers API, N to a page.
    """

    def __init__(self, auth=None, tls=None, name="registry", host="127.0.0.1", **options):
        self.blobs, self.manifests, self.uploads = {}, {}, {}
        self.rules, self.auth, self.options, self.issued = [], auth, options, []
        self.lock = threading.RLock()
        self.put_order = []
        self.bad_uploads = 0
        self.server = Server(self, name, tls=tls, host=host)

    # -- what tests ask and say

    @property
    def host(self):
        return self.server.host

    @property
    def url(self):
        return self.server.url

    @property
    def requests(self):
        return self.server.requests

    def stop(self):
        self.server.stop()

    def rule(self, **kw):
        r = Rule(**kw)
        self.rules.append(r)
        return r

    def count(self, method=".*", path=".*"):
        return sum(1 for r in list(self.requests) if re.fullmatch(method, r.method) and re.search(path, r.target))

    def has_blob(self, repo, digest):
        return digest in self.blobs.get(repo, {})

    def put(self, repo, data):
        self.blobs.setdefault(repo, {})[digest_of(data)] = data
        return digest_of(data)

    def put_manifest(self, repo, tag, data, media_type):
        d = digest_of(data)
        store = self.manifests.setdefault(repo, {})
        store[d] = (data, media_type)
        if tag:
            store[tag] = (data, media_type)
        return d

    def complete(self, repo, reference):
        """Does the tag name an image all of whose parts are there and right?"""
        if reference not in self.manifests.get(repo, {}):
            return False
        data, _ = self.manifests[repo][reference]
        m = json.loads(data)
        for child in m.get("manifests", []):
            if not self.complete(repo, child["digest"]):
                return False
        parts = [m["config"], *m["layers"]] if "config" in m else []
        for p in parts:
            blob = self.blobs.get(repo, {}).get(p["digest"])
            if blob is None or len(blob) != p["size"] or digest_of(blob) != p["digest"]:
                return False
        return True

    # -- the wire

    def plan(self, req):
        for r in self.rules:
            if not r.hits(req):
                continue
            w = r.what
            if w.get("do"):
                w["do"](self, req)
            plan = {k: w[k] for k in ("before", "inside", "read", "early", "faults") if k in w}
            if "answer" in w:
                answer, execute = w["answer"], w.get("execute")

                def make(request, answer=answer, execute=execute):
                    if execute:
                        self(request)
                    a = answer(request) if callable(answer) else Answer(answer.status, answer.headers, answer.body)
                    if not callable(answer):
                        a.faults = dict(answer.faults)
                    return a

                plan["answer"] = make
            if "headers" in w:

                def change(request, a, headers=w["headers"]):
                    for k, v in headers.items():
                        for name in [n for n in a.headers if n.lower() == k.lower()]:
                            del a.headers[name]
                        if v is not None:
                            a.headers[k] = v(request) if callable(v) else v

                plan["change"] = change
            return plan
        return {}

    def challenge(self, scope):
        if self.auth == "basic":
            return {"WWW-Authenticate": 'Basic realm="registry"'}
        return {"WWW-Authenticate": self.auth.challenge(scope)}

    def allowed(self, req, scope):
        if self.auth is None:
            return True
        got = req.headers.get("authorization", "")
        if self.auth == "basic":
            want = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            return got == "Basic " + want
        return got.startswith("Bearer ") and self.auth.good(got[7:], scope)

    def __call__(self, req):
        with self.lock:
            if req.path in ("/v2", "/v2/"):
                return Answer.json(200, {}) if self.allowed(req, None) else error(401, "UNAUTHORIZED", **self.challenge(None))
            m = re.fullmatch(r"/v2/(.+?)/(blobs/uploads|blobs|manifests|referrers|tags)/(.*)", req.path)
            if not m:
                return error(404, "NOT_FOUND", "no such page")
            repo, kind, rest = m.groups()
            action = "pull" if req.method in ("GET", "HEAD") else "push"
            scope = f"repository:{repo}:{action}"
            if not self.allowed(req, scope):
                return error(401, "UNAUTHORIZED", "authentication required", **self.challenge(f"repository:{repo}:pull,push"))
            if self.options.get("missing_repository"):
                return error(404, "NAME_UNKNOWN", "repository name not known to registry")
            if kind == "blobs/uploads":
                return self.upload(req, repo, rest)
            if kind == "blobs":
                return self.blob(req, repo, rest)
            if kind == "manifests":
                return self.manifest(req, repo, rest)
            if kind == "referrers" and self.options.get("referrers"):
                return self.referrers(req, repo, rest)
            return error(404, "UNSUPPORTED")

    def location(self, repo, uid):
        return f"/v2/{repo}/blobs/uploads/{uid}?_state=abc"

    def upload(self, req, repo, uid):
        if req.method == "POST":
            mount, source = req.query.get("mount"), req.query.get("from")
            if mount and source and mount in self.blobs.get(source, {}):
                if self.auth not in (None, "basic") and not self.auth.good(
                    req.headers.get("authorization", "")[7:], f"repository:{source}:pull"
                ):
                    pass  # without the right to read it, it is as if it were not there
                else:
                    self.blobs.setdefault(repo, {})[mount] = self.blobs[source][mount]
                    return Answer(201, {"Location": f"/v2/{repo}/blobs/{mount}", "Docker-Content-Digest": mount})
            uid = str(uuid.uuid4())
            self.uploads[uid] = b""
            return Answer(202, {"Location": self.location(repo, uid), "Range": "0-0"})
        if uid not in self.uploads:
            return error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        if req.method == "DELETE":
            del self.uploads[uid]
            return Answer(204)
        if req.method == "PATCH":
            if self.options.get("no_patch"):
                return error(405, "UNSUPPORTED", "chunked uploads are not supported")
            have = len(self.uploads[uid])
            m = re.fullmatch(r"(\d+)-(\d+)", req.headers.get("content-range", ""))
            if m and int(m.group(1)) != have:
                return error(416, "BLOB_UPLOAD_INVALID", "range")
            limit = self.options.get("max_chunk")
            if limit and len(req.body) > limit:
                return error(413, "SIZE_INVALID", "too large")
            self.uploads[uid] += req.body
            return Answer(
                202, {"Location": self.location(repo, uid), "Range": f"0-{max(len(self.uploads[uid]) - 1, 0)}"}
            )
        if req.method == "PUT":
            if req.body and self.options.get("chunked") == "only":
                return error(405, "UNSUPPORTED", "send chunks")
            data = self.uploads[uid] + req.body
            want = req.query.get("digest")
            if digest_of(data) != want:
                self.bad_uploads += 1
                return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
            del self.uploads[uid]
            self.blobs.setdefault(repo, {})[want] = data
            self.put_order.append(want)
            return Answer(201, {"Location": f"/v2/{repo}/blobs/{want}", "Docker-Content-Digest": want})
        return error(405, "UNSUPPORTED")

    def blob(self, req, repo, digest):
        data = self.blobs.get(repo, {}).get(digest)
        if data is None:
            return error(404, "BLOB_UNKNOWN", "blob unknown to registry")
        headers = {"Content-Type": "application/octet-stream", "Docker-Content-Digest": digest}
        if req.method == "HEAD":
            return Answer(200, {**headers, "Content-Length": str(len(data))})
        m = re.fullmatch(r"bytes=(\d+)-", req.headers.get("range", ""))
        if m and not self.options.get("no_range") and int(m.group(1)) < len(data):
            at = int(m.group(1))
            headers["Content-Range"] = f"bytes {at}-{len(data) - 1}/{len(data)}"
            return Answer(206, headers, data[at:])
        return Answer(200, headers, data)

    def manifest(self, req, repo, reference):
        store = self.manifests.setdefault(repo, {})
        if req.method in ("GET", "HEAD"):
            if reference not in store:
                return error(404, "MANIFEST_UNKNOWN", "manifest unknown")
            data, media_type = store[reference]
            return Answer(200, {"Content-Type": media_type, "Docker-Content-Digest": digest_of(data)}, data)
        if req.method != "PUT":
            return error(405, "UNSUPPORTED")
        d = digest_of(req.body)
        if reference.startswith("sha256:") and reference != d:
            return error(400, "DIGEST_INVALID", "wrong digest")
        m = json.loads(req.body)
        parts = [m["config"], *m["layers"]] if "config" in m else []
        for p in parts:
            if p["digest"] not in self.blobs.get(repo, {}) and not p.get("urls"):
                return error(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")
        for child in m.get("manifests", []):
            if child["digest"] not in store:
                return error(400, "MANIFEST_UNKNOWN", "manifest unknown")
        if self.options.get("immutable") and not reference.startswith("sha256:"):
            if reference in store and digest_of(store[reference][0]) != d:
                return error(409, "TAG_INVALID", "the tag is immutable")
        store[d] = (req.body, req.headers.get("content-type", ""))
        store[reference] = store[d]
        self.put_order.append(reference)
        more = {"OCI-Subject": m["subject"]["digest"]} if self.options.get("referrers") and "subject" in m else {}
        return Answer(201, {"Location": f"/v2/{repo}/manifests/{d}", "Docker-Content-Digest": d, **more})

    def referrers(self, req, repo, digest):
        found, n = [], self.options["referrers"]
        for d, (data, media_type) in self.manifests.get(repo, {}).items():
            m = json.loads(data)
            if d.startswith("sha256:") and m.get("subject", {}).get("digest") == digest:
                entry = {"mediaType": media_type, "digest": d, "size": len(data), "artifactType": m.get("artifactType")}
                found.append({**entry, **({"annotations": m["annotations"]} if "annotations" in m else {})})
        at = int(urllib.parse.parse_qs(urllib.parse.urlsplit(req.target).query).get("at", ["0"])[0])
        kind = "application/vnd.oci.image.index.v1+json"
        body = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": found[at : at + n]}).encode()
        link = {"Link": f'</v2/{repo}/referrers/{digest}?at={at + n}>; rel="next"'} if found[at + n :] else {}
        return Answer(200, {"Content-Type": kind, **link}, body)


class TokenServer:
    """Tokens for USER and PASSWORD (or an identity token), for the scopes asked for.

    form: token | access_token | both | post (only POST is served)
    life: seconds that it claims; real: seconds that a token is good for; uses: requests.
    """

    def __init__(self, form="token", life=300, real=None, uses=None, tls=None, anonymous_pull=False, identity=None):
        self.form, self.life, self.real, self.uses, self.anonymous_pull = form, life, real, uses, anonymous_pull
        self.identity = identity
        self.tokens, self.lock = {}, threading.RLock()
        self.refuse_scopes = 0  # more than so many scopes in one request are refused
        self.server = Server(self, "token", tls=tls)
        self.realm = self.server.url + "/token"

    def stop(self):
        self.server.stop()

    @property
    def requests(self):
        return self.server.requests

    def challenge(self, scope):
        s = f'Bearer realm="{self.realm}",service="the registry"'
        return s + (f',scope="{scope}"' if scope else "")

    def good(self, token, scope):
        with self.lock:
            t = self.tokens.get(token)
            if not t:
                return False
            if self.real is not None and time.monotonic() > t["made"] + self.real:
                return False
            if scope:
                name, action = scope.split(":", 1)[1].rsplit(":", 1)
                if not any(n == name and action in a.split(",") for n, a in t["scopes"]):
                    return False
            if t["left"] is not None:
                if t["left"] <= 0:
                    return False
                t["left"] -= 1
            return True

    def __call__(self, req):
        form = {}
        if req.method == "POST":
            form = {k: v[0] for k, v in urllib.parse.parse_qs(req.body.decode()).items()}
            scopes = form.get("scope", "").split()
        else:
            if self.form == "post":
                return error(405, "UNSUPPORTED")
            scopes = req.query_all.get("scope", [])
        want = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        known = (
            req.headers.get("authorization") == want
            or (form.get("username") == USER and form.get("password") == PASSWORD)
            or (self.identity and form.get("refresh_token") == self.identity)
        )
        asked = [tuple(s.split(":", 1)[1].rsplit(":", 1)) for s in scopes]
        if not known and not (self.anonymous_pull and all(a == "pull" for _, a in asked) and "authorization" not in req.headers):
            return error(401, "UNAUTHORIZED", "incorrect username or password")
        if self.refuse_scopes and len(asked) > self.refuse_scopes:
            return error(403, "DENIED", "too many scopes")
        token = "tok-" + uuid.uuid4().hex
        with self.lock:
            self.tokens[token] = {"scopes": asked, "made": time.monotonic(), "left": self.uses}
        body = {}
        if self.form in ("token", "both"):
            body["token"] = token
        if self.form in ("access_token", "both", "post"):
            body["access_token"] = token
        if self.life is not None:
            body["expires_in"] = self.life
        return Answer.json(200, body)
