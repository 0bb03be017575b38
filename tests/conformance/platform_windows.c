/* The operating system is Windows, or Wine in its place. */

#include "platform.h"

#include <winsock2.h>
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tlhelp32.h>

const char PATH_SEPARATOR = '\\';

/* ---- time ---- */

uint64_t clock_us(void)
{
    static LARGE_INTEGER frequency;
    if (frequency.QuadPart == 0) QueryPerformanceFrequency(&frequency);
    LARGE_INTEGER now;
    QueryPerformanceCounter(&now);
    uint64_t seconds = (uint64_t)(now.QuadPart / frequency.QuadPart);
    uint64_t rest = (uint64_t)(now.QuadPart % frequency.QuadPart);
    return seconds * 1000000 + rest * 1000000 / (uint64_t)frequency.QuadPart;
}

uint32_t tick_count(void)
{
    return GetTickCount();
}

void pause_ms(unsigned ms)
{
    Sleep(ms);
}

/* ---- threads ---- */

struct thread {
    HANDLE handle;
    thread_body *body;
    void *argument;
};

static DWORD WINAPI enter(void *pointer)
{
    struct thread *thread = pointer;
    thread->body(thread->argument);
    return 0;
}

struct thread *thread_start(thread_body *body, void *argument)
{
    struct thread *thread = calloc(1, sizeof *thread);
    thread->body = body;
    thread->argument = argument;
    thread->handle = CreateThread(NULL, 0, enter, thread, 0, NULL);
    if (thread->handle == NULL) abort();
    return thread;
}

bool thread_join(struct thread *thread, unsigned ms)
{
    if (WaitForSingleObject(thread->handle, ms) != WAIT_OBJECT_0) return false;
    CloseHandle(thread->handle);
    free(thread);
    return true;
}

_Noreturn void thread_end(void)
{
    ExitThread(0);
}

uint32_t thread_id(void)
{
    return GetCurrentThreadId();
}

struct bell {
    HANDLE event;
};

struct bell *bell_new(void)
{
    struct bell *bell = calloc(1, sizeof *bell);
    bell->event = CreateEventW(NULL, FALSE, FALSE, NULL);
    return bell;
}

void bell_ring(struct bell *bell)
{
    SetEvent(bell->event);
}

void bell_wait(struct bell *bell, unsigned ms)
{
    WaitForSingleObject(bell->event, ms);
}

/* ---- the process ---- */

unsigned process_threads(void)
{
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    if (snapshot == INVALID_HANDLE_VALUE) return 0;
    THREADENTRY32 entry = {.dwSize = sizeof entry};
    unsigned count = 0;
    for (BOOL more = Thread32First(snapshot, &entry); more; more = Thread32Next(snapshot, &entry))
        count += entry.th32OwnerProcessID == GetCurrentProcessId();
    CloseHandle(snapshot);
    return count;
}

unsigned process_handles(void)
{
    DWORD count = 0;
    GetProcessHandleCount(GetCurrentProcess(), &count);
    return count;
}

void environment_set(const char *name, const char *value)
{
    /* The C library's own copy of the environment is of no use to a library of another language. */
    SetEnvironmentVariableA(name, value);
}

int process_run(const char *const *arguments, unsigned ms)
{
    char line[4096] = "";
    for (; *arguments != NULL; arguments++) {
        size_t length = strlen(line);
        snprintf(line + length, sizeof line - length, "%s\"%s\"", length ? " " : "", *arguments);
    }
    STARTUPINFOA start = {.cb = sizeof start};
    PROCESS_INFORMATION process;
    if (!CreateProcessA(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &start, &process)) return -1;
    DWORD code = (DWORD)-1;
    if (WaitForSingleObject(process.hProcess, ms) == WAIT_OBJECT_0)
        GetExitCodeProcess(process.hProcess, &code);
    else
        TerminateProcess(process.hProcess, 1);
    CloseHandle(process.hThread);
    CloseHandle(process.hProcess);
    return code > 255 ? -1 : (int)code;
}

static const char *volatile crash_text;

static LONG CALLBACK say_crash(EXCEPTION_POINTERS *unused)
{
    (void)unused;
    const char *text = crash_text;
    if (text != NULL) {
        fprintf(stderr, "%s\n", text);
        fflush(stderr);
    }
    return EXCEPTION_CONTINUE_SEARCH;
}

void on_crash(const char *text)
{
    crash_text = text;
    SetUnhandledExceptionFilter(text ? say_crash : NULL);
}

