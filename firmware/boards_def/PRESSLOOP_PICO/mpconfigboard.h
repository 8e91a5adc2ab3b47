// Pressloop controller on a Raspberry Pi Pico.
#define MICROPY_HW_BOARD_NAME "Pressloop controller, Pico"

// The product string by which the host finds the controller among all serial ports.
#define MICROPY_HW_USB_MANUFACTURER_STRING "Pressloop"
#define MICROPY_HW_USB_PRODUCT_FS_STRING "Pressloop"

#define MICROPY_HW_FLASH_STORAGE_BYTES (1408 * 1024)
