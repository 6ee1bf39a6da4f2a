import { type Evidence, wording } from '../../kit.ts';
import { describeDue, isDueStatus, VALIDITY_REASONS } from '../../shared/certificate-validity.ts';
import { field, optionalField } from '../../shared/evidence.ts';
import { offersFor, type RenewOffer } from '../../shared/renew.ts';
import { dependentsTable, describeDependents, describeSigners, validityOf } from './expiry.ts';
import { likelyImpact } from './impact.ts';
import type { ManagedUnit } from './managed-units.ts';
import type { SigningCertificate, SortableFinding } from './sort-findings.ts';
import { daysLeft } from './time-left.ts';

/** A finding about a certificate that is managed under a name. */
export interface ManagedFinding {
  readonly unit: ManagedUnit;
  readonly task: SortableFinding;
}

const MAX_LISTED = 5;

/** What needs action, each with what ends with it. */
export function managedFindings(units: readonly ManagedUnit[], nowMs: number): readonly ManagedFinding[] {
  const byPlace = new Map(units.map((unit) => [unit.fact.place, unit]));
  const dependents = Map.groupBy(
    units.filter(({ isAsked, early, status }) => isAsked && early?.cause && !isDue(status)),
    ({ early }) => early?.cause?.place ?? '',
  );
  return units.flatMap((unit): readonly ManagedFinding[] => {
    const others = dependents.get(unit.fact.place) ?? [];
    if (!unit.isAsked && others.length === 0) return [];
    const signer = unit.early?.cause && byPlace.get(unit.early.cause.place);
    const task = findingOf(unit, others, signer, nowMs);
    return task ? [{ unit, task }] : [];
  });
}

function isDue(status: ManagedUnit['status']): boolean {
  return status !== undefined && isDueStatus(status);
}

function findingOf(
  unit: ManagedUnit,
  dependents: readonly ManagedUnit[],
  signer: ManagedUnit | undefined,
  nowMs: number,
): SortableFinding | undefined {
  const { fact, status, early, stuck, dates } = unit;
  const { place } = fact;
  const impact = likelyImpact(place, fact.name);
  const targets =
    dependents.length === 0 ? {} : { targets: [place, ...dependents.map((one) => one.fact.place)] };
  const more = describeDependents(dependents.map((one) => one.fact.name));
  const known = {
    target: place,
    ...targets,
    ...(isRotated(unit) && { next: [{ check: 'certs/rotation', args: {} }] }),
  };
  const evidence = (isImpactSaid: boolean, first: readonly SigningCertificate[]) =>
    evidenceOf(unit, dependents, { first, impact: isImpactSaid ? undefined : impact }, nowMs);
  if (status && isDueStatus(status)) {
    const isExpired = status.is === 'expired';
    const says = `${fact.name} ${describeDue(dates, status, nowMs)} (${whereOf(unit)})`;
    const why = stuck ? `; ${stuck.says}` : '';
    const first = signer ? [{ name: signer.fact.name, place: signer.fact.place }] : [];
    const { notAfter } = dates;
    const untilMs = notAfter?.getTime() ?? NaN;
    return {
      finding: {
        reason: VALIDITY_REASONS[status.is],
        severity: status.severity,
        ...known,
        summary: `${says}${more}${why}${isExpired && impact !== undefined ? `; likely impact: ${impact}` : ''}`,
        ...(notAfter && daysLeft({ notAfter }, status, nowMs)),
        evidence: evidence(isExpired, first),
        ...offersOf(unit, first),
      },
      untilMs,
      signs: place,
      ...(fact.signedBy !== undefined && { signedBy: signedByPlace(unit) }),
      ...(notAfter && dependents.length === 0 && !stuck && { about: aboutOf(unit, notAfter, first) }),
    };
  }
  if (early && !early.cause) {
    const { ends } = early;
    const isOver = early.status.is === 'expired';
    const left = wording.span(ends.notAfter.getTime() - nowMs);
    const own = dates.notAfter ? `, not on ${wording.calendarDay(dates.notAfter)}` : '';
    const what = isOver ? `expired with its issuer ${left} ago` : `expires with its issuer in ${left}`;
    return {
      finding: {
        reason: isOver ? 'issuer-expired' : 'issuer-expires-first',
        severity: early.status.severity,
        ...known,
        summary: `${fact.name} ${what}${own}${more} (${whereOf(unit)}): ${describeEarlySigner(unit)}`,
        ...daysLeft(ends, early.status, nowMs),
        evidence: evidence(false, []),
        ...offersOf(unit, []),
      },
      untilMs: ends.notAfter.getTime(),
      signs: place,
    };
  }
  if (!stuck) return undefined;
  return {
    finding: {
      reason: 'renewal-stuck',
      severity: 'warning',
      target: place,
      summary: `${fact.name}: ${stuck.says} (${whereOf(unit)})`,
      evidence: evidence(false, []),
      ...offersOf(unit, []),
    },
    untilMs: dates.notAfter?.getTime() ?? NaN,
    at: { first: place, count: 1 },
  };
}

