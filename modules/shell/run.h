#pragma once
/* What is typed, run. */

/** A line, up to EDIT_LINE bytes: until one of its programs is in front. What goes wrong is said.
 */
void run(const char *text);

/** None is in front any more: what is behind it in its line. Ctrl-C ended all of that. */
void run_on(void);
