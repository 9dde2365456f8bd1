"""A small reader for HDF5 files, for what Keras writes, made for files that cannot be trusted.

Written from the HDF5 File Format Specification. Every offset and size is checked before anything is read or
allocated, work and memory are bounded by the size of the file, and whatever is wrong is an HDF5Error. Links other
than hard ones, data in other files, and what Keras does not write are refused by name.

    File(data).root["model_weights"]["dense"].attribute("weight_names")
"""

from .dataset import Dataset
from .errors import HDF5Error
from .file import File, Group

__all__ = ["Dataset", "File", "Group", "HDF5Error"]
