import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_WAIT_MS } from '../../timeouts.ts';

/** Where a monit is asked, and as whom. */
export interface MonitAccess {
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

/** What monit says about one process. For the numbers see https://mmonit.com/monit/documentation/monit.html. */
export interface Watched {
  readonly name: string;
  /** Bit mask of what is wrong; 0 is well, 512 gone, 4608 gone and could not be started. */
  readonly status: number;
  /** 0 not monitored, 1 monitored, 2 initializing. */
  readonly monitor: number;
  readonly pendingAction: number;
  readonly pid?: number;
  readonly uptimeSeconds?: number;
}

export type MonitAction = 'start' | 'stop' | 'restart' | 'monitor' | 'unmonitor';

/** Asks a monit of ours about its processes. Only for answers of the monit installed here: the source's own reader trusts nobody. */
export async function readWatched(monit: MonitAccess): Promise<readonly Watched[]> {
  return watchedIn(await readStatus(monit));
}

/** The whole answer, in the dialect that the BOSH agent asks for. */
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

/** Gives an order, which is done when monit comes to it. */
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

/** Asks until all is as wanted. */
export async function waitForWatched(
  monit: MonitAccess,
  wanted: (watched: readonly Watched[]) => boolean,
  limitMs = MAX_WAIT_MS,
): Promise<readonly Watched[]> {
  return watchedIn(await waitForStatus(monit, (status) => wanted(watchedIn(status)), limitMs));
}

/** The same for the whole answer, which also has what are no processes. */
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
