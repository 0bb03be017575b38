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

/* A session with both masters and their standbys, all lines open, everything as at the PBXs. `log`
 * as in a setup; `reversed` has the settings name the trees the other way round. */
void site_start(const char *log, bool reversed);

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