/** The place of its authority. */
function signedByPlace({ chain }: ManagedUnit): string {
  return chain?.links[1]?.certificate?.place ?? '';
}

/** `an older version of /bosh/cf/application_ca signed it`. */
function describeEarlySigner({ early, chain }: ManagedUnit): string {
  if (!early) return '';
  const { name, certificate, version } = early.ends;
  const signed = chain?.links[1]?.name === name ? 'signed it' : 'signed its issuer';
  const assumed = chain?.isAssumed ? ASSUMED : '';
  if (!certificate) return `${name} ${signed}${assumed}`;
  return version
    ? `a former version of ${name} ${signed}${assumed}`
    : `a version of ${name} that no longer exists ${signed}${assumed}`;
}

const ASSUMED = ' (assumed: no content could be read)';

/** `credhub`, `prod and 2 other places`. */
function whereOf(unit: ManagedUnit): string {
  const others = placesOf(unit).length - 1 + hiddenCount(unit);
  return others === 0 ? unit.fact.store : `${unit.fact.store} and ${wording.count(others, 'other place')}`;
}

function placesOf({ fact, also, occurrences }: ManagedUnit): readonly [string, ...string[]] {
  const places = [
    ...also.map(({ place }) => place),
    ...(occurrences?.places ?? []).map(({ place }) => place),
  ];
  return [fact.place, ...new Set(places)];
}

/** Places that are not listed because there are too many. */
function hiddenCount({ occurrences }: ManagedUnit): number {
  return occurrences ? occurrences.count - occurrences.places.length : 0;
}

function aboutOf(
  unit: ManagedUnit,
  notAfter: Date,
  signers: readonly SigningCertificate[],
): NonNullable<SortableFinding['about']> {
  const { fact, active, chain, certificate } = unit;
  const signer = chain?.links[1]?.name ?? fact.issuer ?? certificate?.issuer ?? '';
  const places = placesOf(unit);
  return {
    name: fact.name,
    issuer: signer,
    notAfter,
    places,
    count: places.length + hiddenCount(unit),
    isStored: true,
    canBeGrouped: active?.authority !== true && signer !== '',
    signers,
  };
}

/**
 * A button only for what one renewal settles. An authority needs the steps of a rotation; a certificate whose issuer ends first would end with it again;
 * what is already requested, or overwritten by another certificate, would not change.
 */
function offersOf(
  unit: ManagedUnit,
  first: readonly SigningCertificate[],
): { readonly offers?: readonly RenewOffer[] } {
  const { fact, active, stuck, isOverwritten, status } = unit;
  if (!fact.renewable || !active || first.length > 0 || isOverwritten || isAuthority(unit)) return {};
  if (stuck?.isRequested || active.generated === false) return {};
  if (status && isDueStatus(status) && status.is !== 'expired' && status.is !== 'expiring') return {};
  return offersFor([fact.place]);
}

function isAuthority({ active, fact, certificate }: ManagedUnit): boolean {
  return active?.authority ?? certificate?.authority ?? fact.automation?.isAuthority ?? false;
}

/** An authority that its store renews in steps, of which that check says the next one. */
function isRotated(unit: ManagedUnit): boolean {
  return unit.fact.renewedBy === 'store' && isAuthority(unit);
}

interface Said {
  readonly first: readonly SigningCertificate[];
  readonly impact: string | undefined;
}

