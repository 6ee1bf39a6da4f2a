import { addEvent, type Task, TaskError, type TaskQueue } from './tasks.ts';
import type { DirectorVm, VmBackend } from './vms.ts';

export interface RestartRequest {
  readonly queue: TaskQueue;
  readonly backend: VmBackend;
  readonly group: string;
  readonly id: string;
}

/**
 * A restart task: takes the deployment's lock, rejects errands, restarts, and checks that everything runs
 * afterwards:
 * https://github.com/cloudfoundry/bosh/blob/main/src/bosh-director/lib/bosh/director/jobs/update_instance.rb
 */
export async function restartInstance(
  task: Task,
  { queue, backend, group, id }: RestartRequest,
): Promise<string> {
  return queue.withLock(task, async () => {
    const vm = await findVm(backend, group, id);
    if (!vm) throw new TaskError(70_001, `'${task.deployment}/${group}/${id}' doesn't exist`);
    const name = `${group}/${vm.id} (${vm.index})`;
    refuse(vm);
    const event = { stage: 'Updating instance', tags: [group], total: 1, task: name, index: 1 };
    addEvent(task, { ...event, state: 'started', progress: 0 });
    try {
      await run(backend, vm, name);
    } catch (error) {
      const { message } = error as Error;
      addEvent(task, { ...event, state: 'failed', progress: 100, data: { error: message } });
      throw error;
    }
    addEvent(task, { ...event, state: 'finished', progress: 100 });
    return `${group}/${vm.id}`;
  });
}

export async function findVm(backend: VmBackend, group: string, id: string): Promise<DirectorVm | undefined> {
  const vms = await backend.vms();
  return vms.find((vm) => vm.group === group && (vm.id === id || String(vm.index) === id));
}

function refuse(vm: DirectorVm): void {
  const name = `${vm.group}/${vm.id}`;
  if (vm.errand === true)
    throw new TaskError(
      140_011,
      'Isolated restart can not be run on instances of type errand. Try the bosh run-errand command.',
    );
  if (vm.ignore === true)
    throw new TaskError(
      190_020,
      `You are trying to change the state of the ignored instance '${name}'. This operation is not allowed. You need to unignore it first.`,
    );
}

async function run(backend: VmBackend, vm: DirectorVm, name: string): Promise<void> {
  if (vm.jobState === 'unresponsive agent')
    throw new TaskError(
      450_002,
      `Timed out sending 'get_state' to instance: '${name}', agent-id: '${vm.agentId}' after 45 seconds`,
    );
  await backend.restart(vm);
  const after = await findVm(backend, vm.group, vm.id);
  if (after?.jobState !== 'running') throw new TaskError(400_007, `'${name}' is not running after update`);
}
