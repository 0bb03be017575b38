/* Items 178 to 184: a site of several PBXs. Whenever it is quiet, all lines and calls that the host
 * reads are those of the PBXs (site.c), and no line has another id than before. */

#include "features.h"
#include "host.h"
#include "items.h"
#include "names.h"
#include "site.h"
#include "structures.h"

#include <stdio.h>
#include <string.h>

/* ---- boxes that fail ---- */

static void each_is_cut_and_started(void)
{
    static const char *const all[] = {"kiosk", "depot", "branch", "works", "hq"};
    site_start(NULL, (struct site_settings){0});
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        char stop[64], start[64], what[64];
        snprintf(stop, sizeof stop, "stop %s", all[i]);
        snprintf(start, sizeof start, "start %s", all[i]);
        snprintf(what, sizeof what, "when %s is off", all[i]);
        control_until_end(stop, start);
        site_quiet(what);
        control("%s", start);
        snprintf(what, sizeof what, "when %s is on again", all[i]);
        site_quiet(what);
        CHECK(control_number("at %s sessions", all[i]) == 1, "%s has more sessions than one",
              all[i]);
    }
    CHECK(removals() == 0, "%u lines were removed", removals());
}

/* A call at a PBX with a standby, through the change to that and back. */
static void change_over(const char *pbx, const char *from, const char *to, const char *name)
{
    char stop[64], start[64], hang_up[64], dial[64];
    snprintf(stop, sizeof stop, "stop %s", pbx);
    snprintf(start, sizeof start, "start %s", pbx);
    snprintf(dial, sizeof dial, "at %s call %s %s", pbx, from, to);
    snprintf(hang_up, sizeof hang_up, "at %s hangup %s", pbx, to);
    control_until_end(dial, hang_up);
    site_quiet("when it rings");
    control("at %s answer %s", pbx, to);
    site_quiet("when they talk");
    struct line *line = line_named(name);
    struct call *call = only_call(line);
    place since = log_end();
    control_until_end(stop, start);
    control("take-over %s", pbx);
    await_service_changes(line, since, 2);
    site_quiet("when the standby has taken over");
    CHECK(service_changes(line, since) == 2, "the line of %s changed its service %u times", name,
          service_changes(line, since));
    control("at %s-standby hold %s", pbx, to);
    site_quiet("when the call is held at the standby");
    control("at %s-standby retrieve %s", pbx, to);
    site_quiet("when it is retrieved there");
    control("%s", start);
    await_service_changes(line, since, 4);
    site_quiet("when the PBX is back");
    CHECK(service_changes(line, since) == 4, "the line of %s changed its service %u times", name,
          service_changes(line, since));
    CHECK(only_call(line) == call, "the call has another handle");
    control("%s", hang_up);
    site_quiet("when the call is over");
}

static void standbys_take_over(void)
{
    site_start(NULL, (struct site_settings){0});
    change_over("hq", "21", "20", "Anna Berg");
    change_over("branch", "31", "30", "Cleo Stern");
    change_over("works", "21", "20", "Ida Jung");
    CHECK(removals() == 0, "%u lines were removed", removals());
}

/* ---- calls between PBXs ---- */

static void check_party(const struct call *call, bool caller, const char *number)
{
    const LINECALLINFO *info = call_info(call);
    const WCHAR *party = caller ? TEXT_OF(info, CallerID) : TEXT_OF(info, CalledID);
    CHECK(is_text(party, number), "the %s is %s, not %s", caller ? "caller" : "called one",
          party ? utf8(party) : "nobody", number);
}

