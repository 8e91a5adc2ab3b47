# Pressloop controller on a Raspberry Pi Pico.
set(PICO_BOARD "pico")
set(PICO_PLATFORM "rp2040")
set(MICROPY_SOURCE_BOARD ${MICROPY_BOARD_DIR}/../board.c)
include(${MICROPY_BOARD_DIR}/../ram_code.cmake)
