"""Write classifiers.json: what PyTorch, TensorFlow and ONNX Runtime make of narrow classifiers.

    python classifiers.py [FOLDER]

FOLDER holds the graphs of the package onnx (1.23.2), onnx/backend/test/data/light, of networks
of full size, converted from Caffe and Caffe2; ONNX Runtime computes them, with their constant
weights replaced by drawn ones. Without it its cases stay as they are.

The networks are written anew here, from the papers and from Caffe's files. Nothing but the
scores is stored: a parameter is drawn by its name, see `drawn`.
"""

import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
import torch
import torch.nn.functional as F


def fnv(name):
    """FNV-1a of 64 bits."""
    number = 0xCBF29CE484222325
    for byte in name.encode():
        number = (number ^ byte) * 0x100000001B3 % 2**64
    return number


def even(name, count):
    """So many numbers from -1 to 1: SplitMix64 of the name's number and the place."""
    with np.errstate(over="ignore"):
        z = np.uint64(fnv(name)) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2**23 - 1


def drawn(name, shape):
    """Weights keep about the size of what they meet; factors and variances lie around 1."""
    values = even(name, int(np.prod(shape)))
    field = name.rsplit(".", 1)[-1]
    if field == "weight":
        values = values * (6 / np.prod(shape[1:])) ** 0.5
    elif field in ("gamma", "running_var"):
        values = 1 + 0.3 * values
    elif field != "input":
        values = 0.1 * values
    return torch.tensor(values.reshape(shape)).double()


