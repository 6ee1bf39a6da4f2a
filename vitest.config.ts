import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { MAX_WAIT_MS } from './test/timeouts.ts';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'commands/**/*.test.ts', 'scripts/**/*.test.ts', 'test/**/*.test.ts'],
    setupFiles: ['test/random-inputs.ts'],
    // Real servers are started and stopped in tests: slow machines get the time they need, and nothing is asserted about it.
    // Most of what tests do is wait for real servers: twice as many at once as there are processors keeps these busy.
    // The engine of WRENCH_TEST_DOCKER serves one test file at a time.
    maxWorkers: process.env['WRENCH_TEST_DOCKER'] ? 1 : 2 * availableParallelism(),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Vitest's own bound of a second is shorter than a busy machine takes for one look at a real server.
    expect: { poll: { timeout: MAX_WAIT_MS } },
    // A promise that nobody waits for is a fault of ours, and fails the run.
    dangerouslyIgnoreUnhandledErrors: false,
    unstubEnvs: true,
  },
});
