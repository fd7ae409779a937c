"""Writes the samples of tests/torch.rs with PyTorch 2.8.0, and what PyTorch itself loads from them.

    python3 make.py
"""
import argparse
import collections
import io
import json
import os
import struct
import sys
import zipfile

import numpy as np
import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32,
         torch.int16, torch.int8, torch.uint8, torch.bool]
NAMES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
         torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8",
         torch.uint8: "U8", torch.bool: "BOOL", torch.uint16: "U16", torch.uint32: "U32", torch.uint64: "U64"}


def values(*shape, dtype=torch.float32):
    count = int(np.prod(shape))
    return (torch.arange(count, dtype=torch.float64) * 1.37 - 3.1).to(dtype).reshape(shape)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, (1, 2))
        self.norm = nn.BatchNorm2d(3)
        self.register_buffer("kept", values(2))
        self.register_buffer("dropped", values(3), persistent=False)
        self.register_parameter("absent", None)

    def forward(self, x):
        return self.norm(self.conv(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block()
        self.layers = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2, bias=False)])
        self.scale = nn.Parameter(torch.tensor(0.5))
        self.note = "text"

    def forward(self, x):
        return self.block(x) * self.scale


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(values(2, 2).t())
        self.register_buffer("count", torch.tensor(3))

    def forward(self, x):
        return x @ self.weight + self.count


class Outer(nn.Module):
    """For TorchScript, which writes the code of all that it is made of: nothing is PyTorch's."""

    def __init__(self):
        super().__init__()
        self.inner = Inner()
        self.scale = nn.Parameter(torch.tensor([0.5]))

    def forward(self, x):
        return self.inner(x) * self.scale + torch.tensor([1.0, 2.0])


class Evil:
    def __reduce__(self):
        return os.system, ("touch torch-pickle-was-run",)


def kinds():
    return {str(kind).split(".")[1]: values(2, 3, dtype=kind) for kind in KINDS}


def views():
    """Tensors that do not lie in their storage from its begin to its end, row by row."""
    base = values(4, 6)
    return {
        "whole": base,
        "transposed": base.t(),
        "row": base[2],
        "column": base[:, 3],
        "every_other": base[1::2, ::3],
        "channels_last": values(2, 3, 2, 2).contiguous(memory_format=torch.channels_last),
        "expanded": values(3, 1).expand(3, 4),
        "tied": base,
        "scalar": torch.tensor(-1.5),
        "of_storage": base[3, 5],
        "empty": values(0, 3),
        "one": values(1, 1)[:, 0],
    }


def nested():
    net = Net()
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 2, 3, 4)).sum().backward()
    optimizer.step()
    return {
        "epoch": 3,
        "loss": 0.25,
        "name": "nested",
        "nothing": None,
        "netG_state_dict": net.state_dict(),
        "model": {"w": nn.Parameter(values(2)), 7: values(1), ("a", 1): values(1)},
        "optimizer": optimizer.state_dict(),
        "history": [values(2), 5],
        "options": argparse.Namespace(width=3),
        "random": np.arange(3),
    }


def save(name, value, **how):
    torch.save(value, os.path.join(HERE, name), **how)


def big_endian(name, value):
    """What PyTorch writes on a machine that puts the highest byte first."""
    file = io.BytesIO()
    torch.save(value, file)
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(os.path.join(HERE, name), "w") as new:
        for entry in old.namelist():
            content = old.read(entry)
            if entry.endswith("/byteorder"):
                content = b"big"
            if "/data/" in entry:
                content = np.frombuffer(content, "<f4").astype(">f4").tobytes()
            new.writestr(zipfile.ZipInfo(entry), content)


def script(name, module):
    """TorchScript, without the places of source code on this machine."""
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(module), file)
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(os.path.join(HERE, name), "w") as new:
        for entry in old.namelist():
            if not entry.endswith(".debug_pkl"):
                new.writestr(zipfile.ZipInfo(entry), old.read(entry))


