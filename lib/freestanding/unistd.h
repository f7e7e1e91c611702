#pragma once
/* For libsodium's utils.c; there is no system to ask. */
