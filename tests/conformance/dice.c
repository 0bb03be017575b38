#include "dice.h"

#include <string.h>

static uint64_t state;

void dice_seed(uint64_t seed)
{
    state = seed * 0x9E3779B97F4A7C15ull | 1;
    for (int i = 0; i < 8; i++) dice();
}

uint32_t dice(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 0x2545F4914F6CDD1Dull) >> 32);
}

unsigned dice_below(unsigned n)
{
    return dice() % n;
}

bool once_in(unsigned n)
{
    return dice_below(n) == 0;
}

/* ---- numbers ---- */

DWORD odd_number(void)
{
    static const DWORD odd[] = {0, 1, 2, 3, 4, 8, 24, 0x7F, 0xFFFF, 0x7FFFFFFF, 0x80000000,
                                0xFFFFFFFF};
    switch (dice_below(3)) {
    case 0:
        return odd[dice_below(sizeof odd / sizeof *odd)];
    case 1:
        return (DWORD)1 << dice_below(32);
    default:
        return dice();
    }
}

DWORD some_device(bool *right)
{
    *right = once_in(2);
    if (*right) return session.lines[dice_below(session.line_count)].device;
    for (;;) {
        DWORD device = odd_number();
        if (line_of_device(device) == NULL) return device;
    }
}

DWORD some_version(bool *right)
{
    static const DWORD known[] = {V2_0, V2_1, V2_2, V3_0};
    *right = once_in(2);
    if (*right) return known[dice_below(4)];
    for (;;) {
        DWORD version = once_in(2) ? odd_number() : 0x00030001 + dice_below(3);
        if (version < V2_0 || version > V3_0) return version;
    }
}

/* ---- memory ---- */

enum { CANARY = 64 };

static struct {
    BYTE *base, *given;
} slots[SLOTS];

void slots_make(void)
{
    for (int i = 0; i < SLOTS; i++) slots[i].base = fence_alloc(SLOT_ROOM + CANARY);
}

BYTE *slot_memory(enum slot slot, size_t size)
{
    BYTE *given = slots[slot].base + CANARY + SLOT_ROOM - size;
    memset(given - CANARY, WRITTEN, CANARY);
    slots[slot].given = given;
    return given;
}

bool slot_is_intact(enum slot slot)
{
    const BYTE *given = slots[slot].given;
    for (int i = 1; given != NULL && i <= CANARY; i++)
        if (given[-i] != WRITTEN) return false;
    return true;
}

/* ---- texts and bytes ---- */

enum { LONG_TEXT = 100000 };

static const char dialable[] = "0123456789ABCDabcd*#+TtPp,!Ww@$?;:|^ ()-./\r\n";

static WCHAR some_unit(unsigned kind)
{
    WCHAR unit = kind == 0   ? (WCHAR)('0' + dice_below(10))
                 : kind == 1 ? (WCHAR)dialable[dice_below(sizeof dialable - 1)]
                             : (WCHAR)dice();
    return unit == 0 ? u'0' : unit;
}

static size_t some_length(void)
{
    static const WORD usual[] = {1, 2, 3, 3, 8, 16, 31, 32, 64, 255, 256, 1023};
    /* The longest take long to write: they come rarely, and all the more surely in many cases. */
    return once_in(400) ? LONG_TEXT : usual[dice_below(sizeof usual / sizeof *usual)];
}

/* A unit at any alignment. */
static void put_unit(BYTE *at, WCHAR unit)
{
    memcpy(at, &unit, sizeof unit);
}

WCHAR *some_text(enum slot slot)
{
    if (once_in(8)) return NULL;
    size_t length = once_in(8) ? 0 : some_length();
    unsigned kind = dice_below(3);
    BYTE *text = slot_memory(slot, 2 * (length + 1));
    for (size_t i = 0; i < length; i++) put_unit(text + 2 * i, some_unit(kind));
    put_unit(text + 2 * length, 0);
    return (WCHAR *)text;
}

