"""From wanted TENSOR values to kernels: cuts, fusion, order, memory of intermediate values.

Read schedule.py first.
"""

from baregrad.schedule.cost import RATES, Rates
from baregrad.schedule.items import Decision, Item, NewBuffer, Schedule
from baregrad.schedule.memory import MemoryPlan, Span, lifetimes, plan_memory
from baregrad.schedule.schedule import schedule

__all__ = [
    "RATES",
    "Rates",
    "Decision",
    "Item",
    "MemoryPlan",
    "NewBuffer",
    "Schedule",
    "Span",
    "lifetimes",
    "plan_memory",
    "schedule",
]
