#pragma once

/** What pipe, poll and posix_spawn promise, a row each. Gives: the exit code. */
int rows(void);
