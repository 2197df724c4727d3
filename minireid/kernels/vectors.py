"""Several numbers in one register: the values that the fused kernels compute with. For use inside numba only.

A processor multiplies and adds LANES numbers with one instruction, and has REGISTERS registers of LANES numbers each.
A sum that stays in a register is ready for the next product. A sum in an array is loaded and stored again for every
product, which takes several times longer than the product. The compiler makes vector instructions of loops over arrays,
but it never keeps an array in registers. So this page gives numba three kinds of values that can stay there:

    Vector      LANES numbers of one dtype
    row         a tuple of Vectors
    tile        a tuple of equally long rows

The length of a tuple is part of its type, so the compiler knows how many registers it takes. Each operation below is
written out, Vector by Vector. The arguments `like`, `rows` and `columns` are tuples; only their length counts.

LLVM chooses the instructions (AVX-512, AVX2, SSE, NEON). Arrays `a` are one-dimensional and contiguous. No index is
checked: a kernel must be written so that it stays inside its arrays.
"""

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic, models, register_model


def registers_of(processor: str, features: str) -> tuple[int, int]:
    """LANES (float32 numbers in a vector register) and REGISTERS, from LLVM's names of processor and features."""
    if processor.startswith(("aarch64", "arm64")):
        return 4, 32
    if "+avx512f" in features:
        return 16, 32
    return (8, 16) if "+avx2" in features else (4, 16)


def features_compiled_for() -> str:
    """The features of this machine, or those in NUMBA_CPU_FEATURES."""
    return vars(config)["CPU_FEATURES"] or llvmlite.binding.get_host_cpu_features().flatten()


LANES, REGISTERS = registers_of(llvmlite.binding.get_process_triple(), features_compiled_for())


class Vector(types.Type):
    def __init__(self, dtype: types.Type) -> None:
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype}, {LANES})")


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    """LLVM has vector types of its own, and keeps them in registers."""

    def __init__(self, manager, vector):
        super().__init__(manager, vector, ir.VectorType(manager.lookup(vector.dtype).get_value_type(), LANES))


# An @intrinsic returns two things to numba: the types of an operation, written result(arguments), and a function that
# appends LLVM's instructions to the builder b. The arguments of an @intrinsic are types. Their values at run time are
# in `values`: `a` is an array's type, `array` its value.


@intrinsic
def load_row(typing, a, i, like):
    """The row of len(like) Vectors that begins at a[i]."""
    row = types.UniTuple(Vector(a.dtype), len(like))

    def code(context, b, signature, values):
        where = [vector_at(context, b, a, values[0], values[1], v=v) for v in range(len(like))]
        return context.make_tuple(b, row, [read(b, w) for w in where])

    return row(a, types.intp, like), code


@intrinsic
def repeat(typing, row, like):
    """A row of len(like) copies of the first Vector of `row`."""
    longer = types.UniTuple(row.dtype, len(like))

    def code(context, b, signature, values):
        return context.make_tuple(b, longer, [b.extract_value(values[0], 0)] * len(like))

    return longer(row, like), code


@intrinsic
def store(typing, vector, a, i):
    """a[i], a[i + 1], ... = vector"""

    def code(context, b, signature, values):
        write(b, values[0], vector_at(context, b, a, values[1], values[2]))
        return context.get_dummy_value()

    return types.void(vector, a, types.intp), code


@intrinsic
def slide(typing, row, weights, a, i, step):
    """row[q] + sum over k of weights[k] a[i + (q + k) step], for all q: a row of the kernel slides along a map's row.

    Each number of a is loaded once for all its products. The weights are in registers as well.
    """

    def code(context, b, signature, values):
        sums, kernel, array, i, step = values
        for at in range(len(row) + len(weights) - 1):
            number = in_every_lane(b, b.load(number_at(context, b, a, array, i, step, at)))
            for k in range(max(0, at - len(row) + 1), min(len(weights), at + 1)):
                total = multiply_add(b, b.extract_value(kernel, k), number, b.extract_value(sums, at - k))
                sums = b.insert_value(sums, total, at - k)
        return sums

    return row(row, weights, a, types.intp, types.intp), code


