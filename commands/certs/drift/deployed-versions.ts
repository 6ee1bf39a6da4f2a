import { type Evidence, type ports, wording } from '../../kit.ts';
import type { CertificateSurvey, SurveyedCertificate } from '../../shared/certificate-survey.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import { activeVersion } from '../../shared/managed-chain.ts';
import { worstSeverity } from '../../shared/severity.ts';
import type { SurveyedDirector } from '../../shared/survey-directors.ts';
import type { WantedContents } from '../../shared/survey-versions.ts';
import { describeStep, lastTaskOf, taskOf } from './director-tasks.ts';
import { type DriftFinding, endOf, validUntil } from './finding-words.ts';
import { severityOfServed } from './stale-sites.ts';

type Deployed = ports.DeployedCertificates['certificates'][number];

interface Compared {
  readonly deployed: Deployed;
  /**
   * `current`: nothing to do. `former`: the store has a newer version. `same`: that one has the same certificate, and other authorities beside it.
   * `deleted`: the store doesn't have that version any more.
   */
  readonly is: 'current' | 'former' | 'same' | 'deleted' | 'unlisted';
  readonly notAfter?: Date;
  readonly current?: ports.CertificateVersion;
}

/**
 * Without outdated versions of deployments in `handled`. A director uses the versions of its last deploy, whatever is stored since: https://github.com/cloudfoundry/credhub/blob/main/docs/bosh-config-server.md
 */
export function reportDeployed(
  { directors, managed }: CertificateSurvey,
  { handled, now }: { readonly handled: ReadonlySet<string>; readonly now: Date },
): readonly DriftFinding[] {
  const byName = Map.groupBy(
    managed.filter(({ automation }) => automation === undefined),
    ({ name }) => name.toLowerCase(),
  );
  const repeated = repeatedNames(directors);
  return directors.flatMap((director) =>
    director.deployed.flatMap(({ deployment, certificates }) => {
      const compared = certificates.map((one) => compare(one, byName.get(one.name.toLowerCase()) ?? []));
      const target = repeated.has(deployment) ? `${deployment} (${director.source})` : deployment;
      return [
        ...(handled.has(deployment) ? [] : formerFinding({ compared, director, deployment, target }, now)),
        ...sameFinding(compared, target, now),
        ...deletedFinding(compared, target, now),
        ...expiredFinding(compared, target, now),
      ];
    }),
  );
}

/** Certificates of a deployment that no store lists, although one lists others of the same deployment: deleted, or hidden by missing permissions. */
export function unlistedOf({ directors, managed }: CertificateSurvey): readonly {
  readonly source: string;
  readonly deployment: string;
  readonly names: readonly string[];
}[] {
  const known = new Set(
    managed.filter(({ renewedBy }) => renewedBy === 'store').map(({ name }) => name.toLowerCase()),
  );
  return directors.flatMap(({ source, deployed }) =>
    deployed.flatMap(({ deployment, certificates }) => {
      const names = certificates.map(({ name }) => name).filter((name) => !known.has(name.toLowerCase()));
      return names.length > 0 && known.size > 0 ? [{ source, deployment, names }] : [];
    }),
  );
}

/** The versions with which a deployed one is compared by content: those that end at the same second. */
export function contentsOfDeployed(
  managed: readonly ports.ManagedCertificate[],
  deployed: ReadonlySet<string>,
): readonly WantedContents[] {
  return managed.flatMap((of) => {
    const active = activeVersion(of);
    const end = active?.notAfter?.getTime();
    if (active === undefined || end === undefined || of.versions.length < 2) return [];
    const same = of.versions.filter(
      ({ id, notAfter }) => id !== active.id && deployed.has(id) && notAfter?.getTime() === end,
    );
    return same.length > 0 ? [{ place: of.place, versions: [active.id, ...same.map(({ id }) => id)] }] : [];
  });
}

function repeatedNames(directors: readonly SurveyedDirector[]): ReadonlySet<string> {
  const all = directors.flatMap(({ deployed }) => deployed.map(({ deployment }) => deployment));
  return new Set(all.filter((name, at) => all.indexOf(name) !== at));
}

/** Names are compared without case, as CredHub does. Of several stores, the one that has the version is meant. */
function compare(deployed: Deployed, candidates: readonly SurveyedCertificate[]): Compared {
  const of =
    candidates.find(({ versions }) => versions.some(({ id }) => id === deployed.version)) ?? candidates[0];
  const end = (known?: Date) => {
    const notAfter = deployed.notAfter ?? known;
    return notAfter ? { notAfter } : {};
  };
  if (!of) return { deployed, is: 'unlisted', ...end() };
  const active = activeVersion(of);
  const at = of.versions.findIndex(({ id }) => id === deployed.version);
  if (at === -1) return { deployed, is: 'deleted', ...end(), ...(active && { current: active }) };
  const current = active ? of.versions.indexOf(active) : -1;
  return {
    deployed,
    // A newer one that is only transitional is trusted, not used.
    is: active && at > current ? (isSame(of, deployed.version, active.id) ? 'same' : 'former') : 'current',
    ...end(of.versions[at]?.notAfter),
    ...(active && { current: active }),
  };
}

/** With `concatenate_cas`, CredHub stores new versions of certificates when only their authority changes: https://github.com/pivotal/credhub-release/blob/main/docs/ca-rotation.md */
function isSame({ contents }: SurveyedCertificate, one: string, other: string): boolean {
  const [a, b] = [one, other].map((id) => contents.find((content) => content.id === id)?.chain[0]);
  return a !== undefined && a.fingerprint === b?.fingerprint;
}

interface OfDeployment {
  readonly compared: readonly Compared[];
  readonly director: SurveyedDirector;
  readonly deployment: string;
  readonly target: string;
}

