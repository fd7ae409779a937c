"""Compare whole networks with PyTorch and ONNX Runtime, element by element.

    cargo build --release -p upconv-models --example forward
    python compare_models.py weights.safetensors [--fast-math] [--json FILE]

The weights are those of export_weights.py; the input is the harness's. A difference counts in parts of the largest
element of PyTorch's output. Exits with 1 above 1e-4 (1e-2 with --fast-math).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch

import models
from time_peers import HERE, OrtPeer, fill


def ours(args, workload, x, folder):
    """What upconv computes."""
    files = [os.path.join(folder, name) for name in ("x", "y")]
    x.tofile(files[0])
    shape = ",".join(map(str, workload["shape"]))
    command = [args.forward, workload["model"], args.weights, shape, *files]
    subprocess.run(command + ["--fast-math"] * args.fast_math, check=True)
    return np.fromfile(files[1], np.float32)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("weights")
    ap.add_argument("--fast-math", action="store_true")
    ap.add_argument("--forward", default="../target/release/examples/forward")
    ap.add_argument("--json")
    args = ap.parse_args()
    with open(os.path.join(HERE, "workloads.json")) as f:
        workloads = [w for w in json.load(f)["workloads"] if w["kind"] == "model"]
    bound, rows = 1e-2 if args.fast_math else 1e-4, []
    for workload in workloads:
        x = fill(workload["shape"], 1)
        with torch.inference_mode():
            theirs = models.build(workload["model"])(torch.from_numpy(x)).numpy()
        scale = float(np.abs(theirs).max())
        with tempfile.TemporaryDirectory() as folder:
            y = ours(args, workload, x, folder).reshape(theirs.shape)
        _, fetch = OrtPeer(2).prepare(workload, "fwd")
        ort = fetch()
        row = {"id": workload["id"], "model": workload["model"], "cells": theirs.size, "largest": scale,
               "torch": float(np.abs(y - theirs).max()) / scale,
               "onnxruntime": float(np.abs(y - ort).max()) / scale,
               "torch_onnxruntime": float(np.abs(theirs - ort).max()) / scale}
        rows.append(row)
        print("{id} {model}: {cells} elements, largest {largest:.3g}; differs from torch by {torch:.1e}, from "
              "ONNX Runtime by {onnxruntime:.1e} (these two by {torch_onnxruntime:.1e})".format(**row), flush=True)
    if args.json:
        with open(args.json, "w") as out:
            json.dump({"fast_math": args.fast_math, "models": rows}, out, indent=1)
    # `not` catches NaN too.
    sys.exit(any(not row["torch"] <= bound for row in rows))


if __name__ == "__main__":
    main()
