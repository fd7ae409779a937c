"""Write pretrained.json: what other programs make of real weights, on photos and on latent vectors.

    python pretrained.py DATA

DATA holds what `cargo xtask fetch all` brings: nsfw-onnx, efficientnet-lite0, cifar-10-model,
gan-face and photos. Needs Pillow, ONNX Runtime, onnx, PyTorch and Keras on TensorFlow.

- nsfw: ONNX Runtime on the ONNX twin of the Caffe file, before its softmax.
- efficientnet: PyTorch; the network of classifiers.py with the weights of the file.
- cifar: Keras on its own file.
- faces: PyTorch, the generator of its DCGAN tutorial, in F32; every 61st colour of every picture.

Pictures are brought to the size of the input by Pillow's BILINEAR.
"""

import json
import re
import sys
from pathlib import Path

import classifiers
import keras
import numpy as np
import onnx
import onnxruntime
import torch
from PIL import Image
from torch import nn

PHOTOS = ("chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")


def photo(data, name, size):
    """Stretched to the size, RGB from 0 to 255: [h, w, 3]."""
    picture = Image.open(data / "photos" / name).convert("RGB")
    return np.asarray(picture.resize(size, Image.BILINEAR)).astype(np.float32)


def middle(data, name, short, side):
    """The shorter side brought to `short`, and the middle cut out: RGB from 0 to 255."""
    picture = Image.open(data / "photos" / name).convert("RGB")
    w, h = picture.size
    size = (short, int(h * short / w + 0.5)) if w <= h else (int(w * short / h + 0.5), short)
    pixels = np.asarray(picture.resize(size, Image.BILINEAR)).astype(np.float32)
    top, left = ((length - side) // 2 for length in pixels.shape[:2])
    return pixels[top : top + side, left : left + side]


def nsfw(data):
    graph = onnx.load(data / "nsfw-onnx/open_nsfw.onnx")
    softmax = graph.graph.node[-1]
    assert softmax.op_type == "Softmax"
    scores = softmax.input[0]
    graph.graph.output.append(onnx.helper.make_tensor_value_info(scores, 1, None))
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])

    def run(name):
        x = photo(data, name, (224, 224))[None, :, :, ::-1] - np.array([104, 117, 123], np.float32)
        return session.run([scores], {session.get_inputs()[0].name: x})[0][0]

    return {name: rounded(run(name)) for name in PHOTOS}


def efficientnet(data):
    file = data / "efficientnet-lite0/models/efficientnet-lite0-57934424.pth"
    state = torch.load(file, map_location="cpu")

    def theirs(name):
        name, field = name.rsplit(".", 1)
        kinds = {"expand": ("_expand_conv", "_bn0"), "depthwise": ("_depthwise_conv", "_bn1"),
                 "project": ("_project_conv", "_bn2")}
        block = re.fullmatch(r"blocks\.(\d+)\.(\w+)\.(conv|bn)", name)
        if block:
            number, kind, part = block.groups()
            layer = f"_blocks.{number}.{kinds[kind][part == 'bn']}"
        else:
            layer = {"stem.conv": "_conv_stem", "stem.bn": "_bn0", "head.conv": "_conv_head",
                     "head.bn": "_bn1", "fc": "_fc"}[name]
        field = {"gamma": "weight", "beta": "bias"}.get(field, field)
        return f"{layer}.{field}"

    taken = set()

    def stored(name, shape):
        taken.add(theirs(name))
        values = state[theirs(name)]
        assert values.numel() == np.prod(shape), name
        return values.reshape(shape).double()

    drawn, classifiers.drawn = classifiers.drawn, stored

    def run(name):
        x = (middle(data, name, 256, 224) - 127) / 128
        return classifiers.efficientnet(torch.tensor(x).permute(2, 0, 1)[None].double(), 1000)[0].numpy()

    scores = {name: rounded(run(name)) for name in PHOTOS}
    classifiers.drawn = drawn
    left = {name for name in state if not name.endswith("num_batches_tracked")} - taken
    assert not left, left
    return scores


def cifar(data):
    net = keras.models.load_model(data / "cifar-10-model/trained_models/cnn_model.h5", compile=False)

    def run(name):
        x = photo(data, name, (32, 32))[None]
        # The scores, before the softmax of the last layer, if that has one.
        last = net.layers[-1]
        if getattr(last, "activation", None) is keras.activations.softmax:
            last.activation = keras.activations.linear
        return np.asarray(net(x, training=False))[0]

    return {name: rounded(run(name)) for name in PHOTOS}


class Tutorial(nn.Module):
    """The generator of PyTorch's DCGAN tutorial."""

    def __init__(self):
        super().__init__()
        layers, channels = [], (100, 512, 256, 128, 64)
        for step, (before, after) in enumerate(zip(channels, channels[1:])):
            window = (4, 1, 0) if step == 0 else (4, 2, 1)
            layers += [nn.ConvTranspose2d(before, after, *window, bias=False), nn.BatchNorm2d(after), nn.ReLU(True)]
        layers += [nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh()]
        self.main = nn.Sequential(*layers)


def faces(data):
    net = Tutorial()
    state = torch.load(data / "gan-face/weights.tar", map_location="cpu", weights_only=True)
    net.load_state_dict(state["netG_state_dict"])
    latents = (1.7 * classifiers.even("latent", 800)).reshape(8, 100, 1, 1)
    with torch.no_grad():
        pictures = net.eval().main(torch.tensor(latents).float()).numpy()
    assert np.isfinite(pictures).all()
    return {"every": 61, "colours": rounded(pictures.flatten()[::61], 6)}


def rounded(values, digits=7):
    return [float(f"{value:.{digits}g}") for value in np.asarray(values).flatten()]


def main():
    data = Path(sys.argv[1])
    with torch.no_grad():
        results = {
            "versions": {p.__name__: p.__version__ for p in (torch, keras, onnxruntime, Image)},
            "nsfw": nsfw(data), "efficientnet": efficientnet(data), "cifar": cifar(data), "faces": faces(data),
        }
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(results, indent=None).replace('], "', '],\n "').replace('}, "', '},\n"') + "\n")
    for photo_name in PHOTOS:
        print(photo_name, results["nsfw"][photo_name])
        e = torch.tensor(results["efficientnet"][photo_name]).softmax(0).topk(3)
        print("  efficientnet", list(zip(e.indices.tolist(), e.values.tolist())))
        print("  cifar", [round(v, 2) for v in results["cifar"][photo_name]])


if __name__ == "__main__":
    main()
