"""Time training steps of upconv and of eager PyTorch, in turn.

    cargo build --release -p upconv-models --example training_step
    python training_steps.py --threads 2 [--json FILE] [--rounds 10]

ResNet-20 on 64 pictures of 32x32 (cross-entropy, SGD with momentum), DCGAN on 16
pictures of 64x64 (a step of the discriminator and one of the generator, Adam), and FCN-8s
with two classes on one picture of 375x1242 (cross-entropy, Adam), small and on all of
VGG-16: the networks of crates/models. Least and median time of a step, and the most
memory of the process.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

NETS = ("resnet20", "dcgan", "fcn8s_small", "fcn8s_vgg")


def resnet20():
    """One training step as a function."""
    import torch
    from torch import nn
    import torch.nn.functional as F

    class Block(nn.Module):
        def __init__(self, cin, cout, stride):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(cin, cout, 3, stride, 1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(),
                nn.Conv2d(cout, cout, 3, 1, 1, bias=False), nn.BatchNorm2d(cout))
            self.skip = nn.Identity() if stride == 1 else nn.Sequential(
                nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

        def forward(self, x):
            return F.relu(self.body(x) + self.skip(x))

    layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    cin = 16
    for cout in (16, 32, 64):
        for n in range(3):
            layers.append(Block(cin, cout, 2 if n == 0 and cout > 16 else 1))
            cin = cout
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    optimiser = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
    x, labels = torch.randn(64, 3, 32, 32), torch.arange(64) % 10

    def step():
        optimiser.zero_grad()
        F.cross_entropy(net(x), labels).backward()
        optimiser.step()
    return step


def dcgan():
    import torch
    from torch import nn
    import torch.nn.functional as F

    import models

    def half(cin, cout, norm):
        layers = [nn.Conv2d(cin, cout, 5, 2, 2, bias=not norm)]
        return layers + [nn.BatchNorm2d(cout)] * norm + [nn.LeakyReLU(0.2)]

    generator = models.DCGAN()
    discriminator = nn.Sequential(*half(3, 128, False), *half(128, 256, True),
                                  *half(256, 512, True), *half(512, 1024, True),
                                  nn.Conv2d(1024, 1, 4))
    of_g = torch.optim.Adam(generator.parameters(), 2e-4, betas=(0.5, 0.999))
    of_d = torch.optim.Adam(discriminator.parameters(), 2e-4, betas=(0.5, 0.999))
    real, z = torch.rand(16, 3, 64, 64) * 2 - 1, torch.randn(16, 100, 1, 1)

    def step():
        fake = generator(z)
        of_d.zero_grad()
        loss = F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake.detach())).mean()
        loss.backward()
        of_d.step()
        # The discriminator's own gradients are not wanted here.
        discriminator.requires_grad_(False)
        of_g.zero_grad()
        F.softplus(-discriminator(fake)).mean().backward()
        of_g.step()
        discriminator.requires_grad_(True)
    return step


def fcn8s(channels, head):
    """KittiSeg's network: every up-sampling is cropped to the size that it is added to."""
    import torch
    from torch import nn
    import torch.nn.functional as F

    class FCN8s(nn.Module):
        def __init__(self):
            super().__init__()
            cin, blocks = 3, []
            for cout, count in zip(channels, (2, 2, 3, 3, 3)):
                layers = []
                for _ in range(count):
                    layers += [nn.Conv2d(cin, cout, 3, padding=1), nn.ReLU()]
                    cin = cout
                blocks.append(nn.Sequential(*layers, nn.MaxPool2d(2, ceil_mode=True)))
            self.blocks = nn.ModuleList(blocks)
            self.head = nn.Sequential(
                nn.Conv2d(cin, head, 7, padding=3), nn.ReLU(), nn.Dropout(0.5),
                nn.Conv2d(head, head, 1), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(head, 2, 1))
            self.score4, self.score3 = nn.Conv2d(channels[3], 2, 1), nn.Conv2d(channels[2], 2, 1)
            self.up2 = nn.ConvTranspose2d(2, 2, 4, 2, 1, bias=False)
            self.up4 = nn.ConvTranspose2d(2, 2, 4, 2, 1, bias=False)
            self.up8 = nn.ConvTranspose2d(2, 2, 16, 8, 4, bias=False)

        def forward(self, x):
            size, maps = x.shape[2:], []
            for block in self.blocks:
                x = block(x)
                maps.append(x)

            def join(up, y, size):
                return up(y)[:, :, :size[0], :size[1]]
            y = join(self.up2, self.head(x), maps[3].shape[2:]) + self.score4(maps[3])
            y = join(self.up4, y, maps[2].shape[2:]) + self.score3(maps[2])
            return join(self.up8, y, size)

    net = FCN8s()
    optimiser = torch.optim.Adam(net.parameters(), 1e-5)
    x, labels = torch.randn(1, 3, 375, 1242), (torch.arange(1242) > 621).long().expand(1, 375, 1242)

    def step():
        optimiser.zero_grad()
        F.cross_entropy(net(x), labels).backward()
        optimiser.step()
    return step


