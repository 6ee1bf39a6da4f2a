import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_WAIT_MS } from '../../timeouts.ts';

/** The address and credentials of a monit. */
export interface MonitAccess {
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

/** Monit's status of one process. For the numbers see https://mmonit.com/monit/documentation/monit.html. */
export interface Watched {
  readonly name: string;
  /** Bit mask of errors; 0 is healthy, 512 gone, 4608 gone and could not be started. */
  readonly status: number;
  /** 0 not monitored, 1 monitored, 2 initializing. */
  readonly monitor: number;
  readonly pendingAction: number;
  readonly pid?: number;
  readonly uptimeSeconds?: number;
}

export type MonitAction = 'start' | 'stop' | 'restart' | 'monitor' | 'unmonitor';

/**
 * Reads the processes of a test's monit. Only for the installed version; the source's own reader validates
 * its input.
 */
export async function readWatched(monit: MonitAccess): Promise<readonly Watched[]> {
  return watchedIn(await readStatus(monit));
}

/** The whole response, in the format that the BOSH agent requests. */
export async function readStatus(monit: MonitAccess): Promise<string> {
  const answer = await fetch(`${monit.url}/_status2?format=xml`, { headers: authorization(monit) });
  if (!answer.ok) throw new Error(`monit answered ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer()).toString('latin1');
}

function watchedIn(status: string): readonly Watched[] {
  return [...status.matchAll(/<service name="([^"]*)"><type>3<\/type>(.*?)<\/service>/gs)].map(
    ([, name = '', text = '']): Watched => {
      const number = (tag: string): number | undefined => {
        const found = new RegExp(`<${tag}>(-?\\d+)</${tag}>`).exec(text)?.[1];
        return found === undefined ? undefined : Number(found);
      };
      const pid = number('pid');
      const uptimeSeconds = number('uptime');
      return {
        name,
        status: number('status') ?? 0,
        monitor: number('monitor') ?? 0,
        pendingAction: number('pendingaction') ?? 0,
        ...(pid !== undefined && { pid }),
        ...(uptimeSeconds !== undefined && { uptimeSeconds }),
      };
    },
  );
}

/** Sends an action, which monit executes later. */
export async function order(monit: MonitAccess, process: string, action: MonitAction): Promise<void> {
  const ping = await fetch(`${monit.url}/_ping`, { headers: authorization(monit) });
  const token = /securitytoken=(\w+)/.exec(ping.headers.get('set-cookie') ?? '')?.[1] ?? '';
  const answer = await fetch(`${monit.url}/${encodeURIComponent(process)}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { ...authorization(monit), cookie: `securitytoken=${token}` },
    body: new URLSearchParams({ action, securitytoken: token }),
  });
  if (answer.status >= 400) throw new Error(`monit answered ${answer.status} to ${action} ${process}`);
}

/** Polls until everything is as expected. */
export async function waitForWatched(
  monit: MonitAccess,
  wanted: (watched: readonly Watched[]) => boolean,
  limitMs = MAX_WAIT_MS,
): Promise<readonly Watched[]> {
  return watchedIn(await waitForStatus(monit, (status) => wanted(watchedIn(status)), limitMs));
}

/** The same for the whole response, including checks that are no processes. */
export async function waitForStatus(
  monit: MonitAccess,
  wanted: (status: string) => boolean,
  limitMs = MAX_WAIT_MS,
): Promise<string> {
  const endsAt = performance.now() + limitMs;
  for (;;) {
    const status = await readStatus(monit);
    if (wanted(status)) return status;
    if (performance.now() > endsAt) throw new Error(`after ${limitMs} ms monit still says ${status}`);
    await sleep(200);
  }
}

function authorization({ username, password }: MonitAccess): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}
