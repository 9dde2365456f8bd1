"""Converts acme's Swish layer with kconvert."""
