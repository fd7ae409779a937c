"""Writes the samples of tests/onnx.rs with onnx 1.19.0, and what onnx and ONNX Runtime 1.32.0 find in them.

    python3 make.py
"""
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, external_data_helper, helper, numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]


def path(name):
    return os.path.join(HERE, name)


def values(shape, kind="f4"):
    count = int(np.prod(shape))
    if kind[0] == "f":
        return (np.arange(count) * 1.37 - 3.1).astype(kind).reshape(shape)
    if kind[0] == "b":
        return (np.arange(count) % 3 == 0).reshape(shape)
    return (np.arange(count, dtype="u8") * np.uint64(0x0123456789ABCDEF)).astype(kind).reshape(shape)


def typed(name, array):
    """Cells in the fields for their types, not as raw bytes."""
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    return helper.make_tensor(name, kind, array.shape, array.flatten().tolist())


def model(nodes, initializers, inputs=(), outputs=()):
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "sample", [value(n) for n in inputs], [value(n) for n in outputs], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def network():
    nodes = [
        helper.make_node("Constant", [], ["bias"], value=numpy_helper.from_array(values((2,)), "other name")),
        helper.make_node("Constant", [], ["scale"], name="c", value_float=0.5),
        helper.make_node("Constant", [], ["shape"], value_ints=[1, -1]),
        helper.make_node("ConvTranspose", ["x", "up.weight", "bias"], ["y"], name="up", strides=[2, 1], auto_pad="SAME_UPPER"),
        helper.make_node("LeakyRelu", ["y"], ["z"], alpha=0.1),
        helper.make_node("Mul", ["z", "scale"], ["s"]),
        helper.make_node("Reshape", ["s", "shape"], ["out"]),
    ]
    return model(nodes, [numpy_helper.from_array(values((1, 2, 3, 2)), "up.weight")], ["x"], ["out"])


def write():
    onnx.save(network(), path("network.onnx"))
    raw = [numpy_helper.from_array(values((2, 3), kind), "raw/" + kind) for kind in KINDS]
    fields = [typed("field/" + kind, values((2, 3), kind)) for kind in KINDS]
    bf16 = helper.make_tensor("bf16", TensorProto.BFLOAT16, [2], np.array([0x3F80, 0xC048], "<u2").tobytes(), raw=True)
    more = [numpy_helper.from_array(np.float32(-1.5), "scalar"), numpy_helper.from_array(values((0, 3)), "empty"), bf16]
    text = helper.make_tensor("note", TensorProto.STRING, [1], [b"text"])
    onnx.save(model([], raw + fields + more + [text]), path("kinds.onnx"))
    outside = model([], [numpy_helper.from_array(values((40,)), "w"), numpy_helper.from_array(values((30,), "i8"), "n")])
    onnx.save(outside, path("outside.onnx"), save_as_external_data=True, location="outside.data", size_threshold=0)

    # These are refused.
    onnx.save(model([], [helper.make_tensor("w", TensorProto.COMPLEX64, [1], [1 + 2j])]), path("refused_complex.onnx"))
    dense = numpy_helper.from_array(values((1,)), "w")
    sparse = helper.make_sparse_tensor(dense, numpy_helper.from_array(np.array([1])), [3])
    sparse_model = model([], [])
    sparse_model.graph.sparse_initializer.append(sparse)
    onnx.save(sparse_model, path("refused_sparse.onnx"))
    for name, location in (("up", "../onnx/outside.data"), ("absolute", "/etc/hostname"), ("beyond", "outside.data"), ("missing", "none.data")):
        away = helper.make_tensor("w", TensorProto.FLOAT, [1], [0.0])
        del away.float_data[:]
        away.raw_data = b""
        external_data_helper.set_external_data(away, location, offset=1 << 40 if name == "beyond" else 0, length=4)
        away.ClearField("raw_data")
        away.data_location = TensorProto.EXTERNAL
        with open(path("refused_%s.onnx" % name), "wb") as file:
            file.write(model([], [away]).SerializeToString())


def described(array):
    little = array.astype(array.dtype.newbyteorder("<")) if array.dtype.kind in "fiub" else array
    kind = {"f": "F", "i": "I", "u": "U", "b": "BOOL"}[little.dtype.kind]
    return {
        "dtype": kind if kind == "BOOL" else kind + str(little.dtype.itemsize * 8),
        "shape": list(little.shape),
        "bytes": little.tobytes("C").hex(),
    }


def expected():
    files = {}
    for name in ("kinds", "network", "outside"):
        loaded = onnx.load(path(name + ".onnx"))
        found = files[name + ".onnx"] = {}
        for tensor in loaded.graph.initializer:
            if tensor.data_type == TensorProto.BFLOAT16:
                found[tensor.name] = {"dtype": "BF16", "shape": list(tensor.dims), "bytes": tensor.raw_data.hex()}
            elif tensor.data_type != TensorProto.STRING:
                found[tensor.name] = described(numpy_helper.to_array(tensor))
        constants = [node.output[0] for node in loaded.graph.node if node.op_type == "Constant"]
        if constants:
            # What ONNX Runtime makes of the constants.
            del loaded.graph.output[:]
            loaded.graph.output.extend(onnx.ValueInfoProto(name=name) for name in constants)
            session = onnxruntime.InferenceSession(loaded.SerializeToString())
            for name_, value in zip(constants, session.run(constants, {"x": np.zeros((1, 1, 2, 2), "f4")})):
                found[name_] = described(value)
    with open(path("expected.json"), "w") as file:
        lines = ['"%s": %s' % (name, json.dumps(found)) for name, found in files.items()]
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    write()
    expected()
    print("written with onnx", onnx.__version__, "and Python", sys.version.split()[0])
