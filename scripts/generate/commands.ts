import type { AnyCheck } from '../../src/check/define-check.ts';
import type { Catalogue } from '../../src/request/catalogue.ts';
import type { RemediationsByName } from '../../src/check/define-remediation.ts';
import { usageOf } from '../../src/request/parse.ts';
import { table } from './regions.ts';

/** Every check: how to run it, what it finds, and why it exists. */
export function commandTable({ checks }: Catalogue): string {
  const rows = [...checks].map(([name, check]) => [
    `\`/${name.replace('/', ' ')}\``,
    check.title,
    originCell(check),
  ]);
  return table(['command', 'finds', 'why'], rows);
}

/** The outage behind a check, or its policy with a link. */
function originCell({ why = '', policy }: AnyCheck): string {
  return policy ? `[Policy](${policy.source}): ${policy.rule}` : why;
}

/** For authors of checks: the full usage of each, and the ports it reads. */
export function checkTable({ checks }: Catalogue): string {
  const rows = [...checks].map(([name, check]) => [
    `[${name}](${name}/check.ts)`,
    `\`${usageOf(name, check)}\``,
    // A check that needs any of several ports has them all in `mayUse`.
    (check.uses.length > 0 ? check.uses : (check.mayUse ?? [])).join(', '),
  ]);
  return table(['check', 'usage', 'reads'], rows);
}

/** Every fix: its name in the configuration, the command that offers it, what it does, its risk, and the permission that it needs from a source. */
export function remediationTable({ checks }: Catalogue): string {
  const rows = [...checks].flatMap(([name, { remediations = {} }]) =>
    Object.entries(remediations as RemediationsByName).map(([fix, { about, risk, allow }]) => [
      `\`${name}:${fix}\``,
      `\`/${name.replace('/', ' ')}\``,
      about,
      risk,
      `\`allow.${allow}\``,
    ]),
  );
  return table(['fix', 'offered by', 'what it does', 'risk', 'permission'], rows);
}
