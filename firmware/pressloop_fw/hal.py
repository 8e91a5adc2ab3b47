"""Defines the board interface: all that the firmware knows of the hardware.

A board module (`boards/`, or the emulated board on the host's side) subclasses `Board`. Methods
marked *tick* are called from the control tick: they must return at once and allocate nothing. The
controller reads those methods once, when it is made.
"""

from pressloop_fw.wire import schema


class FlashArea:
    """Blocks of flash for the journal: erased one by one, written in slots of 32 bytes.

    Each method raises OSError when the flash refuses.
    """

    blocks = 0
    # Slots of one block.
    slots = 0

    def read(self, block, slot, buf):
        """Fill `buf` with the content of a slot; one that is blank has only bytes 0xFF."""
        raise NotImplementedError

    def program(self, block, slot, record):
        """Write a blank slot; return False, without an effect, if the next tick is too near.

        It takes up to 3 ms, in which no tick can run.
        """
        raise NotImplementedError

    def erase(self, block):
        """Make a block blank. It takes up to 400 ms, in which no tick can run."""
        raise NotImplementedError

    def is_blank(self, block):
        """Return whether every slot of a block is blank."""
        raise NotImplementedError

    def grow(self):
        """Add one more block at the end; return whether there was room. As slow as an erase."""
        return False


class Board:
    """A controller board: attributes that identify it, methods for its inputs and outputs."""

    name = "unknown"
    simulated = False
    unique_id = b"\0"
    reset_cause = schema.RESET_POWER_ON
    capabilities = 0
    ring_records = 1024
    python = ""
    # First hex digits of the SHA-256 over the firmware's source.
    build = "unknown"
    # With RESET_WATCHDOG: whether the control tick had stopped before the reset.
    tick_hung = False
    # What converts the first transducer's signal, the second's and the load cell's, as
    # schema.CONVERTER_*, by what was found at power-on; () on a board that has nothing to look for.
    converters = ()

    def read_raw(self):
        """*tick* Return the newest transducer reading, counts 0..65535."""
        raise NotImplementedError

    def read_second_raw(self):
        """*tick* Return the newest reading of the second transducer, counts 0..65535.

        Called only on a board that has schema.CAP_SECOND_CHANNEL, after `read_raw`.
        """
        return 0

    def read_inputs(self):
        """*tick* Return the digital inputs as schema.INPUT_* bits."""
        raise NotImplementedError

    def read_displacement(self):
        """*tick* Return how far the platens have closed from the sensor's zero, um, 0..65534.

        schema.NO_DISPLACEMENT without a reading. Called only on a board that has
        schema.CAP_DISPLACEMENT.
        """
        return schema.NO_DISPLACEMENT

    def read_force(self):
        """*tick* Return a new reading of the load cell, counts; schema.NO_FORCE if there is none.

        A converter is slower than the tick: each of its readings is returned once. Called only on a
        board that has schema.CAP_LOAD_CELL and whose profile describes the cell, or where friction
        was learned.
        """
        return schema.NO_FORCE

    def fit(self, signal, lid_switch):
        """Read the first transducer by the signal that its profile states, schema.SIGNAL_*.

        `lid_switch` says whether the input vessel-pressure counts; without a vessel it is open.

        Called in the foreground while the outputs are safe.
        """

    def show_pressure(self, stands):
        """*tick* Show whether anything presses on the sample: the lamp is lit while it does.

        Called every twentieth tick.
        """

    def sound(self, on):
        """*tick* Switch the buzzer on or off.

        Called every twentieth tick, so that it sounds in steps of 0.2 s.
        """

    def set_valves(self, pump, release):
        """*tick* Open both valves by 0..32767 of full stroke.

        It also gives the deadman circuit its edge, which keeps the coils powered for 50 ms: the
        tick calls it only when nothing is wrong.
        """
        raise NotImplementedError

    def dump(self):
        """*tick* Shut the pump valve and open all that releases, in a run that must end at once.

        An on/off release valve is opened here and in `safe`, never by `set_valves`.
        """
        self.set_valves(0, schema.OUTPUT_FULL)

    def safe(self):
        """*tick* Shut the pump valve and de-energise the release valve, which opens it.

        The deadman circuit gets no edge.
        """
        raise NotImplementedError

    def oil_temperature_raw(self):
        """Return the newest reading of the oil's thermistor, counts 0..4095; None without one."""
        return

    def start_tick(self, tick):
        """Call `tick(missed)` schema.TICK_HZ times per second from now on.

        `missed` is how many ticks were missed since the call before.
        """
        raise NotImplementedError

    def receive_into(self, buf):
        """Fill `buf` with what has arrived; return how many bytes. Never waits."""
        raise NotImplementedError

    def send(self, view):
        """Send as much of `view` as there is room for; return how many bytes. Never waits."""
        raise NotImplementedError

    def load(self, name):
        """Return the stored bytes called `name`, or None."""
        raise NotImplementedError

    def store(self, name, data):
        """Store bytes under `name`. A power loss leaves either the old or the new content.

        Raises OSError when the flash is full or cannot be written.
        """
        raise NotImplementedError

    def open_journal(self):
        """Return the FlashArea of the journal, None when the flash has no room for it.

        Called once, after the telemetry ring has its memory.
        """
        return

    def keep(self, step, tick, dwell_ticks):
        """Keep the state of the run where a reset by the watchdog does not erase it."""

    def kept(self):
        """Return what was kept before the reset, as a tuple; None without it."""
        return

    def feed_watchdog(self):
        """Restart the watchdog: both the tick and the foreground advance."""

    def idle(self):
        """Wait for the next event. On an emulated board this is where virtual time passes."""
        raise NotImplementedError

    def interrupt(self):
        """Handle a Ctrl-C outside a run. A board with a console may end the program."""
