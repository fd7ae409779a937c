"""Writes the samples of tests/numpy.rs, and what NumPy reads from them.

    python2.7 make.py    with NumPy 1.16.6: python2_*.npy
    python3 make.py      with NumPy 2.4.6: all other samples, then expected.json from all of them
"""
from __future__ import print_function

import collections
import io
import json
import os
import pickle
import sys
import zipfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]


def values(kind, shape):
    """Cells that differ in all of their bytes."""
    count = int(np.prod(shape))
    if kind[0] == "f":
        return (np.arange(count) * 1.37 - 3.1).astype(kind).reshape(shape)
    if kind[0] == "b":
        return (np.arange(count) % 3 == 0).reshape(shape)
    return (np.arange(count, dtype="u8") * np.uint64(0x0123456789ABCDEF)).astype(kind).reshape(shape)


def vgg():
    """As vgg16.npy: a layer has a list of weight and bias."""
    return {
        "conv1_1": [values("f4", (3, 3, 1, 2)), values("f4", (2,))],
        "fc8": [values("f4", (5, 3)), values("f4", (3,))],
    }


def mtcnn():
    """As det1.npy: a layer has a dictionary."""
    return {
        "conv1": {"weights": values("f4", (1, 2, 3)), "biases": values("f4", (3,))},
        "PReLU1": {"alpha": values("f4", (4,))},
    }


def mixed():
    """All that may come in dictionaries."""
    fortran = np.asfortranarray(values("f8", (2, 3)))
    return collections.OrderedDict([
        ("fortran", fortran),
        ("big", values("i2", (2, 2)).astype(">i2")),
        ("tied", [fortran, fortran]),
        ("empty", values("f4", (0, 3))),
        ("one", values("u1", (1,))),
        ("scalar", np.float32(0.1)),
        ("python", (7, -2.5, True, False, None, 2 ** 63)),
        ("objects", object_array([values("f2", (2,)), {"x": values("b1", (3,))}], (2,))),
        ("table", object_array([values("i8", (1,)), 5, None, 6], (2, 2))),
        (3, values("u4", (2,))),
    ])


def object_array(items, shape):
    array = np.empty(len(items), dtype=object)
    for place, item in enumerate(items):
        array[place] = item
    return array.reshape(shape)


def save_pickled(name, value, protocol):
    """As numpy.save, with a protocol of our choice."""
    array = np.asanyarray(value) if isinstance(value, np.ndarray) else object_array([value], ())
    with open(os.path.join(HERE, name), "wb") as file:
        header = np.lib.format.header_data_from_array_1_0(array)
        np.lib.format.write_array_header_1_0(file, header)
        pickle.dump(array, file, protocol=protocol)


def python2():
    np.save(os.path.join(HERE, "python2_vgg.npy"), vgg())
    np.save(os.path.join(HERE, "python2_mtcnn.npy"), mtcnn())
    for protocol in (0, 1, 2):
        save_pickled("python2_mixed_p%d.npy" % protocol, mixed(), protocol)
    latin = {b"\xe9t\xe9": values("f4", (2,)), u"caf\xe9": values("f4", (1,))}
    np.save(os.path.join(HERE, "python2_keys.npy"), latin)


class Evil(object):
    def __reduce__(self):
        return os.system, ("touch numpy-pickle-was-run",)


class Unseekable(io.RawIOBase):
    """Makes zipfile write sizes after the entries."""

    def __init__(self, file):
        self.file = file

    def writable(self):
        return True

    def write(self, data):
        return self.file.write(data)


