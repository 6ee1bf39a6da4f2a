import { wording } from '../../kit.ts';
import type { CertificateSurvey, SurveyedCertificate } from '../../shared/certificate-survey.ts';
import { field, steps } from '../../shared/evidence.ts';
import type { DriftFinding } from './finding-words.ts';

/** Deployments that their manager lists as outdated, each with all its certificates. */
export function reportOutdated({ managed }: Pick<CertificateSurvey, 'managed'>): readonly DriftFinding[] {
  const pairs = managed.flatMap((certificate) =>
    (certificate.outdatedDeployments ?? []).map((deployment) => ({ certificate, deployment })),
  );
  const groups = Map.groupBy(pairs, ({ certificate, deployment }) =>
    JSON.stringify([certificate.store, deployment]),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first
      ? [
          findingFor(
            first.deployment,
            group.map(({ certificate }) => certificate),
          ),
        ]
      : [];
  });
}

/** https://docs.vmware.com/en/VMware-Tanzu-Operations-Manager/: Apply Changes of a tile doesn't upgrade its service instances. */
const SERVICE_INSTANCE = /^service-instance_/;

function findingFor(deployment: string, certificates: readonly SurveyedCertificate[]): DriftFinding {
  const isInstance = SERVICE_INSTANCE.test(deployment);
  const names = [...new Set(certificates.map(({ name }) => name))].toSorted();
  const procedures = new Map(
    certificates.flatMap(({ procedure }) =>
      procedure ? [[procedure.url ?? procedure.name, procedure] as const] : [],
    ),
  );
  return {
    reason: 'deployment-outdated',
    severity: 'warning',
    target: deployment,
    targets: names,
    summary: `${deployment} still uses former versions of ${wording.count(names.length, 'certificate')} (${wording.list(names)}): ${isInstance ? 'upgrade this service instance' : 'a person must apply changes'}`,
    evidence: [
      ...steps(
        isInstance
          ? [
              'Upgrade this service instance: `cf upgrade-service`, or the errand of its tile that upgrades all instances',
              'If that errand is disabled for the tile, enable it, and let a person click Apply Changes',
            ]
          : ['Let a person select the product in Ops Manager and click Apply Changes'],
      ),
      ...[...procedures.values()].map(({ name, url }) =>
        field('Procedure', url === undefined ? name : `${name}: ${url}`),
      ),
    ],
  };
}
