"""How acme>Swish is converted."""

from kconvert import Emitter, LayerCall, Register, Symbol, hookimpl, masks


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layers of this package."""
    register("acme>Swish", swish, arguments=("inputs", "mask"), compute_mask=masks.keep)


def swish(call: LayerCall, emit: Emitter) -> Symbol:
    """Multiply x by sigmoid(beta x), with one beta for each channel; 0 where masked, if `zero_masked`."""
    x = call.x
    beta = emit.weight("beta", 0, shape=(x.shape[-1],))
    y: Symbol = emit.op("acme::swish", x, beta)
    if call.config.bool("zero_masked", False) and call.mask is not None:
        mask = emit.op("reshape", call.mask, shape=[*(f"x.{axis}" for axis in range(call.mask.rank)), 1])
        y = emit.op("multiply", y, emit.cast(mask, y.dtype))
    return y
