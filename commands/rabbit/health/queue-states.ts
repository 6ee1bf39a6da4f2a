import type { ports } from '../../kit.ts';

/** As RabbitMQ names them: https://www.rabbitmq.com/docs/queues and https://www.rabbitmq.com/docs/quorum-queues */
const RUNNING: ReadonlySet<string> = new Set(['running', 'idle', 'live', 'flow', 'syncing']);
const DOWN: ReadonlySet<string> = new Set(['down', 'minority', 'stopped', 'crashed', 'terminated', 'noproc']);

/** Whether no one can use the queue. */
export function isDown(state: string | undefined): boolean {
  return state !== undefined && DOWN.has(state.toLowerCase());
}

/** Whether it was said to work. */
export function isUp(state: string | undefined): boolean {
  return state !== undefined && RUNNING.has(state.toLowerCase());
}

/** Whether too few members are online to elect a leader. */
export function isInMinority({ members = [], online }: ports.BrokerQueue): boolean {
  return members.length > 0 && online !== undefined && online.length <= members.length / 2;
}

/** Whether no message can be published to it or read from it. */
export function isUnusable(queue: ports.BrokerQueue): boolean {
  return isDown(queue.state) || isInMinority(queue);
}

/** The members that are offline. */
export function missingOf({ members = [], online }: ports.BrokerQueue): readonly string[] {
  return online === undefined ? [] : members.filter((one) => !online.includes(one)).toSorted();
}
