import { wording } from '../../kit.ts';
import { shareOf } from '../../shared/grammar.ts';
import { type BondState, unknownsOf } from './bond-state.ts';
import type { HostFacts } from './facts.ts';
import type { BondProblem } from './problem.ts';

/** The worst first; only the first with bonds is in the verdict, and how many others there are. */
const WORDS: readonly {
  readonly is: BondProblem['is'];
  readonly one: string;
  readonly many: string;
}[] = [
  { is: 'down', one: 'is down', many: 'are down' },
  { is: 'dead-slave', one: 'sends traffic into a dead link', many: 'send traffic into dead links' },
  { is: 'degraded', one: 'has lost a link', many: 'have lost links' },
  { is: 'split', one: 'aggregates only some of its slaves', many: 'aggregate only some of their slaves' },
  { is: 'unmonitored', one: "doesn't check its links", many: "don't check their links" },
];

export function verdictOf(
  hosts: readonly HostFacts[],
  bonds: readonly BondState[],
  problems: readonly BondProblem[],
): string {
  const cutOff = problems.filter(({ is }) => is === 'cut-off').flatMap((problem) => problem.bonds);
  if (cutOff.length > 0)
    return `${wording.list(cutOff.map(({ target }) => target))} couldn't be read: BPDU guard disabled ${cutOff.length === 1 ? 'its switch ports' : 'their switch ports'}`;
  if (bonds.length === 0)
    return hosts.length === 1 ? '1 host has no bond' : `${hosts.length} hosts have no bonds`;
  const parts = WORDS.flatMap(({ is, one, many }) => {
    const of = problems.filter((problem) => problem.is === is);
    const amount = new Set(of.flatMap((problem) => problem.bonds.map(({ target }) => target))).size;
    if (amount === 0) return [];
    const isGuard = of.every(({ isBpduGuard }) => isBpduGuard);
    const why = isGuard
      ? `: BPDU guard disabled ${amount === 1 ? 'its switch ports' : 'their switch ports'}`
      : '';
    return [{ amount, words: amount === 1 ? one : many, why }];
  });
  const [first, second] = parts;
  if (!first) return problems.length === 0 ? allWell(hosts, bonds) : othersOnly(bonds, problems);
  const more = second ? `, and ${second.amount} ${second.words}` : '';
  return `${shareOf(first.amount, bonds.length, 'bond')} ${first.words}${first.why}${more}`;
}

function allWell(hosts: readonly HostFacts[], bonds: readonly BondState[]): string {
  const unclear = bonds.filter((bond) => unknownsOf(bond).length > 0).length;
  if (unclear > 0) return `${shareOf(unclear, bonds.length, 'bond')} couldn't be judged`;
  const all = bonds.length === 1 ? 'The only bond has' : `All ${bonds.length} bonds have`;
  const owners = new Set(bonds.map(({ host }) => host.name)).size;
  const where =
    owners === hosts.length
      ? ''
      : `; ${wording.count(hosts.length - owners, 'host')} ${hosts.length - owners === 1 ? 'has' : 'have'} no bond`;
  return `${all} links on all slaves${where}`;
}

/** Bonds that are not in use, and hints. */
function othersOnly(bonds: readonly BondState[], problems: readonly BondProblem[]): string {
  const amount = new Set(problems.flatMap((one) => one.bonds.map(({ target }) => target))).size;
  return `${shareOf(amount, bonds.length, 'bond')} ${amount === 1 ? 'needs' : 'need'} attention`;
}
