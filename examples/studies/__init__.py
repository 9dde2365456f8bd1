"""The studies: architectures compared on CIFAR-10 and NusaX, trained by Keras, run and trained by kconvert."""
