// A metron_agent with the bug of the outage: it reads which dopplers are registered, and panics if a zone
// has none. The real one would have used the dopplers of other zones. According to the report of the outage
// ("The Day I Broke Every VM in Cloud Foundry", 2016), one zone without a doppler took down every
// metron_agent, so it does here.
import { setTimeout as sleep } from 'node:timers/promises';
import { type KeyNode, openKeys } from './keys.ts';
import { endWithOwner, readSettings } from './settings.ts';

const PROTOCOL = 'udp';
const POLL_MS = 1000;

const { etcd, ownerPid } = readSettings();
const keys = openKeys(etcd);

for (;;) {
  endWithOwner(ownerPid);
  const zones = await readZones();
  if (zones.some((zone) => !listens(zone))) panic();
  await sleep(POLL_MS);
}

/**
 * The zones in which a doppler has ever registered: directories do not expire. While etcd does not respond,
 * the zones stay unchanged.
 */
async function readZones(): Promise<readonly KeyNode[]> {
  try {
    const { body } = await keys('GET', '/doppler/meta?recursive=true');
    return body.node?.nodes ?? [];
  } catch (error) {
    process.stderr.write(`etcd does not answer: ${(error as Error).message}\n`);
    return [];
  }
}

function listens({ value, nodes = [] }: KeyNode): boolean {
  return value?.includes(`${PROTOCOL}://`) === true || nodes.some(listens);
}

function panic(): never {
  process.stderr.write(
    `panic: No dopplers listening on [${PROTOCOL}]\n\ngoroutine 1 [running]:\nmain.main()\n`,
  );
  process.exit(2);
}
