#include "handles.h"

#include "structures.h"

/* One answer; `ask` is TSPI() or ASK(). */
#define NOTE(is_other, ask, name, ...)                                                             \
    do {                                                                                           \
        into[count] = (struct answered){#name, ask(name, __VA_ARGS__), is_other};                  \
        count++;                                                                                   \
    } while (0)
#define TELL(name, ...) NOTE(false, TSPI, name, __VA_ARGS__)
#define REQUEST(name, ...) NOTE(false, ASK, name, __VA_ARGS__)
#define REQUEST_OF_OTHER(name, ...) NOTE(true, ASK, name, __VA_ARGS__)

unsigned ask_all_of_a_line(HDRVLINE line, struct answered *into)
{
    unsigned count = 0;
    DWORD number;
    HDRVCALL none = NULL;
    HTAPICALL spare = call_new(&session.lines[0], NULL, true)->ht;
    BYTE list[8] = {8, 0, 0, 0, 0, 0, 0, 0}; /* LINEFORWARDLIST without entries */
    VARSTRING *id = structure(64, sizeof *id);
    TELL(lineClose, line);
    TELL(lineGetLineDevStatus, line, structure(ROOM, sizeof(LINEDEVSTATUS)));
    TELL(lineGetAddressStatus, line, 0, structure(ROOM, sizeof(LINEADDRESSSTATUS)));
    TELL(lineGetNumAddressIDs, line, &number);
    TELL(lineGetAddressID, line, &number, LINEADDRESSMODE_DIALABLEADDR, u"20", 3);
    TELL(lineGetID, line, 0, NULL, LINECALLSELECT_LINE, id, u"tapi/line", NULL);
    TELL(lineGetID, line, 0, NULL, LINECALLSELECT_ADDRESS, id, u"tapi/line", NULL);
    TELL(lineSetDefaultMediaDetection, line, LINEMEDIAMODE_INTERACTIVEVOICE);
    TELL(lineSetStatusMessages, line, 0, 0);
    REQUEST(lineMakeCall, line, spare, &none, u"21", 0, NULL);
    REQUEST(lineForward, line, 1, 0, (LINEFORWARDLIST *)list, 0, NULL, &none, NULL);
    REQUEST(linePickup, line, 0, spare, &none, u"21", NULL);
    if (provider.lineConditionalMediaDetection)
        TELL(lineConditionalMediaDetection, line, LINEMEDIAMODE_INTERACTIVEVOICE, NULL);
    if (provider.lineSelectExtVersion) TELL(lineSelectExtVersion, line, 0);
    if (provider.lineUnpark) REQUEST(lineUnpark, line, 0, spare, &none, u"21");
    CHECK(count <= MOST_ANSWERED, "%u functions are more than there is room for", count);
    CHECK(none == NULL, "a call was made on a line that is none");
    return count;
}

unsigned ask_all_of_a_call(HDRVCALL call, HDRVCALL good, struct answered *into)
{
    unsigned count = 0;
    DWORD a, b, c;
    HDRVCALL none = NULL;
    struct line *some = &session.lines[0];
    HTAPICALL spare = call_new(some, NULL, true)->ht, second = call_new(some, NULL, true)->ht;
    VARSTRING *room = structure(64, sizeof *room);
    TELL(lineCloseCall, call);
    TELL(lineGetCallInfo, call, structure(ROOM, sizeof(LINECALLINFO)));
    TELL(lineGetCallStatus, call, structure(ROOM, sizeof(LINECALLSTATUS)));
    TELL(lineGetCallAddressID, call, &a);
    TELL(lineGetCallIDs, call, &a, &b, &c);
    TELL(lineGetID, NULL, 0, call, LINECALLSELECT_CALL, room, u"tapi/line", NULL);
    TELL(lineSetAppSpecific, call, 1);
    TELL(lineSetMediaMode, call, LINEMEDIAMODE_INTERACTIVEVOICE);
    REQUEST(lineSetCallParams, call, LINEBEARERMODE_VOICE, 0, 64000, NULL);
    REQUEST(lineAnswer, call, NULL, 0);
    REQUEST(lineDrop, call, NULL, 0);
    REQUEST(lineHold, call);
    REQUEST(lineUnhold, call);
    REQUEST(lineSwapHold, call, good);
    REQUEST(lineSwapHold, good, call);
    REQUEST(lineBlindTransfer, call, u"21", 0);
    REQUEST(lineCompleteTransfer, call, good, NULL, &none, LINETRANSFERMODE_TRANSFER);
    REQUEST_OF_OTHER(lineCompleteTransfer, good, call, NULL, &none, LINETRANSFERMODE_TRANSFER);
    REQUEST(lineRedirect, call, u"21", 0);
    if (provider.lineAccept) REQUEST(lineAccept, call, NULL, 0);
    if (provider.lineDial) REQUEST(lineDial, call, u"21", 0);
    if (provider.lineGenerateDigits) TELL(lineGenerateDigits, call, 1, LINEDIGITMODE_DTMF, u"1", 0);
    if (provider.lineSendUserUserInfo) REQUEST(lineSendUserUserInfo, call, "x", 2);
    if (provider.lineSetupTransfer) REQUEST(lineSetupTransfer, call, spare, &none, NULL);
    if (provider.linePark) {
        REQUEST(linePark, call, LINEPARKMODE_DIRECTED, u"22", NULL);
        REQUEST(linePark, call, LINEPARKMODE_NONDIRECTED, NULL, room);
    }
    if (provider.lineSetupConference)
        REQUEST(lineSetupConference, call, NULL, spare, &none, second, &none, 3, NULL);
    if (provider.lineAddToConference) {
        REQUEST(lineAddToConference, call, good);
        REQUEST_OF_OTHER(lineAddToConference, good, call);
    }
    if (provider.lineRemoveFromConference) REQUEST(lineRemoveFromConference, call);
    CHECK(count <= MOST_ANSWERED, "%u functions are more than there is room for", count);
    CHECK(none == NULL, "a call was made of a call that is none");
    return count;
}
