"""A web server on plain sockets that can misbehave at every byte.

Server(handler) listens on a free loopback port; handler(request) returns an
Answer.  What an Answer can do besides answering is in its fields: reset, close
or stall before, in or after either body, dribble, lie about lengths.  Every
request is kept in `requests`, with every byte of its head.
"""

import http.client
import json
import select
import socket
import ssl
import struct
import threading
import time
import urllib.parse

_TICK = 0.05


class Request:
    def __init__(self, server, method, target, headers, raw):
        self.server, self.method, self.target, self.headers, self.raw = server, method, target, headers, raw
        parts = urllib.parse.urlsplit(target)
        self.path = parts.path
        self.query = {k: v[0] for k, v in urllib.parse.parse_qs(parts.query, keep_blank_values=True).items()}
        self.query_all = urllib.parse.parse_qs(parts.query, keep_blank_values=True)
        self.body = b""
        self.received = 0  # bytes of the body that arrived
        self.time = time.monotonic()
        self.status = None

    def __repr__(self):
        return f"{self.method} {self.target} -> {self.status} ({self.received} bytes)"


class Answer:
    """status, headers and body, and what goes wrong with them.

    early: answer without reading the body        read: read only so many bytes of it
    before / inside / after: "reset", "close" or "stall" before reading the body, after
        `read` bytes of it, or after the request was carried out (nothing is answered)
    cut: send only so many bytes of the body      drip: bytes a second
    raw: these bytes instead of an answer         linger: seconds before answering
    end: "close" or "reset" after the answer      chunked: chunked encoding, no length
    length: claim this Content-Length (None: none, and close)
    flood: "headers" or "body", without end
    silent: close after the answer without having said so (a keep-alive race)
    """

    def __init__(self, status=200, headers=None, body=b"", **faults):
        self.status, self.headers = status, dict(headers or {})
        self.body = body.encode() if isinstance(body, str) else body
        self.faults = faults

    @staticmethod
    def json(status, value, **headers):
        return Answer(status, {"Content-Type": "application/json", **headers}, json.dumps(value))


class _Gone(Exception):
    pass


class _Link:
    """One connection."""

    def __init__(self, server, sock):
        self.server, self.sock, self.buffer = server, sock, b""

    def recv(self, n=65536):
        while not self.server.stopping:
            if isinstance(self.sock, ssl.SSLSocket) and self.sock.pending():
                break
            if select.select([self.sock], [], [], _TICK)[0]:
                break
        else:
            raise _Gone
        try:
            data = self.sock.recv(n)
        except OSError:
            raise _Gone from None
        if not data:
            raise _Gone
        return data

    def until(self, mark):
        while mark not in self.buffer:
            self.buffer += self.recv()
            if len(self.buffer) > 1 << 20:
                raise _Gone
        head, self.buffer = self.buffer.split(mark, 1)
        return head

    def take(self, n):
        while len(self.buffer) < n:
            self.buffer += self.recv()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            raise _Gone from None

    def end(self, how):
        if how == "reset":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if how == "stall":
            while not self.server.stopping:
                time.sleep(_TICK)
        raise _Gone


