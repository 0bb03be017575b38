#include "names.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct name {
    DWORD value;
    const char *name;
};

#define N(prefix, name) {(DWORD)prefix##name, #name}

static const struct name errors[] = {
    N(LINEERR_, ALLOCATED),
    N(LINEERR_, BADDEVICEID),
    N(LINEERR_, BEARERMODEUNAVAIL),
    N(LINEERR_, CALLUNAVAIL),
    N(LINEERR_, COMPLETIONOVERRUN),
    N(LINEERR_, CONFERENCEFULL),
    N(LINEERR_, DIALBILLING),
    N(LINEERR_, DIALDIALTONE),
    N(LINEERR_, DIALPROMPT),
    N(LINEERR_, DIALQUIET),
    N(LINEERR_, INCOMPATIBLEAPIVERSION),
    N(LINEERR_, INCOMPATIBLEEXTVERSION),
    N(LINEERR_, INIFILECORRUPT),
    N(LINEERR_, INUSE),
    N(LINEERR_, INVALADDRESS),
    N(LINEERR_, INVALADDRESSID),
    N(LINEERR_, INVALADDRESSMODE),
    N(LINEERR_, INVALADDRESSSTATE),
    N(LINEERR_, INVALAPPHANDLE),
    N(LINEERR_, INVALAPPNAME),
    N(LINEERR_, INVALBEARERMODE),
    N(LINEERR_, INVALCALLCOMPLMODE),
    N(LINEERR_, INVALCALLHANDLE),
    N(LINEERR_, INVALCALLPARAMS),
    N(LINEERR_, INVALCALLPRIVILEGE),
    N(LINEERR_, INVALCALLSELECT),
    N(LINEERR_, INVALCALLSTATE),
    N(LINEERR_, INVALCALLSTATELIST),
    N(LINEERR_, INVALCARD),
    N(LINEERR_, INVALCOMPLETIONID),
    N(LINEERR_, INVALCONFCALLHANDLE),
    N(LINEERR_, INVALCONSULTCALLHANDLE),
    N(LINEERR_, INVALCOUNTRYCODE),
    N(LINEERR_, INVALDEVICECLASS),
    N(LINEERR_, INVALDEVICEHANDLE),
    N(LINEERR_, INVALDIALPARAMS),
    N(LINEERR_, INVALDIGITLIST),
    N(LINEERR_, INVALDIGITMODE),
    N(LINEERR_, INVALDIGITS),
    N(LINEERR_, INVALEXTVERSION),
    N(LINEERR_, INVALGROUPID),
    N(LINEERR_, INVALLINEHANDLE),
    N(LINEERR_, INVALLINESTATE),
    N(LINEERR_, INVALLOCATION),
    N(LINEERR_, INVALMEDIALIST),
    N(LINEERR_, INVALMEDIAMODE),
    N(LINEERR_, INVALMESSAGEID),
    N(LINEERR_, INVALPARAM),
    N(LINEERR_, INVALPARKID),
    N(LINEERR_, INVALPARKMODE),
    N(LINEERR_, INVALPOINTER),
    N(LINEERR_, INVALPRIVSELECT),
    N(LINEERR_, INVALRATE),
    N(LINEERR_, INVALREQUESTMODE),
    N(LINEERR_, INVALTERMINALID),
    N(LINEERR_, INVALTERMINALMODE),
    N(LINEERR_, INVALTIMEOUT),
    N(LINEERR_, INVALTONE),
    N(LINEERR_, INVALTONELIST),
    N(LINEERR_, INVALTONEMODE),
    N(LINEERR_, INVALTRANSFERMODE),
    N(LINEERR_, LINEMAPPERFAILED),
    N(LINEERR_, NOCONFERENCE),
    N(LINEERR_, NODEVICE),
    N(LINEERR_, NODRIVER),
    N(LINEERR_, NOMEM),
    N(LINEERR_, NOREQUEST),
    N(LINEERR_, NOTOWNER),
    N(LINEERR_, NOTREGISTERED),
    N(LINEERR_, OPERATIONFAILED),
    N(LINEERR_, OPERATIONUNAVAIL),
    N(LINEERR_, RATEUNAVAIL),
    N(LINEERR_, RESOURCEUNAVAIL),
    N(LINEERR_, REQUESTOVERRUN),
    N(LINEERR_, STRUCTURETOOSMALL),
    N(LINEERR_, TARGETNOTFOUND),
    N(LINEERR_, TARGETSELF),
    N(LINEERR_, UNINITIALIZED),
    N(LINEERR_, USERUSERINFOTOOBIG),
    N(LINEERR_, REINIT),
    N(LINEERR_, ADDRESSBLOCKED),
    N(LINEERR_, BILLINGREJECTED),
    N(LINEERR_, INVALFEATURE),
    N(LINEERR_, NOMULTIPLEINSTANCE),
    N(LINEERR_, INVALAGENTID),
    N(LINEERR_, INVALAGENTGROUP),
    N(LINEERR_, INVALPASSWORD),
    N(LINEERR_, INVALAGENTSTATE),
    N(LINEERR_, INVALAGENTACTIVITY),
    N(LINEERR_, DIALVOICEDETECT),
    N(LINEERR_, USERCANCELLED),
    N(LINEERR_, INVALADDRESSTYPE),
    N(LINEERR_, INVALAGENTSESSIONSTATE),
    N(LINEERR_, DISCONNECTED),
    N(LINEERR_, SERVICE_NOT_RUNNING),
};

