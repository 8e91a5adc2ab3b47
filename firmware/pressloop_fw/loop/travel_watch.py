"""Watches the travel of the platens: against the pump in an approach, and against the ram's stroke.

While the ram travels without load, the platens close by the same way for the same oil. When they
close by less, they meet something, and the reading must rise. If the reading has not shown contact
by then, it is frozen or its line is blocked. At the end of its stroke the ram stands, and more oil
raises the reading and not the load. Needs a displacement sensor.

`step` runs every twentieth tick.
"""

from pressloop_fw.wire import schema

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# The travel is judged in pieces of at least this length, and two pieces in a row trip.
_PIECE_UM = const(60)
_PIECES_TO_TRIP = const(2)
# The ram has left its seat when it has made half of a piece. Later a piece of three quarters of the
# longest one at this speed is short, and so is an eighth of what the profile's numbers say.
_LIFTED_SHIFT = const(1)
_SHORT_SHIFT = const(2)
_SHORTEST_SHIFT = const(3)
_MAX_PIECE = const(1 << 20)
# As near as the ram may come to the end of its stroke, um: the frame stretches, too.
_STROKE_RESERVE_UM = const(1000)


class TravelWatch:
    """Judges the pieces of a travel; `step` processes every twentieth tick of an approach."""

    def __init__(self):
        self._piece = _MAX_PIECE
        self._stroke_um = 0
        self._lifted = False
        self._known = False
        self._slow = False
        self._coasting = False
        # Reading at the last piece that was not short.
        self._free_kpa = 0
        self._from_um = 0
        self._from_travel = 0
        self._longest_um = 0
        self._short_pieces = 0

    def configure(self, profile):
        """Take over a press."""
        piece = _PIECE_UM * profile.ram_area_mm2 * 512 // (5 * profile.pump_flow_ul_s)
        self._piece = max(1, min(_MAX_PIECE, piece))
        self._stroke_um = profile.values.get(schema.PROFILE_STROKE_UM, 0)
        self.restart()

    def restart(self):
        """Begin a new travel."""
        self._lifted = False
        self._known = False
        self._longest_um = 0
        self._short_pieces = 0

    def check_stroke(self, closing_um):
        """Return the fault of a ram at the end of its stroke, FAULT_NONE elsewhere."""
        if closing_um == schema.NO_DISPLACEMENT or self._stroke_um == 0:
            return schema.FAULT_NONE
        if closing_um > self._stroke_um - _STROKE_RESERVE_UM:
            return schema.FAULT_STROKE_END
        return schema.FAULT_NONE

    def step(self, approach, closing_um):
        """Process the state of an approach; return the fault that it shows, FAULT_NONE without one.

        `closing_um` is the reading of the displacement sensor.
        """
        if closing_um == schema.NO_DISPLACEMENT:
            self._known = False
            return schema.FAULT_NONE
        travel = approach.travel
        if not self._known or approach.slow != self._slow:
            # The piece in which the speed changed belongs to neither; in the next the ram still
            # coasts, as the oil gives up the pressure of the faster travel.
            self._coasting = self._known and approach.slow
            self._known = True
            self._slow = approach.slow
            self._longest_um = 0
            self._begin_piece(travel, closing_um)
            return schema.FAULT_NONE
        pumped = travel - self._from_travel
        if pumped < self._piece:
            return schema.FAULT_NONE
        way_um = closing_um - self._from_um
        # Some pumps deliver many pieces in 20 ticks.
        way_um = way_um * (self._piece >> 4) // ((pumped >> 4) + 1)
        self._begin_piece(travel, closing_um)
        if self._coasting:
            self._coasting = False
            return schema.FAULT_NONE
        if not self._lifted:
            self._lifted = way_um > _PIECE_UM >> _LIFTED_SHIFT
            return schema.FAULT_NONE
        if way_um > self._longest_um:
            self._longest_um = way_um
        short_um = self._longest_um - (self._longest_um >> _SHORT_SHIFT)
        if way_um >= short_um and way_um > _PIECE_UM >> _SHORTEST_SHIFT:
            self._short_pieces = 0
            self._free_kpa = approach.mean_kpa()
            return schema.FAULT_NONE
        if approach.shows_load(self._free_kpa):
            # The platens are slow because they meet loose powder, and the reading says so.
            return schema.FAULT_NONE
        self._short_pieces += 1
        if self._short_pieces < _PIECES_TO_TRIP:
            return schema.FAULT_NONE
        self._short_pieces = 0
        return schema.FAULT_NO_PRESSURE_GAIN

    def _begin_piece(self, travel, closing_um):
        self._from_travel = travel
        self._from_um = closing_um
