/* The operating system is Linux: the host runs on libtapline.so. */

#define _GNU_SOURCE
#include "platform.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char PATH_SEPARATOR = '/';

/* ---- time ---- */

uint64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint32_t tick_count(void)
{
    return (uint32_t)(clock_us() / 1000);
}

void pause_ms(unsigned ms)
{
    struct timespec span = {ms / 1000, (long)(ms % 1000) * 1000000};
    while (nanosleep(&span, &span) != 0 && errno == EINTR) {}
}

/* The time of day `ms` from now, which is what the waiting functions want. */
static struct timespec from_now(unsigned ms)
{
    struct timespec when;
    clock_gettime(CLOCK_REALTIME, &when);
    when.tv_sec += ms / 1000;
    when.tv_nsec += (long)(ms % 1000) * 1000000;
    if (when.tv_nsec >= 1000000000) {
        when.tv_sec++;
        when.tv_nsec -= 1000000000;
    }
    return when;
}

/* ---- threads ---- */

struct thread {
    pthread_t id;
    thread_body *body;
    void *argument;
};

static void *enter(void *pointer)
{
    struct thread *thread = pointer;
    thread->body(thread->argument);
    return NULL;
}

struct thread *thread_start(thread_body *body, void *argument)
{
    struct thread *thread = calloc(1, sizeof *thread);
    thread->body = body;
    thread->argument = argument;
    if (pthread_create(&thread->id, NULL, enter, thread) != 0) abort();
    return thread;
}

bool thread_join(struct thread *thread, unsigned ms)
{
    struct timespec deadline = from_now(ms);
    if (pthread_timedjoin_np(thread->id, NULL, &deadline) != 0) return false;
    free(thread);
    return true;
}

_Noreturn void thread_end(void)
{
    pthread_exit(NULL);
}

uint32_t thread_id(void)
{
    return (uint32_t)syscall(SYS_gettid);
}

struct bell {
    sem_t semaphore;
};

struct bell *bell_new(void)
{
    struct bell *bell = calloc(1, sizeof *bell);
    sem_init(&bell->semaphore, 0, 0);
    return bell;
}

void bell_ring(struct bell *bell)
{
    int waiting;
    sem_getvalue(&bell->semaphore, &waiting);
    if (waiting < 1) sem_post(&bell->semaphore);
}

void bell_wait(struct bell *bell, unsigned ms)
{
    struct timespec deadline = from_now(ms);
    sem_timedwait(&bell->semaphore, &deadline);
}

/* ---- the process ---- */

static unsigned entries_of(const char *folder)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) return 0;
    unsigned count = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

unsigned process_threads(void)
{
    return entries_of("/proc/self/task");
}

unsigned process_handles(void)
{
    return entries_of("/proc/self/fd");
}

void environment_set(const char *name, const char *value)
{
    if (value == NULL)
        unsetenv(name);
    else
        setenv(name, value, 1);
}

int process_run(const char *const *arguments, unsigned ms)
{
    pid_t child = fork();
    if (child == 0) {
        execv(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    if (child < 0) return -1;
    uint64_t deadline = clock_us() + (uint64_t)ms * 1000;
    int status;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (clock_us() > deadline) {
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            return -1;
        }
        pause_ms(5);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *volatile crash_text;
static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL};
static struct sigaction before_crash[sizeof crash_signals / sizeof *crash_signals];

/* Says it, and leaves the rest to whoever was there before: the process still ends by it. */
static void say_crash(int signal)
{
    const char *text = crash_text;
    if (text != NULL && write(STDERR_FILENO, text, strlen(text)) > 0)
        (void)!write(STDERR_FILENO, "\n", 1);
    for (unsigned i = 0; i < sizeof crash_signals / sizeof *crash_signals; i++)
        if (crash_signals[i] == signal) sigaction(signal, &before_crash[i], NULL);
    if (signal == SIGABRT) raise(signal);
}

void on_crash(const char *text)
{
    bool was_set = crash_text != NULL;
    crash_text = text;
    if (was_set == (text != NULL)) return;
    struct sigaction action = {.sa_handler = say_crash};
    for (unsigned i = 0; i < sizeof crash_signals / sizeof *crash_signals; i++)
        sigaction(crash_signals[i], text ? &action : &before_crash[i],
                  text ? &before_crash[i] : NULL);
}

_Noreturn void process_exit(int code)
{
    fflush(NULL);
    _exit(code);
}

/* ---- libraries ---- */

void *library_open(const char *path, char *why, size_t why_size)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) snprintf(why, why_size, "%s", dlerror());
    return library;
}

void *library_symbol(void *library, const char *name)
{
    return dlsym(library, name);
}

void library_close(void *library)
{
    dlclose(library);
}

bool library_exports(void *library, void (*each)(const char *name))
{
    (void)library, (void)each;
    return false;
}

/* ---- memory ---- */

enum { PAGE = 4096, FENCES = 1 << 14 };
static struct {
    void *base;
    size_t length;
} fences[FENCES];
static atomic_uint fence_count;

void *fence_alloc(size_t size)
{
    size_t pages = (size + PAGE - 1) / PAGE;
    size_t length = (pages + 1) * PAGE;
    char *base = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect(base + pages * PAGE, PAGE, PROT_NONE) != 0) abort();
    unsigned slot = atomic_fetch_add(&fence_count, 1);
    if (slot < FENCES) {
        fences[slot].base = base;
        fences[slot].length = length;
    }
    return base + pages * PAGE - size;
}

void fence_free_all(void)
{
    unsigned count = fence_count < FENCES ? fence_count : FENCES;
    for (unsigned i = 0; i < count; i++) munmap(fences[i].base, fences[i].length);
    fence_count = 0;
}

/* ---- files ---- */

void folder_make(const char *path)
{
    char part[4096];
    for (size_t i = 1; path[i] != 0 && i < sizeof part - 1; i++) {
        if (path[i] == '/') {
            memcpy(part, path, i);
            part[i] = 0;
            mkdir(part, 0777);
        }
    }
    mkdir(path, 0777);
}

bool is_absolute_file(const uint16_t *path)
{
    char narrow[4096];
    size_t i = 0;
    for (; path[i] != 0 && path[i] < 128 && i < sizeof narrow - 1; i++) narrow[i] = (char)path[i];
    narrow[i] = 0;
    struct stat about;
    return path[i] == 0 && narrow[0] == '/' && stat(narrow, &about) == 0 && S_ISREG(about.st_mode);
}

/* ---- the network ---- */

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

tcp tcp_connect(uint16_t port)
{
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = loopback(port);
    if (connect(s, (struct sockaddr *)&address, sizeof address) == 0) return s;
    close(s);
    return NO_TCP;
}

tcp tcp_deaf(uint16_t *port)
{
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = loopback(*port);
    socklen_t length = sizeof address;
    if (bind(s, (struct sockaddr *)&address, sizeof address) != 0 || listen(s, 16) != 0) abort();
    getsockname(s, (struct sockaddr *)&address, &length);
    *port = ntohs(address.sin_port);
    return s;
}

bool tcp_send(tcp socket, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send((int)socket, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

int tcp_receive(tcp socket, char *bytes, size_t length, unsigned ms)
{
    struct timeval patience = {ms / 1000, (int)(ms % 1000) * 1000};
    setsockopt((int)socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return (int)recv((int)socket, bytes, length, 0);
}

void tcp_close(tcp socket)
{
    close((int)socket);
}