static const struct name messages[] = {
    N(LINE_, ADDRESSSTATE),
    N(LINE_, CALLINFO),
    N(LINE_, CALLSTATE),
    N(LINE_, CLOSE),
    N(LINE_, CREATE),
    N(LINE_, DEVSPECIFIC),
    N(LINE_, GENERATE),
    N(LINE_, LINEDEVSTATE),
    N(LINE_, NEWCALL),
    N(LINE_, REMOVE),
    N(LINE_, REPLY),
};

static const struct name states[] = {
    N(LINECALLSTATE_, IDLE),
    N(LINECALLSTATE_, OFFERING),
    N(LINECALLSTATE_, ACCEPTED),
    N(LINECALLSTATE_, DIALTONE),
    N(LINECALLSTATE_, DIALING),
    N(LINECALLSTATE_, RINGBACK),
    N(LINECALLSTATE_, BUSY),
    N(LINECALLSTATE_, SPECIALINFO),
    N(LINECALLSTATE_, CONNECTED),
    N(LINECALLSTATE_, PROCEEDING),
    N(LINECALLSTATE_, ONHOLD),
    N(LINECALLSTATE_, CONFERENCED),
    N(LINECALLSTATE_, ONHOLDPENDCONF),
    N(LINECALLSTATE_, ONHOLDPENDTRANSFER),
    N(LINECALLSTATE_, DISCONNECTED),
    N(LINECALLSTATE_, UNKNOWN),
};

static const struct name infos[] = {
    N(LINECALLINFOSTATE_, OTHER),
    N(LINECALLINFOSTATE_, DEVSPECIFIC),
    N(LINECALLINFOSTATE_, BEARERMODE),
    N(LINECALLINFOSTATE_, RATE),
    N(LINECALLINFOSTATE_, MEDIAMODE),
    N(LINECALLINFOSTATE_, APPSPECIFIC),
    N(LINECALLINFOSTATE_, CALLID),
    N(LINECALLINFOSTATE_, RELATEDCALLID),
    N(LINECALLINFOSTATE_, ORIGIN),
    N(LINECALLINFOSTATE_, REASON),
    N(LINECALLINFOSTATE_, COMPLETIONID),
    N(LINECALLINFOSTATE_, TRUNK),
    N(LINECALLINFOSTATE_, CALLERID),
    N(LINECALLINFOSTATE_, CALLEDID),
    N(LINECALLINFOSTATE_, CONNECTEDID),
    N(LINECALLINFOSTATE_, REDIRECTIONID),
    N(LINECALLINFOSTATE_, REDIRECTINGID),
    N(LINECALLINFOSTATE_, DISPLAY),
    N(LINECALLINFOSTATE_, USERUSERINFO),
    N(LINECALLINFOSTATE_, MONITORMODES),
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* The name of a value, or the value itself. The text lives until the next call but three. */
static const char *look_up(const struct name *table, size_t count, DWORD value)
{
    static _Thread_local char texts[4][16];
    static _Thread_local unsigned turn;
    for (size_t i = 0; i < count; i++)
        if (table[i].value == value) return table[i].name;
    char *text = texts[turn++ % 4];
    snprintf(text, sizeof texts[0], (LONG)value < 0 ? "%#x" : "%u", (unsigned)value);
    return text;
}

const char *name_of_message(DWORD message)
{
    return look_up(messages, COUNT(messages), message);
}

const char *name_of_state(DWORD state)
{
    return look_up(states, COUNT(states), state);
}

const char *name_of_result(LONG result)
{
    return look_up(errors, COUNT(errors), (DWORD)result);
}

const char *names_of_info(DWORD bits)
{
    static _Thread_local char text[256];
    size_t length = 0;
    text[0] = 0;
    for (unsigned bit = 0; bit < 32; bit++)
        if (bits >> bit & 1)
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%s",
                                       length ? "|" : "", look_up(infos, COUNT(infos), 1u << bit));
    return text;
}

DWORD info_named(const char *name)
{
    for (size_t i = 0; i < COUNT(infos); i++)
        if (strcmp(infos[i].name, name) == 0) return infos[i].value;
    return 0;
}

const char *utf8(const WCHAR *text)
{
    static _Thread_local char texts[4][512];
    static _Thread_local unsigned turn;
    char *out = texts[turn++ % 4];
    size_t n = 0;
    while (*text != 0 && n < sizeof texts[0] - 5) {
        uint32_t c = *text++;
        if (c >= 0xD800 && c < 0xDC00 && *text >= 0xDC00 && *text < 0xE000)
            c = 0x10000 + ((c - 0xD800) << 10) + (*text++ - 0xDC00u);
        if (c < 0x80) {
            out[n++] = (char)c;
        } else {
            unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
            static const unsigned char lead[] = {0, 0xC0, 0xE0, 0xF0};
            out[n++] = (char)(lead[more] | (c >> (6 * more)));
            while (more-- > 0) out[n++] = (char)(0x80 | ((c >> (6 * more)) & 0x3F));
        }
    }
    out[n] = 0;
    return out;
}
