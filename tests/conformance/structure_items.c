/* Items 13 to 28: capabilities, and the rules of structures of variable size. */

#include <stdio.h>
#include <string.h>

#include "host.h"
#include "items.h"
#include "names.h"
#include "structures.h"

/* ---- identity ---- */

static void caps_of_closed_lines(void)
{
    session_start((struct setup){0});
    for (unsigned i = 0; i < session.line_count; i++) {
        const LINEDEVCAPS *caps = device_caps(session.lines[i].device);
        const WCHAR *name = TEXT_OF(caps, LineName);
        CHECK(name != NULL && name[0] != 0, "line %s has no name", session.lines[i].extension);
        CHECK(caps->dwPermanentLineID != 0, "line %s has permanent id 0",
              session.lines[i].extension);
    }
}

struct identity {
    char extension[32];
    DWORD permanent_id;
    GUID guid;
};

/* Of all lines that are there; how many these are. */
static unsigned identities(struct identity *into)
{
    unsigned count = 0;
    for (unsigned i = 0; i < session.line_count; i++) {
        const LINEDEVCAPS *caps = device_caps_if_there(session.lines[i].device);
        if (caps == NULL) continue;
        struct identity *one = &into[count++];
        snprintf(one->extension, sizeof one->extension, "%s", session.lines[i].extension);
        one->permanent_id = caps->dwPermanentLineID;
        one->guid = caps->PermanentLineGuid;
        for (const struct identity *other = into; other < one; other++)
            CHECK(other->permanent_id != one->permanent_id, "lines %s and %s share an id",
                  other->extension, one->extension);
    }
    return count;
}

static void must_be_known_again(const struct identity *before, unsigned count,
                                const char *without)
{
    struct identity now[LINES];
    unsigned there = identities(now), found = 0;
    for (unsigned i = 0; i < count; i++) {
        for (unsigned k = 0; k < there; k++) {
            if (strcmp(before[i].extension, now[k].extension) != 0) continue;
            found++;
            CHECK(before[i].permanent_id == now[k].permanent_id &&
                      memcmp(&before[i].guid, &now[k].guid, sizeof(GUID)) == 0,
                  "line %s had id %u and has %u, or its GUID changed", now[k].extension,
                  (unsigned)before[i].permanent_id, (unsigned)now[k].permanent_id);
        }
    }
    CHECK(found + 1 >= count, "only %u of %u lines are known again, without %s", found, count,
          without);
}

static void permanent_ids_stay(void)
{
    control_until_end("add-user 39 Passing Guest", "remove-user 39");
    session_start((struct setup){.log = "log"});
    place start = session.began;
    if (line_if_known("39") == NULL) {
        await(start, (struct pattern){.kind = CREATION, .message = LINE_CREATE, .any_p1 = true},
              "LINE_CREATE");
        attend_creations();
    }
    struct identity before[LINES];
    unsigned count = identities(before);
    session_stop();
    control_until_end("order reverse", "order normal");
    control("remove-user 39");
    session_start((struct setup){.log = "log", .base = DEVICE_BASE + 7});
    await_in_service(open_line(31));
    must_be_known_again(before, count, "39");
    session_stop();
    /* A new log numbers anew, but the GUID is the PBX's. */
    session_start((struct setup){0});
    const LINEDEVCAPS *caps = device_caps(line_of(20)->device);
    for (unsigned i = 0; i < count; i++)
        if (strcmp(before[i].extension, "20") == 0)
            CHECK(memcmp(&before[i].guid, &caps->PermanentLineGuid, sizeof(GUID)) == 0,
                  "the GUID of line 20 is another in a new log");
}

/* ---- sizes ---- */

/* Asks every structure in every version, about a line with an incoming call. */
static void each_structure(void (*check)(enum shape, const struct subject *, DWORD fixed))
{
    session_start((struct setup){0});
    for (unsigned i = 0; i < 4; i++) {
        struct line *line = open_line_as(20, versions[i]);
        struct call *call = connected_call(line, 21);
        struct subject subject = {.version = versions[i], .line = line, .call = call};
        for (enum shape shape = 0; shape < SHAPES; shape++)
            check(shape, &subject, fixed_size(shape, versions[i]));
        /* Gone before the line is, so that the next opening does not find it. */
        MUST(drop(call));
        await_state(call, LINECALLSTATE_IDLE);
        close_line(line);
    }
}

