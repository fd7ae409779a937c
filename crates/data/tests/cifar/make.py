"""Write a file of CIFAR-10 with two pictures, by Python's own pickle and NumPy.

    python make.py

The original ones have the same entries, in the second protocol, too. Byte p of picture n, both from 0, is
(31 n + 7 p) % 256, and the classes are 3 and 8.
"""

import pickle
from pathlib import Path

import numpy as np

n, p = np.arange(2)[:, None], np.arange(3072)[None, :]
batch = {
    "batch_label": "training batch 1 of 5",
    "labels": [3, 8],
    "data": ((31 * n + 7 * p) % 256).astype(np.uint8),
    "filenames": ["domestic_cat_s_000001.png", "ferry_s_000002.png"],
}
Path(__file__).with_name("data_batch_1").write_bytes(pickle.dumps(batch, protocol=2))
