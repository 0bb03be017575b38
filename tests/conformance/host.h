/* The host: plays the telephony server towards the provider.
 *
 * It makes up handles and request ids, answers LINE_NEWCALL and LINE_CREATE, writes everything it
 * sees to the log, and ends a session in the order in which the telephony server does. What it
 * demands of every session, whatever the item is about, is in verdict.c.
 */
#ifndef HOST_H
#define HOST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "check.h"
#include "control.h"
#include "log.h"
#include "platform.h"
#include "provider.h"

/* ---- deadlines, in milliseconds ---- */

enum {
    SOON_MS = 10000,      /* something the provider does by itself or after one exchange */
    TIME_OUT_MS = 20000,  /* something it does when the PBX does not answer */
    QUIET_MS = 700,       /* how long the host listens where nothing may come */
    ENDING_SECONDS = 30,  /* the whole end of a session */
    SHUTDOWN_MS = 5000,   /* providerShutdown */
};

/* ---- versions ---- */

enum { V2_0 = 0x00020000, V2_1 = 0x00020001, V2_2 = 0x00020002, V3_0 = 0x00030000 };

/* ---- what the host knows ---- */

enum { LINES = 64, CALLS = 1 << 15 };

/* What the capabilities of a line claim: nothing else may ever be seen. */
struct claims {
    DWORD line_states, line_features;
    DWORD address_states, address_features;
    DWORD call_states, call_info_states, call_features, call_features2;
    DWORD disconnect_modes, busy_modes, connected_modes, offering_modes, dial_tone_modes;
};

struct line {
    DWORD device;
    DWORD permanent_id;
    char extension[32];
    struct claims claims;
    HTAPILINE ht;    /* of the latest opening */
    HDRVLINE hd;     /* the same; stays after lineClose, so that stale handles can be tried */
    bool open;
    place opened_at; /* where lineOpen was entered */
    place closed_at; /* where lineClose returned, NOWHERE while open */
};

struct call {
    HTAPICALL ht;
    HDRVCALL hd;
    struct line *line;
    HTAPILINE ht_line;     /* the opening it belongs to */
    bool outbound;         /* made by the host */
    DRV_REQUESTID request; /* of lineMakeCall, if made by the host */
    atomic_uint state;     /* latest LINE_CALLSTATE, 0 before the first */
    atomic_bool closing;   /* somebody has called lineCloseCall for it */
    atomic_uint closed_at; /* where lineCloseCall returned, NOWHERE before */
    place cursor;          /* await_state() looks on from here */
};

/* ---- one session ---- */

struct setup {
    const char *log;           /* folder of the provider's log, below the item's; a new one if NULL */
    uint16_t pbx;              /* port of the PBX; the simulator's if 0 */
    bool is_standby;           /* the simulator is the standby of that PBX */
    DWORD base;                /* first device id; DEVICE_BASE if 0 */
    const char *settings;      /* the whole settings file instead of the usual one */
    const char *pbxs;          /* all sections [[pbx]]; one for the port if NULL */
    const char *lines;         /* keys of its section [lines]; none if NULL */
    bool without_lines;        /* do not wait for the lines of the estate */
};

enum { DEVICE_BASE = 0x40, PROVIDER_ID = 7 };

struct session {
    bool initialised;
    DWORD base;
    DWORD enumerated;   /* lines counted by providerEnumDevices */
    DWORD next_device;  /* for lines that come later */
    struct line lines[LINES];
    unsigned line_count;
    place began;        /* where in the log */
    place creations;    /* LINE_CREATE is attended to up to here */
    place shut_down;    /* where providerShutdown returned */
    bool attend;        /* answer LINE_CREATE as it comes */
};

extern struct session session;
extern struct call calls[CALLS];
extern atomic_uint call_count;
/* Calls of the sessions before this one. */
extern unsigned calls_before;

/* The host itself, to be run again in a process of its own. */
extern const char *program_path;
/* Folder for everything the host and the provider write. */
extern const char *scratch_folder;
/* How long the storm of many threads lasts. */
extern unsigned storm_seconds;

/* Loads the library, writes the settings, and goes through negotiation, providerEnumDevices and
 * providerInit. Unless told otherwise, waits until the lines of the whole estate are there. */
void session_start(struct setup setup);
/* The first part of it only: library and settings. */
void session_prepare(struct setup setup);
/* Writes other settings into the file of the session that runs; its log stays where it is. */
void session_change_settings(struct setup setup);
/* Negotiation, providerEnumDevices, providerInit. */
void session_init(struct setup setup);
/* Closes calls and lines, shuts the provider down, unloads it, and passes judgement on the log. */
void session_stop(void);
/* What is left of that when an item ended, well or not; puts the simulator in order. */
void session_end(void);
/* The session as the telephony server would begin the next: everything forgotten. */
void session_forget(void);

/* A port on which nobody listens. */
uint16_t dead_port(void);

/* ---- lines ---- */

