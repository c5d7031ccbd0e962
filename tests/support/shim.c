/* A file system that is not as good as a local disk, for one process: SHIM_x=errno makes a call fail with it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int asked(const char *name) {
    const char *value = getenv(name);
    return value ? atoi(value) : 0;
}

/* Whether a descriptor's file lies under SHIM_UNDER. */
static int under(int fd) {
    char link[64], path[PATH_MAX];
    const char *folder = getenv("SHIM_UNDER");
    if (!folder) return 1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strncmp(path, folder, strlen(folder)) == 0;
}

int flock(int fd, int operation) {
    int number = asked("SHIM_FLOCK");
    if (number && under(fd)) { errno = number; return -1; }
    int (*real)(int, int) = dlsym(RTLD_NEXT, "flock");
    return real(fd, operation);
}

int fsync(int fd) {
    struct stat status;
    int number = 0;
    if (fstat(fd, &status) == 0) number = asked(S_ISDIR(status.st_mode) ? "SHIM_SYNC_FOLDER" : "SHIM_SYNC_FILE");
    if (number && under(fd)) { errno = number; return -1; }
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    return real(fd);
}

/* SHIM_STATVFS=-1: everything is said to be 0. */
int statvfs(const char *path, struct statvfs *out) {
    int number = asked("SHIM_STATVFS");
    if (number > 0) { errno = number; return -1; }
    int (*real)(const char *, struct statvfs *) = dlsym(RTLD_NEXT, "statvfs");
    int code = real(path, out);
    if (number < 0) out->f_blocks = out->f_bfree = out->f_bavail = 0;
    return code;
}

int statvfs64(const char *path, struct statvfs64 *out) {
    return statvfs(path, (struct statvfs *)out); /* the same structure on 64 bits */
}

/* SHIM_RENAME=errno, SHIM_RENAMES=how often: a target that another program has open. */
int rename(const char *from, const char *to) {
    static int left = -1;
    int number = asked("SHIM_RENAME");
    const char *folder = getenv("SHIM_UNDER");
    if (left < 0) left = asked("SHIM_RENAMES");
    if (number && left && (!folder || strncmp(to, folder, strlen(folder)) == 0)) {
        left--;
        errno = number;
        return -1;
    }
    int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");
    return real(from, to);
}
