import { startWorker } from '../../src/app/worker.ts';
import { serveRole } from './serve-role.ts';

/** The real worker, in a process that can be killed. It logs to stdout. */
await serveRole('worker', startWorker);
