/* A disk that fails on command: preloaded into a process, armed by `faults_arm`, counted by `faults_seen`.

   Every call that changes a file under a root is counted, and the n-th (or every one from then on) fails with
   an errno, or kills the process. KILL is a crash of the process; POWER is one of the machine: before the
   kill, each file falls back to what it held when it was last synced, and a rename whose folder was not synced
   since is undone. READ counts what reads instead, and fails with EIO. For one process that runs on Linux with glibc; tests/support/faults.py builds and arms it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { KILL = -1, POWER = -2, READ = -3, MOST_RENAMES = 4096 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static __thread int inside;
static char root[PATH_MAX], shadows[PATH_MAX];
static long at = 0, seen = 0;
static int fault, onwards, armed;
static struct { char *from, *to, *backup; } renames[MOST_RENAMES];
static int renamed;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* shadow_dir: where the synced contents are remembered; NULL unless the fault is POWER. */
void faults_arm(const char *under, long n, int kind, int from_then_on, const char *shadow_dir) {
    snprintf(root, sizeof root, "%s/", under);
    snprintf(shadows, sizeof shadows, "%s", shadow_dir ? shadow_dir : "");
    at = n, fault = kind, onwards = from_then_on, seen = 0, armed = 1;
}

long faults_seen(void) { return seen; }

static int below(const char *path) {
    size_t length = strlen(root) - 1;
    return !strncmp(path, root, length) && (!path[length] || path[length] == '/');
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
    return length > 0;
}

static int absolute(int dir, const char *path, char *whole) {
    char folder[PATH_MAX];
    if (path[0] == '/') return snprintf(whole, PATH_MAX, "%s", path);
    if (dir == AT_FDCWD ? getcwd(folder, sizeof folder) == NULL : !path_of(dir, folder)) return 0;
    return snprintf(whole, PATH_MAX, "%.2000s/%.2000s", folder, path);
}

/* --- what survives a power cut ------------------------------------------------------------------------ */

static void shadow_of(const struct stat *file, char *path) {
    snprintf(path, PATH_MAX, "%.3000s/%lu", shadows, (unsigned long)file->st_ino);
}

static void copy(int from, int to) {
    char block[65536];
    off_t place = 0;
    ssize_t got;
    while ((got = pread(from, block, sizeof block, place)) > 0) {
        if (REAL(pwrite)(to, block, (size_t)got, place) != got) abort();
        place += got;
    }
    if (REAL(ftruncate)(to, place)) abort();
}

static void remember(int fd) {
    struct stat file;
    char shadow[PATH_MAX], path[PATH_MAX];
    if (!shadows[0] || fstat(fd, &file)) return;
    if (S_ISDIR(file.st_mode)) {
        if (!path_of(fd, path)) return;
        for (int i = 0; i < renamed; i++) {
            const char *slash = strrchr(renames[i].to, '/');
            if (strlen(path) == (size_t)(slash - renames[i].to) && !strncmp(path, renames[i].to, strlen(path)))
                renames[i].to[0] = 0;
        }
        return;
    }
    if (!path_of(fd, path)) return;
    shadow_of(&file, shadow);
    int from = REAL(open)(path, O_RDONLY), to = REAL(open)(shadow, O_WRONLY | O_CREAT, 0600);
    if (from >= 0 && to >= 0) copy(from, to);
    close(from), close(to);
}

static void note_rename(const char *from, const char *to) {
    if (!shadows[0] || renamed == MOST_RENAMES) return;
    char backup[PATH_MAX];
    snprintf(backup, sizeof backup, "%.3000s/backup-%d", shadows, renamed);
    renames[renamed].backup = link(to, backup) ? NULL : strdup(backup);
    renames[renamed].from = strdup(from), renames[renamed++].to = strdup(to);
}

static void forget(const char *path) {
    struct stat file;
    char shadow[PATH_MAX];
    if (!shadows[0] || lstat(path, &file) || file.st_nlink > 1) return;
    shadow_of(&file, shadow);
    REAL(unlink)(shadow);
}

static int fall_back(const char *path, const struct stat *file, int type, struct FTW *walk) {
    char shadow[PATH_MAX];
    (void)walk;
    if (type != FTW_F) return 0;
    shadow_of(file, shadow);
    int to = REAL(open)(path, O_WRONLY), from = REAL(open)(shadow, O_RDONLY);
    if (to >= 0 && from >= 0) copy(from, to);
    else if (to >= 0 && REAL(ftruncate)(to, 0)) abort();
    close(from), close(to);
    return 0;
}

static void cut_the_power(void) {
    nftw(root, fall_back, 16, FTW_PHYS);
    while (renamed-- > 0) {
        if (!renames[renamed].to[0]) continue;
        REAL(rename)(renames[renamed].to, renames[renamed].from);
        if (renames[renamed].backup) REAL(rename)(renames[renamed].backup, renames[renamed].to);
    }
}

/* --- the count ---------------------------------------------------------------------------------------- */

/* Whether this call, under a root, fails: errno is set then. Held: the mutex. */
static int fails(int reads) {
    seen += reads == (fault == READ);
    if (!at || reads != (fault == READ) || (onwards ? seen < at : seen != at)) return 0;
    if (fault == POWER) cut_the_power();
    if (fault == KILL || fault == POWER) kill(getpid(), SIGKILL), pause();
    errno = fault == READ ? EIO : fault;
    return 1;
}

