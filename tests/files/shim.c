/* Preloaded into a process under test: counts its calls that change what is below a folder, and at one of them ends the
   process, as the power would, or lets the call fail. Nothing happens before arm(). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static char below[PATH_MAX];
static long number, at;
static int failing;

/* at: the call to stop at, from 1; 0 only counts. error: errno that it gets, 0 ends the process. */
void arm(const char *folder, long call, int error)
{
    strncpy(below, folder, sizeof below - 1);
    number = 0;
    at = call;
    failing = error;
}

long counted(void) { return number; }

static int is_below(int folder, const char *path)
{
    char whole[PATH_MAX];
    if (!below[0] || !path)
        return 0;
    if (path[0] == '/')
        return strncmp(path, below, strlen(below)) == 0;
    if (folder == AT_FDCWD) {
        if (!getcwd(whole, sizeof whole))
            return 0;
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t n = readlink(link, whole, sizeof whole - 1);
        if (n < 0)
            return 0;
        whole[n] = 0;
    }
    return strncmp(whole, below, strlen(below)) == 0;
}

static int fd_below(int fd)
{
    char link[64], whole[PATH_MAX];
    if (!below[0])
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, whole, sizeof whole - 1);
    if (n < 0)
        return 0;
    whole[n] = 0;
    return strncmp(whole, below, strlen(below)) == 0;
}

static int stopped(int counts)
{
    if (!counts || ++number != at)
        return 0;
    if (failing) {
        errno = failing;
        return 1;
    }
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WRITES (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)

#define OPEN(name)                                             \
    int name(const char *path, int flags, ...)                 \
    {                                                          \
        va_list more;                                          \
        va_start(more, flags);                                 \
        mode_t mode = va_arg(more, mode_t);                    \
        va_end(more);                                          \
        if (stopped((flags & WRITES) && is_below(AT_FDCWD, path))) \
            return -1;                                         \
        return REAL(name)(path, flags, mode);                  \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                           \
    int name(int folder, const char *path, int flags, ...)     \
    {                                                          \
        va_list more;                                          \
        va_start(more, flags);                                 \
        mode_t mode = va_arg(more, mode_t);                    \
        va_end(more);                                          \
        if (stopped((flags & WRITES) && is_below(folder, path))) \
            return -1;                                         \
        return REAL(name)(folder, path, flags, mode);          \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int fd, const void *data, size_t size)
{
    return stopped(fd_below(fd)) ? -1 : REAL(write)(fd, data, size);
}

int fsync(int fd) { return stopped(fd_below(fd)) ? -1 : REAL(fsync)(fd); }
int ftruncate64(int fd, off64_t size) { return stopped(fd_below(fd)) ? -1 : REAL(ftruncate64)(fd, size); }
int mkdir(const char *path, mode_t mode) { return stopped(is_below(AT_FDCWD, path)) ? -1 : REAL(mkdir)(path, mode); }
int rmdir(const char *path) { return stopped(is_below(AT_FDCWD, path)) ? -1 : REAL(rmdir)(path); }
int unlink(const char *path) { return stopped(is_below(AT_FDCWD, path)) ? -1 : REAL(unlink)(path); }
int chmod(const char *path, mode_t mode) { return stopped(is_below(AT_FDCWD, path)) ? -1 : REAL(chmod)(path, mode); }
int rename(const char *a, const char *b) { return stopped(is_below(AT_FDCWD, b)) ? -1 : REAL(rename)(a, b); }
int link(const char *a, const char *b) { return stopped(is_below(AT_FDCWD, b)) ? -1 : REAL(link)(a, b); }
int symlink(const char *a, const char *b) { return stopped(is_below(AT_FDCWD, b)) ? -1 : REAL(symlink)(a, b); }

int unlinkat(int folder, const char *path, int flags)
{
    return stopped(is_below(folder, path)) ? -1 : REAL(unlinkat)(folder, path, flags);
}

int renameat2(int from, const char *a, int to, const char *b, unsigned int how)
{
    return stopped(is_below(to, b)) ? -1 : REAL(renameat2)(from, a, to, b, how);
}
