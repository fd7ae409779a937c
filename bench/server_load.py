"""What the networks of `upconv serve` stand: 200 clients with pictures for a minute, and faults.

    python3 bench/server_load.py [--seconds 60] [--write]

Builds the program and the clients of `crates/server/examples/load.rs` in release form and runs servers of its own on
free ports of this machine, with the clients on the same cores.

- Load: 200 clients send a photo to `/api/v1/segment` as fast as they are answered; who is sent away waits as long as
  `Retry-After` says, and in a second run comes back at once. Meanwhile others ask for explanations. Every answer must be
  one of 200, 429 and 503; what the server counts as answered must have come to a client; memory must stay in its bound,
  also with pictures of 24 megapixels.
- Faults: the file of a network is replaced, cut short and removed under load; the log lies on a full disk; clients send
  half a picture, or never read their answer; SIGTERM comes in the middle, and all that was accepted must be finished.

Prints what it saw; `--write` puts the table into docs/server.md and docs/server.zh-CN.md. Fails if anything is lost.
Plain Python 3, nothing to install.
"""

import argparse
import json
import os
import pathlib
import shutil
import socket
import struct
import sys
import tempfile
import time
import zlib

from served import ROOT, Server, build, finished, head, load, posted, write

SEGMENT = "/api/v1/segment?only=mask"
EXPLAIN = "/api/v1/explain?dialect=tensorflow&input=16x16&kernel=4x4&stride=2&output=32x32"
PHOTO = ROOT / "examples/astronaut.png"
ROAD = ROOT / "crates/models/weights/road.safetensors"
CLIENTS = 200
# What docs/server.md promises, and the bound of crates/server/src/limits.rs.
EXPLORER_P99_MS = 100
BOUND_MB = 128 + 1536


