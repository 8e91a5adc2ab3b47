"""What the board does with hostile bytes: `hostile.py COUNT SEED [TARGET]`.

Each target takes any bytes and raises if the firmware breaks a promise: an exception that is not
its own, a pump that moves without a run or a test of the valves, an output out of range.
tests/hostile starts it on MicroPython for large counts; test_hostile.py runs a small share under
both interpreters.
"""

import binascii
import struct
import sys

from line import Line
from mutate import Mutator
from pressloop_fw.service import profile_store
from pressloop_fw.wire import cbor, schema
from rig import PROFILE, Rig, encoded, hold, plan_messages, prompt, ramp, release

_TICKS_EVERY = 16
_FRESH_EVERY = 2000


def _requests():
    """Return sound requests: (command, payload) of every kind, a whole plan among them."""
    plan = plan_messages(
        (ramp(100000), hold(100000, 500), prompt(timeout_ms=300), release(0)), ceiling_kpa=300000
    )
    found = [
        (schema.CMD_HELLO, {1: 7, 2: 1, 3: 0, 4: "bench"}),
        (schema.CMD_ECHO, {1: bytes(range(40))}),
        (schema.CMD_STREAM, {1: True, 2: 10}),
        (schema.CMD_BACKFILL, {1: 0, 2: 10}),
    ]
    found += plan
    start = {schema.START_REQUEST_RUN_ID: b"run-id-8", schema.START_REQUEST_DIE_UM: 10000}
    found.append((schema.CMD_START, start))
    found.append((schema.CMD_PROFILE_WRITE, PROFILE))
    payloads = [
        (command, encoded(schema.COMMANDS[command][0], values)) for command, values in found
    ]
    empty = encoded({}, {})
    return payloads + [(command, empty) for command in sorted(schema.COMMANDS)]


class _CheckedLine(Line):
    """A line to a rig of its own, and the checks after each of the bytes."""

    def __init__(self):
        """Start a board that is at rest."""
        super().__init__(Rig())
        self._sent = 0
        # Whether the last tick found a test of the valves in progress.
        self._testing = False

    def feed(self, data):
        """Give the board bytes, let it work on them, and check it."""
        rig = self.rig
        self.to_board = data
        while True:
            # As App.poll, but an exception comes through.
            rig.app.link.poll()
            rig.app.server.drain()
            if not self.to_board:
                break
        self._sent += 1
        if self._sent % _TICKS_EVERY == 0:
            self._testing = rig.controller.valve_test.ticks > 0
            rig.tick()
        self.check()

    def check(self):
        """Raise AssertionError if the board broke a promise."""
        rig = self.rig
        controller = rig.controller
        assert controller.failure is None, controller.failure
        assert controller.interlocks.fault != schema.FAULT_INTERNAL, "an internal fault"
        assert 0 <= rig.pump <= schema.OUTPUT_FULL, rig.pump
        assert 0 <= rig.release <= schema.OUTPUT_FULL, rig.release
        if rig.pump and not self._testing:
            assert rig.release == 0, "pump and release at once"
            assert rig.sequencer.active(), "the pump runs without a run"


class Lines:
    """Raw bytes on the line: damaged frames, console text, notices."""

    def __init__(self):
        """Start a board."""
        self._line = _CheckedLine()
        line = self._line
        self.sound = [
            line.request(command, payload, session, 1)
            for command, payload in _requests()
            for session in (0, 1)
        ]

    def take(self, data):
        """Give the board bytes."""
        self._line.feed(data)


class Requests:
    """Damaged payloads in sound frames of the session, which reach the handlers."""

    def __init__(self):
        """Start a board."""
        self._line = _CheckedLine()
        self._seq = 0
        self.sound = [bytes([command]) + payload for command, payload in _requests()]

    def take(self, data):
        """Give the board the request whose first byte is the command."""
        if not data:
            return
        self._seq += 1
        line = self._line
        session = line.rig.app.link.session
        line.feed(line.request(data[0], data[1:], session, self._seq))


