/* cli/source.c, field.c, capsrc.c, manifestsrc.c, policysrc.c: JSON sources. Each row of the tables
 * breaks one rule of a good source; the message must name the file, the field and, where there is
 * one, the set of allowed values. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/keyfile.h"
#include "cli/manifestsrc.h"
#include "cli/policysrc.h"
#include "cli/report.h"
#include "cli/source.h"
#include "lib/manifest.h"
#include "lib/policy.h"
#include "tests/host/test.h"

static char dir[] = "/tmp/n0n-source.XXXXXX";
static char said[8192];
static int real_stderr;

static void hear(void)
{
    int fd = open("stderr", O_RDWR | O_CREAT | O_TRUNC, 0600);
    fflush(stderr);
    real_stderr = dup(2);
    dup2(fd, 2);
    close(fd);
}

static void heard(void)
{
    fflush(stderr);
    ssize_t n = 0;
    int fd = open("stderr", O_RDONLY);
    n = read(fd, said, sizeof(said) - 1);
    close(fd);
    said[n < 0 ? 0 : n] = '\0';
    dup2(real_stderr, 2);
    close(real_stderr);
}

static void write_source(const char *text, size_t len)
{
    int fd = open("source.json", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    close(fd);
}

/** `good` with the first `from` replaced by `to`. */
static char *edit(const char *good, const char *from, const char *to)
{
    const char *at = strstr(good, from);
    if (at == NULL) {
        fail_msg("the good source has no %s", from);
    }
    return must_printf("%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
}

static int manifest(const char *text, struct module_source *out)
{
    const struct module_wishes wish = { 0 };
    write_source(text, strlen(text));
    hear();
    int rc = manifestsrc_read("source.json", &wish, out);
    heard();
    return rc;
}

struct broken {
    const char *from, *to, *says; /* `says` has to be in the message, after the file's name */
};

static const char good_manifest[] =
    "{ \"//\": \"comment\", \"name\": \"console\", \"version\": \"1.2.3\", \"sec_version\": 4,\n"
    "  \"about\": \"caf\xc3\xa9\", \"licence\": \"ISC\",\n"
    "  \"classes\": [\"CoreExec\", \"IO\", \"IPC\"],\n"
    "  \"caps\": [ { \"kind\": \"log\" },\n"
    "    { \"kind\": \"ports\", \"base\": \"0x3f8\", \"count\": 8, \"rights\": [\"read\", "
    "\"write\"], \"ttl_ms\": 7 },\n"
    "    { \"kind\": \"endpoint\", \"name\": \"console\", \"rights\": [\"recv\"] },\n"
    "    { \"kind\": \"interrupt\", \"line\": 4, \"rights\": [\"wait\"] } ],\n"
    "  \"limits\": { \"memory_kib\": 1024, \"stack_kib\": 64, \"handles\": 32, \"threads\": 2, "
    "\"priority\": 20, \"objects\": 300 },\n"
    "  \"sched\": { \"budget_us\": 2000, \"period_us\": 10000, \"cpus\": [0, 33] },\n"
    "  \"children\": { \"memory_kib\": 4096, \"capsules\": 3 },\n"
    "  \"restart\": { \"when\": \"always\", \"backoff_ms\": 100, \"max\": 10, \"window_s\": 60, "
    "\"escalate\": \"system\" }, \"needs\": [\"vault\", \"disk\"], "
    "\"control\": { \"endpoint\": \"console\", \"every_ms\": 5000, \"deadline_ms\": 700, "
    "\"stop_ms\": 900 },\n"
    "  \"filter\": [\"exit\", \"ipc_call\"] }\n";

static const struct broken manifest_rows[] = {
    { "{ \"//\"", "[ \"//\"", "not JSON" },
    { "}\n", "}\n]", "source.json:12: not JSON" },
    { "\"name\": \"console\", \"ver", "\"ver", "\"name\" is missing" },
    { "\"console\"", "\"Console\"", "name: must be a name: 1 to 16 of a-z" },
    { "\"console\"", "\"\"", "name: must be a name" },
    { "\"console\"", "\"seventeen-letters\"", "name: must be a name" },
    { "\"console\"", "7", "name: must be a name" },
    { "\"name\": \"console\"", "\"name\": \"console\", \"name\": \"x\"",
      "key \"name\" appears twice" },
    { "\"name\"", "\"\\u001b[31m\": 1, \"\\u001b[31m\": 2, \"name\"",
      "key \"\\x1b[31m\" appears twice" },
    { "\"name\"", "\"nam\"", "unknown key \"nam\"; allowed: name, version" },
    { "\"name\"", "\"\\u001b[31m\"", "unknown key \"\\x1b[31m\"" },
    { "1.2.3", "1.2", "version: is 3 bytes of text; allowed: 5" },
    { "1.2.3", "1.2.65536", "version: must be MAJOR.MINOR.PATCH" },
    { "1.2.3", "1.2.3-x", "version: must be MAJOR.MINOR.PATCH" },
    { "1.2.3", "+1.2.3", "version: must be MAJOR.MINOR.PATCH" },
    { "1.2.3", "1. 2.3", "version: must be MAJOR.MINOR.PATCH" },
    { "1.2.3", "01.2.3", "version: must be MAJOR.MINOR.PATCH" },
    { "\"version\": \"1.2.3\"", "\"version\": 1", "version: must be text" },
    { "\"sec_version\": 4", "\"sec_version\": -1",
      "sec_version: must be a whole number from 0 to 4294967295" },
    { "\"sec_version\": 4", "\"sec_version\": 1.5", "sec_version: must be a whole number" },
    { "\"sec_version\": 4", "\"sec_version\": 4294967296", "sec_version: must be a whole number" },
    { "\"sec_version\": 4", "\"sec_version\": 1e300", "sec_version: must be a whole number" },
    { "\"sec_version\": 4", "\"sec_version\": \"\"", "sec_version: must be a whole number" },
    { "\"sec_version\": 4", "\"sec_version\": \"0x\"", "sec_version: must be a whole number" },
    { "\"sec_version\": 4", "\"sec_version\": \"-4\"", "sec_version: must be a whole number" },
    { "\"sec_version\": 4", "\"sec_version\": \" 4\"", "sec_version: must be a whole number" },
    { "\"sec_version\": 4", "\"sec_version\": \"4x\"", "sec_version: must be a whole number" },
    { "\"sec_version\": 4", "\"sec_version\": null", "sec_version: must be a whole number" },
    { "\"sec_version\": 4", "\"sec_version\": \"99999999999999999999999\"",
      "sec_version: must be a whole number" },
    { "caf\xc3\xa9", "a\\nb", "about: must be plain UTF-8" },
    { "caf\xc3\xa9", "caf\xc3", "about: must be plain UTF-8" },
    { "caf\xc3\xa9", "\\u001b[2J", "about: must be plain UTF-8" },
    { "caf\xc3\xa9", "\\u202e", "about: must be plain UTF-8" },
    { "caf\xc3\xa9", "", "about: is 0 bytes of text; allowed: 1 to 200" },
    { "[\"CoreExec\", ", "[\"CoreExe\", ",
      "classes[0]: \"CoreExe\" is no capability class; allowed: CoreExec, IO, Network" },
    { "[\"CoreExec\", ", "[", "classes must have \"CoreExec\"" },
    { "[\"CoreExec\", ", "[\"CoreExec\", \"CoreExec\", ", "classes[1]: is in the list twice" },
    { "[\"CoreExec\", \"IO\", \"IPC\"]", "[]", "classes: has 0 items" },
    { "[\"CoreExec\", \"IO\", \"IPC\"]", "\"CoreExec\"", "classes: must be a list" },
    { "\"IO\", ", "", "caps has kind \"log\", so classes must have \"IO\"" },
    { ", \"IPC\"", "", "caps has kind \"endpoint\", so classes must have \"IPC\"" },
    { "{ \"kind\": \"log\" }", "7", "caps[0]: must be an object" },
    { "{ \"kind\": \"log\" }", "{}", "caps[0]: \"kind\" is missing" },
    { "\"kind\": \"log\"", "\"kind\": \"logs\"",
      "caps[0].kind: \"logs\" is no capability kind; allowed: log, endpoint" },
    { "\"kind\": \"log\"", "\"kind\": \"log\", \"rights\": [\"read\"]",
      "caps[0]: unknown key \"rights\"; allowed: kind" },
    { "\"kind\": \"log\"", "\"kind\": \"power\"", "caps[0]: \"rights\" is missing" },
    { "\"kind\": \"log\"", "\"kind\": \"power\", \"rights\": [\"off\"], \"line\": 1",
      "caps[0]: unknown key \"line\"" },
    { "\"kind\": \"log\"", "\"kind\": \"power\", \"rights\": [\"of\"]",
      "caps[0].rights[0]: \"of\" is no right; allowed: dup" },
    { "\"kind\": \"log\"", "\"kind\": \"power\", \"rights\": [\"call\"]",
      "caps[0].rights: right \"call\" means nothing for kind \"power\"" },
    { "\"kind\": \"log\"", "\"kind\": \"power\", \"rights\": []", "caps[0].rights: has 0 items" },
    { "\"0x3f8\"", "65536", "caps[1].base: must be a whole number from 0 to 65535" },
    { "\"0x3f8\"", "65530", "caps[1].count: must be a whole number from 1 to 6" },
    { "\"count\": 8", "\"count\": 0", "caps[1].count: must be a whole number from 1" },
    { "\"ttl_ms\": 7", "\"ttl_ms\": \"18446744073709551615\"",
      "caps[1].ttl_ms: must be a whole number" },
    { "\"name\": \"console\", \"rights\"", "\"name\": \"-\", \"rights\"",
      "caps[2].name: must be a name" },
    { "\"line\": 4", "\"line\": 16", "caps[3].line: must be a whole number from 0 to 15" },
    { "{ \"kind\": \"log\" },", "{ \"kind\": \"log\" }, { \"kind\": \"log\" },",
      "caps[1]: is for the same object as item 0" },
    { "\"memory_kib\": 1024", "\"memory_kib\": 60",
      "limits.memory_kib: must be a whole number from 64 to 1048576" },
    { "\"memory_kib\": 1024", "\"memory_kib\": 1023",
      "limits.memory_kib: must be a multiple of 4" },
    { "\"stack_kib\": 64", "\"stack_kib\": 2048",
      "limits.stack_kib: must be a whole number from 4 to 1024" },
    { "\"handles\": 32", "\"handles\": 7",
      "limits.handles: must be a whole number from 8 to 1024" },
    { "\"threads\": 2", "\"threads\": 65", "limits.threads: must be a whole number from 1 to 64" },
    { "\"priority\": 20", "\"priority\": 31",
      "limits.priority: must be a whole number from 0 to 30" },
    { ", \"priority\": 20", "", "limits: \"priority\" is missing" },
    { "\"limits\": {", "\"limits\": { \"x\": 1,",
      "limits: unknown key \"x\"; allowed: memory_kib" },
    { "\"always\"", "\"often\"",
      "restart.when: \"often\" is no restart rule; allowed: never, on-crash, always" },
    { "\"backoff_ms\": 100", "\"backoff_ms\": 60001",
      "restart.backoff_ms: must be a whole number from 0 to 60000" },
    { "\"max\": 10", "\"max\": 0", "restart.max: must be a whole number from 1 to 1000" },
    { "\"window_s\": 60", "\"window_s\": 3601",
      "restart.window_s: must be a whole number from 1 to 3600" },
    { "\"system\"", "\"all\"",
      "restart.escalate: \"all\" is no escalation; allowed: none, dependants, system" },
    { "\"always\"", "\"never\"", "restart.escalate: is for a module that is restarted" },
    { "\"vault\", \"disk\"", "\"vault\", \"vault\"", "needs: has \"vault\" twice" },
    { "\"vault\", \"disk\"", "\"console\"", "needs[0]: is the module itself" },
    { "\"vault\", \"disk\"", "\"Vault\"", "needs[0]: must be a name" },
    { "\"vault\", \"disk\"", "", "needs: has 0 items" },
    { "\"endpoint\": \"console\", ", "", "control: \"endpoint\" is missing" },
    { "\"endpoint\": \"console\"", "\"endpoint\": \"other\"",
      "control: caps must have the endpoint \"other\" with \"recv\"" },
    { "[\"recv\"]", "[\"call\"]",
      "control: caps must have the endpoint \"console\" with \"recv\"" },
    { "\"every_ms\": 5000, ", "", "control: \"every_ms\" is missing" },
    { "\"deadline_ms\": 700, ", "", "control: \"deadline_ms\" is missing" },
    { "\"every_ms\": 5000", "\"every_ms\": 99",
      "control.every_ms: must be a whole number from 100 to 3600000" },
    { "\"deadline_ms\": 700", "\"deadline_ms\": 9",
      "control.deadline_ms: must be a whole number from 10 to 60000" },
    { "\"stop_ms\": 900", "\"stop_ms\": 0",
      "control.stop_ms: must be a whole number from 1 to 60000" },
    { ", \"every_ms\": 5000, \"deadline_ms\": 700, \"stop_ms\": 900", "",
      "control: must have \"every_ms\" and \"deadline_ms\", or \"stop_ms\"" },
    { "\"objects\": 300", "\"objects\": 7",
      "limits.objects: must be a whole number from 8 to 4096" },
    { "\"budget_us\": 2000, ", "", "sched: \"budget_us\" is missing" },
    { "\"period_us\": 10000, ", "", "sched: \"period_us\" is missing" },
    { "\"budget_us\": 2000", "\"budget_us\": 10001",
      "sched.budget_us: must be a whole number from 100 to 10000" },
    { "\"period_us\": 10000", "\"period_us\": 999",
      "sched.period_us: must be a whole number from 1000 to 1000000" },
    { "[0, 33]", "[64]", "sched.cpus[0]: must be a whole number from 0 to 63" },
    { "[0, 33]", "[0, 0]", "sched.cpus[1]: is in the list twice" },
    { "[0, 33]", "[]", "sched.cpus: has 0 items" },
    { "\"capsules\": 3", "\"capsules\": 0",
      "children.capsules: must be a whole number from 1 to 65536" },
    { "\"memory_kib\": 4096, ", "", "children: \"memory_kib\" is missing" },
    { "[\"exit\", \"ipc_call\"]", "{ \"with\": [\"exit\"] }",
      "filter: unknown key \"with\"; allowed: only, without" },
    { "[\"exit\", \"ipc_call\"]", "{ }", "filter: must have either \"only\" or \"without\"" },
    { "[\"exit\", \"ipc_call\"]", "{ \"only\": [\"exit\"], \"without\": [\"exit\"] }",
      "filter: must have either \"only\" or \"without\"" },
    { "[\"exit\", \"ipc_call\"]", "{ \"without\": [\"exot\"] }",
      "filter.without[0]: \"exot\" is no system call" },
    { "\"exit\"", "\"exot\"", "filter[0]: \"exot\" is no system call; allowed: null, exit" },
    { "[\"exit\", \"ipc_call\"]", "[]", "filter: has 0 items" },
    { "4,\n", "[[[[[[[[4]]]]]]]],\n", "nested more than 8 deep" },
};

static void test_manifest_good(void **state)
{
    (void)state;
    struct module_source m;
    struct manifest got;
    struct nos_cap cap;
    assert_int_equal(manifest(good_manifest, &m), DONE);
    assert_string_equal(said, "");
    assert_true(m.version == (1ull << 32 | 2 << 16 | 3));
    assert_int_equal(m.sec_version, 4);
    assert_int_equal(manifest_parse(buf_span(&m.manifest), &got), NOS_OK);
    assert_int_equal(got.n_caps, 4);
    assert_int_equal(got.limits.mem_pages, 256);
    assert_int_equal(got.restart.max_in_window, 10);
    assert_int_equal(got.limits.objects, 300);
    assert_true(got.sched.budget_us == 2000 && got.sched.period_us == 10000 &&
                got.sched.cpus == (1 | 1ull << 33));
    assert_true(got.children.mem_pages == 1024 && got.children.capsules == 3);
    assert_true(got.control.every_ms == 5000 && got.control.deadline_ms == 700 &&
                got.control.stop_ms == 900 && got.control.escalate == NOS_ESCALATE_SYSTEM);
    assert_memory_equal(got.control.endpoint, "console", 8);
    assert_int_equal(got.needs.len, 32);
    assert_memory_equal(got.needs.data, "disk", 5);  // sorted
    assert_true(got.filter[0] == ((1ull << 1) | (1ull << 21)) && got.filter[1] == 0);
    assert_true(manifest_cap(&got, 2, &cap));
    assert_int_equal(cap.kind, NOS_CAP_PORTS);
    assert_true(cap.a == 0x3f8 && cap.b == 8 && cap.ttl_ns == 7000000);
    buf_free(&m.manifest);
}

/* The bytes that a source with one change compiles to. */
static struct buf compiled(const char *from, const char *to)
{
    struct module_source m;
    char *text = edit(good_manifest, from, to);
    assert_int_equal(manifest(text, &m), DONE);
    free(text);
    return m.manifest;
}

static void test_one_form(void **state)
{
    static const char *const same[][3] = {
        { "[\"exit\", \"ipc_call\"]", "{ \"only\": [\"ipc_call\", \"exit\"] }", NULL },
        { ", \"objects\": 300", ", \"objects\": 256", "" },
        { "\"sched\": { \"budget_us\": 2000, \"period_us\": 10000, \"cpus\": [0, 33] },",
          "\"sched\": { },", "" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        struct buf a = compiled(same[i][0], same[i][1]);
        struct buf b = compiled(same[i][0], same[i][2] == NULL ? same[i][0] : same[i][2]);
        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.data, b.data, a.len);
        buf_free(&a);
        buf_free(&b);
    }
    struct manifest got;
    struct buf w = compiled("[\"exit\", \"ipc_call\"]", "{ \"without\": [\"exit\", \"null\"] }");
    assert_int_equal(manifest_parse(buf_span(&w), &got), NOS_OK);
    assert_true(got.filter[0] == ~3ull && got.filter[1] == ~0ull);
    buf_free(&w);
    w = compiled("\"budget_us\": 2000, \"period_us\": 10000, ", "");
    assert_int_equal(manifest_parse(buf_span(&w), &got), NOS_OK);
    assert_true(got.sched.budget_us == 0 && got.sched.period_us == 0 &&
                got.sched.cpus == (1 | 1ull << 33));
    buf_free(&w);
}

static void test_manifest_broken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(manifest_rows) / sizeof(manifest_rows[0]); i++) {
        const struct broken *b = &manifest_rows[i];
        struct module_source m = { 0 };
        char *text = edit(good_manifest, b->from, b->to);
        int rc = manifest(text, &m);
        if (rc != USAGE || strstr(said, b->says) == NULL || strstr(said, "source.json") == NULL ||
            strchr(said, '\x1b') != NULL) {
            fail_msg("%s -> %s: exit %d, said: %s", b->from, b->to, rc, said);
        }
        free(text);
    }
}

