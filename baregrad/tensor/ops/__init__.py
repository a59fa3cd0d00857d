"""Operations of Tensor as mixins, each on top of the one before: elementwise, movement, reduce, linear,
indexing, create, loss.
"""
