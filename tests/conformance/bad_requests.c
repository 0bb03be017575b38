/* Asynchronous functions with generated arguments. */

#include "bad_cases.h"

#include <string.h>

#include "dice.h"
#include "garden.h"
#include "host.h"

static LONG g_lineAnswer(void)
{
    ON_CALL(call);
    DWORD size;
    BYTE *bytes = some_bytes(FIRST_SLOT, &size);
    return ASK(lineAnswer, call, (LPCSTR)bytes, size);
}

static LONG g_lineDrop(void)
{
    ON_CALL(call);
    DWORD size;
    BYTE *bytes = some_bytes(FIRST_SLOT, &size);
    return ASK(lineDrop, call, (LPCSTR)bytes, size);
}

static LONG g_lineAccept(void)
{
    ON_CALL(call);
    DWORD size;
    BYTE *bytes = some_bytes(FIRST_SLOT, &size);
    return ASK(lineAccept, call, (LPCSTR)bytes, size);
}

static LONG g_lineSendUserUserInfo(void)
{
    ON_CALL(call);
    DWORD size;
    BYTE *bytes = some_bytes(FIRST_SLOT, &size);
    return ASK(lineSendUserUserInfo, call, (LPCSTR)bytes, size);
}

static LONG g_lineBlindTransfer(void)
{
    ON_CALL(call);
    return ASK(lineBlindTransfer, call, some_text(FIRST_SLOT), odd_number());
}

static LONG g_lineRedirect(void)
{
    ON_CALL(call);
    return ASK(lineRedirect, call, some_text(FIRST_SLOT), odd_number());
}

static LONG g_lineDial(void)
{
    ON_CALL(call);
    return ASK(lineDial, call, some_text(FIRST_SLOT), odd_number());
}

static LONG g_lineHold(void)
{
    ON_CALL(call);
    return ASK(lineHold, call);
}

static LONG g_lineUnhold(void)
{
    ON_CALL(call);
    return ASK(lineUnhold, call);
}

static LONG g_lineSwapHold(void)
{
    ON_CALL(call);
    bool other_right;
    HDRVCALL other = some_call(&other_right);
    if (!other_right) only(ERR(INVALCALLHANDLE));
    return ASK(lineSwapHold, call, other);
}

static LONG g_lineCompleteTransfer(void)
{
    ON_CALL(call);
    bool other_right;
    HDRVCALL other = some_call(&other_right);
    HDRVCALL *place = some_place(FIRST_SLOT, sizeof *place);
    DWORD mode = once_in(2) ? LINETRANSFERMODE_TRANSFER : odd_number();
    /* Another mode makes a conference call. */
    struct call *conference = fresh_beside(call);
    LONG result = ASK(lineCompleteTransfer, call, other, conference->ht, place, mode);
    return mode == LINETRANSFERMODE_CONFERENCE ? made(conference, place, result) : result;
}

static LONG g_lineSetupTransfer(void)
{
    ON_CALL(call);
    HDRVCALL *place = some_place(FIRST_SLOT, sizeof *place);
    struct call *consultation = fresh_beside(call);
    return made(consultation, place,
                ASK(lineSetupTransfer, call, consultation->ht, place,
                    some_call_params(SECOND_SLOT)));
}

static LONG g_lineSetupConference(void)
{
    ON_CALL(call);
    bool line_right;
    HDRVLINE line = some_line(&line_right);
    HDRVCALL *conference = some_place(FIRST_SLOT, sizeof *conference);
    HDRVCALL *place = some_place(SECOND_SLOT, sizeof *place);
    struct call *parent = fresh_beside(call), *consultation = fresh_beside(call);
    LONG result = ASK(lineSetupConference, call, line, parent->ht, conference, consultation->ht,
                      place, odd_number(), some_call_params(THIRD_SLOT));
    made(parent, conference, result);
    return made(consultation, place, result);
}