_Noreturn void process_exit(int code)
{
    fflush(NULL);
    TerminateProcess(GetCurrentProcess(), (UINT)code);
    abort();
}

/* ---- libraries ---- */

void *library_open(const char *path, char *why, size_t why_size)
{
    HMODULE module = LoadLibraryA(path);
    if (module == NULL) snprintf(why, why_size, "LoadLibrary: error %lu", GetLastError());
    return module;
}

void *library_symbol(void *library, const char *name)
{
    return (void *)(uintptr_t)GetProcAddress(library, name);
}

void library_close(void *library)
{
    FreeLibrary(library);
}

bool library_exports(void *library, void (*each)(const char *name))
{
    const BYTE *base = library;
    const IMAGE_DOS_HEADER *dos = library;
    const IMAGE_NT_HEADERS *nt = (const void *)(base + dos->e_lfanew);
    DWORD where = nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXPORT].VirtualAddress;
    if (where == 0) return true;
    const IMAGE_EXPORT_DIRECTORY *exports = (const void *)(base + where);
    const DWORD *names = (const void *)(base + exports->AddressOfNames);
    for (DWORD i = 0; i < exports->NumberOfNames; i++) each((const char *)(base + names[i]));
    return true;
}

/* ---- memory ---- */

enum { PAGE = 4096, FENCES = 1 << 14 };
static void *fences[FENCES];
static volatile LONG fence_count;

void *fence_alloc(size_t size)
{
    size_t pages = (size + PAGE - 1) / PAGE;
    BYTE *base = VirtualAlloc(NULL, (pages + 1) * PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    DWORD old;
    if (base == NULL || !VirtualProtect(base + pages * PAGE, PAGE, PAGE_NOACCESS, &old)) abort();
    LONG slot = InterlockedIncrement(&fence_count) - 1;
    if (slot < FENCES) fences[slot] = base;
    return base + pages * PAGE - size;
}

void fence_free_all(void)
{
    LONG count = fence_count < FENCES ? fence_count : FENCES;
    for (LONG i = 0; i < count; i++) VirtualFree(fences[i], 0, MEM_RELEASE);
    fence_count = 0;
}

/* ---- files ---- */

void folder_make(const char *path)
{
    char part[MAX_PATH];
    for (size_t i = 0; path[i] != 0 && i < sizeof part - 1; i++) {
        if (path[i] == '\\' || path[i] == '/') {
            memcpy(part, path, i);
            part[i] = 0;
            CreateDirectoryA(part, NULL);
        }
    }
    CreateDirectoryA(path, NULL);
}

bool is_absolute_file(const uint16_t *path)
{
    if (path[0] == 0 || path[1] != ':' || path[2] != '\\') return false;
    DWORD attributes = GetFileAttributesW((const WCHAR *)path);
    return attributes != INVALID_FILE_ATTRIBUTES && !(attributes & FILE_ATTRIBUTE_DIRECTORY);
}

/* ---- the network ---- */

static SOCKET socket_new(void)
{
    static bool started;
    if (!started) {
        WSADATA data;
        WSAStartup(MAKEWORD(2, 2), &data);
        started = true;
    }
    return socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
}

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

tcp tcp_connect(uint16_t port)
{
    SOCKET s = socket_new();
    struct sockaddr_in address = loopback(port);
    if (connect(s, (struct sockaddr *)&address, sizeof address) == 0) return (tcp)s;
    closesocket(s);
    return NO_TCP;
}

tcp tcp_deaf(uint16_t *port)
{
    SOCKET s = socket_new();
    struct sockaddr_in address = loopback(*port);
    int length = sizeof address;
    if (bind(s, (struct sockaddr *)&address, sizeof address) != 0 || listen(s, 16) != 0) abort();
    getsockname(s, (struct sockaddr *)&address, &length);
    *port = ntohs(address.sin_port);
    return (tcp)s;
}

bool tcp_send(tcp socket, const char *bytes, size_t length)
{
    while (length > 0) {
        int sent = send((SOCKET)socket, bytes, (int)length, 0);
        if (sent <= 0) return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

int tcp_receive(tcp socket, char *bytes, size_t length, unsigned ms)
{
    DWORD patience = ms;
    setsockopt((SOCKET)socket, SOL_SOCKET, SO_RCVTIMEO, (const char *)&patience, sizeof patience);
    return recv((SOCKET)socket, bytes, (int)length, 0);
}

void tcp_close(tcp socket)
{
    closesocket((SOCKET)socket);
}