/* An answer in that much room. */
static void *answer_in(enum shape shape, const struct subject *subject, DWORD total, DWORD fixed)
{
    void *answer = structure(total, fixed);
    LONG result = query(shape, subject, answer);
    CHECK(result == 0, "%s, version %#x, %u bytes: %s", shapes[shape].name,
          (unsigned)subject->version, (unsigned)total, name_of_result(result));
    check_intact(answer, total, shapes[shape].name);
    return answer;
}

static DWORD needed(const void *answer)
{
    return word_at(answer, 4);
}

static DWORD used(const void *answer)
{
    return word_at(answer, 8);
}

static void fixed_part_only(enum shape shape, const struct subject *subject, DWORD fixed)
{
    const struct shape_facts *facts = &shapes[shape];
    const void *answer = answer_in(shape, subject, fixed, fixed);
    CHECK(used(answer) == fixed, "%s, version %#x: dwUsedSize %u of %u", facts->name,
          (unsigned)subject->version, (unsigned)used(answer), (unsigned)fixed);
    CHECK(needed(answer) >= fixed, "%s: dwNeededSize %u below %u", facts->name,
          (unsigned)needed(answer), (unsigned)fixed);
    for (const struct member *member = facts->members; member->name != NULL; member++)
        CHECK(word_at(answer, member->offset) == 0 && word_at(answer, member->offset + 4) == 0,
              "%s: %s claims to be there", facts->name, member->name);
}

static void fixed_size_suffices(void)
{
    each_structure(fixed_part_only);
}

static void one_byte_short(enum shape shape, const struct subject *subject, DWORD fixed)
{
    void *answer = structure(fixed - 1, fixed);
    LONG result = query(shape, subject, answer);
    CHECK(result == ERR(STRUCTURETOOSMALL), "%s, version %#x, a byte short: %s",
          shapes[shape].name, (unsigned)subject->version, name_of_result(result));
    check_intact(answer, fixed - 1, shapes[shape].name);
    for (DWORD i = 12; i < fixed - 1; i++)
        CHECK(((const BYTE *)answer)[i] == 0, "%s was written all the same", shapes[shape].name);
}

static void too_small_is_refused(void)
{
    each_structure(one_byte_short);
}

static void exactly_what_is_needed(enum shape shape, const struct subject *subject, DWORD fixed)
{
    const struct shape_facts *facts = &shapes[shape];
    const void *large = answer_in(shape, subject, ROOM, fixed);
    const void *answer = answer_in(shape, subject, needed(large), fixed);
    CHECK(used(answer) == needed(large) && needed(answer) == needed(large),
          "%s: needed %u, then used %u and needed %u", facts->name, (unsigned)needed(large),
          (unsigned)used(answer), (unsigned)needed(answer));
    for (const struct member *member = facts->members; member->name != NULL; member++)
        CHECK(word_at(answer, member->offset) == word_at(large, member->offset),
              "%s: %s has %u bytes, with more room it has %u", facts->name, member->name,
              (unsigned)word_at(answer, member->offset), (unsigned)word_at(large, member->offset));
}

static void needed_size_suffices(void)
{
    each_structure(exactly_what_is_needed);
}

static void less_than_needed(enum shape shape, const struct subject *subject, DWORD fixed)
{
    const struct shape_facts *facts = &shapes[shape];
    const void *large = answer_in(shape, subject, ROOM, fixed);
    if (needed(large) == fixed) return; /* nothing variable in it */
    const void *answer = answer_in(shape, subject, needed(large) - 1, fixed);
    CHECK(needed(answer) == needed(large), "%s: dwNeededSize changed from %u to %u", facts->name,
          (unsigned)needed(large), (unsigned)needed(answer));
    unsigned absent = 0;
    for (const struct member *member = facts->members; member->name != NULL; member++) {
        DWORD size = word_at(answer, member->offset), full = word_at(large, member->offset);
        CHECK(size == 0 || size == full, "%s: %s was cut from %u to %u bytes", facts->name,
              member->name, (unsigned)full, (unsigned)size);
        CHECK(size != 0 || word_at(answer, member->offset + 4) == 0, "%s: absent %s has an offset",
              facts->name, member->name);
        absent += full != 0 && size == 0;
    }
    CHECK(absent > 0, "%s: everything fits into one byte less", facts->name);
}

static void nothing_is_cut(void)
{
    each_structure(less_than_needed);
}

