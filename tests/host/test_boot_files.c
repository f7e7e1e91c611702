/* boot/stage_files.c and stage_modules.c: what is read from the volume, how often, and what becomes
 * of what cannot be. */
#include "boot/console.h"
#include "boot/firmware.h"
#include "boot/volume.h"
#include "tests/host/guard.h"
#include "tests/host/test.h"

static bool listed(const struct policy *p, uint32_t n, char name[NOS_NAME_MAX]);
#define policy_boot_file listed
#include "boot/stage_files.c"
#include "boot/stage_modules.c"
#undef policy_boot_file

uint64_t firmware_ticks;

/* ---- memory and words ---- */

static unsigned allowance, live;
static uint64_t taken;

nos_status_t pages_take(struct boot *b, uint64_t bytes, uint8_t **out)
{
    (void)b;
    taken = bytes;
    if (allowance == 0) {
        return NOS_NO_MEMORY;
    }
    allowance--;
    live++;
    *out = malloc(bytes);
    return NOS_OK;
}

void pages_give(struct boot *b, uint8_t *data, uint64_t bytes)
{
    (void)b;
    assert_int_equal(bytes, taken);
    live--;
    free(data);
}

#include "tests/host/loader_console_host.h"

/* ---- a volume of four files: "\N0N\" KERNEL.MOD, BOOT.POL, a.mod, b.mod ---- */

enum { FILES = 4, OPENS = 8 };
struct file {
    struct uefi_file io; /* first: the firmware gives it back as its own */
    const char *name;
    uint64_t len, at;
    unsigned opens, closes, reads, most; /* `most`: bytes that one read gives */
    uefi_status_t open_says, read_says, end_says, where_says, back_says;
    bool lies; /* one read says that it read more than was asked */
};
static struct file file[FILES], root, folder;
static uefi_status_t image_says, volume_says, root_says;
static struct uefi_loaded_image image;
static struct uefi_file_system volume;
static int the_image, the_device;

static struct file *of(struct uefi_file *io)
{
    return (struct file *)io;
}

static uefi_status_t UEFI_CALL close_it(struct uefi_file *io)
{
    of(io)->closes++;
    return UEFI_SUCCESS;
}

static uefi_status_t UEFI_CALL read_it(struct uefi_file *io, uint64_t *len, void *buffer)
{
    struct file *f = of(io);
    uint64_t n = *len < f->len - f->at ? *len : f->len - f->at;
    f->reads++;
    n = n < f->most ? n : f->most;
    memset(buffer, f->name[0], n);
    f->at += n;
    *len = f->lies ? *len + 1 : n;
    return f->read_says;
}

static uefi_status_t UEFI_CALL where(struct uefi_file *io, uint64_t *at)
{
    *at = of(io)->at;
    return of(io)->where_says;
}

static uefi_status_t UEFI_CALL go_to(struct uefi_file *io, uint64_t at)
{
    of(io)->at = at == UEFI_FILE_END ? of(io)->len : at;
    return at == UEFI_FILE_END ? of(io)->end_says : of(io)->back_says;
}

static bool same16(const uint16_t *path, const char *name)
{
    while (*name != '\0' && *path == (uint8_t)*name) {
        path++;
        name++;
    }
    return *path == (uint8_t)*name;
}

static uefi_status_t UEFI_CALL open_it(struct uefi_file *io, struct uefi_file **out,
                                       const uint16_t *path, uint64_t mode, uint64_t attributes)
{
    assert_int_equal(mode, UEFI_FILE_READ);
    assert_int_equal(attributes, 0);
    if (of(io) == &root) {
        assert_true(same16(path, "N0N"));
        *out = &folder.io;
        return folder.open_says;
    }
    assert_ptr_equal(io, &folder.io);
    for (unsigned i = 0; i < FILES; i++) {
        if (same16(path, file[i].name)) {
            file[i].opens++;
            *out = &file[i].io;
            return file[i].open_says;
        }
    }
    return UEFI_NOT_FOUND;
}

static uefi_status_t UEFI_CALL open_volume(struct uefi_file_system *v, struct uefi_file **out)
{
    assert_ptr_equal(v, &volume);
    *out = &root.io;
    return root_says;
}

