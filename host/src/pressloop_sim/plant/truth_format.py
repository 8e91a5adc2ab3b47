"""Format of the truth file: the true state of an emulated press, for judging a run.

After `MAGIC`, packed little endian, `RECORD` per tick while the controller is not idle:

    u32  tick       device clock, as in the telemetry record of the same tick
    f32  pellet     true pressure on the pellet, MPa
    f32  oil        true oil pressure, MPa
    f32  density    relative density of the pellet
    f32  ram        travel of the ram from its retracted position, mm
    f32  derived    pressure that the oil makes on the pellet, MPa: what a perfect transducer
                    would read; the pellet bears it less the friction of the ram
    u32  damage     what has broken so far: constants of `plant.damage`, combined by or

After `SEGMENT` records the file is continued in a next one, whose name ends in `.1`, `.2` and so
on. A host that follows a run of days can so delete what it has read.
"""

MAGIC = b"PLT3"
RECORD = "<IfffffI"
# Three hours, 29 MB.
SEGMENT = 1_048_600