function formerFinding(
  { compared, director: { tasks }, deployment, target }: OfDeployment,
  now: Date,
): readonly DriftFinding[] {
  const former = compared.filter(({ is }) => is === 'former');
  if (former.length === 0) return [];
  const running = taskOf(tasks, deployment);
  const expired = former.filter(({ notAfter }) => notAfter !== undefined && notAfter < now);
  const ended = expired
    .flatMap(({ notAfter }) => notAfter ?? [])
    .toSorted((a, b) => a.getTime() - b.getTime())[0];
  const [soonest] = former
    .flatMap(({ notAfter }) => notAfter ?? [])
    .toSorted((a, b) => a.getTime() - b.getTime());
  const state = ended
    ? `${expired.length === former.length ? '' : `${expired.length} of them `}expired ${wording.span(now.getTime() - ended.getTime())} ago`
    : soonest
      ? `still valid${former.length > 1 ? '; the first' : ','} ${endOf({ notAfter: soonest }, now)}`
      : 'with an unknown end';
  const useless = former.filter(({ current }) => current?.notAfter !== undefined && current.notAfter < now);
  return [
    {
      reason: 'deployed-version-outdated',
      severity:
        worstSeverity(
          former.map(({ notAfter }) => (notAfter ? severityOfServed({ notAfter }, now) : 'warning')),
        ) ?? 'warning',
      target,
      targets: former.map(({ deployed: { name } }) => name).toSorted(),
      summary: `${target} uses ${wording.count(former.length, 'former version')} of certificates (${state}), and newer ones are stored${useless.length > 0 ? `, but ${useless.length === former.length ? 'those' : `${useless.length} of those`} have expired too: renew them, then deploy` : ': it needs a deploy'}`,
      evidence: [
        ...steps([
          useless.length > 0
            ? `Renew ${wording.list(useless.map(({ deployed: { name } }) => name).toSorted())} first`
            : undefined,
          running
            ? `Wait for ${describeStep(running, now)}, and run \`/certs drift\` again`
            : `Deploy its current manifest: \`bosh -d ${deployment} deploy MANIFEST\``,
        ]),
        field(
          'Why',
          'BOSH uses the versions of the last deploy, by id: restarting or creating VMs again keeps them',
        ),
        ...optionalField('Last task', describeLast(lastTaskOf(tasks, deployment))),
        versionTable(former, now),
      ],
    },
  ];
}

/** The director describes other changes as a deploy too. */
function describeLast(task: ports.DirectorTask | undefined): string | undefined {
  if (!task?.endedAt) return undefined;
  return `${task.id} (${task.description}), ended ${wording.utcTime(task.endedAt)}, left these versions in use`;
}

function versionTable(compared: readonly Compared[], now: Date): Evidence {
  return {
    kind: 'table',
    columns: ['Certificate', 'Deployed', 'Stored'],
    rows: compared.map(({ deployed: { name, version }, notAfter, current }) => [
      name,
      `${version.slice(0, 8)}, ${validUntil(notAfter, now)}`,
      current ? `${current.id.slice(0, 8)}, ${validUntil(current.notAfter, now)}` : 'deleted',
    ]),
  };
}

/** Nothing is outdated but what is trusted. Whether that is needed already depends on the rotation of the authority. */
function sameFinding(compared: readonly Compared[], target: string, now: Date): readonly DriftFinding[] {
  const same = compared.filter(({ is }) => is === 'same');
  if (same.length === 0) return [];
  return [
    {
      reason: 'deployed-authorities-outdated',
      severity: 'info',
      target,
      targets: same.map(({ deployed: { name } }) => name).toSorted(),
      summary: `${target} uses ${wording.count(same.length, 'former version')} with the same ${same.length > 1 ? 'certificates' : 'certificate'} as the stored ${same.length > 1 ? 'ones' : 'one'}; only the authorities beside ${same.length > 1 ? 'them' : 'it'} differ, and the next deploy delivers those`,
      evidence: [versionTable(same, now)],
    },
  ];
}

/** A VM that is created again, by the resurrector too, fetches versions by id. */
function deletedFinding(compared: readonly Compared[], target: string, now: Date): readonly DriftFinding[] {
  const deleted = compared.filter(({ is }) => is === 'deleted');
  if (deleted.length === 0) return [];
  return [
    {
      reason: 'deployed-version-deleted',
      severity: 'warning',
      target,
      targets: deleted.map(({ deployed: { name } }) => name).toSorted(),
      summary: `${wording.count(deleted.length, 'deployed version')} of ${target} no longer ${deleted.length > 1 ? 'exist' : 'exists'} in the store, so a VM that is created again can't fetch ${deleted.length > 1 ? 'them' : 'it'}: deploy ${target}`,
      evidence: [versionTable(deleted, now)],
    },
  ];
}

/** Nothing newer is stored, as far as is known. */
function expiredFinding(compared: readonly Compared[], target: string, now: Date): readonly DriftFinding[] {
  const expired = compared.filter(
    ({ is, notAfter }) =>
      (is === 'current' || is === 'same' || is === 'unlisted') && notAfter !== undefined && notAfter < now,
  );
  const [first] = expired;
  if (!first?.notAfter) return [];
  return [
    {
      reason: 'deployed-certificate-expired',
      severity: 'critical',
      target,
      targets: expired.map(({ deployed: { name } }) => name).toSorted(),
      summary: `${wording.count(expired.length, 'certificate')} that ${target} uses ${expired.length > 1 ? 'have' : 'has'} expired (${first.deployed.name} ${endOf({ notAfter: first.notAfter }, now)}), and no newer version is known: renew, then deploy`,
      evidence: [versionTable(expired, now)],
    },
  ];
}
