"""Measures autopack beside other tools, alternating, in one run.

bench.py [--only dry,W1,W2,W5a,W5b,W3,inventory,copy] [--rounds N] [--peers crane,buildah] [--out DIR]

Every image is read back and checked before its time counts.  Writes
OUT/results.jsonl (one record a run) and OUT/results.md (medians and ratios).
A loopback docker-registry holds base and results.
"""

import argparse
import concurrent.futures
import hashlib
import io
import json
import multiprocessing
import os
import pathlib
import platform
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tarfile
import time
import urllib.request

import peers

TOP = pathlib.Path(__file__).resolve().parents[2]
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
W2 = ["transformers", "matplotlib", "google-cloud-storage", "pyarrow", "fastapi", "lightgbm"]
W3 = ["tensorflow-cpu", "xgboost"]
GCLOUD_DRY_RUN = 0.700  # seconds, DESIGN section 2; gcloud cannot be had here


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def apart(fn, *args):
    """Call in a process of its own: the peak memory of ours would count as that of every tool we start."""
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(fn, *args).result()


def remove(where):
    """A directory that peers kept their state in: their mounts go first."""
    with open("/proc/self/mounts") as f:
        mounts = [line.split()[1] for line in f]
    for m in reversed(mounts):
        if m.startswith(f"{where}/"):
            subprocess.run(["umount", "-l", m], check=False)
    shutil.rmtree(where, ignore_errors=True)


class Registry:
    """docker-registry on a directory; counts requests by its access log."""

    def __init__(self, where):
        self.where = where
        where.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        config = where / "config.yml"
        config.write_text(
            "version: 0.1\nlog: {level: error, accesslog: {disabled: false}}\n"
            f"storage: {{filesystem: {{rootdirectory: {where}/data}}, delete: {{enabled: true}}}}\n"
            f"http: {{addr: '{self.host}'}}\n"
        )
        self.log = open(where / "log", "ab+")
        self.process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=self.log, stderr=self.log)
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://{self.host}/v2/", timeout=1).read()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("bench: docker-registry does not start")

    def requests(self):
        self.log.seek(0)
        return sum(1 for line in self.log if b'"' in line and b" HTTP/1.1\" " in line)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def get(host, repo, what):
    req = urllib.request.Request(f"http://{host}/v2/{repo}/{what}")
    req.add_header("Accept", "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json")
    with urllib.request.urlopen(req) as r:
        return r.read()


def layers_of(host, repo, tag):
    return json.loads(get(host, repo, "manifests/" + tag))["layers"]


def check_image(host, repo, tag, source, n_base):
    """The image's new layers hold every file of the working directory, byte for byte, under /usr/app."""
    found = {}
    for layer in layers_of(host, repo, tag)[n_base:]:
        blob = get(host, repo, "blobs/" + layer["digest"])
        if hashlib.sha256(blob).hexdigest() != layer["digest"][7:]:
            raise RuntimeError(f"{repo}:{tag}: a layer does not match its digest")
        with tarfile.open(fileobj=io.BytesIO(blob)) as tar:
            for m in tar:
                if m.isfile() and m.name.lstrip("./").startswith("usr/app/"):
                    found[m.name.lstrip("./")[8:]] = hashlib.sha256(tar.extractfile(m).read()).digest()
    for path in sorted(source.rglob("*.*")):
        name = str(path.relative_to(source))
        if path.is_file() and path.name != "requirements.txt" and found.get(name) != hashlib.sha256(path.read_bytes()).digest():
            raise RuntimeError(f"{repo}:{tag}: {name} is missing or different")


