#pragma once
/* For libsodium's utils.c; nothing here raises a signal. */
