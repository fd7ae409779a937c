"""Write sgd.json: ten steps of plain SGD of a linear classifier and of one with a hidden layer of four, in
NumPy's float32, as image-classification-CIFAR10-tf makes them.

    python sgd.py

Pixel p of picture n, both from 0, p in the order of CIFAR-10's files, is (31 n + 7 p + (n p) % 13) % 256; its
class is n % 10. There are 20 pictures, in batches of 5, in order, again and again; inputs are pixels less the mean
picture. Weight i of parameter number k, row-major [out, in], begins as 0.02 sin(0.37 i + k), and biases as 0.
"""

import json
from pathlib import Path

import numpy as np

F = np.float32
N, BATCH, STEPS, PIXELS, CLASSES = 20, 5, 10, 3072, 10


def data():
    n, p = np.arange(N)[:, None], np.arange(PIXELS)[None, :]
    x = ((31 * n + 7 * p + (n * p) % 13) % 256).astype(np.uint8)
    mean = x.astype(np.float64).mean(0)
    return x.astype(F) - mean.astype(F), np.arange(N) % CLASSES, mean


def waves(out, inputs, number):
    return (0.02 * np.sin(0.37 * np.arange(out * inputs) + number)).astype(F).reshape(out, inputs)


def step(layers, x, y, rate, penalty):
    """One step in place; the loss before it. The penalty is half of the sum of squares of the weights."""
    inputs, h = [], x
    for index, (w, b) in enumerate(layers):
        inputs.append(h)
        h = h @ w.T + b
        if index + 1 < len(layers):
            h = np.maximum(h, F(0))
    top = h - h.max(1, keepdims=True)
    logarithms = top - np.log(np.exp(top).sum(1, keepdims=True))
    rows = np.arange(len(y))
    loss = -logarithms[rows, y].mean() + F(penalty) * sum((w * w).sum() for w, _ in layers) / F(2)
    gradient = np.exp(logarithms)
    gradient[rows, y] -= F(1)
    gradient /= F(len(y))
    for index in reversed(range(len(layers))):
        (w, b), x = layers[index], inputs[index]
        dw, db = gradient.T @ x + F(penalty) * w, gradient.sum(0)
        if index:
            gradient = (gradient @ w) * (x > 0)
        w -= F(rate) * dw
        b -= F(rate) * db
    return float(loss)


def run(shapes, rate, penalty):
    x, y, _ = data()
    layers = [(waves(o, i, k), np.zeros(o, F)) for k, (o, i) in enumerate(shapes)]
    losses = []
    for number in range(STEPS):
        rows = [(number * BATCH + at) % N for at in range(BATCH)]
        losses.append(step(layers, x[rows], y[rows], rate, penalty))
    # Every so many weights, and every bias.
    return {
        "losses": losses,
        "weights": [[float(v) for v in w.ravel()[:: max(1, w.size // 200)]] for w, _ in layers],
        "biases": [[float(v) for v in b] for _, b in layers],
    }


mean = data()[2]
found = {
    "numpy": np.__version__,
    "mean": [float(v) for v in mean[::97]],
    "softmax": run([(CLASSES, PIXELS)], 0.005, 0.0),
    "two_layer": run([(4, PIXELS), (CLASSES, 4)], 0.001, 0.1),
}
Path(__file__).with_name("sgd.json").write_text(json.dumps(found, indent=1) + "\n")