def make_base(host, out, uv, science):
    """The executor image: Debian's python3, and for W2 numpy, pandas and scikit-learn as pip would have put them."""
    layout = out / ("base-science" if science else "base")
    tag = "latest"
    if not layout.exists():
        subprocess.run(["bash", str(TOP / "fixtures/executor/debian.sh"), str(layout)], check=True)
        extra = out / "extra"
        shutil.rmtree(extra, ignore_errors=True)
        site = extra / "usr/local/lib/python3.11/dist-packages"
        site.mkdir(parents=True)
        (extra / "usr/bin").mkdir(parents=True)
        os.symlink("python3", extra / "usr/bin/python")
        # pip inside the base, which the peers run, trusts what this machine trusts.
        certs = extra / "etc/ssl/certs"
        certs.mkdir(parents=True)
        shutil.copy("/etc/ssl/certs/ca-certificates.crt", certs)
        if science:
            subprocess.run([uv, "pip", "install", "-q", "--target", str(site), "--python-version", "3.11", "numpy", "pandas", "scikit-learn"], check=True)
        sys.path.insert(0, str(TOP / "fixtures/executor"))
        import layout as oci

        image = oci.Layout(layout)
        manifest = json.loads((layout / "blobs/sha256" / image.manifests[0]["digest"][7:]).read_text())
        config = json.loads((layout / "blobs/sha256" / manifest["config"]["digest"][7:]).read_text())
        tar = oci.tar_of_directory(str(extra))
        config["rootfs"]["diff_ids"].append("sha256:" + hashlib.sha256(tar).hexdigest())
        config["history"].append({"created_by": "science"})
        config["config"]["Env"] = [PATH, "PIP_BREAK_SYSTEM_PACKAGES=1"]
        manifest["layers"].append(image.blob(oci.pack(tar), "application/vnd.oci.image.layer.v1.tar+gzip"))
        manifest["config"] = image.json(config, manifest["config"]["mediaType"])
        image.tag(image.json(manifest, manifest["mediaType"]), tag)
        shutil.rmtree(extra)
    ref = f"{host}/{layout.name}:1"
    subprocess.run(["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:{tag}", "docker://" + ref], check=True)
    return ref


def add_image(layout, tars, compression):
    sys.path.insert(0, str(TOP / "fixtures/executor"))
    import layout as oci

    image = oci.Layout(layout)
    image.tag(image.image(tars, {"Env": [PATH]}, compression=compression), "latest")


def make_blob_image(layout):
    """Random bytes that begin as gzip does: nobody on the way to the registry compresses them."""
    sys.path.insert(0, str(TOP / "fixtures/executor"))
    import layout as oci

    image = oci.Layout(layout)
    layer = image.blob(b"\x1f\x8b\x08" + os.urandom(1 << 30), oci.OCI + "layer.v1.tar+gzip")
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}
    manifest = {
        "schemaVersion": 2, "mediaType": oci.OCI + "manifest.v1+json",
        "config": image.json(config, oci.OCI + "config.v1+json"), "layers": [layer],
    }
    image.tag(image.json(manifest, manifest["mediaType"]), "latest")


def make_big_base(layout, n_layers):
    """Layers of 1 GB as tar that compress about as installed packages do; the last holds a distribution."""
    tars = []
    for n in range(n_layers):
        rnd = random.Random(n)
        words = [bytes(rnd.choices(range(32, 127), k=rnd.randrange(2, 14))) for _ in range(5000)]
        text = b" ".join(rnd.choices(words, k=600000))
        noise = rnd.randbytes(1 << 20)
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            for i in range(20000):
                info = tarfile.TarInfo(f"opt/lib{n}/d{i % 200}/file{i}.py")
                size = rnd.randrange(1000, 80000)
                at = rnd.randrange(len(text) - size)
                body = text[at : at + size] + noise[: rnd.randrange(0, 20000)]
                info.size = len(body)
                tar.addfile(info, io.BytesIO(body))
            if n == n_layers - 1:
                files = {
                    "etc/os-release": b"ID=debian\n", "usr/bin/python3.11": b"", "usr/lib/python3.11/os.py": b"",
                    "usr/local/lib/python3.11/dist-packages/marker_dist-1.0.dist-info/METADATA":
                        b"Metadata-Version: 2.1\nName: marker-dist\nVersion: 1.0\n",
                    "usr/local/lib/python3.11/dist-packages/marker_dist-1.0.dist-info/RECORD": b"",
                }
                for name, body in files.items():
                    info = tarfile.TarInfo(name)
                    info.size, info.mode = len(body), 0o755
                    tar.addfile(info, io.BytesIO(body))
                for name in ("usr/bin/python3", "usr/bin/python"):
                    info = tarfile.TarInfo(name)
                    info.type, info.linkname = tarfile.SYMTYPE, "python3.11"
                    tar.addfile(info)
        tars.append(data.getvalue())
    add_image(layout, tars, "gzip")


def write_sources(source, kind):
    rnd = random.Random(kind)
    trainer = source / "trainer"
    trainer.mkdir(parents=True)
    for i in range(4):
        (trainer / f"part{i}.py").write_text("".join(f"x{k} = {rnd.random()}\n" for k in range(200)))
    (trainer / "task.py").write_text("print('round 0')\n")
    if kind == "W5a":
        for i in range(10000):
            d = trainer / f"d{i % 100:02d}"
            d.mkdir(exist_ok=True)
            (d / f"f{i}.txt").write_text("".join(rnd.choices("abcdefgh \n", k=rnd.randrange(50, 4000))))
    if kind == "W5b":
        with open(trainer / "weights.bin", "wb") as f:
            for _ in range(1024):
                f.write(rnd.randbytes(1 << 20))
    if kind == "W2":
        (source / "requirements.txt").write_text("\n".join(W2) + "\n")
    if kind == "W3":
        (source / "requirements.txt").write_text("\n".join(W3) + "\n")


