"""Operations of `keras.ops`, a module for each of Keras' own."""

from . import numpy

MODULES = (numpy,)
