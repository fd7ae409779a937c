"""Writes the samples of tests/tf_checkpoint.rs and tests/graph_def.rs, and what TensorFlow reads from them.

    python3 make.py      with TensorFlow 2.21, Keras 3.15 and NumPy 2
"""
import hashlib
import json
import os
import shutil

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16",
    "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8",
    "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8", "bool": "BOOL",
}
# What the first format can hold, and what the second can hold besides.
OLD = ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]
ALL = OLD + ["bfloat16", "uint64", "uint32", "uint16"]


def path(name):
    return os.path.join(HERE, name)


def values(dtype, shape):
    """Cells that differ in all of their bytes."""
    count = int(np.prod(shape))
    if dtype == "bool":
        return (np.arange(count) % 3 == 0).reshape(shape)
    if "float" in dtype:
        wide = np.arange(count, dtype="f8") * 1.37 - 3.1
        return wide.astype(tf.as_dtype(dtype).as_numpy_dtype).reshape(shape)
    wide = np.arange(count, dtype="u8") * np.uint64(0x0123456789ABCDEF)
    return wide.astype(dtype).reshape(shape)


def read(prefix):
    """All tensors of a checkpoint, as TensorFlow reads them; and the names of those that hold no numbers."""
    reader = tf1.train.NewCheckpointReader(prefix)
    tensors, passed_over = {}, []
    for name, dtype in reader.get_variable_to_dtype_map().items():
        if dtype.name in NAMES:
            # By the operations that models use: the reader's own function does not know all types.
            if os.path.exists(prefix + ".index"):
                value = tf.raw_ops.RestoreV2(prefix=prefix, tensor_names=[name], shape_and_slices=[""], dtypes=[dtype])[0]
            else:
                value = tf.raw_ops.Restore(file_pattern=prefix, tensor_name=name, dt=dtype)
            tensors[name] = described(value.numpy())
        else:
            passed_over.append(name)
    return {"tensors": tensors, "passed_over": sorted(passed_over)}


def described(array):
    array = np.asarray(array)
    little = array.astype(array.dtype.newbyteorder("<")) if array.dtype.byteorder == ">" else array
    cells = little.tobytes()
    short = {"bytes": cells.hex()} if len(cells) <= 512 else {"sha256": hashlib.sha256(cells).hexdigest()}
    return {"dtype": NAMES[array.dtype.name], "shape": list(array.shape), **short}


def session(variables, prefix, version, sharded=False, step=None):
    """Makes a graph, and writes its variables."""
    with tf.Graph().as_default():
        variables()
        saver = tf1.train.Saver(write_version=version, sharded=sharded, save_relative_paths=True)
        config = tf1.ConfigProto(device_count={"CPU": 2})
        with tf1.Session(config=config) as run:
            run.run(tf1.global_variables_initializer())
            saver.save(run, path(prefix), global_step=step, write_meta_graph=step is not None)
    if step is None:
        os.remove(path("checkpoint"))


def variable(name, array):
    return tf1.get_variable(name, initializer=tf.constant(array), use_resource=False)


def every_type(dtypes):
    def variables():
        for dtype in dtypes:
            variable("of/" + dtype, values(dtype, (2, 3)))
        variable("conv1_1/W", values("float32", (3, 3, 1, 2)))
        variable("conv1_1/b", values("float32", (2,)))
        variable("empty", values("float32", (0, 3)))
        variable("global_step", np.int64(1234567890123))
        variable("A0._-/x>y", np.float32(0.1))
    return variables


def text_too():
    every_type(ALL)()
    variable("names", np.array([b"cat", b"dog"], dtype=object))
    variable("waves", values("float32", (2,)) + 1j * values("float32", (2,)))


def on_two_devices():
    with tf.device("/cpu:0"):
        variable("a/w", values("float32", (2, 3)))
    with tf.device("/cpu:1"):
        variable("b/w", values("float16", (4,)))
        variable("b/step", np.int32(7))


def in_parts():
    def split(name, shape, dtype, axis, count):
        def part(own_shape, dtype=None, partition_info=None):
            begin = partition_info.var_offset
            cut = tuple(slice(start, start + size) for start, size in zip(begin, own_shape))
            return tf.constant(values(tf.as_dtype(dtype).name, shape)[cut])

        with tf1.variable_scope("parts", partitioner=tf1.fixed_size_partitioner(count, axis=axis)):
            tf1.get_variable(name, shape=shape, dtype=dtype, initializer=part, use_resource=False)

    split("rows", (7, 2), tf.float32, 0, 3)
    split("columns", (2, 3, 5), tf.float32, 2, 2)
    # Places and lengths of one, two and three bytes in the keys of parts.
    split("long", (20000,), tf.uint8, 0, 2)
    split("wide", (130, 2), tf.float64, 0, 2)
    variable("whole", values("float32", (3,)))


class Net(tf.Module):
    def __init__(self):
        super().__init__()
        self.kernel = tf.Variable(values("float32", (2, 2, 1, 3)), name="kernel")
        self.layers = [tf.Variable(values("bfloat16", (3,)), name="bias")]

    @tf.function(input_signature=[tf.TensorSpec([None, 4, 4, 1], tf.float32, name="x")])
    def serve(self, x):
        y = tf.nn.conv2d(x, self.kernel, strides=[1, 2, 2, 1], padding="SAME", name="conv")
        return tf.nn.relu(y + tf.cast(self.layers[0], tf.float32), name="out")


