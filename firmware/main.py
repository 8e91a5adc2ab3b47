import sys

# What is frozen into the image comes before files that an earlier `make deploy` left in the flash.
sys.path.insert(0, ".frozen")

from pressloop_fw.boards import pico

pico.main()
