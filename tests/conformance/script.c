#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

enum { MOST_WORDS = 96, WORD_TEXT = 160 };

/* ---- what a line was told, in the words of plays ---- */

struct seen {
    unsigned number; /* of the call or the request; 0 for the line itself */
    const struct entry *entry;
};

struct scene {
    struct seen words[MOST_WORDS];
    unsigned count;
    HTAPICALL calls[MOST_WORDS];
    unsigned call_count;
    bool too_long;
};

static unsigned number_of_call(struct scene *scene, HTAPICALL call)
{
    for (unsigned i = 0; i < scene->call_count; i++)
        if (scene->calls[i] == call) return i + 1;
    if (scene->call_count < MOST_WORDS) scene->calls[scene->call_count++] = call;
    return scene->call_count;
}

static unsigned number_of_request(const struct play *play, DRV_REQUESTID request)
{
    for (unsigned i = 0; i < play->request_count; i++)
        if (play->requests[i] == request) return i + 1;
    return 0;
}

static bool belongs(const struct play *play, const struct entry *entry)
{
    if (entry->kind == COMPLETION) return number_of_request(play, entry->request) > 0;
    if (entry->kind != EVENT || entry->line != play->line->ht) return false;
    if (entry->message == LINE_LINEDEVSTATE) return entry->p1 == LINEDEVSTATE_RINGING;
    return entry->message != LINE_ADDRESSSTATE;
}

static void look(const struct play *play, struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    place end = log_end();
    for (place at = play->from; at < end; at++) {
        const struct entry *entry = log_at(at);
        if (!belongs(play, entry)) continue;
        if (scene->count == MOST_WORDS) {
            scene->too_long = true;
            return;
        }
        struct seen *word = &scene->words[scene->count++];
        word->entry = entry;
        if (entry->kind == COMPLETION)
            word->number = number_of_request(play, entry->request);
        else if (entry->call != 0)
            word->number = number_of_call(scene, entry->call);
    }
}

static void write_word(char *text, size_t size, const struct seen *seen)
{
    const struct entry *entry = seen->entry;
    char number[12] = "";
    if (seen->number > 1) snprintf(number, sizeof number, "%u", seen->number);
    if (entry->kind == COMPLETION)
        snprintf(text, size, entry->result == 0 ? "%sdone" : "%sdone(%s)", number,
                 name_of_result(entry->result));
    else if (entry->message == LINE_NEWCALL)
        snprintf(text, size, "%sNEW", number);
    else if (entry->message == LINE_CALLSTATE)
        snprintf(text, size, "%sC:%s(%u)", number, name_of_state((DWORD)entry->p1),
                 (unsigned)entry->p2);
    else if (entry->message == LINE_CALLINFO)
        snprintf(text, size, "%sI:%s", number, names_of_info((DWORD)entry->p1));
    else if (entry->message == LINE_LINEDEVSTATE)
        snprintf(text, size, "R:%u", (unsigned)entry->p3);
    else
        snprintf(text, size, "%s%s(%#x)", number, name_of_message(entry->message),
                 (unsigned)entry->p1);
}

static const char *write_scene(const struct scene *scene)
{
    static char text[MOST_WORDS * 24];
    size_t length = 0;
    text[0] = 0;
    for (unsigned i = 0; i < scene->count && length < sizeof text - WORD_TEXT; i++) {
        char word[WORD_TEXT];
        write_word(word, sizeof word, &scene->words[i]);
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", i ? " " : "", word);
    }
    return text;
}

/* ---- what was expected ---- */

static bool is_info(const char *expected, size_t length, DWORD bits)
{
    char name[40];
    DWORD wanted = 0;
    for (size_t at = 0; at < length;) {
        size_t end = at;
        while (end < length && expected[end] != '|') end++;
        snprintf(name, sizeof name, "%.*s", (int)(end - at), expected + at);
        wanted |= info_named(name);
        at = end + 1;
    }
    return bits == wanted;
}

