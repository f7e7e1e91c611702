# The IPC state machine under Spin: seconds.
TEST_CHECKS += tests/spin/run
