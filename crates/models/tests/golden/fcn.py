"""Write fcn.json: what TensorFlow and Caffe's rules make of narrow FCNs.

    python fcn.py

TensorFlow computes the SAME form with given output sizes. Caffe's form is put together of
PyTorch's operations, which have its rules: 100 zeros around the picture, pooling that
rounds up, and crops at the offsets of the published nets.

Weights and pictures are waves, so that nothing else needs to be stored: value i of
parameter number n, both from 0 and row-major in PyTorch's order of axes, is
scale * sin(0.37 i + n).
"""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf
import torch
import torch.nn.functional as F

CHANNELS, HEAD, CLASSES = (3, 4, 5, 6, 4), 7, 2
DEPTHS = (2, 2, 3, 3, 3)


def parameters(finest):
    """Names and shapes in the order of the network's fields."""
    before = 3
    for block, (to, depth) in enumerate(zip(CHANNELS, DEPTHS), 1):
        for n in range(depth):
            yield f"block{block}.{n}.weight", (to, before, 3, 3)
            yield f"block{block}.{n}.bias", (to,)
            before = to
    for name, shape in (("fc6", (HEAD, before, 7, 7)), ("fc7", (HEAD, HEAD, 1, 1)),
                        ("score", (CLASSES, HEAD, 1, 1))):
        yield name + ".weight", shape
        yield name + ".bias", shape[:1]
    if finest <= 16:
        yield "score4.weight", (CLASSES, CHANNELS[3], 1, 1)
        yield "score4.bias", (CLASSES,)
    if finest <= 8:
        yield "score3.weight", (CLASSES, CHANNELS[2], 1, 1)
        yield "score3.bias", (CLASSES,)
    if finest <= 16:
        yield "up2.weight", (CLASSES, CLASSES, 4, 4)
    if finest <= 8:
        yield "up4.weight", (CLASSES, CLASSES, 4, 4)
    yield f"up{finest}.weight", (CLASSES, CLASSES, 2 * finest, 2 * finest)


def weights(finest):
    made = {}
    for n, (name, shape) in enumerate(parameters(finest)):
        scale = 0.1
        if len(shape) == 4:
            scale = (4 / np.prod(shape[1:])) ** 0.5
        values = scale * np.sin(0.37 * np.arange(np.prod(shape)) + n)
        made[name] = values.astype(np.float32).reshape(shape)
    return made


def picture(h, w):
    return np.sin(0.013 * np.arange(3 * h * w) ** 1.1).astype(np.float32).reshape(1, 3, h, w)


def tensorflow(w, x, finest):
    def conv(name, x):
        kernel = np.transpose(w[name + ".weight"], (2, 3, 1, 0))
        return tf.nn.conv2d(x, kernel, 1, "SAME") + w[name + ".bias"]

    def up(name, x, like, stride):
        # [in, out, kh, kw] to [kh, kw, out, in].
        kernel = np.transpose(w[name + ".weight"], (2, 3, 1, 0))
        shape = [1, like.shape[1], like.shape[2], CLASSES]
        return tf.nn.conv2d_transpose(x, kernel, shape, stride, "SAME")

    picture = x = tf.constant(np.transpose(x, (0, 2, 3, 1)))
    maps = []
    for block, depth in enumerate(DEPTHS, 1):
        for n in range(depth):
            x = tf.nn.relu(conv(f"block{block}.{n}", x))
        x = tf.nn.max_pool2d(x, 2, 2, "SAME")
        maps.append(x)
    for name in ("fc6", "fc7"):
        x = tf.nn.relu(conv(name, x))
    x = conv("score", x)
    if finest <= 16:
        x = up("up2", x, maps[3], 2) + conv("score4", maps[3])
    if finest <= 8:
        x = up("up4", x, maps[2], 2) + conv("score3", maps[2])
    x = up(f"up{finest}", x, picture, finest)
    return np.transpose(x.numpy(), (0, 3, 1, 2))


def caffe(w, x, finest):
    w = {name: torch.from_numpy(value) for name, value in w.items()}

    def conv(name, x, padding):
        return F.conv2d(x, w[name + ".weight"], w[name + ".bias"], padding=padding)

    def up(name, x, stride):
        return F.conv_transpose2d(x, w[name + ".weight"], stride=stride)

    def crop(x, offset, like):
        return x[:, :, offset:offset + like.shape[2], offset:offset + like.shape[3]]

    picture = x = torch.from_numpy(x)
    maps = []
    for block, depth in enumerate(DEPTHS, 1):
        for n in range(depth):
            x = F.relu(conv(f"block{block}.{n}", x, 100 if (block, n) == (1, 0) else 1))
        x = F.max_pool2d(x, 2, ceil_mode=True)
        maps.append(x)
    x = F.relu(conv("fc6", x, 0))
    x = conv("score", F.relu(conv("fc7", x, 0)), 0)
    if finest <= 16:
        x = up("up2", x, 2)
        x = x + crop(conv("score4", maps[3], 0), 5, x)
    if finest <= 8:
        x = up("up4", x, 2)
        x = x + crop(conv("score3", maps[2], 0), 9, x)
    return crop(up(f"up{finest}", x, finest), {8: 31, 16: 27, 32: 19}[finest], picture).numpy()


def gradients(h, w):
    """Of sum(y_i sin(1.1 i)), for every parameter: its norm, and its product with sin(0.7 i).

    In double precision, at multiples of 32, where SAME is a fixed padding.
    """
    p = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True)
         for name, value in weights(8).items()}

    def waves(step, length):
        return torch.sin(step * torch.arange(length, dtype=torch.float64))

    def conv(name, x):
        weight = p[name + ".weight"]
        return F.conv2d(x, weight, p[name + ".bias"], padding=weight.shape[2] // 2)

    def up(name, x, stride):
        return F.conv_transpose2d(x, p[name + ".weight"], stride=stride, padding=stride // 2)

    x = torch.tensor(picture(h, w), dtype=torch.float64)
    maps = []
    for block, depth in enumerate(DEPTHS, 1):
        for n in range(depth):
            x = F.relu(conv(f"block{block}.{n}", x))
        x = F.max_pool2d(x, 2)
        maps.append(x)
    x = conv("score", F.relu(conv("fc7", F.relu(conv("fc6", x)))))
    x = up("up2", x, 2) + conv("score4", maps[3])
    x = up("up4", x, 2) + conv("score3", maps[2])
    y = up("up8", x, 8).flatten()
    (y * waves(1.1, len(y))).sum().backward()
    for name, value in p.items():
        gradient = value.grad.flatten()
        along = (gradient * waves(0.7, len(gradient))).sum()
        yield {"name": name, "norm": float(gradient.norm()), "along": float(along)}


def main():
    cases = []
    for form, run in (("same", tensorflow), ("caffe", caffe)):
        for finest, h, w in ((8, 37, 50), (16, 33, 41), (32, 45, 35), (8, 64, 32)):
            y = run(weights(finest), picture(h, w), finest)
            assert y.shape == (1, CLASSES, h, w)
            values = [float(f"{v:.7g}") for v in y.ravel()[::29]]
            cases.append({"form": form, "finest": finest, "size": [h, w], "values": values})
    made = {"tensorflow": tf.__version__, "torch": torch.__version__, "every": 29, "cases": cases,
            "gradients": list(gradients(96, 64))}
    text = json.dumps(made).replace('{"form"', '\n{"form"').replace('{"name"', '\n{"name"')
    Path(__file__).with_suffix(".json").write_text(text + "\n")


if __name__ == "__main__":
    main()
