import type { Catalogue } from '../../src/request/catalogue.ts';
import type { RemediationsByName } from '../../src/check/define-remediation.ts';
import { usageOf } from '../../src/request/parse.ts';
import { table } from './regions.ts';

/** Every check, how it is asked and what taught it. */
export function commandTable({ checks }: Catalogue): string {
  const rows = [...checks].map(([name, check]) => [`\`/${name.replace('/', ' ')}\``, check.title, check.why]);
  return table(['ask', 'to find', 'because'], rows);
}

/** For those who write checks: the full usage of each, and the ports it reads. */
export function checkTable({ checks }: Catalogue): string {
  const rows = [...checks].map(([name, check]) => [
    `[${name}](${name}/check.ts)`,
    `\`${usageOf(name, check)}\``,
    check.uses.join(', '),
  ]);
  return table(['check', 'usage', 'reads'], rows);
}

/** Every fix: what configuration calls it, where it is offered, what it does, how it is approved, and which permission of a source it needs. */
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
  return table(['fix', 'offered by', 'does', 'risk', 'needs'], rows);
}
