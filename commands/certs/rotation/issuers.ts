import { type ports, wording } from '../../kit.ts';
import type { SurveyedPlace } from '../../shared/certificate-survey.ts';
import { field } from '../../shared/evidence.ts';
import { isSignedBy } from '../../shared/signed-by.ts';
import { worstSeverity } from '../../shared/severity.ts';
import { withoutSource } from '../../shared/sources.ts';
import type { PlanContext } from './plan-context.ts';
import { earliest, endsIn, type Member, renewOffers, type Rotation, severityAt } from './rotation.ts';
import { checklist, day, type Step } from './steps.ts';

type Issuer = PlanContext['facts']['issuers'][number];

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

/** Issuers of a PKI. One must be replaced before the longest certificate that its roles issue would end after it. */
export function issuerRotations(plan: PlanContext): readonly Rotation[] {
  const leaves = Map.groupBy(
    plan.facts.places.filter(({ role, chain: [leaf] }) => role === 'stored' && !leaf.authority),
    ({ chain: [leaf] }) => leaf.issuer,
  );
  return plan.facts.issuers.flatMap((issuer) => {
    const [own] = issuer.chain;
    const signed = (leaves.get(own.subject) ?? []).filter(
      ({ chain: [leaf] }) => isSignedBy(leaf, own) === true,
    );
    return isReplaced(plan, issuer) ? leftAtOld(plan, issuer, signed) : dueIssuer(plan, issuer, signed);
  });
}

/** Roles use another issuer of the same PKI. */
function isReplaced({ facts }: PlanContext, issuer: Issuer): boolean {
  return (
    issuer.roles.length === 0 &&
    facts.issuers.some(
      (one) =>
        one !== issuer &&
        one.store === issuer.store &&
        mountOf(one) === mountOf(issuer) &&
        one.roles.length > 0 &&
        one.issues,
    )
  );
}

function dueIssuer(plan: PlanContext, issuer: Issuer, signed: readonly SurveyedPlace[]): readonly Rotation[] {
  const { nowMs, horizonMs } = plan;
  const endMs = chainEnd(issuer);
  const longest = longestRole(issuer);
  const ttlMs = (longest?.ttlSeconds ?? 0) * SECOND_MS;
  const deadlineMs = endMs - ttlMs;
  if (deadlineMs > horizonMs || (!issuer.issues && signed.length === 0)) return [];
  const members = membersOf(signed, endMs, horizonMs);
  const isLate = longest !== undefined && deadlineMs <= nowMs && endMs > nowMs;
  const leafSeverities = members.map((one) => severityAt(one.endMs, nowMs, one.fromMs));
  // With `err`, what is requested for longer than the issuer is valid fails.
  const isFailing =
    issuer.beyondEnd === 'err' && longest !== undefined && deadlineMs - nowMs <= WARNING_DAYS * DAY_MS;
  const [{ notBefore }] = issuer.chain;
  const severity = worstSeverity([
    severityAt(endMs, nowMs, notBefore.getTime()),
    ...leafSeverities,
    ...(isFailing ? (['warning'] as const) : []),
  ]);
  const successor = successorOf(plan, issuer);
  const ending = issuer.chain.find(({ notAfter }) => notAfter.getTime() === endMs) ?? issuer.chain[0];
  const steps = successor ? stepsToSuccessor(issuer, successor, members) : stepsFor(issuer, members, ending);
  const above = ending === issuer.chain[0] ? '' : ` with its authority ${ending.name}`;
  return [
    {
      reason: 'rotation-due',
      place: issuer.place,
      target: issuer.name,
      severity: severity ?? 'info',
      endMs: earliest([deadlineMs, ...members.map((one) => one.endMs)]),
      summary: `The issuer ${issuer.name} ${endsIn(endMs, nowMs)}${above}${isLate ? `, ${LATE[issuer.beyondEnd](longest, day(deadlineMs))}` : endMs > nowMs ? describeDeadline(longest, deadlineMs) : ''}; ${successor ? `use ${successor.name} in ${rolesOf(issuer)}` : above === '' ? 'replace it' : 'replace both'}${
        members.length > 0
          ? `, then renew ${members
              .map(({ name }) => name)
              .slice(0, 3)
              .join(', ')}${members.length > 3 ? ` and ${members.length - 3} more` : ''}`
          : ''
      }`,
      steps,
      members,
      evidence: [
        ...checklist(steps),
        ...(successor ? [] : urgent(issuer, members, endMs, nowMs)),
        ...endings(members),
      ],
      offers: [],
      names: [issuer.place, issuer.name, ...members.map(({ place }) => place)],
    },
  ];
}

/** As for `/certs expiring`. */
const WARNING_DAYS = 30;

