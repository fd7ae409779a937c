"""The most memory that a whole network takes, beside its peers: VmHWM of a fresh process after its first answer.

    UPCONV_BENCH_WEIGHTS=weights.safetensors python peak_memory.py --json memory.json

Weights, packed weights and everything that a library loads count. Linux only. PyTorch is eager, in the process that
time_peers.py starts; ONNX Runtime's reads a graph that another process has exported.
"""

import argparse
import json
import os
import shlex
import sys

from time_peers import HERE, Child


def peak(child):
    """Most bytes of memory so far."""
    with open(f"/proc/{child.p.pid}/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def measured(name, command, workload, threads):
    child = Child(name, command, threads, 300)
    try:
        answer = child.ask(workload, "fwd", 1)
        if "ms" in answer:
            return peak(child)
        if answer.get("error") != "unsupported":
            print(f"{workload['id']} {name}: {answer['error']}", file=sys.stderr)
        return None
    finally:
        child.close()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--upconv", default="../target/release/upconv bench --serve")
    ap.add_argument("--json")
    args = ap.parse_args()
    worker = [sys.executable, os.path.join(HERE, "time_peers.py"), "--worker"]
    commands = {"upconv": shlex.split(args.upconv)}
    commands |= {name: [*worker, name, str(args.threads)] for name in ("torch", "onnxruntime")}
    commands["tflite"] = [sys.executable, os.path.join(HERE, "tflite_peer.py")]
    with open(os.path.join(HERE, "workloads.json")) as f:
        workloads = [w for w in json.load(f)["workloads"] if w["kind"] == "model"]
    rows = []
    for workload in workloads:
        peaks = {name: measured(name, command, workload, args.threads) for name, command in commands.items()}
        rows.append({"id": workload["id"], "model": workload["model"], "peak_bytes": peaks})
        print(workload["id"], ", ".join(f"{name} {peak >> 20} MiB" for name, peak in peaks.items() if peak), flush=True)
    if args.json:
        with open(args.json, "w") as out:
            json.dump({"threads": args.threads, "memory": rows}, out, indent=1)


if __name__ == "__main__":
    main()