static LONG g_linePrepareAddToConference(void)
{
    ON_CALL(call);
    HDRVCALL *place = some_place(FIRST_SLOT, sizeof *place);
    struct call *consultation = fresh_beside(call);
    return made(consultation, place,
                ASK(linePrepareAddToConference, call, consultation->ht, place,
                    some_call_params(SECOND_SLOT)));
}

static LONG g_lineAddToConference(void)
{
    bool first_right, second_right;
    HDRVCALL first = some_call(&first_right), second = some_call(&second_right);
    return ASK(lineAddToConference, first, second);
}

static LONG g_lineRemoveFromConference(void)
{
    ON_CALL(call);
    return ASK(lineRemoveFromConference, call);
}

static LONG g_linePark(void)
{
    ON_CALL(call);
    DWORD total;
    WCHAR *text = some_text(FIRST_SLOT);
    /* The place stays valid until the completion: none of the slots does. */
    static BYTE room[64];
    memset(room, 0, sizeof room);
    total = sizeof room;
    memcpy(room, &total, sizeof total);
    VARSTRING *place = once_in(4) ? NULL : (VARSTRING *)room;
    return ASK(linePark, call, once_in(2) ? 1 + dice_below(2) : odd_number(), text, place);
}

static LONG g_lineUnpark(void)
{
    ON_LINE(line);
    HDRVCALL *place = some_place(FIRST_SLOT, sizeof *place);
    struct call *call = fresh(line);
    return made(call, place,
                ASK(lineUnpark, line, once_in(2) ? 0 : odd_number(), call->ht, place,
                    some_text(SECOND_SLOT)));
}

static LONG g_lineMakeCall(void)
{
    ON_LINE(line);
    HDRVCALL *place = some_place(FIRST_SLOT, sizeof *place);
    struct call *call = fresh(line);
    return made(call, place,
                ASK(lineMakeCall, line, call->ht, place, some_text(SECOND_SLOT), odd_number(),
                    some_call_params(THIRD_SLOT)));
}

static LONG g_linePickup(void)
{
    ON_LINE(line);
    HDRVCALL *place = some_place(FIRST_SLOT, sizeof *place);
    struct call *call = fresh(line);
    return made(call, place,
                ASK(linePickup, line, once_in(2) ? 0 : odd_number(), call->ht, place,
                    some_text(SECOND_SLOT), some_text(THIRD_SLOT)));
}

static LONG g_lineForward(void)
{
    bool right = once_in(2);
    HDRVLINE line = right ? line_of(FORWARDED)->hd : some_line(&right);
    if (line == line_of(BED)->hd) line = NULL, right = false; /* its calls are to come to it */
    if (!right) only(ERR(INVALLINEHANDLE));
    HDRVCALL *place = some_place(FIRST_SLOT, sizeof *place);
    LINEFORWARDLIST *list = some_forward_list(SECOND_SLOT);
    LINECALLPARAMS *params = some_call_params(THIRD_SLOT);
    struct call *spare = fresh(line);
    return ASK(lineForward, line, odd_number(), odd_number(), list, odd_number(), spare->ht, place,
               params);
}

static LONG g_lineSetCallParams(void)
{
    ON_CALL(call);
    LINEDIALPARAMS *params = some_place(FIRST_SLOT, sizeof *params);
    return ASK(lineSetCallParams, call, once_in(2) ? LINEBEARERMODE_VOICE : odd_number(),
               odd_number(), odd_number(), params);
}

#define F(name) {"TSPI_" #name, g_##name}

const struct generated_case generated_requests[] = {
    F(lineAnswer),
    F(lineDrop),
    F(lineAccept),
    F(lineSendUserUserInfo),
    F(lineBlindTransfer),
    F(lineRedirect),
    F(lineDial),
    F(lineHold),
    F(lineUnhold),
    F(lineSwapHold),
    F(lineCompleteTransfer),
    F(lineSetupTransfer),
    F(lineSetupConference),
    F(linePrepareAddToConference),
    F(lineAddToConference),
    F(lineRemoveFromConference),
    F(linePark),
    F(lineUnpark),
    F(lineMakeCall),
    F(linePickup),
    F(lineForward),
    F(lineSetCallParams),
    {NULL, NULL},
};
