/* Items 97 to 100: lines that come and go, wrong handles, and the file of the dialogs. */

#include <string.h>

#include "handles.h"
#include "host.h"
#include "items.h"
#include "names.h"
#include "structures.h"

/* ---- a line comes ---- */

static place await_creation(place start, DWORD message)
{
    return await(start, (struct pattern){.kind = CREATION, .message = message, .any_p1 = true},
                 message == LINE_CREATE ? "LINE_CREATE" : "LINE_REMOVE");
}

static void new_user_is_a_new_line(void)
{
    session_start((struct setup){0});
    session.attend = false;
    place start = log_end();
    unsigned lines = session.line_count;
    EXPECT(TSPI(providerCreateLineDevice, 0x7FFF, 0x7000), ERR(BADDEVICEID));
    DWORD version;
    LONG result = TSPI(lineNegotiateTSPIVersion, 0x7000, V2_0, V3_0, &version);
    CHECK(result == ERR(BADDEVICEID), "a device of an unknown line negotiates: %s",
          name_of_result(result));
    control_until_end("add-user 41 Newcomer", "remove-user 41");
    /* What the message carries is judged after the session. */
    const struct entry *created = log_at(await_creation(start, LINE_CREATE));
    struct line *line = adopt_created(created->p2, 0x7000);
    CHECK(strcmp(line->extension, "41") == 0, "the new line is %s", line->extension);
    EXPECT(try_open(line, V3_0), 0);
    await_in_service(line);
    connected_call(line, 21);
    CHECK(session.line_count == lines + 1, "there are %u lines", session.line_count);
}

/* ---- a line goes ---- */

static void removed_user_is_a_removed_line(void)
{
    control_until_end("add-user 42 Short Stay", "remove-user 42");
    session_start((struct setup){0});
    if (line_if_known("42") == NULL) {
        await_creation(session.creations, LINE_CREATE);
        attend_creations();
    }
    struct line *line = open_line(42);
    struct call *call = connected_call(line, 21);
    place start = log_end();
    control("remove-user 42");
    const struct entry *removed = log_at(await_creation(start, LINE_REMOVE));
    CHECK(removed->p1 == line->device && removed->p2 == 0 && removed->p3 == 0, "%s",
          log_text(removed));
    await_state(call, LINECALLSTATE_IDLE);
    close_call(call);
    close_line(line);
    DWORD version = 0;
    EXPECT(TSPI(lineNegotiateTSPIVersion, line->device, V2_0, V3_0, &version), ERR(NODEVICE));
    EXPECT(TSPI(lineGetDevCaps, line->device, V3_0, 0, structure(ROOM, sizeof(LINEDEVCAPS))),
           ERR(NODEVICE));
    EXPECT(TSPI(lineGetAddressCaps, line->device, 0, V3_0, 0,
                structure(ROOM, sizeof(LINEADDRESSCAPS))),
           ERR(NODEVICE));
    HDRVLINE handle = NULL;
    EXPECT(TSPI(lineOpen, line->device, line->ht, &handle, V3_0, on_line_event), ERR(NODEVICE));
    if (provider.lineGetExtensionID) {
        LINEEXTENSIONID id;
        EXPECT(TSPI(lineGetExtensionID, line->device, V3_0, &id), ERR(NODEVICE));
    }
    if (provider.lineNegotiateExtVersion)
        EXPECT(TSPI(lineNegotiateExtVersion, line->device, V3_0, 0, 1, &version), ERR(NODEVICE));
    /* Who comes back is another device to the telephony server, though the same user. */
    session.attend = false;
    start = log_end();
    control("add-user 42 Short Stay");
    const struct entry *created = log_at(await_creation(start, LINE_CREATE));
    EXPECT(TSPI(providerCreateLineDevice, created->p2, line->device), ERR(BADDEVICEID));
    EXPECT(TSPI(providerCreateLineDevice, created->p2, 0x7100), 0);
    EXPECT(TSPI(lineNegotiateTSPIVersion, line->device, V2_0, V3_0, &version), ERR(NODEVICE));
    EXPECT(TSPI(lineNegotiateTSPIVersion, 0x7100, V2_0, V3_0, &version), 0);
}

