/* A site of several PBXs, and whether the host reads through the provider what is so at it.
 *
 * The site is the one of tests/estates/two-trees.toml: `hq` with the slaves `branch` (which has the
 * slave `kiosk`) and `depot`, `works` without any, standbys for `hq`, `branch` and `works`. Lines
 * are found by the names of their users: numbers come twice in it.
 */
#ifndef SITE_H
#define SITE_H

#include "host.h"

enum { SITE_MS = 60000 }; /* pauses between attempts are half a minute at most */

/* What the settings of a site say. */
struct site_settings {
    bool works_first;   /* the trees the other way round */
    bool without_works; /* one tree only; the lines of the other are not there */
    bool numbered;      /* lines are called by name and number: Anna Berg (20) */
};

/* A session with both masters and their standbys, all lines open, everything as at the PBXs. `log`
 * as in a setup. */
void site_start(const char *log, struct site_settings settings);
/* Other settings from now on, while the session runs. */
void site_change_settings(struct site_settings settings);
/* A file that makes no sense, in place of the settings that are in force. */
void site_spoil_settings(void);

/* Waits until lines and calls read as they are at the PBXs, and no line has got another id. */
void site_quiet(const char *after);

struct line *line_named(const char *name);
/* The only call of a line; stops the item if it has none, or more. */
struct call *only_call(const struct line *line);

/* How often a line went out of service or came into it since then. */
unsigned service_changes(const struct line *line, place since);
void await_service_changes(const struct line *line, place since, unsigned count);
/* How many lines were removed in this session. */
unsigned removals(void);

#endif
