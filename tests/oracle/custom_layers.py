"""Layers as authors write them, after the usual examples: they are imported by `--import`, never by kconvert itself."""

import keras
import numpy as np
from keras import layers, ops


class TokenAndPositionEmbedding(layers.Layer):
    def __init__(self, maxlen, vocab_size, embed_dim, **kwargs):
        super().__init__(**kwargs)
        self.maxlen, self.vocab_size, self.embed_dim = maxlen, vocab_size, embed_dim
        self.token_emb = layers.Embedding(vocab_size, embed_dim)
        self.pos_emb = layers.Embedding(maxlen, embed_dim)

    def call(self, x):
        positions = ops.arange(start=0, stop=ops.shape(x)[-1], step=1)
        return self.token_emb(x) + self.pos_emb(positions)

    def get_config(self):
        sizes = {"maxlen": self.maxlen, "vocab_size": self.vocab_size, "embed_dim": self.embed_dim}
        return {**super().get_config(), **sizes}


@keras.saving.register_keras_serializable(package="acme")
class PositionalEmbedding(layers.Layer):
    def __init__(self, sequence_length, vocab_size, embed_dim, **kwargs):
        super().__init__(**kwargs)
        self.token_embeddings = layers.Embedding(vocab_size, embed_dim, mask_zero=True)
        self.position_embeddings = layers.Embedding(sequence_length, embed_dim)
        self.sequence_length, self.vocab_size, self.embed_dim = sequence_length, vocab_size, embed_dim

    def call(self, inputs):
        length = ops.shape(inputs)[-1]
        positions = ops.arange(0, length, 1)
        return self.token_embeddings(inputs) + self.position_embeddings(positions)

    def compute_mask(self, inputs, mask=None):
        return ops.not_equal(inputs, 0)

    def get_config(self):
        names = ("sequence_length", "vocab_size", "embed_dim")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class TransformerBlock(layers.Layer):
    def __init__(self, embed_dim, num_heads, ff_dim, rate=0.1, **kwargs):
        super().__init__(**kwargs)
        self.embed_dim, self.num_heads, self.ff_dim, self.rate = embed_dim, num_heads, ff_dim, rate
        self.att = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.ffn = keras.Sequential([layers.Dense(ff_dim, activation="relu"), layers.Dense(embed_dim)])
        self.layernorm1 = layers.LayerNormalization(epsilon=1e-6)
        self.layernorm2 = layers.LayerNormalization(epsilon=1e-6)
        self.dropout1 = layers.Dropout(rate)
        self.dropout2 = layers.Dropout(rate)

    def call(self, inputs, training=None):
        attn_output = self.dropout1(self.att(inputs, inputs), training=training)
        out1 = self.layernorm1(inputs + attn_output)
        ffn_output = self.dropout2(self.ffn(out1), training=training)
        return self.layernorm2(out1 + ffn_output)

    def get_config(self):
        names = ("embed_dim", "num_heads", "ff_dim", "rate")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="acme")
class TransformerDecoder(layers.Layer):
    def __init__(self, embed_dim, latent_dim, num_heads, **kwargs):
        super().__init__(**kwargs)
        self.embed_dim, self.latent_dim, self.num_heads = embed_dim, latent_dim, num_heads
        self.attention_1 = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.attention_2 = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.dense_proj = keras.Sequential([layers.Dense(latent_dim, activation="relu"), layers.Dense(embed_dim)])
        self.layernorm_1 = layers.LayerNormalization()
        self.layernorm_2 = layers.LayerNormalization()
        self.layernorm_3 = layers.LayerNormalization()
        self.supports_masking = True

    def call(self, inputs, mask=None):
        inputs, encoder_outputs = inputs
        causal_mask = self.get_causal_attention_mask(inputs)
        if mask is None:
            inputs_padding_mask, encoder_outputs_padding_mask = None, None
        else:
            inputs_padding_mask, encoder_outputs_padding_mask = mask
        attention_output_1 = self.attention_1(
            query=inputs, value=inputs, key=inputs, attention_mask=causal_mask, query_mask=inputs_padding_mask
        )
        out_1 = self.layernorm_1(inputs + attention_output_1)
        attention_output_2 = self.attention_2(
            query=out_1, value=encoder_outputs, key=encoder_outputs,
            query_mask=inputs_padding_mask, key_mask=encoder_outputs_padding_mask,
        )  # fmt: skip
        out_2 = self.layernorm_2(out_1 + attention_output_2)
        return self.layernorm_3(out_2 + self.dense_proj(out_2))

    def get_causal_attention_mask(self, inputs):
        input_shape = ops.shape(inputs)
        batch_size, sequence_length = input_shape[0], input_shape[1]
        i = ops.arange(sequence_length)[:, None]
        j = ops.arange(sequence_length)
        mask = ops.cast(i >= j, dtype="int32")
        mask = ops.reshape(mask, (1, input_shape[1], input_shape[1]))
        return ops.broadcast_to(mask, (batch_size, sequence_length, sequence_length))

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else mask[0]

    def get_config(self):
        names = ("embed_dim", "latent_dim", "num_heads")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class L1Dist(layers.Layer):
    def call(self, input_embedding, validation_embedding):
        return ops.abs(input_embedding - validation_embedding)


class Patches(layers.Layer):
    def __init__(self, patch_size, **kwargs):
        super().__init__(**kwargs)
        self.patch_size = patch_size

    def call(self, images):
        batch_size, height, width, channels = ops.shape(images)
        rows, columns = height // self.patch_size, width // self.patch_size
        patches = ops.image.extract_patches(images, size=self.patch_size)
        return ops.reshape(patches, (batch_size, rows * columns, self.patch_size * self.patch_size * channels))

    def get_config(self):
        return {**super().get_config(), "patch_size": self.patch_size}