/** https://developer.hashicorp.com/vault/api-docs/secret/pki#leaf_not_after_behavior */
const LATE: Readonly<Record<ports.PkiIssuer['beyondEnd'], (role: ports.PkiRole, since: string) => string>> = {
  err: (role, since) =>
    `and since ${since} every request with the ttl of role ${role.name} (${ttlOf(role)}) fails`,
  truncate: (role, since) =>
    `and since ${since} certificates of role ${role.name} (${ttlOf(role)}) end with it, earlier than usual`,
  permit: (role, since) =>
    `and since ${since} certificates of role ${role.name} (${ttlOf(role)}) end after it, and are rejected once it has ended`,
};

function describeDeadline(role: ports.PkiRole | undefined, deadlineMs: number): string {
  return role
    ? `, and can't sign for the ttl of role ${role.name} (${ttlOf(role)}) from ${day(deadlineMs)} on`
    : '';
}

function ttlOf({ ttlSeconds }: ports.PkiRole): string {
  return wording.span(ttlSeconds * SECOND_MS);
}

function longestRole({ roles }: Issuer): ports.PkiRole | undefined {
  return roles.toSorted((a, b) => b.ttlSeconds - a.ttlSeconds || (a.name < b.name ? -1 : 1))[0];
}

/** Of what signed it, the first end. */
function chainEnd({ chain }: Issuer): number {
  return Math.min(...chain.map(({ notAfter }) => notAfter.getTime()));
}

interface IssuedMember extends Member {
  readonly fromMs: number;
}

function membersOf(
  signed: readonly SurveyedPlace[],
  issuerEndMs: number,
  horizonMs: number,
): readonly IssuedMember[] {
  return signed
    .map(({ place, store, renewable, chain: [{ notBefore, notAfter }] }) => ({
      name: nameOfSecret(place),
      place,
      store,
      renewable: renewable === true,
      endMs: Math.min(notAfter.getTime(), issuerEndMs),
      fromMs: notBefore.getTime(),
    }))
    .filter(({ endMs }) => endMs <= horizonMs)
    .toSorted((a, b) => a.endMs - b.endMs || (a.place < b.place ? -1 : 1));
}

/** `kv/edge/gw` */
function nameOfSecret(place: string): string {
  return withoutSource(place).replace(/:[^:/]+$/, '');
}

/** `pki` of `vault:pki/issuer/int-2022`. */
function mountOf({ place }: Pick<Issuer, 'place'>): string {
  return withoutSource(place).replace(/\/issuer\/[^/]*$/, '');
}

/** Another issuer of the same PKI, which lasts longer: the roles of this one only have to name it. */
function successorOf({ facts }: PlanContext, issuer: Issuer): Issuer | undefined {
  const endMs = chainEnd(issuer);
  const [longest] = facts.issuers
    .filter(
      (one) =>
        one.store === issuer.store &&
        mountOf(one) === mountOf(issuer) &&
        one.issues &&
        chainEnd(one) > endMs + (longestRole(issuer)?.ttlSeconds ?? 0) * SECOND_MS,
    )
    .toSorted(
      (a, b) =>
        Number(b.isDefault) - Number(a.isDefault) || chainEnd(b) - chainEnd(a) || (a.name < b.name ? -1 : 1),
    );
  return longest;
}

/** `role edge` */
function rolesOf({ roles }: Issuer): string {
  const names = wording.list(roles.map(({ name }) => name).toSorted(), 3);
  return `${roles.length === 1 ? 'role' : 'roles'} ${names}`;
}

function stepsToSuccessor(issuer: Issuer, { name }: Issuer, members: readonly Member[]): readonly Step[] {
  const mount = mountOf(issuer);
  const commands = issuer.roles
    .slice(0, MAX_COMMANDS)
    .map((role) => `\`vault patch ${mount}/roles/${role.name} issuer_ref=${name}\``);
  const more = issuer.roles.length > MAX_COMMANDS ? ` and ${issuer.roles.length - MAX_COMMANDS} more` : '';
  return [
    { id: 'add-version', state: 'done', by: 'person', what: `The issuer ${name} exists` },
    {
      id: 'trust',
      state: 'unknown',
      by: 'pipeline',
      what: `deploy ${name} or its root to everything that trusts ${issuer.name}, and keep both`,
      note: "It isn't known whether that is done: no trust file was compared with it",
    },
    {
      id: 'move-flag',
      state: 'open',
      by: 'person',
      what: `use ${name} in ${rolesOf(issuer)}: ${commands.join(', ')}${more}`,
    },
    ...renewSteps(members),
    retireStep,
  ];
}

const MAX_COMMANDS = 3;

