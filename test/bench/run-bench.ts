import { benchAcknowledgement } from './acknowledgement.ts';
import { benchAnswer } from './answer.ts';
import { benchApproval } from './approval.ts';
import { benchClusters } from './clusters.ts';
import { benchColdStart } from './cold-start.ts';
import { benchCredhub } from './credhub.ts';
import { benchDockerRun } from './docker-run.ts';
import { benchDigest } from './digest.ts';
import { benchDopplerKeys } from './doppler-keys.ts';
import type { Figure } from './figure.ts';
import { benchFindCertificates } from './find-certificates.ts';
import { benchHistory } from './history.ts';
import { benchHosts } from './hosts.ts';
import { benchLeftovers } from './leftovers.ts';
import { benchPipeline } from './pipeline.ts';
import { benchQueues } from './queues.ts';
import { benchReadCertificates } from './read-certificates.ts';
import { benchRecords } from './records.ts';
import { benchReplicas } from './replicas.ts';
import { benchTlsScan } from './tls-scan.ts';

/** Closes everything in `cleanup` after the benchmark, and at Ctrl-C. */
type Bench = (cleanup: AsyncDisposableStack) => Promise<readonly Figure[]>;

const BENCHES: Readonly<Record<string, Bench>> = {
  acknowledgement: benchAcknowledgement,
  answer: benchAnswer,
  approval: benchApproval,
  pipeline: benchPipeline,
  tls: benchTlsScan,
  keys: benchDopplerKeys,
  certificates: async () => [...(await benchReadCertificates()), ...(await benchFindCertificates())],
  clusters: benchClusters,
  leftovers: benchLeftovers,
  hosts: benchHosts,
  records: benchRecords,
  queues: benchQueues,
  credhub: benchCredhub,
  replicas: benchReplicas,
  'docker-run': benchDockerRun,
  history: benchHistory,
  digest: async () => benchDigest(),
  start: benchColdStart,
};

/** The exit code of a shell after Ctrl-C. */
const INTERRUPTED = 130;

/** Runs as a separate process, because memory and compiled code of one benchmark would slow the next. */
const cleanup = new AsyncDisposableStack();
let stopping = false;
const interrupted = () => {
  stopping = true;
  void cleanup.disposeAsync().finally(() => process.exit(INTERRUPTED));
};
process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
try {
  const figures = await BENCHES[process.argv[2] ?? '']?.(cleanup);
  process.send?.(figures);
  await cleanup.disposeAsync();
  process.disconnect();
} catch (error) {
  // A benchmark whose servers were stopped fails, which is not reported.
  if (!stopping) {
    await cleanup.disposeAsync();
    throw error;
  }
}
