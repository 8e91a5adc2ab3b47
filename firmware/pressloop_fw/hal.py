"""The board interface: all that the firmware knows of the hardware.

A board module (`boards/`, or the emulated board on the host's side) subclasses `Board`. Methods
marked *tick* are called from the control tick: they return at once and allocate nothing. The tick
keeps the functions that it found when the controller was made.
"""

from pressloop_fw.wire import schema


class Board:
    """A controller board. Attributes identify it; methods move bytes, counts and openings."""

    name = "unknown"
    simulated = False
    unique_id = b"\0"
    reset_cause = schema.RESET_POWER_ON
    capabilities = 0
    ring_records = 1024
    python = ""
    # First hex digits of the SHA-256 over the firmware's source.
    build = "unknown"

    def read_raw(self):
        """*tick* Newest transducer reading, counts 0..65535."""
        raise NotImplementedError

    def read_inputs(self):
        """*tick* Digital inputs as schema.INPUT_* bits."""
        raise NotImplementedError

    def read_displacement(self):
        """*tick* How far the platens have closed from the sensor's zero, um, 0..65534.

        schema.NO_DISPLACEMENT while the sensor says nothing. Asked only of a board that offers
        schema.CAP_DISPLACEMENT.
        """
        return schema.NO_DISPLACEMENT

    def set_valves(self, pump, release):
        """*tick* Open both valves by 0..32767 of full stroke."""
        raise NotImplementedError

    def safe(self):
        """*tick* Pump shut, release valve de-energised, which is open."""
        raise NotImplementedError

    def start_tick(self, tick):
        """Call `tick(missed)` schema.TICK_HZ times per second from now on.

        `missed` is how many ticks were lost since the call before.
        """
        raise NotImplementedError

    def receive_into(self, buf):
        """Fill `buf` with what has arrived; return how many bytes, 0 when none. Never waits."""
        raise NotImplementedError

    def send(self, view):
        """Take what the link has room for; return the number of bytes taken. Never waits."""
        raise NotImplementedError

    def load(self, name):
        """Return the stored bytes called `name`, or None."""
        raise NotImplementedError

    def store(self, name, data):
        """Store bytes under `name`: afterwards either the old or the new content is there."""
        raise NotImplementedError

    def feed_watchdog(self):
        """Tell the watchdog that both the tick and the foreground advance."""

    def idle(self):
        """Wait for the next event. On an emulated board this is where virtual time passes."""
        raise NotImplementedError

    def interrupt(self):
        """Ctrl-C came while the press was at rest. A board with a console may end the program."""
