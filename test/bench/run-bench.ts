import { benchAcknowledgement } from './acknowledgement.ts';
import { benchAnswer } from './answer.ts';
import { benchApproval } from './approval.ts';
import { benchClusters } from './clusters.ts';
import { benchColdStart } from './cold-start.ts';
import { benchDigest } from './digest.ts';
import { benchDopplerKeys } from './doppler-keys.ts';
import type { Figure } from './figure.ts';
import { benchFindCertificates } from './find-certificates.ts';
import { benchHistory } from './history.ts';
import { benchLeftovers } from './leftovers.ts';
import { benchPipeline } from './pipeline.ts';
import { benchReadCertificates } from './read-certificates.ts';
import { benchTlsScan } from './tls-scan.ts';

/** What is left in `lasting` is stopped after the bench, and at Ctrl-C. */
type Bench = (lasting: AsyncDisposableStack) => Promise<readonly Figure[]>;

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
  history: benchHistory,
  digest: async () => benchDigest(),
  start: benchColdStart,
};

/** As a shell says of Ctrl-C. */
const INTERRUPTED = 130;

/** Run as a process of its own: what one bench leaves in memory and makes of the compiled code would slow the next. */
const lasting = new AsyncDisposableStack();
let stopping = false;
const interrupted = () => {
  stopping = true;
  void lasting.disposeAsync().finally(() => process.exit(INTERRUPTED));
};
process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
try {
  const figures = await BENCHES[process.argv[2] ?? '']?.(lasting);
  process.send?.(figures);
  await lasting.disposeAsync();
  process.disconnect();
} catch (error) {
  // A bench whose servers are taken away fails, and that is no news.
  if (!stopping) {
    await lasting.disposeAsync();
    throw error;
  }
}