void *some_place(enum slot slot, size_t size)
{
    if (once_in(6)) return NULL;
    BYTE *place = slot_memory(slot, size);
    memset(place, 0, size);
    return place;
}

BYTE *some_bytes(enum slot slot, DWORD *size)
{
    *size = once_in(400) ? LONG_TEXT : dice_below(300);
    if (once_in(6)) {
        *size = odd_number();
        return NULL;
    }
    BYTE *bytes = slot_memory(slot, *size);
    for (DWORD i = 0; i < *size; i++) bytes[i] = (BYTE)(dice() | 1);
    return bytes;
}

/* ---- structures ---- */

/* Sizes as they come: too small, exact, some more, plenty; of any alignment. */
static DWORD some_size(DWORD fixed)
{
    switch (dice_below(4)) {
    case 0:
        return dice_below(fixed);
    case 1:
        return fixed;
    case 2:
        return fixed + dice_below(200);
    default:
        return fixed + 1000 + dice_below(1000);
    }
}

void *some_structure(enum slot slot, DWORD fixed, DWORD *total)
{
    *total = some_size(fixed);
    if (once_in(12)) {
        *total = 0;
        return NULL;
    }
    /* The member with the size is there however small the size is. */
    BYTE *memory = slot_memory(slot, *total < 12 ? 12 : *total);
    memset(memory, 0, *total < 12 ? 12 : *total);
    DWORD header[3] = {*total, fixed, fixed};
    memcpy(memory, header, sizeof header);
    return memory;
}

static void put_number(BYTE *memory, DWORD total, DWORD at, DWORD value)
{
    if (at + sizeof value <= total) memcpy(memory + at, &value, sizeof value);
}

/* Spoils so many members of a list of numbers. */
static void spoil(BYTE *memory, DWORD total, DWORD from, unsigned count)
{
    for (unsigned i = 0; i < count && total >= from + 4; i++)
        put_number(memory, total, from + 4 * dice_below((total - from) / 4), odd_number());
}

LINECALLPARAMS *some_call_params(enum slot slot)
{
    enum { FIXED_2_X = 176 };
    if (once_in(3)) return NULL;
    DWORD total = once_in(2) ? (DWORD)sizeof(LINECALLPARAMS) : some_size(FIXED_2_X);
    BYTE *memory = slot_memory(slot, total < 4 ? 4 : total);
    memset(memory, 0, total < 4 ? 4 : total);
    memcpy(memory, &total, sizeof total);
    put_number(memory, total, 4, LINEBEARERMODE_VOICE);
    put_number(memory, total, 16, LINEMEDIAMODE_INTERACTIVEVOICE);
    put_number(memory, total, 24, LINEADDRESSMODE_ADDRESSID);
    spoil(memory, total, 4, dice_below(4));
    return (LINECALLPARAMS *)memory;
}

LINEFORWARDLIST *some_forward_list(enum slot slot)
{
    enum { HEADER = 8 };
    if (once_in(12)) return NULL;
    DWORD entries = dice_below(5), stride = once_in(2) ? 24 : 32, texts = dice_below(120);
    DWORD total = HEADER + entries * stride + texts;
    BYTE *memory = slot_memory(slot, total);
    for (DWORD i = 0; i < total; i++) memory[i] = (BYTE)(once_in(3) ? dice() : 0);
    put_number(memory, total, 0, total);
    put_number(memory, total, 4, entries);
    for (DWORD i = 0; i < entries; i++) {
        DWORD at = HEADER + i * stride, text = HEADER + entries * stride;
        put_number(memory, total, at, (DWORD)1 << dice_below(17));
        put_number(memory, total, at + 4, 0);
        put_number(memory, total, at + 8, 0);
        put_number(memory, total, at + 16, 2 * dice_below(20));
        put_number(memory, total, at + 20, text + dice_below(texts + 1));
    }
    spoil(memory, total, 4, dice_below(3));
    if (once_in(8)) put_number(memory, total, 0, dice_below(total)); /* never more than there is */
    return (LINEFORWARDLIST *)memory;
}