static void test_manifest_cut(void **state)
{
    (void)state;
    const struct module_wishes wish = { 0 };
    for (size_t n = 0; n < strlen(good_manifest) - 2; n++) {
        struct module_source m = { 0 };
        write_source(good_manifest, n);
        hear();
        int rc = manifestsrc_read("source.json", &wish, &m);
        heard();
        assert_int_equal(rc, USAGE);
    }
    write_source("{\0}", 3);
    struct module_source m = { 0 };
    hear();
    int rc = manifestsrc_read("source.json", &wish, &m);
    heard();
    assert_int_equal(rc, USAGE);
    assert_non_null(strstr(said, "zero byte"));
}

static const char good_policy[] =
    "{ \"epoch\": 2, \"kernel_sec_min\": 1, \"panic_hold\": true, \"operator\": \"op.pub\",\n"
    "  \"publishers\": [ { \"name\": \"dev\", \"key\": \"pub.pub\", \"classes\": [\"CoreExec\", "
    "\"IO\"] } ],\n"
    "  \"rules\": [ { \"publisher\": \"dev\", \"module\": \"init\", \"classes\": [\"CoreExec\"], "
    "\"memory_kib\": 64,\n"
    "                \"kill_on_filter\": true, \"cpu_percent\": 30,\n"
    "                \"grants\": [ { \"kind\": \"log\" } ] },\n"
    "    { \"module_id\": \"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\", "
    "\"classes\": [\"IO\"] } ],\n"
    "  \"boot\": [\"INIT.MOD\", \"X.MOD\"], \"first\": \"init\", \"start\": [ { \"module\": \"x\", "
    "\"arg\": \"y\" } ] }\n";

