import type { ProcessSettings } from '../../src/config.ts';
import { share } from '../../src/roles/common.ts';
import { startWorker } from '../../src/roles/worker.ts';
import { makeLabCatalogue } from './lab.ts';
import { configOf, type WorkerOrders } from './worker-orders.ts';

/** The product's own worker, in a process that can be killed. What it logs goes to stdout. */
const orders = JSON.parse(process.argv[2] ?? '') as WorkerOrders;
const settings: ProcessSettings = {
  port: 0,
  healthPort: 0,
  configPath: '',
  dataPath: '',
  logLevel: 'info',
  secrets: [],
};
await startWorker(
  share(settings, configOf(orders.pace), makeLabCatalogue(orders.lab), { url: orders.redisUrl }),
);
process.send?.('working');
// Whoever started it is gone: nobody is left to stop it.
process.once('disconnect', () => process.exit());
