"""TensorFlow Lite (XNNPACK) as an external peer of time_peers.py: the network of `upconv segment`, workload M5.

    UPCONV_BENCH_WEIGHTS=weights.safetensors python time_peers.py --workloads M5 --peers torch_opt,onnxruntime \
        --external-peer 'tflite=python tflite_peer.py' --external '../target/release/upconv bench --serve'

Builds the network from the exported weights as TensorFlow would have it, with NHWC and SAME padding, converts it, and runs
it in the interpreter, whose convolutions XNNPACK computes. Speaks the line protocol; other workloads are "unsupported".
"""

import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
reply = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)  # whatever a library prints must not reach the protocol

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from safetensors.numpy import load_file  # noqa: E402

from models import SELFIE  # noqa: E402
from time_peers import checksum, fill  # noqa: E402


class Net:
    """The network on NHWC tensors, with weights by the names of models.Selfie."""

    def __init__(self, weights):
        self.weights = weights

    def weight(self, name, axes):
        return tf.constant(self.weights[f"selfie.{name}.weight"].transpose(axes))

    def bias(self, name):
        return tf.constant(self.weights[f"selfie.{name}.bias"])

    def conv(self, name, x, stride=1):
        return tf.nn.conv2d(x, self.weight(name, (2, 3, 1, 0)), stride, "SAME") + self.bias(name)

    def depthwise(self, name, x, stride=1):
        w = self.weight(name, (2, 3, 0, 1))
        return tf.nn.depthwise_conv2d(x, w, (1, stride, stride, 1), "SAME") + self.bias(name)

    def gate(self, name, x):
        h = tf.nn.relu(self.conv(f"{name}.squeeze", tf.reduce_mean(x, (1, 2), keepdims=True)))
        return tf.sigmoid(self.conv(f"{name}.excite", h))

    def mb(self, name, spec, x, act):
        cin, _, _, stride, hidden, cout = spec
        h = act(self.conv(f"{name}.expand", x))
        h = act(self.depthwise(f"{name}.depthwise", h, stride))
        if hidden:
            h = h * self.gate(f"{name}.gate", h)
        h = self.conv(f"{name}.project", h)
        return h + x if stride == 1 and cin == cout else h

    def decoder(self, name, x, skip):
        size = [2 * x.shape[1], 2 * x.shape[2]]
        u = self.conv(f"{name}.narrow", tf.image.resize(x, size, "bilinear"))
        f = skip * self.gate(f"{name}.gate", skip + u) + u
        h = tf.nn.relu(self.conv(f"{name}.mix", f))
        return h + tf.nn.relu(self.depthwise(f"{name}.depthwise", h))

    def __call__(self, x):
        def hard_swish(v):
            return v * tf.nn.relu6(v + 3) * (1 / 6)

        s2 = hard_swish(self.conv("stem", x, 2))
        maps = [s2]
        for n, spec in enumerate(SELFIE, 1):
            maps.append(self.mb(f"mb{n}", spec, maps[-1], tf.nn.relu if n < 4 else hard_swish))
        s4, s8, h = maps[1], maps[3], maps[-1]
        gate = tf.sigmoid(self.conv("context_gate", tf.reduce_mean(h, (1, 2), keepdims=True)))
        h = tf.nn.relu(self.conv("context", h)) * gate
        for name, skip in (("dec8", s8), ("dec4", s4), ("dec2", s2)):
            h = self.decoder(name, h, skip)
        size = [1, 2 * h.shape[1], 2 * h.shape[2], 1]
        y = tf.nn.conv2d_transpose(h, self.weight("head", (2, 3, 1, 0)), size, 2, "SAME")
        return tf.sigmoid(y + self.bias("head"))


def ready(workload):
    """The interpreter and its input, if the workload is the network."""
    if workload.get("model") != "selfie":
        return None
    n, c, h, w = workload["shape"]
    net = Net(load_file(os.environ["UPCONV_BENCH_WEIGHTS"]))
    graph = tf.function(net).get_concrete_function(tf.TensorSpec((n, h, w, c), tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([graph])
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    interpreter = tf.lite.Interpreter(model_content=converter.convert(), num_threads=threads)
    interpreter.allocate_tensors()
    x = fill(workload["shape"], 1).transpose(0, 2, 3, 1)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.ascontiguousarray(x))
    return interpreter


def answer(interpreter, request):
    if interpreter is None or request["mode"] not in ("fwd", "check"):
        return {"error": "unsupported"}
    interpreter.invoke()
    if request["mode"] == "check":
        y = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        return checksum(y.transpose(0, 3, 1, 2))
    times = []
    for _ in range(request["reps"]):
        start = time.perf_counter()
        interpreter.invoke()
        times.append((time.perf_counter() - start) * 1e3)
    return {"ms": times}


def main():
    last, interpreter = None, None
    for line in sys.stdin:
        request = json.loads(line)
        if request["workload"] != last:
            last, interpreter = request["workload"], ready(request["workload"])
        print(json.dumps(answer(interpreter, request)), file=reply, flush=True)


if __name__ == "__main__":
    main()
