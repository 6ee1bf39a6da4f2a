import { type ports, wording } from '../../kit.ts';
import { restartOffers } from './offer.ts';
import { type Ailment, ailmentOf, isShared, isWhollyDown, type Survey } from './survey.ts';
import {
  byName,
  type Evidence,
  field,
  lockEvidence,
  table,
  targetOf,
  type Trouble,
  wordsFor,
} from './trouble.ts';

interface Words {
  readonly reason: string;
  readonly says: string;
  readonly next: string;
}

interface Whole {
  readonly one: (survey: Survey) => Words;
  /** How it is told of `hit` of `all` at once. */
  readonly many: (survey: Survey, hit: number, all: number) => Words;
}

/** What is known of agents that fall silent all at once. */
const NATS = 'https://bosh.io/docs/nats-ca-rotation/';

const WHOLES: Record<Ailment, Whole> = {
  silent: {
    one: ({ deployment }) => {
      const { agent } = wordsFor(deployment);
      const next =
        deployment.kind === 'bosh'
          ? 'what runs there is not known. The VM is frozen, cut off or gone: look at it in the infrastructure, then `bosh cloud-check`'
          : 'what runs there is not known: is the machine up, and does monit listen?';
      return { reason: 'agent-unresponsive', says: `its ${agent} does not answer`, next };
    },
    many: ({ deployment }, hit, all) => {
      const { agent, machine } = wordsFor(deployment);
      const says =
        hit === all
          ? `no ${agent} answers: ${hit} of ${all}`
          : `${hit} of ${all} ${plural(agent)} do not answer`;
      const next =
        deployment.kind === 'bosh'
          ? 'so many broken VMs at once are rare; look at the certificates of NATS first (`/certs expiring`)'
          : `so many broken ${machine}s at once are rare; look at the network between`;
      return { reason: 'agents-unresponsive', says, next };
    },
  },
  absent: {
    one: ({ deployment }) => ({
      reason: 'vm-absent',
      says: `there is no ${wordsFor(deployment).machine}, though it should run`,
      next: 'it was deleted or never made: `bosh cloud-check` makes it anew, unless the resurrector does',
    }),
    many: ({ deployment }, hit, all) => ({
      reason: 'vms-absent',
      says: `${hit} of ${all} instances have no ${wordsFor(deployment).machine}`,
      next: 'so many at once were deleted, or the infrastructure beneath has lost them: look there before making them anew',
    }),
  },
  unseen: {
    one: () => ({
      reason: 'monit-unresponsive',
      says: 'its agent answers and its monit does not',
      next: 'what runs there is not known, and nothing is brought back: look at monit on the VM',
    }),
    many: (_, hit, all) => ({
      reason: 'monits-unresponsive',
      says: `the agents answer and monit does not on ${hit} of ${all} VMs`,
      next: 'what runs there is not known, and nothing is brought back: look at what the VMs have in common, such as a new stemcell or a full disk',
    }),
  },
  stopped: {
    one: () => ({
      reason: 'instance-stopped',
      says: 'it is stopped, though it should run',
      next: 'somebody stopped it there, or a deploy ended half way; it does not come back by itself',
    }),
    many: (_, hit, all) => ({
      reason: 'instances-stopped',
      says: `${hit} of ${all} instances are stopped, though they should run`,
      next: 'a stop or a deploy that ended half way leaves them so; they do not come back by themselves',
    }),
  },
};

/** Troubles of whole instances: one finding where most share it, else one each. */
export function wholeTroubles(survey: Survey): Trouble[] {
  const hit = Map.groupBy(survey.awake, ailmentOf);
  return (Object.keys(WHOLES) as Ailment[]).flatMap((ailment) => {
    const instances = (hit.get(ailment) ?? []).toSorted(byName);
    // An agent can only be silent where there is a machine for it.
    const all = ailment === 'absent' ? survey.awake : survey.awake.filter(({ state }) => state !== 'absent');
    if (isShared(instances.length, all.length)) return [manyOf(survey, ailment, instances, all.length)];
    return instances.map((instance) => oneOf(survey, ailment, instance));
  });
}

/** Where nothing runs on most of the machines, their processes one by one would only be noise. */
export function nothingRuns(survey: Survey): Trouble | undefined {
  const { deployment, telling } = survey;
  const hit = telling.filter(isWhollyDown).toSorted(byName);
  if (!isShared(hit.length, telling.length)) return undefined;
  const { machine } = wordsFor(deployment);
  const says = `no process runs on ${hit.length} of ${telling.length} ${machine}s`;
  const next =
    'one cause behind all of them is likely: a deploy that ended half way, the network, a disk they share';
  return told(survey, { reason: 'nothing-runs', says, next }, hit);
}

function manyOf(survey: Survey, ailment: Ailment, hit: readonly ports.Instance[], all: number): Trouble {
  const docs =
    ailment === 'silent' && survey.deployment.kind === 'bosh' ? [field('Documentation', NATS)] : [];
  return told(survey, WHOLES[ailment].many(survey, hit.length, all), hit, docs);
}

function told(
  survey: Survey,
  words: Words,
  hit: readonly ports.Instance[],
  more: readonly Evidence[] = [],
): Trouble {
  const { deployment } = survey;
  const rows = hit.map(({ name, zone = '', addresses }) => [name, zone, wording.list(addresses)]);
  return {
    headline: words.says.charAt(0).toUpperCase() + words.says.slice(1),
    finding: {
      reason: words.reason,
      severity: 'critical',
      target: targetOf(deployment),
      summary: `${deployment.name}: ${words.says}; ${words.next}`,
      evidence: [
        ...more,
        ...lockEvidence(deployment),
        ...table(['Instance', 'Zone', 'Addresses'], rows, 'Instances'),
      ],
    },
  };
}

function oneOf(survey: Survey, ailment: Ailment, instance: ports.Instance): Trouble {
  const { deployment, awake } = survey;
  const { reason, says, next } = WHOLES[ailment].one(survey);
  const others = awake.filter(({ group }) => group === instance.group);
  const isLast = others.every((other) => ailmentOf(other) !== undefined);
  const { offers, evidence } =
    ailment === 'stopped' ? restartOffers(deployment, instance) : { offers: [], evidence: [] };
  return {
    counts: ailment,
    finding: {
      reason,
      severity: severityOf(instance, isLast),
      target: targetOf(deployment, instance),
      summary: `${instance.name}: ${says}${isLast ? `, and ${instance.group} has no other that runs` : ''}; ${next}`,
      evidence: [
        field('Addresses', wording.list(instance.addresses) || 'none'),
        ...(instance.ignored ? [field('Ignored', 'people told the director to leave it alone')] : []),
        ...evidence,
        ...lockEvidence(deployment),
      ],
      ...(offers.length > 0 && { offers }),
    },
  };
}

/** Critical where nothing of its kind is left; a warning where others carry on. */
export function severityOf({ ignored }: ports.Instance, isLast: boolean): 'critical' | 'warning' | 'info' {
  if (ignored) return 'info';
  return isLast ? 'critical' : 'warning';
}

function plural(agent: string): string {
  return agent === 'agent' ? 'agents' : 'monits';
}
