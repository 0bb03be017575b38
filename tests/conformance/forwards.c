#include "forwards.h"

#include <stdio.h>
#include <string.h>

#include "names.h"
#include "structures.h"

enum { HEADER = 8, MOST_FORWARDS = 64 };

/* ---- lists ---- */

static void put(BYTE *list, DWORD at, DWORD value)
{
    memcpy(list + at, &value, sizeof value);
}

/* Adds a text behind the entries; writes its size and offset. */
static DWORD put_text(BYTE *list, DWORD end, DWORD member, const char *text)
{
    if (text == NULL) return end;
    DWORD size = 2 * ((DWORD)strlen(text) + 1);
    for (DWORD i = 0; i < size / 2; i++) {
        WCHAR c = (unsigned char)text[i];
        memcpy(list + end + 2 * i, &c, sizeof c);
    }
    put(list, member, size);
    put(list, member + 4, end);
    return end + size;
}

static DWORD length_of(const char *text)
{
    return text ? 2 * ((DWORD)strlen(text) + 1) : 0;
}

LINEFORWARDLIST *forward_list(DWORD stride, unsigned count, const struct forward *forwards)
{
    DWORD total = HEADER + count * stride;
    for (unsigned i = 0; i < count; i++)
        total += length_of(forwards[i].caller) + length_of(forwards[i].destination);
    BYTE *list = fence_alloc(total);
    memset(list, 0, total);
    put(list, 0, total);
    put(list, 4, count);
    DWORD end = HEADER + count * stride;
    for (unsigned i = 0; i < count; i++) {
        DWORD entry = HEADER + i * stride;
        put(list, entry, forwards[i].mode);
        end = put_text(list, end, entry + 4, forwards[i].caller);
        end = put_text(list, end, entry + 16, forwards[i].destination);
        if (stride == STRIDE_3_1) {
            put(list, entry + 24, LINEADDRESSTYPE_PHONENUMBER);
            put(list, entry + 28, LINEADDRESSTYPE_PHONENUMBER);
        }
    }
    return (LINEFORWARDLIST *)list;
}

LONG forward_by(struct line *line, const LINEFORWARDLIST *list, DWORD rings)
{
    struct call *spare = call_new(line, NULL, true);
    LONG result = ASK(lineForward, line->hd, 1, 0, (LINEFORWARDLIST *)list, rings, spare->ht,
                      &spare->hd, NULL);
    CHECK(spare->hd == NULL, "forwarding made a consultation call");
    return result;
}

LONG forward(struct line *line, unsigned count, const struct forward *forwards)
{
    LINEFORWARDLIST *list = count ? forward_list(STRIDE_3_0, count, forwards) : NULL;
    LONG result = forward_by(line, list, 0);
    /* What the provider wants of it, it has taken. */
    if (list != NULL) memset(list, 0xFF, list->dwTotalSize);
    return result;
}

/* ---- what is shown ---- */

static bool is_party(const LINEADDRESSSTATUS *status, const BYTE *member, const char *expected)
{
    DWORD size, offset;
    memcpy(&size, member, sizeof size);
    memcpy(&offset, member + 4, sizeof offset);
    if (size == 0) return expected == NULL && offset == 0;
    if (offset < status->dwForwardOffset ||
        offset + size > status->dwForwardOffset + status->dwForwardSize)
        return false;
    return is_text(text_of(status, size, offset), expected);
}

static bool is_entry(const LINEADDRESSSTATUS *status, unsigned at, const struct forward *expected)
{
    const BYTE *entry = (const BYTE *)status + status->dwForwardOffset + at * STRIDE_3_0;
    DWORD mode;
    memcpy(&mode, entry, sizeof mode);
    return mode == expected->mode && is_party(status, entry + 4, expected->caller) &&
           is_party(status, entry + 16, expected->destination);
}

static const char *describe(const LINEADDRESSSTATUS *status)
{
    static char text[1024];
    size_t length = 0;
    text[0] = 0;
    for (unsigned i = 0; i < status->dwForwardNumEntries && length < sizeof text - 160; i++) {
        const BYTE *entry = (const BYTE *)status + status->dwForwardOffset + i * STRIDE_3_0;
        DWORD words[6];
        memcpy(words, entry, sizeof words);
        const WCHAR *caller = text_of(status, words[1], words[2]);
        const WCHAR *destination = text_of(status, words[4], words[5]);
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%#x %.40s>%.40s",
                                   i ? ", " : "", (unsigned)words[0], caller ? utf8(caller) : "",
                                   destination ? utf8(destination) : "");
    }
    return text;
}

void shows(const char *file, int at, struct line *line, unsigned count,
           const struct forward *forwards)
{
    const LINEADDRESSSTATUS *status = address_status(line);
    if (status->dwForwardNumEntries != count)
        fail(file, at, "%u forwards are shown (%s), not %u", (unsigned)status->dwForwardNumEntries,
             describe(status), count);
    if (count == 0 && (status->dwForwardSize != 0 || status->dwForwardOffset != 0))
        fail(file, at, "no forwards have size %u", (unsigned)status->dwForwardSize);
    bool taken[MOST_FORWARDS] = {false};
    for (unsigned wanted = 0; wanted < count; wanted++) {
        bool found = false;
        for (unsigned i = 0; i < count && !found; i++) {
            if (taken[i] || !is_entry(status, i, &forwards[wanted])) continue;
            taken[i] = found = true;
        }
        if (!found)
            fail(file, at, "no forward of mode %#x to %s is shown, but %s",
                 (unsigned)forwards[wanted].mode,
                 forwards[wanted].destination ? forwards[wanted].destination : "nobody",
                 describe(status));
    }
}