def conv(x, name, out, kernel, stride=1, pad=0, bias=False, groups=1):
    weight = drawn(name + ".weight", (out, x.shape[1] // groups, kernel, kernel))
    b = drawn(name + ".bias", (out,)) if bias else None
    return F.conv2d(x, weight, b, stride, pad, groups=groups)


def dense(x, name, out):
    x = x.flatten(1)
    return F.linear(x, drawn(name + ".weight", (out, x.shape[1])), drawn(name + ".bias", (out,)))


def norm(x, name, eps=1e-5, affine=True):
    shape = (x.shape[1],)
    mean, var = (drawn(f"{name}.{part}", shape) for part in ("running_mean", "running_var"))
    gamma, beta = (drawn(f"{name}.{part}", shape) for part in ("gamma", "beta")) if affine else (None, None)
    return F.batch_norm(x, mean, var, gamma, beta, eps=eps)


def ceil_pool(x, kernel=3, stride=2):
    """Caffe's: windows begin in the picture, and the last one may reach beyond."""
    h, w = (-((kernel - size) // stride) + 1 for size in x.shape[2:])
    rows = [x[:, :, i * stride : i * stride + kernel].amax(2) for i in range(h)]
    x = torch.stack(rows, 2)
    return torch.stack([x[..., i * stride : i * stride + kernel].amax(3) for i in range(w)], 3)


# ResNets. Blocks are 2, 1, 2, 1; the stem has 6 channels, the first stage 4, and there are 7 classes.
BLOCKS, STEM, WIDTH, CLASSES = (2, 1, 2, 1), 6, 4, 7


def resnet(x, form, bottleneck, bias=False, classes=CLASSES, maps=None):
    """Appends the maps of the stages to `maps`."""
    relu = torch.relu

    def normed(x, name):
        return norm(x, name, 1.001e-5 if form == "keras" else 1e-5)

    x = relu(normed(conv(x, "conv1", STEM, 7, 2, 3, bias), "bn1"))
    x = ceil_pool(x) if form == "caffe" else F.max_pool2d(x, 3, 2, 1)
    for stage, blocks in enumerate(BLOCKS):
        middle = WIDTH << stage
        out = 4 * middle if bottleneck else middle
        for n in range(blocks):
            name = f"layer{stage + 1}.{n}"
            stride = 2 if n == 0 and stage > 0 else 1
            first, second = (1, stride) if form == "torch" else (stride, 1)
            if bottleneck:
                h = relu(normed(conv(x, name + ".conv1", middle, 1, first, 0, bias), name + ".bn1"))
                h = relu(normed(conv(h, name + ".conv2", middle, 3, second, 1, bias), name + ".bn2"))
                h = normed(conv(h, name + ".conv3", out, 1, 1, 0, bias), name + ".bn3")
            else:
                h = relu(normed(conv(x, name + ".conv1", out, 3, stride, 1, bias), name + ".bn1"))
                h = normed(conv(h, name + ".conv2", out, 3, 1, 1, bias), name + ".bn2")
            if stride != 1 or x.shape[1] != out:
                x = normed(conv(x, name + ".downsample.conv", out, 1, stride, 0, bias), name + ".downsample.bn")
            x = relu(x + h)
        if maps is not None:
            maps.append(x)
    return dense(x.mean((2, 3)), "fc", classes)


def inside(shape):
    """Of the narrow ResNet of Caffe: some cells of the four maps, the softmax, and the likeliest classes."""
    every, maps = 13, []
    scores = resnet(drawn("input", shape), "caffe", True, maps=maps)
    number = lambda values: [float(f"{v:.8g}") for v in values.flatten().tolist()]
    return {
        "every": every,
        "maps": [number(map.flatten()[::every]) for map in maps],
        "probabilities": number(torch.softmax(scores, 1)),
        "top_5": scores.topk(5, 1).indices.tolist(),
    }


def preactivated(x, bottleneck):
    """resnet_preact.py of cvjena/cnn-models."""
    def active(x, name):
        return torch.relu(norm(x, name))

    x = norm(x, "data_bn")
    x = ceil_pool(active(conv(x, "conv1", STEM, 7, 2, 3, True), "bn1"))
    for stage, blocks in enumerate(BLOCKS):
        middle = WIDTH << stage
        out = 4 * middle if bottleneck else middle
        for n in range(blocks):
            name, first = f"layer{stage + 1}.{n}", (stage, n) == (0, 0)
            stride = 2 if n == 0 and stage > 0 else 1
            before = x if first else active(x, name + ".bn1")
            if bottleneck:
                h = inner = active(conv(before, name + ".conv1", middle, 1), name + ".bn2")
                h = active(conv(h, name + ".conv2", middle, 3, stride, 1), name + ".bn3")
                h = conv(h, name + ".conv3", out, 1)
            else:
                h = inner = active(conv(before, name + ".conv1", middle, 3, stride, 1), name + ".bn2")
                h = conv(h, name + ".conv2", out, 3, 1, 1)
            if stride != 1 or x.shape[1] != out:
                # In place, so that the first block's shortcut sees what its norm made.
                before = inner if first and bottleneck else before
                x = conv(before, name + ".expand", out, 1, stride)
            x = x + h
    return dense(active(x, "last_bn").mean((2, 3)), "fc", CLASSES)


def tensorflow_resnet(x, bottleneck):
    """resnet.py of ry/tensorflow-resnet: SAME everywhere, epsilon 0.001."""
    x = tf.constant(x.permute(0, 2, 3, 1).numpy())

    def tf_conv(x, name, norm_name, out, kernel, stride=1):
        weight = drawn(name + ".weight", (out, x.shape[3], kernel, kernel)).permute(2, 3, 1, 0)
        x = tf.nn.conv2d(x, tf.constant(weight.numpy()), stride, "SAME")
        parts = ("running_mean", "running_var", "beta", "gamma")
        parts = (tf.constant(drawn(f"{norm_name}.{part}", (out,)).numpy()) for part in parts)
        return tf.nn.batch_normalization(x, *parts, 0.001)

    x = tf.nn.relu(tf_conv(x, "conv1", "bn1", STEM, 7, 2))
    x = tf.nn.max_pool2d(x, 3, 2, "SAME")
    for stage, blocks in enumerate(BLOCKS):
        middle = WIDTH << stage
        out = 4 * middle if bottleneck else middle
        for n in range(blocks):
            name = f"layer{stage + 1}.{n}"
            stride = 2 if n == 0 and stage > 0 else 1
            steps = ((1, middle), (3, middle), (1, out)) if bottleneck else ((3, out), (3, out))
            h = x
            for i, (kernel, channels) in enumerate(steps, 1):
                h = tf_conv(h, f"{name}.conv{i}", f"{name}.bn{i}", channels, kernel, stride if i == 1 else 1)
                h = tf.nn.relu(h) if i < len(steps) else h
            if stride != 1 or x.shape[3] != out:
                x = tf_conv(x, name + ".downsample.conv", name + ".downsample.bn", out, 1, stride)
            x = tf.nn.relu(x + h)
    x = tf.reduce_mean(x, (1, 2)).numpy()
    return dense(torch.tensor(x), "fc", CLASSES)


def cifar_resnet(x, zeros):
    """Section 4.2 of the paper; two blocks a stage, 4 channels in the first."""
    x = torch.relu(norm(conv(x, "conv1", 4, 3, 1, 1), "bn1"))
    for stage in range(3):
        out = 4 << stage
        for n in range(2):
            name = f"layer{stage + 1}.{n}"
            stride = 2 if n == 0 and stage > 0 else 1
            h = torch.relu(norm(conv(x, name + ".conv1", out, 3, stride, 1), name + ".bn1"))
            h = norm(conv(h, name + ".conv2", out, 3, 1, 1), name + ".bn2")
            if stride == 2 and zeros:
                x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, out - x.shape[1]))
            elif stride == 2:
                x = norm(conv(x, name + ".downsample.conv", out, 1, 2), name + ".downsample.bn")
            x = torch.relu(x + h)
    return dense(x.mean((2, 3)), "fc", 10)


def unit(x, name, out, kernel, stride=1, pad=0, groups=1, batch=False):
    """A convolution with ReLU; CVGJ has batch norm without factor and shift between them."""
    if not batch:
        return torch.relu(conv(x, name, out, kernel, stride, pad, True, groups))
    x = conv(x, name + ".conv", out, kernel, stride, pad, True, groups)
    return torch.relu(norm(x, name + ".bn", affine=False))


def head(x, side, batch):
    for name, kernel in (("fc6", side), ("fc7", 1)):
        x = unit(x, name, 9, kernel, batch=batch)
    return conv(x, "fc8", 7, 1, bias=True).mean((2, 3))


def vgg(x, batch):
    x = norm(x, "data_bn") if batch else x
    for block, (out, depth) in enumerate(zip((3, 4, 5, 6, 5), (1, 2, 1, 1, 2)), 1):
        for n in range(depth):
            x = unit(x, f"block{block}.{n}", out, 3, 1, 1, 1, batch)
        x = ceil_pool(x, 2, 2)
    return head(x, 7, batch)


def alexnet(x, kind):
    batch = kind == "cvgj"
    x = norm(x, "data_bn") if batch else x

    def pooled(x):
        # PyTorch divides alpha by the size, as Caffe does.
        x = F.local_response_norm(x, 5, 1e-4, 0.75, 1.0) if kind == "before" else x
        x = ceil_pool(x)
        return F.local_response_norm(x, 5, 1e-4, 0.75, 1.0) if kind == "after" else x

    x = pooled(unit(x, "conv1", 8, 11, 4, 0, 1, batch))
    x = pooled(unit(x, "conv2", 6, 5, 1, 2, 2, batch))
    x = unit(x, "conv3", 4, 3, 1, 1, 1, batch)
    x = unit(x, "conv4", 6, 3, 1, 1, 2, batch)
    x = ceil_pool(unit(x, "conv5", 8, 3, 1, 1, 2, batch))
    return head(x, 6, batch)


def same(x, kernel, stride):
    """TensorFlow's SAME: the odd zero comes last."""
    pads = []
    for size in reversed(x.shape[2:]):
        pad = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads += [pad // 2, pad - pad // 2]
    return F.pad(x, pads)


def efficientnet(x, classes=7):
    """EfficientNet-lite0 of tensorflow/tpu."""
    def step(x, name, out, kernel=1, stride=1, groups=1):
        x = conv(same(x, kernel, stride), name + ".conv", out, kernel, stride, groups=groups)
        return norm(x, name + ".bn", 1e-3)

    x = F.relu6(step(x, "stem", 32, 3, 2))
    number = 0
    for repeats, kernel, stride, expansion, out in (
            (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
            (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)):
        for n in range(repeats):
            name, s, middle = f"blocks.{number}", stride if n == 0 else 1, x.shape[1] * expansion
            h = F.relu6(step(x, name + ".expand", middle)) if expansion > 1 else x
            h = F.relu6(step(h, name + ".depthwise", middle, kernel, s, middle))
            h = step(h, name + ".project", out)
            x = x + h if s == 1 and x.shape[1] == out else h
            number += 1
    x = F.relu6(step(x, "head", 1280))
    return dense(x.mean((2, 3)), "fc", classes)


def cifar_cnn(x):
    """cnn_model.h5 of PyPI's cifar-10-model."""
    for block, out in enumerate((64, 128, 64), 1):
        for n in range(2):
            name = f"block{block}.{n}"
            x = norm(torch.relu(conv(x, name + ".conv", out, 3, bias=True)), name + ".bn", 1e-3)
        x = F.max_pool2d(x, 2) if block < 3 else x
    for name, out in (("fc1", 1024), ("fc2", 512), ("fc3", 10)):
        x = torch.relu(conv(x, name, out, 1, bias=True))
    return x


def cifar_tutorial(x):
    for block in (1, 2):
        x = torch.relu(conv(same(x, 5, 1), f"block{block}.0.conv", 64, 5, bias=True))
        # No window is without a value of the picture, all of which are at least 0.
        x = F.max_pool2d(same(x, 3, 2), 3, 2)
    x = torch.relu(conv(x, "fc1", 384, 8, bias=True))
    return conv(torch.relu(conv(x, "fc2", 192, 1, bias=True)), "fc3", 10, 1, bias=True)


def cifar_dense(x):
    return dense(torch.relu(dense(x, "layer1", 120)), "layer2", 10)


CASES = {
    "resnet/torch/bottleneck": ((2, 3, 65, 50), lambda x: resnet(x, "torch", True)),
    "resnet/torch/basic": ((1, 3, 64, 64), lambda x: resnet(x, "torch", False)),
    "resnet/caffe/bottleneck": ((2, 3, 65, 50), lambda x: resnet(x, "caffe", True)),
    "resnet/caffe/1000/65": ((1, 3, 65, 65), lambda x: resnet(x, "caffe", True, classes=1000)),
    "resnet/caffe/1000/320": ((1, 3, 320, 320), lambda x: resnet(x, "caffe", True, classes=1000)),
    "resnet/caffe/bottleneck/bias": ((1, 3, 64, 47), lambda x: resnet(x, "caffe", True, True)),
    "resnet/caffe/basic": ((1, 3, 63, 64), lambda x: resnet(x, "caffe", False)),
    "resnet/keras/bottleneck/bias": ((2, 3, 64, 51), lambda x: resnet(x, "keras", True, True)),
    "resnet/tf/bottleneck": ((2, 3, 64, 50), lambda x: tensorflow_resnet(x, True)),
    "resnet/tf/basic": ((1, 3, 65, 64), lambda x: tensorflow_resnet(x, False)),
    "resnet/preactivated/bottleneck": ((2, 3, 65, 50), lambda x: preactivated(x, True)),
    "resnet/preactivated/basic": ((1, 3, 64, 47), lambda x: preactivated(x, False)),
    "resnet_cifar/zeros": ((2, 3, 32, 32), lambda x: cifar_resnet(x, True)),
    "vgg/plain": ((2, 3, 224, 225), lambda x: vgg(x, False)),
    "vgg/cvgj": ((1, 3, 224, 224), lambda x: vgg(x, True)),
    "alexnet/before": ((2, 3, 227, 227), lambda x: alexnet(x, "before")),
    "alexnet/after": ((1, 3, 227, 227), lambda x: alexnet(x, "after")),
    "alexnet/cvgj": ((1, 3, 224, 227), lambda x: alexnet(x, "cvgj")),
    "efficientnet": ((2, 3, 64, 51), efficientnet),
    "cifar/keras": ((2, 3, 32, 32), cifar_cnn),
    "cifar/tutorial": ((2, 3, 32, 32), cifar_tutorial),
    "cifar/dense": ((2, 3, 32, 32), cifar_dense),
    "resnet_cifar/projection": ((1, 3, 31, 32), lambda x: cifar_resnet(x, False)),
}


def caffe2_resnet(name):
    """Our name of a parameter of light_resnet50."""
    name = name.removeprefix("gpu_0/").removesuffix("_0")
    if name.startswith("pred"):
        return {"pred_w": "fc.weight", "pred_b": "fc.bias"}[name]
    fields = {"s": "gamma", "b": "beta", "rm": "running_mean", "riv": "running_var"}
    name = name.replace("res_conv1_bn", "conv1_bn")
    layer, _, field = name.rpartition("_")
    norm = layer.endswith("_bn")
    layer = layer.removesuffix("_bn")
    if layer == "conv1":
        return f"bn1.{fields[field]}" if norm else "conv1.weight"
    stage, block, branch = layer.removeprefix("res").split("_")
    layer = f"layer{int(stage) - 1}.{block}."
    if branch == "branch1":
        return layer + (f"downsample.bn.{fields[field]}" if norm else "downsample.conv.weight")
    number = "abc".index(branch[-1]) + 1
    return layer + (f"bn{number}.{fields[field]}" if norm else f"conv{number}.weight")


def caffe(name):
    """Our name of a parameter of light_bvlc_alexnet and of light_vgg19."""
    layer, field, _ = name.rsplit("_", 2)
    if "_" in layer:
        block, number = layer.removeprefix("conv").split("_")
        layer = f"block{block}.{int(number) - 1}"
    return layer + {"w": ".weight", "b": ".bias"}[field]


# The name of our parameter for each of a graph, the side and the scale of the input, and the map that fc6 looks at. The
# graph of AlexNet says 224, where its poolings, which round down, are not Caffe's; at Caffe's 227 they are.
GRAPHS = {
    "bvlc_alexnet": (caffe, 227, 255, (256, 6, 6)),
    "resnet50": (caffe2_resnet, 224, 1, None),
    "vgg19": (caffe, 224, 1, (512, 7, 7)),
}


def graph_scores(path, ours, side, scale, fc6):
    import onnx
    import onnxruntime
    from onnx import numpy_helper

    graph = onnx.load(path)
    nodes = graph.graph.node
    shapes = {i.name: list(i.dims) for i in graph.graph.initializer}
    known = {i.name: numpy_helper.to_array(i) for i in graph.graph.initializer}
    filled = {n.output[0]: known[n.input[0]] for n in nodes if n.op_type == "ConstantOfShape"}
    data = None
    for value in graph.graph.input:
        if value.name.removesuffix("_0").endswith("data"):
            data = (value.name, [1, 3, side, side])
            for axis, size in enumerate(data[1]):
                value.type.tensor_type.shape.dim[axis].dim_value = size
    parameters = {name: list(shape) for name, shape in filled.items()}
    others = ("__SHAPE", "DUMMY", "queue")
    parameters.update((n, s) for n, s in shapes.items() if not any(other in n for other in others))
    del graph.graph.initializer[:]
    keep = [n for n in nodes if n.op_type != "ConstantOfShape"]
    del graph.graph.node[:]
    graph.graph.node.extend(keep)
    for name, shape in known.items():
        if "DUMMY" in name:
            graph.graph.initializer.append(numpy_helper.from_array(shape, name))
    for name, shape in parameters.items():
        own = ours(name)
        as_ours = shape
        if own.startswith("fc") and own.endswith("weight") and fc6:
            as_ours = [shape[0], *(fc6 if own == "fc6.weight" else (shape[1], 1, 1))]
        values = drawn(own, as_ours).numpy().astype(np.float32).reshape(shape)
        graph.graph.initializer.append(numpy_helper.from_array(values, name))
    inputs = [i for i in graph.graph.input if i.name == data[0]]
    del graph.graph.input[:]
    graph.graph.input.extend(inputs)
    # Scores, before the softmax at the end.
    scores = keep[-1].input[0]
    del graph.graph.node[-1]
    del graph.graph.output[:]
    graph.graph.output.append(onnx.helper.make_tensor_value_info(scores, 1, None))
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    x = (scale * drawn("input", data[1])).numpy().astype(np.float32)
    return data[1], session.run([scores], {data[0]: x})[0]


def main():
    path = Path(__file__).with_suffix(".json")
    cases = []
    for name, (shape, net) in CASES.items():
        # Bytes, where values have to be large for local response normalisation to show.
        scale = 255 if name.startswith("alexnet") else 1
        scores = net(scale * drawn("input", shape)).detach().numpy()
        assert np.isfinite(scores).all() and np.ptp(scores) > 1e-2, name
        cases.append({"name": name, "shape": shape, "scale": scale, "scores": [float(f"{v:.8g}") for v in scores.flatten()]})
        if name == "resnet/caffe/bottleneck":
            cases[-1]["inside"] = inside(shape)
    if len(sys.argv) > 1:
        for name, (ours, side, scale, fc6) in GRAPHS.items():
            path_of_graph = Path(sys.argv[1]) / f"light_{name}.onnx"
            shape, scores = graph_scores(path_of_graph, ours, side, scale, fc6)
            scores = [float(f"{v:.7g}") for v in scores.flatten()]
            cases.append({"name": "onnx/" + name, "shape": shape, "scale": scale, "scores": scores})
    elif path.exists():
        cases += [case for case in json.loads(path.read_text()) if case["name"].startswith("onnx/")]
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    path.write_text("[\n" + lines + "\n]\n")
    print(f"{path}: {len(cases)} cases")


if __name__ == "__main__":
    sys.exit(main())
