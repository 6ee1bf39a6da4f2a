import { readFile } from 'node:fs/promises';
import ssh2, { type Client } from 'ssh2';
import { HOST_COMMANDS } from '../../src/wire/host-commands.ts';
import { HOST_QUESTIONS, type HostsAccess } from './hosts-answers.ts';

/**
 * The baseline: a loop over ssh2 that connects to each host, runs the same commands one after the other, and
 * drops their output. Runs as a separate process; its argument is the access as JSON.
 */
const access = JSON.parse(process.argv[2] ?? '{}') as HostsAccess;
const privateKey = await readFile(access.keyPath);
const [, hostKey = ''] = access.hostKey.split(' ');

function connect(): Promise<Client> {
  const client = new ssh2.Client();
  return new Promise((resolve, reject) => {
    client
      .once('ready', () => resolve(client))
      .once('error', reject)
      .connect({
        host: '127.0.0.1',
        port: access.port,
        username: access.user,
        privateKey,
        hostVerifier: (key: Buffer) => key.toString('base64') === hostKey,
        readyTimeout: 60_000,
        algorithms: { serverHostKey: ['ssh-ed25519'] },
      });
  });
}

function run(client: Client, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.exec(line, (error, channel) => {
      if (error) return reject(error);
      channel.on('data', () => undefined);
      channel.stderr.on('data', () => undefined);
      channel.end();
      return channel.once('close', () => resolve());
    });
  });
}

let answers = 0;
async function askHosts(names: Iterable<number>): Promise<void> {
  for (const _ of names) {
    const client = await connect();
    for (const question of HOST_QUESTIONS) {
      await run(client, HOST_COMMANDS[question]().line);
      answers += 1;
    }
    client.end();
  }
}

const startedAt = performance.now();
const names = Array.from({ length: access.hosts }, (_, at) => at).values();
await Promise.all(Array.from({ length: access.concurrency }, () => askHosts(names)));
process.send?.({ answers, ms: performance.now() - startedAt });
process.disconnect();
