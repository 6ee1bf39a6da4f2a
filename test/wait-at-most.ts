/**
 * The longest that a test waits for one thing. Tests wait for events and assert nothing about elapsed time: this bound only lets a test that would hang
 * say what it waited for. It is just below the time limit of a test, and far above what a machine needs that is five times slower than usual.
 */
export const WAIT_AT_MOST_MS = 50_000;

/** The same for tests that start the demo or a whole Cloud Foundry, and the time limit of such a test. */
export const WAIT_FOR_WORLD_AT_MOST_MS = 240_000;
export const WORLD_TEST_LIMIT_MS = 300_000;
