"""A server of our own for the scripts that measure one: started, asked over plain sockets, looked at, ended."""

import atexit
import json
import pathlib
import re
import socket
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
UPCONV = ROOT / "target/release/upconv"
LOAD = ROOT / "target/release/examples/load"


def build():
    """The program and the clients of crates/server/examples/load.rs in release form."""
    command = ["cargo", "build", "--release", "--locked", "--workspace", "--bin", "upconv", "--example", "load"]
    subprocess.run(command, cwd=ROOT, check=True)


class Server:
    """Ends with `end`, or with this process."""

    def __init__(self, *arguments, log=subprocess.DEVNULL, environment=None):
        command = [UPCONV, "serve", "--addr", "127.0.0.1:0", "--json", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        atexit.register(self.process.kill)
        self.addr = json.loads(self.process.stdout.readline())["addr"]
        host, port = self.addr.rsplit(":", 1)
        self.place = (host, int(port))

    def memory(self, name):
        """Megabytes by the system's account: VmRSS now, VmHWM at most so far."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) / 1024

    def answer(self, request, wait=30):
        """Sends bytes and gives the status of the answer; 0 if the connection just ends."""
        with socket.create_connection(self.place, timeout=wait) as stream:
            try:
                stream.sendall(request)
                begin = stream.recv(4096)
            except (BrokenPipeError, ConnectionResetError):
                return 0
            return int(begin.split(b" ")[1]) if begin.startswith(b"HTTP/1.1 ") else 0

    def json(self, request, wait=60):
        """Sends bytes and gives the object of the answer."""
        with socket.create_connection(self.place, timeout=wait) as stream:
            stream.sendall(request)
            whole = b"".join(iter(lambda: stream.recv(1 << 16), b""))
        return json.loads(whole.split(b"\r\n\r\n", 1)[1])

    def counts(self, route):
        """Answers of a route by their status, as the server counts them."""
        with socket.create_connection(self.place, timeout=30) as stream:
            stream.sendall(head("GET", "/metrics"))
            text = b"".join(iter(lambda: stream.recv(1 << 16), b"")).decode()
        found = re.findall(rf'upconv_requests_total\{{route="{re.escape(route)}",status="(\d+)"\}} (\d+)', text)
        return {status: int(count) for status, count in found}

    def end(self, wait=60):
        self.process.terminate()
        return self.process.wait(wait)


def head(method, path, length=None):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def posted(path, body):
    return head("POST", path, len(body)) + body


def load(server, path, clients, seconds, *more):
    """Clients that ask, in a process of their own; `finished` gives what they saw."""
    command = [LOAD, server.addr, path, str(clients), str(seconds), *map(str, more)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finished(clients):
    said, _ = clients.communicate()
    return json.loads(said)


def write(table, figures, names):
    """Puts a table into both pages about the server, between its marks."""
    for language, page in enumerate(["docs/server.md", "docs/server.zh-CN.md"]):
        path = ROOT / page
        rows = [f"| {names[key][language]} | {value} |" for key, value in figures.items()]
        before, rest = path.read_text().split(f"<!-- table {table} -->\n")
        _, after = rest.split(f"<!-- end {table} -->", 1)
        head = "| | |\n| --- | ---: |\n"
        path.write_text(f"{before}<!-- table {table} -->\n{head}{chr(10).join(rows)}\n<!-- end {table} -->{after}")