static const struct broken policy_rows[] = {
    { "\"epoch\": 2, ", "", "\"epoch\" is missing" },
    { "\"epoch\"", "\"epoche\"", "unknown key \"epoche\"; allowed: epoch, kernel_sec_min" },
    { "true", "1", "panic_hold: must be true or false" },
    { "\"operator\": \"op.pub\",", "", "\"operator\" is missing" },
    { "op.pub", "../op.pub", "operator: must be a file inside the keys folder" },
    { "op.pub", "/op.pub", "operator: must be a file inside the keys folder" },
    { "\"pub.pub\"", "\"\"", "publishers[0].key: is 0 bytes" },
    { "{ \"name\": \"dev\", \"key\"", "{ \"nam\": \"dev\", \"key\"",
      "publishers[0]: unknown key \"nam\"" },
    { "[\"CoreExec\", \"IO\"]", "[\"All\"]",
      "publishers[0].classes[0]: \"All\" is no capability class" },
    { "\"publisher\": \"dev\"", "\"publisher\": \"bob\"",
      "rules[0].publisher: no entry of \"publishers\" is named \"bob\"" },
    { "\"publisher\": \"dev\", ", "", "rules[0]: \"publisher\" is missing" },
    { "\"module\": \"init\", ", "", "rules[0]: \"module\" is missing" },
    { "\"memory_kib\": 64", "\"memory_kib\": 65", "rules[0]: memory_kib must be a multiple of 4" },
    { "\"memory_kib\": 64", "\"priority\": 31",
      "rules[0].priority: must be a whole number from 0 to 30" },
    { "\"cpu_percent\": 30", "\"cpu_percent\": 101",
      "rules[0].cpu_percent: must be a whole number from 0 to 100" },
    { "\"kill_on_filter\": true", "\"kill_on_filter\": 1",
      "rules[0].kill_on_filter: must be true or false" },
    { "{ \"kind\": \"log\" }", "{ \"kind\": \"network\", \"rights\": [\"call\"] }",
      "rules[0].grants[0]: \"name\" is missing" },
    { "{ \"kind\": \"log\" }", "{ \"kind\": \"log\" }, { \"kind\": \"log\" }",
      "rules[0].grants[1]: is for the same object" },
    { "\"module_id\": \"0011", "\"module_id\": \"001g",
      "rules[1].module_id: must be 64 hexadecimal digits" },
    { "\"module_id\": \"0011", "\"module_id\": \"001", "rules[1].module_id: is 63 bytes" },
    { "\"module_id\"", "\"module\": \"a\", \"module_id\"",
      "rules[1]: has module_id, so publisher and module must go" },
    { "\"memory_kib\": 64,\n",
      "\"memory_kib\": 64 },\n { \"publisher\": \"dev\", \"module\": \"init\", \"classes\": "
      "[\"IO\"],",
      "rules[1]: is for the same module as item 0" },
    { "\"INIT.MOD\"", "\"init.mod\"", "boot[0]: must be a file name like" },
    { "\"INIT.MOD\"", "\"A/B.MOD\"", "boot[0]: must be a file name like" },
    { "\"X.MOD\"", "\"INIT.MOD\"", "boot[1]: is in the list twice" },
    { "[\"INIT.MOD\", \"X.MOD\"]", "[]", "boot: has 0 items; allowed: 1 to 32" },
    { "\"first\": \"init\", ", "", "\"first\" is missing" },
    { "\"module\": \"x\"", "\"module\": \"X\"", "start[0].module: must be a name" },
    { "\"arg\": \"y\"", "\"arg\": \"y\\u0007\"", "start[0].arg: must be plain UTF-8" },
    { "\"arg\": \"y\"",
      "\"arg\": \"0123456789012345678901234567890123456789012345678901234567890123\"",
      "start[0].arg: is 64 bytes of text; allowed: 0 to 63" },
};

