# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The emulated chip's inner loop in machine code: fetch, execute, keep the time.

Registers, instructions and peripherals are those of the package `rp2040py`. It publishes the C
interface of its classes (`.pxd`), and this module overrides what runs once per instruction, without
Python objects in between: fetching, the frequent instructions, loads and stores in flash and RAM,
and counting time. `speedup.py` builds it. Without it, `chip.py` uses the package's own loop, which
takes many times as long for the same cycles.
"""

cimport cython
from cpython.ref cimport Py_INCREF
from libc.math cimport ceil
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


cdef inline int _moved(
    CortexM0Core core, unsigned int *r, unsigned int to, unsigned int value
) noexcept:
    """Set a register, and the flags that show its sign and whether it is zero; return a cycle."""
    r[to] = value
    core.n = value >> 31
    core.z = value == 0
    return 1


cdef inline unsigned int _added(
    CortexM0Core core, unsigned int left, unsigned int right
) noexcept:
    """Return the sum and set all flags."""
    cdef unsigned int value = left + right
    core.n = value >> 31
    core.z = value == 0
    core.c = value < left
    core.v = ((left ^ value) & (right ^ value)) >> 31
    return value


cdef inline unsigned int _subtracted(
    CortexM0Core core, unsigned int left, unsigned int right
) noexcept:
    """Return the difference and set all flags."""
    cdef unsigned int value = left - right
    core.n = value >> 31
    core.z = value == 0
    core.c = left >= right
    core.v = ((left ^ right) & (left ^ value)) >> 31
    return value


cdef inline bint _met(CortexM0Core core, unsigned int condition) noexcept:
    """Return whether the condition of a branch holds; those with bit 0 are the others' opposites."""
    cdef unsigned int kind = condition >> 1
    cdef bint met
    if kind == 0:
        met = core.z
    elif kind == 1:
        met = core.c
    elif kind == 2:
        met = core.n
    elif kind == 3:
        met = core.v
    elif kind == 4:
        met = core.c and not core.z
    elif kind == 5:
        met = core.n == core.v
    else:
        met = core.n == core.v and not core.z
    return met != (condition & 1)