static uefi_status_t UEFI_CALL protocol(uefi_handle_t h, const struct uefi_guid *guid, void **out)
{
    static const struct uefi_guid image_guid = UEFI_LOADED_IMAGE_GUID;
    if (memcmp(guid, &image_guid, sizeof *guid) == 0) {
        assert_ptr_equal(h, &the_image);
        *out = &image;
        return image_says;
    }
    assert_ptr_equal(h, &the_device);
    *out = &volume;
    return volume_says;
}

static nos_status_t policy_says;
static const char *const *list;

nos_status_t policy_verify(struct boot *b)
{
    assert_string_equal(b->subject, "BOOT.POL");
    return policy_says;
}

static bool listed(const struct policy *p, uint32_t n, char name[NOS_NAME_MAX])
{
    (void)p;
    if (list == NULL || list[n] == NULL) {
        return false;
    }
    strncpy(name, list[n], NOS_NAME_MAX);
    return true;
}

static struct uefi_boot_services bs;
static struct nos_bootinfo info;
static struct boot b;

static int fresh(void **state)
{
    static const char *const names[] = { "KERNEL.MOD", "BOOT.POL", "A.MOD", "B.MOD" };
    const struct uefi_file io = { .open = open_it,
                                  .close = close_it,
                                  .read = read_it,
                                  .get_position = where,
                                  .set_position = go_to };
    (void)state;
    for (unsigned i = 0; i < FILES; i++) {
        file[i] = (struct file){ .io = io, .name = names[i], .len = 1000 + i, .most = 1u << 20 };
    }
    root = (struct file){ .io = io };
    folder = (struct file){ .io = io };
    image = (struct uefi_loaded_image){ .device = &the_device };
    volume.open_volume = open_volume;
    bs = (struct uefi_boot_services){ .handle_protocol = protocol };
    memset(&info, 0, sizeof info);
    b = (struct boot){ .image = &the_image, .bs = &bs, .info = &info };
    image_says = volume_says = root_says = UEFI_SUCCESS;
    allowance = 200;
    live = printed = 0;
    policy_says = NOS_OK;
    list = NULL;
    return 0;
}

static int drop(void **state)
{
    (void)state;
    struct boot_buffer all[] = { b.kernel_file, b.policy_file };
    for (unsigned i = 0; i < 2; i++) {
        live -= all[i].data != NULL;
        free(all[i].data);
    }
    for (uint32_t i = 0; i < info.n_files; i++) {
        live -= info.file[i].base != 0;
        free((void *)(uintptr_t)info.file[i].base);
    }
    assert_int_equal(live, 0);
    return 0;
}

/* ---- kernel and policy ---- */

static void both_are_read(void **state)
{
    (void)state;
    file[0].most = 300;  // in pieces
    info.kernel.status = info.policy.status = NOS_BOOT_NO_FILE;
    assert_int_equal(stage_files(&b), NOS_OK);
    assert_int_equal(root.closes, 1);
    assert_int_equal(folder.closes, 0);  // modules are read from it later
    for (unsigned i = 0; i < 2; i++) {
        const struct boot_buffer *got = i == 0 ? &b.kernel_file : &b.policy_file;
        const struct nos_boot_file *told = i == 0 ? &info.kernel : &info.policy;
        assert_int_equal(file[i].opens, 1);
        assert_int_equal(file[i].closes, 1);
        assert_int_equal(got->len, 1000 + i);
        assert_int_equal(got->data[0], file[i].name[0]);
        assert_int_equal(got->data[got->len - 1], file[i].name[0]);
        assert_int_equal(told->base, (uint64_t)got->data);
        assert_int_equal(told->len, got->len);
        assert_int_equal(told->status, NOS_OK);
        assert_string_equal(told->name, file[i].name);
    }
    assert_int_equal(file[0].reads, 4);
    assert_int_equal(file[1].reads, 1);
    assert_ptr_equal(b.folder, &folder.io);
}

static void refused(nos_status_t want, const char *subject)
{
    assert_int_equal(stage_files(&b), want);
    assert_string_equal(b.subject, subject);
    assert_int_equal(info.kernel.base, 0);
    assert_int_equal(info.policy.base, 0);
}