/* One form of a word, without its number. */
static bool is_form(const char *expected, size_t length, const struct seen *seen)
{
    unsigned number = 1;
    if (length > 0 && *expected >= '1' && *expected <= '9') {
        number = (unsigned)(*expected - '0');
        expected++;
        length--;
    }
    const struct entry *entry = seen->entry;
    if (seen->number != (entry->message == LINE_LINEDEVSTATE && entry->kind == EVENT ? 0 : number))
        return false;
    if (entry->kind == EVENT && entry->message == LINE_CALLINFO)
        return length > 2 && strncmp(expected, "I:", 2) == 0 &&
               is_info(expected + 2, length - 2, (DWORD)entry->p1);
    char word[WORD_TEXT];
    struct seen plain = {.number = 1, .entry = entry};
    write_word(word, sizeof word, &plain);
    char *mode = strchr(word, '(');
    if (mode != NULL && memchr(expected, '(', length) == NULL && entry->kind == EVENT) *mode = 0;
    return strlen(word) == length && strncmp(word, expected, length) == 0;
}

static bool is_word(const char *expected, size_t length, const struct seen *seen)
{
    for (size_t at = 0; at <= length;) {
        size_t end = at;
        while (end < length && expected[end] != '/') end++;
        if (is_form(expected + at, end - at, seen)) return true;
        at = end + 1;
    }
    return false;
}

enum match { NO, SO_FAR, WHOLE };

/* Whether the words are those expected, or the beginning of them. */
static enum match compare(const char *expected, const struct seen *words, unsigned count)
{
    while (*expected == ' ') expected++;
    if (*expected == 0) return count == 0 ? WHOLE : NO;
    size_t length = strcspn(expected, " ");
    const char *rest = expected + length;
    bool optional = expected[length - 1] == '?';
    if (optional) length--;
    if (count == 0) return optional && compare(rest, words, 0) == WHOLE ? WHOLE : SO_FAR;
    enum match best = NO;
    if (is_word(expected, length, words)) best = compare(rest, words + 1, count - 1);
    if (optional && best != WHOLE) {
        enum match without = compare(rest, words, count);
        if (without > best) best = without;
    }
    return best;
}

/* ---- playing ---- */

void play_begin(struct play *play, struct line *line)
{
    memset(play, 0, sizeof *play);
    play->line = line;
    play->from = log_end();
}

LONG play_request(struct play *play, LONG request)
{
    CHECK(request > 0, "at line %s a request was refused with %s", play->line->extension,
          name_of_result(request));
    CHECK(play->request_count < PLAY_REQUESTS, "more requests than a play can have");
    play->requests[play->request_count++] = (DRV_REQUESTID)request;
    return request;
}

struct attempt {
    const struct play *play;
    struct scene scene;
    enum match match;
};

static bool is_decided(void *argument)
{
    struct attempt *attempt = argument;
    look(attempt->play, &attempt->scene);
    attempt->match = compare(attempt->play->expected, attempt->scene.words, attempt->scene.count);
    return attempt->match != SO_FAR;
}

static void must_match(const struct play *play, bool decided, const struct attempt *attempt)
{
    CHECK(decided && attempt->match == WHOLE, "line %s was told [%s] %s [%s]",
          play->line->extension, write_scene(&attempt->scene),
          decided ? "instead of" : "and no more, not", play->expected);
}

void play_on(struct play *play, const char *next)
{
    size_t length = strlen(play->expected);
    CHECK(length + strlen(next) + 2 < PLAY_TEXT, "the play is too long");
    snprintf(play->expected + length, PLAY_TEXT - length, "%s%s", length ? " " : "", next);
    static struct attempt attempt;
    attempt.play = play;
    bool decided = wait_until(is_decided, &attempt, TIME_OUT_MS);
    must_match(play, decided, &attempt);
}

void play_end(struct play *play)
{
    static struct attempt attempt;
    attempt.play = play;
    must_match(play, is_decided(&attempt), &attempt);
}

struct call *play_call(const struct play *play, unsigned n)
{
    static struct scene scene;
    look(play, &scene);
    CHECK(n <= scene.call_count, "line %s has %u calls, not %u", play->line->extension,
          scene.call_count, n);
    struct call *call = call_of_handle(scene.calls[n - 1]);
    CHECK(call != NULL, "call %u of line %s was not taken", n, play->line->extension);
    return call;
}
