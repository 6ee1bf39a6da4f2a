import { cleaningOf } from './cleaning.ts';
import type { Facts } from './facts.ts';
import { lostBases } from './lost.ts';
import type { JudgedStorage } from './other-findings.ts';
import { basesAtRisk } from './risks.ts';
import { storagesOf } from './storages.ts';

/** What the facts say about each storage. */
export function judge(facts: Facts, now: Date): readonly JudgedStorage[] {
  const storages = storagesOf(facts.hosts, now);
  const lost = lostBases(facts, storages);
  return storages.map((storage) => {
    const cleaning = cleaningOf(storage, facts, now);
    return {
      storage,
      cleaning,
      atRisk: basesAtRisk(storage, cleaning, facts.instances),
      lost: lost.filter((one) => one.storage === storage),
    };
  });
}
