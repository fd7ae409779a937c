"""Has OpenCV compute the sample nets, and writes what it gives to expected.json.

The .caffemodel files are written by the tests:

    UPCONV_WRITE_SAMPLES=1 cargo test -p upconv-weights --test caffe the_samples
    python3 -m venv venv && venv/bin/pip install opencv-python-headless==4.14.0.94
    venv/bin/python crates/weights/tests/caffe/make.py

OpenCV has readers of Caffe's files of its own, made from Caffe's caffe.proto, and upgrades old nets itself. Written with
OpenCV 4.14.0 and NumPy 2.4.6 on Python 3.11.
"""

import json
import pathlib

import cv2
import numpy

FOLDER = pathlib.Path(__file__).parent

# The layers whose outputs are kept. OpenCV joins ReLU with what stands before it, so that is not asked for.
NETS = {
    "plain": ([1, 2, 7, 7], ["pool", "norm", "fc", "prob"]),
    "plain_v1": ([1, 2, 7, 7], ["pool", "norm", "fc", "prob"]),
    "norm": ([1, 2, 7, 5], ["scale"]),
}


def values(count, seed):
    """The numbers of caffe/writer.rs."""
    numbers = (numpy.arange(count) * 37 + seed * 11) % 101
    return (numbers / 64 - 50 / 64).astype(numpy.float32)


def outputs(name, shape, layers):
    net = cv2.dnn.readNetFromCaffe(
        str(FOLDER / f"{name}.prototxt"), str(FOLDER / f"{name}.caffemodel")
    )
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    # No layer is joined with another: each gives its own output.
    net.enableFusion(False)
    net.setInput(values(numpy.prod(shape), 13).reshape(shape), "data")
    found = net.forward(layers)
    return [
        {"layer": layer, "shape": list(out.shape), "values": [float(v) for v in out.ravel()]}
        for layer, out in zip(layers, found)
    ]


def main():
    result = {
        name: {"input_shape": shape, "outputs": outputs(name, shape, layers)}
        for name, (shape, layers) in NETS.items()
    }
    text = json.dumps(result, indent=1)
    (FOLDER / "expected.json").write_text(text + "\n")
    print(f"OpenCV {cv2.__version__}, NumPy {numpy.__version__}: {len(result)} nets")


if __name__ == "__main__":
    main()
