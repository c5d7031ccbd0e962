"""Cuts every photo of a folder out, writes full and delta PNG, rebuilds. Prints a JSON line a photo.

usage: python -m scripts.benchmarks.delta_model FOLDER
"""

from __future__ import annotations

import io
import json
import os
import sys
import time

import numpy as np
from PIL import Image

from pixian_batch.emulator.engine import load_engine
from pixian_batch.imaging.delta import encode_delta, rebuild
from pixian_batch.imaging.png import write_png

for name in sorted(os.listdir(sys.argv[1])):
    path = os.path.join(sys.argv[1], name)
    rgb = np.asarray(Image.open(path).convert("RGB"))
    result = np.dstack([rgb, load_engine().matte(rgb)])
    result[result[..., 3] == 0] = 0
    full, delta = write_png(result), encode_delta(rgb, result)
    smallest = io.BytesIO()
    Image.fromarray(result).save(smallest, "PNG", compress_level=6)
    began = time.process_time()
    with open(path, "rb") as original:
        rebuild(original, io.BytesIO(delta))
    cpu = time.process_time() - began
    megapixels = rgb.shape[0] * rgb.shape[1] / 1e6
    print(
        json.dumps(
            {
                "photo": name,
                "megapixels": round(megapixels, 1),
                "png_level_6_mb": round(len(smallest.getvalue()) / 1e6, 2),
                "our_png_mb": round(len(full) / 1e6, 2),
                "delta_mb": round(len(delta) / 1e6, 2),
                "rebuild_cpu_ms_per_mp": round(cpu / megapixels * 1000, 1),
            }
        )
    )
