// Pressloop controller on a Raspberry Pi Pico.
#define MICROPY_HW_BOARD_NAME "Pressloop controller, Pico"

// The product string by which the host finds the controller among all serial ports.
#define MICROPY_HW_USB_MANUFACTURER_STRING "Pressloop"
#define MICROPY_HW_USB_PRODUCT_FS_STRING "Pressloop"

#define MICROPY_HW_FLASH_STORAGE_BYTES (1408 * 1024)

// One thread. With two, every access to the interpreter's state asks first which core it is on.
#define MICROPY_PY_THREAD (0)

// A lookup that misses this cache divides, and the tick does hundreds of lookups. With half of it two
// names that every tick looks up share a place.
#define MICROPY_OPT_MAP_LOOKUP_CACHE_SIZE (2048)

// Frames of functions go on a stack of their own. On the heap, each one is a search through the
// telemetry ring's blocks, half a millisecond per turn of the loop.
#define MICROPY_ENABLE_PYSTACK (1)
#define MICROPY_BOARD_EARLY_INIT() pressloop_early_init()
void pressloop_early_init(void);
