import { check as disk } from '../../commands/node/disk/check.ts';
import { check as restarts } from '../../commands/pods/restarts/check.ts';
import { closeEnvironments, openEnvironments } from '../../src/app/environments.ts';
import { runCheck } from '../../src/check/run-check.ts';
import { configSchema } from '../../src/config/schema.ts';
import { MEASURED_AT } from './cluster-content.ts';

/**
 * Runs a check on a cluster, through the sources that a worker would open. Runs as a separate process; its
 * arguments are the name of the check and the path of a kubeconfig.
 */
const [name = '', kubeconfig = ''] = process.argv.slice(2);
const { environments: configured } = configSchema.parse({
  environments: { bench: { sources: [{ kind: 'kubernetes', name: 'lab', kubeconfig, kubelets: 'proxy' }] } },
});
const environments = await openEnvironments(configured);
const startedAt = performance.now();
const { examined, findings, gaps } = await runCheck(name === 'pods/restarts' ? restarts : disk, {
  check: name,
  environment: 'bench',
  args: {},
  earlier: [],
  now: new Date(MEASURED_AT),
  read: environments.get('bench')?.readers ?? {},
  signal: new AbortController().signal,
  deadlineMs: 3_600_000,
  onSamples: () => {},
});
const ms = performance.now() - startedAt;
await closeEnvironments(environments);
process.send?.({ examined, findings: findings.length, gaps: gaps.length, ms });
process.disconnect();