/* Emil at kiosk, whose node is left by 9, Anna at hq two levels above, and Cleo at branch between. */
static void calls_cross_pbxs(void)
{
    site_start(NULL, (struct site_settings){0});
    struct line *emil = line_named("Emil Frank"), *anna = line_named("Anna Berg");
    struct line *cleo = line_named("Cleo Stern");
    struct call *made = dial(emil, "20");
    CHECK(strcmp(control("at kiosk last-dialled"), "920") == 0, "740 dialled %s for 20",
          control("at kiosk last-dialled"));
    site_quiet("when it rings at another PBX");
    struct call *offered = only_call(anna);
    check_party(offered, true, "740");
    MUST(answer(offered));
    site_quiet("when they talk");
    CHECK(call_info(made)->dwCallID == call_info(offered)->dwCallID, "two calls, not one");
    control("at hq hold 20");
    site_quiet("when the master's end holds");
    control("at hq retrieve 20");
    control("at kiosk hold 740");
    site_quiet("when the slave's end holds");
    control("at kiosk retrieve 740");
    /* Anna asks Cleo, and joins the two. */
    control("at hq call 20 30");
    control("at branch answer 30");
    site_quiet("when Anna asks Cleo");
    control("at hq transfer 20");
    site_quiet("when Anna has joined the other two");
    CHECK(only_call(emil) == made, "Emil has another call");
    CHECK(call_info(made)->dwCallID == call_info(only_call(cleo))->dwCallID, "two calls, not one");
    /* Cleo's PBX fails; what Emil does is seen at its standby. */
    place since = log_end();
    control_until_end("stop branch", "start branch");
    control("take-over branch");
    await_service_changes(cleo, since, 2);
    control("at kiosk hold 740");
    site_quiet("when the standby has taken over, and Emil holds");
    control("start branch");
    await_service_changes(cleo, since, 4);
    site_quiet("when the PBX is back");
    MUST(drop(only_call(cleo)));
    site_quiet("when Cleo has hung up");
    /* From the root, and to somebody who does not answer. */
    struct call *back = dial(cleo, "740");
    site_quiet("when it rings at the slave");
    check_party(back, false, "740");
    check_party(only_call(emil), true, "930");
    /* Redirected and transferred to addresses beyond the node; the PBX is told what 740 dials. */
    MUST(redirect(only_call(emil), "20"));
    site_quiet("when Emil has sent it on to Anna");
    control("at hq hangup 20");
    site_quiet("when Anna has hung up");
    control_until_end("at hq call 20 740", "at hq hangup 20");
    control("at kiosk answer 740");
    site_quiet("when Anna talks to Emil");
    MUST(blind_transfer(only_call(emil), "31"));
    site_quiet("when Emil has sent her on to Dora");
    control("at branch answer 31");
    site_quiet("when Dora has answered");
    control("at hq hangup 20");
    site_quiet("when they have hung up");
    CHECK(removals() == 0, "%u lines were removed", removals());
}

/* ---- people who come, go and move ---- */

static void movers_keep_their_line(void)
{
    /* 740 dials 9 to get out of the numbering node. */
    static const struct {
        const char *pbx, *other, *dials;
    } all[] = {{"kiosk", "740", "950"}, {"branch", "30", "50"}, {"hq", "20", "50"},
               {"depot", "51", "50"}};
    site_start(NULL, (struct site_settings){0});
    const struct line *line = line_named("Gus Hall");
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        char move[64];
        snprintf(move, sizeof move, "move 50 %s", all[i].pbx);
        control_until_end(move, "move 50 depot");
        site_quiet("when 50 has moved");
        CHECK(line_named("Gus Hall") == line, "there is another line now");
        control("at %s call %s %s", all[i].pbx, all[i].other, all[i].dials);
        control("at %s answer 50", all[i].pbx);
        site_quiet("when 50 talks there");
        MUST(drop(only_call(line)));
        site_quiet("when 50 has hung up there");
    }
    CHECK(removals() == 0, "%u lines were removed", removals());
}

/* At the PBX of a user, those above, and their standbys. */
static void at_all(const char *command)
{
    static const char *const all[] = {"branch", "branch-standby", "hq", "hq-standby"};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        control("at %s %s", all[i], command);
}