static int enter(void) {
    if (!armed || inside) return 0;
    inside = 1;
    pthread_mutex_lock(&mutex);
    return 1;
}

static void leave(int entered) {
    if (!entered) return;
    int error = errno;
    pthread_mutex_unlock(&mutex);
    inside = 0;
    errno = error;
}

#define ON_FILE(type, name, parameters, arguments, after) CALL(type, name, parameters, arguments, 0, after)
#define ON_READ(type, name, parameters, arguments) CALL(type, name, parameters, arguments, 1, (void)0)
#define CALL(type, name, parameters, arguments, reads, after)                               \
    type name parameters {                                                                  \
        char path[PATH_MAX];                                                                \
        int entered = enter(), here = entered && path_of(fd, path) && below(path);          \
        if (!here) { /* a pipe that is read may wait for what another thread does */        \
            leave(entered);                                                                 \
            return REAL(name) arguments;                                                    \
        }                                                                                   \
        type result = fails(reads) ? -1 : REAL(name) arguments;                          \
        if (result >= 0) { after; }                                                         \
        leave(entered);                                                                     \
        return result;                                                                      \
    }
#define ON_PATH(name, parameters, arguments, dir, path, before)                             \
    int name parameters {                                                                   \
        char whole[PATH_MAX];                                                               \
        int entered = enter(), here = entered && absolute(dir, path, whole) && below(whole);\
        int failed = here && fails(0);                                                       \
        if (here && !failed) { before; }                                                    \
        int result = failed ? -1 : REAL(name) arguments;                                    \
        leave(entered);                                                                     \
        return result;                                                                      \
    }

ON_READ(ssize_t, read, (int fd, void *block, size_t size), (fd, block, size))
ON_READ(ssize_t, pread, (int fd, void *block, size_t size, off_t at_), (fd, block, size, at_))
ON_READ(ssize_t, pread64, (int fd, void *block, size_t size, off64_t at_), (fd, block, size, at_))
ON_FILE(ssize_t, write, (int fd, const void *block, size_t size), (fd, block, size), (void)0)
ON_FILE(ssize_t, writev, (int fd, const struct iovec *blocks, int count), (fd, blocks, count), (void)0)
ON_FILE(ssize_t, pwrite, (int fd, const void *block, size_t size, off_t at_), (fd, block, size, at_), (void)0)
ON_FILE(ssize_t, pwrite64, (int fd, const void *block, size_t size, off64_t at_), (fd, block, size, at_), (void)0)
ON_FILE(int, ftruncate, (int fd, off_t size), (fd, size), (void)0)
ON_FILE(int, ftruncate64, (int fd, off64_t size), (fd, size), (void)0)
ON_FILE(int, fsync, (int fd), (fd), remember(fd))
ON_FILE(int, fdatasync, (int fd), (fd), remember(fd))

ON_PATH(unlink, (const char *path), (path), AT_FDCWD, path, forget(whole))
ON_PATH(unlinkat, (int dir, const char *path, int flags), (dir, path, flags), dir, path, forget(whole))
ON_PATH(mkdir, (const char *path, mode_t mode), (path, mode), AT_FDCWD, path, (void)0)
ON_PATH(mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode), dir, path, (void)0)
ON_PATH(link, (const char *from, const char *path), (from, path), AT_FDCWD, path, (void)0)
ON_PATH(linkat, (int old, const char *from, int dir, const char *path, int flags), (old, from, dir, path, flags), dir, path, (void)0)

static int renaming(int old, const char *from, int dir, const char *to) {
    char source[PATH_MAX], target[PATH_MAX];
    int entered = enter(), here = entered && absolute(old, from, source) && absolute(dir, to, target) && below(target);
    int failed = here && fails(0);
    if (here && !failed) note_rename(source, target);
    int result = failed ? -1 : REAL(renameat)(old, from, dir, to);
    if (here && !failed && result) renamed -= shadows[0] != 0;
    leave(entered);
    return result;
}
int rename(const char *from, const char *to) { return renaming(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int old, const char *from, int dir, const char *to) { return renaming(old, from, dir, to); }

static int opening(int dir, const char *path, int flags, mode_t mode) {
    char whole[PATH_MAX];
    int entered = flags & O_CREAT ? enter() : 0;
    int here = entered && absolute(dir, path, whole) && below(whole) && access(whole, F_OK);
    int result = here && fails(0) ? -1 : REAL(openat)(dir, path, flags, mode);
    leave(entered);
    return result;
}
#define OPEN(name, dir_parameter, dir)                                                      \
    int name(dir_parameter const char *path, int flags, ...) {                              \
        va_list more;                                                                       \
        va_start(more, flags);                                                              \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;           \
        va_end(more);                                                                       \
        return opening(dir, path, flags, mode);                                             \
    }
#define NOTHING
#define DIR_PARAMETER int dir,
OPEN(open, NOTHING, AT_FDCWD)
OPEN(open64, NOTHING, AT_FDCWD)
OPEN(openat, DIR_PARAMETER, dir)
OPEN(openat64, DIR_PARAMETER, dir)
