"""Has NumPy read what numpy::write_npz wrote: written.npz, which tests/npz.rs compares byte by byte.

    python3 check.py    with NumPy 2.4.6
"""
import os

import numpy as np

KINDS = {"F64": "f8", "F32": "f4", "F16": "f2", "BF16": "f4", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1",
         "U64": "u8", "U32": "u4", "U16": "u2", "U8": "u1", "BOOL": "b1"}

loaded = np.load(os.path.join(os.path.dirname(os.path.abspath(__file__)), "written.npz"), allow_pickle=False)
assert sorted(loaded.files) == sorted(["types/" + name for name in KINDS] + ["scalar", "empty", "caf\u00e9"])
for name, kind in KINDS.items():
    got = loaded["types/" + name]
    assert got.dtype == np.dtype(kind) and got.shape == (2, 3), name
    if name == "BF16":
        expected = np.tile(np.array([0, 1] * 6, "u1").reshape(-1, 2), 1)
        expected = np.concatenate([np.zeros((6, 2), "u1"), expected], axis=1).tobytes()
    else:
        expected = bytes(byte % 2 for byte in range(6 * got.dtype.itemsize))
    assert got.tobytes() == expected, name
assert loaded["scalar"] == 0.5 and loaded["scalar"].shape == ()
assert loaded["empty"].shape == (3, 0)
assert loaded["caf\u00e9"].tolist() == [1.5, -2.5]
print("NumPy", np.__version__, "reads written.npz")
