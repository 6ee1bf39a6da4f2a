import { setTimeout } from 'node:timers/promises';
import { type ports, SourceError, wording } from '../../kit.ts';
import { type EngineOfSource, enginesOf, nodeFinder } from '../../shared/match-engine.ts';
import type { Context, NodeEngine, NodeFacts } from './facts.ts';
import { disksOf } from './measurements.ts';
import { compareRooms, hasEnough, type Room, roomsOf } from './room.ts';

/** A node of a cluster, whether or not it was requested. */
export type ListedNode = Pick<ports.ClusterNode, 'name' | 'addresses'> & { readonly cluster: string };

/** How many engines of nodes that are short of disk are queried, those with the least space first. */
const MAX_ASKED = 10;
/** Engines do not change the verdict, so the check does not wait for them until the deadline. */
const ASK_WITHIN_MS = 10_000;
/** With less time left, none is queried. */
const RESERVE_MS = 2_000;

/**
 * Adds the container engines of nodes that are short of disk, or whose images cannot be collected. Queries engines only if a node is short.
 * What cannot be read is a gap that does not change the verdict.
 */
export async function withEngines(
  context: Context,
  nodes: readonly NodeFacts[],
  listed: readonly ListedNode[],
): Promise<readonly NodeFacts[]> {
  const engines = enginesOf(context.read.engines ?? []);
  if (engines.length === 0) return nodes;
  const short = shortest(nodes);
  const isBlocked = ({ events }: NodeFacts) => (events?.imageGc?.containers.length ?? 0) > 0;
  const looked = new Set([...short, ...nodes.filter(isBlocked)]);
  if (looked.size === 0) return nodes;

  const answers = new Map<EngineOfSource, Promise<Answer>>();
  const ask = (one: EngineOfSource): Promise<Answer> => {
    const asked = answers.get(one) ?? askEngine(context, one);
    answers.set(one, asked);
    return asked;
  };
  const matched = await matchEngines(context, engines, listed, short.length > 0 ? ask : undefined);
  const ofNode = ({ cluster, name }: Pick<NodeFacts, 'cluster' | 'name'>) =>
    matched.filter(({ node }) => node.cluster === cluster && node.name === name);
  const asked = new Set(short.filter((node) => ofNode(node).length > 0).slice(0, MAX_ASKED));
  const found = new Map(
    await Promise.all(
      Array.from(looked, async (node): Promise<[NodeFacts, readonly NodeEngine[]]> => {
        const own = ofNode(node).map(async ({ one, by }): Promise<NodeEngine> => {
          if (!asked.has(node)) return { target: one.target, by };
          return { target: one.target, by, answer: toAnswer(await ask(one)) };
        });
        return [node, await Promise.all(own)];
      }),
    ),
  );
  return nodes.map((node) => {
    const own = found.get(node) ?? [];
    return own.length === 0 ? node : { ...node, engines: own };
  });
}

/** The nodes that are short of disk, those with the least space first. */
function shortest(nodes: readonly NodeFacts[]): readonly NodeFacts[] {
  return nodes
    .filter((node) => (node.fileSystems ? !hasEnough(node) : node.diskPressure?.status === 'True'))
    .map((node) => ({ node, worst: worstOf(node) }))
    .toSorted(({ worst: a }, { worst: b }) =>
      a && b ? compareRooms(a, b) : Number(a !== undefined) - Number(b !== undefined),
    )
    .map(({ node }) => node);
}

function worstOf({ fileSystems, config }: NodeFacts): Room | undefined {
  return roomsOf(disksOf(fileSystems ?? {}), config).toSorted(compareRooms)[0];
}

interface Matched {
  readonly one: EngineOfSource;
  readonly node: ListedNode;
  readonly by: NodeEngine['by'];
}

