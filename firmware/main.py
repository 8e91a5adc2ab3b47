import gc
import sys

# Modules of the image take precedence over files that an earlier `make deploy` left in the flash.
sys.path.insert(0, ".frozen")

# The telemetry ring needs 80 KiB in one piece, and modules that are loaded from files leave garbage
# between what stays. So garbage is collected early while they load.
gc.threshold(4096)
from pressloop_fw.boards import pico  # noqa: E402

gc.threshold(-1)
pico.main()
