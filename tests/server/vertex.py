"""A stand-in for Vertex AI, Cloud Logging and Cloud Storage on one loopback port.

    v = Vertex()             listens at once; v.url is every endpoint
    v.resources              full name -> resource, as the service would show it
    v.sent                   what was created: [Sent(version, message, path, query, body)]
    v.states                 states that a job goes through, one for each look (GET)
    v.operation_looks        looks until an operation is done
    v.logs                   job ID -> [LogEntry]
    v.objects                "bucket/object" -> bytes
    v.fail(predicate, ...)   the next request that fits is answered, or broken, otherwise

It needs the standard library only.  `check`, when given, is called with each
created body as check(version, message, body) and says what is wrong with it,
or None: see vertex_types.py for one that asks the API's own message types.
"""

import collections
import datetime
import itertools
import json
import re
import sys
import threading
import urllib.parse

import wire
from wire import Answer

PROJECT_NUMBER = "123456789012"
MESSAGES = {
    "customJobs": "CustomJob",
    "hyperparameterTuningJobs": "HyperparameterTuningJob",
    "trainingPipelines": "TrainingPipeline",
    "pipelineJobs": "PipelineJob",
    "persistentResources": "PersistentResource",
}
PREFIX = {"trainingPipelines": "PIPELINE_STATE_", "pipelineJobs": "PIPELINE_STATE_", "persistentResources": ""}

Sent = collections.namedtuple("Sent", "version message path query body")


def now(offset=0):
    t = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset)
    return t.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def error(status, code, message, details=None):
    body = {"error": {"code": status, "message": message, "status": code}}
    if details:
        body["error"]["details"] = details
    return Answer.json(status, body)


def progress(message):
    kind = "google.cloud.aiplatform.v1.CreatePersistentResourceOperationMetadata"
    return {"@type": f"type.googleapis.com/{kind}", "progressMessage": message}


def not_found(what):
    return error(404, "NOT_FOUND", f"{what} is not found.")