static int policy(const char *text, struct buf *out)
{
    const struct policy_wishes wish = { .keys_dir = "keys", .n_sig = 1 };
    write_source(text, strlen(text));
    hear();
    int rc = policysrc_read("source.json", &wish, out);
    heard();
    return rc;
}

static void save_public(const char *path, enum key_type type)
{
    struct key_secret k;
    const uint8_t next[32] = { 1 };
    key_generate(type, next, &k);
    struct buf text = key_public_text(&k.pub);
    assert_int_equal(file_write(path, buf_span(&text), 0644), DONE);
    buf_free(&text);
    key_wipe(&k);
}

static void test_policy_good(void **state)
{
    (void)state;
    struct buf file;
    struct policy p;
    struct nos_pol_rule r;
    assert_int_equal(policy(good_policy, &file), DONE);
    assert_string_equal(said, "");
    assert_int_equal(policy_parse(buf_span(&file), &p), NOS_OK);
    assert_true(p.view.epoch == 2 && p.view.flags == NOS_POL_PANIC_HOLD &&
                p.view.kernel_sec_min == 1);
    assert_int_equal(p.n_rules, 2);
    assert_true(policy_rule_at(&p, 0, &r) && r.match == NOS_MATCH_ID && r.grants_n == 0);
    assert_true(policy_rule_at(&p, 1, &r) && r.mem_pages == 16 && r.grants_n == 1 &&
                r.priority == 30 && r.flags == NOS_RULE_KILL_ON_FILTER && r.cpu_percent == 30);
    assert_true(p.n_boot == 2 && p.n_start == 1 && strcmp(p.first, "init") == 0);
    buf_free(&file);
}

