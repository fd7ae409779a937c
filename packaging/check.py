"""Whether the files of this folder do what docs/deploying.md says.

    python3 packaging/check.py

Asks `systemd-analyze` about the unit, compares the system calls that a server under load makes (`strace`) with those that
the unit allows, and runs nginx with the configuration, on other ports and with a certificate of its own, before a
server of `target/release/upconv`. What is not installed is skipped, with a line that says so.
"""

import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
UPCONV = HERE.parent / "target/release/upconv"
PHOTO = HERE.parent / "examples/astronaut.png"
UNIT = HERE / "upconv.service"
# The exposure that `systemd-analyze security` finds: 0 is nothing, 10 everything.
MOST_EXPOSED = 1.5
problems, skipped = [], []


def check(holds, what):
    print(f"{'ok  ' if holds else 'FAIL'}  {what}", flush=True)
    if not holds:
        problems.append(what)


def needs(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        skipped.append(f"no {', '.join(missing)}")
    return not missing


def said(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def start(addr, *before, token=None):
    environment = {**os.environ, **({"UPCONV_TOKEN": token} if token else {})}
    command = [*before, UPCONV, "serve", "--addr", addr, "--json", "--quiet"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    return server, json.loads(server.stdout.readline())["addr"]


def unit():
    with tempfile.TemporaryDirectory() as folder:
        # The program that the unit names need not be installed here.
        copy = pathlib.Path(folder, UNIT.name)
        copy.write_text(UNIT.read_text().replace("/usr/local/bin/upconv", str(UPCONV)))
        code, text = said("systemd-analyze", "verify", "--man=no", str(copy))
        check(code == 0 and not text.strip(), f"systemd-analyze verify: {text.strip() or 'nothing to say'}")
        _, text = said("systemd-analyze", "security", "--offline=yes", str(copy))
        found = re.search(r"exposure level.*?: ([0-9.]+)", text)
        check(found and float(found[1]) <= MOST_EXPOSED, f"systemd-analyze security: {found and found[1]}, at most {MOST_EXPOSED}")


def members(name):
    """The system calls of a set of systemd's, with those of the sets in it."""
    _, text = said("systemd-analyze", "syscall-filter", "--no-pager", name)
    calls = set()
    for word in re.findall(r"^\s{4,}(@?[a-z0-9_-]+)\s*$", text, re.M):
        calls |= members(word) if word.startswith("@") else {word}
    return calls


def system_calls():
    with tempfile.TemporaryDirectory() as folder:
        trace = pathlib.Path(folder, "calls")
        server, addr = start("127.0.0.1:0", "strace", "-f", "-c", "-o", str(trace))
        for path in ["/", "/models/", "/api/v1/models", "/api/v1/runs"]:
            urllib.request.urlopen(f"http://{addr}{path}").read()
        urllib.request.urlopen(f"http://{addr}/api/v1/segment", PHOTO.read_bytes()).read()
        # `strace` passes it on.
        children = said("pgrep", "-P", str(server.pid))[1].split()
        subprocess.run(["kill", *children])
        server.wait(60)
        used = set(re.findall(r"^\s*[0-9.]+\s.*?\s([a-z0-9_]+)$", trace.read_text(), re.M)) - {"total"}
    allowed = members("@system-service") | members("@default")
    allowed -= (members("@privileged") | members("@resources"))
    check("accept4" in used and used <= allowed, f"{len(used)} system calls, all allowed: {sorted(used - allowed) or 'yes'}")


def proxy():
    token = "0123456789abcdef"
    server, addr = start("127.0.0.1:0", token=token)
    with tempfile.TemporaryDirectory() as folder:
        text = (HERE / "nginx.conf").read_text()
        key, certificate = f"{folder}/key.pem", f"{folder}/certificate.pem"
        said("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
             "-days", "1", "-subj", "/CN=upconv.example")
        for before, after in [("127.0.0.1:7878", addr), ("listen 443 ssl", "listen 18443 ssl"), ("[::]:443", "[::]:18443"),
                              ("listen 80", "listen 18080"), ("[::]:80", "[::]:18080"),
                              ("/etc/ssl/upconv.example.pem", certificate), ("/etc/ssl/upconv.example.key", key)]:
            assert before in text, before
            text = text.replace(before, after)
        configuration = pathlib.Path(folder, "nginx.conf")
        paths = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
        # Who runs this owns the folder of large bodies.
        user = "user root;" if os.geteuid() == 0 else ""
        configuration.write_text(f"{user} pid {folder}/pid; error_log stderr; daemon off; events {{}} http {{ access_log off; {paths} {text} }}")
        code, output = said("nginx", "-t", "-c", str(configuration))
        check(code == 0, f"nginx -t: {output.strip().splitlines()[-1]}")
        nginx = subprocess.Popen(["nginx", "-c", str(configuration)], stderr=subprocess.DEVNULL)
        time.sleep(1)
        trusting = ssl._create_unverified_context()

        def ask(path, body=None, base="https://127.0.0.1:18443", **headers):
            request = urllib.request.Request(base + path, body, headers)
            handlers = [urllib.request.HTTPSHandler(context=trusting), NoRedirects()]
            try:
                answer = urllib.request.build_opener(*handlers).open(request)
            except urllib.error.HTTPError as error:
                answer = error
            answer.read()
            return answer.status, answer.headers

        bearer = {"Authorization": f"Bearer {token}"}
        check(ask("/")[0] == 401, "without a token: 401")
        status, headers = ask(f"/?token={token}")
        check(status == 303 and "secure" in headers["Set-Cookie"].lower(), f"with a token: {status}, {headers['Set-Cookie'].split(';', 1)[1]}")
        check(ask("/models/", **bearer)[0] == 200, "a page: 200")
        status, _ = ask("/api/v1/segment", PHOTO.read_bytes(), **bearer)
        check(status == 200, f"a picture: {status}")
        check(ask("/metrics", **bearer)[0] == 404, "the metrics: 404")
        check(ask("/api/v1/segment", bytes(34 << 20), **bearer)[0] == 413, "a picture of 34 MiB: 413")
        status, headers = ask("/runs/", base="http://127.0.0.1:18080")
        check(status == 301 and headers["Location"].startswith("https://"), "without TLS: 301")
        statuses = [ask("/healthz")[0] for _ in range(300)]
        check(set(statuses) == {200, 429}, f"300 requests at once: {statuses.count(200)} answered, {statuses.count(429)} with 429")
        nginx.terminate()
        nginx.wait(30)
    server.terminate()
    check(server.wait(30) == 0, "SIGTERM ends the server with 0")


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


if __name__ == "__main__":
    if not UPCONV.exists():
        sys.exit(f"{UPCONV} is not there: cargo build --release")
    if needs("systemd-analyze"):
        unit()
        if needs("strace", "pgrep"):
            system_calls()
    if needs("nginx", "openssl"):
        proxy()
    for line in skipped:
        print(f"SKIPPED  {line}")
    sys.exit("\n".join(problems) or 0)
