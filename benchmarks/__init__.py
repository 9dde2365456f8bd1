"""kconvert beside Keras and compiled engines, measured in one run: `python -m benchmarks --help`."""
