"""Write cvgj.json: layers with weights, and the shapes of these, of the ResNets of cvjena/cnn-models.

    python cvgj.py FOLDER

FOLDER is a checkout of that repository (a0ade4d); read are the deploy prototxts of ResNet10_cvgj
and ResNet50_cvgj. A prototxt says how many channels a layer makes; how many it reads is followed
from layer to layer here.
"""

import json
import re
import sys
from pathlib import Path


def parsed(text):
    """A message of protobuf's text form: names and lists of values."""
    words = iter(re.findall(r'"[^"]*"|[{}]|[^\s{}:"]+', re.sub(r"#.*", "", text)))

    def message():
        fields = {}
        for word in words:
            if word == "}":
                break
            value = next(words)
            fields.setdefault(word, []).append(message() if value == "{" else value.strip('"'))
        return fields

    return message()


def shapes(layer, channels):
    """Of the blobs that a layer learns, and the channels that it makes of those it reads."""
    kind = layer["type"][0]
    if kind == "Convolution":
        given = layer["convolution_param"][0]
        assert set(given) <= {"num_output", "pad", "kernel_size", "stride", "bias_term", "weight_filler", "bias_filler"}
        out, side = int(given["num_output"][0]), int(given["kernel_size"][0])
        bias = given.get("bias_term") != ["false"]
        return [[out, channels, side, side]] + [[out]] * bias, out
    if kind == "InnerProduct":
        out = int(layer["inner_product_param"][0]["num_output"][0])
        return [[out, channels], [out]], out
    if kind == "BatchNorm":
        return [[channels], [channels], [1]], channels
    if kind == "Scale":
        assert layer["scale_param"][0]["bias_term"] == ["true"]
        return [[channels], [channels]], channels
    assert kind in ("Input", "ReLU", "Pooling", "Eltwise", "Softmax", "Split"), kind
    return [], channels


def listed(path):
    channels, found = {}, []
    for layer in parsed(path.read_text())["layer"]:
        name = layer["name"][0]
        read = {channels[bottom] for bottom in layer.get("bottom", [])} or {3}
        assert len(read) == 1, name
        blobs, out = shapes(layer, read.pop())
        channels.update((top, out) for top in layer["top"])
        if blobs:
            found.append([name, layer["type"][0], blobs])
    return found


folder = Path(sys.argv[1]) / "ResNet_preact"
lines = []
for model, name in (("resnet10-cvgj", "ResNet10_cvgj"), ("resnet50-cvgj", "ResNet50_cvgj")):
    layers = ",\n".join("  " + json.dumps(layer) for layer in listed(folder / name / "deploy.prototxt"))
    lines.append(f"{json.dumps(model)}: [\n{layers}\n]")
Path(__file__).with_suffix(".json").write_text("{" + ",\n".join(lines) + "}\n")
