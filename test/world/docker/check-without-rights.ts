import { chmod } from 'node:fs/promises';
// Loaded while this process may still read the files.
import 'dockerode';
import { dockerConfig } from '../../../src/sources/docker/config.ts';
import { openDocker } from '../../../src/sources/docker/open.ts';

/**
 * Runs as a process: prints the health of the engine at a socket, as a user who may not use that socket.
 * Root could use any.
 */
const [socket = ''] = process.argv.slice(2);
const NOBODY = 65_534;

await chmod(socket, process.getuid?.() === 0 ? 0o600 : 0);
if (process.getuid?.() === 0) {
  process.setegid?.(NOBODY);
  process.seteuid?.(NOBODY);
}
const source = openDocker(dockerConfig.parse({ kind: 'docker', url: `unix://${socket}` }));
process.stdout.write(JSON.stringify(await source.healthCheck(new AbortController().signal)));
await source.close();
