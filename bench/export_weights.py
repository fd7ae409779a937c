"""Write the weights of the models of models.py for `upconv bench --serve`.

    python export_weights.py OUT.safetensors [MODEL ...]
    UPCONV_BENCH_WEIGHTS=OUT.safetensors upconv bench --serve

Tensors are called MODEL.NAME, with the names that upconv has for them. Without a
MODEL, all five are written (0.7 GB).
"""

import sys

from safetensors.torch import save_file

import models


def fcn8s():
    """What each part of FCN8s is called here: pairs of PyTorch's name and ours."""
    yield from zip(("to_pool3.0", "to_pool3.2", "to_pool3.5", "to_pool3.7"),
                   ("block1.0", "block1.1", "block2.0", "block2.1"))
    yield from ((f"to_pool3.{10 + 2 * n}", f"block3.{n}") for n in range(3))
    yield from ((f"to_pool4.{2 * n}", f"block4.{n}") for n in range(3))
    yield from ((f"to_score.{2 * n}", f"block5.{n}") for n in range(3))
    yield from (("to_score.7", "fc6"), ("to_score.9", "fc7"), ("to_score.11", "score"))
    yield from (("score4", "score4"), ("score3", "score3"))
    yield from (("up2a", "up2"), ("up2b", "up4"), ("up8", "up8"))


def resnet50():
    yield from (("features.0", "conv1"), ("features.1", "bn1"), ("fc", "fc"))
    number = 4
    for stage, blocks in enumerate((3, 4, 6, 3), 1):
        for n in range(blocks):
            theirs, ours = f"features.{number}", f"layer{stage}.{n}"
            number += 1
            for k in range(3):
                yield f"{theirs}.body.{3 * k}", f"{ours}.conv{k + 1}"
                yield f"{theirs}.body.{3 * k + 1}", f"{ours}.bn{k + 1}"
            if n == 0:
                yield f"{theirs}.skip.0", f"{ours}.downsample.conv"
                yield f"{theirs}.skip.1", f"{ours}.downsample.bn"


def dcgan():
    yield from (("net.0", "project"), ("net.1", "project_norm"), ("net.12", "last"))
    for n in range(3):
        yield f"net.{3 * n + 3}", f"up.{n}.conv"
        yield f"net.{3 * n + 4}", f"up.{n}.norm"


def unet32():
    yield "head", "head"
    yield from ((f"up.{n}", f"up.{n}") for n in range(4))
    for part, levels in (("down", 5), ("merge", 4)):
        for n in range(levels):
            for k in range(2):
                yield f"{part}.{n}.{3 * k}", f"{part}.{n}.conv{k + 1}"
                yield f"{part}.{n}.{3 * k + 1}", f"{part}.{n}.bn{k + 1}"


def selfie():
    """Both have the same names."""
    for name, part in models.Selfie().named_modules():
        if hasattr(part, "weight"):
            yield name, name


NAMES = {"fcn8s": fcn8s, "resnet50": resnet50, "dcgan": dcgan, "unet32": unet32, "selfie": selfie}

# Batch norm has other words for its factors here.
NORM = {"weight": "gamma", "bias": "beta", "running_mean": "running_mean",
        "running_var": "running_var"}


def main():
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(NAMES):
        sys.exit(__doc__)
    tensors = {}
    for model in sys.argv[2:] or NAMES:
        parts = dict(models.build(model).named_modules())
        for theirs, ours in NAMES[model]():
            part = parts[theirs]
            norm = hasattr(part, "running_mean")
            for field, tensor in part.state_dict().items():
                if field != "num_batches_tracked":
                    tensors[f"{model}.{ours}.{NORM[field] if norm else field}"] = tensor
    save_file(tensors, sys.argv[1])
    print(f"{sys.argv[1]}: {len(tensors)} tensors")


if __name__ == "__main__":
    main()
