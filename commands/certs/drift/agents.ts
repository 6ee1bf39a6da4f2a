import { type ports, wording } from '../../kit.ts';
import { isAgentPlace } from '../../shared/agent-certificates.ts';
import type { CertificateSurvey, SurveyedPlace } from '../../shared/certificate-survey.ts';
import { DEFAULT_THRESHOLDS, isDueStatus, judgeValidity } from '../../shared/certificate-validity.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import { type DriftFinding, endOf } from './finding-words.ts';

const MIN_ID = 8;

/**
 * Agents whose client certificate for NATS has expired or soon will. The director issues one for each VM when it creates it, and lists none of them:
 * https://github.com/cloudfoundry/bosh/issues/2307
 */
export function reportAgents({ places, directors }: CertificateSurvey, now: Date): readonly DriftFinding[] {
  return places
    .filter((place) => isAgentPlace(place))
    .flatMap((place) => {
      const status = judgeValidity(place.chain[0], DEFAULT_THRESHOLDS, now.getTime());
      if (!isDueStatus(status) || (status.is !== 'expired' && status.is !== 'expiring')) return [];
      return [
        findingFor(
          place,
          status.severity,
          status.is,
          directors.flatMap(({ deployments }) => deployments),
          now,
        ),
      ];
    });
}

/** Machines are also named with the beginning of the id, which is long. */
function isNamed({ group, id, name: shown }: ports.Instance, name: string): boolean {
  const [, short = ''] = name.split('/');
  return (
    [`${group}/${id}`, shown].includes(name) ||
    (short.length >= MIN_ID && name.startsWith(`${group}/`) && id.startsWith(short))
  );
}

function findingFor(
  { place, host, chain: [leaf] }: SurveyedPlace,
  severity: DriftFinding['severity'],
  is: 'expired' | 'expiring',
  deployments: readonly ports.Deployment[],
  now: Date,
): DriftFinding {
  const name = host?.split(' ')[0] ?? place;
  const found = deployments
    .flatMap((deployment) => deployment.instances.map((instance) => ({ deployment, instance })))
    .find(({ instance }) => isNamed(instance, name));
  // Its group is known, but it is not: the VM was deleted, or the director has lost it.
  const isForgotten =
    !found &&
    deployments.some(
      ({ gaps = [], instances }) =>
        gaps.length === 0 && instances.some(({ group }) => name.startsWith(`${group}/`)),
    );
  if (isForgotten)
    return {
      reason: 'agent-certificate-orphaned',
      severity: 'warning',
      target: name,
      summary: `The agent's certificate for NATS on ${name} ${endOf(leaf, now)}, but no director lists this instance: delete the VM if it still exists, or the copy of its settings`,
      evidence: [field('Place', place)],
    };
  const of = found ? `-d ${found.deployment.name} ` : '';
  const state = found?.instance.state === 'unresponsive' ? ', and its agent is unresponsive' : '';
  return {
    reason: is === 'expired' ? 'agent-certificate-expired' : 'agent-certificate-expiring',
    severity,
    target: name,
    summary: `The agent's certificate for NATS on ${name} ${endOf(leaf, now)}${state}: create the VM again, because only that issues a new one`,
    evidence: [
      ...steps([
        is === 'expired'
          ? `\`bosh ${of}recreate ${name} --fix\``
          : `\`bosh ${of}recreate ${name}\`, before it expires and the agent no longer responds`,
        'Check afterwards how long the others are valid: VMs that were created together expire together',
      ]),
      field(
        'Do not',
        'regenerate anything in CredHub, and restart nothing with monit: neither changes this certificate',
      ),
      ...optionalField('State', found && `${found.instance.state} according to the director`),
      field('Valid', `${wording.utcTime(leaf.notBefore)} to ${wording.utcTime(leaf.notAfter)}`),
      field('Place', place),
    ],
  };
}
