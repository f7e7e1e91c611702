/* Before each source of a capsule that is run in a world: its variables lie together, so that each
 * run begins with those of the first. */
#pragma clang section bss = "capsule_bss" data = "capsule_data"