static void no_volume(void **state)
{
    uefi_status_t *at[] = { &image_says, &volume_says, &root_says };
    for (size_t i = 0; i < 3; i++) {
        fresh(state);
        *at[i] = UEFI_NOT_FOUND;
        refused(NOS_BOOT_VOLUME, "\\N0N");
        assert_int_equal(root.closes, 0);
    }
    fresh(state);
    folder.open_says = UEFI_NOT_FOUND;
    refused(NOS_BOOT_NO_FILE, "\\N0N");
    assert_int_equal(root.closes, 1);
    folder.open_says = UEFI_OUT_OF_RESOURCES;
    refused(NOS_BOOT_VOLUME, "\\N0N");
    assert_int_equal(root.closes, 2);
    assert_int_equal(file[0].opens, 0);
}

/* Each way the policy cannot be read; the kernel's file goes back with the machine. */
static void no_file(void **state)
{
    static const char name[] = "BOOT.POL";
    for (unsigned why = 0; why < 10; why++) {
        nos_status_t want = NOS_BOOT_VOLUME;
        fresh(state);
        switch (why) {
        case 0:
            file[1].open_says = UEFI_NOT_FOUND;
            want = NOS_BOOT_NO_FILE;
            break;
        case 1:
            file[1].open_says = UEFI_OUT_OF_RESOURCES;
            break;
        case 2:
            file[1].end_says = UEFI_INVALID_PARAMETER;  // as for a folder
            break;
        case 3:
            file[1].where_says = UEFI_INVALID_PARAMETER;
            break;
        case 4:
            file[1].back_says = UEFI_INVALID_PARAMETER;
            break;
        case 5:
            file[1].read_says = UEFI_OUT_OF_RESOURCES;
            break;
        case 6:
            file[1].most = 0;  // it ends before its end
            break;
        case 7:
            file[1].lies = true;
            break;
        case 8:
            file[1].len = NOS_POL_FILE_MAX + 1;
            want = NOS_POL_OVERSIZE;
            break;
        default:
            allowance = 1;
            want = NOS_NO_MEMORY;
            break;
        }
        refused(want, name);
        assert_int_equal(file[1].closes, why < 2 ? 0 : 1);
        assert_null(b.policy_file.data);
        assert_int_equal(b.policy_file.len, 0);
        assert_int_equal(live, 1);
        assert_int_equal(drop(state), 0);
    }
    fresh(state);
    file[0].len = (16 << 20) + 1;
    refused(NOS_MOD_OVERSIZE, "KERNEL.MOD");
    assert_int_equal(file[0].reads, 0);
    assert_int_equal(file[1].opens, 0);
}

static void as_long_as_may_be(void **state)
{
    (void)state;
    file[0].len = 16 << 20;
    file[0].most = 16 << 20;
    file[1].len = NOS_POL_FILE_MAX;
    assert_int_equal(stage_files(&b), NOS_OK);
    assert_int_equal(b.kernel_file.len, 16 << 20);
    assert_int_equal(b.policy_file.len, NOS_POL_FILE_MAX);
}

static void an_empty_file(void **state)
{
    (void)state;
    file[1].len = 0;
    allowance = 1;
    assert_int_equal(stage_files(&b), NOS_OK);
    assert_null(b.policy_file.data);
    assert_int_equal(b.policy_file.len, 0);
    assert_int_equal(file[1].reads, 0);
}

static void a_name_that_is_none(void **state)
{
    struct boot_buffer out = { NULL, 0 };
    (void)state;
    b.folder = &folder.io;
    char name[NOS_NAME_MAX] = "..";
    assert_int_equal(volume_read(&b, name, 10, NOS_MOD_OVERSIZE, &out), NOS_POL_FIELD);
    char path[NOS_NAME_MAX] = "A\\B.MOD";
    assert_int_equal(volume_read(&b, path, 10, NOS_MOD_OVERSIZE, &out), NOS_POL_FIELD);
    assert_null(out.data);
}