/** @param ending what ends first: the issuer, or an authority above it */
function stepsFor(issuer: Issuer, members: readonly Member[], ending: ports.Certificate): readonly Step[] {
  const mount = mountOf(issuer);
  const [{ selfSigned, name }] = issuer.chain;
  const above =
    ending === issuer.chain[0]
      ? ''
      : `replace ${ending.name}, which signed it, where that is managed, and deploy the new one to everything that trusts it; then `;
  const create = selfSigned
    ? `create a new root: \`vault write ${mount}/root/rotate/internal common_name="${name}"\``
    : `create a new issuer: \`vault write ${mount}/intermediate/generate/internal common_name="${name}"\`, have it signed, and import it: \`vault write ${mount}/intermediate/set-signed certificate=@signed.pem\``;
  const roles = issuer.roles.map((role) => role.name).slice(0, 3);
  return [
    { id: 'add-version', state: 'open', by: 'person', what: above + create },
    ...(selfSigned
      ? [
          {
            id: 'trust' as const,
            state: 'open' as const,
            by: 'pipeline' as const,
            what: 'deploy the new root to everything that trusts the old one, and keep both',
          },
        ]
      : []),
    {
      id: 'move-flag',
      state: 'open',
      by: 'person',
      what: `make it the default issuer: \`vault write ${mount}/config/issuers default=NEW\``,
      note:
        roles.length > 0
          ? `Roles that name the old one in \`issuer_ref\` need the new one too: ${roles.join(', ')}`
          : undefined,
    },
    ...renewSteps(members),
    retireStep,
  ];
}

function renewSteps(members: readonly Member[]): readonly Step[] {
  if (members.length === 0) return [];
  const isButton = members.some(({ renewable }) => renewable);
  return [
    {
      id: 'renew',
      state: 'open',
      by: isButton ? 'button' : 'person',
      what: `renew ${members
        .map((one) => one.name)
        .slice(0, 5)
        .join(', ')}${members.length > 5 ? ` and ${members.length - 5} more` : ''}`,
      ...(isButton && { note: 'The button appears once a newer issuer signs' }),
    },
    { id: 'deploy', state: 'open', by: 'pipeline', what: 'deploy what reads them' },
  ];
}

const retireStep: Step = {
  id: 'retire',
  state: 'open',
  by: 'person',
  what: 'keep the old issuer until nothing that it signed is in use, then remove `issuing-certificates` from its usage',
};

/** Until the issuer is replaced, only a shorter certificate can be issued, which must be renewed again. */
function urgent(issuer: Issuer, members: readonly Member[], endMs: number, nowMs: number) {
  const days = Math.floor((endMs - nowMs) / DAY_MS);
  if (members.length === 0 || days < 1 || issuer.beyondEnd === 'permit') return [];
  return [
    field(
      "If one can't wait",
      `request a ttl below ${wording.count(days, 'day')}; it must be renewed again after the issuer is replaced`,
    ),
  ];
}

function endings(members: readonly Member[]) {
  if (members.length === 0) return [];
  return [
    {
      kind: 'table' as const,
      columns: ['Certificate', 'Ends'],
      rows: members.slice(0, 200).map(({ name, endMs }) => [name, endMs === undefined ? '' : day(endMs)]),
    },
  ];
}

/** What the old issuer signed ends with it. The new one can sign it again. */
function leftAtOld(plan: PlanContext, issuer: Issuer, signed: readonly SurveyedPlace[]): readonly Rotation[] {
  const { nowMs, horizonMs } = plan;
  const members = membersOf(signed, chainEnd(issuer), horizonMs);
  if (members.length === 0) return [];
  const endMs = earliest(members.map((one) => one.endMs));
  const severity = worstSeverity(members.map((one) => severityAt(one.endMs, nowMs, one.fromMs)));
  const isButton = members.some(({ renewable }) => renewable);
  const names = members.map(({ name }) => name);
  const steps: readonly Step[] = [
    { id: 'add-version', state: 'done', by: 'person', what: `Roles use another issuer than ${issuer.name}` },
    {
      id: 'renew',
      state: 'open',
      by: isButton ? 'button' : 'person',
      what: `renew ${wording.list(names, 5)}`,
    },
    { id: 'deploy', state: 'open', by: 'pipeline', what: 'deploy what reads them' },
  ];
  return [
    {
      reason: 'signed-by-former-version',
      place: issuer.place,
      target: issuer.name,
      severity: severity ?? 'info',
      endMs,
      summary: `${wording.list(names)} ${names.length === 1 ? 'is' : 'are'} signed by the former issuer ${issuer.name}, and ${names.length === 1 ? '' : 'the first of them '}${endsIn(endMs, nowMs)}; renew ${names.length === 1 ? 'it' : 'them'}`,
      steps,
      members,
      evidence: [...checklist(steps), ...endings(members)],
      offers: renewOffers(members),
      names: [issuer.place, issuer.name, ...members.map(({ place }) => place)],
    },
  ];
}