@intrinsic
def largest_corner(typing, top, bottom):
    """For each 2x2 window of two rows: the largest numbers and their corner, 0, 1, 2 or 3 in reading order.

    Of equal numbers the first counts. NaN counts as the largest, so that it is never lost.
    """
    best, corner = (types.UniTuple(Vector(dtype), len(top) // 2) for dtype in (top.dtype.dtype, types.uint8))

    def code(context, b, signature, values):
        bests, corners = [], []
        for q in range(0, len(top), 2):
            window = [b.extract_value(row, q + side) for row in values for side in (0, 1)]
            number, which = window[0], in_every_lane(b, context.get_constant(types.uint8, 0))
            for k in (1, 2, 3):
                isnan = b.fcmp_unordered("uno", window[k], window[k])
                taken = b.or_(b.fcmp_ordered(">", window[k], number), isnan)
                number = b.select(taken, window[k], number)
                which = b.select(taken, in_every_lane(b, context.get_constant(types.uint8, k)), which)
            bests.append(number)
            corners.append(which)
        pair = [context.make_tuple(b, best, bests), context.make_tuple(b, corner, corners)]
        return context.make_tuple(b, signature.return_type, pair)

    return types.Tuple((best, corner))(top, bottom), code


# The next four operations are for tiles. Vector v of row r is the LANES numbers from a[i + r step + v LANES] on.


@intrinsic
def load_tile(typing, a, i, step, rows, columns):
    """The tile of Vectors in a."""
    row = types.UniTuple(Vector(a.dtype), len(columns))
    tile = types.UniTuple(row, len(rows))

    def code(context, b, signature, values):
        sums = ir.Constant(context.get_value_type(tile), ir.Undefined)
        for r, v, where in places(context, b, tile, a, *values[:3]):
            sums = b.insert_value(sums, read(b, where), [r, v])
        return sums

    return tile(a, types.intp, types.intp, rows, columns), code


@intrinsic
def store_tile(typing, tile, a, i, step):
    """(Vectors in a) = tile"""

    def code(context, b, signature, values):
        for r, v, where in places(context, b, tile, a, *values[1:]):
            write(b, b.extract_value(values[0], [r, v]), where)
        return context.get_dummy_value()

    return types.void(tile, a, types.intp, types.intp), code


@intrinsic
def add_to_tile(typing, tile, s, a, i, step):
    """tile + s (Vectors in a); s is one number"""

    def code(context, b, signature, values):
        sums, s = values[0], in_every_lane(b, values[1])
        for r, v, where in places(context, b, tile, a, *values[2:]):
            total = multiply_add(b, read(b, where), s, b.extract_value(sums, [r, v]))
            sums = b.insert_value(sums, total, [r, v])
        return sums

    return tile(tile, s, a, types.intp, types.intp), code


@intrinsic
def add_to_array(typing, s, tile, a, i, step):
    """(Vectors in a) += s tile; s is one number"""

    def code(context, b, signature, values):
        s = in_every_lane(b, values[0])
        for r, v, where in places(context, b, tile, a, *values[2:]):
            write(b, multiply_add(b, b.extract_value(values[1], [r, v]), s, read(b, where)), where)
        return context.get_dummy_value()

    return types.void(s, tile, a, types.intp, types.intp), code


# Helpers of the operations above: `a` is the array's type, `array` its value.


def places(context, b, tile, a, array, i, step):
    """For every row r and Vector v of a tile: r, v and the Vector's address in the array."""
    for r in range(len(tile)):
        for v in range(len(tile[0])):
            yield r, v, vector_at(context, b, a, array, i, step, r, v)


def vector_at(context, b, a, array, i, step=None, r: int = 0, v: int = 0):
    first = number_at(context, b, a, array, i, step, r)
    return b.gep(b.bitcast(first, ir.VectorType(first.type.pointee, LANES).as_pointer()), [cgutils.int32_t(v)])


def number_at(context, b, a, array, i, step=None, r: int = 0):
    """The address of array[i + r step]."""
    i = b.add(i, b.mul(step, ir.Constant(step.type, r))) if r else i
    return b.gep(context.make_array(a)(context, b, array).data, [i])


def read(b, where):
    return b.load(where, align=1)  # a Vector may begin anywhere


def write(b, vector, where) -> None:
    b.store(vector, where, align=1)


def in_every_lane(b, number):
    vector, order = ir.VectorType(number.type, LANES), ir.VectorType(cgutils.int32_t, LANES)
    first = b.insert_element(ir.Constant(vector, ir.Undefined), number, cgutils.int32_t(0))
    return b.shuffle_vector(first, ir.Constant(vector, ir.Undefined), ir.Constant(order, [0] * LANES))


def multiply_add(b, x, y, total):
    """x y + total: LLVM makes it one instruction with one rounding, where the processor has one."""
    return b.fadd(b.fmul(x, y, flags=["contract"]), total, flags=["contract"])
