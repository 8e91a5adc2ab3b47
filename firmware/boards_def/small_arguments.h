// Read before py/nativeglue.c, see compiler_options.cmake. Each number and address that machine code gets
// from bytecode, and each number that it returns, passes through that file, dozens in a tick. Nearly
// all are small integers: here these are converted on the spot, where MicroPython asks the object for
// a buffer first and calls a function for its value. Anything else goes MicroPython's way.
// As the first one: MicroPython declares some functions only behind it.
#include <stdarg.h>
#include "py/obj.h"
#include "py/runtime.h"

#define mp_get_buffer(obj, info, flags) (!mp_obj_is_small_int(obj) && mp_get_buffer(obj, info, flags))
#define mp_obj_get_int_truncated(obj) \
    (mp_obj_is_small_int(obj) ? MP_OBJ_SMALL_INT_VALUE(obj) : mp_obj_get_int_truncated(obj))
#define mp_obj_new_int(value) \
    (MP_SMALL_INT_FITS((mp_int_t)(value)) ? MP_OBJ_NEW_SMALL_INT(value) : mp_obj_new_int(value))
