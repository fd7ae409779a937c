"""Write sgd.json and sgd.npz: ten steps of plain SGD of a linear classifier and of one with a hidden layer of four, in
NumPy's float32, as image-classification-CIFAR10-tf makes them.

    python sgd.py

Pixel p of picture n, both from 0, p in the order of CIFAR-10's files, is (31 n + 7 p + (n p) % 13) % 256; its
class is n % 10. There are 20 pictures, in batches of 5, in order, again and again; inputs are pixels less their mean
picture. The next ten pictures, less the same mean, are for testing. Weight i of parameter number k, row-major [out, in], begins as 0.02 sin(0.37 i + k), and biases as 0.
"""

import json
from pathlib import Path

import numpy as np

F = np.float32
N, TESTS, BATCH, STEPS, PIXELS, CLASSES = 20, 10, 5, 10, 3072, 10


def pictures(numbers):
    n, p = numbers[:, None], np.arange(PIXELS)[None, :]
    return ((31 * n + 7 * p + (n * p) % 13) % 256).astype(np.uint8), numbers % CLASSES


MEAN = pictures(np.arange(N))[0].astype(np.float64).mean(0)


def data(numbers):
    x, y = pictures(numbers)
    return x.astype(F) - MEAN.astype(F), y


def waves(out, inputs, number):
    return (0.02 * np.sin(0.37 * np.arange(out * inputs) + number)).astype(F).reshape(out, inputs)


def forward(layers, x):
    """What every layer reads, and the scores."""
    inputs, h = [], x
    for index, (w, b) in enumerate(layers):
        inputs.append(h)
        h = h @ w.T + b
        if index + 1 < len(layers):
            h = np.maximum(h, F(0))
    return inputs, h


def cross_entropy(h, y):
    """The loss, and the logarithms of the probabilities."""
    top = h - h.max(1, keepdims=True)
    logarithms = top - np.log(np.exp(top).sum(1, keepdims=True))
    return -logarithms[np.arange(len(y)), y].mean(), logarithms


def step(layers, x, y, rate, penalty):
    """One step in place; the loss before it. The penalty is half of the sum of squares of the weights."""
    inputs, h = forward(layers, x)
    loss, logarithms = cross_entropy(h, y)
    loss += F(penalty) * sum((w * w).sum() for w, _ in layers) / F(2)
    gradient = np.exp(logarithms)
    gradient[np.arange(len(y)), y] -= F(1)
    gradient /= F(len(y))
    for index in reversed(range(len(layers))):
        (w, b), x = layers[index], inputs[index]
        dw, db = gradient.T @ x + F(penalty) * w, gradient.sum(0)
        if index:
            gradient = (gradient @ w) * (x > 0)
        w -= F(rate) * dw
        b -= F(rate) * db
    return float(loss)


def run(names, shapes, rate, penalty):
    x, y = data(np.arange(N))
    layers = [(waves(o, i, k), np.zeros(o, F)) for k, (o, i) in enumerate(shapes)]
    losses = []
    for number in range(STEPS):
        rows = [(number * BATCH + at) % N for at in range(BATCH)]
        losses.append(step(layers, x[rows], y[rows], rate, penalty))
    x, y = data(np.arange(N, N + TESTS))
    _, scores = forward(layers, x)
    test = {"loss": float(cross_entropy(scores, y)[0]), "accuracy": float((scores.argmax(1) == y).mean())}
    arrays = {}
    for name, (w, b) in zip(names, layers):
        arrays |= {name + ".weight": w, name + ".bias": b}
    return {"losses": losses, "test": test}, arrays


softmax, of_softmax = run(["layer2"], [(CLASSES, PIXELS)], 0.005, 0.0)
two_layer, of_two_layer = run(["layer1", "layer2"], [(4, PIXELS), (CLASSES, 4)], 0.001, 0.1)
found = {"numpy": np.__version__, "softmax": softmax, "two_layer": two_layer}
Path(__file__).with_name("sgd.json").write_text(json.dumps(found, indent=1) + "\n")
arrays = {"mean": MEAN.astype(F)}
arrays |= {"softmax." + name: array for name, array in of_softmax.items()}
arrays |= {"two_layer." + name: array for name, array in of_two_layer.items()}
np.savez_compressed(Path(__file__).with_name("sgd.npz"), **arrays)
