"""Rounds the convolution weights of a safetensors file to float16: half_weights.py best.safetensors small.safetensors"""
import sys

import numpy as np
from safetensors.numpy import load_file, save_file

weights = load_file(sys.argv[1])
save_file({name: value.astype(np.float16) if value.ndim == 4 else value for name, value in weights.items()}, sys.argv[2])
