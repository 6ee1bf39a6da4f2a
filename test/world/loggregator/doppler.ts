// A doppler as etcd sees it: it registers itself like loggregator's dopplerservice in 2016:
// https://github.com/cloudfoundry/loggregator-release/blob/d11b9f1/src/doppler/dopplerservice/announcer.go
// SIGUSR2 makes it stuck, as in the outage: it runs, but no longer registers itself.
import { setTimeout as sleep } from 'node:timers/promises';
import { openKeys } from './keys.ts';
import { endWithOwner, readSettings } from './settings.ts';

const { etcd, zone, job, id, address, ttlSeconds, ownerPid } = readSettings();
const keys = openKeys(etcd);
const path = `/doppler/meta/${zone}/${job}/${id}`;
const value = JSON.stringify({
  version: 1,
  endpoints: [`udp://${address}:3457`, `tcp://${address}:3458`, `ws://${address}:8081`],
});
const ttl = String(ttlSeconds);
let stuck = false;
let working: Promise<void> = Promise.resolve();

process.on('SIGUSR2', () => {
  stuck = true;
  say('announces itself no more');
});
process.once('SIGTERM', () => {
  stuck = true;
  void leave();
});

say(`runs, and announces ${path}`);
for (;;) {
  endWithOwner(ownerPid);
  if (!stuck) await (working = announce());
  await sleep((ttlSeconds * 1000) / 2);
}

/** Refreshes its key, or creates it again if it has expired. Retries after every other failure, forever. */
async function announce(): Promise<void> {
  try {
    const kept = await keys('PUT', path, { value, ttl, prevValue: value });
    if (kept.body.errorCode !== 100) {
      if (kept.status >= 300) say(`etcd refused: ${kept.status}, errorCode ${kept.body.errorCode}`);
      return;
    }
    if (stuck) return;
    const made = await keys('PUT', path, { value, ttl, prevExist: 'false' });
    say(made.status < 300 ? 'registered' : `not registered: errorCode ${made.body.errorCode}`);
  } catch (error) {
    say(`etcd does not answer: ${(error as Error).message}`);
  }
}

/** Deletes only its own key. */
async function leave(): Promise<void> {
  const patience = setTimeout(() => process.exit(0), 2000);
  await working;
  await keys('DELETE', `${path}?prevValue=${encodeURIComponent(value)}`).catch(() => undefined);
  clearTimeout(patience);
  process.exit(0);
}

function say(what: string): void {
  process.stderr.write(`${new Date().toISOString()} doppler ${what}\n`);
}
