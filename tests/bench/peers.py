"""The tools that autopack is measured against: one class each, the same three calls.

A peer that cannot be had on this machine says why in `missing`; it is then
named in the results, never left out in silence.
"""

import json
import os
import shutil
import signal
import subprocess
import time

DOCKER = "/usr/bin/docker"


class Cost:
    """What one run took: seconds, CPU seconds, peak KiB, bytes over loopback."""

    def __init__(self):
        self.wall = self.cpu = 0.0
        self.rss = self.bytes = 0

    def add(self, other):
        self.wall += other.wall
        self.cpu += other.cpu
        self.rss = max(self.rss, other.rss)
        self.bytes += other.bytes
        return self


def loopback_bytes():
    with open("/sys/class/net/lo/statistics/rx_bytes") as f:
        return int(f.read())


def run(argv, cwd=None, env=None, stdin=None, log=None):
    """Run to the end; its Cost.  A failure raises with the end of its output."""
    c = Cost()
    before = loopback_bytes()
    begin = time.monotonic()
    with open(log or os.devnull, "ab+") as out:
        at = out.tell()
        p = subprocess.Popen(argv, cwd=cwd, env=env, stdout=out, stderr=out, stdin=subprocess.PIPE if stdin else subprocess.DEVNULL)
        if stdin:
            p.stdin.write(stdin)
            p.stdin.close()
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        c.wall = time.monotonic() - begin
        if p.returncode:
            out.seek(at)
            raise RuntimeError("%s: exit %d\n%s" % (" ".join(argv[:3]), p.returncode, out.read().decode(errors="replace")[-2000:]))
    c.cpu = usage.ru_utime + usage.ru_stime
    c.rss = usage.ru_maxrss
    c.bytes = loopback_bytes() - before
    return c


class Job:
    """One workload as a peer sees it."""

    def __init__(self, base, source, script, dest, state, python):
        self.base = base  # reference of the executor image
        self.source = source  # working directory
        self.script = script
        self.dest = dest  # repository:tag to push
        self.state = state  # where this peer keeps caches
        self.python = python  # "3.11": the base's

    @property
    def requirements(self):
        path = os.path.join(self.source, "requirements.txt")
        return path if os.path.exists(path) else None


class Autopack:
    name = "autopack"
    missing = None

    def __init__(self, binary, uv_dir):
        self.binary = binary
        self.uv_dir = uv_dir
        self.last = {}

    def env(self, job):
        e = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "UV_", "SSL_", "LANG"))}
        e["PATH"] = self.uv_dir + ":" + os.environ["PATH"]
        e["HOME"] = os.path.join(job.state, "home")
        os.makedirs(e["HOME"], exist_ok=True)
        return e

    def argv(self, job):
        return [
            self.binary, "build", "--executor-image-uri=" + job.base, "--local-package-path=" + job.source,
            "--script=" + job.script, "--output-image-uri=" + job.dest,
        ]

    def build(self, job, log):
        return run(self.argv(job), env=self.env(job), log=log)

    def dockerfile(self, job):
        return subprocess.run(
            self.argv(job) + ["--dry-run", "--dockerfile=-"], env=self.env(job), check=True, stdout=subprocess.PIPE
        ).stdout


