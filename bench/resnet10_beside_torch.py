"""Train CVGJ's ResNet-10 in upconv and in PyTorch, alike, and compare what both have learned.

    cargo build --release -p upconv
    python resnet10_beside_torch.py FOLDER [--write] [--seeds 3]

FOLDER gets two sets of drawn shapes of 32x32 pixels (5,000 to learn from, 5,000 others to test), the weights that each
seed begins with, what both have learned and what was measured; what is there is used again. Both begin with the same weights,
drawn as CVGJ's networks draw them, and are trained by CVGJ's recipe in small: SGD with momentum 0.9, a rate that falls in
a straight line and is twice as high for biases, weight decay 1e-4 of all. Inputs are bytes, nothing is cropped or mirrored.
The order of the pictures is each program's own: about the same accuracy is to be expected, not the same numbers.

That the networks are the same is checked by giving the weights that upconv has learned to PyTorch, which must find the
accuracy and the loss that upconv finds. Where the means are more than a point apart it exits with 1. --write puts the
table into docs/results/classify*.md.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

import pages
from export_weights import NORM

MODEL, CLASSES, SIZE = "resnet10-cvgj", 10, 32
EPOCHS, BATCH, RATE, MOMENTUM, DECAY = 5, 20, 0.01, 0.9, 1e-4


def conv(cin, cout, kernel, stride=1, bias=False):
    return nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=bias)


def norm(channels):
    # Caffe keeps 0.999 of the statistics; PyTorch states the other share.
    return nn.BatchNorm2d(channels, momentum=0.001)


class Block(nn.Module):
    """The very first one has no norm before it, and no `expand`."""

    def __init__(self, cin, cout):
        super().__init__()
        first = cin == cout
        self.bn1 = None if first else norm(cin)
        self.conv1, self.bn2 = conv(cin, cout, 3, 1 if first else 2), norm(cout)
        self.conv2 = conv(cout, cout, 3)
        self.expand = None if first else conv(cin, cout, 1, 2)

    def forward(self, x):
        before = F.relu(self.bn1(x)) if self.bn1 else x
        h = self.conv2(F.relu(self.bn2(self.conv1(before))))
        return h + (self.expand(before) if self.expand else x)


class ResNet10(nn.Module):
    """resnet_preact.py of cvjena/cnn-models, with upconv's names."""

    def __init__(self):
        super().__init__()
        self.data_bn = norm(3)
        self.conv1, self.bn1 = conv(3, 64, 7, 2, bias=True), norm(64)
        for number, (cin, cout) in enumerate(((64, 64), (64, 128), (128, 256), (256, 512)), 1):
            setattr(self, f"layer{number}", nn.Sequential(Block(cin, cout)))
        self.last_bn = norm(512)
        self.fc = nn.Linear(512, CLASSES)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(self.data_bn(x))))
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(F.relu(self.last_bn(x)).mean((2, 3)))


def tensors(net):
    """The network's tensors by upconv's names, without copying them."""
    named = {}
    for name, part in net.named_modules():
        own = {**dict(part.named_parameters(recurse=False)), **dict(part.named_buffers(recurse=False))}
        own.pop("num_batches_tracked", None)
        is_norm = isinstance(part, nn.BatchNorm2d)
        named.update((f"{name}.{NORM[field] if is_norm else field}", t.detach()) for field, t in own.items())
    return named


def drawn(seed, x):
    """The network as training begins: CVGJ's "msra" fillers, and scores of 0."""
    torch.manual_seed(seed)
    net = ResNet10()
    for name, part in net.named_modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out" if name == "conv1" else "fan_in")
    nn.init.zeros_(net.conv1.bias)
    nn.init.zeros_(net.fc.weight)
    nn.init.zeros_(net.fc.bias)
    # Of bytes a run of this length would not find the statistics: it begins with them.
    net.data_bn.running_mean.copy_(x.mean((0, 2, 3)))
    net.data_bn.running_var.copy_(x.var((0, 2, 3)))
    return net


def save(net, path):
    picture = {"size": [SIZE, SIZE], "order": "RGB", "range": [0, 255], "resize": "bilinear", "fit": "stretch"}
    config = {"form": "preactivated", "kind": "basic", "blocks": [1] * 4, "bias": "first", "classes": CLASSES}
    about = {"schema": 1, "model": MODEL, "config": config, "input": picture}
    save_file(tensors(net), path, {"upconv": json.dumps(about)})


def load(net, path):
    stored = load_file(path)
    for name, tensor in tensors(net).items():
        tensor.copy_(stored[name])


def pictures(folder, names):
    """Bytes as floats, `[n, 3, 32, 32]`, and classes."""
    files = [np.fromfile(folder / "cifar-10-batches-bin" / name, np.uint8) for name in names]
    rows = torch.from_numpy(np.concatenate(files).reshape(-1, 1 + 3 * SIZE * SIZE))
    return rows[:, 1:].reshape(-1, 3, SIZE, SIZE).float(), rows[:, 0].long()


