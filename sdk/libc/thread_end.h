/* What thread_end.S knows of C. */
#pragma once

#define END_UNMAP 15
#define END_SIGNAL 18
#define END_EXIT 6
#define END_WAKE 1
