import { startWorker } from '../../src/app/worker.ts';
import { serveRole } from './serve-role.ts';

/** The product's own worker, in a process that can be killed. What it logs goes to stdout. */
await serveRole('worker', startWorker);
