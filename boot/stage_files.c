/*
 * Stage: open the volume the loader came from, and read kernel and policy into the pages where they
 * will stay. Each file is read once; what is verified later is this copy, never the volume again.
 */
#include "boot/firmware.h"
#include "boot/volume.h"
#include "lib/text.h"

#include <string.h>

/* A kernel is some hundred KiB; 16 MiB leaves room for symbols and keeps a 64 MiB machine from
 * choking on junk. */
enum { KERNEL_FILE_MAX = 16 << 20 };

static const char kernel_name[NOS_NAME_MAX] = "KERNEL.MOD";
static const char policy_name[NOS_NAME_MAX] = "BOOT.POL";

static nos_status_t folder_open(struct boot *b)
{
    static const struct uefi_guid image_guid = UEFI_LOADED_IMAGE_GUID;
    static const struct uefi_guid volume_guid = UEFI_FILE_SYSTEM_GUID;
    struct uefi_loaded_image *image = NULL;
    struct uefi_file_system *volume = NULL;
    struct uefi_file *root = NULL;

    if (FIRMWARE(b->bs->handle_protocol(b->image, &image_guid, (void **)&image)) != UEFI_SUCCESS ||
        FIRMWARE(b->bs->handle_protocol(image->device, &volume_guid, (void **)&volume)) !=
            UEFI_SUCCESS ||
        FIRMWARE(volume->open_volume(volume, &root)) != UEFI_SUCCESS) {
        return NOS_BOOT_VOLUME;
    }
    uefi_status_t st = FIRMWARE(root->open(root, &b->folder, u"N0N", UEFI_FILE_READ, 0));
    (void)FIRMWARE(root->close(root));
    if (st == UEFI_NOT_FOUND) {
        return NOS_BOOT_NO_FILE;
    }
    return st == UEFI_SUCCESS ? NOS_OK : NOS_BOOT_VOLUME;
}

static nos_status_t file_open(struct boot *b, const char name[NOS_NAME_MAX], struct uefi_file **out)
{
    uint16_t path[NOS_NAME_MAX + 1];
    size_t n = name16_len(name);

    for (size_t i = 0; i < n; i++) {
        path[i] = (uint8_t)name[i];
    }
    path[n] = 0;
    uefi_status_t st = FIRMWARE(b->folder->open(b->folder, out, path, UEFI_FILE_READ, 0));
    if (st == UEFI_NOT_FOUND) {
        return NOS_BOOT_NO_FILE;
    }
    return st == UEFI_SUCCESS ? NOS_OK : NOS_BOOT_VOLUME;
}

static nos_status_t file_length(struct uefi_file *f, uint64_t *len)
{
    uint64_t end = 0;
    if (FIRMWARE(f->set_position(f, UEFI_FILE_END)) != UEFI_SUCCESS ||
        FIRMWARE(f->get_position(f, &end)) != UEFI_SUCCESS ||
        FIRMWARE(f->set_position(f, 0)) != UEFI_SUCCESS) {
        return NOS_BOOT_VOLUME;  // a folder of that name ends here, too
    }
    *len = end;
    return NOS_OK;
}

static nos_status_t file_fill(struct uefi_file *f, struct boot_buffer to)
{
    uint64_t at = 0;
    while (at < to.len) {
        uint64_t n = to.len - at;
        if (FIRMWARE(f->read(f, &n, to.data + at)) != UEFI_SUCCESS || n == 0 || n > to.len - at) {
            return NOS_BOOT_VOLUME;
        }
        at += n;
    }
    return NOS_OK;
}

static nos_status_t file_take(struct boot *b, struct uefi_file *f, uint64_t max,
                              nos_status_t too_big, struct boot_buffer *out)
{
    struct boot_buffer buffer = { NULL, 0 };
    nos_status_t st = file_length(f, &buffer.len);
    if (st == NOS_OK && buffer.len > max) {
        st = too_big;
    }
    if (st == NOS_OK && buffer.len > 0) {
        st = pages_take(b, buffer.len, &buffer.data);
    }
    if (st == NOS_OK) {
        st = file_fill(f, buffer);
    }
    if (st == NOS_OK) {
        *out = buffer;
    } else if (buffer.data != NULL) {
        pages_give(b, buffer.data, buffer.len);
    }
    return st;
}

nos_status_t volume_read(struct boot *b, const char name[NOS_NAME_MAX], uint64_t max,
                         nos_status_t too_big, struct boot_buffer *out)
{
    struct uefi_file *f = NULL;
    nos_status_t st = file16_ok(name) ? file_open(b, name, &f) : NOS_POL_FIELD;
    if (st != NOS_OK) {
        return st;
    }
    st = file_take(b, f, max, too_big, out);
    (void)FIRMWARE(f->close(f));
    return st;
}

static void record(struct nos_boot_file *to, const char name[NOS_NAME_MAX], struct boot_buffer file)
{
    memcpy(to->name, name, NOS_NAME_MAX);
    to->base = (uint64_t)file.data;
    to->len = file.len;
    to->status = NOS_OK;
}

nos_status_t stage_files(struct boot *b)
{
    b->subject = "\\N0N";
    nos_status_t st = folder_open(b);
    if (st == NOS_OK) {
        b->subject = kernel_name;
        st = volume_read(b, kernel_name, KERNEL_FILE_MAX, NOS_MOD_OVERSIZE, &b->kernel_file);
    }
    if (st == NOS_OK) {
        b->subject = policy_name;
        st = volume_read(b, policy_name, NOS_POL_FILE_MAX, NOS_POL_OVERSIZE, &b->policy_file);
    }
    if (st == NOS_OK) {
        record(&b->info->kernel, kernel_name, b->kernel_file);
        record(&b->info->policy, policy_name, b->policy_file);
    }
    return st;
}
