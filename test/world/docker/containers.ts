import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_WAIT_MS } from '../../timeouts.ts';
import { type EngineAsker, expectSuccess } from './ask.ts';

/** A container to create. Its command takes milliseconds. */
export interface ContainerPlan {
  readonly name?: string;
  /** Default `base:209`. */
  readonly image?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Default `ended`: it has run and exited. `created`: never started. */
  readonly state?: 'ended' | 'running' | 'paused' | 'created';
  /**
   * How many bytes it writes to its own layer; `SizeRw` is exactly that. Without space for them it exits
   * with 1.
   */
  readonly writes?: number;
  /** Default 0. One with a restart policy is stopped instead: 137. */
  readonly exitCode?: number;
  /** `/data` for an anonymous volume, `name:/data` for a named one, `/path:/data` for a folder of the machine. */
  readonly volumes?: readonly string[];
  /** `name`, `id` or `name:ro`. */
  readonly volumesFrom?: readonly string[];
  /** Default `none`. `container:name` */
  readonly network?: string;
  readonly restart?: 'no' | 'always' | 'unless-stopped' | 'on-failure';
  /** `--rm` */
  readonly autoRemove?: boolean;
  /** `KEY=value` */
  readonly env?: readonly string[];
}

/** Creates a container and brings it into the requested state. Returns its full id. */
export async function runContainer(ask: EngineAsker, image: string, plan: ContainerPlan): Promise<string> {
  const { state = 'ended' } = plan;
  const answer = await ask('POST', `/containers/create${plan.name ? `?name=${plan.name}` : ''}`, {
    Image: plan.image ?? image,
    Cmd: ['sh', '-c', scriptOf(plan)],
    Labels: plan.labels ?? {},
    Env: plan.env ?? [],
    Volumes: Object.fromEntries((plan.volumes ?? []).filter(isAnonymous).map((path) => [path, {}])),
    HostConfig: {
      NetworkMode: plan.network ?? 'none',
      AutoRemove: plan.autoRemove ?? false,
      Binds: (plan.volumes ?? []).filter((volume) => !isAnonymous(volume)),
      VolumesFrom: plan.volumesFrom ?? null,
      // Nothing restarts it while it is brought into its state.
      RestartPolicy: { Name: 'no' },
    },
  });
  const { Id: id } = expectSuccess('create', answer) as { readonly Id: string };
  if (state !== 'created') await bringTo(state, ask, id, plan);
  if (plan.restart) await setRestartPolicy(ask, id, plan.restart);
  return id;
}

async function bringTo(
  state: 'ended' | 'running' | 'paused',
  ask: EngineAsker,
  id: string,
  { restart, writes = 0, autoRemove = false }: ContainerPlan,
): Promise<void> {
  expectSuccess('start', await ask('POST', `/containers/${id}/start`));
  if (restart || state !== 'ended') await untilWritten(ask, id, writes);
  if (state === 'paused') expectSuccess('pause', await ask('POST', `/containers/${id}/pause`));
  // With a restart policy, only a container that was stopped stays down.
  if (state === 'ended' && restart) expectSuccess('stop', await ask('POST', `/containers/${id}/stop?t=0`));
  if (state !== 'ended') return;
  // 404: it has removed itself already.
  await ask('POST', `/containers/${id}/wait?condition=${autoRemove ? 'removed' : 'not-running'}`);
}

async function untilWritten(ask: EngineAsker, id: string, bytes: number): Promise<void> {
  for (const endsAt = Date.now() + MAX_WAIT_MS; Date.now() < endsAt; await sleep(50)) {
    const found = expectSuccess('inspect', await ask('GET', `/containers/${id}/json?size=1`));
    if ((found as { readonly SizeRw?: number }).SizeRw === bytes) return;
  }
  throw new Error(`${id} did not write ${bytes} bytes`);
}

async function setRestartPolicy(ask: EngineAsker, id: string, name: string): Promise<void> {
  const update = { RestartPolicy: { Name: name } };
  expectSuccess('update', await ask('POST', `/containers/${id}/update`, update));
}

function scriptOf({ writes = 0, exitCode = 0, restart, state }: ContainerPlan): string {
  const write = writes > 0 ? [`head -c ${writes} /dev/zero > /written || exit 1`] : [];
  const runsOn = state === 'running' || state === 'paused' || restart !== undefined;
  const last = runsOn ? 'exec sleep 86400' : `exit ${exitCode}`;
  return [...write, last].join('; ');
}

function isAnonymous(volume: string): boolean {
  return !volume.includes(':');
}
