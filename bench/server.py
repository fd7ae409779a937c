"""What `upconv serve` stands: many clients at once, and hostile ones.

    python3 bench/server.py [--seconds 10] [--write]

Builds the program and the clients of `crates/server/examples/load.rs` in release form, starts a server of its own on a
free port of this machine, lets 50 clients ask for an explanation as fast as they can, then sends it everything that a
server must survive: wrong JSON, wild sizes, bodies that say or hold 2 GB, bodies and headers that never come. Prints what
it saw; `--write` puts the table into docs/server.md and docs/server.zh-CN.md. Fails if the server falls, grows beyond its
bound, or answers slowly. Plain Python 3, nothing to install.
"""

import argparse
import json
import socket
import sys
import threading
import time

from served import Server, build, finished, head, load, posted, write

EXPLAIN = "/api/v1/explain?dialect=tensorflow&input=16x16&kernel=4x4&stride=2&output=32x32"
# What docs/server.md promises.
P99_MS = 50
GROWTH_MB = 64


def wrong_requests():
    """(what, request, the statuses that are right)"""
    setting = "/api/v1/explain"
    yield "JSON cut short", posted(setting, b'{"input": "3'), {400}
    yield "JSON 100,000 lists deep", posted(setting, b"[" * 100_000), {400}
    yield "a list in place of an object", posted(setting, b"[1]"), {400}
    yield "bytes that are no text", posted(setting, bytes(range(256))), {400}
    yield "an input of 2^31 cells", head("GET", setting + "?input=2147483648&kernel=3"), {422}
    yield "numbers beyond 64 bits", head("GET", setting + f"?input={'9' * 400}&kernel=3"), {400}
    yield "a million cells traced", head("GET", "/api/v1/trace?input=1000x1000&kernel=3x3"), {422}
    yield "an axis of 2^30 cells explained", head("GET", setting + "?input=1073741823&kernel=3"), {200}
    yield "ten thousand groups", head("GET", "/api/v1/trace?input=3&kernel=3&groups=10000"), {422}
    yield "an address of 100 KB", head("GET", setting + "?input=" + "3" * 100_000), {400, 414, 431, 0}
    yield "headers of 2 MB", head("GET", setting)[:-2] + b"X: " + b"x" * 2_000_000 + b"\r\n\r\n", {400, 431, 0}
    yield "a body that says it has 2 GB", head("POST", setting, 2 << 30), {413}
    yield "a picture that says it has 2 GB", head("POST", "/api/v1/loss", 2 << 30), {413}
    yield "a weight file that says it has 2 GB", head("POST", "/api/v1/weights", 2 << 30), {413}
    bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\x02\0\0\0" + bytes(64)
    yield "a PNG that promises 4 gigapixels", posted("/api/v1/loss", bomb), {422}
    header = b'{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}'
    yield "a weight file that promises 4 TB", posted("/api/v1/weights", len(header).to_bytes(8, "little") + header), {422}
    yield "that PNG for a network", posted("/api/v1/segment", bomb), {422}
    form = b"POST /api/v1/segment HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    endless_form = b"--x\r\nContent-Disposition: form-data; name=image\r\n\r\n" + bytes(1000)
    yield "a form without an end", form + b"Content-Length: %d\r\n\r\n" % len(endless_form) + endless_form, {400}
    many_parts = b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n" * 10_000 + b"--x--"
    yield "a form of 10,000 parts", form + b"Content-Length: %d\r\n\r\n" % len(many_parts) + many_parts, {400}
    yield "a network that is a path", posted("/api/v1/segment?model=../../etc/passwd", bomb), {400, 422}
    yield "a sheet of 10^18 faces", head("GET", "/api/v1/sample?count=1000000000000000000"), {400}
    yield "paths out of the pages", head("GET", "/../../etc/passwd"), {400, 404}
    yield "another name for this machine", head("GET", setting).replace(b"localhost", b"evil.example"), {421}
    yield "no HTTP", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" * 10 + b"\r\n\r\n", {400, 0}


def endless(server):
    """A body of 2 GB in pieces of unknown length: refused long before its end."""
    request = head("POST", "/api/v1/explain")[:-2] + b"Transfer-Encoding: chunked\r\n\r\n"
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with socket.create_connection(server.place, timeout=30) as stream:
        stream.sendall(request)
        sent = 0
        try:
            while sent < 2 << 30:
                stream.sendall(piece)
                sent += 0x10000
        except (BrokenPipeError, ConnectionResetError):
            pass
    return sent