def large_png(height, width):
    """A picture of bands with some grain, so that neither the file nor what is made of it is tiny."""
    row = bytes((column * 7 + column // 61 * 31) % 256 for column in range(3 * width))
    rows = b"".join(b"\0" + row[3 * (y % 97):] + row[:3 * (y % 97)] for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


class Checked:
    """What is wrong, said at the end."""

    def __init__(self):
        self.problems = []

    def that(self, holds, what):
        print(f"{'ok  ' if holds else 'FAIL'}  {what}", flush=True)
        if not holds:
            self.problems.append(what)


def settled(server, most=30):
    """The server's own counts of the network's answers, once nothing runs any more."""
    end = time.monotonic() + most
    before = None
    while time.monotonic() < end:
        now = server.counts("/api/v1/segment")
        if now == before:
            return now
        before = now
        time.sleep(1)
    return before


def under_load(check, seconds):
    server = Server("--quiet")
    finished(load(server, SEGMENT, 4, 2, "--body", PHOTO))
    idle, first = server.memory("VmRSS"), settled(server)
    rows = {"load_clients": CLIENTS, "load_seconds": round(seconds)}
    both = [
        load(server, SEGMENT, CLIENTS, seconds, "--body", PHOTO),
        load(server, EXPLAIN, 4, seconds, "--pause", 20),
    ]
    pictures, explorer = map(finished, both)
    counted = settled(server)
    got = pictures["statuses"]
    accepted = counted["200"] - first["200"]
    check.that(set(got) <= {"200", "429", "503"}, f"answers to pictures: {got}")
    check.that(pictures["without_retry_after"] == 0, "whoever was sent away heard when to come again")
    check.that(accepted == got["200"], f"{accepted} pictures were accepted and answered, {got['200']} answers came")
    check.that(set(explorer["statuses"]) == {"200"}, f"answers to the explorer meanwhile: {explorer['statuses']}")
    p99 = explorer["ms"]["p99"]
    check.that(p99 < EXPLORER_P99_MS, f"99 of 100 of them within {p99:.1f} ms")
    peak = server.memory("VmHWM")
    check.that(peak < idle + BOUND_MB, f"memory {idle:.0f} MB idle, {peak:.0f} MB at most")
    rows |= {
        "load_per_second": round(got["200"] / seconds),
        "load_p50_ms": round(pictures["ms"]["p50"]),
        "load_p99_ms": round(pictures["ms"]["p99"]),
        "load_sent_away": got.get("503", 0) + got.get("429", 0),
        "load_other": sum(count for status, count in got.items() if status not in ("200", "429", "503")),
        "load_lost": accepted - got["200"],
        "load_explorer_p99_ms": round(p99, 1),
        "load_idle_mb": round(idle),
        "load_peak_mb": round(peak),
    }
    short = min(seconds, 15)
    both = [
        load(server, SEGMENT, CLIENTS, short, "--body", PHOTO, "--impatient"),
        load(server, EXPLAIN, 4, short, "--pause", 20),
    ]
    pictures, explorer = map(finished, both)
    got, p99 = pictures["statuses"], explorer["ms"]["p99"]
    check.that(set(got) <= {"200", "429", "503"}, f"answers to clients that come back at once: {got}")
    check.that(p99 < EXPLORER_P99_MS, f"99 of 100 of the explorer's within {p99:.1f} ms meanwhile")
    rows["impatient_explorer_p99_ms"] = round(p99, 1)
    check.that(server.end() == 0, "SIGTERM ends it with 0")
    return rows


def largest_pictures(check, seconds):
    server = Server("--quiet")
    idle = server.memory("VmRSS")
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        file.write(large_png(4000, 6000))
        file.flush()
        seen = finished(load(server, "/api/v1/segment", 16, seconds, "--body", file.name))
    peak = server.memory("VmHWM")
    check.that(set(seen["statuses"]) <= {"200", "503"}, f"16 clients with 24 megapixels: {seen['statuses']}")
    check.that(peak < idle + BOUND_MB, f"memory {peak:.0f} MB at most, bound {idle + BOUND_MB:.0f}")
    check.that(server.end() == 0, "SIGTERM ends it with 0")
    return {"largest_peak_mb": round(peak), "bound_mb": round(idle + BOUND_MB)}


def replaced_file(check):
    """Another file, half a file, no file, a file again, while clients ask."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "street.safetensors")
        shutil.copy(ROAD, file)
        server = Server("--quiet", "--weights", str(file))
        clients = load(server, "/api/v1/segment?model=street&only=mask", 8, 28, "--body", ROOT / "examples/road.png")

        def state():
            networks = server.json(head("GET", "/api/v1/models"))["networks"]
            return next(network["state"] for network in networks if network["name"] == "street")

        def becomes(wanted, what):
            end = time.monotonic() + 10
            while state() != wanted and time.monotonic() < end:
                time.sleep(0.2)
            check.that(state() == wanted, f"{what}: its state is {state()}")

        def put(content):
            other = file.with_suffix(".new")
            other.write_bytes(content)
            other.rename(file)

        whole = ROAD.read_bytes()
        time.sleep(1)
        put(whole)
        time.sleep(5)
        becomes("ready", "another file in its place")
        file.write_bytes(whole[: len(whole) // 2])
        becomes("old", "the file cut short in place")
        file.unlink()
        time.sleep(3)
        becomes("old", "the file gone")
        put(whole)
        becomes("ready", "the file there again")
        got = finished(clients)["statuses"]
        check.that(set(got) == {"200"}, f"answers meanwhile: {got}")
        check.that(server.end() == 0, "SIGTERM ends it with 0")
    return {"replaced_answers": got["200"], "replaced_wrong": sum(got.values()) - got["200"]}


def full_disk(check):
    """The log goes to a device that has no room, and so does everything that the program might write elsewhere."""
    with open("/dev/full", "w") as full:
        server = Server(log=full, environment={**os.environ, "TMPDIR": "/dev/full"})
        got = finished(load(server, SEGMENT, 8, 5, "--body", PHOTO))["statuses"]
        check.that(set(got) == {"200"}, f"answers with the log on a full disk: {got}")
        check.that(server.end() == 0, "SIGTERM ends it with 0")
    return {"full_disk_answers": got["200"]}


def hanging_clients(check):
    """Half of a picture and no more, and large answers that nobody reads."""
    server = Server("--quiet")
    photo = PHOTO.read_bytes()
    halves = [socket.create_connection(server.place, timeout=60) for _ in range(300)]
    for stream in halves:
        stream.sendall(head("POST", SEGMENT, len(photo)) + photo[: len(photo) // 2])
    readers = [socket.socket() for _ in range(40)]
    for stream in readers:
        # No room on this side, so that the answer stays on the other.
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stream.connect(server.place)
        stream.sendall(posted("/api/v1/segment", photo))
    time.sleep(2)
    begun = time.monotonic()
    status = server.answer(posted(SEGMENT, photo))
    took = time.monotonic() - begun
    check.that(status == 200 and took < 5, f"300 clients with half a picture, 40 that do not read: another got {status} in {took * 1e3:.0f} ms")
    begun = time.monotonic()
    explained = server.answer(head("GET", EXPLAIN))
    check.that(explained == 200, f"the explorer answered in {(time.monotonic() - begun) * 1e3:.0f} ms")
    for stream in halves:
        try:
            while stream.recv(4096):
                pass
        except ConnectionResetError:
            pass
    held = time.monotonic() - begun
    check.that(held < 20, f"those with half a picture were let go within {held:.0f} s")
    peak = server.memory("VmHWM")
    check.that(peak < 700, f"memory {peak:.0f} MB at most")
    for stream in halves + readers:
        stream.close()
    check.that(server.end() == 0, "SIGTERM ends it with 0")
    return {"hanging_clients": len(halves) + len(readers), "hanging_other_ms": round(took * 1e3)}


def sigterm(check):
    """In the middle of the load: what the log says was answered is what the clients got."""
    with tempfile.NamedTemporaryFile("w+", suffix=".log") as log:
        server = Server(log=log)
        clients = load(server, SEGMENT, CLIENTS, 12, "--body", PHOTO)
        time.sleep(5)
        begun = time.monotonic()
        status = server.end()
        took = time.monotonic() - begun
        seen = finished(clients)
        log.seek(0)
        lines = [json.loads(line) for line in log]
    asked = [line for line in lines if line.get("path") == "/api/v1/segment"]
    answered = sum(line.get("status") == 200 for line in asked)
    in_the_middle = sum("status" not in line for line in asked)
    got = seen["statuses"].get("200", 0)
    check.that(status == 0, f"SIGTERM under load ended it with {status} in {took:.1f} s")
    check.that(answered == got, f"{answered} pictures were answered by its log, {got} answers came")
    check.that(in_the_middle == 0, f"{in_the_middle} requests were left in the middle")
    taken = sum(count for status, count in seen["statuses"].items() if status != "0")
    check.that(len(asked) == taken, f"{len(asked)} requests were taken, {taken} were answered")
    return {"sigterm_answers": answered, "sigterm_lost": answered - got, "sigterm_seconds": round(took, 1)}


NAMES = {
    "load_clients": ("clients that send a photo of 512x512 to `/api/v1/segment` at once", "同时向 `/api/v1/segment` 发送 512x512 照片的客户端"),
    "load_seconds": ("seconds", "秒数"),
    "load_per_second": ("answers a second", "每秒回答数"),
    "load_p50_ms": ("half of those accepted within (ms)", "被接受的一半在此时间内（毫秒）"),
    "load_p99_ms": ("99 of 100 of those accepted within (ms)", "被接受的百分之九十九在此时间内（毫秒）"),
    "load_sent_away": ("sent away with 503 and `Retry-After`", "以 503 和 `Retry-After` 谢绝"),
    "load_other": ("other errors, broken connections", "其他错误、断开的连接"),
    "load_lost": ("accepted and lost", "接受后丢失"),
    "load_explorer_p99_ms": ("99 of 100 explanations meanwhile within (ms)", "其间百分之九十九的讲解请求在此时间内（毫秒）"),
    "impatient_explorer_p99_ms": ("the same while all who are sent away come back at once (ms)", "被谢绝者立即重来时同上（毫秒）"),
    "load_idle_mb": ("memory when idle (MB)", "空闲时的内存（MB）"),
    "load_peak_mb": ("most memory under this load (MB)", "此负载下的最大内存（MB）"),
    "largest_peak_mb": ("most memory with 16 clients that send 24 megapixels (MB)", "16 个客户端发送 2400 万像素图片时的最大内存（MB）"),
    "bound_mb": ("its bound (MB)", "上限（MB）"),
    "replaced_answers": ("answers while the file of the network was replaced, cut short, removed and put back", "网络文件被替换、截断、删除、放回期间的回答"),
    "replaced_wrong": ("errors among them", "其中出错的"),
    "full_disk_answers": ("answers with the log on a full disk, none wrong", "日志所在磁盘已满时的回答，无一错误"),
    "hanging_clients": ("clients that send half a picture or never read", "只发半张图片或从不读取的客户端"),
    "hanging_other_ms": ("another one's answer meanwhile (ms)", "其间另一客户端得到回答（毫秒）"),
    "sigterm_answers": ("pictures answered before SIGTERM came and after it", "SIGTERM 前后回答的图片"),
    "sigterm_lost": ("lost by SIGTERM in the middle of the load", "负载中收到 SIGTERM 丢失的"),
    "sigterm_seconds": ("from SIGTERM to the end with status 0 (s)", "从 SIGTERM 到以状态 0 结束（秒）"),
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    build()
    check = Checked()
    figures = under_load(check, arguments.seconds)
    figures |= largest_pictures(check, min(arguments.seconds, 30))
    figures |= replaced_file(check) | full_disk(check) | hanging_clients(check) | sigterm(check)
    figures = {key: figures[key] for key in NAMES}
    print(json.dumps(figures))
    if check.problems:
        sys.exit("\n".join(check.problems))
    if arguments.write:
        write("load", figures, NAMES)
