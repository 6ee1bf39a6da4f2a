import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'commands/**/*.test.ts', 'test/**/*.test.ts'],
    // Real servers are started and stopped in tests: slow machines get the time they need, and nothing is asserted about it.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A promise that nobody waits for is a fault of ours, and fails the run.
    dangerouslyIgnoreUnhandledErrors: false,
    unstubEnvs: true,
  },
});
