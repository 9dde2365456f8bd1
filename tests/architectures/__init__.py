"""Every network of keras.applications, with random weights, converted and compared with Keras."""
