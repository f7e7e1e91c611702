#pragma once
/* For third-party sources, which set errno beside returning an error. Here the value goes nowhere:
 * no global. */
#define errno (*(&(int){ 0 }))
#define EPERM 1
#define ENOMEM 12
#define EACCES 13
#define EINVAL 22
#define ERANGE 34
#define ENOSYS 38
#define EOVERFLOW 75
