/* Makes the n-th write or sync of files under one folder fail, once. Loaded before libc (LD_PRELOAD).

   All processes that were started with it share the counters of the file FAILING_IO_CONTROL: three numbers of 64 bits,
   "fail at" (0: never), "calls so far", and the error number that the failing call gives. FAILING_IO_FOLDER is the
   folder. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

struct control {
    _Atomic int64_t fail_at;
    _Atomic int64_t calls;
    _Atomic int64_t error;
};

static struct control *shared;
static const char *folder;

__attribute__((constructor)) static void attach(void)
{
    const char *path = getenv("FAILING_IO_CONTROL");
    folder = getenv("FAILING_IO_FOLDER");
    if (path == NULL || folder == NULL)
        return;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return;
    void *at = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (at != MAP_FAILED)
        shared = at;
}

/* Whether this call on a file is the one to fail; errno is set then. */
static int fails(int file)
{
    char link[64], path[PATH_MAX];
    if (shared == NULL || shared->fail_at == 0)
        return 0;
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = before;
    if (length < 0)
        return 0;
    path[length] = '\0';
    if (strncmp(path, folder, strlen(folder)) != 0)
        return 0;
    if (++shared->calls != shared->fail_at)
        return 0;
    errno = (int)shared->error;
    return 1;
}

#define FAILING(type, name, parameters, arguments)                  \
    type name parameters                                             \
    {                                                                \
        static type(*real) parameters;                               \
        if (real == NULL)                                            \
            real = (type(*) parameters)dlsym(RTLD_NEXT, #name);      \
        return fails(file) ? -1 : real arguments;                    \
    }

FAILING(ssize_t, write, (int file, const void *data, size_t length), (file, data, length))
FAILING(ssize_t, pwrite, (int file, const void *data, size_t length, off_t at), (file, data, length, at))
FAILING(ssize_t, pwrite64, (int file, const void *data, size_t length, off64_t at), (file, data, length, at))
FAILING(ssize_t, pwritev, (int file, const struct iovec *data, int number, off_t at), (file, data, number, at))
FAILING(ssize_t, pwritev64, (int file, const struct iovec *data, int number, off64_t at), (file, data, number, at))
FAILING(int, fsync, (int file), (file))
FAILING(int, fdatasync, (int file), (file))
