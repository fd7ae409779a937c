"""NumPy as an external peer of time_peers.py: 1-D transposed convolution as one matrix product and
overlap-add, the way an inverse short-time Fourier transform is written by hand.

    python time_peers.py --workloads istft --threads 1 --cpu-time --json istft_t1.json \
        --external-peer 'numpy=python numpy_peer.py' --external '../target/release/upconv bench --serve'

Speaks the line protocol: one JSON request a line in, one JSON answer a line out. What is not a transposed
convolution along one axis, without padding and with a kernel of whole strides, is "unsupported".
"""

import json
import os
import sys
import time

# Settings for some other machine would slow the matrix product down.
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)
os.environ["OPENBLAS_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402  (reads the environment)


def values(count, seed):
    """The harness's data: see "Line protocol" in its README."""
    i = np.arange(count, dtype=np.int64) + seed * 1000003
    h = ((i * 1103515245 + 12345) % 2**31) >> 16
    return ((h % 17 - 8) / 16).astype(np.float32)


def ready(w):
    """A function that runs the workload once and returns y, [n, out, cells]; None if it is not supported."""
    one_axis = w["kind"] == "tconv" and len(w["input"]) == 1 and w["groups"] == 1 and not w["bias"]
    if not one_axis or w["weights"] != "random":
        return None
    n, cin, cout, cells = w["batch"], w["cin"], w["cout"], w["input"][0]
    kernel, stride = w["kernel"][0], w["stride"][0]
    plain = w["padding"] == [0] and w["output_padding"] == [0] and w["dilation"] == [1]
    if not plain or kernel % stride:
        return None
    parts = kernel // stride
    x = values(n * cin * cells, 1).reshape(n, cin, cells)
    weight = values(cin * cout * kernel, 2).reshape(cin, cout * kernel)
    columns = np.empty((cells, cout * kernel), np.float32)
    y = np.empty((n, cout, cells + parts - 1, stride), np.float32)

    def run():
        y.fill(0)
        for image in range(n):
            np.matmul(x[image].T, weight, out=columns)
            blocks = columns.reshape(cells, cout, parts, stride)
            for part in range(parts):
                y[image, :, part:part + cells] += blocks[:, :, part].transpose(1, 0, 2)
        return y.reshape(n, cout, -1)

    return run


def answer(run, request):
    if run is None:
        return {"error": "unsupported"}
    if request["mode"] == "check":
        y = run().astype(np.float64).ravel()
        weights = np.arange(y.size) % 11 - 5
        return {"sum": y.sum(), "abs": np.abs(y).sum(), "pos": (y * weights).sum()}
    if request["mode"] != "fwd":
        return {"error": "unsupported"}
    run()
    times = []
    for _ in range(request["reps"]):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return {"ms": times}


def main():
    last, run = None, None
    for line in sys.stdin:
        request = json.loads(line)
        if request["workload"] != last:
            last, run = request["workload"], ready(request["workload"])
        print(json.dumps(answer(run, request)), flush=True)


if __name__ == "__main__":
    main()