def fcn8s_small():
    return fcn8s((16, 32, 64, 128, 128), 256)


def fcn8s_vgg():
    return fcn8s((64, 128, 256, 512, 512), 4096)


def worker(threads):
    import torch
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    ready = (None, None)
    for line in sys.stdin:
        request = json.loads(line)
        if ready[0] != request["net"]:
            ready = (request["net"], globals()[request["net"]]())
        ms = []
        for _ in range(request["steps"]):
            start = time.perf_counter()
            ready[1]()
            ms.append((time.perf_counter() - start) * 1e3)
        print(json.dumps({"ms": ms}), flush=True)


class Child:
    def __init__(self, command, threads):
        env = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads),
                   RAYON_NUM_THREADS=str(threads))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=env)

    def ask(self, net, steps):
        print(json.dumps({"net": net, "steps": steps}), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())["ms"]

    def peak_memory(self):
        """Most bytes of memory so far."""
        with open(f"/proc/{self.process.pid}/status") as status:
            line = next(line for line in status if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--rounds", type=int, default=10)
    ap.add_argument("--upconv", default="../target/release/examples/training_step")
    ap.add_argument("--nets", nargs="+", choices=NETS, default=NETS)
    ap.add_argument("--json")
    ap.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    args = ap.parse_args()
    if args.worker:
        return worker(args.worker)
    results = []
    for net in args.nets:
        # Fresh processes, so that the memory is that of one network.
        children = {"upconv": Child([args.upconv], args.threads),
                    "torch": Child([sys.executable, __file__, "--worker", str(args.threads)], args.threads)}
        times = {name: [] for name in children}
        for child in children.values():
            child.ask(net, 2)
        for _ in range(args.rounds):
            for name, child in children.items():
                times[name] += child.ask(net, 2)
        row = {"net": net, "threads": args.threads}
        for name, child in children.items():
            row[name] = {"ms_min": min(times[name]), "ms_median": statistics.median(times[name]),
                         "peak_bytes": child.peak_memory()}
            child.process.stdin.close()
        results.append(row)
        ours, theirs = row["upconv"], row["torch"]
        print(f"{net}: upconv {ours['ms_min']:.1f} ms, torch {theirs['ms_min']:.1f} ms, "
              f"ratio {theirs['ms_min'] / ours['ms_min']:.2f} (median "
              f"{theirs['ms_median'] / ours['ms_median']:.2f}); memory {ours['peak_bytes'] >> 20} "
              f"and {theirs['peak_bytes'] >> 20} MiB")
    if args.json:
        with open(args.json, "w") as out:
            json.dump({"steps": results}, out, indent=1)


if __name__ == "__main__":
    main()