@cython.final
cdef class FastRP2040(RP2040):
    """rp2040py's chip with direct access to its memory.

    Addresses outside flash and RAM are left to the package. The clock is advanced by the time that
    has passed before each of them, so that a peripheral never sees an old time.
    """

    cdef unsigned char *_flash_bytes
    cdef unsigned char *_ram_bytes
    # Time that is not yet added to the clock: of instructions, and of waits for the flash.
    cdef long long _ahead_cycles
    cdef double _waited_ns
    # A peripheral was accessed or time was lost in a wait: when to stop is to be computed anew.
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
        # What frees a chip of the package gives back a reference to its type, which a chip of a
        # static type like this one has not taken: after a few chips the type would be freed.
        Py_INCREF(type(self))
        self._flash_bytes = &self._flash[0]
        self._ram_bytes = &self._sram[0]
        self._ahead_cycles = 0
        self._waited_ns = 0.0
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
            self._waited_ns += self.flash_miss_ns
            self._accessed = True
            if self.misses is not None and (<CortexM0Core> self.core).ipsr:
                self.misses[line - (FLASH >> 3)] += 1

    cdef inline unsigned char *_readable(self, unsigned int at, unsigned int size) noexcept:
        """Return where the bytes at an address of RAM or flash are; NULL for another address."""
        if at - RAM < RAM_BYTES + 1 - size:
            return self._ram_bytes + (at - RAM)
        if at - FLASH < FLASH_BYTES + 1 - size:
            if self.flash_miss_ns:
                self._wait_for_flash(at)
            return self._flash_bytes + (at - FLASH)
        return NULL

    cdef inline unsigned char *_writable(self, unsigned int at, unsigned int size) noexcept:
        """Return where the bytes at an address of RAM are; NULL for another address."""
        return self._ram_bytes + (at - RAM) if at - RAM < RAM_BYTES + 1 - size else NULL

    cpdef unsigned int read_uint32(self, long long address) except? 0:
        cdef unsigned int at = <unsigned int> address
        cdef unsigned int value
        cdef unsigned char *place = NULL if at & 3 else self._readable(at, 4)
        if place != NULL:
            memcpy(&value, place, 4)
            return value
        if UDIVIDEND <= at <= DIV_CSR:
            return self._divider(at)
        if at - SIO < SIO_BYTES or at < FLASH:
            return RP2040.read_uint32(self, address)
        self._sync_clock()
        return RP2040.read_uint32(self, address)

    cpdef unsigned int read_uint16(self, long long address):
        cdef unsigned short value
        cdef unsigned char *place = self._readable(<unsigned int> address, 2)
        if place != NULL:
            memcpy(&value, place, 2)
            return value
        return RP2040.read_uint16(self, address)

    cpdef unsigned int read_uint8(self, long long address):
        cdef unsigned char *place = self._readable(<unsigned int> address, 1)
        return place[0] if place != NULL else RP2040.read_uint8(self, address)

    cpdef write_uint32(self, long long address, long long value):
        cdef unsigned int at = <unsigned int> address
        cdef unsigned int word = <unsigned int> value
        cdef unsigned char *place = self._writable(at, 4)
        if place != NULL:
            memcpy(place, &word, 4)
            return
        if UDIVIDEND <= at <= DIV_CSR:
            self._set_divider(at, word)
            return
        self._sync_clock()
        RP2040.write_uint32(self, address, value)

    cpdef write_uint16(self, long long address, long long value):
        cdef unsigned short half = <unsigned short> value
        cdef unsigned char *place = self._writable(<unsigned int> address, 2)
        if place != NULL:
            memcpy(place, &half, 2)
            return
        self._sync_clock()
        RP2040.write_uint16(self, address, value)

    cpdef write_uint8(self, long long address, long long value):
        cdef unsigned char *place = self._writable(<unsigned int> address, 1)
        if place != NULL:
            place[0] = <unsigned char> value
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
        self.clock._nanos_counter += self._ahead_cycles * CYCLE_NS + self._waited_ns
        self._ahead_cycles = 0
        self._waited_ns = 0.0
        self._accessed = True

    cdef inline int _load(self, unsigned int *to, unsigned int at, unsigned int size) noexcept:
        """Load a word, half word or byte; return the cycles, 0 for the package to do it."""
        cdef unsigned int word = 0
        cdef unsigned char *place
        if at & (size - 1):
            return 0
        place = self._readable(at, size)
        if place == NULL:
            return 0
        if size == 4:
            memcpy(&word, place, 4)
        elif size == 2:
            memcpy(&word, place, 2)
        else:
            word = place[0]
        to[0] = word
        return 2

    cdef inline int _store(self, unsigned int word, unsigned int at, unsigned int size) noexcept:
        """Store a word, half word or byte; return the cycles, 0 for the package to do it."""
        cdef unsigned char *place
        if at & (size - 1):
            return 0
        place = self._writable(at, size)
        if place == NULL:
            return 0
        if size == 4:
            memcpy(place, &word, 4)
        elif size == 2:
            memcpy(place, &word, 2)
        else:
            place[0] = <unsigned char> word
        return 2

    cdef inline int _execute(
        self, CortexM0Core core, unsigned int *r, unsigned int op, unsigned int pc
    ) noexcept:
        """Execute one of the frequent instructions and return its cycles; 0 for all others.

        What they do, bit by bit, is in the ARMv6-M Architecture Reference Manual, A6.7. Nothing is
        changed before it is certain that the instruction is executed here.
        """
        cdef unsigned int kind = op >> 11
        cdef unsigned int low = op & 7
        cdef unsigned int mid = op >> 3 & 7
        cdef unsigned int top = op >> 8 & 7
        cdef unsigned int imm5 = op >> 6 & 31
        cdef unsigned int imm8 = op & 255
        cdef unsigned int left, right, at, i
        cdef int cycles
        if kind == 0:  # LSLS by a constant
            left = r[mid]
            if imm5:
                core.c = left >> (32 - imm5) & 1
            return _moved(core, r, low, left << imm5)
        elif kind == 1:  # LSRS by a constant
            left = r[mid]
            core.c = left >> (imm5 - 1 if imm5 else 31) & 1
            return _moved(core, r, low, left >> imm5 if imm5 else 0)
        elif kind == 2:  # ASRS by a constant
            left = r[mid]
            core.c = left >> (imm5 - 1 if imm5 else 31) & 1
            return _moved(core, r, low, <unsigned int> (<int> left >> (imm5 if imm5 else 31)))
        elif kind == 3:  # ADDS and SUBS of a register or of three bits
            right = imm5 & 7
            if not op & 0x400:
                right = r[right]
            if op & 0x200:
                r[low] = _subtracted(core, r[mid], right)
            else:
                r[low] = _added(core, r[mid], right)
            return 1
        elif kind == 4:  # MOVS
            return _moved(core, r, top, imm8)
        elif kind == 5:  # CMP
            _subtracted(core, r[top], imm8)
            return 1
        elif kind == 6:  # ADDS
            r[top] = _added(core, r[top], imm8)
            return 1
        elif kind == 7:  # SUBS
            r[top] = _subtracted(core, r[top], imm8)
            return 1
        elif kind == 8:
            if op & 0x400:
                # ADD, CMP and MOV of high registers, not into stack pointer or program counter.
                left = (op >> 4 & 8) | low
                right = op >> 3 & 15
                if left == 13 or left == 15 or right == 15:
                    return 0
                if top == 4:
                    r[left] += r[right]
                elif top == 5:
                    _subtracted(core, r[left], r[right])
                elif top == 6:
                    r[left] = r[right]
                else:
                    return 0
                return 1
            i = op >> 6 & 15
            if i == 0:
                return _moved(core, r, low, r[low] & r[mid])
            elif i == 1:
                return _moved(core, r, low, r[low] ^ r[mid])
            elif i == 8:  # TST
                left = r[low] & r[mid]
                core.n = left >> 31
                core.z = left == 0
                return 1
            elif i == 9:  # RSBS from zero
                r[low] = _subtracted(core, 0, r[mid])
                return 1
            elif i == 10:
                _subtracted(core, r[low], r[mid])
                return 1
            elif i == 12:
                return _moved(core, r, low, r[low] | r[mid])
            elif i == 13:  # MULS
                return _moved(core, r, low, r[low] * r[mid])
            elif i == 14:  # BICS
                return _moved(core, r, low, r[low] & ~r[mid])
            elif i == 15:  # MVNS
                return _moved(core, r, low, ~r[mid])
            return 0
        elif kind == 9:  # LDR of a constant behind the code
            return self._load(&r[top], ((pc + 4) & ~3U) + imm8 * 4, 4)
        elif kind == 10:
            i = op >> 9 & 3
            at = r[mid] + r[imm5 & 7]
            if i == 0:
                return self._store(r[low], at, 4)
            elif i == 1:
                return self._store(r[low], at, 2)
            elif i == 2:
                return self._store(r[low], at, 1)
            cycles = self._load(&r[low], at, 1)
            if cycles:  # LDRSB
                r[low] = <unsigned int> <int> <signed char> r[low]
            return cycles
        elif kind == 11:
            i = op >> 9 & 3
            at = r[mid] + r[imm5 & 7]
            if i == 0:
                return self._load(&r[low], at, 4)
            elif i == 1:
                return self._load(&r[low], at, 2)
            elif i == 2:
                return self._load(&r[low], at, 1)
            cycles = self._load(&r[low], at, 2)
            if cycles:  # LDRSH
                r[low] = <unsigned int> <int> <short> r[low]
            return cycles
        elif kind == 12:
            return self._store(r[low], r[mid] + imm5 * 4, 4)
        elif kind == 13:
            return self._load(&r[low], r[mid] + imm5 * 4, 4)
        elif kind == 14:
            return self._store(r[low], r[mid] + imm5, 1)
        elif kind == 15:
            return self._load(&r[low], r[mid] + imm5, 1)
        elif kind == 16:
            return self._store(r[low], r[mid] + imm5 * 2, 2)
        elif kind == 17:
            return self._load(&r[low], r[mid] + imm5 * 2, 2)
        elif kind == 18:
            return self._store(r[top], r[13] + imm8 * 4, 4)
        elif kind == 19:
            return self._load(&r[top], r[13] + imm8 * 4, 4)
        elif kind == 20:  # ADR
            r[top] = (pc & ~3U) + 4 + imm8 * 4
            return 1
        elif kind == 21:  # ADD to the stack pointer
            r[top] = r[13] + imm8 * 4
            return 1
        elif kind == 26 or kind == 27:  # B<condition>
            i = op >> 8 & 15
            if i > 13:
                return 0
            if _met(core, i):
                r[15] += <unsigned int> (<int> <signed char> imm8 * 2 + 2)
                return 2
            return 1
        elif kind == 28:  # B
            r[15] += <unsigned int> ((<int> (op << 21) >> 20) + 2)
            return 2
        return 0

    def run(self, double until_ns):
        """Execute until the clock reaches `until_ns`; skip the time in which the core sleeps."""
        cdef CortexM0Core core = self.core
        cdef SimulationClock clock = self.clock
        cdef ClockAlarm alarm
        cdef OpHandler handler
        cdef unsigned int *registers = &core.registers[0]
        cdef unsigned int pc, opcode, opcode2
        cdef unsigned short half
        cdef unsigned char *place
        cdef int cycles
        cdef double budget_ns = 0.0
        cdef long long budget_cycles = 0
        self._accessed = True
        while True:
            if self._accessed:
                self._accessed = False
                budget_ns = until_ns - clock._nanos_counter
                alarm = clock._next_alarm
                if alarm is not None and alarm.nanos - clock._nanos_counter < budget_ns:
                    budget_ns = alarm.nanos - clock._nanos_counter
                budget_cycles = <long long> ceil((budget_ns - self._waited_ns) / CYCLE_NS)
            if core.waiting or self._ahead_cycles >= budget_cycles:
                if not core.waiting or self._ahead_cycles >= budget_cycles:
                    budget_ns = self._ahead_cycles * CYCLE_NS + self._waited_ns
                self._ahead_cycles = 0
                self._waited_ns = 0.0
                clock.tick(budget_ns)
                self._accessed = True
                if clock._nanos_counter >= until_ns:
                    return
                continue
            if core.interrupts_updated and core.check_for_interrupts():
                core.waiting = False
            pc = registers[15] & 0xFFFFFFFEU
            place = self._readable(pc, 2)
            if place == NULL:
                opcode = RP2040.read_uint16(self, pc)
            else:
                memcpy(&half, place, 2)
                opcode = half
            registers[15] += 2
            cycles = self._execute(core, registers, opcode, pc)
            if cycles == 0:
                opcode2 = 0
                if opcode >> 11 >= 0b11101:
                    opcode2 = self.read_uint16(pc + 2)
                if opcode >> 11 == 0b11110:
                    if opcode2 >> 12 & 0xD == 0xD:
                        # BL: the package calls a Python function for each of them.
                        registers[14] = (pc + 4) | 1
                        registers[15] = pc + 4 + _bl_offset(opcode, opcode2)
                        core.cycles += 3
                        self._ahead_cycles += 3
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
            self._ahead_cycles += cycles
