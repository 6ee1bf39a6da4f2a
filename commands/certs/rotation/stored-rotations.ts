import { type ports, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { worstSeverity } from '../../shared/severity.ts';
import { kubeadmCommand, RESTART_STATIC_PODS } from './kubeadm.ts';
import { leafTarget } from './former-signers.ts';
import { namesOf, type PlanContext } from './plan-context.ts';
import {
  earliest,
  endsIn,
  endTogether,
  type Member,
  renewOffers,
  type Rotation,
  severityAt,
} from './rotation.ts';
import { checklist, type Step } from './steps.ts';
import { nameOfPlace, type StoredCertificate, storedCertificates } from './stored-certificates.ts';

/** Who renews what is stored: Wrench in its store, kubeadm, or someone by hand. */
type Method = 'store' | 'kubeadm' | 'secret' | 'file' | 'site';

/** What no manager has: an authority that ends with what it signed, and certificates that end themselves, grouped by what signed them. */
export function storedRotations(
  plan: PlanContext,
  isCovered: (certificate: ports.Certificate) => boolean,
): readonly Rotation[] {
  const due = storedCertificates(plan, isCovered);
  // The key of an authority may be kept elsewhere: what ends with it shows that it is one, and not only trusted.
  const signing = new Set(
    due.flatMap(({ certificate, signer, endMs }) =>
      signer && !certificate.authority && endMs < certificate.notAfter.getTime() ? [keyOf(signer)] : [],
    ),
  );
  const isRotated = ({ certificate, isOnlyTrusted }: StoredCertificate) =>
    certificate.authority && (!isOnlyTrusted || signing.has(keyOf(certificate)));
  const authorities = new Map(due.filter(isRotated).map((one) => [keyOf(one.certificate), one]));
  const leaves = due.filter(({ certificate, isOnlyTrusted }) => !certificate.authority && !isOnlyTrusted);
  const below = Map.groupBy(leaves, ({ signer }) =>
    signer && authorities.has(keyOf(signer)) ? keyOf(signer) : undefined,
  );
  const unsigned = below.get(undefined) ?? [];
  const renewed = Map.groupBy(unsigned, ({ renewedAt }) => renewedAt);
  const alone = Map.groupBy(renewed.get(undefined) ?? [], (one) =>
    JSON.stringify([one.certificate.issuer, one.signer?.publicKey ?? '', methodOf(plan, one)]),
  );
  const trusted = due.filter((one) => one.isOnlyTrusted && !isRotated(one));
  return [
    ...[...authorities].map(([key, one]) => authorityRotation(plan, one, below.get(key) ?? [])),
    ...[...alone.values()].map((group) =>
      leafRotation(plan, group as [StoredCertificate, ...StoredCertificate[]]),
    ),
    ...[...renewed].flatMap(([place, group]) =>
      place === undefined ? [] : [renewedRotation(plan, place, group)],
    ),
    ...trusted.map((one) => trustedRotation(plan, one)),
  ];
}

/** A renewal of an authority may keep its key: then it is still the same one. */
function keyOf({ subject, publicKey }: ports.Certificate): string {
  return `${publicKey} ${subject}`;
}

function methodOf({ clusters }: PlanContext, { places: [first] }: StoredCertificate): Method {
  if (first.renewable) return 'store';
  if (first.role === 'served') return 'site';
  const path = first.place.slice(first.place.indexOf(':') + 1);
  if (/(?:^|:)\/etc\/kubernetes\//.test(path)) return 'kubeadm';
  if (clusters.has(first.store)) return 'secret';
  return /(?:^|:)\//.test(path) ? 'file' : 'secret';
}

function memberOf({ name, places: [{ place, store, renewable }], endMs }: StoredCertificate): Member {
  return { name, place, store, renewable: renewable === true, endMs };
}

function authorityRotation(
  plan: PlanContext,
  authority: StoredCertificate,
  signed: readonly StoredCertificate[],
): Rotation {
  const { nowMs } = plan;
  const { name, places, endMs } = authority;
  const [{ place, store, renewable }] = places;
  const members = signed.map(memberOf).toSorted(byEnd);
  const method = methodOf(plan, authority);
  const steps: readonly Step[] = [
    method === 'store'
      ? {
          id: 'add-version',
          state: 'open',
          by: 'button',
          what: `renew ${name} with its key, so that what it signed stays valid`,
        }
      : { id: 'add-version', state: 'open', by: 'person', what: newAuthority(method) },
    {
      id: 'trust',
      state: 'open',
      by: 'pipeline',
      what: 'deploy it to everything that trusts the old one, and keep both',
    },
    ...(members.length > 0
      ? [
          {
            id: 'renew' as const,
            state: 'open' as const,
            by: members.some((one) => one.renewable) ? ('button' as const) : ('person' as const),
            what: `renew ${namesOf(members, 5)}`,
          },
          { id: 'deploy' as const, state: 'open' as const, by: 'pipeline' as const, what: 'deploy them' },
        ]
      : []),
    { id: 'untrust', state: 'open', by: 'pipeline', what: 'remove the old one from what trusts it' },
  ];
  return {
    reason: 'rotation-due',
    place,
    target: name,
    severity:
      worstSeverity([authority, ...signed].map((one) => severityAt(one.endMs, nowMs, one.fromMs))) ?? 'info',
    endMs: earliest([endMs, ...members.map((one) => one.endMs)]),
    summary: `The authority ${name} ${endsIn(endMs, nowMs)}${members.length > 0 ? `, with ${wording.count(members.length, 'certificate')} that it signed` : ''}; renew it before anything that it signed`,
    steps,
    members,
    evidence: [...checklist(steps), ...placesTable(authority)],
    offers: renewable === true ? [{ remediation: 'renew', params: { store, place } }] : [],
    names: [...places.map((one) => one.place), name, ...members.map((one) => one.place)],
  };
}

function newAuthority(method: Method): string {
  return method === 'kubeadm'
    ? 'rotate the authority by hand: https://kubernetes.io/docs/tasks/tls/manual-rotation-of-ca-certificates/'
    : 'create a new authority, or renew this one with its key';
}

function leafRotation(
  plan: PlanContext,
  group: readonly [StoredCertificate, ...StoredCertificate[]],
): Rotation {
  const { nowMs } = plan;
  const [first] = group;
  const method = methodOf(plan, first);
  const members = group.map(memberOf).toSorted(byEnd);
  const endMs = earliest(members.map((one) => one.endMs));
  const issuer = first.signer?.name ?? first.certificate.issuer;
  const { target, place } = leafTarget(members, `issuer ${issuer}`, first.places[0].place);
  const isWithSigner = first.signer !== undefined && first.endMs < first.certificate.notAfter.getTime();
  const steps = leafSteps(method, group, members);
  const withSigner = isWithSigner
    ? `, when ${issuer}, which signed it, ${(endMs ?? nowMs) < nowMs ? 'did' : 'does'}`
    : '';
  const subject =
    members.length === 1
      ? `${target} ${endsIn(endMs, nowMs)}${withSigner}`
      : endTogether(`certificates of ${issuer}`, members, nowMs);
  return {
    reason: 'renewal-due',
    place,
    target,
    severity: worstSeverity(group.map((one) => severityAt(one.endMs, nowMs, one.fromMs))) ?? 'info',
    endMs,
    summary: `${subject}; ${isWithSigner && method === 'store' ? 'have it signed by a newer authority' : ADVICE[method]}`,
    steps,
    members,
    evidence: [...checklist(steps), ...(group.length === 1 ? placesTable(first) : [])],
    // It would end with what signed it again.
    offers: isWithSigner ? [] : renewOffers(members),
    names: [
      place,
      target,
      ...group.flatMap(({ places, certificate }) => [certificate.name, ...places.map((one) => one.place)]),
    ],
  };
}

/** Named after what is stored, so that a renewal which is deployed site by site remains the same finding. */
function renewedRotation(
  { nowMs }: PlanContext,
  place: string,
  group: readonly StoredCertificate[],
): Rotation {
  const target = nameOfPlace({ place, role: 'stored' });
  const endMs = earliest(group.map((one) => one.endMs));
  const users = group.flatMap(({ places }) => places.map((one) => nameOfPlace(one))).toSorted();
  const steps: readonly Step[] = [
    { id: 'renew', state: 'done', by: 'person', what: `Renewed: stored in ${place}` },
    {
      id: 'deploy',
      state: 'open',
      by: 'pipeline',
      what: `deploy it, and restart what reads it only when it starts: ${wording.list(users, 5)}`,
    },
  ];
  return {
    reason: 'renewal-not-deployed',
    place,
    target,
    severity: worstSeverity(group.map((one) => severityAt(one.endMs, nowMs, one.fromMs))) ?? 'info',
    endMs,
    summary: `${target} is renewed, but ${wording.list(users)} still ${users.length === 1 ? 'has' : 'have'} the former certificate, which ${endsIn(endMs, nowMs)}: deploy it. \`/certs drift\` shows how`,
    steps,
    members: [],
    evidence: checklist(steps),
    offers: [],
    names: [place, target, ...users, ...group.map(({ certificate }) => certificate.name)],
  };
}

const ADVICE: Readonly<Record<Method, string>> = {
  store: 'renew, then deploy',
  kubeadm: 'renew with kubeadm, then restart the static pods',
  secret: 'issue a new one by hand and replace the Secret',
  file: 'renew it where it is issued, then deploy',
  site: 'renew it where it is issued: it is stored nowhere that was read',
};

function leafSteps(
  method: Method,
  group: readonly StoredCertificate[],
  members: readonly Member[],
): readonly Step[] {
  const names = namesOf(members, 5);
  switch (method) {
    case 'store':
      return [
        { id: 'renew', state: 'open', by: 'button', what: `renew ${names}` },
        { id: 'deploy', state: 'open', by: 'pipeline', what: 'deploy what reads them' },
      ];
    case 'kubeadm':
      return [
        { id: 'renew', state: 'open', by: 'person', what: `renew: ${kubeadmCommands(group)}` },
        RESTART_STATIC_PODS,
      ];
    case 'secret':
      return [
        { id: 'renew', state: 'open', by: 'person', what: `issue new certificates and replace ${names}` },
        { id: 'restart', state: 'open', by: 'person', what: 'restart what reads them only when it starts' },
      ];
    case 'file':
    case 'site':
      return [
        {
          id: 'renew',
          state: 'open',
          by: 'person',
          what: `renew ${names} where ${members.length === 1 ? 'it is' : 'they are'} issued`,
        },
        {
          id: 'deploy',
          state: 'open',
          by: 'pipeline',
          what: 'deploy, and restart what reads them only when it starts',
        },
      ];
  }
}

const MAX_COMMANDS = 6;

function kubeadmCommands(group: readonly StoredCertificate[]): string {
  const commands = group.flatMap(({ places }) =>
    places.map(({ host, place }) => `${kubeadmCommand(place)}${host === undefined ? '' : ` on ${host}`}`),
  );
  const all = [...new Set(commands)].toSorted();
  return `${all.slice(0, MAX_COMMANDS).join(', ')}${all.length > MAX_COMMANDS ? ` and ${all.length - MAX_COMMANDS} more` : ''}`;
}

/** Those who verify with it need another one, if anything that it signed is still in use. */
function trustedRotation(
  { nowMs }: PlanContext,
  { certificate, name, places, endMs, fromMs }: StoredCertificate,
): Rotation {
  const [{ place }] = places;
  const isOpsManager = name.startsWith('certificate_authorities/');
  const steps: readonly Step[] = [
    {
      id: 'trust',
      state: 'open',
      by: 'person',
      what: isOpsManager
        ? 'add a new root authority, Apply Changes, activate it, regenerate what the old one signed, Apply Changes, then delete the old one: https://developer.broadcom.com/xapis/tanzu-operations-manager-api/latest/'
        : `replace it in ${wording.list(
            places.map((one) => nameOfTrust(one.place)),
            5,
          )}`,
    },
  ];
  const dates = severityAt(endMs, nowMs, fromMs);
  return {
    reason: 'renewal-due',
    place,
    target: name,
    severity: dates === 'critical' ? 'warning' : dates,
    endMs,
    summary: isOpsManager
      ? `The root authority ${certificate.name} of Ops Manager (${name}) ${endsIn(endMs, nowMs)}; rotate it by the procedure of Ops Manager`
      : `${name} trusts an authority that ${endsIn(endMs, nowMs)}; replace it there, if what it signed is still in use`,
    steps,
    members: [],
    evidence: checklist(steps),
    offers: [],
    names: places.map((one) => one.place),
  };
}

function nameOfTrust(place: string): string {
  return place.slice(place.indexOf(':') + 1);
}

function placesTable({ places }: StoredCertificate) {
  if (places.length < 2) return [];
  return [
    field(
      'Places',
      wording.list(
        places.map(({ place }) => place),
        10,
      ),
    ),
  ];
}

function byEnd(a: Member, b: Member): number {
  return (a.endMs ?? 0) - (b.endMs ?? 0) || (a.place < b.place ? -1 : 1);
}