def train(net, x, labels):
    twice = [p for name, p in net.named_parameters() if name.endswith("bias")]
    once = [p for name, p in net.named_parameters() if not name.endswith("bias")]
    groups = [{"params": once}, {"params": twice, "lr": 2 * RATE}]
    optimiser = torch.optim.SGD(groups, RATE, MOMENTUM, weight_decay=DECAY)
    steps = EPOCHS * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / steps)
    net.train()
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x)).split(BATCH):
            optimiser.zero_grad()
            F.cross_entropy(net(x[batch]), labels[batch]).backward()
            optimiser.step()
            schedule.step()


def measure(net, x, labels):
    net.eval()
    with torch.no_grad():
        scores = torch.cat([net(part) for part in x.split(500)])
    right = (scores.argmax(1) == labels).double().mean().item()
    return {"accuracy": right, "loss": F.cross_entropy(scores, labels).item()}


def ours(args, data, others, start, run, seed):
    settings = {
        "run.length": f'"{EPOCHS} epochs"', "data.batch": BATCH, "data.validation": 0,
        "data.jitter": "{shift = 0, flip = false}", "fresh_head": "false", "net.rate": RATE,
        "net.optimiser": f'{{kind = "sgd", momentum = {MOMENTUM}, nesterov = false, weight_decay = {DECAY}}}',
        "net.schedule": '{kind = "linear", last = 0.0}',
        # What PyTorch calls the bias of a norm is its beta.
        "net.groups": '[{parameters = ["bias", "beta"], rate_factor = 2.0}]',
    }
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    weights = run / "finetuned.safetensors"
    if not weights.is_file():
        shutil.rmtree(run, ignore_errors=True)
        pages.ask(args.upconv, "finetune", MODEL, "--weights", start, "--data", data, "--out", run, "--seed", seed,
                  "--threads", args.threads, *words)
    metrics = pages.ask(args.upconv, "eval", MODEL, "--weights", weights, "--data", others)["metrics"]
    return weights, {"accuracy": metrics["accuracy"], "loss": metrics["loss"]}


def theirs(args, net, learn, seed):
    """The network as PyTorch trains it."""
    weights = args.folder / f"torch{seed}.safetensors"
    if weights.is_file():
        load(net, weights)
    else:
        train(net, *learn)
        save(net, weights)
    return net


def compared(args, seed, data, others):
    """What both have learned: accuracy and loss."""
    kept = args.folder / f"seed{seed}.json"
    if kept.is_file():
        return json.loads(kept.read_text())
    learn = pictures(data, [f"data_batch_{n}.bin" for n in range(1, 6)])
    test = pictures(others, ["test_batch.bin"])
    net, start = drawn(seed, learn[0]), args.folder / f"start{seed}.safetensors"
    save(net, start)
    weights, upconv = ours(args, data, others, start, args.folder / f"run{seed}", seed)
    torch_ = measure(theirs(args, net, learn, seed), *test)
    load(net, weights)
    again = measure(net, *test)
    # A picture whose two best scores are almost the same may go either way.
    if any(abs(again[key] - upconv[key]) > 1e-3 for key in again):
        sys.exit(f"seed {seed}: with upconv's weights, upconv finds {upconv}, PyTorch {again}")
    row = {"seed": seed, "upconv": upconv, "torch": torch_}
    kept.write_text(json.dumps(row))
    print(row, flush=True)
    return row


def table(rows, language):
    heads = [("seed", "upconv", "PyTorch", "difference in points"),
             ("种子", "upconv", "PyTorch", "相差百分点")][language]
    each = [(row["seed"], row["upconv"]["accuracy"], row["torch"]["accuracy"]) for row in rows]
    mean = (("mean", "平均")[language], *(statistics.fmean(line[at] for line in each) for at in (1, 2)))
    cells = [(name, f"{a:.2%}", f"{b:.2%}", f"{100 * (a - b):+.2f}") for name, a, b in [*each, mean]]
    return pages.markdown(heads, cells), mean[1] - mean[2]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("folder", type=pathlib.Path)
    ap.add_argument("--upconv", default="../target/release/upconv")
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--seeds", type=int, default=3)
    ap.add_argument("--write", action="store_true", help="the table into the pages")
    args = ap.parse_args()
    torch.set_num_threads(args.threads)
    args.folder.mkdir(parents=True, exist_ok=True)
    data = pages.pictures(args.upconv, args.folder / "pictures", 6000)
    others = pages.pictures(args.upconv, args.folder / "others", 30000, "--seed", 2)
    rows = [compared(args, seed, data, others) for seed in range(1, args.seeds + 1)]
    tables, differences = zip(*(table(rows, language) for language in (0, 1)))
    print(tables[0])
    if abs(differences[0]) > 0.01:
        sys.exit("more than a point apart")
    if args.write:
        pages.write("resnet10", tables)


if __name__ == "__main__":
    main()
