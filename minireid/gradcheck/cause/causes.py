"""The causes that a mistake can have: a short name, and one sentence for a student."""

from enum import StrEnum


class Cause(StrEnum):
    """str(cause) is the name in reports; cause.sentence says what it means."""

    sentence: str

    def __new__(cls, name: str, sentence: str) -> "Cause":
        member = str.__new__(cls, name)
        member._value_ = name
        member.sentence = sentence
        return member

    SIGN = "sign", "A plus and a minus are exchanged."
    CONSTANT = "constant factor", "A number is missing, too many or another one: 2, 1/2, 1/N."
    FACTOR_MISSING = "factor missing", "The chain rule multiplies by one thing more."
    FACTOR_EXTRA = "factor too many", "One factor does not belong here."
    ACTIVATION_MISSING = "activation left out", "The derivative of an activation is not multiplied."
    ACTIVATION = "wrong activation", "It is the derivative of another activation."
    PRE_ACTIVATION = (
        "pre-activation",
        "The value before an activation stands for that after it, or the other way round.",
    )
    TRANSPOSED = "transposed", "Two axes are exchanged, or two factors of a matrix product."
    AXES = "wrong axes", "The sum runs over the wrong axes, or a sum over a broadcast axis is missing."
    FLIPPED = "flipped kernel", "The kernel is used the wrong way round."
    TERM_MISSING = "term missing", "The variable is used in more places than the sum has terms."
    TERM_EXTRA = "term too many", "One term of the sum does not belong here."
    NOT_CARRIED = "nothing carried back", "The gradient from the step after is missing."
    STEP = "wrong step", "A value of another time step is used."
    ASSIGNS = "= for +=", "Contributions replace each other where they have to be added."
    ADDS = "+= for =", "Something is added that should be replaced."
    TWIN = "one twin lost", "Only one of the two rows of a pair gets its gradient."
    MASK = "wrong mask", "The wrong entries are let through."
    BORDER = "padding border", "The border of padding is cut off wrongly, or not at all."
    STRIDE = "stride ignored", "The step between windows is left out."
    OLD_VALUE = "old value", "A value is kept or changed at the wrong moment."
    SHARED = "shared memory", "Two names are one and the same array, so a change of one changes the other."
    VARIABLE = "wrong variable", "Another variable belongs here."
    INDEX = "wrong index", "Another index, or another part of the array, belongs here."
    OPERATION = "wrong operation", "Another operation belongs here, or the brackets are missing."
    ORDER = "wrong order", "Steps or axes come in the wrong order."
    CALL = "wrong call", "A function gets the wrong arguments."
    INTEGERS = "integer array", "The array keeps whole numbers only."
    FORWARD = "forward differs", "The forward is not the function that it should be."
    UNKNOWN = "unknown", "No known mistake fits."
