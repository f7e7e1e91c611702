#pragma once
/* One row for each thing that holds. */
#define CHECK(what) check((what), #what, __LINE__)
void check(int holds, const char *what, int line);

void about_system(void);
void library(void);
void files(void);
void outside(void);
void wad(void);
void stress(void);
void costs(void);
