"""What the tick writes costs little: MicroPython looks through a class that has a property."""

import sys

if sys.implementation.name == "cpython":
    from rig import Rig

    def test_classes_whose_attributes_the_tick_writes_have_no_property():
        """One property makes every write to an object eight times as dear (decision 14)."""
        controller = Rig().controller
        sequencer = controller.sequencer
        for part in (
            controller,
            controller.button,
            controller.frozen_watch,
            controller.interlocks,
            controller.leak_test,
            controller.rest_zero,
            controller.travel_watch,
            controller.valve_test,
            sequencer,
            sequencer.pending,
            sequencer.unloaded,
        ):
            kind = type(part)
            properties = [name for name, value in vars(kind).items() if isinstance(value, property)]
            assert properties == [], kind.__name__