def object_based():
    step = tf.Variable(np.int64(42))
    tf.train.Checkpoint(net=Net(), step=step).write(path("objects.ckpt"))


def frozen():
    """Constants in every form in which they are written, and a convolution."""
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, 4, 4, 1], name="x")
        w = tf.constant(values("float32", (2, 2, 1, 3)), name="conv/weights")
        y = tf1.nn.conv2d(x, w, strides=[1, 2, 2, 1], padding="SAME", data_format="NHWC", name="conv/Conv2D")
        tf1.nn.bias_add(y, tf.constant([0.5, -1.0, 2.0], name="conv/bias"), name="out")
        for dtype in ALL:
            tf.constant(values(dtype, (2, 3)), name="of/" + dtype)
            tf.constant(values(dtype, ()), name="one/" + dtype)
            tf.constant(values(dtype, (4,))[3], shape=(2, 2), dtype=dtype, name="splat/" + dtype)
        tf.constant(values("float32", (0, 3)), name="empty")
        tf.constant(["cat", "dog"], name="names")
        tf.zeros([3, 2], name="zeros")
    definition = graph.as_graph_def()
    # The forms that only other writers use: every cell in the field of its type, and fewer than there are.
    for dtype in ALL:
        array = values(dtype, (2, 3))
        for name, cells, shape in [("field/", array, (2, 3)), ("short/", array.ravel()[:4], (2, 3))]:
            node = definition.node.add(name=name + dtype, op="Const")
            node.attr["dtype"].type = tf.as_dtype(dtype).as_datatype_enum
            tensor = node.attr["value"].tensor
            tensor.dtype = tf.as_dtype(dtype).as_datatype_enum
            tensor.tensor_shape.CopyFrom(tf.TensorShape(shape).as_proto())
            cells = cells.ravel()
            field, numbers = {
                "float64": ("double_val", cells), "float32": ("float_val", cells),
                "float16": ("half_val", cells.view("u2")), "bfloat16": ("half_val", cells.view("u2")),
                "int64": ("int64_val", cells), "uint64": ("uint64_val", cells),
                "uint32": ("uint32_val", cells), "bool": ("bool_val", cells),
            }.get(dtype, ("int_val", cells))
            getattr(tensor, field).extend(numbers.tolist())
    with open(path("frozen.pb"), "wb") as file:
        file.write(definition.SerializeToString(deterministic=True))
    tensors, passed_over = {}, []
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, name="")
        with tf1.Session() as run:
            for node in definition.node:
                if node.op == "Const":
                    value = run.run(node.name + ":0")
                    if np.asarray(value).dtype.name in NAMES:
                        tensors[node.name] = described(value)
                    else:
                        passed_over.append(node.name)
    return {"tensors": tensors, "passed_over": sorted(passed_over)}


def saved_models():
    net = Net()
    tf.saved_model.save(net, path("saved_model"), signatures=net.serve)
    with tf.Graph().as_default():
        x = tf1.placeholder(tf.float32, [None, 4, 4, 1], name="x")
        w = variable("conv/w", values("float32", (2, 2, 1, 3)))
        y = tf1.nn.conv2d(x, w, strides=[1, 2, 2, 1], padding="SAME", name="conv/Conv2D")
        with tf1.Session() as run:
            run.run(tf1.global_variables_initializer())
            tf1.saved_model.simple_save(run, path("saved_model_v1"), {"x": x}, {"y": y})
    shutil.rmtree(path("saved_model/assets"))


def main():
    for old in os.listdir(HERE):
        if not old.startswith("make") and "layers" not in old:
            whole = path(old)
            shutil.rmtree(whole) if os.path.isdir(whole) else os.remove(whole)
    v1, v2 = tf1.train.SaverDef.V1, tf1.train.SaverDef.V2
    session(every_type(OLD), "v1.ckpt", v1)
    session(on_two_devices, "v1_sharded.ckpt", v1, sharded=True)
    session(in_parts, "v1_parts.ckpt", v1)
    session(text_too, "v2.ckpt", v2)
    session(on_two_devices, "v2_sharded.ckpt", v2, sharded=True)
    session(in_parts, "v2_parts.ckpt", v2)
    os.mkdir(path("run"))
    session(on_two_devices, "run/model.ckpt", v2, step=7)
    object_based()
    frozen_expected = frozen()
    saved_models()
    prefixes = ["v1.ckpt", "v1_parts.ckpt", "v2.ckpt", "v2_sharded.ckpt", "v2_parts.ckpt", "objects.ckpt",
                "run/model.ckpt-7", "saved_model/variables/variables", "saved_model_v1/variables/variables"]
    expected = {prefix: read(path(prefix)) for prefix in prefixes}
    expected["v1_sharded.ckpt"] = read(path("v1_sharded.ckpt-?????-of-00002"))
    expected["frozen.pb"] = frozen_expected
    with open(path("expected.json"), "w") as file:
        json.dump(expected, file, indent=1, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main()