static void test_policy_broken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(policy_rows) / sizeof(policy_rows[0]); i++) {
        const struct broken *b = &policy_rows[i];
        struct buf file = { NULL, 0 };
        char *text = edit(good_policy, b->from, b->to);
        int rc = policy(text, &file);
        if (rc != USAGE || strstr(said, b->says) == NULL || strstr(said, "source.json") == NULL) {
            fail_msg("%s -> %s: exit %d, said: %s", b->from, b->to, rc, said);
        }
        free(text);
    }
}

static void test_policy_wrong_keys(void **state)
{
    (void)state;
    struct buf file = { NULL, 0 };
    char *text = edit(good_policy, "op.pub", "pub.pub");
    assert_int_equal(policy(text, &file), REFUSED);
    assert_non_null(strstr(said, "is of type publisher; one of type operator is needed"));
    free(text);
    text = edit(good_policy, "pub.pub", "none.pub");
    assert_int_equal(policy(text, &file), IO_FAILED);
    assert_non_null(strstr(said, "publishers[0].key names this key file"));
    free(text);
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL || chdir(dir) != 0 || mkdir("keys", 0700) != 0) {
        return -1;
    }
    save_public("keys/op.pub", KEY_OPERATOR);
    save_public("keys/pub.pub", KEY_PUBLISHER);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink("keys/op.pub") | unlink("keys/pub.pub") | rmdir("keys") | unlink("source.json") |
           unlink("stderr") | rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifest_good),     cmocka_unit_test(test_manifest_broken),
        cmocka_unit_test(test_one_form),          cmocka_unit_test(test_manifest_cut),
        cmocka_unit_test(test_policy_good),       cmocka_unit_test(test_policy_broken),
        cmocka_unit_test(test_policy_wrong_keys),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
