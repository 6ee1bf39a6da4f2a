// Loaded before the time starts, as in the baseline. The source loads it with its first request.
import 'dockerode';
import { check } from '../../commands/node/leftovers/check.ts';
import { closeEnvironments, openEnvironments } from '../../src/app/environments.ts';
import { runCheck } from '../../src/check/run-check.ts';
import { configSchema } from '../../src/config/schema.ts';
import { ASKED_AT } from './engine-content.ts';

/** Runs `node/leftovers` on an engine, through the sources that a worker would open. Runs as a separate process; its argument is the port of the engine. */
const { environments: configured } = configSchema.parse({
  environments: {
    bench: { sources: [{ kind: 'docker', name: 'lab', url: `tcp://127.0.0.1:${process.argv[2]}` }] },
  },
});
const environments = await openEnvironments(configured);
const startedAt = performance.now();
const { findings, gaps } = await runCheck(check, {
  check: 'node/leftovers',
  environment: 'bench',
  args: {},
  earlier: [],
  now: new Date(ASKED_AT),
  read: environments.get('bench')?.readers ?? {},
  signal: new AbortController().signal,
  deadlineMs: 3_600_000,
  onSamples: () => {},
});
const ms = performance.now() - startedAt;
await closeEnvironments(environments);
const stopped = findings.find(({ reason }) => reason === 'stopped-containers');
process.send?.({ containers: stopped?.targets?.length ?? 0, gaps: gaps.length, ms });
process.disconnect();