static void names_and_people_change(void)
{
    site_start(NULL, (struct site_settings){0});
    const struct line *line = line_named("Dora Eng");
    for (unsigned i = 0; i < 2; i++) {
        control("at branch call 31 30");
        at_all(i == 0 ? "rename 31 Dora Eng-Berg" : "rename 31 Dora Eng");
        site_quiet("when 31 has another name");
        CHECK(line_named(i == 0 ? "Dora Eng-Berg" : "Dora Eng") == line, "that is another line");
        control("at branch hangup 31");
        site_quiet("when 31 has hung up");
    }
    /* Somebody is added at a slave, and known above. */
    control("at branch add-user 39 Lea Moon");
    control("move 39 branch");
    site_quiet("when 39 is there");
    control("at branch call 39 30");
    site_quiet("when 39 calls");
    place start = log_end();
    at_all("remove-user 39");
    struct pattern removal = {.kind = CREATION, .message = LINE_REMOVE, .any_p1 = true};
    await(start, removal, "LINE_REMOVE");
    site_quiet("when 39 is gone");
    /* Another person of that name and number has another line. */
    control("at kiosk add-user 39 Lea Moon");
    control("move 39 kiosk");
    site_quiet("when there is another 39");
    static const char *const above[] = {"kiosk", "branch", "branch-standby", "hq", "hq-standby"};
    for (unsigned i = 0; i < sizeof above / sizeof *above; i++)
        control("at %s remove-user 39", above[i]);
    site_quiet("when that one is gone");
    CHECK(removals() == 2, "%u lines were removed", removals());
}

/* ---- sessions ---- */

static void ids_outlive_sessions(void)
{
    site_start("log", (struct site_settings){0});
    session_stop();
    /* Whoever is told first, and whatever is there. */
    control_until_end("at hq order reverse", "at hq order normal");
    control_until_end("at works order reverse", "at works order normal");
    site_start("log", (struct site_settings){.works_first = true});
    session_stop();
    control_until_end("stop kiosk", "start kiosk");
    control_until_end("move 50 hq", "move 50 depot");
    control_until_end("stop works", "start works");
    site_start("log", (struct site_settings){0});
}

/* ---- settings ---- */

static void settings_change_under_calls(void)
{
    site_start(NULL, (struct site_settings){0});
    control_until_end("at hq call 21 20", "at hq hangup 20");
    control("at hq answer 20");
    control_until_end("at branch call 31 30", "at branch hangup 30");
    control_until_end("at works call 21 20", "at works hangup 20");
    site_quiet("when calls are up");
    struct call *call = only_call(line_named("Anna Berg"));
    place since = log_end();
    /* The trees the other way round, and other names. */
    site_change_settings((struct site_settings){.works_first = true, .numbered = true});
    site_quiet("when lines have other names");
    CHECK(removals() == 0, "%u lines were removed", removals());
    control("at hq hold 20");
    site_quiet("when the call is held");
    /* Half a file changes nothing; neither does it stop the provider from reading the next one. */
    site_spoil_settings();
    control("at branch answer 30");
    site_quiet("when settings make no sense");
    /* A tree leaves with its lines and their calls, and comes back with the same lines. */
    site_change_settings((struct site_settings){.without_works = true});
    site_quiet("when one tree is left");
    const unsigned gone = removals();
    CHECK(gone >= 2, "%u lines were removed", gone);
    site_change_settings((struct site_settings){0});
    site_quiet("when the other one is back");
    CHECK(removals() == gone, "%u lines were removed, and then %u", gone, removals());
    const struct line *line = line_named("Anna Berg");
    CHECK(only_call(line) == call && service_changes(line, since) == 0,
          "the call of 20 at hq was disturbed");
}

const struct item site_items[] = {
    {178, "lines follow each PBX of a site that fails and comes back", each_is_cut_and_started,
     120},
    {179, "calls outlive the change to a standby and back, which is one pair of messages each",
     standbys_take_over, 120},
    {180, "users who move through a tree keep their line and can be called there",
     movers_keep_their_line, 120},
    {181, "lines of a site follow users who are renamed, come and go", names_and_people_change,
     120},
    {182, "line ids of a site are the same in later sessions, whatever comes first",
     ids_outlive_sessions, 120},
    {183, "other settings come into force under calls, which go on; a tree leaves and comes back",
     settings_change_under_calls, 120},
    {184, "a call between PBXs and numbering nodes is one call at both ends, whatever becomes of it",
     calls_cross_pbxs, 120},
    {ITEMS_END, NULL, NULL, 0},
};
