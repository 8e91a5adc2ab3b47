# Puts what ram_code.txt names into the RAM. tools/ram_code.py writes the list as options of objcopy: each
# section that a function or table was compiled into gets a name that begins with `.time_critical`.
# The linker script of MicroPython's rp2 port puts those into its `.data`, and the start-up code copies that.
set(CMAKE_C_COMPILE_OBJECT
    "<CMAKE_C_COMPILER> <DEFINES> <INCLUDES> <FLAGS> -o <OBJECT> -c <SOURCE>"
    "arm-none-eabi-objcopy @$ENV{PRESSLOOP_GENERATED}/ram_code.objcopy <OBJECT>"
)
# The Pico SDK's own switches, for its routines in assembler.
add_compile_definitions(PICO_DIVIDER_IN_RAM=1 PICO_MEM_IN_RAM=1)

# At the end, when MicroPython's folder is known.
cmake_language(EVAL CODE "cmake_language(DEFER CALL include [[${CMAKE_CURRENT_LIST_DIR}/compiler_options.cmake]])")
