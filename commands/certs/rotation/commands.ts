import type { ports } from '../../kit.ts';

/** The exact commands of the steps, in backticks. */

type Managed = Pick<ports.ManagedCertificate, 'name' | 'id'>;

export function regenerateCommand({ name }: Managed): string {
  return `\`credhub regenerate -n ${name}\``;
}

/** https://github.com/pivotal/credhub-release/blob/main/docs/ca-rotation.md */
export function addTransitionalCommand(certificate: Managed): string {
  return curl(certificate, 'regenerate', 'POST', '{"set_as_transitional":true}');
}

export function moveFlagCommand(certificate: Managed, version: string): string {
  return curl(certificate, 'update_transitional_version', 'PUT', `{"version":"${version}"}`);
}

export function clearFlagCommand(certificate: Managed): string {
  return curl(certificate, 'update_transitional_version', 'PUT', '{"version":null}');
}

export function deleteVersionCommand(certificate: Managed, version: string): string {
  return curl(certificate, `versions/${version}`, 'DELETE');
}

/** The API knows certificates by id. */
function curl(
  { name, id }: Managed,
  action: string,
  method: 'POST' | 'PUT' | 'DELETE',
  body?: string,
): string {
  const data = body === undefined ? '' : ` -d '${body}'`;
  const call = `\`credhub curl -X ${method} -p /api/v1/certificates/${id ?? 'ID'}/${action}${data}\``;
  return id === undefined
    ? `${call}, with the ID from \`credhub curl -p /api/v1/certificates?name=${name}\``
    : call;
}

/** `bosh -d cf deploy`, for each deployment. */
export function deployCommands(deployments: readonly string[]): string {
  if (deployments.length === 0) return 'everything that uses it';
  return deployments
    .slice(0, MAX_DEPLOYMENTS)
    .map((one) => `\`bosh -d ${one} deploy\``)
    .join(', ');
}

const MAX_DEPLOYMENTS = 5;
