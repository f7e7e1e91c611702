#pragma once
/* lib/secret.h by each flavour's compiler and flags, and what must not be written instead. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool compare_secret(const uint8_t *a, const uint8_t *b, size_t n);
void compare_wipe(void *p, size_t n);

bool compare_early(const uint8_t *a, const uint8_t *b,
                   size_t n);                     /* stops at the first difference */
uint8_t compare_look_up(uint8_t secret);          /* reads where the secret says */
uint8_t compare_left(const uint8_t *a, size_t n); /* leaves a copy on its stack */