class Server:
    def __init__(self, handler, name="server", tls=None, host="127.0.0.1"):
        """tls: (certificate file, key file)."""
        self.handler, self.name, self.requests, self.stopping = handler, name, [], False
        self.lock = threading.RLock()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.address = f"[{host}]" if ":" in host else host
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((host, 0))
        self.port = self.sock.getsockname()[1]
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*tls)
        self.scheme = "https" if tls else "http"
        self.connections = 0
        self.down = False
        self.sock.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def host(self):
        return f"{self.address}:{self.port}"

    @property
    def url(self):
        return f"{self.scheme}://{self.host}"

    def stop(self):
        self.stopping = True
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    def _accept(self):
        while not self.stopping:
            try:
                if not select.select([self.sock], [], [], _TICK)[0]:
                    continue
                sock, _ = self.sock.accept()
            except (OSError, ValueError):
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            if self.down:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            sock.settimeout(60)
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = _Link(self, sock)
            while not self.stopping:
                self._one(link)
        except (_Gone, OSError, ssl.SSLError, ValueError):
            pass
        finally:
            try:
                sock.close()
            except OSError:
                pass

    def _request(self, link):
        head = link.until(b"\r\n\r\n")
        line, *rest = head.decode("latin-1").split("\r\n")
        method, target, _ = line.split(" ", 2)
        headers = {}
        for h in rest:
            k, _, v = h.partition(":")
            headers[k.strip().lower()] = v.strip()
        return Request(self, method, target, headers, head)

    def _body(self, link, req, limit=None):
        """Read the body, at most `limit` bytes of it."""
        if req.headers.get("transfer-encoding", "").lower() == "chunked":
            parts = []
            while True:
                n = int(link.until(b"\r\n").split(b";")[0], 16)
                data = link.take(n)
                link.take(2)
                if not n:
                    break
                parts.append(data)
                req.received += n
            req.body = b"".join(parts)
            return
        want = int(req.headers.get("content-length", 0))
        if limit is not None:
            want = min(want, limit)
        parts = []
        while req.received < want:
            data = link.take(min(want - req.received, 65536)) if link.buffer else link.recv(min(want - req.received, 65536))
            parts.append(data)
            req.received += len(data)
        req.body = b"".join(parts)

    def _one(self, link):
        req = self._request(link)
        with self.lock:
            self.requests.append(req)
        plan = getattr(self.handler, "plan", lambda r: {})(req) or {}
        if plan.get("before"):
            link.end(plan["before"])
        if plan.get("inside"):
            self._body(link, req, plan.get("read", 1))
            link.end(plan["inside"])
        if not plan.get("early"):
            self._body(link, req)
        answer = self.handler(req) if not plan.get("answer") else plan["answer"](req)
        for k, v in plan.get("faults", {}).items():
            answer.faults[k] = v
        if plan.get("change"):
            plan["change"](req, answer)
        req.status = answer.status
        if answer.faults.get("after"):
            link.end(answer.faults["after"])
        self._answer(link, req, answer)

    def _answer(self, link, req, a):
        f = a.faults
        if f.get("linger"):
            end = time.monotonic() + f["linger"]
            while time.monotonic() < end and not self.stopping:
                time.sleep(_TICK)
        if "raw" in f:
            link.send(f["raw"].encode("latin-1") if isinstance(f["raw"], str) else f["raw"])
            link.end(f.get("end", "close"))
        reason = http.client.responses.get(a.status, "Status")
        head = [f"HTTP/1.1 {a.status} {reason}"]
        names = {k.lower() for k in a.headers}
        close = f.get("end") or ("length" in f and f["length"] is None)
        if f.get("chunked"):
            head.append("Transfer-Encoding: chunked")
        elif "content-length" not in names and not ("length" in f and f["length"] is None):
            head.append(f"Content-Length: {f.get('length', len(a.body))}")
        for k, v in a.headers.items():
            for one in v if isinstance(v, list) else [v]:
                head.append(f"{k}: {one}")
        if close:
            head.append("Connection: close")
        link.send(("\r\n".join(head) + "\r\n").encode("latin-1"))
        if f.get("flood") == "headers":
            while not self.stopping:
                link.send(b"X-Flood: " + b"0" * 1000 + b"\r\n")
        link.send(b"\r\n")
        if req.method == "HEAD" or a.status in (204, 304):
            if close:
                link.end("close")
            return
        if f.get("flood") == "body":
            while not self.stopping:
                link.send(b"0" * 65536)
        body = a.body[: f["cut"]] if "cut" in f else a.body
        if f.get("chunked"):
            for i in range(0, len(body), 10000):
                part = body[i : i + 10000]
                link.send(b"%x\r\n%s\r\n" % (len(part), part))
            link.send(b"0\r\n\r\n")
        elif f.get("drip"):
            for i in range(0, len(body), max(1, f["drip"] // 20)):
                if self.stopping:
                    raise _Gone
                link.send(body[i : i + max(1, f["drip"] // 20)])
                time.sleep(0.05)
        else:
            link.send(body)
        if "cut" in f:
            link.end(f.get("end", "close"))
        if close or f.get("silent"):
            link.end(f.get("end", "close"))


def recorder(name="thief", answer=None, tls=None):
    """A server that only listens to what is sent to it."""
    return Server(answer or (lambda req: Answer(200, {}, b"{}")), name, tls=tls)
