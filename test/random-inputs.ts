import { configureGlobal } from 'fast-check';

/**
 * Every run tries the same random inputs, so that a failure concerns the change under test and is seen again. `FUZZ_SEED=7 npm test` tries
 * others.
 */
export const FUZZ_SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_127);

configureGlobal({ seed: FUZZ_SEED });
