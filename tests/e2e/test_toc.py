"""Layers with a table of contents (eStargz, zstd:chunked): the inventory is that of a whole reading, for a fraction of the bytes."""

import gzip
import hashlib
import http.server
import io
import json
import random
import re
import tarfile
import threading

import pytest

import support
from support import oci

SITE = "usr/local/lib/python3.11/dist-packages"
INFO = f"{SITE}/marker_dist-1.0.dist-info"
# Longer than a chunk, and its version stands in the second one.
PYTHON = random.Random(1).randbytes(300_000) + b"\0" + b"3.11.7\0" + random.Random(2).randbytes(1000)
LOWER = {
    "usr": oci.Dir(0o755),
    "usr/bin": oci.Dir(0o755),
    "usr/bin/python3.11": (0o755, PYTHON),
    "usr/bin/python3": oci.Link("python3.11"),
    "usr/bin/python3-again": oci.HardLink("usr/bin/python3.11"),
    "usr/lib/python3.11/os.py": "",
    "usr/lib/python3/dist-packages": oci.Dir(0o755),
    "usr/lib/python3/dist-packages/gone-1.dist-info/METADATA": "Name: gone\nVersion: 1\n",
    "opt/noise": random.Random(3).randbytes(3_000_000),
    "etc/os-release": "ID=debian\n",
    "opt/pinned": "numpy==1.26.4\n",
}
UPPER = {
    "usr/lib/python3/dist-packages/.wh.gone-1.dist-info": "",
    f"{INFO}/METADATA": "Name: marker-dist\nVersion: 1.0\nRequires-Dist: other>=2\n",
    f"{INFO}/RECORD": "marker_dist/__init__.py,,\nmarker_dist-1.0.dist-info/RECORD,,\n",
    "srv/noise": random.Random(4).randbytes(2_000_000),
    "etc/pip.conf": "[global]\nconstraint = /opt/pinned\n",
    "usr/local/ärger.txt": "x",
}


def _member(data):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0, filename="") as z:
        z.write(data)
    return out.getvalue()


def stargz(tar, chunk=200_000, inner=False, bend=lambda entries: None):
    """(blob, digest of its table): every file's bytes begin a gzip member, the table is the last but one.

    inner: a member holds the header too, so that the bytes begin inside it.
    """
    blob, entries, header = bytearray(), [], bytearray()
    kinds = {tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "hardlink", tarfile.REGTYPE: "reg"}
    with tarfile.open(fileobj=io.BytesIO(tar)) as t:
        for m in t:
            head = tar[m.offset : m.offset_data]
            e = {"name": m.name + ("/" if m.isdir() else ""), "type": kinds[m.type], "mode": m.mode, "modtime": "2001-09-09T01:46:40Z"}
            if m.linkname:
                e["linkName"] = m.linkname
            entries.append(e)
            header += head
            if m.type != tarfile.REGTYPE or not m.size:
                continue
            data = tar[m.offset_data : m.offset_data + m.size]
            before = header if inner else b""
            if not inner:
                blob += _member(bytes(header))
            for at in range(0, m.size, chunk):
                part = data[at : at + chunk]
                c = e if not at else {"name": m.name, "type": "chunk", "chunkOffset": at}
                c |= {"offset": len(blob), "chunkSize": len(part), "chunkDigest": "sha256:" + hashlib.sha256(part).hexdigest()}
                if not at:
                    c |= {"size": m.size, "digest": "sha256:" + hashlib.sha256(data).hexdigest()}
                    if inner:
                        c["innerOffset"] = len(before)
                else:
                    entries.append(c)
                blob += _member(bytes(before) + part)
                before = b""
            header = bytearray(b"\0" * (-m.size % 512))
    blob += _member(bytes(header) + b"\0" * 1024)
    bend(entries)
    table = json.dumps({"version": 1, "entries": entries}).encode()
    at, out = len(blob), io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        info = tarfile.TarInfo("stargz.index.json")
        info.size = len(table)
        t.addfile(info, io.BytesIO(table))
    blob += _member(out.getvalue())
    blob += b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0SG\x16\0" + b"%016xSTARGZ" % at + b"\x01\0\0\xff\xff" + b"\0" * 8
    return bytes(blob), "sha256:" + hashlib.sha256(table).hexdigest()


def image(path, pack):
    """A layout whose two layers are what pack(tar) gives: (blob, annotations)."""
    layout = oci.Layout(path)
    tars = [oci.tar_of_members(m) for m in (LOWER, UPPER)]
    desc = layout.image(tars, {"Env": ["PATH=/usr/bin"]})
    blobs = path / "blobs/sha256"

    def put(data):
        name = hashlib.sha256(data).hexdigest()
        (blobs / name).write_bytes(data)
        return {"digest": f"sha256:{name}", "size": len(data)}

    manifest = json.loads((blobs / desc["digest"][7:]).read_text())
    config = json.loads((blobs / manifest["config"]["digest"][7:]).read_text())
    for i, tar in enumerate(tars):
        blob, notes = pack(tar)
        manifest["layers"][i] |= put(blob) | {"annotations": notes}
        # The table is a part of the tar for whoever reads it whole.
        config["rootfs"]["diff_ids"][i] = "sha256:" + hashlib.sha256(gzip.decompress(blob)).hexdigest()
    manifest["config"] |= put(json.dumps(config).encode())
    layout.tag({**desc, **put(json.dumps(manifest).encode())}, "latest")
    return path


def pack_stargz(**how):
    def pack(tar):
        blob, digest = stargz(tar, **how)
        return blob, {"containerd.io/snapshot/stargz/toc.digest": digest}

    return pack


