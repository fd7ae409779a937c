"""Write decoders.json: what PyTorch makes of a narrow SegNet that unpools and a narrow U-Net
that shuffles pixels, in evaluation.

    python decoders.py

Value i of parameter number n, both from 0 and row-major, is scale * sin(0.37 i + n), and 1
more for gamma and running_var, where the scale is 0.5.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F

DEPTHS = (2, 2, 3, 3, 3)


class Waves:
    """Parameters in the order of the network's fields, each made when it is asked for."""

    def __init__(self):
        self.number = 0

    def __call__(self, *shape, norm=False):
        length = torch.Size(shape).numel()
        scale = 0.5 if norm else 0.1
        if len(shape) == 4:
            scale = (4 / (length / shape[0])) ** 0.5
        wave = scale * torch.sin(0.37 * torch.arange(length, dtype=torch.float64) + self.number)
        self.number += 1
        return (wave + norm).reshape(shape)

    def norm(self, channels):
        gamma, beta = self(channels, norm=True), self(channels)
        mean, variance = self(channels), self(channels, norm=True)
        return lambda x: F.batch_norm(x, mean, variance, gamma, beta)

    def conv(self, before, after, kernel=3, bias=True):
        weight, bias = self(after, before, kernel, kernel), self(after) if bias else None
        return lambda x: F.conv2d(x, weight, bias, padding=kernel // 2)

    def normed(self, before, after, bias):
        conv, norm = self.conv(before, after, bias=bias), self.norm(after)
        return lambda x: F.relu(norm(conv(x)))


def run(layers, x):
    for layer in layers:
        x = layer(x)
    return x


def segnet(x, channels=(3, 4, 5, 6, 4), classes=2):
    w, before = Waves(), (3, *channels)
    down = [[w.normed(before[level] if n == 0 else channels[level], channels[level], True)
             for n in range(depth)] for level, depth in enumerate(DEPTHS)]
    merge = []
    for level in reversed(range(5)):
        last = DEPTHS[level] - 1
        merge.append([w.normed(channels[level], before[level] if n == last else channels[level], True)
                      for n in range(last + (level > 0))])
    head = w.conv(channels[0], classes)
    places = []
    for block in down:
        x, positions = F.max_pool2d(run(block, x), 2, return_indices=True)
        places.append(positions)
    for block in merge:
        x = run(block, F.max_unpool2d(x, places.pop(), 2))
    return head(x)


def unet(x, base=3, classes=2):
    w, channels = Waves(), [base << level for level in range(5)]
    double = lambda a, b: [w.normed(a, b, False), w.normed(b, b, False)]
    down = [double(3 if level == 0 else channels[level - 1], channels[level]) for level in range(5)]
    up = [w.conv(channels[level + 1], 4 * channels[level]) for level in reversed(range(4))]
    merge = [double(channels[level + 1], channels[level]) for level in reversed(range(4))]
    head = w.conv(base, classes, 1)
    seen = []
    for level, block in enumerate(down):
        x = run(block, F.max_pool2d(x, 2) if level else x)
        seen.append(x)
    seen.pop()
    for conv, block in zip(up, merge):
        x = run(block, torch.cat([seen.pop(), F.pixel_shuffle(conv(x), 2)], 1))
    return head(x)


def main():
    x = torch.sin(0.013 * torch.arange(3 * 64 * 32, dtype=torch.float64) ** 1.1)
    x = x.reshape(1, 3, 64, 32)
    made = {"torch": torch.__version__, "every": 29}
    for name, net in (("segnet", segnet), ("unet", unet)):
        made[name] = [float(f"{v:.7g}") for v in net(x).flatten()[::29]]
    text = json.dumps(made).replace('"segnet"', '\n"segnet"').replace('"unet"', '\n"unet"')
    Path(__file__).with_suffix(".json").write_text(text + "\n")


if __name__ == "__main__":
    main()
