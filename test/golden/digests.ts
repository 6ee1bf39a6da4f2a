import { compareDigest, type DigestChanges, snapshotOf } from '../../src/check/compare-digest.ts';
import type { DigestRun, DigestSnapshot, EndedSilence } from '../../src/check/digest-run.ts';
import { type Chart, type Finding, fingerprint, type Gap, type Offer, type Report } from '../../src/check/finding.ts';
import type { AppliedSilence, Claim } from '../../src/check/tracked-finding.ts';
import { NO_HISTORY, type QuestionHistory, trackedFindings, trackFindings } from '../../src/store/history/track-findings.ts';

/** The runs of one digest on a platform that breaks step by step, with the same history that workers keep. */

const RETENTION_MS = 30 * 86_400_000;

interface PartResult {
  readonly findings?: readonly Finding<Offer>[];
  readonly gaps?: readonly Gap[];
  readonly charts?: readonly Chart[];
  readonly resolved?: Report['resolved'];
  /** Instead of a report. */
  readonly failure?: string;
}

/** What a run finds, by `<check> <environment>`. */
type Found = Readonly<Record<string, PartResult>>;

interface Known {
  readonly claims?: Readonly<Record<string, Claim>>;
  readonly silences?: Readonly<Record<string, AppliedSilence>>;
  readonly endedSilences?: readonly EndedSilence[];
  readonly isQuiet?: boolean;
  readonly dueAt?: string;
  /** Nothing is posted, as between two runs of the digest. */
  readonly isUnposted?: boolean;
}

export interface Step {
  readonly run: DigestRun;
  readonly posted: DigestSnapshot | undefined;
  readonly changes: DigestChanges;
}

/** Plays the runs of a digest, each compared with what was posted last. */
export function simulateDigest(): {
  readonly play: (at: string, found: Found, known?: Known) => Step;
} {
  const histories = new Map<string, QuestionHistory>();
  let posted: DigestSnapshot | undefined;
  return {
    play: (at, found, { claims = {}, silences = {}, endedSilences = [], isQuiet = false, dueAt, isUnposted } = {}) => {
      const parts = Object.entries(found).map(([question, part]): DigestRun['parts'][number] => {
        const [check = '', environment = ''] = question.split(' ');
        const about = { check, environment, args: argsOf(check) };
        const report = part.failure === undefined ? reportOf(about, at, part) : undefined;
        const nowMs = Date.parse(at) + 1_000;
        const before = histories.get(question) ?? NO_HISTORY;
        const history = report
          ? trackFindings(before, { report, startedMs: Date.parse(at), nowMs, retentionMs: RETENTION_MS })
          : before;
        histories.set(question, history);
        const tracked = trackedFindings(history, nowMs, RETENTION_MS).map((one) => {
          const id = fingerprint(about, one);
          const [claim, silence] = [claims[id], silences[id]];
          return {
            ...one,
            ...(!report && one.state === 'found' && { state: 'unseen' as const }),
            ...(claim && { claim }),
            ...(silence && { silence }),
          };
        });
        return {
          ...about,
          tracked,
          ...(report && { report }),
          ...(part.failure !== undefined && { failure: part.failure }),
        };
      });
      const run: DigestRun = {
        name: 'nightly',
        due: dueAt ?? at,
        at,
        durationMs: 12_400,
        isQuiet,
        parts,
        endedSilences: [...endedSilences],
      };
      const step = { run, posted, changes: compareDigest(posted, run) };
      if (step.changes.isWorthPosting && !isUnposted) posted = snapshotOf(run, posted);
      return step;
    },
  };
}

function argsOf(check: string): Record<string, string> {
  return check === 'certs/expiring' ? { within: '30d' } : {};
}

