import type { ClusterPermission } from '../../ports/clusters.ts';
import { printable } from '../../wire/x509.ts';
import { isAllowed, type ReviewOptions } from './access-review.ts';
import type { Act } from './config.ts';
import type { ClusterConnection } from './connection.ts';
import { accessRules, type WriteMethod, ruleInWords } from './permissions.ts';

/** The methods that each key of `allow` permits. Those of one key need the same permissions. */
export const WRITES = {
  cordon: ['cordon', 'uncordon'],
  remove: ['deletePod', 'deleteRunningPod'],
  adjust: ['changeProbe'],
  restart: ['restartWorkload'],
  pin: ['changeImage'],
  renew: ['renew'],
} as const satisfies Record<Act, readonly WriteMethod[]>;

const PURPOSES = {
  cordon: 'cordoning',
  remove: 'deleting pods',
  adjust: 'changing probes',
  restart: 'restarting workloads',
  pin: 'changing images',
  renew: 'renewing certificates',
} as const satisfies Record<Act, string>;

/**
 * Whether a kind of change may be made with this connection, in one namespace or in all. Names the first permission that is missing.
 * @param connection undefined if the configuration does not allow it.
 * @throws {SourceError}
 */
export async function readActPermission(
  source: string,
  act: Act,
  connection: ClusterConnection | undefined,
  options: ReviewOptions,
): Promise<ClusterPermission> {
  if (!connection)
    return { allowed: false, because: `\`allow.${act}\` is not configured for the source ${source}` };
  const { namespace } = options;
  const rules = accessRules(WRITES[act][0], 'none');
  const answers = await Promise.all(rules.map((rule) => isAllowed(connection, rule, options)));
  const missing = rules.find((_, at) => !answers[at]);
  if (!missing) return { allowed: true };
  const where = namespace === undefined ? '' : ` in the namespace ${printable(namespace)}`;
  return {
    allowed: false,
    because: `the credential for ${PURPOSES[act]} lacks \`${ruleInWords(missing)}\`${where}`,
  };
}
