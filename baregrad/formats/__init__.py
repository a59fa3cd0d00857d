"""Files of weights. safetensors.py is the one format so far."""

from baregrad.formats.safetensors import load_safetensors, save_safetensors

__all__ = ["load_safetensors", "save_safetensors"]
