"""Functions of TensorFlow, which Keras 2 writes as layers, a module for each family."""

from . import elementwise, images, picking, products, reductions, refused, shapes, windows

MODULES = (elementwise, reductions, shapes, picking, products, windows, images, refused)
