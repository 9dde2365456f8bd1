"""Calls of TensorFlow's functions, as text: each is written into a file by Keras 2 and compared with it.

x, z (3, 6), s (3, 5, 4) and im (3, 8, 8, 3) are floats, i (3,) and ids (3, 2) whole numbers; K is the
backend of Keras 2.
"""

FUNCTIONS: dict[str, str] = {
    "operators": """
        x + z
        x - z
        x * z
        x / z
        x // z
        x % z
        x ** 2.0
        2.0 ** x
        -x
        abs(x)
        x > z
        x >= z
        x < z
        x <= z
        1.0 - x
        2 / x
        3.0 * x
        x @ tf.transpose(z)
        i + 1
        i * 2
        i // 2
        i % 3
        ~(x > z)
        (x > z) & (x < 1)
        (x > z) | (x < 1)
        (x>z) ^ (x<1)
    """,
    "slices": """
        x[:, 0]
        x[:, 1:3]
        x[..., -1]
        x[:, tf.newaxis]
        s[:, ::2, 1]
        s[:, -1, :]
        s[:, 1:-1]
        x[:, None, :]
        im[:, :, :, 0:1]
        s[:, ::-1]
    """,
    "elements": """
        tf.add(x, z)
        tf.subtract(x, 1.0)
        tf.multiply(x, [1.,2.,3.,4.,5.,6.])
        tf.divide(x, 2.0)
        tf.math.floordiv(x, 2.0)
        tf.math.mod(x, 2.0)
        tf.pow(x, 2.0)
        tf.maximum(x, 0.1)
        tf.minimum(x, z)
        tf.abs(x)
        tf.negative(x)
        tf.exp(x)
        tf.math.log(x*x+1.0)
        tf.math.log1p(x*x)
        tf.sqrt(x*x)
        tf.math.rsqrt(x*x+1.0)
        tf.square(x)
        tf.sin(x)
        tf.cos(x)
        tf.tan(x)
        tf.tanh(x)
        tf.sigmoid(x)
        tf.math.softplus(x)
        tf.nn.softsign(x)
        tf.nn.relu(x)
        tf.nn.relu6(x)
        tf.nn.elu(x)
        tf.nn.selu(x)
        tf.nn.silu(x)
        tf.nn.swish(x)
        tf.nn.gelu(x)
        tf.nn.gelu(x, approximate=True)
        tf.nn.leaky_relu(x)
        tf.nn.leaky_relu(x, alpha=0.3)
        tf.nn.crelu(x)
        tf.nn.softmax(x)
        tf.nn.softmax(s, axis=1)
        tf.nn.log_softmax(x)
        tf.floor(x)
        tf.math.ceil(x)
        tf.round(x)
        tf.math.rint(x)
        tf.sign(x)
        tf.math.erf(x)
        tf.math.asin(x/3)
        tf.math.acos(x/3)
        tf.math.atan(x)
        tf.math.atan2(x, z)
        tf.math.sinh(x)
        tf.math.cosh(x)
        tf.math.asinh(x)
        tf.math.reciprocal(x)
        tf.math.squared_difference(x, z)
        tf.math.divide_no_nan(x, z)
        tf.math.multiply_no_nan(x, z)
        tf.math.xlogy(x*x, z*z+1)
        tf.math.is_nan(x)
        tf.math.is_finite(x)
        tf.math.logical_not(x > 0)
        tf.logical_and(x>0, z>0)
        tf.logical_or(x>0, z>0)
        tf.math.logical_xor(x>0, z>0)
        tf.math.expm1(x)
        tf.math.sigmoid(x)
        tf.math.log_sigmoid(x)
        tf.nn.sigmoid(x)
        tf.math.cumsum(x, axis=1)
        tf.math.cumsum(x, axis=1, exclusive=True, reverse=True)
        tf.math.cumprod(x, axis=1)
        tf.equal(x, z)
        tf.not_equal(x, 0.0)
        tf.greater(x, 0.5)
        tf.less_equal(x, 0.5)
        tf.math.add_n([x, z])
        tf.identity(x)
        tf.stop_gradient(x)
    """,
    "axes": """
        tf.reduce_mean(x, axis=1)
        tf.reduce_mean(s, [1, 2])
        tf.reduce_sum(x, axis=-1, keepdims=True)
        tf.reduce_max(s, axis=1)
        tf.reduce_min(x, 1)
        tf.reduce_prod(x, 1)
        tf.math.reduce_std(x, axis=1)
        tf.math.reduce_variance(x, axis=1)
        tf.reduce_any(x > 0, axis=1)
        tf.reduce_all(x > 0, axis=1)
        tf.reduce_logsumexp(x, axis=1)
        tf.reduce_sum(x)
        tf.math.reduce_euclidean_norm(x, axis=1)
        tf.norm(x, axis=1)
        tf.norm(x, ord=1, axis=-1, keepdims=True)
        tf.argmax(x, axis=1)
        tf.argmin(x, axis=-1)
        tf.argmax(x, -1, output_type=tf.int32)
        tf.math.l2_normalize(x, axis=-1)
        tf.linalg.l2_normalize(x, axis=1, epsilon=1e-6)
        tf.math.count_nonzero(x, axis=1)
        tf.argsort(x, axis=1)
        tf.sort(x, axis=-1)
        tf.sort(x, direction="DESCENDING")
        tf.math.top_k(x, k=2)[0]
        tf.math.top_k(x, 2).indices
        tf.nn.moments(x, axes=[1])[0]
        tf.nn.moments(s, axes=[1,2], keepdims=True)[1]
        tf.math.reduce_max(i)
        tf.nn.l2_loss(x)
    """,
    "shapes": """
        tf.reshape(x, [-1, 2, 3])
        tf.reshape(s, (-1, 20))
        tf.transpose(s, [0, 2, 1])
        tf.transpose(s, perm=(1, 0, 2))
        tf.concat([x, z], axis=-1)
        tf.concat([s, s], 1)
        tf.stack([x, z], axis=1)
        tf.stack([x, z])
        tf.unstack(s, axis=1)[2]
        tf.split(x, 2, axis=-1)[1]
        tf.split(x, [2, 4], axis=1)[0]
        tf.expand_dims(x, 1)
        tf.expand_dims(x, axis=-1)
        tf.squeeze(tf.expand_dims(x, 1), 1)
        tf.squeeze(tf.expand_dims(x,1), axis=[1])
        tf.tile(x, [1, 2])
        tf.tile(tf.expand_dims(x, 1), [1, 3, 1])
        tf.repeat(x, 2, axis=1)
        tf.gather(x, [0, 2], axis=1)
        tf.gather(x, [5, 0], axis=-1)
        tf.gather(s, ids, axis=1, batch_dims=1)
        tf.where(x > 0, x, z)
        tf.where(x > 0, x, 0.0)
        tf.cast(x, tf.int32)
        tf.cast(i, tf.float32)
        tf.cast(x > 0, "float32")
        tf.slice(x, [0, 1], [-1, 3])
        tf.strided_slice(x, [0, 1], [2, 5], [1, 2])
        tf.strided_slice(s, [0, 0, 0], [0, 5, 4], [1, 2, 1], begin_mask=1, end_mask=1)
        tf.pad(x, [[0, 0], [1, 2]])
        tf.pad(im, [[0,0],[1,1],[1,1],[0,0]], mode="REFLECT")
        tf.pad(x, [[0,0],[1,1]], constant_values=2.0)
        tf.pad(im, tf.constant([[0,0],[1,1],[2,2],[0,0]]), "SYMMETRIC")
        tf.reverse(x, [1])
        tf.reverse(s, axis=[-1])
        tf.roll(x, 1, axis=1)
        tf.roll(x, shift=[1], axis=[1])
        tf.zeros_like(x)
        tf.ones_like(x)
        tf.zeros_like(x, dtype=tf.int32)
        tf.one_hot(i, 5)
        tf.one_hot(i, depth=4, on_value=2.0, off_value=-1.0)
        tf.broadcast_to(x[:1], [3, 6])
        tf.linalg.band_part(tf.matmul(s, s, transpose_b=True), -1, 0)
        tf.linalg.diag(x)
        tf.linalg.diag_part(tf.matmul(s, s, transpose_b=True))
        tf.sequence_mask(i, 6)
        tf.clip_by_value(x, -1.0, 1.0)
        tf.clip_by_value(x, 0, 1)
        tf.ensure_shape(x, [None, 6])
        tf.fill([2, 3], 1.0) + x[0:1, 0:1]
        tf.linalg.trace(tf.matmul(s, s, transpose_b=True))
        tf.eye(6) + x[0:1]
        tf.clip_by_norm(x, 1.0, axes=1)
        tf.math.reduce_sum(tf.abs(x - z), axis=1, keepdims=True)
    """,
    "products": """
        tf.matmul(s, s, transpose_b=True)
        tf.linalg.matmul(s, s, transpose_a=True)
        tf.tensordot(s, tf.ones((4, 2)), axes=1)
        tf.tensordot(s, tf.ones((4, 2)), [[2], [0]])
        tf.linalg.matvec(s, s[:, 0])
        tf.linalg.inv(tf.matmul(s, s, transpose_a=True) + tf.eye(4))
        tf.linalg.det(tf.matmul(s, s, transpose_a=True))
        tf.linalg.cholesky(tf.matmul(s, s, transpose_a=True) + tf.eye(4))
        tf.linalg.matrix_transpose(s)
        tf.linalg.cross(s[:, :, :3], s[:, :, 1:])
        tf.linalg.norm(x, axis=1)
    """,
    "images": """
        tf.image.resize(im, [4, 4])
        tf.image.resize(im, (16, 16), method="nearest")
        tf.image.resize(im, (16, 12), method=tf.image.ResizeMethod.BICUBIC)
        tf.image.resize(im, (16, 12), antialias=True)
        tf.image.rgb_to_grayscale(im)
        tf.image.grayscale_to_rgb(im[..., :1])
        tf.image.flip_left_right(im)
        tf.image.flip_up_down(im)
        tf.image.per_image_standardization(im)
        tf.image.central_crop(im, 0.5)
        tf.image.crop_to_bounding_box(im, 1, 1, 4, 4)
        tf.image.pad_to_bounding_box(im, 1, 1, 12, 12)
        tf.image.convert_image_dtype(im, tf.float32)
        tf.image.adjust_brightness(im, 0.1)
        tf.image.adjust_contrast(im, 2.0)
        tf.image.resize_with_crop_or_pad(im, 6, 10)
        tf.image.rot90(im)
        tf.image.sobel_edges(im)
        tf.image.rgb_to_hsv(im)
        tf.image.extract_patches(im, [1,2,2,1], [1,2,2,1], [1,1,1,1], "VALID")
        tf.compat.v1.image.resize_bilinear(im, [16, 16])
        tf.compat.v1.image.resize_nearest_neighbor(im, (16, 16))
        tf.compat.v1.image.resize_bilinear(im, [16, 16], align_corners=True)
        tf.image.transpose(im)
        tf.image.total_variation(im)
        tf.image.resize(im, tf.shape(im)[1:3] * 2)
    """,
    "windows": """
        tf.nn.conv2d(im, tf.ones((3,3,3,2)), strides=1, padding="SAME")
        tf.nn.conv2d(im, tf.ones((3,3,3,2)), [1,2,2,1], "VALID")
        tf.nn.depthwise_conv2d(im, tf.ones((3,3,3,1)), [1,1,1,1], "SAME")
        tf.nn.bias_add(x, tf.ones(6))
        tf.nn.max_pool2d(im, 2, 2, "VALID")
        tf.nn.max_pool(im, [1,2,2,1], [1,2,2,1], "SAME")
        tf.nn.avg_pool2d(im, 2, 2, "SAME")
        tf.nn.avg_pool(im, 2, 1, "VALID")
        tf.nn.depth_to_space(im[..., :1] * tf.ones((1,1,1,4)), 2)
        tf.nn.space_to_depth(im, 2)
        tf.nn.conv1d(s, tf.ones((3,4,2)), 1, "SAME")
        tf.nn.local_response_normalization(im)
        tf.nn.lrn(im, depth_radius=2, bias=1, alpha=1e-4, beta=0.75)
        tf.nn.batch_normalization(x, 0.1, 1.1, 0.2, 1.5, 1e-3)
        tf.nn.max_pool1d(s, 2, 2, "VALID")
        tf.nn.embedding_lookup(tf.ones((10, 3)), i)
        tf.nn.normalize_moments(1., x, z, None)[0]
        tf.nn.convolution(im, tf.ones((3,3,3,2)), padding="SAME")
        tf.nn.separable_conv2d(im, tf.ones((3,3,3,1)), tf.ones((1,1,3,2)), [1,1,1,1], "SAME")
    """,
    "sizes": """
        tf.shape(x)
        tf.shape(x)[0]
        tf.reshape(s, [tf.shape(s)[0], -1])
        tf.reshape(s, (tf.shape(s)[0], 2, 10))
        tf.reshape(s, tf.stack([tf.shape(s)[0], 20]))
        tf.reshape(s, tf.concat([tf.shape(s)[:1], [20]], 0))
        tf.reshape(x, tf.shape(z))
        tf.zeros((tf.shape(x)[0], 3))
        tf.zeros([tf.shape(x)[0], 2]) + x[:, :2]
        tf.ones(tf.shape(x)) + x
        tf.fill([tf.shape(x)[0], 1], 2.0)
        tf.tile(x[:1], [tf.shape(z)[0], 1])
        tf.tile(tf.ones((1, 6)), tf.stack([tf.shape(x)[0], 1])) + x
        tf.broadcast_to(x[:, :1], tf.shape(z))
        tf.broadcast_to(x[:1], (tf.shape(x)[0], 6))
        tf.range(tf.shape(x)[1])
        tf.cast(tf.shape(x)[1], tf.float32) * x
        x / tf.cast(tf.shape(x)[0], tf.float32)
        tf.size(x)
        tf.rank(x)
        tf.range(tf.shape(x)[0])
        tf.slice(s, [0, 0, 0], [tf.shape(s)[0], 2, 4])
        tf.reshape(s, [-1, tf.shape(s)[1] * tf.shape(s)[2]])
        tf.one_hot(tf.range(tf.shape(s)[1]), 5)
        tf.repeat(x, tf.shape(s)[1], axis=1)
        tf.expand_dims(tf.range(start=0, limit=tf.shape(s)[1], delta=1), 0)
        tf.shape_n([x, z])[1]
    """,
    "backend": """
        K.dot(x, tf.transpose(z))
        K.batch_dot(s, s, axes=[2, 2])
        K.sum(x, axis=1)
        K.mean(s, axis=[1])
        K.max(x, axis=-1, keepdims=True)
        K.expand_dims(x, -1)
        K.squeeze(K.expand_dims(x, 1), 1)
        K.concatenate([x, z], axis=1)
        K.reshape(x, (-1, 3, 2))
        K.permute_dimensions(s, (0, 2, 1))
        K.repeat_elements(s, 2, axis=1)
        K.repeat(x, 3)
        K.tile(x, [1, 2])
        K.flatten(x)
        K.batch_flatten(s)
        K.softmax(x)
        K.sigmoid(x)
        K.hard_sigmoid(x)
        K.relu(x, max_value=2.0)
        K.relu(x, alpha=0.1)
        K.elu(x)
        K.l2_normalize(x, axis=1)
        K.abs(x)
        K.square(x)
        K.sqrt(x)
        K.exp(x)
        K.log(x*x+1)
        K.clip(x, -1, 1)
        K.pow(x, 2)
        K.maximum(x, z)
        K.greater(x, z)
        K.cast(x > z, "float32")
        K.std(x, axis=1)
        K.var(x, axis=1)
        K.argmax(x)
        K.stack([x, z], axis=1)
        K.sum(K.square(x - z), axis=1, keepdims=True)
        K.epsilon() + x
        K.gather(tf.ones((9, 3)), i)
        K.one_hot(i, 5)
        K.reverse(x, 1)
        K.any(x > 0, axis=1)
        K.resize_images(im, 2, 2, "channels_last")
        K.pool2d(im, (2, 2), pool_mode="avg")
        K.conv2d(im, tf.ones((3,3,3,2)))
        K.bias_add(x, tf.ones(6))
        K.spatial_2d_padding(im)
        K.temporal_padding(s, (1, 0))
        K.tanh(x)
        K.softplus(x)
        K.cumsum(x, axis=1)
        K.int_shape(x)[1] * x
        K.ones_like(x)
        K.zeros_like(x)
        K.shape(x)
        K.not_equal(x, z)
        K.sign(x)
        K.round(x)
        K.minimum(x, z)
        K.min(x, axis=1)
        K.prod(x, axis=1)
        K.arange(3, dtype="float32") * x[:, :3]
        K.in_top_k(x, i, 2)
    """,
    "complex": """
        tf.signal.fft(tf.cast(x, tf.complex64))
        tf.math.real(tf.signal.fft(tf.complex(x, z)))
        tf.math.angle(tf.complex(x, z))
        tf.math.conj(tf.complex(x, z))
        tf.math.imag(tf.complex(x, z))
        tf.signal.hann_window(6) * x
        tf.signal.fft2d(tf.cast(s, tf.complex64))
    """,
}
"""A call on each line."""