function reportOf(
  about: Pick<Report, 'check' | 'environment' | 'args'>,
  at: string,
  { findings = [], gaps = [], charts, resolved }: PartResult,
): Report {
  return {
    ...about,
    status: findings.length > 0 ? 'found' : gaps.length > 0 ? 'unknown' : 'clear',
    verdict: findings.length > 0 ? `${findings.length} of 41 need attention` : 'All 41 are good',
    examined: 41,
    findings,
    gaps,
    coverage: [{ source: 'vault', examined: 41 }],
    ...(charts && { charts }),
    ...(resolved && { resolved }),
    at,
    durationMs: 1_240,
  };
}

const PROD = 'certs/expiring prod';
const STAGE = 'certs/expiring stage';
const DISK = 'node/disk prod';

const bbs: Finding<Offer> = {
  reason: 'certificate-expiring',
  severity: 'warning',
  target: 'vault:secret/cf/bbs/tls',
  summary: 'bbs expires in 12 days',
  evidence: [{ kind: 'field', label: 'Issuer', value: 'CN=diego-ca' }],
};
const issuer: Finding<Offer> = {
  reason: 'issuer-expiring',
  severity: 'warning',
  target: 'CN=loggregator-ca',
  targets: ['vault:secret/cf/doppler/tls', 'vault:secret/cf/metron/tls'],
  summary: 'The issuer loggregator-ca of 2 certificates expires in 20 days',
};
const locket: Finding<Offer> = {
  reason: 'certificate-expired',
  severity: 'critical',
  target: 'vault:secret/cf/locket/tls',
  summary: 'locket expired 2 hours ago',
  evidence: [
    { kind: 'field', label: 'Expired', value: '2026-11-25 05:30 UTC' },
    { kind: 'field', label: 'Used by', value: 'cell-1, cell-2 and <!channel>' },
  ],
  next: [{ check: 'certs/show', args: { name: 'locket' } }],
};
const stageApi: Finding<Offer> = { ...bbs, target: 'vault:secret/stage/api/tls', summary: 'api expires in 3 days' };
const disk: Finding<Offer> = {
  reason: 'disk-nearly-full',
  severity: 'warning',
  target: 'cell-3',
  summary: 'The disk of cell-3 is 91% full',
  level: { value: 91, unit: '%' },
};
const charts: readonly Chart[] = [
  {
    kind: 'bars',
    title: 'Certificates by time left',
    unit: 'certificates',
    labels: ['expired', 'under 7 days', 'under 30 days', 'longer'],
    series: [{ name: 'certificates', values: [1, 1, 3, 36] }],
  },
];
const claim: Claim = { by: 'U0ADA', at: '2026-11-25T08:12:00.000Z', comment: 'checking Vault' };
const silence: AppliedSilence = {
  id: 's1234567890',
  by: 'U0GRACE',
  at: '2026-11-25T12:00:00.000Z',
  until: '2026-12-02T12:00:00.000Z',
  because: 'stage is rebuilt next week',
};
const id = (question: string, finding: Finding<Offer>) => {
  const [check = '', environment = ''] = question.split(' ');
  return fingerprint({ check, environment }, finding);
};
const claims = { [id(PROD, locket)]: claim };
const silences = { [id(STAGE, stageApi)]: silence };
const vaultGap: Gap = { what: 'vault-2', because: 'no response within 5 s', kind: 'unreachable' };
const worseBbs: Finding<Offer> = { ...bbs, severity: 'critical', summary: 'bbs expires in 2 days' };
const spreadIssuer: Finding<Offer> = {
  ...issuer,
  targets: [...(issuer.targets ?? []), 'vault:secret/cf/syslog/tls'],
  summary: 'The issuer loggregator-ca of 3 certificates expires in 18 days',
};
const smallerIssuer: Finding<Offer> = {
  ...issuer,
  targets: ['vault:secret/cf/doppler/tls'],
  summary: 'The issuer loggregator-ca of 1 certificate expires in 16 days',
};

