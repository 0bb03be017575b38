/* Items 101 and on: names as people write them. Not part of the numbered list of the interface's
 * reference; the product promises them. */

#include <stdio.h>
#include <string.h>

#include "host.h"
#include "items.h"
#include "names.h"
#include "structures.h"

/* Umlauts, markup, Han characters, and a character outside the first plane of Unicode. */
static const char special[] = "J\u00f6rg & <S\u00f6hne> \u674e\u5c0f\u9f8d \U0001F4DE";
static const WCHAR special_wide[] = u"J\u00f6rg & <S\u00f6hne> \u674e\u5c0f\u9f8d \U0001F4DE";

/* Unit by unit, so that nothing hangs on this program's own conversion. */
static bool is_special(const WCHAR *text)
{
    if (text == NULL) return false;
    for (size_t i = 0; i < sizeof special_wide / sizeof *special_wide; i++)
        if (text[i] != special_wide[i]) return false;
    return true;
}

static struct line *special_line(void)
{
    char command[128];
    snprintf(command, sizeof command, "add-user 44 %s", special);
    control_until_end(command, "remove-user 44");
    session_start((struct setup){0});
    if (line_if_known("44") == NULL) {
        await(session.creations,
              (struct pattern){.kind = CREATION, .message = LINE_CREATE, .any_p1 = true},
              "LINE_CREATE");
        attend_creations();
    }
    return open_line(44);
}

static void names_of_lines(void)
{
    struct line *line = special_line();
    const LINEDEVCAPS *caps = device_caps(line->device);
    const WCHAR *name = TEXT_OF(caps, LineName);
    CHECK(is_special(name), "the line is called %s, not %s", name ? utf8(name) : "nothing",
          special);
    CHECK(caps->dwLineNameSize == sizeof special_wide, "the name has %u bytes, not %u",
          (unsigned)caps->dwLineNameSize, (unsigned)sizeof special_wide);
}

static void names_of_parties(void)
{
    struct line *line = special_line(), *other = open_line(20);
    struct call *call = offered_call(other, 44);
    const LINECALLINFO *info = call_info(call);
    const WCHAR *name = TEXT_OF(info, CallerIDName);
    CHECK(is_special(name), "the caller is %s, not %s", name ? utf8(name) : "nobody", special);
    MUST(drop(call));
    await_quiet_pbx();
    place start = log_end();
    control("ring 44 305550123 %s", special);
    call = await_new_call(line, start);
    await_state(call, LINECALLSTATE_OFFERING);
    info = call_info(call);
    name = TEXT_OF(info, CallerIDName);
    CHECK(is_special(name), "the outside caller is %s, not %s", name ? utf8(name) : "nobody",
          special);
    name = TEXT_OF(info, CalledIDName);
    CHECK(name == NULL || is_special(name), "the called is %s", utf8(name));
}

/* Whether the simulator lists somebody of this long name. */
static bool is_a_user(const char *name)
{
    char json[600] = "\"cn\":\"";
    size_t length = strlen(json);
    for (; *name != 0 && length < sizeof json - 4; name++) {
        if (*name == '"' || *name == '\\') json[length++] = '\\';
        json[length++] = *name;
    }
    json[length++] = '"';
    json[length] = 0;
    return strstr(control("users"), json) != NULL;
}

static void names_of_the_estate(void)
{
    session_start((struct setup){0});
    unsigned beyond_ascii = 0, with_ampersand = 0;
    for (int i = 0; i < EXTENSIONS; i++) {
        const LINEDEVCAPS *caps = device_caps(line_of(FIRST_EXTENSION + i)->device);
        const WCHAR *name = TEXT_OF(caps, LineName);
        CHECK(name != NULL, "line %d has no name", FIRST_EXTENSION + i);
        CHECK(is_a_user(utf8(name)), "the PBX has no user %s", utf8(name));
        bool beyond = false, ampersand = false;
        for (; *name != 0; name++) {
            beyond = beyond || *name > 127;
            ampersand = ampersand || *name == '&';
        }
        beyond_ascii += beyond;
        with_ampersand += ampersand;
    }
    CHECK(beyond_ascii >= 2 && with_ampersand >= 1, "the estate has no names to test this with");
}

const struct item text_items[] = {
    {101, "names of lines come through in any script", names_of_lines, 0},
    {102, "names of parties come through in any script", names_of_parties, 0},
    {103, "lines are called as the PBX calls its users", names_of_the_estate, 0},
    {ITEMS_END, NULL, NULL, 0},
};