static void well_placed(enum shape shape, const struct subject *subject, DWORD fixed)
{
    const struct shape_facts *facts = &shapes[shape];
    const BYTE *answer = answer_in(shape, subject, ROOM, fixed);
    BYTE taken[ROOM] = {0};
    for (const struct member *member = facts->members; member->name != NULL; member++) {
        DWORD size = word_at(answer, member->offset), at = word_at(answer, member->offset + 4);
        if (size == 0) {
            CHECK(at == 0, "%s: %s has an offset and no size", facts->name, member->name);
            continue;
        }
        CHECK(at >= fixed && at + size <= used(answer) && used(answer) <= ROOM,
              "%s: %s lies at %u..%u, outside %u..%u", facts->name, member->name, (unsigned)at,
              (unsigned)(at + size), (unsigned)fixed, (unsigned)used(answer));
        for (DWORD i = at; i < at + size; i++) {
            CHECK(!taken[i], "%s: %s overlaps another", facts->name, member->name);
            taken[i] = 1;
        }
        if (!member->text) continue;
        CHECK(size % 2 == 0 && at % 2 == 0, "%s: %s has odd size or place", facts->name,
              member->name);
        CHECK(answer[at + size - 2] == 0 && answer[at + size - 1] == 0, "%s: %s lacks its NUL",
              facts->name, member->name);
    }
}

static void texts_are_well_placed(void)
{
    each_structure(well_placed);
}

static void total_stays(enum shape shape, const struct subject *subject, DWORD fixed)
{
    /* answer_in() checks dwTotalSize; sizes of all sorts, also odd ones and none at all. */
    static const DWORD more[] = {0, 1, 2, 3, 5, 17, 40, 101, 1000};
    for (unsigned i = 0; i < sizeof more / sizeof *more; i++)
        answer_in(shape, subject, fixed + more[i], fixed);
    for (DWORD total = 12; total < fixed; total += 31) {
        void *answer = structure(total, fixed);
        query(shape, subject, answer);
        check_intact(answer, total, shapes[shape].name);
    }
}

static void total_size_is_the_hosts(void)
{
    each_structure(total_stays);
}

static void data_follows(enum shape shape, const struct subject *subject, DWORD fixed)
{
    const struct shape_facts *facts = &shapes[shape];
    const void *answer = answer_in(shape, subject, ROOM, fixed);
    DWORD first = ROOM, data = 0;
    for (const struct member *member = facts->members; member->name != NULL; member++) {
        DWORD size = word_at(answer, member->offset), at = word_at(answer, member->offset + 4);
        if (size != 0 && at < first) first = at;
        data += size;
    }
    CHECK(data == 0 || first == fixed, "%s, version %#x: data begins at %u, not %u", facts->name,
          (unsigned)subject->version, (unsigned)first, (unsigned)fixed);
    CHECK(used(answer) == fixed + data, "%s: %u bytes used for %u + %u", facts->name,
          (unsigned)used(answer), (unsigned)fixed, (unsigned)data);
    for (DWORD i = used(answer); i < ROOM; i++)
        CHECK(((const BYTE *)answer)[i] == 0, "%s: byte %u behind dwUsedSize was written",
              facts->name, (unsigned)i);
}

static void data_follows_the_fixed_part(void)
{
    each_structure(data_follows);
}

/* ---- wrong questions ---- */

static void wrong_device_or_version(void)
{
    session_start((struct setup){0});
    DWORD device = line_of(20)->device;
    LINEDEVCAPS *caps = structure(ROOM, sizeof *caps);
    EXPECT(TSPI(lineGetDevCaps, 0x7FFF, V3_0, 0, caps), ERR(BADDEVICEID));
    EXPECT(TSPI(lineGetDevCaps, device, V3_0, 1, caps), ERR(INCOMPATIBLEEXTVERSION));
    EXPECT(TSPI(lineGetDevCaps, device, 0x00040000, 0, caps), ERR(INCOMPATIBLEAPIVERSION));
    LINEADDRESSCAPS *address = structure(ROOM, sizeof *address);
    EXPECT(TSPI(lineGetAddressCaps, 0x7FFF, 0, V3_0, 0, address), ERR(BADDEVICEID));
    EXPECT(TSPI(lineGetAddressCaps, device, 0, V3_0, 1, address), ERR(INCOMPATIBLEEXTVERSION));
    EXPECT(TSPI(lineGetAddressCaps, device, 0, 0x00040000, 0, address),
           ERR(INCOMPATIBLEAPIVERSION));
}

static void one_address(void)
{
    session_start((struct setup){0});
    const struct line *line = open_line(20);
    DWORD count = 0;
    EXPECT(TSPI(lineGetNumAddressIDs, line->hd, &count), 0);
    CHECK(count == 1, "lineGetNumAddressIDs says %u", (unsigned)count);
    count = device_caps(line->device)->dwNumAddresses;
    CHECK(count == 1, "dwNumAddresses is %u", (unsigned)count);
    LINEADDRESSCAPS *caps = structure(ROOM, sizeof *caps);
    EXPECT(TSPI(lineGetAddressCaps, line->device, 1, V3_0, 0, caps), ERR(INVALADDRESSID));
}

