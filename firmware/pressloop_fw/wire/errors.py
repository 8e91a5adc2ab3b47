"""The refusal of a command, as the link sends it to the host."""


class CommandError(Exception):
    """A command was refused; nothing has changed.

    `code` is an ERR_ constant of the schema. `field` is the map key at fault, 0 without one;
    `detail` is the limit that was passed, in the unit of the code, -1 without one; `step` is the
    index of the plan step at fault, -1 without one.
    """

    def __init__(self, code, field=0, detail=-1, step=-1):
        super().__init__(code)
        self.code = code
        self.field = field
        self.detail = detail
        self.step = step
