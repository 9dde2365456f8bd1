"""Tests of the HDF5 reader, with h5py as the oracle."""
