"""Write generators.json: what PyTorch makes of narrow generators of DCGAN.

    python generators.py

Parameters and latent vectors are drawn by their names, as in classifiers.py.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from classifiers import drawn, norm

LATENT, CHANNELS, EVERY = 6, (10, 8, 6, 4), 31


def up(x, name, out, **window):
    kernel = window.pop("kernel")
    weight = drawn(name + ".weight", (x.shape[1], out, kernel, kernel))
    return F.conv_transpose2d(x, weight, **window)


def dcgan(kernel):
    """The first implementations have windows of 5, PyTorch's tutorial of 4."""
    window = {"kernel": 5, "stride": 2, "padding": 2, "output_padding": 1}
    if kernel == 4:
        window = {"kernel": 4, "stride": 2, "padding": 1}
    x = 1.7 * drawn("input", (2, LATENT, 1, 1))
    x = torch.relu(norm(up(x, "project", CHANNELS[0], kernel=4), "project_norm"))
    for step, out in enumerate(CHANNELS[1:]):
        x = torch.relu(norm(up(x, f"up.{step}.conv", out, **window), f"up.{step}.norm"))
    return torch.tanh(up(x, "last", 3, **window))


def main():
    cases = []
    for kernel in (4, 5):
        y = dcgan(kernel)
        assert y.shape == (2, 3, 64, 64) and y.std() > 1e-2
        values = [float(f"{v:.7g}") for v in y.flatten()[::EVERY].tolist()]
        cases.append({"kernel": kernel, "every": EVERY, "values": values})
    path = Path(__file__).with_suffix(".json")
    path.write_text("[\n" + ",\n".join("  " + json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