def python3():
    def write(name, array, version):
        with open(os.path.join(HERE, name), "wb") as file:
            np.lib.format.write_array(file, array, version=version)

    write("v1.npy", values("f4", (2, 3)), (1, 0))
    write("v2.npy", np.asfortranarray(values("f4", (2, 3, 2))), (2, 0))
    write("v3.npy", np.asfortranarray(values("f8", (2, 3, 2)).astype(">f8")), (3, 0))
    write("zero_axes.npy", values("i4", ()), (1, 0))
    write("zero_cells.npy", values("f4", (2, 0, 3)), (1, 0))

    both = {}
    for kind in KINDS:
        array = values(kind, (2, 3))
        both["c/" + kind] = array
        both["fortran/" + kind] = np.asfortranarray(array)
    np.savez(os.path.join(HERE, "stored.npz"), **both)
    big = {name: array.astype(array.dtype.newbyteorder(">"), order="K") for name, array in both.items()}
    np.savez_compressed(os.path.join(HERE, "deflated.npz"), **big)
    np.savez(os.path.join(HERE, "unnamed.npz"), values("f4", (2,)), values("u1", (3,)))
    np.savez(os.path.join(HERE, "objects.npz"), net=np.array(mtcnn()), step=np.array(3))
    with open(os.path.join(HERE, "streamed.npz"), "wb") as file:
        with zipfile.ZipFile(Unseekable(file), "w", zipfile.ZIP_DEFLATED) as archive:
            archive.comment = b"a comment"
            for name in ("a", "b"):
                entry = io.BytesIO()
                np.save(entry, values("f4", (3,)))
                archive.writestr(zipfile.ZipInfo(name + ".npy"), entry.getvalue(), zipfile.ZIP_DEFLATED)

    np.save(os.path.join(HERE, "vgg.npy"), vgg())
    np.save(os.path.join(HERE, "list.npy"), object_array(vgg()["fc8"], (2,)))
    for protocol in range(6):
        save_pickled("mixed_p%d.npy" % protocol, mixed(), protocol)

    # These are refused.
    np.save(os.path.join(HERE, "refused_complex.npy"), np.zeros(2, "c8"))
    np.save(os.path.join(HERE, "refused_record.npy"), np.zeros(2, [("a", "<f4"), ("b", "|u1", (2,))]))
    np.save(os.path.join(HERE, "refused_text.npy"), np.array(["a", "bc"]))
    np.save(os.path.join(HERE, "refused_date.npy"), np.array(["2020-01-01"], "M8[D]"))
    np.save(os.path.join(HERE, "refused_note.npy"), {"note": "text", "w": values("f4", (1,))})
    np.save(os.path.join(HERE, "refused_nested_complex.npy"), {"w": np.zeros(2, "c8")})
    np.save(os.path.join(HERE, "refused_evil.npy"), {"w": Evil()})  # Never loaded: it would run.


def flat(name, value, own, found):
    """Names as the documentation of upconv_weights::numpy has them."""
    join = lambda part: "%s/%s" % (name, part) if name else str(part)
    if value is None:
        return
    if isinstance(value, np.ndarray) and value.dtype == object:
        for index in np.ndindex(value.shape):
            flat(join("/".join(map(str, index))) if index else name, value[index], own, found)
    elif isinstance(value, dict):
        for key, item in value.items():
            flat(join(key), item, own, found)
    elif isinstance(value, (list, tuple)):
        for place, item in enumerate(value):
            flat(join(place), item, own, found)
    else:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 2 ** 63:
            value = np.uint64(value)
        array = np.asarray(value)
        little = array.astype(array.dtype.newbyteorder("<"))
        kind = {"f": "F", "i": "I", "u": "U"}.get(array.dtype.kind, "BOOL")
        found[name or own] = {
            "dtype": kind if kind == "BOOL" else kind + str(array.dtype.itemsize * 8),
            "shape": list(array.shape),
            "bytes": little.tobytes("C").hex(),
        }


def expected():
    files = {}
    for name in sorted(os.listdir(HERE)):
        if not name.endswith((".npy", ".npz")) or name.startswith("refused"):
            continue
        found = files[name] = {}
        loaded = np.load(os.path.join(HERE, name), allow_pickle=True, encoding="latin1")
        if name.endswith(".npy"):
            flat("", loaded, "arr_0", found)
        else:
            for entry in loaded.files:
                flat(entry, loaded[entry], entry, found)
    with open(os.path.join(HERE, "expected.json"), "w") as file:
        lines = ['"%s": %s' % (name, json.dumps(found)) for name, found in files.items()]
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


if sys.version_info[0] == 2:
    python2()
else:
    python3()
    expected()
print("written with NumPy", np.__version__, "and Python", sys.version.split()[0])