def hanging(server, count):
    """Connections that begin a request and say no more; until when the server holds them, in seconds."""
    streams = [socket.create_connection(server.place, timeout=60) for _ in range(count)]
    for number, stream in enumerate(streams):
        stream.sendall(b"GET / HTTP/1.1\r\nHost: lo" if number % 2 else head("POST", "/api/v1/explain", 1000) + b"{")
    begun = time.monotonic()
    answered = server.answer(head("GET", "/healthz"))
    at_once = time.monotonic() - begun
    for stream in streams:
        try:
            while stream.recv(4096):
                pass
        except ConnectionResetError:
            pass
        stream.close()
    return answered, at_once, time.monotonic() - begun


def uploads(server, count):
    """Clients that send weight files of 200 MB at the same time; the statuses that they got."""
    statuses = []
    body = bytes(8) + b"{" + bytes((200 << 20) - 9)

    def one():
        try:
            statuses.append(server.answer(posted("/api/v1/weights", body), 120))
        except OSError:
            statuses.append(0)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def run(seconds):
    build()
    server = Server("--quiet")
    # Warm, then measured.
    for time_of in (1, seconds):
        seen = finished(load(server, EXPLAIN, 50, time_of))
    rows = [
        ("explain_clients", seen["clients"]),
        ("explain_per_second", round(seen["per_second"])),
        ("explain_p50_ms", round(seen["ms"]["p50"], 1)),
        ("explain_p99_ms", round(seen["ms"]["p99"], 1)),
        ("explain_most_ms", round(seen["ms"]["most"], 1)),
    ]
    problems = []
    if set(seen["statuses"]) != {"200"}:
        problems.append(f"answers under load: {seen['statuses']}")
    if seen["ms"]["p99"] >= P99_MS:
        problems.append(f"99 of 100 answers within {seen['ms']['p99']:.1f} ms, not {P99_MS}")
    before = server.memory("VmRSS")
    wrong = list(wrong_requests())
    for what, request, right in wrong:
        status = server.answer(request)
        print(f"{status:4}  {what}")
        if status not in right:
            problems.append(f"{what}: {status}, not {sorted(right)}")
    sent = endless(server)
    print(f"      a body of 2 GB in pieces: the connection ended after {sent >> 10} KB")
    answered, at_once, held = hanging(server, 400)
    print(f"      400 clients that say no more: another got {answered} in {at_once * 1e3:.0f} ms; all were let go in {held:.0f} s")
    if answered != 200 or at_once > 1 or held > 30:
        problems.append("clients that hang keep others out, or are kept")
    small = server.memory("VmHWM")
    statuses = uploads(server, 8)
    peak = server.memory("VmHWM")
    print(f"      8 weight files of 200 MB at once: {sorted(statuses)}, peak {peak:.0f} MB")
    if small - before > GROWTH_MB:
        problems.append(f"hostile requests took {small - before:.0f} MB")
    if server.answer(head("GET", EXPLAIN)) != 200:
        problems.append("the server does not answer any more")
    status = server.end()
    if status != 0:
        problems.append(f"SIGTERM ended it with {status}")
    rows += [
        ("hostile_requests", len(wrong) + 1 + 400),
        ("hostile_growth_mb", round(max(0, small - before))),
        ("uploads_peak_mb", round(peak)),
    ]
    return dict(rows), problems


NAMES = {
    "explain_clients": ("clients that ask `/api/v1/explain` at once", "同时请求 `/api/v1/explain` 的客户端"),
    "explain_per_second": ("answers a second", "每秒回答数"),
    "explain_p50_ms": ("half of them within (ms)", "一半在此时间内（毫秒）"),
    "explain_p99_ms": ("99 of 100 within (ms)", "百分之九十九在此时间内（毫秒）"),
    "explain_most_ms": ("the slowest (ms)", "最慢（毫秒）"),
    "hostile_requests": ("hostile requests that it survived", "经受住的恶意请求"),
    "hostile_growth_mb": ("memory that they took (MB)", "其间增加的内存（MB）"),
    "uploads_peak_mb": ("most memory with 8 weight files of 200 MB at once (MB)", "8 个 200 MB 权重文件同时上传时的最大内存（MB）"),
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    figures, problems = run(arguments.seconds)
    print(json.dumps(figures))
    if problems:
        sys.exit("\n".join(problems))
    if arguments.write:
        write("server", figures, NAMES)
