import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'commands/**/*.test.ts', 'test/**/*.test.ts'],
    // Real servers are started and stopped in tests: slow machines get the time they need, and nothing is asserted about it.
    // Most of what tests do is wait for real servers: twice as many at once as there are processors keeps these busy.
    maxWorkers: 2 * availableParallelism(),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A promise that nobody waits for is a fault of ours, and fails the run.
    dangerouslyIgnoreUnhandledErrors: false,
    unstubEnvs: true,
  },
});