static void a_name_of_full_length(void **state)
{
    static const char name[] = "ABCDEFGHIJKL.MOD";
    struct boot_buffer out = { NULL, 0 };
    (void)state;
    b.folder = &folder.io;
    file[2].name = name;
    span_t at = at_the_edge(span_of(name, NOS_NAME_MAX));
    assert_int_equal(volume_read(&b, (const char *)at.data, 2000, NOS_MOD_OVERSIZE, &out), NOS_OK);
    assert_int_equal(out.len, 1002);
    pages_give(&b, out.data, out.len);
}

/* ---- boot modules ---- */

static void modules_of_the_policy(void **state)
{
    static const char *const names[] = { "A.MOD", "NONE.MOD", "B.MOD", NULL };
    (void)state;
    list = names;
    assert_int_equal(stage_files(&b), NOS_OK);
    b.subject = "of another stage";
    assert_int_equal(stage_modules(&b), NOS_OK);
    assert_int_equal(info.n_files, 3);
    assert_int_equal(folder.closes, 1);
    assert_int_equal(printed, 2);
    assert_string_equal(text_before, "read: NONE.MOD: BOOT_NO_FILE (boot goes on without it)");
    assert_string_equal(text,
                        "read: KERNEL.MOD 1000 B, BOOT.POL 1001 B, 2 of 3 boot modules 1.9 KiB");
    for (unsigned i = 0; i < 3; i++) {
        const struct nos_boot_file *f = &info.file[i];
        assert_string_equal(f->name, names[i]);
        assert_int_equal(f->status, i == 1 ? NOS_BOOT_NO_FILE : NOS_OK);
        assert_int_equal(f->len, i == 0 ? 1002 : i == 1 ? 0 : 1003);
        assert_int_equal(f->base != 0, i != 1);
    }
    assert_int_equal(((uint8_t *)(uintptr_t)info.file[2].base)[1002], 'B');
}

static void too_long_a_module(void **state)
{
    static const char *const names[] = { "A.MOD", NULL };
    (void)state;
    list = names;
    assert_int_equal(stage_files(&b), NOS_OK);
    file[2].len = module_file_max + 1;
    assert_int_equal(stage_modules(&b), NOS_OK);
    assert_int_equal(info.file[0].status, NOS_MOD_OVERSIZE);
    assert_int_equal(info.file[0].len, 0);
    assert_int_equal(info.file[0].base, 0);
}

static void as_many_as_there_is_room_for(void **state)
{
    static const char *names[NOS_BOOT_FILES_MAX + 2];
    (void)state;
    for (unsigned i = 0; i < NOS_BOOT_FILES_MAX + 1; i++) {
        names[i] = "A.MOD";
    }
    list = names;
    assert_int_equal(stage_files(&b), NOS_OK);
    assert_int_equal(stage_modules(&b), NOS_OK);
    assert_int_equal(info.n_files, NOS_BOOT_FILES_MAX);
    assert_int_equal(file[2].opens, NOS_BOOT_FILES_MAX);
}

/* A policy that is not the roots' does not choose what is read. */
static void not_by_a_policy_that_is_wrong(void **state)
{
    static const char *const names[] = { "A.MOD", NULL };
    (void)state;
    list = names;
    assert_int_equal(stage_files(&b), NOS_OK);
    policy_says = NOS_BAD_SIGNATURE;
    assert_int_equal(stage_modules(&b), NOS_BAD_SIGNATURE);
    assert_string_equal(b.subject, "BOOT.POL");
    assert_int_equal(info.n_files, 0);
    assert_int_equal(file[2].opens, 0);
    assert_int_equal(printed, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, drop)
    const struct CMUnitTest tests[] = {
        TEST(both_are_read),
        TEST(no_volume),
        TEST(no_file),
        TEST(as_long_as_may_be),
        TEST(an_empty_file),
        TEST(a_name_that_is_none),
        TEST(a_name_of_full_length),
        TEST(modules_of_the_policy),
        TEST(too_long_a_module),
        TEST(as_many_as_there_is_room_for),
        TEST(not_by_a_policy_that_is_wrong),
    };
    return cmocka_run_group_tests_name("boot_files", tests, NULL, NULL);
}
