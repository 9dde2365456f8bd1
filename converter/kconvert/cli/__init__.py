"""The commands `kconvert` and `kbundle`."""
