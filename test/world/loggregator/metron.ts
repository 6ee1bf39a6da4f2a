// A metron_agent as far as the outage goes: it looks who has announced itself, and panics as it did then.
// The real one would have used the dopplers of other zones (reference: cf-and-certificates.md section 1.3). As it was told ("The Day I
// Broke Every VM in Cloud Foundry", 2016), one zone without a doppler took down every metron_agent, and this one follows the telling.
import { setTimeout as sleep } from 'node:timers/promises';
import { type KeyNode, openKeys } from './keys.ts';
import { endWithOwner, readSettings } from './settings.ts';

const PROTOCOL = 'udp';
const LOOKS_EVERY_MS = 1000;

const { etcd, ownerPid } = readSettings();
const keys = openKeys(etcd);

for (;;) {
  endWithOwner(ownerPid);
  const zones = await look();
  if (zones.some((zone) => !listens(zone))) panic();
  await sleep(LOOKS_EVERY_MS);
}

/** The zones in which a doppler has ever announced itself: directories have no time to live. While etcd does not answer nothing has changed. */
async function look(): Promise<readonly KeyNode[]> {
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