static void voice_only(void)
{
    session_start((struct setup){0});
    const LINEDEVCAPS *caps = device_caps(line_of(20)->device);
    CHECK(caps->dwMediaModes == LINEMEDIAMODE_INTERACTIVEVOICE, "dwMediaModes is %#x",
          (unsigned)caps->dwMediaModes);
    CHECK((caps->dwDevCapFlags & (LINEDEVCAPFLAGS_MSP | LINEDEVCAPFLAGS_CLOSEDROP)) == 0,
          "dwDevCapFlags is %#x", (unsigned)caps->dwDevCapFlags);
}

/* ---- nothing beyond the claims ---- */

/* At every message: the features offered at that moment. States, modes and bits of the messages
 * themselves are judged after every session. */
static void look_at_features(const struct entry *entry)
{
    if (entry->kind != EVENT) return;
    const struct line *line = line_of_handle(entry->line);
    if (line == NULL || line->hd == NULL) return;
    const struct claims *claims = &line->claims;
    LINEDEVSTATUS device;
    if (peek_line_status(line->hd, &device) == 0 && (device.dwLineFeatures & ~claims->line_features))
        FAULT("line features %#x, claimed %#x", (unsigned)device.dwLineFeatures,
              (unsigned)claims->line_features);
    LINEADDRESSSTATUS address;
    if (peek_address_status(line->hd, &address) == 0 &&
        (address.dwAddressFeatures & ~claims->address_features))
        FAULT("address features %#x, claimed %#x", (unsigned)address.dwAddressFeatures,
              (unsigned)claims->address_features);
    const struct call *call = call_of_handle(entry->call);
    LINECALLSTATUS status;
    if (call == NULL || peek_call_status(call->hd, &status) != 0) return;
    if (status.dwCallFeatures & ~claims->call_features)
        FAULT("call features %#x in %s, claimed %#x", (unsigned)status.dwCallFeatures,
              name_of_state(status.dwCallState), (unsigned)claims->call_features);
    if (status.dwCallFeatures2 & ~claims->call_features2)
        FAULT("call features (2) %#x in %s, claimed %#x", (unsigned)status.dwCallFeatures2,
              name_of_state(status.dwCallState), (unsigned)claims->call_features2);
}

static void all_status_messages(const struct line *line)
{
    EXPECT(TSPI(lineSetStatusMessages, line->hd, 0x01FFFFFF, 0x1FF), 0);
}

static void nothing_beyond_the_claims(void)
{
    session_start((struct setup){0});
    struct line *a = open_line(20), *b = open_line(21);
    all_status_messages(a);
    all_status_messages(b);
    atomic_store(&on_callback, look_at_features);
    /* Answered, held, and cleared. */
    place start = log_end();
    struct call *out = dial(a, "21");
    struct call *in = await_new_call(b, start);
    await_state(in, LINECALLSTATE_OFFERING);
    await_state(out, LINECALLSTATE_RINGBACK);
    MUST(answer(in));
    await_state(out, LINECALLSTATE_CONNECTED);
    control("hold 20");
    await_state(out, LINECALLSTATE_ONHOLD);
    control("retrieve 20");
    await_state(out, LINECALLSTATE_CONNECTED);
    MUST(drop(out));
    await_state(in, LINECALLSTATE_IDLE);
    /* Busy, rejected, abandoned, outside. */
    control_until_end("busy 22 on", "busy 22 off");
    out = dial(a, "22");
    await_state(out, LINECALLSTATE_IDLE);
    in = offered_call(a, 23);
    control("reject 20");
    await_state(in, LINECALLSTATE_IDLE);
    in = offered_call(b, 23);
    control("hangup 23");
    await_state(in, LINECALLSTATE_IDLE);
    out = dial(a, "0301234567");
    control("far alert 20");
    control("far answer 20");
    await_state(out, LINECALLSTATE_CONNECTED);
    control("far hangup 20");
    await_state(out, LINECALLSTATE_IDLE);
}

/* ---- GetID, GetAddressID ---- */

