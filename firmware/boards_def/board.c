// What the controller needs of MicroPython beyond its Python: a mark in the image, a stack for
// frames, and `pressloop_usb`, the USB console without waiting. MicroPython's own streams lack a
// write that takes only what there is room for, and a read that takes only what has arrived.

#include "py/pystack.h"
#include "py/runtime.h"
#include "py/mphal.h"
#include "py/ringbuf.h"
#ifndef NO_QSTR // the pass that collects names knows no TinyUSB
#include "pico/binary_info.h"
#include "shared/tinyusb/mp_usbd_cdc.h"
#include "tusb.h"

// Which source the image was built from, for `pressloop flash` and for `picotool info`.
#define TEXT(token) TEXT_OF(token)
#define TEXT_OF(token) #token
bi_decl(bi_program_build_attribute("pressloop build " TEXT(PRESSLOOP_BUILD)))
#endif

#define CTRL_C (3)
#define FRAME_STACK_BYTES (6 * 1024)

void pressloop_early_init(void) {
    static uint8_t frames[FRAME_STACK_BYTES] __attribute__((aligned(8)));
    mp_pystack_init(frames, frames + sizeof(frames));
}

// receive_into(buf) -> bytes read. Stops behind a Ctrl-C: what follows it is for the prompt.
static mp_obj_t receive_into(mp_obj_t buf_in) {
    mp_buffer_info_t buf;
    mp_get_buffer_raise(buf_in, &buf, MP_BUFFER_WRITE);
    mp_usbd_cdc_poll_interfaces(0);
    size_t n = 0;
    while (n < buf.len) {
        int byte = ringbuf_get(&stdin_ringbuf);
        if (byte < 0) {
            break;
        }
        ((uint8_t *)buf.buf)[n++] = byte;
        if (byte == CTRL_C) {
            break;
        }
    }
    return MP_OBJ_NEW_SMALL_INT(n);
}
static MP_DEFINE_CONST_FUN_OBJ_1(receive_into_obj, receive_into);

// send(buf) -> bytes taken. Without a host they all vanish, as on a cut wire.
static mp_obj_t send(mp_obj_t buf_in) {
    mp_buffer_info_t buf;
    mp_get_buffer_raise(buf_in, &buf, MP_BUFFER_READ);
    uint32_t n = buf.len;
    if (tud_cdc_connected()) {
        n = tud_cdc_write(buf.buf, MIN(n, tud_cdc_write_available()));
        tud_cdc_write_flush();
    }
    return MP_OBJ_NEW_SMALL_INT(n);
}
static MP_DEFINE_CONST_FUN_OBJ_1(send_obj, send);

static const mp_rom_map_elem_t globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_pressloop_usb) },
    { MP_ROM_QSTR(MP_QSTR_receive_into), MP_ROM_PTR(&receive_into_obj) },
    { MP_ROM_QSTR(MP_QSTR_send), MP_ROM_PTR(&send_obj) },
};
static MP_DEFINE_CONST_DICT(globals, globals_table);

const mp_obj_module_t pressloop_usb_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&globals,
};
MP_REGISTER_MODULE(MP_QSTR_pressloop_usb, pressloop_usb_module);