@pytest.fixture
def inventory(tmp_path):
    """inventory(reference) -> (what it holds, stderr), from an empty cache."""

    def go(reference, **kw):
        out = tmp_path / "inventory.json"
        out.unlink(missing_ok=True)
        fresh = support.Autopack(tmp_path / f"home{random.random()}")
        r = fresh("inspect", reference, f"--inventory-out={out}", "--verbosity=debug", **kw)
        return json.loads(out.read_text()) if out.exists() else None, r.stderr

    return go


@pytest.fixture
def whole(inventory, tmp_path):
    """The inventory that reading every byte gives."""
    found, stderr = inventory(f"oci:{image(tmp_path / 'plain', lambda tar: (_member(tar), {}))}:latest")
    assert "table of contents" not in stderr
    assert found["pythonVersion"] == "3.11.7" and [d["name"] for d in found["distributions"]] == ["marker-dist"]
    assert found["pip"]["constraints"] == ["/opt/pinned:1", "numpy==1.26.4"] and "for pip's configuration" not in stderr
    assert found["distributions"][0]["requires"] == ["other>=2"] and len(found["distributions"][0]["files"]) == 2
    return found


@pytest.mark.parametrize("inner", [False, True], ids=["a-member-per-file", "bytes-inside-a-member"])
def test_estargz_gives_what_a_whole_reading_gives(inventory, whole, tmp_path, inner):
    layout = image(tmp_path / "stargz", pack_stargz(inner=inner))
    # It is a layer as any other: another reader unpacks it.
    assert (support.umoci_unpack(f"oci:{layout}:latest", tmp_path / "root") / "usr/bin/python3.11").read_bytes() == PYTHON
    found, stderr = inventory(f"oci:{layout}:latest")
    assert found == whole
    # The table does not tell that /opt/pinned is a list of requirements: that file is asked for once it is known.
    assert stderr.count("its table of contents is read instead") == 3 and stderr.count("layer 1, for pip's configuration") == 1


def test_zstd_chunked_of_skopeo_is_read_by_ranges(inventory, whole, registry, repo, tmp_path):
    layout = tmp_path / "plain"
    support.run(
        "skopeo", "copy", "-q", "--dest-tls-verify=false", "--dest-compress-format", "zstd:chunked",
        f"oci:{layout}:latest", f"docker://{registry.name(repo)}:chunked",
    )  # fmt: skip
    since = len(registry.requests())
    found, stderr = inventory(f"{registry.name(repo)}:chunked")
    layers = registry.manifest(repo, "chunked")[0]["layers"]
    asked = [s for m, u, s in registry.requests(since) if m == "GET" and any(x["digest"] in u for x in layers)]
    assert set(asked) == {206} and len(asked) < 10, asked
    assert stderr.count("its table of contents is read instead") == len(layers) + 1 == 3
    assert found == whole


class WholeBlobs(http.server.BaseHTTPRequestHandler):
    """A registry that knows no Range."""

    def do_GET(self):
        top, what = self.server.layout, self.path.rsplit("/", 1)[-1]
        if self.path == "/v2/":
            data = b"{}"
        else:
            index = json.loads((top / "index.json").read_text())["manifests"][-1]["digest"]
            data = (top / "blobs/sha256" / (index if what == "latest" else what)[7:]).read_bytes()
        kind = json.loads(data).get("mediaType") if "/manifests/" in self.path else "application/octet-stream"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def test_a_registry_without_ranges_is_read_whole(inventory, whole, tmp_path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), WholeBlobs)
    server.layout = image(tmp_path / "stargz", pack_stargz())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        found, stderr = inventory(f"127.0.0.1:{server.server_port}/x:latest")
    finally:
        server.shutdown()
        server.server_close()
    assert found == whole and "the registry gives no parts of blobs" in stderr
    assert "read instead" not in stderr


def _bent_digest(tar):
    blob, digest = stargz(tar)
    return blob, {"containerd.io/snapshot/stargz/toc.digest": digest[:-1] + ("0" if digest[-1] != "0" else "1")}


def _bent_footer(tar):
    blob, digest = stargz(tar)
    return re.sub(rb"[0-9a-f]{16}STARGZ", b"ffffffffffffffffSTARGZ", blob), {"containerd.io/snapshot/stargz/toc.digest": digest}


def _no_footer(tar):
    return _member(tar), {"containerd.io/snapshot/stargz/toc.digest": "sha256:" + "0" * 64}


def _bent_position(tar):
    return _member(tar), {
        "io.github.containers.zstd-chunked.manifest-position": "99999999999:10:10:1",
        "io.github.containers.zstd-chunked.manifest-checksum": "sha256:" + "0" * 64,
    }


@pytest.mark.parametrize("pack", [_bent_digest, _bent_footer, _no_footer, _bent_position], ids=lambda f: f.__name__.strip("_"))
def test_a_table_that_cannot_be_believed_is_not_used(inventory, whole, tmp_path, pack):
    found, stderr = inventory(f"oci:{image(tmp_path / 'bent', pack)}:latest")
    assert found == whole
    assert "read instead" not in stderr and stderr.count("table of contents: ") == 2


def test_bytes_that_are_not_those_of_the_table_are_refused(inventory, tmp_path):
    def bend(entries):
        for e in entries:
            if e["name"].endswith("METADATA"):
                e["digest"] = "sha256:" + "0" * 64

    layout = image(tmp_path / "bent", pack_stargz(bend=bend))
    found, stderr = inventory(f"oci:{layout}:latest", check=1)
    assert found is None and "METADATA: its bytes are not those of the table" in stderr
