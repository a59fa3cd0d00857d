"""Operations of Tensor as mixins, each on top of the ones before, the first being elementwise.

tensor.py puts the last ones together. What is not here: parts with slices (tensor/slices.py), and what
operations promise (tensor/records).
"""
