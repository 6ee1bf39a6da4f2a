import { type Evidence, type Finding, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { buildWithTime } from './build.ts';
import type { DeletePodOffer } from './delete-stale-pod.ts';
import type { Replica, ServiceFacts } from './facts.ts';
import type { PinOffer } from './pin-image.ts';
import type { RestartOffer } from './restart-replicas.ts';

export type DriftOffer = RestartOffer | PinOffer | DeletePodOffer;

/** `headline` is its verdict, if it is the only finding. */
export interface BuildFinding {
  readonly finding: Finding<DriftOffer>;
  readonly headline: string;
}

/** How many replicas a table lists. */
const MOST_ROWS = 50;

interface Said {
  readonly service: ServiceFacts;
  readonly reason: string;
  readonly severity?: Finding['severity'];
  readonly headline: string;
  /** What to do, as an imperative. */
  readonly action?: string;
  /** Those with another build, or whose fault it is. */
  readonly affected: readonly Replica[];
  readonly evidence?: readonly Evidence[];
  readonly offers?: readonly DriftOffer[];
}

/** A finding about one service, with a table of what its replicas run: the affected ones first. */
export function driftFinding(said: Said): BuildFinding {
  const {
    service,
    reason,
    severity = 'warning',
    headline,
    action,
    affected,
    evidence = [],
    offers = [],
  } = said;
  const names = affected.map(({ name }) => name).toSorted();
  const finding: Finding<DriftOffer> = {
    reason,
    severity,
    target: service.name,
    ...(names.length > 0 && { targets: names }),
    ...(service.kubernetes && names.length > 0 && { areTargetsReplaced: true as const }),
    summary: action === undefined ? headline : `${headline}. ${action}`,
    evidence: [...evidence, ...expectedEvidence(service), ...replicaTable(service.replicas, affected)],
    ...(offers.length > 0 && { offers }),
  };
  return { finding, headline };
}

function expectedEvidence({ expected }: ServiceFacts): readonly Evidence[] {
  return expected ? [field('Expected', `${expected.value}, from ${expected.from}`)] : [];
}

/** What each replica runs. A worse drift has a longer table, up to a limit that is stated. */
function replicaTable(replicas: readonly Replica[], affected: readonly Replica[]): readonly Evidence[] {
  const first = new Set(affected.map(({ name }) => name));
  const all = replicas
    .filter(({ state }) => state !== 'terminating')
    .toSorted((a, b) => Number(first.has(b.name)) - Number(first.has(a.name)));
  const shown = all.slice(0, MOST_ROWS);
  const hasImages = shown.some(({ imageId }) => imageId);
  const rows = shown.map((one) => [one.name, saidBy(one), ...(hasImages ? [digestOf(one)] : [])]);
  const rest = all.length - shown.length;
  return [
    { kind: 'table', columns: ['Replica', 'Build', ...(hasImages ? ['Image'] : [])], rows },
    ...(rest > 0 ? [field('More replicas', `${rest}, not listed`)] : []),
  ];
}

function saidBy({ build, because, state }: Replica): string {
  const said = build ? buildWithTime(build) : `unknown: ${because ?? 'it was not asked'}`;
  return build && state === 'not-ready' ? `${said} (not ready)` : said;
}

const SHORT_DIGEST_LENGTH = 'sha256:'.length + 12;

/** `sha256:480f5a496560` */
function digestOf({ imageId }: Replica): string {
  return imageId?.digest.slice(0, SHORT_DIGEST_LENGTH) ?? '';
}

/** `api-1 and api-2` */
export function namesOf(replicas: readonly Replica[]): string {
  return wording.list(replicas.map(({ name }) => name).toSorted(), 3);
}