/* ---- wrong handles ---- */

/* Every function with a handle that is none; each must answer with an error. */
static void misuse_line(HDRVLINE line)
{
    struct answered answers[MOST_ANSWERED];
    unsigned count = ask_all_of_a_line(line, answers);
    for (unsigned i = 0; i < count; i++)
        CHECK(answers[i].result == ERR(INVALLINEHANDLE), "handle %p: %s gave %s", (const void *)line,
              answers[i].function, name_of_result(answers[i].result));
}

static void misuse_call(HDRVCALL call, HDRVCALL good)
{
    struct answered answers[MOST_ANSWERED];
    unsigned count = ask_all_of_a_call(call, good, answers);
    for (unsigned i = 0; i < count; i++) {
        LONG expected = answers[i].other ? ERR(INVALCONSULTCALLHANDLE) : ERR(INVALCALLHANDLE);
        CHECK(answers[i].result == expected, "handle %p: %s gave %s", (const void *)call,
              answers[i].function, name_of_result(answers[i].result));
    }
}

static void wrong_handles(void)
{
    session_start((struct setup){0});
    struct line *closed = open_line(22);
    HDRVCALL gone = connected_call(closed, 23)->hd;
    close_line(closed);
    struct line *line = open_line(20);
    struct call *call = connected_call(line, 21), *over = connected_call(line, 24);
    close_call(over);
    const uintptr_t lines[] = {0, 1, ~(uintptr_t)0, (uintptr_t)closed->hd, (uintptr_t)call->hd,
                               (uintptr_t)line->hd + 1, (uintptr_t)line->hd ^ (1u << 31),
                               0xDEADBEEF};
    for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++) misuse_line((HDRVLINE)lines[i]);
    const uintptr_t stale[] = {0, 1, ~(uintptr_t)0, (uintptr_t)gone, (uintptr_t)over->hd,
                               (uintptr_t)line->hd, (uintptr_t)call->hd ^ (1u << 31), 0xDEADBEEF};
    for (unsigned i = 0; i < sizeof stale / sizeof *stale; i++)
        misuse_call((HDRVCALL)stale[i], call->hd);
    /* The good handles have come through all this. */
    CHECK(call_status(call)->dwCallState != LINECALLSTATE_IDLE, "the good call is idle");
    LINEDEVSTATUS status;
    EXPECT(peek_line_status(line->hd, &status), 0);
}

/* ---- the dialogs' file ---- */

static void must_name_a_file(void)
{
    WCHAR *path = fence_alloc(MAX_PATH * sizeof *path);
    memset(path, 0xEE, MAX_PATH * sizeof *path);
    EXPECT(TSPI(providerUIIdentify, path), 0);
    size_t length = 0;
    while (length < MAX_PATH && path[length] != 0) length++;
    CHECK(length > 0 && length < MAX_PATH, "the path has no end within %d", MAX_PATH);
    CHECK(is_absolute_file(path), "%s is not the path of a file", utf8(path));
}

static void dialogs_have_a_file(void)
{
    session_prepare((struct setup){0});
    must_name_a_file();
    session_stop();
    session_start((struct setup){.without_lines = true});
    must_name_a_file();
}

const struct item misuse_items[] = {
    {97, "a new user is a new line, at once of full use", new_user_is_a_new_line, 0},
    {98, "a removed user is a removed line, its device id never used again",
     removed_user_is_a_removed_line, 0},
    {99, "wrong and stale handles give errors", wrong_handles, 0},
    {100, "the file with the dialogs is named, before and after providerInit",
     dialogs_have_a_file, 0},
    {ITEMS_END, NULL, NULL, 0},
};
