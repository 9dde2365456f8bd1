"""The version of kconvert, as bundles and `kconvert --plugins` state it."""

VERSION = "0.1.0"
