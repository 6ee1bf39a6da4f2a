import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSshd } from '../world/sshd.ts';
import type { Figure } from './figure.ts';
import { HOST_QUESTIONS, type HostsAccess } from './hosts-answers.ts';

const HOSTS = 500;
const CONCURRENCY = 50;

/** A host without a bond; the shell that runs it is part of what sshd costs. */
const COLLECT = `#!/bin/sh
case $SSH_ORIGINAL_COMMAND in
  *date*) echo 1764158400.123456789,+0000 ;;
  *link*) echo '[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP"],"mtu":65536,"operstate":"UNKNOWN","link_type":"loopback"}]' ;;
  *addr*) echo '[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP"],"mtu":65536,"addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8}]}]' ;;
  *route*) echo '[{"dst":"default","gateway":"10.0.0.1","dev":"eno1"}]' ;;
  *bonding*) echo 'grep: /proc/net/bonding: No such file or directory' >&2; exit 2 ;;
esac
`;

/** The result of one separate process. */
interface Outcome {
  readonly answers: number;
  readonly ms: number;
}

/** Compares questions to many hosts, all of them one sshd, with a loop over ssh2 that sends the same commands with the same concurrency. */
export async function benchHosts(cleanup: AsyncDisposableStack): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-bench-'));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const save = async (name: string, content: string): Promise<string> => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  const collect = await save('collect', COLLECT);
  await chmod(collect, 0o755);
  const sshd = await startSshd({
    settings: ['MaxStartups 1000'],
    keyOptions: `restrict,command="${collect}"`,
  });
  cleanup.defer(sshd.close);
  const { port, user, keyPath, hostKey } = sshd;
  const access: HostsAccess = { port, user, keyPath, hostKey, hosts: HOSTS, concurrency: CONCURRENCY };
  const names = Array.from({ length: HOSTS }, (_, at) => `cmp-${at} 127.0.0.1`);
  const inventory = await save('inventory', names.join('\n'));
  const knownHosts = await save('known_hosts', `[127.0.0.1]:${port} ${hostKey}\n`);
  const measure = async (program: string): Promise<number> => {
    const { answers, ms } = await run(program, [JSON.stringify(access), inventory, knownHosts]);
    const expected = HOSTS * HOST_QUESTIONS.length;
    if (answers !== expected) throw new Error(`${program} got ${answers} of ${expected} replies`);
    return (answers / ms) * 1000;
  };
  const bare = await measure('hosts-bare.ts');
  const ours = await measure('hosts-ours.ts');
  return [
    {
      name: `${HOST_QUESTIONS.length} questions to each of ${HOSTS} hosts over ssh, against a loop over ssh2`,
      ours,
      bare,
      ratio: ours / bare,
      unit: 'questions/s',
      goal: 'ratio >= 0.8',
    },
  ];
}

async function run(program: string, args: readonly string[]): Promise<Outcome> {
  const child = fork(new URL(program, import.meta.url), [...args]);
  let outcome: Outcome | undefined;
  child.on('message', (message: Outcome) => (outcome = message));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0 || !outcome) throw new Error(`${program} ended with ${code}`);
  return outcome;
}