class Bench:
    def __init__(self, args):
        self.args = args
        self.out = pathlib.Path(args.out).resolve()
        self.out.mkdir(parents=True, exist_ok=True)
        self.work = self.out / "work"
        remove(self.work)
        self.work.mkdir()
        self.results = self.out / "results.jsonl"
        self.results.write_text("")
        self.registry = Registry(self.work / "registry")
        uv_dir = TOP / "build/env/bin"
        self.uv = str(uv_dir / "uv")
        self.autopack = peers.Autopack(str(TOP / "build/release/autopack"), str(uv_dir))
        crane = shutil.which("crane") or os.environ.get("CRANE")
        self.peers = [
            self.autopack,
            peers.Crane(crane, self.uv),
            peers.Buildah(self.autopack.dockerfile),
            peers.Docker("gcloud", str(self.work / "docker"), self.autopack.dockerfile),
            peers.Docker("buildkit", str(self.work / "buildkit"), self.autopack.dockerfile),
        ]
        for p in self.peers:
            if p is not self.autopack and args.peers and not any(word in p.name for word in args.peers.split(",")):
                p.missing = f"{p.name}: left out by --peers={args.peers}"
            if not p.missing and hasattr(p, "start"):
                p.start()
        self.missing = [p.missing for p in self.peers if p.missing]
        self.peers = [p for p in self.peers if not p.missing]

    def close(self):
        for p in self.peers:
            if hasattr(p, "stop"):
                p.stop()
        self.registry.stop()
        remove(self.work)

    def record(self, work, step, peer, cost, n_requests):
        peers.dump(self.results, {
            "workload": work, "step": step, "peer": peer, "wall": round(cost.wall, 4), "cpu": round(cost.cpu, 4),
            "rss_kib": cost.rss, "loopback_bytes": cost.bytes, "requests": n_requests,
        })
        print(f"{work:4} {step:12} {peer:26} {cost.wall:8.3f} s  {cost.cpu:7.2f} cpu s  {cost.rss // 1024:5} MiB  {n_requests:4} requests", flush=True)

    def once(self, work, step, peer, job, source, n_base):
        repo, tag = job.dest.split("/", 1)[1].rsplit(":", 1)
        before = self.registry.requests()
        try:
            cost = peer.build(job, self.out / f"{work}-{peer.name.split()[0]}.log")
        except RuntimeError as e:
            self.failed.add(peer.name)
            print(f"{work} {step} {peer.name}: {e}", flush=True)
            self.missing.append(f"{work} {step}: {peer.name} failed")
            return
        n = self.registry.requests() - before
        apart(check_image, self.registry.host, repo, tag, source, n_base)
        self.record(work, step, peer.name, cost, n)

    def workload(self, work):
        rounds = self.args.rounds if work not in ("W3", "W5b") else 2
        base = apart(make_base, self.registry.host, self.out, self.uv, work == "W2")
        n_base = len(layers_of(self.registry.host, base.split("/", 1)[1].rsplit(":", 1)[0], "1"))
        source = self.work / work / "app"
        write_sources(source, work)
        time.sleep(0.2)  # files younger than the file system's clock ticks are read again each time
        script = source / "trainer/task.py"
        self.failed = set()
        jobs = {}
        for p in self.peers:
            key = p.name.split()[0].replace("+", "-").lower()
            state = self.work / work / key
            state.mkdir(parents=True)
            jobs[p.name] = peers.Job(base, str(source), "trainer/task.py", f"{self.registry.host}/{work.lower()}-{key}:1", str(state), "3.11")
        for p in self.peers:
            self.once(work, "first", p, jobs[p.name], source, n_base)
        for r in range(1, rounds + 1):
            for p in self.peers if r % 2 else reversed(self.peers):
                if p.name in self.failed:
                    continue
                script.write_text(f"print('round {r} of {p.name}')\n")
                self.once(work, "edit", p, jobs[p.name], source, n_base)
        if work == "W2":
            self.added(source, jobs, n_base)
            self.second_machine(source, jobs, n_base)
        remove(self.work / work)

    def added(self, source, jobs, n_base):
        """One more requirement, the rest cached."""
        (source / "requirements.txt").write_text("\n".join(W2 + ["httpx"]) + "\n")
        for p in self.peers:
            if p.name not in self.failed:
                self.once("W2", "requirement", p, jobs[p.name], source, n_base)

    def second_machine(self, source, jobs, n_base):
        """Another machine, the same registry, the lock given: only autopack has a lock to give."""
        lock = self.work / "W2" / "pylock.toml"
        job = jobs[self.autopack.name]
        argv = self.autopack.argv
        self.autopack.argv = lambda j: argv(j) + ["--lock-out=" + str(lock)]
        (source / "trainer/task.py").write_text("print('lock')\n")
        self.autopack.build(job, self.out / "W2-lock.log")
        fresh = peers.Job(job.base, job.source, job.script, job.dest, str(self.work / "W2/second"), job.python)
        self.autopack.argv = lambda j: argv(j) + ["--lock=" + str(lock)]
        (source / "trainer/task.py").write_text("print('second machine')\n")
        self.once("W2", "second", self.autopack, fresh, source, n_base)
        self.autopack.argv = argv

    def inventory(self):
        """Reading what a base of 3 GB holds, beside two ways to list the same tars."""
        layout = self.work / "big"
        apart(make_big_base, str(layout), 3)
        manifest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"][7:]
        layers = [
            str(layout / "blobs/sha256" / d["digest"][7:])
            for d in json.loads((layout / "blobs/sha256" / manifest).read_text())["layers"]
        ]
        pipe = 'for l in "$@"; do %s "$l" | tar tf - >/dev/null || exit 1; done'
        ways = {
            "gzip -dc, tar t": ["bash", "-o", "pipefail", "-c", pipe % "gzip -dc", "sh", *layers],
            "igzip -dc, tar t": ["bash", "-o", "pipefail", "-c", pipe % "igzip -dc", "sh", *layers],
        }
        if not shutil.which("igzip"):
            self.missing.append("igzip: apt-get install isal")
            del ways["igzip -dc, tar t"]
        for r in range(3):
            found = self.work / f"inventory-{r}.json"
            env = {"PATH": os.environ["PATH"], "HOME": str(self.work / f"inventory-home-{r}")}
            argv = [self.autopack.binary, "inspect", f"oci:{layout}:latest", f"--inventory-out={found}"]
            cost = peers.run(argv, env=env, log=self.out / "inventory.log")
            if "marker-dist" not in found.read_text():
                raise RuntimeError("inventory: the distribution in the last layer was not found")
            self.record("inventory", "3 GB", "autopack", cost, 0)
            for name, argv in ways.items():
                self.record("inventory", "3 GB", name, peers.run(argv), 0)
        remove(layout)

    def copy(self):
        """One layer of 1 GiB that does not compress, from a layout to the registry; a new one each round, for skopeo remembers."""
        layout = self.work / "gib"
        env = {"PATH": os.environ["PATH"], "HOME": str(self.work / "copy-home")}

        def curl(host, repo):
            start = urllib.request.Request(f"http://{host}/v2/{repo}/blobs/uploads/", method="POST")
            with urllib.request.urlopen(start) as r:
                location = r.headers["Location"]
            to = f"{location}{'&' if '?' in location else '?'}digest={digest}"
            return ["curl", "-sS", "-f", "-o", "/dev/null", "-T", str(blob), "-H", "Content-Type: application/octet-stream", to]

        ways = {
            "autopack": lambda h, r: [self.autopack.binary, "copy", f"oci:{layout}:latest", f"docker://{h}/{r}:1"],
            "skopeo": lambda h, r: ["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:latest", f"docker://{h}/{r}:1"],
            "curl -T": curl,
        }
        for p in self.peers:
            if isinstance(p, peers.Crane):
                ways["crane"] = lambda h, r: [p.binary, "push", "--insecure", str(layout), f"{h}/{r}:1"]
        for n in range(3):
            apart(make_blob_image, str(layout))
            blob = max((layout / "blobs/sha256").iterdir(), key=lambda p: p.stat().st_size)
            digest = "sha256:" + blob.name
            for name, way in ways.items() if n % 2 else reversed(ways.items()):
                repo = f"gib-{n}-{name.split()[0]}"
                before = self.registry.requests()
                cost = peers.run(way(self.registry.host, repo), env=env, log=self.out / "copy.log")
                head = urllib.request.Request(f"http://{self.registry.host}/v2/{repo}/blobs/{digest}", method="HEAD")
                with urllib.request.urlopen(head) as r:
                    if int(r.headers["Content-Length"]) != blob.stat().st_size:
                        raise RuntimeError(f"copy: {name} left a blob of another size")
                self.record("copy", "1 GiB", name, cost, self.registry.requests() - before)
            remove(layout)

    def dry(self):
        """custom-jobs create --dry-run of code only, with no network used."""
        source = self.work / "dry/app"
        write_sources(source, "W1")
        argv = [
            self.autopack.binary, "custom-jobs", "create", "--region=us-central1", "--project=p", "--display-name=j", "--dry-run",
            "--worker-pool-spec=machine-type=n1-standard-4,executor-image-uri=gcr.io/p/base:1,local-package-path="
            + str(source) + ",script=trainer/task.py",
        ]
        env = {"PATH": os.environ["PATH"], "HOME": str(self.work / "dry")}
        for _ in range(max(self.args.rounds, 15)):
            self.record("dry", "create", "autopack", peers.run(argv, env=env), 0)

    def instructions(self):
        """Instruction counts of the paths that are always run, which no other load on the machine changes: {name: count}."""
        if not shutil.which("valgrind"):
            self.missing.append("instruction counts: apt-get install valgrind")
            return {}
        base = f"oci:{self.out}/base:latest"
        apart(make_base, self.registry.host, self.out, self.uv, False)
        counts = {}
        for kind in ("W1", "W5a"):
            source = self.work / "callgrind" / kind
            write_sources(source, kind)
            build = [
                "build", "--executor-image-uri=" + base, f"--local-package-path={source}", "--script=trainer/task.py",
                f"--image=oci:{self.work}/callgrind/out:1", "--quiet",
            ]
            env = {"PATH": os.environ["PATH"], "HOME": str(self.work / "callgrind")}
            subprocess.run([self.autopack.binary, *build], env=env, check=True, stdout=subprocess.DEVNULL)
            (source / "trainer/task.py").write_text("print('edited')\n")
            counts[f"edit of {kind} into a layout"] = self.count(build, env)
            if kind == "W1":
                counts["dry run of a build"] = self.count([*build, "--dry-run"], env)
        counts["--version"] = self.count(["--version"], env)
        return counts

    def count(self, argv, env):
        tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.work}/callgrind.out"]
        r = subprocess.run([*tool, self.autopack.binary, *argv], env=env, capture_output=True, text=True)
        return next(int(line.rsplit(":", 1)[1]) for line in r.stderr.splitlines() if "Collected" in line)

    def table(self, instructions):
        rows = [json.loads(line) for line in self.results.read_text().splitlines()]
        groups = {}
        for r in rows:
            groups.setdefault((r["workload"], r["step"]), {}).setdefault(r["peer"], []).append(r)
        cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
        lines = [
            f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {cpu}, {platform.system()}; medians, loopback registry.", "",
            "| workload | step | tool | seconds | against autopack | CPU s | peak MiB | MB over loopback | requests | runs |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        for (work, step), by_peer in groups.items():
            ours = statistics.median(r["wall"] for r in by_peer["autopack"]) if "autopack" in by_peer else None
            for peer, runs in by_peer.items():
                med = {k: statistics.median(r[k] for r in runs) for k in ("wall", "cpu", "rss_kib", "loopback_bytes", "requests")}
                ratio = f"{med['wall'] / ours:.1f} x" if ours else "-"
                lines.append(
                    f"| {work} | {step} | {peer} | {med['wall']:.3f} | {ratio} | {med['cpu']:.2f} | {med['rss_kib'] / 1024:.0f} | "
                    f"{med['loopback_bytes'] / 1e6:.1f} | {med['requests']:.0f} | {len(runs)} |")
            if work == "dry" and ours:
                lines.append(f"| dry | create | gcloud, as recorded in 2026 | {GCLOUD_DRY_RUN:.3f} | {GCLOUD_DRY_RUN / ours:.1f} x | | | | | |")
        if instructions:
            lines += ["", "| path | instructions (callgrind) |", "|---|---|"]
            lines += [f"| {name} | {n / 1e6:.1f} million |" for name, n in instructions.items()]
        lines += [""] + [f"Not measured: {m}." for m in self.missing]
        (self.out / "results.md").write_text("\n".join(lines) + "\n")
        print("\n".join(lines))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--only", default="dry,W1,W2,W5a,W5b,W3,inventory,copy")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--peers", help="only these, by parts of their names: crane,buildah")
    p.add_argument("--out", default=str(TOP / "build/bench"))
    args = p.parse_args()
    bench = Bench(args)
    try:
        for work in args.only.split(","):
            getattr(bench, work)() if work in ("dry", "inventory", "copy") else bench.workload(work)
        bench.table(bench.instructions())
    finally:
        bench.close()


if __name__ == "__main__":
    main()
