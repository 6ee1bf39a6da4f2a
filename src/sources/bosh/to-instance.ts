import { z } from 'zod';
import type { Instance, RunningProcess } from '../../ports/processes.ts';
import { printable } from '../../wire/x509.ts';
import type { BoshConfig } from './config.ts';
import { restartPermission } from './restart-permission.ts';

/**
 * The fields of a line of `instances?format=full` that are used. Vitals are ignored. A 0 is omitted by the director, and `index` may be
 * null: https://bosh.io/docs/director-api-v1/#list-instances-detailed
 */
export const instanceResponse = z.object({
  job_name: z.string().min(1),
  id: z.string().nullish(),
  index: z.number().int().nullish(),
  vm_cid: z.string().nullish(),
  agent_id: z.string().nullish(),
  az: z.string().nullish(),
  ips: z.array(z.string()).nullish(),
  job_state: z.string().nullish(),
  state: z.string().nullish(),
  ignore: z.boolean().nullish(),
  processes: z
    .array(
      z.object({
        name: z.string().min(1),
        state: z.string().nullish(),
        uptime: z.object({ secs: z.number().nullish() }).nullish(),
      }),
    )
    .nullish(),
});
export type InstanceResponse = z.output<typeof instanceResponse>;

const STATES: Readonly<Record<string, Instance['state']>> = {
  running: 'running',
  failing: 'failing',
  starting: 'starting',
  stopped: 'stopped',
  unknown: 'unknown',
  'unresponsive agent': 'unresponsive',
};

/** The agent reports `unknown` for a process that monit doesn't monitor. */
const PROCESS_STATES: Readonly<Record<string, RunningProcess['state']>> = {
  running: 'running',
  failing: 'failing',
  starting: 'starting',
  unknown: 'unmonitored',
};

/** An instance without an id and an index can't be named, so it can't be shown. */
export function toInstance(
  config: BoshConfig,
  directorVersion: string,
  answer: InstanceResponse,
  /** An errand needs no VM. */
  isErrand: boolean,
): Instance | undefined {
  const { id: uuid, index, az } = answer;
  const group = printable(answer.job_name);
  const id = uuid ? printable(uuid) : index?.toString();
  if (id === undefined) return undefined;
  const incarnation = [answer.vm_cid, answer.agent_id].filter(Boolean).join(' ');
  const facts = {
    group,
    desired: isErrand ? ('detached' as const) : desiredOf(answer),
    ignored: answer.ignore ?? false,
    state: stateOf(answer),
    processes: (answer.processes ?? []).map(toProcess),
  };
  return {
    ...facts,
    id,
    name: `${group}/${index ?? id}`,
    addresses: (answer.ips ?? []).map(printable),
    ...(typeof index === 'number' && { index }),
    ...(az && { zone: printable(az) }),
    ...(incarnation !== '' && { incarnation: printable(incarnation) }),
    restart: restartPermission(config, directorVersion, { ...facts, isErrand }),
  };
}

function desiredOf({ state }: InstanceResponse): Instance['desired'] {
  return state === 'stopped' || state === 'detached' ? state : 'started';
}

/** An unknown state never counts as healthy. */
function stateOf({ vm_cid: vm, job_state: state }: InstanceResponse): Instance['state'] {
  if (!state) return vm ? 'unknown' : 'absent';
  return STATES[state] ?? 'unknown';
}

function toProcess({
  name,
  state,
  uptime,
}: NonNullable<InstanceResponse['processes']>[number]): RunningProcess {
  const seconds = uptime?.secs;
  return {
    name: printable(name),
    state: PROCESS_STATES[state ?? 'unknown'] ?? 'failing',
    ...(typeof seconds === 'number' && { uptimeSeconds: seconds }),
  };
}