class PatchEncoder(layers.Layer):
    def __init__(self, num_patches, projection_dim, **kwargs):
        super().__init__(**kwargs)
        self.num_patches, self.projection_dim = num_patches, projection_dim
        self.projection = layers.Dense(units=projection_dim)
        self.position_embedding = layers.Embedding(input_dim=num_patches, output_dim=projection_dim)

    def build(self, input_shape):
        self.class_token = self.add_weight(shape=(1, 1, self.projection_dim), name="class_token")

    def call(self, patch):
        positions = ops.expand_dims(ops.arange(start=0, stop=self.num_patches, step=1), axis=0)
        encoded = self.projection(patch) + self.position_embedding(positions)
        batch_size = ops.shape(patch)[0]
        token = ops.broadcast_to(self.class_token, (batch_size, 1, self.projection_dim))
        return ops.concatenate([token, encoded], axis=1)

    def get_config(self):
        return {**super().get_config(), "num_patches": self.num_patches, "projection_dim": self.projection_dim}


class AttentionPooling(layers.Layer):
    """Attention with weights of its own, over steps that are not masked."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape):
        self.W = self.add_weight(name="att_weight", shape=(input_shape[-1], 1), initializer="normal")
        self.b = self.add_weight(name="att_bias", shape=(1,), initializer="zeros")

    def call(self, x, mask=None):
        e = ops.squeeze(ops.tanh(ops.matmul(x, self.W) + self.b), axis=-1)
        if mask is not None:
            e = e - 1e9 * (1.0 - ops.cast(mask, e.dtype))
        alpha = ops.expand_dims(ops.softmax(e), axis=-1)
        return ops.sum(x * alpha, axis=1)

    def compute_mask(self, inputs, mask=None):
        return None


class SqueezeExcite(layers.Layer):
    def __init__(self, ratio=2, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape):
        channels = input_shape[-1]
        self.pool = layers.GlobalAveragePooling2D(keepdims=True)
        self.reduce = layers.Dense(channels // self.ratio, activation="relu")
        self.expand = layers.Dense(channels, activation="sigmoid")

    def call(self, x):
        return x * self.expand(self.reduce(self.pool(x)))

    def get_config(self):
        return {**super().get_config(), "ratio": self.ratio}


@keras.saving.register_keras_serializable(package="acme")
class ResidualBlock(layers.Layer):
    """A block of a temporal convolutional network, which holds layers of its own kind."""

    def __init__(self, filters, kernel_size, dilation_rate, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.dilation_rate = filters, kernel_size, dilation_rate
        self.convs = [
            layers.Conv1D(filters, kernel_size, dilation_rate=dilation_rate, padding="causal") for _ in range(2)
        ]
        self.norm = layers.BatchNormalization()
        self.gate = Scale()
        self.shortcut = None

    def build(self, input_shape):
        if input_shape[-1] != self.filters:
            self.shortcut = layers.Conv1D(self.filters, 1)

    def call(self, x, training=None):
        y = x
        for conv in self.convs:
            y = ops.relu(self.norm(conv(y), training=training))
        return ops.relu(self.gate(y) + (x if self.shortcut is None else self.shortcut(x)))

    def get_config(self):
        names = ("filters", "kernel_size", "dilation_rate")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class Scale(layers.Layer):
    """beta x sigmoid(x), with the variable in front."""

    def build(self, input_shape):
        self.beta = self.add_weight(name="beta", shape=(input_shape[-1],), initializer="ones")

    def call(self, inputs):
        return self.beta * inputs * ops.sigmoid(self.beta * inputs)

    def compute_output_shape(self, input_shape):
        return input_shape


class LeakyCell(layers.Layer):
    """A recurrent cell with two states."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, 1]
        self.output_size = units
        self.inner = layers.Dense(units, use_bias=False)

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.inner.build((None, self.units))

    def call(self, inputs, states):
        state, count = states
        count = count + 1.0
        state = 0.5 * state + ops.tanh(ops.matmul(inputs, self.kernel) + self.inner(state)) / count
        return state * 2.0, [state, count]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="acme")
def bent(x):
    return x * ops.relu(x + 0.5)


def halves(x):
    return ops.concatenate([x[:, :2] * 0.5, x[:, 2:]], axis=-1)


class Sampling(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs):
        z_mean, z_log_var = inputs
        epsilon = keras.random.normal(shape=ops.shape(z_mean), seed=self.seed_generator)
        return z_mean + ops.exp(0.5 * z_log_var) * epsilon


class Noisy(layers.Layer):
    """Random numbers from elsewhere."""

    def call(self, x):
        return x + np.random.normal(size=(3,)).astype("float32")


@keras.saving.register_keras_serializable(package="acme")
class Classifier(keras.Model):
    """A model class: it has no graph in the file at all."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.block = ResidualBlock(units, 2, 1)
        self.pool = layers.GlobalMaxPooling1D()
        self.head = layers.Dense(3, activation="softmax")

    def call(self, inputs, training=None):
        return self.head(self.pool(self.block(inputs, training=training)))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class WithTensorFlow(layers.Layer):
    """Functions of TensorFlow itself."""

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], 4))

    def call(self, x):
        import tensorflow as tf

        rows = tf.shape(x)[0]
        y = tf.matmul(tf.nn.relu(x), self.kernel)
        y = tf.reshape(y, [rows, 2, 2])
        return tf.reduce_sum(y, axis=1) + tf.zeros([rows, 2])


class Sorted(layers.Layer):
    """Code that cannot be followed: what it does depends on the values."""

    def call(self, x):
        if ops.max(x) > 0:
            return x
        return -x

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)
