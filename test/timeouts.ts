/**
 * The longest a test waits for one event. Tests assert nothing about elapsed time: this limit only lets a test that hangs report what it waited for. It is
 * just below the timeout of a test, and far above what a machine needs that is five times slower than usual.
 */
export const MAX_WAIT_MS = 50_000;

/** The same for tests that start the demo or a whole Cloud Foundry, and the timeout of such a test. */
export const MAX_WORLD_WAIT_MS = 240_000;
export const WORLD_TEST_TIMEOUT_MS = 300_000;
