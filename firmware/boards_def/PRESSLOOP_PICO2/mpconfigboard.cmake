# Pressloop controller on a Raspberry Pi Pico 2.
set(PICO_BOARD "pico2")
set(PICO_PLATFORM "rp2350")
set(MICROPY_SOURCE_BOARD ${MICROPY_BOARD_DIR}/../board.c)
include(${MICROPY_BOARD_DIR}/../ram_code.cmake)
