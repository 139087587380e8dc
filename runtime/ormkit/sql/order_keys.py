"""What order_by() takes beside names."""

from __future__ import annotations

from typing import Any

from .expressions import Expression
from .ordering import Order
from .type_variables import O

#: A column or another expression, or one with a direction.
OrderKey = Order[O] | Expression[O, Any, Any]
