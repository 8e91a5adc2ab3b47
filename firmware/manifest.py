# Modules that are frozen into the flash image: MicroPython's own start-up and the controller.
# ruff: noqa: F821 - the names are makemanifest's.
import os

freeze("$(PORT_DIR)/modules")
package("pressloop_fw")
module("main.py")
# Written by tools/image.py: the hash of the source that this image was built from.
freeze(os.environ["PRESSLOOP_GENERATED"], "pressloop_build.py")
