"""Writes the samples of tests/keras.rs with Keras, and what Keras and h5py load from them.

    python3 make.py 2    with tf-keras 2.21.0: keras2_*
    python3 make.py 3    with Keras 3.15.1 and h5py 3.14.0: all other samples, then expected.json from all of them
"""
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]


def values(shape, kind="f4"):
    count = int(np.prod(shape))
    if kind[-2] == "f":
        return (np.arange(count) * 1.37 - 3.1).astype(kind).reshape(shape)
    if kind[-2] == "b":
        return (np.arange(count) % 3 == 0).reshape(shape)
    return (np.arange(count, dtype="u8") * np.uint64(0x0123456789ABCDEF)).astype(kind).reshape(shape)


def path(name):
    return os.path.join(HERE, name)


def model(keras):
    """A model with a model in it, batch normalisation, and a layer of Python's byte code."""
    inner = keras.Sequential([keras.layers.Dense(3, name="dense", input_shape=(2,))], name="inner")
    x = inputs = keras.Input((4, 4, 1), name="image")
    x = keras.layers.Conv2D(2, (3, 2), strides=(2, 1), padding="same", name="conv")(x)
    x = keras.layers.BatchNormalization(epsilon=0.01, momentum=0.9, name="norm")(x)
    # Byte code names the file that it comes from, which would be a folder of this machine.
    times = eval(compile("lambda t, scale: t * scale", "make.py", "eval"))
    x = keras.layers.Lambda(times, arguments={"scale": 0.17}, name="scale")(x)
    x = keras.layers.Conv2DTranspose(2, 2, strides=2, use_bias=False, name="up")(x)
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    made = keras.Model(inputs, inner(x), name="sample")
    made.set_weights([values(w.shape) + place for place, w in enumerate(made.get_weights())])
    made.compile("adam", "mse")
    return made


def train(made):
    """So that the optimiser has weights."""
    made.fit(np.zeros((1, 4, 4, 1), "f4"), np.zeros((1, 3), "f4"), verbose=0)


def keras2():
    import tf_keras as keras
    made = model(keras)
    train(made)
    made.save(path("keras2_model.h5"))
    made.save_weights(path("keras2_weights.h5"))
    made.save(path("keras2_archive.keras"))


def keras3():
    import keras
    made = model(keras)
    train(made)
    made.save(path("keras3_model.h5"))
    made.save_weights(path("keras3.weights.h5"))
    made.save(path("keras3_archive.keras"))


def hdf5():
    """What HDF5 can do, as h5py writes it."""
    for version in ("earliest", "latest"):
        with h5py.File(path("kinds_%s.h5" % version), "w", libver=version) as file:
            for kind in KINDS:
                file["little/" + kind] = values((2, 3), kind)
                if kind[1] != "1":
                    file["big/" + kind] = values((2, 3), ">" + kind).astype(">" + kind)
            file["scalar"] = np.float32(-1.5)
            file.create_dataset("empty", data=values((0, 3)))
            file.create_dataset("chunked", data=values((5, 7)), chunks=(2, 3))
            file.create_dataset("packed", data=values((5, 7), "i4"), chunks=(2, 3), compression="gzip", shuffle=True)
            file.create_dataset("summed", data=values((5, 7), "f8"), chunks=(5, 7), fletcher32=True)
            file.create_dataset("unwritten", (2, 2), "f4", fillvalue=0.25)
            file["linked"] = h5py.SoftLink("/scalar")
            file["note"] = "text"
    # A list of names that is cut into several attributes, and a name that is not ASCII.
    with h5py.File(path("cut_names.h5"), "w") as file:
        layers = ["conv", "caf\u00e9"]
        for number, layer in enumerate(layers):
            group = file.create_group(layer)
            group.attrs["weight_names"] = np.array([(layer + "/kernel:0").encode()])
            group[layer + "/kernel:0"] = values((number + 1,))
            file.attrs["layer_names%d" % number] = np.array([layer.encode()])
    # These are refused.
    with h5py.File(path("refused_text.h5"), "w") as file:
        file.attrs["layer_names"] = [b"a"]
        file.create_group("a").attrs["weight_names"] = [b"w"]
        file["a/w"] = "text"
    with h5py.File(path("refused_missing.h5"), "w") as file:
        file.attrs["layer_names"] = [b"a"]
        file.create_group("a").attrs["weight_names"] = [b"a/w:0"]
    with h5py.File(path("refused_nothing.h5"), "w") as file:
        file["note"] = "text"
    with h5py.File(path("refused_external.h5"), "w") as file:
        file["w"] = h5py.ExternalLink("kinds_latest.h5", "/scalar")


def described(array):
    little = np.asarray(array)
    little = little.astype(little.dtype.newbyteorder("<"))
    kind = {"f": "F", "i": "I", "u": "U"}.get(little.dtype.kind, "BOOL")
    return {
        "dtype": kind if kind == "BOOL" else kind + str(little.dtype.itemsize * 8),
        "shape": list(little.shape),
        "bytes": little.tobytes("C").hex(),
    }


def by_layers(file):
    """Names as the documentation of upconv_weights::keras has them, from the attributes."""
    group = file["model_weights"] if "model_weights" in file else file
    text = lambda name: name.decode() if isinstance(name, bytes) else str(name)
    names = [text(name) for key in sorted(group.attrs) if key.startswith("layer_names") for name in group.attrs[key]]
    if "top_level_model_weights" in group and "top_level_model_weights" not in names:
        names.append("top_level_model_weights")
    found = {}
    for layer in names:
        for weight in group[layer].attrs["weight_names"]:
            weight = text(weight)
            name = weight[:-2] if weight.endswith(":0") else weight
            if not name.startswith(layer + "/") and layer != "top_level_model_weights":
                name = layer + "/" + name
            found[name] = described(group[layer][weight][()])
    return found


def by_paths(file):
    found = {}

    def visit(prefix, group):
        for name in group:
            item, full = group[name], prefix + name
            if isinstance(item, h5py.Group):
                if full not in ("optimizer", "metrics"):
                    visit(full + "/", item)
            elif item.dtype != object:
                found[full] = described(item[()])

    visit("", file)
    return found


def expected():
    import io
    import zipfile
    files = {}
    for name in sorted(os.listdir(HERE)):
        if not name.endswith((".h5", ".keras")) or name.startswith("refused"):
            continue
        opened = path(name)
        if name.endswith(".keras"):
            opened = io.BytesIO(zipfile.ZipFile(opened).read("model.weights.h5"))
        with h5py.File(opened) as file:
            layers = "model_weights" in file or any(key.startswith("layer_names") for key in file.attrs)
            files[name] = by_layers(file) if layers else by_paths(file)
    # Keras itself must find the same numbers in its own files.
    import keras
    for name in ("keras3_model.h5", "keras3_archive.keras"):
        keras.config.enable_unsafe_deserialization()
        loaded = keras.models.load_model(path(name), compile=False, safe_mode=False)
        numbers = sorted(described(w)["bytes"] for w in loaded.get_weights())
        assert numbers == sorted(item["bytes"] for item in files[name].values()), name
    with open(path("expected.json"), "w") as file:
        lines = ['"%s": %s' % (name, json.dumps(found)) for name, found in files.items()]
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


if sys.argv[1:] == ["2"]:
    keras2()
else:
    keras3()
    hdf5()
    expected()
print("written with h5py", h5py.__version__, "and Python", sys.version.split()[0])
