import type { Evidence } from '../../kit.ts';
import { optionalField } from '../../shared/evidence.ts';
import type { Facts } from './collect.ts';
import { isReloadedInPlace } from './file-readers.ts';
import type { StoredVersion } from './match.ts';
import type { RestartWorkloadOffer } from './restart-workload.ts';
import {
  describeTimes,
  processOf,
  type RestartProcessOffer,
  type RunningProcess,
} from './running-process.ts';
import type { StaleSite } from './stale-sites.ts';
import { staticPodOf, staticPodSteps } from './static-pods.ts';

/** What to do about a site that serves a former certificate. */
export interface Advice {
  readonly says: string;
  readonly steps: readonly (string | undefined)[];
  readonly evidence?: readonly Evidence[];
  readonly offer?: RestartProcessOffer | RestartWorkloadOffer;
}

/** The file is the new one already, so what reads it needs no deploy. */
export function adviceForHost(
  one: StaleSite,
  host: string,
  { processTimes, survey }: Pick<Facts, 'processTimes' | 'survey'>,
  now: Date,
): Advice {
  const {
    leaf: served,
    process: name,
    origin: { at },
  } = one;
  const { place, store, leaf, since } = at;
  const component = staticPodOf(place);
  const process = processOf({ place, store, host, leaf }, processTimes, survey, name);
  const times = process && since && describeTimes(process, since);
  const evidence = optionalField('Process', times);
  const isNewer = process?.startedAt !== undefined && since !== undefined && process.startedAt > since;
  // A worker that crashed was started again by a process that has the former certificate.
  if (isNewer && !isReloadedInPlace(process.name))
    return {
      says: `${process.name} has started since, so it reads its certificate elsewhere: check its configuration`,
      steps: [],
      evidence,
    };
  if (component !== undefined)
    return {
      says: `The process has not loaded it: restart the static pod ${component}`,
      steps: staticPodSteps(component, host),
      evidence,
    };
  const again = 'Run `/certs drift` again: the site must serve the new certificate';
  const isUsable =
    leaf !== undefined &&
    leaf.notAfter > now &&
    at.keyMatches !== false &&
    leaf.fingerprint !== served.fingerprint;
  if (!isUsable)
    return {
      says: 'The certificate in the file is not usable either: replace it first',
      steps: [],
      evidence,
    };
  const offer = isProven(process, since) ? process.restart : undefined;
  return {
    says: 'The file is new, but the process has not loaded it: reload or restart the process',
    steps: offer && 'params' in offer ? [] : [jobStep(at, host), again],
    evidence: [
      ...evidence,
      ...optionalField('Restart', offer && 'because' in offer ? `not offered: ${offer.because}` : undefined),
    ],
    ...(offer && 'params' in offer && { offer }),
  };
}

/** A restart helps only a process that is older than the file. */
function isProven(process: RunningProcess | undefined, since: Date | undefined): process is RunningProcess {
  return process?.startedAt !== undefined && since !== undefined && process.startedAt < since;
}

function jobStep({ place }: StoredVersion, host: string | undefined): string | undefined {
  const job = /\/var\/vcap\/jobs\/([\w.-]+)\//.exec(place)?.[1];
  return job === undefined || host === undefined
    ? undefined
    : `On ${host}, find the process of the job ${job} with \`monit summary\` and restart it with \`monit restart\``;
}