static void device_class_by_name(void)
{
    session_start((struct setup){0});
    const struct line *line = open_line(20);
    static const WCHAR *const names[] = {u"tapi/line", u"TAPI/Line", u"Tapi/LINE"};
    for (unsigned i = 0; i < 3; i++) {
        VARSTRING *id = structure(64, sizeof *id);
        EXPECT(TSPI(lineGetID, line->hd, 0, NULL, LINECALLSELECT_LINE, id, names[i], NULL), 0);
        check_intact(id, 64, "VARSTRING");
        CHECK(id->dwStringFormat == STRINGFORMAT_BINARY && id->dwStringSize == 4 &&
                  word_at(id, (WORD)id->dwStringOffset) == line->device,
              "format %u, %u bytes", (unsigned)id->dwStringFormat, (unsigned)id->dwStringSize);
        VARSTRING *small = structure(sizeof *small, sizeof *small);
        EXPECT(TSPI(lineGetID, line->hd, 0, NULL, LINECALLSELECT_LINE, small, names[i], NULL), 0);
        check_intact(small, sizeof *small, "VARSTRING");
        CHECK(small->dwNeededSize == 28 && small->dwUsedSize == 24 && small->dwStringSize == 0,
              "in 24 bytes: needed %u, used %u", (unsigned)small->dwNeededSize,
              (unsigned)small->dwUsedSize);
    }
    VARSTRING *id = structure(64, sizeof *id);
    EXPECT(TSPI(lineGetID, line->hd, 0, NULL, LINECALLSELECT_LINE, id, u"wave/in", NULL),
           ERR(NODEVICE));
}

static LONG address_id(const struct line *line, const WCHAR *number, DWORD units, DWORD *id)
{
    return TSPI(lineGetAddressID, line->hd, id, LINEADDRESSMODE_DIALABLEADDR, number, units);
}

static void own_number_gives_address_0(void)
{
    session_start((struct setup){0});
    const struct line *line = open_line(20);
    DWORD id = 99;
    EXPECT(address_id(line, u"20", 3, &id), 0);
    CHECK(id == 0, "address %u", (unsigned)id);
    id = 99;
    EXPECT(address_id(line, u"20", 6, &id), 0); /* the size in bytes, as some hosts give it */
    CHECK(id == 0, "address %u", (unsigned)id);
    EXPECT(address_id(line, u"21", 3, &id), ERR(INVALADDRESS));
    EXPECT(TSPI(lineGetAddressID, line->hd, &id, LINEADDRESSMODE_ADDRESSID, u"20", 3),
           ERR(INVALADDRESSMODE));
}

/* ---- what is the host's own ---- */

enum { MARK = 0xC3 };

static void own_members_stay(enum shape shape, const struct subject *subject, DWORD fixed)
{
    BYTE *answer = structure(ROOM, fixed);
    for (const struct own *own = shapes[shape].own; own->length != 0; own++)
        memset(answer + own->offset, MARK, own->length);
    LONG result = query(shape, subject, answer);
    CHECK(result == 0, "%s gave %s", shapes[shape].name, name_of_result(result));
    check_intact(answer, ROOM, shapes[shape].name);
    for (const struct own *own = shapes[shape].own; own->length != 0; own++)
        for (WORD i = 0; i < own->length; i++)
            CHECK(answer[own->offset + i] == MARK, "%s: byte %u is the host's, and was written",
                  shapes[shape].name, (unsigned)(own->offset + i));
}

static void own_members_are_left_alone(void)
{
    each_structure(own_members_stay);
}

const struct item structure_items[] = {
    {13, "capabilities can be read of a line that is not open", caps_of_closed_lines, 0},
    {14, "permanent ids stay through sessions, orders and deletions", permanent_ids_stay, 120},
    {15, "the fixed part alone is a whole answer, in each version", fixed_size_suffices, 0},
    {16, "a byte less than the fixed part is refused", too_small_is_refused, 0},
    {17, "dwNeededSize is what is needed", needed_size_suffices, 0},
    {18, "what does not fit is left out, never cut", nothing_is_cut, 0},
    {19, "texts are even, end with NUL, lie inside and do not overlap", texts_are_well_placed, 0},
    {20, "dwTotalSize is never written", total_size_is_the_hosts, 0},
    {21, "data begins where the version's fixed part ends", data_follows_the_fixed_part, 0},
    {22, "wrong devices, versions and extensions have their errors", wrong_device_or_version, 0},
    {23, "a line has one address", one_address, 0},
    {24, "lines are for voice and keep calls when closed", voice_only, 0},
    {25, "nothing is reported or offered that is not claimed", nothing_beyond_the_claims, 0},
    {26, "lineGetID knows tapi/line in any letters, and nothing else", device_class_by_name, 0},
    {27, "the own number is address 0, others are none", own_number_gives_address_0, 0},
    {28, "members of the telephony server are left alone", own_members_are_left_alone, 0},
    {ITEMS_END, NULL, NULL, 0},
};
