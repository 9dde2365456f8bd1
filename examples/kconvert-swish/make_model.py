"""Train and save swish.keras. Only this script needs Keras, and only it holds the layer's class."""

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="acme")
class Swish(keras.layers.Layer):
    """x sigmoid(beta x), with one trained beta for each channel."""

    def __init__(self, initial_beta=1.0, zero_masked=False, **kwargs):
        super().__init__(**kwargs)
        self.initial_beta = initial_beta
        self.zero_masked = zero_masked
        self.supports_masking = True

    def build(self, input_shape):
        start = keras.initializers.Constant(self.initial_beta)
        self.beta = self.add_weight(name="beta", shape=(input_shape[-1],), initializer=start)

    def call(self, inputs, mask=None):
        y = inputs * keras.ops.sigmoid(self.beta * inputs)
        if self.zero_masked and mask is not None:
            y = y * keras.ops.cast(keras.ops.expand_dims(mask, -1), y.dtype)
        return y

    def get_config(self):
        return {**super().get_config(), "initial_beta": self.initial_beta, "zero_masked": self.zero_masked}


def sequences(rows, steps=6):
    """Random sequences, padded with zeros after a random length; the targets are running sums of their products."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(rows, steps, 2)).astype("float32")
    x[np.arange(steps) >= rng.integers(2, steps + 1, size=(rows, 1))] = 0
    return x, np.cumsum(x[..., :1] * x[..., 1:], axis=1)


def build():
    """Return the model; its Swish layers carry on the mask that Masking makes."""
    return keras.Sequential(
        [
            keras.Input((None, 2)),
            keras.layers.Masking(),
            keras.layers.Dense(6),
            Swish(initial_beta=1.5, zero_masked=True),
            keras.layers.Dense(4),
            Swish(),
            keras.layers.Dense(1),
        ]
    )


if __name__ == "__main__":
    keras.utils.set_random_seed(1)
    model = build()
    model.compile("adam", "mse")
    model.fit(*sequences(2000), epochs=20, verbose=2)
    x, _ = sequences(3)
    model.save("swish.keras")
    np.save("input.npy", x)
    np.save("output.npy", model.predict(x, verbose=0))
