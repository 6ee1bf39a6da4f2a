import type { SourceHealth } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { pkiIssuers } from './pki.ts';
import type { WriteAccess } from './versioned.ts';

/** Adds to the health whether the issuers and roles of all configured PKIs can be read. */
export async function checkPkiHealth(reading: WriteAccess, others: SourceHealth): Promise<SourceHealth> {
  const mounts = reading.config.pki ?? [];
  if (mounts.length === 0) return others;
  try {
    const faults: { readonly place: string; readonly because: string }[] = [];
    let count = 0;
    for await (const one of pkiIssuers(reading)) {
      if (one.kind === 'unseen') faults.push({ place: one.place, because: one.error.message });
      else count += 1;
    }
    const found = `${count} ${count === 1 ? 'issuer' : 'issuers'} in ${mounts.join(', ')}`;
    const [first] = faults;
    if (!first) return { ...others, summary: `${others.summary}; ${found}` };
    const lines = faults.flatMap(({ because }) => {
      const [, capability, path] = /lacks `(\w+)` on (\S+)$/.exec(because) ?? [];
      return path === undefined ? [] : [`path "${path}" { capabilities = ["${capability}"] }`];
    });
    const hint =
      lines.length > 0
        ? `add to its policy: ${[...new Set(lines)].join(' ')}`
        : 'correct `pki`: the paths where PKI engines are mounted';
    return {
      ...others,
      // What is broken comes before advice about a token that works.
      hint: others.ok ? hint : (others.hint ?? hint),
      ok: false,
      summary: `${others.summary}; ${found}; ${faults.map(({ place, because }) => `${place}: ${because}`).join('; ')}`,
    };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return { ...others, ok: false, summary: `${others.summary}; PKIs can't be read: ${error.message}` };
  }
}
