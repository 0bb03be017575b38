/* Asynchronous functions with generated arguments. */

#include "bad_cases.h"

#include "dice.h"
#include "drawn.h"
#include "garden.h"
#include "host.h"

/* ---- functions of one call ---- */

#define OF_A_CALL(name)                                                                            \
    static LONG g_##name(void)                                                                     \
    {                                                                                              \
        ON_CALL(call);                                                                             \
        return ASK(name, call);                                                                    \
    }

#define WITH_BYTES(name)                                                                           \
    static LONG g_##name(void)                                                                     \
    {                                                                                              \
        ON_CALL(call);                                                                             \
        DWORD size;                                                                                \
        BYTE *bytes = some_bytes(FIRST_SLOT, &size);                                               \
        return ASK(name, call, (LPCSTR)bytes, size);                                               \
    }

#define WITH_A_NUMBER(name)                                                                        \
    static LONG g_##name(void)                                                                     \
    {                                                                                              \
        ON_CALL(call);                                                                             \
        return ASK(name, call, some_text(FIRST_SLOT), odd_number());                               \
    }

OF_A_CALL(lineHold)
OF_A_CALL(lineUnhold)
OF_A_CALL(lineRemoveFromConference)
WITH_BYTES(lineAnswer)
WITH_BYTES(lineDrop)
WITH_BYTES(lineAccept)
WITH_BYTES(lineSendUserUserInfo)
WITH_A_NUMBER(lineBlindTransfer)
WITH_A_NUMBER(lineRedirect)
WITH_A_NUMBER(lineDial)

/* ---- functions of two calls ---- */

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

/* ---- the others ---- */

static LONG g_linePark(void)
{
    ON_CALL(call);
    WCHAR *text = some_text(FIRST_SLOT);
    /* It stays valid until the completion: none of the slots does. */
    VARSTRING *place = some_lasting_string();
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
    /* The calls of the others are to come to them. */
    if (line == line_of(BED)->hd || line == line_of(WITHOUT_PHONE)->hd) line = NULL, right = false;
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

#define F(name, traits) {"TSPI_" #name, traits, g_##name}

const struct generated_case generated_requests[] = {
    F(lineAnswer, A_CALL_IN_STATE | BYTES),
    F(lineDrop, A_HANDLE | BYTES),
    F(lineAccept, A_CALL_IN_STATE | BYTES),
    F(lineSendUserUserInfo, A_CALL_IN_STATE | BYTES),
    F(lineBlindTransfer, A_CALL_IN_STATE | A_TEXT),
    F(lineRedirect, A_CALL_IN_STATE | A_TEXT),
    F(lineDial, A_CALL_IN_STATE | A_TEXT),
    F(lineHold, A_CALL_IN_STATE),
    F(lineUnhold, A_CALL_IN_STATE),
    F(lineSwapHold, A_CALL_IN_STATE),
    F(lineCompleteTransfer, A_CALL_IN_STATE | A_PLACE),
    F(lineSetupTransfer, A_CALL_IN_STATE | A_PLACE | WITH_TEXTS),
    F(lineSetupConference, A_CALL_IN_STATE | A_PLACE | WITH_TEXTS),
    F(linePrepareAddToConference, A_CALL_IN_STATE | A_PLACE | WITH_TEXTS),
    F(lineAddToConference, A_CALL_IN_STATE),
    F(lineRemoveFromConference, A_CALL_IN_STATE),
    F(linePark, A_CALL_IN_STATE | A_TEXT | A_STRUCTURE),
    F(lineUnpark, A_HANDLE | A_PLACE | A_TEXT),
    F(lineMakeCall, A_HANDLE | BIT(WRONG_STATE) | A_PLACE | A_TEXT | WITH_TEXTS),
    F(linePickup, A_HANDLE | A_PLACE | A_TEXT),
    F(lineForward, A_HANDLE | A_PLACE | WITH_TEXTS),
    F(lineSetCallParams, A_CALL_IN_STATE | A_PLACE),
    {NULL, 0, NULL},
};