class Maps:
    """Payloads for the decoder: the first byte chooses the message."""

    def __init__(self):
        """List the messages."""
        self._fields = [
            schema.COMMANDS[command][i] for command in sorted(schema.COMMANDS) for i in (0, 1)
        ]
        self.sound = [
            bytes([2 * sorted(schema.COMMANDS).index(command)]) + payload
            for command, payload in _requests()
        ]

    def take(self, data):
        """Decode; what was decoded encodes to a message that decodes to the same."""
        if not data:
            return
        fields = self._fields[data[0] % len(self._fields)]
        try:
            values = cbor.decode_map(fields, data, 1, len(data))
        except cbor.CodecError:
            return
        again = encoded(fields, values)
        assert cbor.decode_map(fields, again, 0, len(again)) == values


class StoredProfiles:
    """Files of the profile as a worn or foreign flash holds them."""

    def __init__(self):
        """Take the files that a sound board wrote."""
        stored = Rig().stored
        self._name = next(name for name in ("profile", "profile2") if name in stored)
        self.sound = [bytes(stored[self._name])]
        # The same with a right CRC, so that damage reaches what is behind it.
        self._body = self.sound[0][:-4]

    def take(self, data):
        """Load the file, and the file with its CRC made right."""
        for content in (data, data + struct.pack("<I", binascii.crc32(data))):
            store = profile_store.ProfileStore(_Files({self._name: content}))
            store.load(None)
            if store.profile is not None:
                assert store.profile.max_oil_kpa > 0


class _Files:
    """A board that has files and no more."""

    capabilities = 0

    def __init__(self, stored):
        """Take the files by name."""
        self.stored = stored

    def load(self, name):
        """Return a file's content, or None."""
        return self.stored.get(name)

    def store(self, name, data):
        """Keep a file."""
        self.stored[name] = bytes(data)


class Journals:
    """Content of the flash journal at boot."""

    def __init__(self):
        """Take the journal of a board that has pressed."""
        rig = Rig()
        rig.start([ramp(50000, 50000), hold(50000, 300), release(0)])
        rig.run(20, rig.idle_again)
        self._stored = rig.stored
        self.sound = [bytes(rig.stored["journal"])]

    def take(self, data):
        """Boot on it, let some ticks pass, and check that the press is left alone."""
        stored = dict(self._stored)
        stored["journal"] = bytearray(data)
        rig = Rig(stored=stored)
        for _ in range(3):
            rig.tick()
        assert rig.controller.interlocks.fault != schema.FAULT_INTERNAL, "an internal fault"
        assert rig.pump == 0 and not rig.sequencer.active()


TARGETS = {
    "lines": Lines,
    "requests": Requests,
    "maps": Maps,
    "profiles": StoredProfiles,
    "journals": Journals,
}
# Share of a whole run, per thousand: less where each input boots a board.
SHARES = {"lines": 400, "requests": 380, "maps": 150, "profiles": 50, "journals": 20}


def attack(name, count, seed):
    """Give a target `count` hostile inputs; return the first that broke a promise, and how."""
    mutator = Mutator(seed)
    target = TARGETS[name]()
    for i in range(count):
        if i % _FRESH_EVERY == _FRESH_EVERY - 1:
            target = TARGETS[name]()
        sound = target.sound[mutator.below(len(target.sound))]
        data = mutator.damaged(sound)
        try:
            target.take(data)
        except Exception as error:
            return data, error
    return None


def main(count, seed, only):
    """Attack all targets by their share; print a line for each, and the findings."""
    for name in TARGETS:
        if only in (None, name):
            n = count if only else count * SHARES[name] // 1000
            found = attack(name, n, seed)
            print(name, n, "" if found is None else binascii.hexlify(found[0]).decode())
            if found is not None and hasattr(sys, "print_exception"):
                sys.print_exception(found[1], sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