function evidenceOf(
  unit: ManagedUnit,
  dependents: readonly ManagedUnit[],
  { first, impact }: Said,
  nowMs: number,
): readonly Evidence[] {
  const { fact, also, certificate } = unit;
  const procedure = fact.procedure ?? also.find((one) => one.procedure)?.procedure;
  const deployments = fact.deployments ?? also.find((one) => one.deployments)?.deployments ?? [];
  return [
    ...optionalField('Next step', nextStepOf(unit)),
    ...(first.length === 0 ? [] : [field('Renew first', describeSigners(first))]),
    ...optionalField('Likely impact', impact),
    ...optionalField('Valid', validIn(unit, nowMs)),
    ...optionalField('Signed by', signerOf(unit)),
    ...optionalField('Newest version', transitionalIn(unit)),
    ...(deployments.length === 0 ? [] : [field('Deployments', wording.list(deployments, MAX_LISTED))]),
    ...optionalField(
      'Procedure',
      procedure && [procedure.name, procedure.url].filter((one) => one !== undefined).join(': '),
    ),
    ...dependentsTable(
      dependents.map((one) => ({
        name: one.fact.name,
        place: one.fact.place,
        notAfter: one.dates.notAfter,
      })),
    ),
    ...placesTable(unit),
    ...optionalField('SHA-256', certificate?.fingerprint),
  ];
}

function validIn({ dates: { notBefore, notAfter } }: ManagedUnit, nowMs: number): string | undefined {
  if (notBefore && notAfter && notBefore <= notAfter) {
    const [from, until] = [notBefore.getTime(), notAfter.getTime()];
    const left =
      from <= nowMs && nowMs <= until ? `, ${wording.percent((until - nowMs) / (until - from))} left` : '';
    return validityOf({ notBefore, notAfter }) + left;
  }
  return notAfter && !notBefore ? `until ${wording.utcTime(notAfter)}` : undefined;
}

function signerOf({ chain, fact, certificate }: ManagedUnit): string | undefined {
  const signer = chain?.links[1];
  if (!signer) return fact.issuer ?? fact.automation?.issuer.name ?? certificate?.issuer;
  const version = signer.version && signer.certificate && signer.certificate.versions.length > 1;
  const which = version ? `, version ${signer.version?.id}` : '';
  const until = signer.notAfter ? `, until ${wording.utcTime(signer.notAfter)}` : '';
  return `${signer.name}${which}${until}${signer.known === 'assumed' ? ASSUMED : ''}`;
}

function transitionalIn({ fact: { versions }, active }: ManagedUnit): string | undefined {
  const [newest] = versions;
  if (!newest?.transitional || newest === active) return undefined;
  const until = newest.notAfter ? ` until ${wording.utcTime(newest.notAfter)}` : '';
  return `${newest.id}${until}, transitional: it is trusted, and signs nothing yet`;
}

function nextStepOf(unit: ManagedUnit): string | undefined {
  const { fact, active, stuck, early } = unit;
  if (stuck) return stuck.step;
  if (fact.automation && unit.isOverwritten)
    return `Give each certificate that writes to ${fact.automation.writesTo} its own Secret: they overwrite each other.`;
  const isConfigured = active?.generated === false;
  if (fact.renewedBy === 'person' && isConfigured && fact.name.includes('.properties.'))
    return 'Replace it in the tile that has this property, then have a person apply the changes.';
  if (isConfigured && !isAuthority(unit))
    return 'It was set, not generated: set a new one where it is managed, then deploy.';
  if (fact.renewedBy !== 'store') return undefined;
  if (isAuthority(unit))
    return fact.versions[0]?.transitional && fact.versions[0] !== active
      ? 'A newer version is already trusted: deploy it everywhere, then move the transitional flag and renew what it signs.'
      : 'Rotate it step by step: a new version that is only trusted, a deploy, then what it signed.';
  if (early && !early.cause)
    return 'Renew it: its authority already has a newer version, which will sign it. Then deploy.';
  return undefined;
}

function placesTable(unit: ManagedUnit): readonly Evidence[] {
  const [, ...others] = placesOf(unit);
  if (others.length === 0) return [];
  const hidden = hiddenCount(unit);
  const listed =
    hidden > 0 ? [field('Other places', `${others.length} of ${others.length + hidden} listed`)] : [];
  return [...listed, { kind: 'table', columns: ['Also at'], rows: others.map((place) => [place]) }];
}