/** By the configured name, otherwise by the host name that the engine reports if it may be queried. An ambiguous name does not match. */
async function matchEngines(
  { note }: Context,
  engines: readonly EngineOfSource[],
  listed: readonly ListedNode[],
  ask: ((one: EngineOfSource) => Promise<Answer>) | undefined,
): Promise<readonly Matched[]> {
  const find = nodeFinder(listed);
  const unnamed = engines.filter(({ engine }) => engine.node === undefined).slice(0, MAX_ASKED);
  const hosts = new Map(
    await Promise.all(
      (ask ? unnamed : []).map(async (one): Promise<[EngineOfSource, string | undefined]> => {
        const answer = await ask?.(one);
        return [one, answer instanceof SourceError ? undefined : answer?.hostname];
      }),
    ),
  );
  return engines.flatMap((one) => {
    const machine = one.engine.node ?? hosts.get(one);
    const matches = machine === undefined ? [] : find(machine);
    const [match] = matches;
    if (!match) return [];
    if (matches.length === 1) return [{ one, ...match }];
    const names = matches.map(({ node }) => `${node.cluster}:${node.name}`).toSorted();
    note(`${one.target} matches several nodes, so it is shown for none of them: ${wording.list(names)}`);
    return [];
  });
}

type Answer = ports.EngineInfo | SourceError;

function toAnswer(answer: Answer): NonNullable<NodeEngine['answer']> {
  if (answer instanceof SourceError) return { error: answer.message };
  const { product, running, stopped } = answer;
  return {
    product,
    ...(running !== undefined && { running }),
    ...(stopped !== undefined && { stopped }),
  };
}

/** A failure of the engine is a gap, and returned. It may ignore the signal. */
async function askEngine(
  { signal, leftMs, gap }: Context,
  { source, engine, target }: EngineOfSource,
): Promise<Answer> {
  const withinMs = Math.min(ASK_WITHIN_MS, leftMs() - RESERVE_MS);
  const answered = new AbortController();
  const late = new AbortController();
  const timeout = async (): Promise<never> => {
    await setTimeout(withinMs, undefined, { signal: answered.signal });
    late.abort();
    throw new SourceError(source.name, 'unreachable', `no response within ${withinMs / 1_000} s`);
  };
  try {
    if (withinMs <= 0) throw new SourceError(source.name, 'unreachable', 'not queried before the deadline');
    const query = { engine: engine.name, signal: AbortSignal.any([signal, late.signal]) };
    return await Promise.race([source.info(query), timeout()]);
  } catch (thrown) {
    const isAborted = signal.aborted && !(thrown instanceof SourceError);
    const reason: unknown = isAborted ? signal.reason : thrown;
    if (!(reason instanceof SourceError)) throw reason;
    gap(`${target}: container engine`, reason, { unrelated: true });
    return reason;
  } finally {
    answered.abort();
  }
}

/** The stopped containers on the engines of a node, which its kubelet does not see. undefined if nothing is known. */
export function stoppedText({ engines = [], containerRuntime = '' }: NodeFacts): string | undefined {
  const texts = engines.flatMap(({ target, answer }) =>
    answer && 'stopped' in answer && answer.stopped !== undefined && answer.stopped > 0
      ? [`${target} has ${wording.count(answer.stopped, 'stopped container')}`]
      : [],
  );
  if (texts.length === 0) return undefined;
  const own = containerRuntime.startsWith('docker://') ? ", Kubernetes' own included" : '';
  return `${texts.join(', ')}${own}`;
}

/** `builders:node-b (Docker, matched by name): 14 stopped containers, 3 running` */
export function engineText({ target, by, answer }: NodeEngine): string {
  if (!answer) return `${target} (matched by ${by}), not queried`;
  if ('error' in answer) return `${target} (matched by ${by}) did not respond: ${answer.error}`;
  const { product, stopped, running } = answer;
  const counts = [
    stopped === undefined
      ? 'number of stopped containers unknown'
      : wording.count(stopped, 'stopped container'),
    ...(running === undefined ? [] : [`${running} running`]),
  ];
  return `${target} (${PRODUCTS[product]}, matched by ${by}): ${counts.join(', ')}`;
}

const PRODUCTS: Readonly<Record<ports.EngineInfo['product'], string>> = {
  docker: 'Docker',
  podman: 'Podman',
};

/** Whether an engine of the node may have leftovers, as far as is known. */
export function mayHaveLeftovers({ engines = [] }: NodeFacts): boolean {
  return engines.some(({ answer }) => !answer || (!('error' in answer) && answer.stopped !== 0));
}
