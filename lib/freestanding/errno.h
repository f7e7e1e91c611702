#pragma once
/* For third-party sources, which set errno beside returning an error. Nobody reads it: it is a place to write. */
extern int nos_errno;
#define errno nos_errno
#define EPERM 1
#define ENOMEM 12
#define EACCES 13
#define EINVAL 22
#define ERANGE 34
#define ENOSYS 38
#define EOVERFLOW 75
