import type { Machine } from '../script.ts';
import type { TokenRange } from './groovy-calls.ts';
import { type EvaluatedFile, isWord } from './groovy-expression.ts';
import { isHole } from './groovy-value.ts';

/** More of a pod's definition isn't read. */
const MAX_AGENT_CHARS = 20_000;

/** What an `agent { … }` or the arguments of `podTemplate` say about the machine. */
export function agentIn(
  file: EvaluatedFile,
  { from, to }: TokenRange,
  isPod = false,
): { readonly hasAgent: boolean; readonly machine?: Machine } {
  const { tokens, content, names } = file;
  const start = tokens[from]?.at ?? content.length;
  const end = Math.min(tokens[to]?.at ?? content.length, start + MAX_AGENT_CHARS);
  const written = content.slice(start, end);
  const hasAgent = !/\breuseNode\s*(?:\(\s*)?true\b/.test(written);
  if (!isPod && !/\bkubernetes\b/.test(written)) return { hasAgent };
  let pod = written;
  for (let index = from; index < Math.min(to, from + 200); index += 1) {
    const name = tokens[index + 1];
    if (!isWord(tokens[index], 'yaml') || !isWord(name)) continue;
    const value = names.look(name.text).groovy.values.at(-1);
    for (const part of value ?? []) if (!isHole(part)) pod += part.text.slice(0, MAX_AGENT_CHARS);
  }
  return { hasAgent, machine: machineOfPod(pod) };
}

/** Containers are thrown away with the pod if their daemon runs in it. */
function machineOfPod(pod: string): Machine {
  const hasDaemon = /\bimage['"]?\s{0,9}[:=]\s{0,9}['"]?[^\s'",)]*dind/.test(pod);
  if (!hasDaemon) return 'kept';
  const isOnNode = pod.includes('hostPath');
  if (isOnNode && /\/var\/(?:run\/docker\.sock|lib\/docker)|\/run\/docker\.sock/.test(pod)) return 'kept';
  const isOnVolume = /persistentVolumeClaim/i.test(pod) && pod.includes('/var/lib/docker');
  return isOnVolume ? 'unknown' : 'discarded';
}
