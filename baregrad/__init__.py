"""baregrad: a deep-learning stack that owns every layer from Tensor to machine code."""