class Vertex:
    def __init__(self, tokens=("fake-access-token",), check=None):
        self.tokens, self.check = set(tokens), check
        self.resources, self.sent, self.logs, self.objects = {}, [], {}, {}
        self.states = ["PENDING", "RUNNING", "SUCCEEDED"]
        self.job_error = None
        self.operation_looks = 1
        self.operations, self.sessions, self.seen = {}, {}, {}
        self.faults = []
        self.log_pages = 1000
        self.lock = threading.RLock()
        self.ids = itertools.count(4567890123456789012)
        self.server = wire.Server(self, "vertex")

    # ---- what tests say ----

    @property
    def url(self):
        return self.server.url

    @property
    def requests(self):
        return self.server.requests

    def stop(self):
        self.server.stop()

    def fail(self, method=None, path=None, times=1, answer=None, **plan):
        """The next `times` requests of that method whose path matches get `answer`, or wire's faults."""
        reading = {k: plan.pop(k) for k in ("before", "inside", "read", "early") if k in plan}
        self.faults.append([times, method, re.compile(path or ""), answer, {**reading, "faults": plan}])

    def add(self, collection, id, resource, project="my-project", region="us-central1"):
        name = f"projects/{project}/locations/{region}/{collection}/{id}"
        self.resources[name] = {"name": name.replace(project, PROJECT_NUMBER, 1), "createTime": now(-60), **resource}
        return name

    def environment(self, token_file):
        """What points autopack, gcloud and the SDKs here."""
        return {
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM": self.url + "/",
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING": self.url + "/",
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": self.url + "/",
            "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token_file),
            "CLOUDSDK_CORE_PROJECT": "my-project",
        }

    # ---- what wire asks ----

    def plan(self, req):
        with self.lock:
            for fault in self.faults:
                times, method, path, answer, plan = fault
                if times and (method in (None, req.method)) and path.search(req.target):
                    fault[0] -= 1
                    return {**plan, **({"answer": lambda r, a=answer: a} if answer else {})}
        return {}

    def __call__(self, req):
        with self.lock:
            a = self.route(req)
        a.headers.setdefault("Date", datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT"))
        return a

    def route(self, req):
        if req.path.startswith("/upload-session/"):
            return self.session(req)
        scheme, _, token = req.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.tokens:
            return error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if req.path == "/v2/entries:list":
            return self.entries(json.loads(req.body))
        if req.path.startswith(("/storage/v1/", "/upload/storage/v1/")):
            return self.storage(req)
        m = re.fullmatch(r"/(v1|v1beta1)/(projects/[^/]+/locations/[^/]+)/(.+)", req.path)
        if not m:
            return not_found(f"URL {req.path}")
        version, parent, rest = m.groups()
        if "operations/" in rest:
            return self.operation(f"{parent}/{rest}")
        parts = rest.split("/")
        if parts[0] not in MESSAGES or len(parts) > 2:
            return not_found(f"URL {req.path}")
        if len(parts) == 1:
            if req.method == "POST":
                return self.create(req, version, parent, parts[0])
            return self.list(req, parent, parts[0])
        id, _, verb = parts[1].partition(":")
        return self.one(req, version, f"{parent}/{parts[0]}/{id}", parts[0], verb)

    # ---- Vertex AI ----

    def create(self, req, version, parent, collection):
        message = MESSAGES[collection]
        try:
            body = json.loads(req.body)
        except ValueError:
            return error(400, "INVALID_ARGUMENT", "Invalid JSON payload received.")
        wrong = self.check(version, message, body) if self.check else None
        if wrong:
            return error(400, "INVALID_ARGUMENT", f"Invalid JSON payload received. {wrong}")
        self.sent.append(Sent(version, message, req.path, req.query, body))
        given = req.query.get("persistentResourceId") or req.query.get("pipelineJobId")
        id = given or str(next(self.ids))
        name = f"{parent}/{collection}/{id}"
        if name in self.resources:
            return error(409, "ALREADY_EXISTS", f"{message} already exists.")
        prefix = PREFIX.get(collection, "JOB_STATE_")
        self.resources[name] = {
            **body,
            "name": re.sub(r"^projects/[^/]+", f"projects/{PROJECT_NUMBER}", name),
            "createTime": now(),
            "updateTime": now(),
            "state": "PROVISIONING" if collection == "persistentResources" else prefix + self.states[0],
        }
        if collection != "persistentResources":
            return Answer.json(200, self.resources[name])
        return self.start_operation(parent, {"state": "RUNNING"}, name)

    def start_operation(self, parent, change, name):
        op = f"projects/{PROJECT_NUMBER}/{parent.split('/', 2)[2]}/operations/{next(self.ids)}"
        self.operations[op] = [0, name, change]
        return Answer.json(200, {"name": op, "metadata": progress("accepted")})

    def operation(self, path):
        id = path.rsplit("/", 1)[1]
        for name, op in self.operations.items():
            if name.endswith(f"/{id}"):
                break
        else:
            return not_found("Operation")
        op[0] += 1
        if op[0] < self.operation_looks:
            return Answer.json(200, {"name": name, "metadata": progress(f"step {op[0]}")})
        resource = self.resources.get(op[1], {})
        if op[2] is None:
            self.resources.pop(op[1], None)
            empty = {"@type": "type.googleapis.com/google.protobuf.Empty", "value": {}}
            return Answer.json(200, {"name": name, "done": True, "response": empty})
        if "error" in op[2]:
            return Answer.json(200, {"name": name, "done": True, "error": op[2]["error"]})
        resource.update(op[2])
        typed = {"@type": "type.googleapis.com/google.cloud.aiplatform.v1.PersistentResource", **resource}
        return Answer.json(200, {"name": name, "done": True, "response": typed})

    def list(self, req, parent, collection):
        found = [r for n, r in self.resources.items() if n.startswith(f"{parent}/{collection}/")]
        for field, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', req.query.get("filter", "")):
            value = re.sub(r"\\(.)", r"\1", value)
            camel = re.sub(r"_(.)", lambda m: m[1].upper(), field)
            found = [r for r in found if r.get(camel) == value]
        found.sort(key=lambda r: r["createTime"], reverse=True)
        size = int(req.query.get("pageSize", 50))
        at = int(req.query.get("pageToken", 0))
        page = {collection: found[at : at + size]} if found else {}
        if at + size < len(found):
            page["nextPageToken"] = str(at + size)
        return Answer.json(200, page)

    def one(self, req, version, name, collection, verb):
        resource = self.resources.get(name)
        if resource is None:
            for n in self.resources:
                if n.split("/", 2)[2] == name.split("/", 2)[2]:
                    name, resource = n, self.resources[n]
        if resource is None:
            return not_found(f"The {MESSAGES[collection]}")
        prefix = PREFIX.get(collection, "JOB_STATE_")
        parent = "/".join(name.split("/")[:4])
        if req.method == "GET" and not verb:
            if collection != "persistentResources" and not resource.get("endTime"):
                self.advance(name, resource, prefix)
            return Answer.json(200, resource)
        if req.method == "POST" and verb == "cancel":
            resource["state"], resource["endTime"] = prefix + "CANCELLED", now()
            return Answer.json(200, {})
        if collection == "persistentResources" and req.method == "POST" and verb == "reboot":
            return self.start_operation(parent, {"state": "RUNNING"}, name)
        if collection == "persistentResources" and req.method == "DELETE":
            return self.start_operation(parent, None, name)
        return error(404, "NOT_FOUND", f"{req.method} of {name}:{verb}")

    def advance(self, name, resource, prefix):
        looks = self.seen[name] = self.seen.get(name, -1) + 1
        resource["state"] = prefix + self.states[min(looks, len(self.states) - 1)]
        if resource["state"].endswith(("SUCCEEDED", "FAILED", "CANCELLED")):
            resource["endTime"] = now()
            if self.job_error:
                resource["error"] = self.job_error

    # ---- Cloud Logging ----

    def entries(self, query):
        job = re.search(r'resource\.labels\.job_id="([^"]+)"', query["filter"])
        since = re.search(r'timestamp>="([^"]+)"', query["filter"])
        found = [e for e in self.logs.get(job[1] if job else "", []) if not since or e["timestamp"] >= since[1]]
        found.sort(key=lambda e: e["timestamp"])
        size, at = min(query.get("pageSize", 50), self.log_pages), int(query.get("pageToken") or 0)
        page = {"entries": found[at : at + size]}
        if at + size < len(found):
            page["nextPageToken"] = str(at + size)
        return Answer.json(200, page)

    def log(self, job, text, severity="INFO", task="workerpool0-0", offset=0, **entry):
        entries = self.logs.setdefault(job, [])
        entries.append({
            "insertId": f"{job}-{len(entries)}",
            "timestamp": now(offset),
            "severity": severity,
            "resource": {"type": "ml_job", "labels": {"job_id": job, "task_name": task}},
            **({"textPayload": text} if text is not None else {}),
            **entry,
        })

    # ---- Cloud Storage ----

    def storage(self, req):
        m = re.fullmatch(r"/(?:upload/)?storage/v1/b/([^/]+)/o(?:/(.*))?", req.target.partition("?")[0])
        bucket, object = m[1], urllib.parse.unquote(m[2] or "")
        if req.path.startswith("/upload/"):
            id = str(next(self.ids))
            self.sessions[id] = [f"{bucket}/{req.query['name']}", b"", int(req.headers["x-upload-content-length"])]
            return Answer(200, {"Location": f"{self.url}/upload-session/{id}"})
        data = self.objects.get(f"{bucket}/{object}")
        if data is None:
            return not_found(f"Object {object}")
        if req.query.get("alt") == "media":
            return Answer(200, {"Content-Type": "application/octet-stream"}, data)
        return Answer.json(200, {"size": str(len(data))})

    def session(self, req):
        s = self.sessions.get(req.path.rsplit("/", 1)[1])
        if s is None:
            return not_found("Upload session")
        m = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)", req.headers.get("content-range", ""))
        if m and m[1] is not None:
            assert int(m[1]) == len(s[1]), "a hole in the upload"
            s[1] += req.body
        if len(s[1]) < s[2]:
            return Answer(308, {"Range": f"bytes=0-{len(s[1]) - 1}"} if s[1] else {})
        self.objects[s[0]] = s[1]
        return Answer.json(200, {"name": s[0]})


if __name__ == "__main__":
    v = Vertex(tokens=sys.argv[1:] or ("fake-access-token",))
    print(v.url, flush=True)
    threading.Event().wait()
