import gc
import sys

# What is frozen into the image comes before files that an earlier `make deploy` left in the flash.
sys.path.insert(0, ".frozen")

# Modules loaded from files leave rubbish between what stays, and the telemetry ring needs 80 KiB in
# one piece: while they load, the rubbish is swept up at once.
gc.threshold(4096)
from pressloop_fw.boards import pico  # noqa: E402

gc.threshold(-1)
pico.main()
