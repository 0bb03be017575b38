#include "dice.h"

#include <stddef.h>
#include <string.h>

#include "drawn.h"

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

/* Whether this time it is to be that, by the wish for the present case or by chance. */
static bool is_time_for(enum trait trait, unsigned chance)
{
    if (!is_drawn_for(trait) && !once_in(chance)) return false;
    drew(trait);
    return true;
}

DWORD some_device(bool *right)
{
    *right = !is_time_for(NO_DEVICE, 2);
    if (*right) return session.lines[dice_below(session.line_count)].device;
    for (;;) {
        DWORD device = odd_number();
        if (line_of_device(device) == NULL) return device;
    }
}

DWORD some_version(bool *right)
{
    static const DWORD known[] = {V2_0, V2_1, V2_2, V3_0};
    *right = !is_time_for(NO_VERSION, 2);
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

/* The same for a structure. */
static BYTE *structure_memory(enum slot slot, size_t size)
{
    BYTE *given = slot_memory(slot, size);
    if ((uintptr_t)given % sizeof(DWORD) != 0) drew(MISALIGNED);
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

enum { ALL_OF_THEM = 3 };

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
    /* The longest take long to write. */
    if (is_drawn_for(TEXT_OF_100000) || once_in(400)) return 100000;
    if (is_drawn_for(TEXT_OF_255)) return 255;
    if (is_drawn_for(TEXT_OF_1)) return 1;
    return usual[dice_below(sizeof usual / sizeof *usual)];
}

static void note_length(size_t length)
{
    if (length == 1) drew(TEXT_OF_1);
    if (length == 255) drew(TEXT_OF_255);
    if (length == 100000) drew(TEXT_OF_100000);
}

/* A unit at any alignment. */
static void put_unit(BYTE *at, WCHAR unit)
{
    memcpy(at, &unit, sizeof unit);
}

/* Its units without those behind it, of which there are so many. */
static BYTE *some_units(enum slot slot, size_t *length, unsigned behind)
{
    *length = once_in(8) ? 0 : some_length();
    unsigned kind = dice_below(3);
    if (is_time_for(ALL_DIALABLE, 20)) {
        *length = sizeof dialable - 1;
        kind = ALL_OF_THEM;
    }
    note_length(*length);
    BYTE *text = slot_memory(slot, 2 * (*length + behind));
    for (size_t i = 0; i < *length; i++)
        put_unit(text + 2 * i, kind == ALL_OF_THEM ? (WCHAR)dialable[i] : some_unit(kind));
    return text;
}

WCHAR *some_text(enum slot slot)
{
    if (is_time_for(NULL_POINTER, 8)) return NULL;
    size_t length;
    BYTE *text = some_units(slot, &length, 1);
    put_unit(text + 2 * length, 0);
    return (WCHAR *)text;
}

WCHAR *some_counted_text(enum slot slot, DWORD *units)
{
    *units = odd_number();
    if (is_time_for(NULL_POINTER, 8)) return NULL;
    size_t length;
    BYTE *text = some_units(slot, &length, 0);
    *units = (DWORD)length;
    if (length > 0) drew(NO_END);
    return (WCHAR *)text;
}

void *some_place(enum slot slot, size_t size)
{
    if (is_time_for(NULL_POINTER, 6)) return NULL;
    BYTE *place = slot_memory(slot, size);
    memset(place, 0, size);
    return place;
}

BYTE *some_bytes(enum slot slot, DWORD *size)
{
    *size = once_in(400) ? 100000 : dice_below(300);
    if (is_time_for(NULL_POINTER, 6)) {
        *size = odd_number();
        return NULL;
    }
    BYTE *bytes = slot_memory(slot, *size);
    for (DWORD i = 0; i < *size; i++) bytes[i] = (BYTE)(dice() | 1);
    if (*size > 0) drew(NO_END);
    return bytes;
}

/* ---- structures ---- */

/* Sizes as they come: too small, exact, some more, plenty; of any alignment. */
static DWORD some_size(DWORD fixed)
{
    if (is_time_for(SHORT_SIZE, 4)) return dice_below(fixed);
    /* Any size: every second brings an odd address. */
    if (is_drawn_for(MISALIGNED)) return fixed + 1 + dice_below(200);
    switch (dice_below(3)) {
    case 0:
        return fixed + 8 + dice_below(40);
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
    if (is_time_for(NULL_POINTER, 12)) {
        *total = 0;
        return NULL;
    }
    *total = some_size(fixed);
    /* The member with the size is there however small the size is. */
    BYTE *memory = structure_memory(slot, *total < 12 ? 12 : *total);
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

VARSTRING *some_lasting_string(void)
{
    enum { ROOMS = 512, ROOM = 256 };
    static BYTE *rooms[ROOMS];
    static unsigned next;
    if (is_time_for(NULL_POINTER, 12)) return NULL;
    DWORD total = some_size(sizeof(VARSTRING)), size = total < 12 ? 12 : total;
    if (size > ROOM) size = total = ROOM;
    BYTE **room = &rooms[next++ % ROOMS];
    if (*room == NULL) *room = fence_alloc(ROOM);
    BYTE *memory = *room + ROOM - size;
    if (size % sizeof(DWORD) != 0) drew(MISALIGNED);
    memset(memory, 0, size);
    memcpy(memory, &total, sizeof total);
    return (VARSTRING *)memory;
}

/* With the number to dial in them, up to their end. */
static LINECALLPARAMS *params_with_target(enum slot slot)
{
    DWORD units = dice_below(40), fixed = sizeof(LINECALLPARAMS), total = fixed + 2 * units;
    BYTE *memory = structure_memory(slot, total);
    memset(memory, 0, fixed);
    put_number(memory, total, 0, total);
    put_number(memory, total, 24, LINEADDRESSMODE_ADDRESSID);
    put_number(memory, total, offsetof(LINECALLPARAMS, dwCallParamFlags),
               LINECALLPARAMFLAGS_ONESTEPTRANSFER);
    put_number(memory, total, offsetof(LINECALLPARAMS, dwTargetAddressSize), 2 * units);
    put_number(memory, total, offsetof(LINECALLPARAMS, dwTargetAddressOffset), fixed);
    unsigned kind = dice_below(3);
    for (DWORD i = 0; i < units; i++) put_unit(memory + fixed + 2 * i, some_unit(kind));
    return (LINECALLPARAMS *)memory;
}

LINECALLPARAMS *some_call_params(enum slot slot)
{
    enum { FIXED_2_X = 176 };
    if (is_time_for(NULL_POINTER, 3)) return NULL;
    if (is_time_for(NO_END, 8)) return params_with_target(slot);
    bool odd = is_drawn_for(SHORT_SIZE) || is_drawn_for(MISALIGNED) || once_in(2);
    DWORD total = odd ? some_size(FIXED_2_X) : (DWORD)sizeof(LINECALLPARAMS);
    BYTE *memory = structure_memory(slot, total < 4 ? 4 : total);
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
    if (is_time_for(NULL_POINTER, 12)) return NULL;
    DWORD entries = dice_below(5), stride = once_in(2) ? 24 : 32, texts = dice_below(120);
    DWORD total = HEADER + entries * stride + texts;
    BYTE *memory = structure_memory(slot, total);
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
    /* The texts of entries end where they say, at the end of the memory at last. */
    if (entries > 0 && texts > 0) drew(NO_END);
    /* Never more than there is. */
    if (is_time_for(SHORT_SIZE, 8)) put_number(memory, total, 0, dice_below(total));
    return (LINEFORWARDLIST *)memory;
}
