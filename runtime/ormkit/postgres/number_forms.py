"""Convert numbers to the values that PostgreSQL returns for them."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation
from typing import Any

from ..errors import InvalidValue
from .checks import MOST_DIGITS, Check, reason_by

#: The most digits after the decimal point of a numeric that is declared without a scale.
MAX_SCALE = 16_383
#: A decimal context with room for any numeric; it raises instead of rounding.
EXACT_CONTEXT = Context(
    prec=MOST_DIGITS + MAX_SCALE + 1,
    Emax=MAX_EMAX,
    Emin=MIN_EMIN,
    traps=[Inexact, InvalidOperation],
)


def integer_form(check: Check, value: Any) -> Any:
    if reason := reason_by(check, value):
        raise InvalidValue(reason)
    return int(value)


def double_form(value: Any) -> Any:
    return value if isinstance(value, (str, bytes, bytearray)) else float(value)


def real_form(value: Any) -> Any:
    double = double_form(value)
    if type(double) is not float:
        return value
    single = array("f", (double,))[0]
    if math.isinf(single) and not math.isinf(double):
        raise InvalidValue("it is beyond single precision")
    # NaN never equals itself, and is stored unchanged.
    return value if value is double and (single == double or single != single) else single


def as_decimal(value: Any) -> Any:
    """Return a number as a Decimal; a float by its shortest decimal notation."""
    if type(value) is Decimal:
        return value
    if isinstance(value, float):
        return Decimal(float.__repr__(value))
    return Decimal(value) if isinstance(value, (int, str, Decimal)) else value


def as_read(number: Decimal) -> Decimal:
    """Return an integral Decimal with the exponent that asyncpg gives it when it decodes it.

    PostgreSQL sends digits in base 10,000 and omits trailing zero digits. asyncpg adds four to the
    exponent for each omitted digit: it decodes 50000 as 5E+4.
    """
    _, digits, exponent = number.as_tuple()
    if exponent == 0 and digits[-4:] != (0, 0, 0, 0):
        return number
    zeros = exponent_of(number.normalize(EXACT_CONTEXT))
    return number.quantize(Decimal((0, (1,), zeros - zeros % 4)), context=EXACT_CONTEXT)


def exponent_of(number: Decimal) -> int:
    """Return the exponent of a finite number."""
    exponent: Any = number.as_tuple().exponent
    return int(exponent)


class NumericForm:
    """Converts values of a numeric: to the digits of its scale, or without one to those given."""

    def __init__(self, limits: Sequence[int]) -> None:
        self._limits = limits
        self._scale = limits[1] if len(limits) > 1 else 0
        self._digits = limits[0] - self._scale if limits else MOST_DIGITS
        self._quantum = Decimal((0, (1,), -self._scale)) if limits else None

    def __call__(self, value: Any) -> Any:
        number = as_decimal(value)
        if type(number) is not Decimal:
            return value
        if not number.is_finite():
            return self._special(number)
        if number and number.adjusted() >= self._digits:
            raise InvalidValue(self._too_large())
        if self._quantum is None:
            return self._as_given(number)
        if not number.same_quantum(self._quantum):
            number = self._at_scale(number, self._quantum)
        if self._scale <= 0:
            number = as_read(number)
        return number if number else number.copy_abs()

    def _at_scale(self, number: Decimal, quantum: Decimal) -> Decimal:
        try:
            return number.quantize(quantum, context=EXACT_CONTEXT)
        except Inexact:
            raise InvalidValue(self._too_fine()) from None

    def _as_given(self, number: Decimal) -> Decimal:
        places = -exponent_of(number)
        if places > MAX_SCALE:
            raise InvalidValue(f"it has more than {MAX_SCALE} digits after the decimal point")
        if places <= 0:
            number = as_read(number)
        return number if number else number.copy_abs()

    def _special(self, number: Decimal) -> Decimal:
        if number.is_nan():
            return Decimal("NaN")
        if self._limits:
            raise InvalidValue(
                f"it is infinite, and the type has {self._digits} digits before the decimal point"
            )
        return number

    def _too_large(self) -> str:
        if self._digits > 0:
            return f"it has more than {self._digits} digits before the decimal point"
        return f"the type holds numbers below 10 to the power of {self._digits}"

    def _too_fine(self) -> str:
        if self._scale < 0:
            return f"it is not a multiple of 10 to the power of {-self._scale}"
        return f"it has more than {self._scale} digits after the decimal point; round it first"