class Crane:
    """crane append and mutate over a tar; dependencies by uv pip install --target."""

    name = "uv+crane"

    def __init__(self, binary, uv):
        self.binary, self.uv = binary, uv
        self.missing = None if binary else "crane: no binary (go install github.com/google/go-containerregistry/cmd/crane)"

    def build(self, job, log):
        work = os.path.join(job.state, "work")
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(os.path.join(work, "usr/app"))
        cost = Cost()
        layers = []
        if job.requirements:
            cost.add(run(
                [self.uv, "pip", "install", "-q", "--target", os.path.join(work, "deps/usr/local/lib/site"),
                 "--python-version", job.python, "--python-platform", "x86_64-manylinux_2_28", "--only-binary", ":all:",
                 "--cache-dir", os.path.join(job.state, "uv"), "--link-mode", "hardlink", "-r", job.requirements], log=log))
            cost.add(run(["tar", "-C", os.path.join(work, "deps"), "-cf", os.path.join(work, "deps.tar"), "usr"], log=log))
            layers.append(os.path.join(work, "deps.tar"))
        cost.add(run(["tar", "-C", os.path.dirname(job.source), "--transform", "s,^[^/]*,usr/app,", "-cf",
                      os.path.join(work, "code.tar"), os.path.basename(job.source)], log=log))
        layers.append(os.path.join(work, "code.tar"))
        append = [self.binary, "append", "--insecure", "-b", job.base, "-t", job.dest]
        for tar in layers:
            append += ["-f", tar]
        cost.add(run(append, log=log))
        cost.add(run([self.binary, "mutate", "--insecure", "--entrypoint", "python3," + job.script, "--workdir", "/usr/app",
                      "-t", job.dest, job.dest], log=log))
        return cost


class Buildah:
    name = "buildah"

    def __init__(self, dockerfile):
        self.dockerfile = dockerfile
        self.missing = None if shutil.which("buildah") else "buildah: apt-get install buildah"

    def build(self, job, log):
        env = dict(os.environ, HOME=job.state)
        store = ["--root", os.path.join(job.state, "store"), "--runroot", os.path.join(job.state, "run"), "--storage-driver", "overlay"]
        cost = run(["buildah", *store, "bud", "--isolation", "chroot", "--layers", "--tls-verify=false", "-q",
                    "-t", job.dest, "-f", "-", job.source], env=env, stdin=self.dockerfile(job), log=log)
        return cost.add(run(["buildah", *store, "push", "-q", "--tls-verify=false", job.dest], env=env, log=log))


class Docker:
    """A dockerd started by hand; mode `gcloud` is what gcloud runs, `buildkit` a warm builder with its cache."""

    def __init__(self, mode, state, dockerfile):
        self.name = "docker --no-cache (gcloud)" if mode == "gcloud" else "BuildKit"
        self.mode, self.state, self.dockerfile = mode, state, dockerfile
        self.missing = None if os.path.exists("/usr/sbin/dockerd") else "dockerd: apt-get install docker.io"
        self.daemon = None

    def start(self):
        os.makedirs(self.state, exist_ok=True)
        self.socket = os.path.join(self.state, "s")
        log = open(os.path.join(self.state, "log"), "ab")
        self.daemon = subprocess.Popen(
            ["dockerd", "--iptables=false", "--bridge=none", "-H", "unix://" + self.socket, "--data-root", self.state + "/data",
             "--exec-root", self.state + "/exec", "--pidfile", self.state + "/pid"], stdout=log, stderr=log)
        for _ in range(150):
            if subprocess.run([DOCKER, "-H", "unix://" + self.socket, "version"], capture_output=True).returncode == 0:
                return
            if self.daemon.poll() is not None:
                break
            time.sleep(0.2)
        self.stop()
        self.missing = "dockerd does not start here"

    def stop(self):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            self.daemon.wait(30)
        self.daemon = None

    def build(self, job, log):
        docker = [DOCKER, "-H", "unix://" + self.socket]
        gcloud = self.mode == "gcloud"
        env = dict(os.environ, HOME=self.state, DOCKER_BUILDKIT="0" if gcloud else "1")
        argv = docker + ["build", "--network=host", "-q", "-t", job.dest, "-f-", job.source]
        if gcloud:
            argv.insert(len(docker) + 1, "--no-cache")
        before = self.cpu()
        cost = run(argv, env=env, stdin=self.dockerfile(job), log=log)
        cost.add(run(docker + ["push", "-q", job.dest], env=env, log=log))
        cost.cpu += self.cpu() - before
        return cost

    def cpu(self):
        """CPU seconds of the daemon and the children it has waited for."""
        with open("/proc/%d/stat" % self.daemon.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return sum(int(x) for x in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def version(argv):
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=20).stdout.strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "unknown"



def dump(path, record):
    with open(path, "a") as f:
        f.write(json.dumps(record, sort_keys=True) + "\n")
