"""The form of the truth file: what no sensor sees, for judging a run on an emulated press.

After `MAGIC`, packed little endian, `RECORD` per tick while the controller is not idle:

    u32  tick       device clock, as in the telemetry record of the same tick
    f32  pellet     true pressure on the pellet, MPa
    f32  oil        true oil pressure, MPa
    f32  density    relative density of the pellet
    f32  ram        travel of the ram from its retracted position, mm
    u32  damage     what broke so far: constants of `plant.damage`, joined by or

A file ends after `SEGMENT` records and the next one begins, with `.1`, `.2` and so on behind its
name, so that a host that follows a run of days can delete what it has read.
"""

MAGIC = b"PLT2"
RECORD = "<IffffI"
# Three hours, 25 MB.
SEGMENT = 1_048_600
