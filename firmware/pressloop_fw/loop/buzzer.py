"""Decides when the buzzer sounds: it calls a person to the press.

On and off in turn while a fault is latched and there is pressure; for 0.2 s every four seconds
while the operator is asked. Otherwise it is silent, so that its sound means something.
"""

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# generated: numbers of other modules; edit the lists and run `make generate`.
# wire.schema: STATE_FAULT STATE_PROMPTING
_STATE_FAULT = const(5)
_STATE_PROMPTING = const(3)
# end of generated

# In steps of 0.2 s.
_PROMPT_STEPS = const(20)


def sounds(state, stands, step):
    """Return whether it sounds in a step of 0.2 s; `stands` says whether there is pressure."""
    if state == _STATE_FAULT:
        return bool(stands and step & 1)
    return state == _STATE_PROMPTING and step % _PROMPT_STEPS == 0
