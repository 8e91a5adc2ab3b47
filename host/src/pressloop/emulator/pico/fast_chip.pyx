# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The emulated chip's inner loop in machine code: fetch, execute, keep the time.

Registers, instructions and peripherals are those of the package `rp2040py`. It publishes the C
interface of its classes (`.pxd`), and this module overrides what runs once per instruction, without
Python objects in between: fetching, loads and stores in flash and RAM, conditional branches, and
counting time. `speedup.py` builds it. Without it, `chip.py` uses the package's own loop, which takes
ten times as long for the same cycles.
"""

cimport cython
from libc.string cimport memcpy, memset

from rp2040py.native._cortex_m0_core cimport (
    CortexM0Core, DISPATCH_TABLE, OpHandler, resolve_wide
)
from rp2040py.native._rp2040 cimport RP2040
from rp2040py.native._simulation_clock cimport ClockAlarm, SimulationClock

cdef double CYCLE_NS = 8.0  # 125 MHz
cdef unsigned int FLASH = 0x10000000
cdef unsigned int FLASH_BYTES = 0x01000000
cdef unsigned int RAM = 0x20000000
cdef unsigned int RAM_BYTES = 264 * 1024
cdef unsigned int SIO = 0xD0000000
cdef unsigned int SIO_BYTES = 0x10000000
# The hardware divider in it.
cdef unsigned int UDIVIDEND = SIO + 0x60
cdef unsigned int UDIVISOR = SIO + 0x64
cdef unsigned int SDIVIDEND = SIO + 0x68
cdef unsigned int SDIVISOR = SIO + 0x6C
cdef unsigned int QUOTIENT = SIO + 0x70
cdef unsigned int REMAINDER = SIO + 0x74
cdef unsigned int DIV_CSR = SIO + 0x78
cdef unsigned int DIV_READY = 1
cdef unsigned int DIV_DIRTY = 2
# The cache in front of the flash: 16 KiB, two ways, lines of 8 bytes (RP2040 datasheet 2.6.3).
cdef unsigned int CACHE_SETS = 1024


cdef inline unsigned int _bl_offset(unsigned int first, unsigned int second) noexcept:
    """Return what BL adds to its address + 4: S:I1:I2:imm10:imm11:0, with I = not (J xor S)."""
    cdef unsigned int sign = (first >> 10) & 1
    cdef unsigned int i1 = ((second >> 13) ^ sign ^ 1) & 1
    cdef unsigned int i2 = ((second >> 11) ^ sign ^ 1) & 1
    return (
        (0xFF000000U if sign else 0)
        | i1 << 23 | i2 << 22 | (first & 0x3FF) << 12 | (second & 0x7FF) << 1
    )


@cython.final
cdef class FastRP2040(RP2040):
    """rp2040py's chip with direct access to its memory.

    Addresses outside flash and RAM are left to the package. The clock is advanced by the time that
    has passed before each of them, so that a peripheral never sees an old time.
    """

    cdef unsigned char *_flash_bytes
    cdef unsigned char *_ram_bytes
    # Time of instructions that is not yet added to the clock.
    cdef double _ahead_ns
    # A peripheral was accessed, so the next alarm may have changed.
    cdef bint _accessed
    # Registers of the divider: MicroPython divides once for every look-up of a name.
    cdef unsigned int _dividend
    cdef unsigned int _divisor
    cdef unsigned int _quotient
    cdef unsigned int _remainder
    cdef unsigned int _div_csr
    # How long the core waits for a line that is not in the flash's cache; 0: not at all.
    cdef public double flash_miss_ns
    # None, or a counter for each line of the flash: how often the core waited for it in an interrupt.
    cdef public unsigned int[::1] misses
    # The line in either way of each set, and which way was used last.
    cdef unsigned int _line[2][1024]
    cdef unsigned char _last_way[1024]

    def __cinit__(self):
        self._flash_bytes = &self._flash[0]
        self._ram_bytes = &self._sram[0]
        self._ahead_ns = 0.0
        self._accessed = True
        self.flash_miss_ns = 0.0
        self.misses = None
        memset(self._line, 0, sizeof(self._line))
        memset(self._last_way, 0, sizeof(self._last_way))
        self._reset_divider()

    def reset(self, **how):
        """Reset the chip and its divider."""
        self._reset_divider()
        super().reset(**how)

    cdef void _reset_divider(self):
        self._dividend = self._quotient = self._remainder = 0
        self._divisor = 1
        self._div_csr = DIV_READY

    cdef inline void _wait_for_flash(self, unsigned int at) noexcept:
        """Take an address of the flash to the cache; replace the way that was not used last."""
        cdef unsigned int line = at >> 3
        cdef unsigned int place = line & (CACHE_SETS - 1)
        cdef unsigned int way = self._last_way[place]
        if self._line[way][place] == line:
            return
        way ^= 1
        self._last_way[place] = way
        if self._line[way][place] != line:
            self._line[way][place] = line
            self._ahead_ns += self.flash_miss_ns
            if self.misses is not None and (<CortexM0Core> self.core).ipsr:
                self.misses[line - (FLASH >> 3)] += 1

    cpdef unsigned int read_uint32(self, long long address) except? 0:
        cdef unsigned int at = <unsigned int> address
        cdef unsigned int value
        if not at & 3:
            if at - RAM < RAM_BYTES:
                memcpy(&value, self._ram_bytes + (at - RAM), 4)
                return value
            if at - FLASH < FLASH_BYTES:
                if self.flash_miss_ns:
                    self._wait_for_flash(at)
                memcpy(&value, self._flash_bytes + (at - FLASH), 4)
                return value
        if UDIVIDEND <= at <= DIV_CSR:
            return self._divider(at)
        if at - SIO < SIO_BYTES or at < FLASH:
            return RP2040.read_uint32(self, address)
        self._sync_clock()
        return RP2040.read_uint32(self, address)

    cpdef unsigned int read_uint16(self, long long address):
        cdef unsigned int at = <unsigned int> address
        cdef unsigned short value
        if at - RAM < RAM_BYTES - 1:
            memcpy(&value, self._ram_bytes + (at - RAM), 2)
            return value
        if at - FLASH < FLASH_BYTES - 1:
            if self.flash_miss_ns:
                self._wait_for_flash(at)
            memcpy(&value, self._flash_bytes + (at - FLASH), 2)
            return value
        return RP2040.read_uint16(self, address)

    cpdef unsigned int read_uint8(self, long long address):
        cdef unsigned int at = <unsigned int> address
        if at - RAM < RAM_BYTES:
            return self._ram_bytes[at - RAM]
        if at - FLASH < FLASH_BYTES:
            if self.flash_miss_ns:
                self._wait_for_flash(at)
            return self._flash_bytes[at - FLASH]
        return RP2040.read_uint8(self, address)

    cpdef write_uint32(self, long long address, long long value):
        cdef unsigned int at = <unsigned int> address
        cdef unsigned int word = <unsigned int> value
        if at - RAM < RAM_BYTES - 3:
            memcpy(self._ram_bytes + (at - RAM), &word, 4)
            return
        if UDIVIDEND <= at <= DIV_CSR:
            self._set_divider(at, word)
            return
        self._sync_clock()
        RP2040.write_uint32(self, address, value)

    cpdef write_uint16(self, long long address, long long value):
        cdef unsigned int at = <unsigned int> address
        cdef unsigned short half = <unsigned short> value
        if at - RAM < RAM_BYTES - 1:
            memcpy(self._ram_bytes + (at - RAM), &half, 2)
            return
        self._sync_clock()
        RP2040.write_uint16(self, address, value)

    cpdef write_uint8(self, long long address, long long value):
        cdef unsigned int at = <unsigned int> address
        if at - RAM < RAM_BYTES:
            self._ram_bytes[at - RAM] = <unsigned char> value
            return
        self._sync_clock()
        RP2040.write_uint8(self, address, value)

    cdef unsigned int _divider(self, unsigned int at):
        if at == QUOTIENT:
            self._div_csr &= ~DIV_DIRTY
            return self._quotient
        if at == REMAINDER:
            return self._remainder
        if at == DIV_CSR:
            return self._div_csr
        return self._dividend if at == UDIVIDEND or at == SDIVIDEND else self._divisor

    cdef void _set_divider(self, unsigned int at, unsigned int word):
        cdef long long dividend, divisor
        if at == DIV_CSR:
            return
        self._div_csr = DIV_READY | DIV_DIRTY
        if at == QUOTIENT:
            self._quotient = word
            return
        if at == REMAINDER:
            self._remainder = word
            return
        if at == UDIVIDEND or at == SDIVIDEND:
            self._dividend = word
        else:
            self._divisor = word
        # The same cycles as in the package.
        self.core.cycles += 8
        if self._divisor == 0:
            self._quotient = 0xFFFFFFFFU if self._dividend else 1
            self._remainder = self._dividend
        elif at == SDIVIDEND or at == SDIVISOR:
            # In 64 bits: the smallest 32-bit number divided by -1 needs 33.
            dividend, divisor = <int> self._dividend, <int> self._divisor
            self._quotient = <unsigned int> (dividend / divisor)
            self._remainder = <unsigned int> (dividend % divisor)
        else:
            self._quotient = self._dividend // self._divisor
            self._remainder = self._dividend % self._divisor

    cdef inline void _sync_clock(self):
        # Never beyond the next alarm: the loop stops there, so no alarm is due in between.
        self.clock._nanos_counter += self._ahead_ns
        self._ahead_ns = 0.0
        self._accessed = True

    def run(self, double until_ns):
        """Execute until the clock reaches `until_ns`; skip the time in which the core sleeps."""
        cdef CortexM0Core core = self.core
        cdef SimulationClock clock = self.clock
        cdef ClockAlarm alarm
        cdef OpHandler handler
        cdef unsigned int *registers = &core.registers[0]
        cdef unsigned int pc, opcode, opcode2, condition
        cdef int cycles, offset
        cdef bint met
        cdef double budget_ns = 0.0
        self._accessed = True
        while True:
            if self._accessed:
                self._accessed = False
                budget_ns = until_ns - clock._nanos_counter
                alarm = clock._next_alarm
                if alarm is not None and alarm.nanos - clock._nanos_counter < budget_ns:
                    budget_ns = alarm.nanos - clock._nanos_counter
            if core.waiting or self._ahead_ns >= budget_ns:
                if core.waiting and self._ahead_ns < budget_ns:
                    self._ahead_ns = budget_ns
                clock.tick(self._ahead_ns)
                self._ahead_ns = 0.0
                self._accessed = True
                if clock._nanos_counter >= until_ns:
                    return
                continue
            if core.interrupts_updated and core.check_for_interrupts():
                core.waiting = False
            pc = registers[15] & 0xFFFFFFFEU
            opcode = self.read_uint16(pc)
            registers[15] += 2
            if opcode >> 12 == 0xD and (opcode & 0xE00) != 0xE00:
                # B<condition>: the package calls a Python method for each of them.
                condition = (opcode >> 8) & 0xF
                if condition < 2:
                    met = core.z
                elif condition < 4:
                    met = core.c
                elif condition < 6:
                    met = core.n
                elif condition < 8:
                    met = core.v
                elif condition < 10:
                    met = core.c and not core.z
                elif condition < 12:
                    met = core.n == core.v
                else:
                    met = core.n == core.v and not core.z
                cycles = 1
                if met != (condition & 1):
                    offset = <signed char> (opcode & 0xFF)
                    registers[15] += <unsigned int> (offset * 2 + 2)
                    cycles = 2
            else:
                opcode2 = 0
                if opcode >> 11 >= 0b11101:
                    opcode2 = self.read_uint16(pc + 2)
                if opcode >> 11 == 0b11110:
                    if opcode2 >> 12 & 0xD == 0xD:
                        # BL: the package calls a Python function for each of them.
                        registers[14] = (pc + 4) | 1
                        registers[15] = pc + 4 + _bl_offset(opcode, opcode2)
                        core.cycles += 3
                        self._ahead_ns += 3 * CYCLE_NS
                        continue
                    handler = resolve_wide(opcode, opcode2)
                else:
                    handler = DISPATCH_TABLE[opcode]
                if handler == NULL:
                    # An invalid instruction: the package reports it and continues.
                    registers[15] = pc
                    cycles = core.execute_instruction()
                    core.cycles -= cycles
                else:
                    cycles = handler(core, opcode, opcode2, pc)
            core.cycles += cycles
            self._ahead_ns += cycles * CYCLE_NS
