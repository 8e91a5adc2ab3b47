# mypy: ignore-errors
# Runs under MicroPython next to the firmware.
"""The control port: operates inputs, breaks sensors and parts, reads the true state.

It does what a person could do to the press and its wiring, for tests and simulated runs.

One JSON object per line in, one per line out: `{"ok": true, ...}` or `{"ok": false, "error": ...}`.

    {"set": {"emergency_stop": true, "guard_open": false, "button": true}}   digital inputs
    {"sensor": "ok" | "broken" | "short"}                                    current loop
    {"break": "pellet" | "die"}                                              the part that breaks
    {"fault": "KIND[=VALUE][@SECONDS]"}                                      now, or in this run
    {"faults": ["KIND[=VALUE]@SECONDS", ...]}                                all of the next run
    {"wiring": {"swap": ["pump", "release"]}}                                rewiring.rewire
    {"get": true}                                                            tick and true state
    {"stop": true}                                                           end the process
"""

import json

from pressloop_fw.wire import schema

from pressloop_sim.board.rewiring import rewire
from pressloop_sim.plant import damage, fault_kinds, transducer

CONTACT_BITS = {
    "emergency_stop": schema.INPUT_EMERGENCY_STOP,
    "guard_open": schema.INPUT_GUARD_OPEN,
    "button": schema.INPUT_BUTTON,
}
_MAX_LINE = 1024


class ControlPort:
    """Reads command lines from a port, carries them out on a board, and answers."""

    def __init__(self, port, board):
        """Read from the LoopbackPort `port`; carry commands out on `board`."""
        self._port = port
        self._board = board
        self._buf = bytearray(256)
        self._line = b""

    def poll(self):
        """Answer every complete line that has arrived."""
        while True:
            n = self._port.read_into(self._buf)
            if n == 0:
                break
            self._line += bytes(self._buf[:n])
        while b"\n" in self._line:
            line, self._line = self._line.split(b"\n", 1)
            try:
                answer = self._do(json.loads(line))
            except ValueError as error:
                answer = {"ok": False, "error": str(error)}
            self._port.write((json.dumps(answer) + "\n").encode())
        if len(self._line) > _MAX_LINE or not self._port.connected:
            self._line = b""

    def _do(self, command):
        board = self._board
        if not isinstance(command, dict) or len(command) != 1:
            raise ValueError("expected an object with one command")
        (verb,) = command
        argument = command[verb]
        answer = {"ok": True}
        if verb == "set":
            _check(argument)
            for name, active in argument.items():
                board.contact(name, active)
        elif verb == "sensor":
            if argument not in transducer.FAULTS:
                raise ValueError("sensor: one of " + ", ".join(transducer.FAULTS))
            board.transducer.fault = argument
        elif verb == "break":
            if not isinstance(argument, str) or argument not in damage.BREAKS:
                raise ValueError("break: one of " + ", ".join(sorted(damage.BREAKS)))
            board.plant.apply_damage(damage.BREAKS[argument])
        elif verb == "fault":
            board.faults.add(_fault(argument), board.elapsed_ticks)
        elif verb == "faults":
            if not isinstance(argument, list):
                raise ValueError("faults: a list of texts")
            board.faults.load([_fault(text) for text in argument])
            board.prepare_run()
        elif verb == "wiring" and isinstance(argument, dict):
            rewire(board.wiring, argument)
        elif verb == "get":
            answer["tick"] = board.app.controller.tick_count
            answer["injected"] = [[ticks, fault.text()] for ticks, fault in board.faults.injected]
            answer.update(board.plant.state())
            answer.update(board.seen())
        elif verb == "stop":
            board.stopping = True
        else:
            raise ValueError("no such command: " + verb)
        return answer


def _fault(text):
    """Read a fault."""
    if not isinstance(text, str):
        raise ValueError("fault: a text KIND[=VALUE][@SECONDS]")
    return fault_kinds.parse(text)


def _check(wanted):
    """Refuse what is not an object of contacts and booleans, before any contact is operated."""
    if not isinstance(wanted, dict):
        raise ValueError("set: an object of input names and booleans")
    for name, value in wanted.items():
        if name not in CONTACT_BITS or not isinstance(value, bool):
            raise ValueError("set: booleans for " + ", ".join(sorted(CONTACT_BITS)))