def old_views(name, base):
    """A file as versions before 0.4 wrote it: tensors name parts of storages."""
    import pickle
    key = "94000000000000"

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if isinstance(value, tuple) and value[:1] == ("part",):
                _, begin, cells = value
                view = (key + str(begin), begin, cells)
                return ("storage", torch.FloatStorage, key, "cpu", base.numel(), view)
            return None

    def tensor(begin, shape, strides):
        class Made:
            def __reduce__(self):
                return torch._utils._rebuild_tensor, (("part", begin, 8), 1, shape, strides)
        return Made()

    with open(os.path.join(HERE, name), "wb") as file:
        for value in (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True}):
            pickle.dump(value, file, protocol=2)
        objects = collections.OrderedDict(a=tensor(4, (2, 2), (2, 1)), b=tensor(10, (2,), (3,)))
        Pickler(file, protocol=2).dump(objects)
        pickle.dump([key], file, protocol=2)
        file.write(struct.pack("<q", base.numel()) + base.numpy().tobytes())


def write():
    torch.manual_seed(1)
    # The legacy form holds the source code of every module: here no more than a line.
    torch.serialization.get_source_lines_and_file = lambda *_: (["class Net: ...\n"], 1, "net.py")
    net, everything = Net(), nested()
    forms = [("zip", dict()), ("legacy", dict(_use_new_zipfile_serialization=False))]
    for form, how in forms:
        save("kinds_%s.pt" % form, kinds(), **how)
        save("views_%s.pt" % form, views(), **how)
        save("state_%s.pt" % form, net.state_dict(), **how)
        save("nested_%s.pt" % form, everything, **how)
        save("module_%s.pt" % form, net, **how)
        save("protocol4_%s.pt" % form, collections.OrderedDict(a=values(2), s={1}), pickle_protocol=4, **how)
        save("tensor_%s.pt" % form, values(2, 2), **how)
        save("list_%s.pt" % form, [values(2), (values(1), None)], **how)
        save("evil_%s.pt" % form, {"w": values(2), "e": Evil()}, **how)
        save("refused_complex_%s.pt" % form, {"w": torch.zeros(2, dtype=torch.complex64)}, **how)
        quantised = torch.quantize_per_tensor(values(4), 0.1, 0, torch.qint8)
        save("refused_quantized_%s.pt" % form, {"w": quantised}, **how)
        save("refused_sparse_%s.pt" % form, {"w": values(2, 2).to_sparse()}, **how)
        save("refused_nothing_%s.pt" % form, {"epoch": 3}, **how)
    save("refused_meta_zip.pt", {"w": torch.empty(2, device="meta")})
    save("unsigned_zip.pt", {str(n): torch.tensor([1, 2 ** n - 1], dtype=getattr(torch, "uint%d" % n)) for n in (16, 32, 64)})
    save("negative_zip.pt", {"w": torch.imag(torch.tensor([1 + 2j]).conj())})
    big_endian("big_zip.pt", {"w": values(2, 3), "t": values(2, 3).t()})
    old_views("old_legacy.pt", values(20))
    script("script_zip.pt", Outer())


def flat(name, value, found):
    """Names as the documentation of upconv_weights::torch has them."""
    join = lambda part: "%s.%s" % (name, part) if name else str(part)
    if isinstance(value, torch.Tensor):
        value = value.detach().resolve_neg().contiguous()
        cells = value.reshape(-1).view(torch.uint8) if value.numel() else torch.empty(0, dtype=torch.uint8)
        found[name or "tensor"] = {
            "dtype": NAMES[value.dtype],
            "shape": list(value.shape),
            "bytes": bytes(cells.tolist()).hex(),
        }
    elif isinstance(value, nn.Module):
        flat(name, value.state_dict(), found)
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(key, (str, int)):
                flat(join(key), item, found)
    elif isinstance(value, (list, tuple)):
        for place, item in enumerate(value):
            flat(join(place), item, found)


def expected():
    files = {}
    for name in sorted(os.listdir(HERE)):
        if not name.endswith(".pt") or name.startswith(("refused", "negative")):
            continue
        path = os.path.join(HERE, name)
        found = files[name] = {}
        if name.startswith("script"):
            loaded = torch.jit.load(path).state_dict()
        elif name.startswith("evil"):
            loaded = {"w": values(2)}  # Never loaded: it would run.
        else:
            loaded = torch.load(path, weights_only=False)
        flat("", loaded, found)
    with open(os.path.join(HERE, "expected.json"), "w") as file:
        lines = ['"%s": %s' % (name, json.dumps(found)) for name, found in files.items()]
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    write()
    expected()
    print("written with PyTorch", torch.__version__, "and Python", sys.version.split()[0])
