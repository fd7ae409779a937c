"""Prints what TensorBoard's own reader finds in an event file: one JSON object a line for every value."""

import json
import sys

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util import tensor_util

for event in EventFileLoader(sys.argv[1]).Load():
    for value in event.summary.value:
        # The loader turns numbers and pictures of the first form into tensors of the present one.
        found = tensor_util.make_ndarray(value.tensor)
        line = {"step": event.step, "tag": value.tag, "plugin": value.metadata.plugin_data.plugin_name}
        if line["plugin"] == "images":
            width, height, *pictures = found.tolist()
            line.update(width=int(width), height=int(height), png=[len(png) for png in pictures])
        else:
            line["value"] = float(found)
        print(json.dumps(line))