/** Every step by its name. */
export function playDigest(): Readonly<Record<string, Step>> {
  const { play } = simulateDigest();
  const base: Found = { [PROD]: { findings: [bbs, issuer] }, [STAGE]: {}, [DISK]: { findings: [disk] } };
  const withStage: Found = {
    [PROD]: { findings: [locket, worseBbs, spreadIssuer] },
    [STAGE]: { findings: [stageApi] },
    [DISK]: { findings: [disk] },
  };
  const renewed: Found = {
    ...withStage,
    [PROD]: {
      findings: [worseBbs, smallerIssuer],
      resolved: [{ ...locket, summary: 'renewed, now valid until 3 March 2027' }],
    },
  };
  const diskGone: Found = { ...renewed, [DISK]: {} };
  const failed: Found = {
    [PROD]: { findings: [worseBbs], gaps: [vaultGap] },
    [STAGE]: { findings: [stageApi] },
    [DISK]: { failure: 'no source of nodes responded: nodes (timeout). Job r0123456789abcdef' },
  };
  const withoutStage: Found = { [PROD]: { findings: [worseBbs, smallerIssuer] }, [DISK]: { findings: [disk] } };
  const allClear: Found = { [PROD]: {}, [DISK]: {} };
  const ended: EndedSilence = {
    id: silence.id,
    about: stageApi.summary,
    by: silence.by,
    at: '2026-11-29T07:30:01.000Z',
    because: 'worse',
  };
  const expiredStage: Found = {
    ...failed,
    [STAGE]: { findings: [{ ...stageApi, severity: 'critical', summary: 'api expires today' }] },
  };
  return {
    first: play('2026-11-23T07:30:00.000Z', base),
    nothingNew: play('2026-11-24T07:30:00.000Z', base),
    appeared: play('2026-11-25T07:30:00.000Z', { ...base, [PROD]: { findings: [locket, bbs, issuer], charts } }),
    worseAndSpread: play('2026-11-25T19:30:00.000Z', { ...withStage, [STAGE]: {} }),
    taken: play('2026-11-26T07:30:00.000Z', withStage, { claims }),
    silenced: play('2026-11-26T19:30:00.000Z', withStage, { claims, silences }),
    goneAndBetter: play('2026-11-27T07:30:00.000Z', renewed, { silences }),
    ...(() => {
      // Hourly runs that are not posted: the disk finding comes and goes.
      for (const [hour, found] of [diskGone, renewed, diskGone, renewed].entries())
        play(`2026-11-27T${10 + hour}:00:00.000Z`, found, { silences, isUnposted: true });
      return {};
    })(),
    flapping: play('2026-11-27T19:30:00.000Z', diskGone, { silences }),
    stillFlapping: play('2026-11-28T07:30:00.000Z', renewed, { silences }),
    unchecked: play('2026-11-28T19:30:00.000Z', failed, { silences }),
    stillUnchecked: play('2026-11-29T07:29:00.000Z', failed, { silences }),
    silenceEnded: play('2026-11-29T07:30:00.000Z', expiredStage, { endedSilences: [ended] }),
    noLongerChecked: play('2026-11-30T07:30:00.000Z', withoutStage),
    quietNothingNew: play('2026-12-01T07:30:00.000Z', withoutStage, { isQuiet: true }),
    late: play('2026-12-02T10:41:00.000Z', withoutStage, { dueAt: '2026-12-01T07:30:00.000Z' }),
    allClear: play('2026-12-03T07:30:00.000Z', allClear),
    nothingNewAndClear: play('2026-12-04T07:30:00.000Z', allClear),
    many: play('2026-12-05T07:30:00.000Z', {
      ...allClear,
      [PROD]: {
        findings: Array.from({ length: 400 }, (_, at): Finding<Offer> => ({
          ...bbs,
          severity: at < 3 ? 'critical' : 'warning',
          target: `vault:secret/cf/app-${at}/tls`,
          summary: `app-${at} expires in 9 days`,
        })),
      },
    }),
  };
}
