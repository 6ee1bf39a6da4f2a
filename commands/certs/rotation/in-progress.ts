import { type Evidence, type Finding, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { contentOf, type KnownCertificate } from '../../shared/managed-chain.ts';
import {
  addTransitionalCommand,
  clearFlagCommand,
  deleteVersionCommand,
  deployCommands,
  moveFlagCommand,
  regenerateCommand,
} from './commands.ts';
import { type DeployState, deployState } from './deploy-state.ts';
import { deploymentsOf, endOfVersion, namesOf, type PlanContext, trustedVersion } from './plan-context.ts';
import { earliest, endsIn, renewOffers, type Rotation, severityAt } from './rotation.ts';
import { doneSince } from './samples.ts';
import { memberOf, type SignedCertificate, signedCertificates } from './signed-by.ts';
import { checklist, nextStep, type Step, type StepId } from './steps.ts';
import { trustTable } from './trust-evidence.ts';
import type { TrustState } from './trust.ts';

/** Everything about one rotation that has a transitional version. */
interface Progress {
  readonly plan: PlanContext;
  readonly authority: KnownCertificate;
  readonly name: string;
  readonly signed: readonly SignedCertificate[];
  /** What the new version didn't sign, as far as known. */
  readonly pending: readonly SignedCertificate[];
  readonly trust: TrustState;
  readonly deployments: readonly string[];
}

/** The rotation of an authority that has a transitional version. The flag must not move before everything trusts both versions. */
export function rotationInProgress(plan: PlanContext, authority: KnownCertificate): Rotation {
  const transition = plan.transitionOf(authority);
  const signed = signedCertificates(plan, authority);
  const progress: Progress = {
    plan,
    authority,
    name: plan.nameOf(authority),
    signed,
    pending: signed.filter(({ by }) => by !== 'fresh'),
    trust: plan.trust.stateOf(
      trustedVersion(authority, transition.old),
      trustedVersion(authority, transition.fresh),
    ),
    deployments: deploymentsOf(plan, [authority, ...signed.map(({ certificate }) => certificate)]),
  };
  return transition.phase === 'trusted' ? whileTrusted(progress) : whileUsed(progress);
}

/** The new version is trusted, and the old one still signs. */
function whileTrusted(progress: Progress): Rotation {
  const { plan, authority, name, pending, trust } = progress;
  const { nowMs, horizonMs } = plan;
  const { old, fresh } = plan.transitionOf(authority);
  if (!old) return withoutActive(progress);
  const isUseless = endsFirst(progress);
  const trusting = isUseless
    ? { ...trustStep(progress), state: 'open' as const, note: undefined }
    : trustStep(progress);
  const steps: readonly Step[] = [
    ...(isUseless && fresh ? replaceSteps(authority, fresh.id) : [addedStep(progress)]),
    trusting,
    {
      id: 'move-flag',
      state: 'open',
      by: 'person',
      what: `make the old version transitional, so that the new one signs: ${moveFlagCommand(authority, old.id)}`,
      note:
        trusting.state === 'done'
          ? undefined
          : 'Not before the deploy is complete: what the new version signs would be rejected where only the old one is trusted',
    },
    ...renewSteps(progress, 'open'),
    ...lastSteps(progress, 'open', 'open'),
  ];
  const end = plan.endOf(authority);
  const endMs = earliest([end.endMs, ...pending.map((one) => one.endMs)]);
  const isDue = endMs === undefined || endMs <= horizonMs;
  const also = pending.filter((one) => one.endMs !== undefined && one.endMs === end.endMs).length;
  const subject = `${name} ${endsIn(end.endMs, nowMs)}${also > 0 ? `, with ${wording.count(also, 'certificate')} that it signed` : ''}`;
  const severity = isDue ? severityAt(endMs, nowMs, end.fromMs) : 'info';
  const isBroken = isUseless || trust.onlyFresh.length > 0;
  return finish(progress, steps, {
    reason: 'rotation-in-progress',
    severity: isBroken && severity === 'info' ? 'warning' : severity,
    endMs,
    summary: isUseless
      ? `${subject}, and its new version, which is only transitional, ${endsIn(endOfVersion(authority, fresh), nowMs)}, before it: replace that version, and don't move the flag to the old one before`
      : `${subject}: its new version is only transitional${nextAfterTrust(trust, trusting)}`,
  });
}

/** CredHub signs with nothing, until the newest version isn't transitional. */
function withoutActive(progress: Progress): Rotation {
  const { authority, name, deployments } = progress;
  return finish(
    progress,
    [
      addedStep(progress),
      {
        id: 'move-flag',
        state: 'open',
        by: 'person',
        what: `clear the flag, so that it signs: ${clearFlagCommand(authority)}`,
      },
      { id: 'deploy', state: 'open', by: 'pipeline', what: `deploy: ${deployCommands(deployments)}` },
    ],
    {
      reason: 'rotation-in-progress',
      severity: 'warning',
      endMs: undefined,
      summary: `${name} has no version in use, because all are transitional: clear the flag`,
    },
  );
}

/** A new version that doesn't last longer than the old one is of no use. */
function endsFirst({ plan, authority }: Progress): boolean {
  const { old, fresh } = plan.transitionOf(authority);
  const [oldEndMs, freshEndMs] = [endOfVersion(authority, old), endOfVersion(authority, fresh)];
  return oldEndMs !== undefined && freshEndMs !== undefined && freshEndMs <= oldEndMs;
}

/** To clear the flag would put it to use. */
function replaceSteps(authority: KnownCertificate, version: string): readonly Step[] {
  return [
    {
      id: 'add-version',
      state: 'open',
      by: 'person',
      what: `delete the transitional version: ${deleteVersionCommand(authority, version)}`,
      note: 'To clear its flag would put it to use',
    },
    {
      id: 'add-version',
      state: 'open',
      by: 'person',
      what: `regenerate it as transitional, for longer: ${addTransitionalCommand(authority)}`,
    },
  ];
}

function nextAfterTrust({ onlyOld, onlyFresh, neither }: TrustState, { state }: Step): string {
  if (onlyFresh.length > 0)
    return `, and ${namesOf(onlyFresh)} ${onlyFresh.length === 1 ? 'trusts only the new one, and rejects' : 'trust only the new one, and reject'} what the old one signed; deploy until every trust file has both, and don't move the flag before`;
  if (onlyOld.length === 0 && neither.length > 0)
    return `, and ${namesOf(neither)} ${neither.length === 1 ? 'trusts' : 'trust'} another authority of this name; deploy until every trust file has both, and don't move the flag before`;
  if (onlyOld.length > 0)
    return `, and ${namesOf(onlyOld)} ${onlyOld.length === 1 ? 'trusts' : 'trust'} only the old one; deploy until every trust file has both, and don't move the flag before`;
  if (state === 'done') return '; move the flag to the old version';
  if (state === 'open') return "; deploy it, and don't move the flag before";
  return "; deploy if that isn't done, then move the flag to the old version";
}

/** The new version signs, and the old one is still trusted. */
function whileUsed(progress: Progress): Rotation {
  const { plan, authority, name, signed, pending, trust } = progress;
  const { nowMs } = plan;
  const { old } = plan.transitionOf(authority);
  const oldEndMs = endOfVersion(authority, old);
  const certain = pending.filter(({ by }) => by !== 'unsure');
  const renewing = pending.length === 0 ? 'done' : certain.length > 0 ? 'open' : 'unknown';
  const deploying: DeployState =
    renewing === 'done' ? deployState(plan, authority, signed) : { state: 'open' };
  const lacking = [...trust.onlyOld, ...trust.neither];
  const trusting: Step = {
    ...trustStep(progress),
    ...(lacking.length === 0 &&
      deploying.state === 'done' && { state: 'done' as const, what: 'Deployed as trusted', note: undefined }),
  };
  const all: readonly Step[] = [
    addedStep(progress),
    trusting,
    {
      id: 'move-flag',
      state: 'done',
      by: 'person',
      what: 'The old version is transitional, and the new one signs',
    },
    ...renewSteps(progress, renewing),
    ...lastSteps(progress, deploying.state, 'open', deploying.note),
  ];
  // The flag has been moved: that its deploy isn't visible here holds nothing up.
  const steps = all.filter(({ id, state }) => id !== 'trust' || state !== 'unknown');
  const isLast = nextStep(steps)?.id === 'clear-flag';
  const endMs = isLast
    ? undefined
    : earliest([oldEndMs, ...pending.map((one) => one.endMs), ...(deploying.endsMs ?? [])]);
  const isCertain = certain.length > 0 || deploying.isBehind === true;
  const { next } = plan.transitionOf(authority);
  const summary = isLast
    ? `The rotation of ${name} is at its last step: clear the flag of the old version and deploy; that one ${endsIn(oldEndMs, nowMs)} and signs nothing in use${next ? '; its next rotation has begun' : ''}`
    : summaryWhileUsed(progress, steps, {
        oldEnds: endsIn(oldEndMs, nowMs),
        certain: certain.length,
        servedAt: deploying.servedAt ?? [],
      });
  return finish(progress, steps, {
    reason: isLast ? 'rotation-unfinished' : 'rotation-in-progress',
    severity: severityWhileUsed(plan, { endMs, isLast, isCertain, isRejected: lacking.length > 0 }),
    endMs,
    summary,
  });
}

function severityWhileUsed(
  { nowMs, horizonMs }: PlanContext,
  {
    endMs,
    isLast,
    isCertain,
    isRejected,
  }: {
    readonly endMs: number | undefined;
    readonly isLast: boolean;
    readonly isCertain: boolean;
    readonly isRejected: boolean;
  },
): Finding['severity'] {
  if (isLast) return 'info';
  const isDue = endMs === undefined || endMs <= horizonMs;
  const severity = isDue ? severityAt(endMs, nowMs) : 'info';
  if (severity === 'critical' && !isCertain) return 'warning';
  return severity === 'info' && isRejected ? 'warning' : severity;
}

interface WhileUsed {
  readonly oldEnds: string;
  readonly certain: number;
  /** Sites that still serve what the old version signed, although it was renewed. */
  readonly servedAt: readonly string[];
}

function summaryWhileUsed(
  { name, pending, trust }: Progress,
  steps: readonly Step[],
  { oldEnds, certain, servedAt }: WhileUsed,
): string {
  const ofOld = `the old version of ${name}, which ${oldEnds}`;
  const effect = (count: number) =>
    pending.length > 0
      ? 'and the new one signs already; deploy before any certificate is regenerated'
      : `and ${count === 1 ? 'rejects' : 'reject'} what the new one signed; deploy`;
  if (trust.onlyOld.length > 0)
    return `${namesOf(trust.onlyOld)} ${trust.onlyOld.length === 1 ? 'trusts' : 'trust'} only ${ofOld}, ${effect(trust.onlyOld.length)}`;
  if (trust.neither.length > 0)
    return `${namesOf(trust.neither)} ${trust.neither.length === 1 ? 'trusts' : 'trust'} another authority named as ${name}, ${effect(trust.neither.length)}`;
  const next = nextStep(steps);
  if (next?.id === 'renew') {
    const amount = certain > 0 ? certain : pending.length;
    const are = amount === 1 ? 'is still' : 'are still';
    return `${wording.count(amount, 'certificate')} ${certain > 0 ? are : 'may still be'} signed by ${ofOld}; regenerate ${amount === 1 ? 'it' : 'them'}`;
  }
  if (next?.id === 'deploy' && servedAt.length > 0)
    return `${wording.list(servedAt, 3)} still ${servedAt.length === 1 ? 'serves a certificate' : 'serve certificates'} signed by ${ofOld}, although ${servedAt.length === 1 ? 'it was' : 'they were'} regenerated; deploy, or restart what serves ${servedAt.length === 1 ? 'it' : 'them'} if that is done`;
  if (next?.state === 'open') return `What is deployed is still signed by ${ofOld}; deploy`;
  return `It isn't known whether anything deployed is still signed by ${ofOld}; deploy if that isn't done`;
}

/** Only the next step has a button. */
function finish(
  { plan, authority, name, signed, pending, trust }: Progress,
  steps: readonly Step[],
  known: Pick<Rotation, 'reason' | 'severity' | 'endMs' | 'summary'>,
): Rotation {
  const { transitional, fresh, next } = plan.transitionOf(authority);
  const since = doneSince(plan.earlierOf(authority.place), fresh?.id);
  const dated = steps.map((step) => {
    const seenMs = since(step.id);
    if (step.state === 'done') return { ...step, doneMs: step.doneMs ?? seenMs };
    return step.state === 'unknown' ? { ...step, seenDoneMs: seenMs } : step;
  });
  const members = pending.map((one) =>
    memberOf(plan, one, one.by === 'unsure' ? "it isn't known which version signed it" : undefined),
  );
  const leaves = pending.filter((one) => !one.isAuthority).map((one) => memberOf(plan, one));
  const freshEndMs = endOfVersion(authority, fresh);
  const flags: readonly Evidence[] =
    transitional > 1
      ? [
          field(
            'Flags',
            `${transitional} versions are transitional, and CredHub allows one: ${next ? 'finish this rotation before that of the newest version' : "clear the flag of those that aren't needed"}`,
          ),
        ]
      : [];
  const short: readonly Evidence[] =
    freshEndMs !== undefined && freshEndMs <= plan.horizonMs
      ? [field('New version', `${endsIn(freshEndMs, plan.nowMs)} itself`)]
      : [];
  return {
    ...known,
    place: authority.place,
    target: name,
    steps: dated,
    members,
    evidence: [...checklist(dated), ...flags, ...short, ...trustTable(trust)],
    offers: nextStep(dated)?.id === 'renew' ? renewOffers(leaves) : [],
    names: [authority.place, name, ...signed.map(({ certificate }) => certificate.place)],
  };
}

function addedStep({ plan, authority }: Progress): Step {
  const { fresh } = plan.transitionOf(authority);
  const created = fresh && (fresh.createdAt ?? contentOf(authority, fresh)?.createdAt);
  return {
    id: 'add-version',
    state: 'done',
    by: 'person',
    what: `New version ${fresh?.id ?? ''} exists`,
    ...(created && { doneMs: created.getTime() }),
  };
}

/** What CredHub has says nothing about what is deployed. */
function trustStep({ plan, authority, trust, deployments }: Progress): Step {
  const { both, onlyOld, onlyFresh, neither } = trust;
  const { fresh, phase } = plan.transitionOf(authority);
  const created = fresh && (fresh.createdAt ?? contentOf(authority, fresh)?.createdAt);
  const earlier = deployments.filter((one) => {
    const started = plan.deployed.lastChange(one)?.startedAt;
    return created !== undefined && started !== undefined && started < created;
  });
  const step = {
    id: 'trust',
    by: 'pipeline',
    what: `deploy until every trust file has both versions: ${deployCommands(deployments)}`,
  } as const;
  const lacking = [
    ['Only the old one', onlyOld],
    // Once the new one signs, it is all that is needed.
    ['Only the new one', phase === 'trusted' ? onlyFresh : []],
    ['Neither', neither],
  ] as const;
  const notes = lacking.filter(([, files]) => files.length > 0);
  if (notes.length > 0)
    return {
      ...step,
      state: 'open',
      note: notes.map(([what, files]) => `${what}: ${namesOf(files, 10)}`).join('. '),
    };
  if (earlier.length > 0)
    return {
      ...step,
      state: 'open',
      note: `Not deployed since the new version exists: ${wording.list(earlier)}`,
    };
  if (both.length === 0)
    return {
      ...step,
      state: 'unknown',
      note: "It isn't known whether that is done: no trust file that was read has either version",
    };
  const has = `${wording.count(both.length, 'trust file')} that ${both.length === 1 ? 'was' : 'were'} read ${both.length === 1 ? 'has' : 'have'} both`;
  return plan.isTrustComplete
    ? { ...step, state: 'done', what: `Deployed as trusted: ${has}` }
    : {
        ...step,
        state: 'unknown',
        note: `It isn't known whether that is done: ${has}, and others couldn't be read`,
      };
}

function renewSteps({ plan, pending, signed }: Progress, state: Step['state']): readonly Step[] {
  if (signed.length === 0) return [];
  if (state === 'done')
    return [
      {
        id: 'renew',
        state,
        by: 'button',
        what: `Certificates signed by the new version: ${signed.length} of ${signed.length}`,
      },
    ];
  const leaves = pending.filter((one) => !one.isAuthority).map(({ certificate }) => certificate);
  const authorities = pending.filter((one) => one.isAuthority).map(({ certificate }) => certificate);
  const shown = leaves.slice(0, MAX_COMMANDS).map(regenerateCommand).join(', ');
  const more = leaves.length > MAX_COMMANDS ? ` and ${leaves.length - MAX_COMMANDS} more` : '';
  const first =
    authorities.length > 0
      ? `rotate ${namesOf(
          authorities.map((one) => ({ name: plan.nameOf(one) })),
          5,
        )} in the same way, each as transitional first`
      : '';
  const regenerate =
    leaves.length > 0 ? `regenerate ${wording.count(leaves.length, 'certificate')}: ${shown}${more}` : '';
  const isButton = leaves.some(({ renewable }) => renewable);
  return [
    {
      id: 'renew',
      state,
      by: isButton ? 'button' : 'person',
      what: [first, regenerate].filter((text) => text !== '').join('; '),
      ...(state === 'unknown' && {
        note: "It isn't known whether that is done: their contents weren't read",
      }),
    },
  ];
}

const MAX_COMMANDS = 3;

function lastSteps(
  { plan, authority, deployments }: Progress,
  deploy: Step['state'],
  rest: Step['state'],
  note?: string,
): readonly Step[] {
  const step = (id: StepId, by: Step['by'], state: Step['state'], what: string): Step => ({
    id,
    by,
    state,
    what,
  });
  const command = deployCommands(deployments);
  const { next } = plan.transitionOf(authority);
  const clear = next
    ? `leave only the newest version transitional: ${moveFlagCommand(authority, next.id)}`
    : `clear the flag of the old version: ${clearFlagCommand(authority)}`;
  return [
    deploy === 'done'
      ? step('deploy', 'pipeline', deploy, 'Deployed with certificates of the new version')
      : {
          ...step('deploy', 'pipeline', deploy, `deploy them: ${command}`),
          ...(note !== undefined && { note }),
        },
    step('clear-flag', 'person', rest, clear),
    step('untrust', 'pipeline', rest, `deploy, so that nothing trusts the old version: ${command}`),
  ];
}