/* Answers the LINE_CREATE messages that came. Waiting functions do it by themselves. */
void attend_creations(void);
/* Answers one of them; the line. */
struct line *adopt_created(DWORD_PTR temporary, DWORD device);
struct line *line_of_device(DWORD device);
struct line *line_of_handle(HTAPILINE ht);
/* The line of an extension; stops the item if there is none. */
struct line *line_of(int extension);
struct line *line_if_known(const char *extension);

LONG try_open(struct line *line, DWORD version);
void close_line(struct line *line);
/* Opens the line of an extension and waits until the provider reports it in service. */
struct line *open_line(int extension);
struct line *open_line_as(int extension, DWORD version);
void await_in_service(struct line *line);

/* ---- calls ---- */

struct call *call_of_handle(HTAPICALL ht);
/* A text in front of forbidden memory; NULL for NULL. */
WCHAR *fenced_text(const char *text);
/* Overwrites it, when the provider has taken what it wants. */
void spoil_text(WCHAR *text);
/* lineMakeCall as it is: what it returned, and the call whatever became of it. The number lies in
 * front of forbidden memory. */
LONG make_call(struct line *line, const char *number, LINECALLPARAMS *params, struct call **call);
/* lineMakeCall that must be accepted and completed with 0. */
struct call *dial(struct line *line, const char *number);
/* The next call announced on the line at or behind `from`. */
struct call *await_new_call(struct line *line, place from);
/* Waits for the next LINE_CALLSTATE of that state, behind the one waited for before. */
place await_state(struct call *call, DWORD state);
LONG answer(struct call *call);
LONG drop(struct call *call);
/* lineCloseCall, once. */
void close_call(struct call *call);

/* An incoming internal call on the line, offered and alerting. */
struct call *offered_call(struct line *line, int from);
/* The same, answered by lineAnswer. */
struct call *connected_call(struct line *line, int from);

/* ---- waiting ---- */

/* Waits until the condition holds; false if it does not within `ms`. */
bool wait_until(bool (*condition)(void *), void *argument, unsigned ms);
/* Waits for an entry of the log; stops the item if it does not come. */
place await_within(place from, struct pattern pattern, unsigned ms, const char *what);
place await(place from, struct pattern pattern, const char *what);
/* Waits for the completion of what a function accepted; its result. */
LONG await_completion(LONG request);
LONG await_completion_within(LONG request, unsigned ms);
/* A request that must be accepted and end well. */
#define MUST(request) must(__FILE__, __LINE__, #request, (request))
void must(const char *file, int line, const char *what, LONG request);
/* Waits until the simulator has no call and the provider has heard everything of it. */
void await_quiet_pbx(void);

/* ---- calling the provider ---- */

/* A function of the provider, noted in the log. */
#define TSPI(name, ...) leave(#name, (enter(#name), provider.name(__VA_ARGS__)))

/* An asynchronous one: gives it the next request id. What it returned: the id or an error. */
#define ASK(name, ...) asked((asking(#name), provider.name(asking_id(), __VA_ARGS__)))

void enter(const char *function);
LONG leave(const char *function, LONG result);
/* Where in the log this thread's latest TSPI() returned. */
place left_at(void);
void asking(const char *function);
DRV_REQUESTID asking_id(void);
LONG asked(LONG result);

enum fate { UNUSED, ISSUED, ACCEPTED, REFUSED };
struct request {
    const char *function;
    atomic_int fate;
    atomic_int completions;
    atomic_int result;
    atomic_uint completed_at; /* where in the log, NOWHERE before */
};
enum { REQUESTS = 1 << 18 };
struct request *request_of(DRV_REQUESTID id);
/* Ids given out in this session: from first to before next. */
extern DRV_REQUESTID first_request;
DRV_REQUESTID next_request(void);

/* ---- callbacks ---- */

void CALLBACK on_line_event(HTAPILINE, HTAPICALL, DWORD, DWORD_PTR, DWORD_PTR, DWORD_PTR);
void CALLBACK on_creation(HTAPILINE, HTAPICALL, DWORD, DWORD_PTR, DWORD_PTR, DWORD_PTR);
void CALLBACK on_completion(DRV_REQUESTID, LONG);

/* Called inside each callback that comes from now on, after it is in the log; NULL for none. It must
 * not stop the item; it may use FAULT. */
extern _Atomic(void (*)(const struct entry *)) on_callback;
/* The host takes up to so long before and after what it does in each callback, and before it looks
 * at what a request returned: so that nothing rests on its being quick. */
extern unsigned dawdle_ms;
/* So many LINE_NEWCALL are answered with 0. */
extern atomic_int new_calls_to_refuse;
/* A new entry in the table of calls, with a handle of its own. */
struct call *call_new(struct line *line, HDRVCALL hd, bool outbound);

/* What the host gave as hProvider. */
extern const HPROVIDER the_provider;

/* ---- judgement over the whole session ---- */

void judge_session(void);

#endif
