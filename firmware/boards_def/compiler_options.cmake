# Options for some of MicroPython's files, see ram_code.cmake.
set_source_files_properties(
    ${CMAKE_BINARY_DIR}/frozen_content.c
    PROPERTIES COMPILE_OPTIONS "-include;${CMAKE_CURRENT_LIST_DIR}/frozen_sections.h"
)
set_source_files_properties(
    ${MICROPY_PY_DIR}/nativeglue.c
    PROPERTIES COMPILE_OPTIONS "-O2;-include;${CMAKE_CURRENT_LIST_DIR}/small_arguments.h"
)
# The port has its most used files optimised for speed and the others for size. The tick uses these as much.
foreach(file argcheck bc binary obj objarray objfun objtype runtime)
    set_source_files_properties(${MICROPY_PY_DIR}/${file}.c PROPERTIES COMPILE_OPTIONS "-O2")
endforeach()
