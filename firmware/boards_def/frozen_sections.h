// Read before the file into which MicroPython freezes the modules, see ram_code.cmake. That file puts all
// machine code into one section, `.text`. Without this, each function is a table of bytes like the bytecode,
// in a section of its own, and the linker can place it by itself.
#include "py/mpconfig.h"
#include "py/objint.h"
#include "py/objstr.h"
#include "py/emitglue.h"
#include "py/nativeglue.h"

#define section(name) unused
