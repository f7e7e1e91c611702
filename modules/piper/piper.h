#pragma once

/** What pipe, poll and posix_spawn promise, a row each. Gives: the exit code. */
int rows(void);

/** Start one, and end before it has its kit; start some, and tell them what is no kit. */
int orphan(void);
int liar(void);
int patient(void);
